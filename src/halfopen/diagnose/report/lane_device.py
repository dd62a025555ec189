"""Lanes of what the firmware says of itself: calls on sockets, heartbeats and server, restarts and crashes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from halfopen.diagnose.events import (
    AddressGot,
    Booted,
    BrownedOut,
    CallBlocked,
    CallFailed,
    ConnectFailed,
    Crashed,
    DhcpTimedOut,
    Event,
    HeartbeatAnswered,
    HeartbeatMissed,
    HeartbeatSent,
    Interrupted,
    NetifDowned,
    PeerClosed,
    PingLost,
    PlannedPause,
    ResolveFailed,
    SendStalled,
    ServerConnected,
    ServerLost,
    TransactionTimedOut,
    WatchdogFired,
    Woke,
)
from halfopen.diagnose.report.axis import Axis
from halfopen.diagnose.report.quoting import of_event
from halfopen.diagnose.timeline import Timeline
from halfopen.formats import newlib_errno
from halfopen.pages.picture import Kind, Lane, Mark, Row, Tone

BOOTED = Kind("boot", "star", "info")
WOKE = Kind("woke", "star", "mute")
CRASHED = Kind("crash", "cross", "bad")
BROWNED_OUT = Kind("brownout", "down", "bad")
WATCHDOG = Kind("watchdog fired", "diamond", "bad")
PAUSED = Kind("planned pause", "square", "mute")
CALL_FAILED = Kind("call failed", "cross", "warn")
CONNECT_FAILED = Kind("connect failed", "down", "warn")
STALLED = Kind("send stalled or call blocked", "diamond", "warn")
TIMED_OUT = Kind("no answer in time", "ring", "bad")
PEER_CLOSED = Kind("peer closed", "square", "calm")
SERVER_UP = Kind("server reached", "up", "good")
SERVER_LOST = Kind("server lost", "down", "bad")
BEAT = Kind("heartbeat sent", "tick", "mute")
ANSWERED = Kind("heartbeat answered", "dot", "good")
ADDRESS = Kind("address", "dot", "good")
NO_ADDRESS = Kind("no address or name", "cross", "bad")
NETIF_DOWN = Kind("interface down", "down", "mute")

_WORST: tuple[Tone, ...] = ("bad", "warn", "info", "calm", "good", "mute")

#: Event → the row it stands in, its kind, and what a reader who points at it wants to know.
_ROWS: tuple[tuple[str, dict[type[Event], Kind]], ...] = (
    (
        "restarts",
        {
            Booted: BOOTED,
            Crashed: CRASHED,
            BrownedOut: BROWNED_OUT,
            WatchdogFired: WATCHDOG,
            PlannedPause: PAUSED,
            Woke: WOKE,
            Interrupted: PAUSED,
        },
    ),
    (
        "address",
        {AddressGot: ADDRESS, DhcpTimedOut: NO_ADDRESS, ResolveFailed: NO_ADDRESS, NetifDowned: NETIF_DOWN},
    ),
    (
        "calls",
        {
            CallFailed: CALL_FAILED,
            ConnectFailed: CONNECT_FAILED,
            SendStalled: STALLED,
            CallBlocked: STALLED,
            TransactionTimedOut: TIMED_OUT,
            PeerClosed: PEER_CLOSED,
        },
    ),
    (
        "server",
        {
            ServerConnected: SERVER_UP,
            ServerLost: SERVER_LOST,
            HeartbeatSent: BEAT,
            HeartbeatAnswered: ANSWERED,
            HeartbeatMissed: TIMED_OUT,
            PingLost: TIMED_OUT,
        },
    ),
)


def device_lane(timeline: Timeline, axis: Axis) -> Iterator[Lane]:
    """One lane with a row for each subject that the log speaks of."""
    rows = []
    for label, kinds in _ROWS:
        marks = _one_a_line(_marks(timeline.of(*kinds), kinds.__getitem__, axis))
        if marks:
            rows.append(Row(label, marks=marks))
    if rows:
        yield Lane("Device", rows=rows)


def boot_rules(timeline: Timeline, axis: Axis) -> list[Mark]:
    """The restarts, to be drawn through all lanes."""
    return _marks((boot.event for boot in timeline.boots), lambda kind: BOOTED, axis)


def _one_a_line(marks: Sequence[Mark]) -> list[Mark]:
    """A line that says two things of one subject is one mark, of the worse kind."""
    found: list[Mark] = []
    for mark in marks:
        if found and (found[-1].place.source, found[-1].place.line) == (mark.place.source, mark.place.line):
            found[-1] = min(found[-1], mark, key=lambda m: (_WORST.index(m.kind.tone), not m.detail))
        else:
            found.append(mark)
    return found


def _marks(events: Iterable[Event], kind_of: Callable[[type[Event]], Kind], axis: Axis) -> list[Mark]:
    return [
        Mark(x, kind_of(type(event)), of_event(event), _detail(event))
        for event in events
        if (x := axis.of(event)) is not None
    ]


def _detail(event: Event) -> str:
    match event:
        case Booted():
            return event.reason
        case CallFailed() | ConnectFailed():
            told = [event.call] if isinstance(event, CallFailed) else []
            told += [newlib_errno.spelled(event.errno)] if event.errno is not None else []
            told += [f"after {event.after_s:g} s"] if event.after_s is not None else []
            return ", ".join(told)
        case CallBlocked():
            return f"{event.what or 'loop'} held for {event.after_s:g} s"
        case HeartbeatSent() | HeartbeatAnswered() | HeartbeatMissed():
            return event.name
        case AddressGot():
            return event.ip
        case ResolveFailed():
            return event.host
        case WatchdogFired():
            return event.task
        case PlannedPause():
            return event.kind
    return ""
