"""The lane of halfopen's own link: when a connection stood, what ended it, and what the link did about it."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import (
    Booted,
    BoundsTold,
    Event,
    GateShut,
    LinkLost,
    LinkOnline,
    LogEnded,
    OrphansSwept,
    PlannedPause,
    Woke,
)
from halfopen.diagnose.report.axis import Axis
from halfopen.diagnose.report.quoting import of_event
from halfopen.diagnose.timeline import Timeline
from halfopen.pages.picture import Kind, Lane, Mark, Place, Row, Span

STANDING = Kind("connection stands", "bar", "good")
AWAY = Kind("no connection", "dash", "bad")
RESTING = Kind("asleep or stopped", "bar", "mute")
LOST = Kind("connection lost", "down", "bad")
FAILED = Kind("attempt failed", "cross", "warn")
BOUNDS = Kind("bounds told", "dot", "mute")
SHUT = Kind("heap gate shut", "square", "warn")
SWEPT = Kind("orphans swept", "diamond", "warn")
BOUNCED = Kind("Wi-Fi restarted or reboot asked", "star", "info")

#: Pauses that the link plans for itself.
_RESTS = ("deep-sleep", "stop")
_ESCALATIONS = ("bounce", "reboot")


def link_lane(timeline: Timeline, axis: Axis) -> Iterator[Lane]:
    """One lane where the log tells of halfopen's own link."""
    if not timeline.link.told:
        return
    spans = list(_spans(timeline, axis))
    marks = [mark for event in timeline.events if (mark := _mark(event, axis)) is not None]
    if spans or marks:
        yield Lane("Link", rows=[Row("connection", spans, marks)])


def _spans(timeline: Timeline, axis: Axis) -> Iterator[Span]:
    """The connection from change to change; what came before the first sign is left blank."""
    changes: list[tuple[float, Kind | None, Place]] = []
    for event in timeline.of(BoundsTold, LinkOnline, LinkLost, PlannedPause, Woke, Booted, LogEnded):
        kind = _state_after(event)
        if kind is _SAME or (x := axis.of(event)) is None:
            continue
        if not changes or changes[-1][1] is not kind:
            changes.append((x, kind if isinstance(kind, Kind) else None, of_event(event)))
    for number, (x, kind, place) in enumerate(changes):
        if kind is not None:
            end = changes[number + 1][0] if number + 1 < len(changes) else x
            yield Span(x, max(end, x), kind, place)


_SAME = object()


def _state_after(event: Event) -> object:
    """The state that ``event`` leads to; ``None`` where nothing is known, ``_SAME`` when it says nothing of it."""
    if isinstance(event, LinkOnline):
        return STANDING
    if isinstance(event, (LinkLost, BoundsTold, Woke)):
        return AWAY
    if isinstance(event, PlannedPause):
        return RESTING if event.kind in _RESTS else _SAME
    return None


def _mark(event: Event, axis: Axis) -> Mark | None:
    kind: Kind | None = None
    detail = ""
    match event:
        case LinkLost():
            kind = LOST if event.standing else FAILED
            quiet = f", quiet for {event.quiet_s:.1f} s" if event.quiet_s is not None else ""
            detail = event.cause + quiet
        case BoundsTold():
            kind, detail = BOUNDS, _bounds(event)
        case GateShut():
            kind, detail = SHUT, f"{event.free} bytes free, largest block {event.largest}"
        case OrphansSwept():
            kind, detail = SWEPT, str(event.count)
        case PlannedPause() if event.kind in _ESCALATIONS:
            kind, detail = BOUNCED, event.kind
    x = axis.of(event) if kind is not None else None
    return Mark(x, kind, of_event(event), detail) if kind is not None and x is not None else None


def _bounds(event: BoundsTold) -> str:
    """``idle 20 s, zero window 21 s``, infinite ones said so."""
    told = (
        ("idle", event.idle_s),
        ("unacked", event.unacked_s),
        ("full buffer", event.full_buffer_s),
        ("zero window", event.zero_window_s),
    )
    return ", ".join(
        f"{name} {'never' if bound == float('inf') else f'{bound:g} s'}"
        for name, bound in told
        if bound is not None
    )
