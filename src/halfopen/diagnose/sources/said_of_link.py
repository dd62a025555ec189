"""What halfopen's own link says: its journal, read back by the module that wrote it."""

from __future__ import annotations

from halfopen.diagnose.events import (
    CallFailed,
    Connected,
    ConnectFailed,
    DhcpTimedOut,
    Event,
    HeapSampled,
    HeartbeatAnswered,
    HeartbeatMissed,
    HeartbeatSent,
    JoinTimedOut,
    Moment,
    PeerClosed,
    PlannedPause,
    Provenance,
    ResolveFailed,
    SendStalled,
    SocketClosed,
    SocketOpened,
    SocketRefused,
    TransactionTimedOut,
)
from halfopen.formats import newlib_errno
from halfopen.formats.logline import LogLine
from halfopen.link import journal

#: The journal names causes; these are errors of a socket call, in newlib's numbering, whatever the port's was.
_ERRNO_OF = {
    "reset": 104,
    "refused": 111,
    "stack-timeout": 116,
    "network-unreachable": 114,
    "dial-timeout": 116,
}


def read_link(line: LogLine, where: Provenance, at: Moment) -> list[Event] | None:
    """What a line of the journal says; ``None`` when ``line`` is none of its own (its tag may be anybody's)."""
    entry = journal.read(line.tag, line.message)
    if entry is None:
        return [] if line.tag == journal.TAG else None
    events: list[Event] = []
    if entry.heap is not None or entry.block is not None:
        events.append(HeapSampled(where, at, entry.heap, None, entry.block))
    said = _said(entry, where, at) if entry.session is None else _said_by_server(entry, where, at)
    return [*events, said] if said else events


def _said(entry: journal.Entry, where: Provenance, at: Moment) -> Event | None:
    """The fact that a transition stands for, if any."""
    event, fd = entry.event, entry.fd
    plain: dict[str, Event] = {
        "SOCKET_OPENED": SocketOpened(where, at, fd),
        "SOCKET_CLOSED": SocketClosed(where, at, fd),
        "CONNECTED": Connected(where, at, fd),
        "CONNECTED_FOR_TLS": Connected(where, at, fd),
        "DESCRIPTORS_EXHAUSTED": SocketRefused(where, at, 23),
        "PCBS_EXHAUSTED": SocketRefused(where, at, 105),
        "NAME_FAILED": ResolveFailed(where, at),
        "NAME_EXPIRED": ResolveFailed(where, at),
        "SILENCE_NOTICED": HeartbeatSent(where, at, "heartbeat"),
        "SILENCE_EXPIRED": HeartbeatMissed(where, at, "heartbeat"),
        "SEND_STALLED": SendStalled(where, at),
        "SEND_EXPIRED": SendStalled(where, at),
        "ANSWER_EXPIRED": TransactionTimedOut(where, at),
        "PEER_CLOSED": PeerClosed(where, at, fd),
        "JOIN_EXPIRED": JoinTimedOut(where, at),
        "LEASE_EXPIRED": DhcpTimedOut(where, at),
        "SLEEP_ASKED": PlannedPause(where, at, "deep-sleep"),
    }
    if event == "HEARD" and entry.before == "DOUBTED":
        return HeartbeatAnswered(where, at, "heartbeat")
    if event in ("DIAL_FAILED", "DIAL_EXPIRED"):
        return ConnectFailed(where, at, fd, _errno(entry.cause))
    if event == "SOCKET_FAILED":
        return CallFailed(where, at, "other", _errno(entry.cause), fd)
    return plain.get(event)


def _said_by_server(entry: journal.Entry, where: Provenance, at: Moment) -> Event | None:
    """What a guarded server's line says of its descriptors.

    No more than that: how a client behaved, or that it vanished, is no fault of the device that noticed.
    """
    if entry.event in ("ACCEPTED", "REFUSED"):
        return SocketOpened(where, at, entry.fd, accepted=True, peer_port=_port(entry.peer))
    if entry.event == "SOCKET_CLOSED":
        return SocketClosed(where, at, entry.fd)
    errno = {"DESCRIPTORS_EXHAUSTED": 23, "PCBS_EXHAUSTED": 105}.get(entry.event)
    return SocketRefused(where, at, errno, accepting=True) if errno else None


def _port(peer: str) -> int | None:
    """The port of ``host:port``, if it is one."""
    port = peer.rpartition(":")[2]
    return int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else None


def _errno(cause: str) -> int | None:
    return _ERRNO_OF.get(cause) or newlib_errno.errno_in(cause)
