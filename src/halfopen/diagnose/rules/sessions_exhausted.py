"""HO102: a server on the device holds dead or idle sessions until it can accept no more."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import SocketRefused
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.rules.wording import counted, often
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.findings import Finding

#: Unanswered clients from which a full server is told from one lost packet.
_CLIENTS_MIN = 2
#: A reply is missing after this long.
_REPLY_S = 5.0


def sessions_exhausted(timeline: Timeline) -> Iterator[Finding]:
    """accept() fails with ENFILE, or clients are let in and never served, then no longer let in."""
    refused = [r for r in timeline.of(SocketRefused) if r.accepting and r.errno in (None, 23)]
    served = [talk for talk in timeline.conversations if talk.mine == "server"]
    dropped = [talk for talk in served if talk.flow.end == "unanswered" or _waited(talk)]
    cut = [talk for talk in served if _cut(talk)]
    turned_away = max((_came(talk) for talk in (*dropped, *cut)), default=0.0)
    held = [talk for talk in served if _held(talk) or _idle_since(talk, turned_away)]
    proof: list[Proof] = []
    figures: list[str] = []
    if refused:
        figures.append(
            f"accept() failed {often(len(refused))} with ENFILE 23: no descriptor left for a new client"
        )
        proof += spread(refused)
    if len(held) >= 3 and len(dropped) + len(cut) >= _CLIENTS_MIN:
        figures.append(f"{counted(len(held), 'session')} sit open and idle")
        if dropped:
            figures.append(f"{len(dropped)} further clients got no answer to their SYN")
            proof += [p for talk in dropped[:2] for p in frames(talk.flow, talk.peer.syn or talk.peer.first)]
        if cut:
            figures.append(f"{len(cut)} were accepted by the stack and reset at once")
            proof += [p for talk in cut[:2] for p in frames(talk.flow, talk.device.rst)]
        proof += [
            p
            for talk in held[:3]
            for p in frames(talk.flow, talk.device.last_payload or talk.peer.last_payload)
        ]
    if proof:
        yield prove(timeline, "HO102", "; ".join(figures) + ".", proof, confidence=0.95 if refused else 0.9)


def _held(talk: Conversation) -> bool:
    """The client's data was acknowledged, nothing came back, and the session stayed."""
    peer, device = talk.peer, talk.device
    if peer.last_payload is None or device.payload > 0 or talk.flow.established is None:
        return False
    gone = device.rst.time if device.rst is not None else None
    return gone is None or gone - peer.last_payload.time > _REPLY_S


def _came(talk: Conversation) -> float:
    """When a client knocked, seconds on the captures' clock."""
    first = talk.peer.syn or talk.peer.first
    return first.time if first is not None else 0.0


def _idle_since(talk: Conversation, when: float) -> bool:
    """A session that stood when the last client was turned away, and on which nothing was said from then on."""
    if talk.flow.established is None or talk.flow.end != "open" or talk.device.fin or talk.peer.fin:
        return False
    return all(side.last is not None and side.last.time < when for side in (talk.device, talk.peer))


def _waited(talk: Conversation) -> bool:
    """The client had to repeat its SYN for seconds before the device answered."""
    runs = [
        r for r in talk.flow.retransmission_runs if r.by == talk.theirs and r.kind == "syn" and r.count >= 3
    ]
    return bool(runs)


def _cut(talk: Conversation) -> bool:
    """The handshake completed and the device reset the connection before saying anything."""
    flow, device = talk.flow, talk.device
    if flow.established is None or device.rst is None or device.payload > 0:
        return False
    return device.rst.time - flow.established.time < 1.0
