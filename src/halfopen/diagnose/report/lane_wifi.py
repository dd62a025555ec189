"""Lanes of the link as the device's log tells it: the state of the association, power save, signal strength."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.events import (
    AddressGot,
    ApUnreachable,
    AuthRejected,
    BeaconIntervalTold,
    BeaconsMissed,
    Booted,
    Event,
    JoinTimedOut,
    LinkStateChanged,
    LogEnded,
    PowerSaveSet,
    ServerConnected,
    SignalSampled,
    WifiDropped,
    WifiJoined,
    WifiStarted,
)
from halfopen.diagnose.report.axis import Axis
from halfopen.diagnose.report.quoting import of_event
from halfopen.diagnose.timeline import Timeline
from halfopen.formats import wifi_reason
from halfopen.pages.picture import Kind, Lane, Mark, Place, Row, Sample, Series, Span

ONLINE = Kind("online", "bar", "good")
ASSOCIATED = Kind("associated", "bar", "info")
JOINING = Kind("joining", "hatch", "warn")
OFFLINE = Kind("disconnected", "dash", "bad")
DOZING = Kind("modem sleep on", "bar", "calm")
AWAKE = Kind("modem sleep off", "dash", "mute")
DROPPED = Kind("link lost or join failed", "down", "bad")
PLANNED = Kind("left on purpose", "down", "mute")
BEAT_TOLD = Kind("beacon interval and DTIM told", "dot", "mute")
BEACONS_MISSED = Kind("beacons missed", "tick", "warn")


def wifi_lanes(timeline: Timeline, axis: Axis) -> Iterator[Lane]:
    """The state band with drops and power save, and the signal strength, where the log speaks of them."""
    states = list(_states(timeline, axis))
    drops = [mark for drop in timeline.drops if (mark := _drop(drop, axis)) is not None]
    drops += [
        Mark(x, BEACONS_MISSED, of_event(event))
        for event in timeline.of(BeaconsMissed)
        if (x := axis.of(event)) is not None
    ]
    drops.sort(key=lambda mark: mark.x)
    rows = [Row("state", states, drops)] if states or drops else []
    naps = list(_power_save(timeline, axis))
    beats = [
        Mark(
            x,
            BEAT_TOLD,
            of_event(event),
            f"DTIM every {event.dtim} beacons of {event.interval_us / 1000:g} ms",
        )
        for event in timeline.of(BeaconIntervalTold)
        if (x := axis.of(event)) is not None
    ]
    if naps or beats:
        rows.append(Row("power save", naps, beats))
    if rows:
        yield Lane("Wi-Fi", rows=rows)
    signal = [
        Sample(x, event.rssi_dbm, of_event(event))
        for event in timeline.of(SignalSampled)
        if (x := axis.of(event)) is not None
    ]
    if signal:
        yield Lane("Signal", unit="dBm", series=[Series("RSSI", signal, "info")])


def _states(timeline: Timeline, axis: Axis) -> Iterator[Span]:
    """The association from state to state; what came before the first sign is unknown and left blank."""
    losses = {id(drop.events[0]) for drop in timeline.drops if drop.stage in ("running", "handshake")}
    changes: list[tuple[float, Kind | None, Place]] = []
    for event in timeline.events:
        if event.where.line is None:
            continue
        if id(event) in losses and changes and changes[-1][1] is OFFLINE:
            # who loses a link must have had one: it came back unseen, nobody knows when
            changes[-1] = (changes[-1][0], None, changes[-1][2])
        kind = _state_after(event, changes[-1][1] if changes else None)
        if kind is not _SAME and (x := axis.of(event)) is not None:
            changes.append((x, kind if isinstance(kind, Kind) else None, of_event(event)))
    yield from _spans(
        [c for n, c in enumerate(changes) if n == 0 or c[1] is not changes[n - 1][1] or c[1] is None]
    )


_SAME = object()


def _state_after(event: Event, before: Kind | None) -> object:
    """The state that ``event`` leads to; ``None`` where nothing is known, ``_SAME`` when it says nothing of it."""
    if isinstance(event, (AddressGot, ServerConnected)):
        return ONLINE
    if isinstance(event, WifiJoined) or (isinstance(event, LinkStateChanged) and event.new == "run"):
        return _SAME if before is ONLINE else ASSOCIATED
    if isinstance(event, WifiStarted) or (
        isinstance(event, LinkStateChanged) and event.new in ("auth", "assoc")
    ):
        return JOINING
    if isinstance(event, (WifiDropped, ApUnreachable, AuthRejected, JoinTimedOut)):
        return OFFLINE
    if isinstance(event, LinkStateChanged) and event.new == "init":
        return OFFLINE
    return None if isinstance(event, (Booted, LogEnded)) else _SAME


def _drop(drop: Drop, axis: Axis) -> Mark | None:
    x = axis.of(drop.events[0])
    if x is None:
        return None
    detail = wifi_reason.spelled(drop.reason) if drop.reason is not None else ""
    stage = {"joining": "while joining", "handshake": "in the handshake", "running": "while running"}.get(
        drop.stage, ""
    )
    told = ", ".join(part for part in (detail, stage, drop.planned) if part)
    return Mark(x, PLANNED if drop.planned else DROPPED, of_event(drop.events[0]), told)


def _power_save(timeline: Timeline, axis: Axis) -> Iterator[Span]:
    changes: list[tuple[float, Kind | None, Place]] = []
    for event in timeline.of(PowerSaveSet, Booted, LogEnded):
        x = axis.of(event)
        if x is None:
            continue
        kind = (DOZING if event.on else AWAKE) if isinstance(event, PowerSaveSet) else None
        changes.append((x, kind, of_event(event)))
    if any(kind is not None for _, kind, _ in changes):
        yield from _spans(changes)


def _spans(changes: list[tuple[float, Kind | None, Place]]) -> Iterator[Span]:
    """From each change to the next; the last lasts as long as its log."""
    for number, (x, kind, place) in enumerate(changes):
        if kind is not None:
            end = changes[number + 1][0] if number + 1 < len(changes) else x
            yield Span(x, max(end, x), kind, place)
