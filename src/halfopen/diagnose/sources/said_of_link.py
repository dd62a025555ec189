"""What halfopen's own link says: its journal, read back by the module that wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from halfopen.diagnose.events import (
    AddressGot,
    BoundsTold,
    CallFailed,
    CapabilityTold,
    Connected,
    ConnectFailed,
    DhcpTimedOut,
    Event,
    FirmwareNamed,
    GateShut,
    HeapSampled,
    HeartbeatAnswered,
    HeartbeatMissed,
    HeartbeatSent,
    LinkLost,
    LinkOnline,
    Moment,
    OrphansSwept,
    PeerClosed,
    PlannedPause,
    PowerSaveSet,
    Provenance,
    ResolveFailed,
    SendStalled,
    ServerStarted,
    SocketClosed,
    SocketOpened,
    SocketRefused,
    TransactionTimedOut,
    WifiDropped,
    WifiJoined,
    WifiStarted,
    Woke,
)
from halfopen.formats import newlib_errno
from halfopen.formats.logline import LogLine
from halfopen.formats.patterns import Pattern
from halfopen.link import journal

#: The journal names causes; these are errors of a socket call, in newlib's numbering, whatever the port's was.
_ERRNO_OF = {
    "reset": 104,
    "refused": 111,
    "stack-timeout": 116,
    "network-unreachable": 114,
    "dial-timeout": 116,
}
#: Causes of an end that was wanted.
_WANTED = ("", "released", "stopped", "sleeping", "aged")
#: States in which a connection stands.
_STANDING = ("ONLINE", "DOUBTED")
#: The ways in which a peer can be dead, as the bounds name them and in the order of ``BoundsTold``.
_CAUSES = ("idle", "unacked", "full-buffer", "zero-window")
#: A count in a line that no machine wrote is no count.
_DIGITS_MAX = 9

_Maker = Callable[[journal.Entry, Provenance, Moment], Event]

#: Event of the journal → what happened. Those missing here change nothing outside the link.
_SAID: dict[str, _Maker] = {
    "SOCKET_OPENED": lambda entry, where, at: SocketOpened(where, at, entry.fd),
    "SOCKET_CLOSED": lambda entry, where, at: SocketClosed(where, at, entry.fd),
    "CONNECTED": lambda entry, where, at: Connected(where, at, entry.fd, entry.port),
    "CONNECTED_FOR_TLS": lambda entry, where, at: Connected(where, at, entry.fd, entry.port),
    "DESCRIPTORS_EXHAUSTED": lambda _, where, at: SocketRefused(where, at, 23),
    "PCBS_EXHAUSTED": lambda _, where, at: SocketRefused(where, at, 105),
    "NAME_FAILED": lambda _, where, at: ResolveFailed(where, at),
    "NAME_UNKNOWN": lambda _, where, at: ResolveFailed(where, at),
    "NAME_EXPIRED": lambda _, where, at: ResolveFailed(where, at),
    "DIAL_FAILED": lambda entry, where, at: ConnectFailed(where, at, entry.fd, _errno(entry.cause)),
    "DIAL_EXPIRED": lambda entry, where, at: ConnectFailed(where, at, entry.fd, _errno(entry.cause)),
    "SECURE_FAILED": lambda entry, where, at: ConnectFailed(where, at, entry.fd, _errno(entry.cause)),
    "SECURE_EXPIRED": lambda entry, where, at: ConnectFailed(where, at, entry.fd, _errno(entry.cause)),
    "SILENCE_NOTICED": lambda _, where, at: HeartbeatSent(where, at, "heartbeat"),
    "SILENCE_EXPIRED": lambda _, where, at: HeartbeatMissed(where, at, "heartbeat"),
    "SEND_STALLED": lambda _, where, at: SendStalled(where, at),
    "SEND_EXPIRED": lambda _, where, at: SendStalled(where, at),
    "ANSWER_EXPIRED": lambda _, where, at: TransactionTimedOut(where, at),
    "PEER_CLOSED": lambda entry, where, at: PeerClosed(where, at, entry.fd),
    "SOCKET_FAILED": lambda entry, where, at: CallFailed(where, at, "other", _errno(entry.cause), entry.fd),
    "LEASE_EXPIRED": lambda _, where, at: DhcpTimedOut(where, at),
    "HEAP_SHORT": lambda entry, where, at: GateShut(where, at, entry.heap, entry.block),
    "HEAP_STARVED": lambda entry, where, at: GateShut(where, at, entry.heap, entry.block, given_up=True),
    "DOZE_FORBIDDEN": lambda _, where, at: PowerSaveSet(where, at, on=False),
    "ROAMED": lambda _, where, at: PlannedPause(where, at, "roam"),
    "SLEEP_ASKED": lambda _, where, at: PlannedPause(where, at, "deep-sleep"),
    "STOPPED": lambda _, where, at: PlannedPause(where, at, "stop"),
    "RETRY_WIFI": lambda _, where, at: PlannedPause(where, at, "bounce"),
    "RETRY_REBOOT": lambda _, where, at: PlannedPause(where, at, "reboot"),
    "WOKE": lambda _, where, at: Woke(where, at),
}
#: What a radio does that is the link's own; without one the journal goes through these states at once.
_SAID_OF_RADIO: dict[str, _Maker] = {
    "JOINED": lambda _, where, at: WifiJoined(where, at),
    "LEASE_OBTAINED": lambda _, where, at: AddressGot(where, at, ""),
}
#: Losses of the Wi-Fi and failed joins. The journal knows no reason, but its reader may print the driver's behind the line
#: (``reason=200``); from 1000 on MicroPython's status is none.
_SAID_OF_DROPS = ("WIFI_LOST", "JOIN_FAILED", "JOIN_EXPIRED")
_REASON = Pattern(r"\breason=([1-9]\d{0,2})\b", re.ASCII)


class JournalReader:
    """Reads the journal of a link in one log."""

    def __init__(self) -> None:
        self._wifi = True
        self._family = ""

    def read(self, line: LogLine, where: Provenance, at: Moment) -> list[Event] | None:
        """What a line of the journal says; ``None`` when ``line`` is none of its own."""
        if line.tag != journal.TAG:
            return None
        entry = journal.read(line.tag, line.message)
        if entry is None:
            return list(self._remark(line, where, at))
        named = [] if self._family else [self._named("halfopen.link", where, at)]
        return [*named, *self._transition(entry, line, where, at)]

    def _named(self, family: str, where: Provenance, at: Moment) -> Event:
        self._family = family
        return FirmwareNamed(where, at, family)

    def _remark(self, line: LogLine, where: Provenance, at: Moment) -> Iterator[Event]:
        """What stands between transitions: the port's abilities, the bounds, a sweep."""
        words = line.message.split()
        if words[:1] == ["capability"]:
            told = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            self._wifi = told.get("wifi") != "no"
            # lwIP is no computer's stack; elsewhere MicroPython's sockets have no shutdown(), CPython's always do
            computer = told.get("stack") != "lwip" and told.get("shutdown") == "yes"
            yield self._named("cpython" if computer else "micropython", where, at)
            yield CapabilityTold(
                where, at, told.get("stack", ""), told.get("keepalive", ""), told.get("wifi") == "yes"
            )
        elif (bounds := journal.read_bounds(line.tag, line.message)) is not None:
            told_s = {cause: bound / 1000 for cause, bound in bounds.items()}
            yield BoundsTold(where, at, *(told_s.get(cause) for cause in _CAUSES))
        elif words[:1] == ["swept"] and words[1:2] and words[1].isdecimal() and len(words[1]) <= _DIGITS_MAX:
            yield OrphansSwept(where, at, int(words[1]))

    def _transition(
        self, entry: journal.Entry, line: LogLine, where: Provenance, at: Moment
    ) -> Iterator[Event]:
        """The facts that a transition stands for."""
        if entry.heap is not None or entry.block is not None:
            yield HeapSampled(where, at, entry.heap, None, entry.block)
        event = entry.event
        if entry.session is not None:
            yield from _said_by_server(entry, where, at)
            return
        if event == "HEARD" and entry.before == "DOUBTED":
            yield HeartbeatAnswered(where, at, "heartbeat")
        elif event == "SOCKET_REFUSED" and (number := _errno(entry.cause)) is not None:
            yield SocketRefused(where, at, number)
        elif event in _SAID:
            yield _SAID[event](entry, where, at)
        elif self._wifi and event in _SAID_OF_RADIO:
            yield _SAID_OF_RADIO[event](entry, where, at)
        elif event in _SAID_OF_DROPS:
            reason = _REASON.search(line.message)
            yield WifiDropped(where, at, int(reason[1]) if reason else None, joining=event != "WIFI_LOST")
        if self._wifi and entry.state == "JOINING" and entry.before != "JOINING":
            yield WifiStarted(where, at)
        if entry.cause not in _WANTED and entry.before != "RETIRING":  # nobody parts too late
            quiet_s = entry.quiet / 1000 if entry.quiet is not None else None
            yield LinkLost(where, at, event, entry.cause, entry.before in _STANDING, quiet_s)
        if entry.state == "ONLINE" and entry.before in ("DIALING", "SECURING"):
            yield LinkOnline(where, at)


def _said_by_server(entry: journal.Entry, where: Provenance, at: Moment) -> Iterator[Event]:
    """What a guarded server's line says of its descriptors.

    No more than that: how a client behaved, or that it vanished, is no fault of the device that noticed.
    """
    if entry.event == "STARTED":
        yield ServerStarted(where, at)
    elif entry.event in ("ACCEPTED", "REFUSED"):
        yield SocketOpened(where, at, entry.fd, accepted=True, peer_port=_port(entry.peer))
    elif entry.event == "SOCKET_CLOSED":
        yield SocketClosed(where, at, entry.fd)
    elif errno := {"DESCRIPTORS_EXHAUSTED": 23, "PCBS_EXHAUSTED": 105}.get(entry.event):
        yield SocketRefused(where, at, errno, accepting=True)


def _port(peer: str) -> int | None:
    """The port of ``host:port``, if it is one."""
    port = peer.rpartition(":")[2]
    return int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else None


def _errno(cause: str) -> int | None:
    return _ERRNO_OF.get(cause) or newlib_errno.errno_in(cause)
