"""HO206: no connection can be made."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import (
    Connected,
    ConnectFailed,
    DataReceived,
    DataSent,
    Event,
    LinkLost,
    ResolveFailed,
    ServerConnected,
    SocketRefused,
    TlsFailed,
    TransportFailed,
)
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.rules.recovery import recovery
from halfopen.diagnose.rules.wording import counted
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.diagnose.traffic import ArpObserved
from halfopen.findings import Finding, Severity
from halfopen.formats.newlib_errno import NAMES, spelled

#: connect() to an on-link host that answers no ARP gives up after 60.5 s, a lost SYN after 19.3 s (FACTS, measured).
_NO_ARP_S = 40.0
#: Requests within less than this are still on their way to an answer; lwIP repeats one a second.
_MUTE_S = 2.0
#: What halfopen's own link says of a failed attempt, where an errno would say less.
_BY_LINK = {
    "dial-timeout": "no answer to the SYN within the link's deadline: a filter or a dead host",
    "tls-failed": "the TLS handshake was refused by one of the two sides",
    "tls-timeout": "the TCP connection stood, but the TLS handshake was not finished within the link's deadline",
}

#: What mbedTLS returns from a handshake that the network or the other side ended (mbedtls/ssl.h, net_sockets.h).
_TLS_NETWORK = {
    -0x7280: "the server closed the connection during the TLS handshake",
    -0x50: "the server reset the connection during the TLS handshake",
    -0x4C: "nothing could be received during the TLS handshake",
    -0x4E: "nothing could be sent during the TLS handshake",
    -0x6800: "the TLS handshake ran into its timeout",
}
#: So many failures without a word about the cause are more than an episode.
_UNSAID_MIN = 2


def peer_unreachable(timeline: Timeline) -> Iterator[Finding]:
    """connect() fails, and why: refused, SYN lost, no ARP answer, interface down."""
    failures = [e for e in timeline.of(ConnectFailed) if e.errno not in (128, 127)]
    if not failures:
        yield from _above_tcp(timeline)
    linux = timeline.device.firmware == "host"
    causes = {_line(lost): lost.cause for lost in timeline.of(LinkLost)}
    by_kind: dict[str, list[ConnectFailed]] = {}
    for event in failures:
        kind = _BY_LINK.get(causes.get(_line(event), "")) or _kind(event, linux)
        by_kind.setdefault(kind, []).append(event)
    kinds = dict.fromkeys(kind.format(waited=_waited(events)) for kind, events in by_kind.items())
    proof: list[Proof] = [events[0] for events in by_kind.values()]
    unanswered = [
        t
        for t in timeline.conversations
        if t.mine == "client" and t.flow.end == "unanswered" and t.device.syns >= 3
    ]
    refused = [t for t in timeline.conversations if t.mine == "client" and t.flow.end == "refused"]
    arps = [
        a for a in timeline.of(ArpObserved) if _mute(a) and _asks(timeline, a) and not _in_touch(timeline, a)
    ]
    for talk, text in (
        *((t, _syn_text(t)) for t in unanswered[:2]),
        *((t, "the peer refused with RST") for t in refused[:1]),
    ):
        kinds.setdefault(text)
        proof += frames(talk.flow, talk.device.syn, talk.peer.rst, *talk.flow.unreachable[:1])
    for arp in arps[:1]:
        kinds.setdefault(f"{arp.target_ip} answered none of {arp.mute_count} ARP requests")
        proof += [(arp, ref) for ref in arp.mute[:2]]
    if not proof:
        return
    attempts = len(failures) or len(unanswered) + len(refused)
    proof += spread(failures[1:], 2) if len(failures) > 1 else []
    outcome = recovery(timeline, failures)
    summary = (
        f"{counted(attempts, 'connection attempt') if attempts else 'Connecting'} failed: "
        + "; ".join([*kinds, *([outcome.text] if outcome else [])])
        + "."
    )
    yield prove(
        timeline,
        "HO206",
        summary,
        proof,
        confidence=0.9,
        severity=outcome.severity if outcome else _severity(timeline, failures, unanswered, refused, arps),
    )


def _above_tcp(timeline: Timeline) -> Iterator[Finding]:
    """Connections that were not made, where nothing tells that TCP failed: TLS did, or the log does not say what."""
    if any(timeline.of(ResolveFailed, SocketRefused)) or any(e.memory for e in timeline.of(TlsFailed)):
        return
    cut = [
        e for e in timeline.of(TlsFailed) if e.code in _TLS_NETWORK and "handshake" in e.where.text.lower()
    ]
    unsaid = list(timeline.of(TransportFailed))
    events: list[Event] = [*cut] or [*unsaid]
    if not cut and len(unsaid) < _UNSAID_MIN:
        return
    kinds = dict.fromkeys(_TLS_NETWORK[e.code] for e in cut if e.code is not None)
    why = "; ".join(kinds) or "the log does not say why"
    recovered = any(isinstance(e, (Connected, ServerConnected)) for e in timeline.between(events[-1]))
    yield prove(
        timeline,
        "HO206",
        f"{counted(len(events), 'connection attempt')} failed: {why}.",
        spread(events),
        confidence=0.7 if cut else 0.5,
        severity="info" if recovered and len(events) <= 2 else None,
    )


def _severity(
    timeline: Timeline,
    failures: list[ConnectFailed],
    unanswered: list[Conversation],
    refused: list[Conversation],
    arps: list[ArpObserved],
) -> Severity | None:
    """A failed attempt or two that were followed by a connection are an episode the device survived."""
    if failures:
        recovered = any(
            isinstance(event, (Connected, ServerConnected, DataSent, DataReceived))
            for event in timeline.between(failures[-1])
        )
        return "info" if recovered and len(failures) <= 2 else None
    last = max((*unanswered, *refused), key=_began, default=None)
    if last is None:
        return "info" if all(_connected_since(timeline, arp) for arp in arps) else None
    recovered = any(t.flow.established and _began(t) > _began(last) for t in timeline.conversations)
    return "info" if recovered and len(unanswered) + len(refused) <= 2 else None


def _began(talk: Conversation) -> float:
    """When the first frame of a conversation was seen, seconds on the captures' clock."""
    return talk.flow.at.host or 0.0


def _line(event: Event) -> tuple[str, int | None]:
    return event.where.source, event.where.line


def _waited(events: list[ConnectFailed]) -> str:
    """How long connect() took to fail: ``19 s``, ``18 to 20 s``."""
    waits = sorted({round(event.after_s) for event in events if event.after_s is not None})
    return " to ".join(f"{wait}" for wait in dict.fromkeys((*waits[:1], *waits[-1:]))) + " s"


def _kind(event: ConnectFailed, linux: bool) -> str:
    """Which of the four ways to be unreachable one failed connect() was; ``{waited}`` stands for the time it took."""
    if linux and event.errno is not None:
        return f"the host that logs this got {NAMES.get(event.errno, 'an error')} from its own network stack"
    if event.errno in (104, 111):
        return f"refused ({spelled(event.errno)}): the host is there, nothing listens on the port"
    if event.errno == 118:
        return f"no route, the interface is down ({spelled(118)})"
    if event.errno == 113 and (event.after_s or 0) > _NO_ARP_S:
        return f"no ARP answer, {spelled(113)} after {{waited}}: no host has that address on this network"
    if event.errno == 113 and event.after_s is not None:
        return f"the SYN got no answer, {spelled(113)} after {{waited}}: a filter or a dead host"
    if event.errno is None:
        timed_out = "timeout" in event.where.text.lower() or "timed out" in event.where.text.lower()
        return "connect() ran into its timeout" if timed_out else "the firmware does not say why"
    return f"connect() failed with {spelled(event.errno)}"


def _syn_text(talk: Conversation) -> str:
    icmp = ", though ICMP says unreachable (lwIP ignores it)" if talk.flow.unreachable else ""
    return f"{talk.device.syns} SYNs to {talk.peer_end.ip}:{talk.peer_end.port} got no answer{icmp}"


def _mute(arp: ArpObserved) -> bool:
    """A stretch of requests without an answer, long enough that none can be on its way."""
    return arp.mute_count >= 3 and arp.mute[-1].time - arp.mute[0].time >= _MUTE_S


def _in_touch(timeline: Timeline, arp: ArpObserved) -> bool:
    """Whether the device asked for a host with which it had a connection that nobody had closed: what it sent there waited
    for the answer, and nothing was to be connected."""
    return any(
        t.flow.established
        and t.peer_end.ip == arp.target_ip
        and t.flow.established.time < arp.mute[0].time
        and all(
            end is None or end.time > arp.mute[-1].time for end in (t.device.fin, t.device.rst, t.peer.rst)
        )
        for t in timeline.conversations
    )


def _connected_since(timeline: Timeline, arp: ArpObserved) -> bool:
    """Whether the host that had not answered was talked to after it had been asked in vain."""
    return any(
        t.flow.established and t.peer_end.ip == arp.target_ip and t.flow.established.time > arp.mute[-1].time
        for t in timeline.conversations
    )


def _asks(timeline: Timeline, arp: ArpObserved) -> bool:
    return arp.asker_mac == timeline.device.mac or arp.asker_ip in timeline.device.ips
