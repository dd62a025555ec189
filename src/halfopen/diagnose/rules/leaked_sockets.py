"""HO101: descriptors are opened and never closed until the table is full."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from halfopen.diagnose.events import (
    AllocationFailed,
    CallFailed,
    ConnectFailed,
    OrphansSwept,
    PeerClosed,
    SocketRefused,
)
from halfopen.diagnose.ledger import Opened
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.rules.recovery import recovery
from halfopen.diagnose.rules.wording import counted, often
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.findings import Finding

#: Fewer descriptors open at once than this is how firmware normally works (a client, a server, a DNS query).
_OPEN_MIN = 5
#: CONFIG_LWIP_MAX_SOCKETS cannot be larger (FACTS: 253 from ESP-IDF 5.4.4).
_DESCRIPTORS_MAX = 253
#: CLOSE_WAIT for longer than this is not slowness: the application has forgotten the descriptor.
_CLOSE_WAIT_S = 30.0


def leaked_sockets(timeline: Timeline) -> Iterator[Finding]:
    """Descriptors that climb without a close, ENFILE at socket(), or dead conversations the device never closes."""
    proof, figures, confidence = _from_log(timeline)
    flows, flow_figures = _from_capture(timeline)
    if not proof and len(flows) < _OPEN_MIN - 1:
        yield from _swept(timeline)
        return
    outcome = (
        recovery(timeline, list(timeline.of(SocketRefused))) if len(figures) == 1 and not flows else None
    )
    if outcome is not None:
        figures.append(outcome.text)
    if flows:
        figures.append(flow_figures)
        for talk, _ in zip(flows, range(2), strict=False):
            proof += frames(talk.flow, talk.device.last or talk.device.syn)
        confidence = min(0.99, (confidence or 0.8) + 0.05)
    if proof and figures:
        yield prove(
            timeline,
            "HO101",
            "; ".join(figures) + ".",
            proof,
            confidence=confidence,
            severity=outcome.severity if outcome else None,
        )


def _swept(timeline: Timeline) -> Iterator[Finding]:
    """Descriptors that the program left open and the sweep of halfopen's own link closed."""
    sweeps = list(timeline.of(OrphansSwept))
    if sweeps:
        summary = (
            f"the program left {counted(sum(s.count for s in sweeps), 'descriptor')} open that nothing used any more; the link's"
            " sweep closed them before they filled the table."
        )
        yield prove(
            timeline, "HO101", summary, spread(sweeps), confidence=0.9, severity="info", about="swept"
        )


def _from_log(timeline: Timeline) -> tuple[list[Proof], list[str], float]:
    ledger = timeline.ledger
    own = [o for o in ledger.opened if not o.accepted]
    climbing = _climb(timeline, own)
    full = [r for r in ledger.refused if not r.accepting and r.errno in (None, 23)]
    if full and any(timeline.of(AllocationFailed)) and full[0].errno is None and len(climbing) < _OPEN_MIN:
        full = []  # "cannot create socket" without a number, while memory is refused too: memory it is
    if len(climbing) >= _OPEN_MIN:
        first, last = climbing[0].fd, climbing[-1].fd
        figures = [
            f"{len(climbing)} descriptors were opened one above the other and none closed (fd {first} to {last})"
        ]
        proof: list[Proof] = []
        if full:
            proof.append(full[0])
            errno = "ENFILE 23" if full[0].errno == 23 else "no descriptor left"
            figures.append(f"then socket() failed: {errno}")
        proof += spread([o.event for o in climbing], 4)
        failures = [e for e in timeline.of(CallFailed) if e.fd in {o.fd for o in climbing}]
        if failures:
            proof.append(failures[0])
        if not full and not failures and not _superseded(timeline, climbing):
            return [], [], 0.0
        return proof, figures, 0.97 if full else 0.75
    if full:
        known = f" after {len(own)} opened" if own else ""
        errno = "ENFILE 23" if any(r.errno == 23 for r in full) else "no descriptor left"
        figures = [
            f"socket() failed {often(len(full))} with {errno}{known}: every descriptor is held by something"
        ]
        return [*spread(full)], figures, 0.8 if errno.startswith("ENFILE") else 0.7
    return [], [], 0.0


def _climb(timeline: Timeline, opened: list[Opened]) -> list[Opened]:
    """The longest run of descriptors opened one above the other, each while all before it were still open."""
    best: list[Opened] = []
    run: list[Opened] = []
    for item in opened:
        now = timeline.position(item.event)
        run = [o for o in run[-_DESCRIPTORS_MAX:] if o.closed is None or timeline.position(o.closed) > now]
        if run and item.fd <= run[-1].fd:
            run = []
        run.append(item)
        if len(run) > len(best):
            best = list(run)
    return best


def _superseded(timeline: Timeline, climbing: list[Opened]) -> bool:
    """Whether earlier descriptors were given up: an error or an end was reported before the next was opened."""
    failed = [e.fd for e in timeline.of(ConnectFailed) if e.fd is not None]
    if len(failed) >= _OPEN_MIN and all(earlier < later for earlier, later in pairwise(failed)):
        return True  # each attempt failed one descriptor higher: a number that is closed is handed out again
    for earlier, later in pairwise(climbing):
        for event in timeline.between(earlier.event, later.event):
            if isinstance(event, (CallFailed, PeerClosed, SocketRefused)):
                return True
    return False


def _from_capture(timeline: Timeline) -> tuple[list[Conversation], str]:
    """Conversations the device opened, that are dead or closed by the peer, and that it never closed."""
    standing = [
        (position, talk)
        for position, talk in enumerate(timeline.conversations)
        if talk.mine == "client"
        and talk.peer.rst is None
        and not talk.device_closed
        and talk.flow.established is not None
    ]
    ended = _ended(timeline) if any(talk.peer.fin is not None for _, talk in standing) else {}
    left: list[Conversation] = []
    for position, talk in standing:
        successor = _successor(timeline, position)
        fin = talk.peer.fin
        closed_by_peer = fin is not None and ended[talk.flow.where.source] - fin.time > _CLOSE_WAIT_S
        dead = talk.device.unacked > 0 or any(
            p.by == talk.mine and p.answers == 0 for p in talk.flow.probe_runs
        )
        if closed_by_peer or (successor is not None and (dead or _abandoned(talk, successor))):
            left.append(talk)
    waiting = sum(talk.peer.fin is not None for talk in left)
    dying = sum(talk.device.unacked > 0 for talk in left)
    kind = "they were dead" if dying else "it had no more use for them"
    if waiting * 2 > len(left):
        kind = "the peer closed them (CLOSE_WAIT)"
    return (
        left,
        f"the capture shows {len(left)} connections that the device left open although {kind}, and new ones beside them",
    )


def _ended(timeline: Timeline) -> dict[str, float]:
    """When the last frame of a conversation of the device was captured: one capture may go on where another has ended."""
    ended: dict[str, float] = {}
    for talk in timeline.conversations:
        last = max((side.last.time for side in (talk.device, talk.peer) if side.last), default=0.0)
        source = talk.flow.where.source
        ended[source] = max(ended.get(source, 0.0), talk.flow.at.host or 0.0, last)
    return ended


def _successor(timeline: Timeline, position: int) -> Conversation | None:
    """The next connection of the device to the same service."""
    talk = timeline.conversations[position]
    for other in timeline.conversations[position + 1 :]:
        if (
            other.mine == "client"
            and other.peer_end.ip == talk.peer_end.ip
            and other.peer_end.port == talk.peer_end.port
        ):
            return other
    return None


def _abandoned(talk: Conversation, successor: Conversation) -> bool:
    """The program moved on to ``successor`` and never spoke again, while its stack still answers for the old one long
    after: nobody closed it."""
    began, spoke, last = successor.device.syn, talk.device.last_payload, talk.device.last
    if began is None or last is None or (spoke is not None and spoke.time > began.time):
        return False
    return last.time - began.time > _CLOSE_WAIT_S
