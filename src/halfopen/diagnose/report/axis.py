"""Where on a picture each event lies: one axis for one device, in sections where its clocks cannot be compared.

What a capture and the aligned boots of a log tell shares the capture's clock. A boot that could not be aligned, and
every log without a capture, has sections of its own: by the clock that most of its lines carry, or, where no line
carries one, by the number of the line. A line without a time lies where the line before it does.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from pathlib import PurePath

from msgspec import Struct, field

from halfopen.diagnose.alignment import Alignment
from halfopen.diagnose.events import Event, Moment
from halfopen.diagnose.timeline import Timeline
from halfopen.diagnose.traffic import CaptureObserved
from halfopen.pages.picture import Clock, Section

#: A clock counts as a log's own when at least this share of its events carry it.
_CARRIED_MIN = 0.5
#: Seconds from 0001-01-01, where dated logs count from, to 1970-01-01.
_UNIX_EPOCH_S = 719_163 * 86_400.0
#: A date in seconds from 1970 is above this (2001), a time of day with some days added far below.
_DATED_S = 1e9
#: Several sections share the axis half by their length, half equally: a short one stays legible.
_EQUAL_SHARE = 0.5
#: Between sections lies this share of the axis.
_GAP_SHARE = 0.02
#: A clock that steps back further than this was set; lines of two tasks may change places by less. A clock that was set
#: more often than this is no clock to lay out by.
_JITTER_S = 30.0
_PARTS_MAX = 6
#: An axis is at least this long, in seconds: one event alone has no duration.
_SPAN_MIN_S = 1.0


class _Stretch(Struct):
    """A section before it has its place: the times of its lines on its own clock."""

    label: str
    clock: Clock
    #: By source: numbers of lines in order, and their times.
    lines: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    since: float = 0.0
    until: float = 0.0

    def add(self, source: str, line: int, time: float) -> None:
        numbers, times = self.lines.setdefault(source, ([], []))
        if not numbers or numbers[-1] != line:
            numbers.append(line)
            times.append(time)

    def bound(self, *times: float) -> None:
        known = [time for _, found in self.lines.values() for time in found]
        known += times
        self.since, self.until = min(known), max(known)


class Axis:
    """The axis of one device's picture.

    ``sections`` is empty when the timeline holds no event with a place. ``common`` tells whether a log and a capture
    share a section, ``apart`` whether they stand in different ones. ``spans`` (first and last time of each section) widen
    the sections, where there are as many of them, so that two pictures can share an axis.
    """

    def __init__(self, timeline: Timeline, spans: Sequence[tuple[float, float]] = ()) -> None:
        self._of_source: dict[str, list[tuple[int, float, int]]] = {}  # line, time, section; by line
        self._capture: int | None = None
        stretches, common = _stretches(timeline)
        if len(spans) == len(stretches):
            for stretch, (since, until) in zip(stretches, spans, strict=True):
                stretch.since, stretch.until = min(stretch.since, since), max(stretch.until, until)
        self.sections = _placed(stretches)
        for number, stretch in enumerate(stretches):
            for source, (lines, times) in stretch.lines.items():
                placed = ((line, time, number) for line, time in zip(lines, times, strict=True))
                self._of_source.setdefault(source, []).extend(placed)
        for known in self._of_source.values():
            known.sort(key=_line_of)
        if common is not None:
            self._capture = stretches.index(common)
        self.common = common is not None and bool(common.lines)
        self.apart = common is not None and any(s is not common for s in stretches)

    @property
    def start(self) -> float:
        """The first position."""
        return self.sections[0].start

    @property
    def end(self) -> float:
        """The last position."""
        return self.sections[-1].end

    def of_line(self, source: str, line: int) -> float | None:
        """Where a line lies: at its own time, or at that of the nearest line before it that has one."""
        known = self._of_source.get(source)
        if not known:
            return None
        place = max(bisect.bisect_right(known, line, key=_line_of) - 1, 0)
        _, time, number = known[place]
        return self._position(number, time)

    def of_capture(self, time: float) -> float | None:
        """Where a time of the capture lies, seconds since 1970."""
        return self._position(self._capture, time) if self._capture is not None else None

    def of(self, event: Event) -> float | None:
        """Where ``event`` lies, by its line or by the capture's clock."""
        if event.where.line is not None:
            return self.of_line(event.where.source, event.where.line)
        return self.of_capture(event.at.host) if event.at.host is not None else None

    def section_end(self, x: float) -> float:
        """The end of the section that position ``x`` lies in."""
        return next((s.end for s in self.sections if x <= s.end), self.end)

    def _position(self, number: int, time: float) -> float:
        section = self.sections[number]
        x = section.start + (time - section.since) / section.rate
        return min(max(x, section.start), section.end)


def _line_of(known: tuple[int, float, int]) -> int:
    return known[0]


def _stretches(timeline: Timeline) -> tuple[list[_Stretch], _Stretch | None]:
    """The sections of a device in order, and the one that the capture's clock rules."""
    captures = list(timeline.of(CaptureObserved))
    common: _Stretch | None = None
    if captures:
        names = ", ".join(dict.fromkeys(PurePath(c.where.source).name for c in captures))
        common = _Stretch(names, "utc")
    before: list[_Stretch] = []
    after: list[_Stretch] = []
    by_source: dict[str, list[Event]] = {}
    for event in timeline.events:
        if event.where.line is not None:
            by_source.setdefault(event.where.source, []).append(event)
    for source, events in by_source.items():
        for stretch, aligned in _of_log(source, events, timeline, common):
            (after if aligned or (common is not None and common.lines) else before).append(stretch)
    if common is not None:
        if common.lines:
            common.label = f"{', '.join(PurePath(s).name for s in common.lines)} and {common.label}"
        common.bound(*(t for c in captures for t in (c.started, c.ended)))
    found = [*before, *([common] if common is not None else []), *after]
    return found, common


def _of_log(
    source: str, events: Sequence[Event], timeline: Timeline, common: _Stretch | None
) -> list[tuple[_Stretch, bool]]:
    """The sections of one log beside ``common``, which takes the aligned boots; with each whether any boot before it
    was aligned."""
    by_epoch: dict[int, list[Event]] = {}
    for event in events:
        by_epoch.setdefault(event.at.epoch, []).append(event)
    epochs = sorted(by_epoch)
    name = PurePath(source).name
    found: list[tuple[_Stretch, bool]] = []
    rest: list[Event] = []
    aligned = False
    for epoch in epochs:
        own = by_epoch[epoch]
        fit = timeline.clocks.get(epoch)
        if fit is not None and common is not None:
            _fill(common, source, own, _on_capture(fit))
            aligned = True
        else:
            rest += own
    boots = sorted({event.at.epoch for event in rest})
    first_fit = min(timeline.clocks, default=None)
    read, clock = _clock_of(rest, len(boots))
    if clock != "elapsed":
        parts = _forward(rest, read) if clock != "line" else [rest]
        for number, part in enumerate(part for part in parts if part):
            label = f"{name}, after its clock was set back" if number else name
            found.append((_stretch(label, clock, source, part, read), aligned))
        return found
    for epoch in boots:
        label = f"boot {epoch + 1} of {name}" if len(epochs) > 1 else name
        own = by_epoch[epoch]
        earlier = first_fit is not None and first_fit < epoch and aligned
        found.append((_stretch(label, clock, source, own, read), earlier))
    return found


def _forward(events: Sequence[Event], read: Callable[[Moment], float | None]) -> list[list[Event]]:
    """``events`` in parts within each of which the clock runs forward: summer time ends, a time server corrects."""
    parts: list[list[Event]] = [[]]
    last: float | None = None
    for event in events:
        time = read(event.at)
        if time is not None:
            if last is not None and time < last - _JITTER_S:
                parts.append([])
            last = time
        parts[-1].append(event)
    return parts if len(parts) <= _PARTS_MAX else [list(events)]


def _on_capture(fit: Alignment) -> Callable[[Moment], float | None]:
    return lambda at: None if at.boot is None else fit.to_capture(at.boot)


def _clock_of(events: Sequence[Event], boots: int) -> tuple[Callable[[Moment], float | None], Clock]:
    """The clock to lay ``events`` out by: one that runs through all boots where there are several."""
    readers: dict[str, Callable[[Moment], float | None]] = {
        "boot": lambda at: at.boot,
        "host": lambda at: _dated(at.host),
        "system": lambda at: _dated(at.system),
    }
    order = ("boot", "host", "system") if boots == 1 else ("host", "boot", "system")
    for name in order:
        times = [time for event in events if (time := readers[name](event.at)) is not None]
        if times and len(times) >= _CARRIED_MIN * len(events):
            return readers[name], "elapsed" if name == "boot" else "date" if max(
                times
            ) > _DATED_S else "clock"
    return lambda at: None, "line"


def _dated(time: float | None) -> float | None:
    """A dated time in seconds since 1970, a time of day as it is."""
    return time - _UNIX_EPOCH_S if time is not None and time > _UNIX_EPOCH_S / 2 else time


def _stretch(
    label: str, clock: Clock, source: str, events: Sequence[Event], read: Callable[[Moment], float | None]
) -> _Stretch:
    stretch = _Stretch(label, clock)
    _fill(stretch, source, events, read)
    stretch.bound()
    return stretch


def _fill(
    stretch: _Stretch, source: str, events: Sequence[Event], read: Callable[[Moment], float | None]
) -> None:
    """Give each line of ``events`` a time: its own, or that of the line before; without any clock its number."""
    times = [read(event.at) for event in events]
    last = next((time for time in times if time is not None), None)
    for event, time in zip(events, times, strict=True):
        line = event.where.line or 0
        last = time if time is not None else last
        stretch.add(source, line, last if last is not None else float(line))


def _placed(stretches: Sequence[_Stretch]) -> tuple[Section, ...]:
    """The sections side by side; one alone is to scale, several share the axis."""
    lengths = [max(s.until - s.since, _SPAN_MIN_S) for s in stretches]
    total = sum(lengths)
    found: list[Section] = []
    at = 0.0
    for stretch, length in zip(stretches, lengths, strict=True):
        share = length / total
        if len(stretches) > 1:
            share = _EQUAL_SHARE / len(stretches) + (1 - _EQUAL_SHARE) * share
        width = total * share
        found.append(Section(at, at + width, stretch.since, length / width, stretch.clock, stretch.label))
        at += width + (total * _GAP_SHARE if len(stretches) > 1 else 0.0)
    return tuple(found)
