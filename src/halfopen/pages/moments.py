"""A picture in words: its worst moments as a table, for readers who do not see it and for search."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from halfopen.pages.picture import Mark, Picture, Place, Section

#: Rows of the table; the picture and the findings have the rest.
MOMENTS_MAX = 40
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Moment:
    """One row: when (as the picture's axis writes it), in which lane, what, and where it can be read."""

    x: float
    when: str
    lane: str
    what: str
    where: str


def moments(
    picture: Picture, spell: Callable[[str], str] = str, name: Callable[[str], str] = str
) -> list[Moment]:
    """Findings and everything alarming of ``picture`` in order of time, at most ``MOMENTS_MAX``.

    ``spell`` rewrites texts from a device, ``name`` the names of sources.
    """
    found = sorted(_moments(picture, name), key=lambda moment: moment.x)
    if len(found) > MOMENTS_MAX:
        pinned = [m for m in found if m.lane == "finding"]
        rest = [m for m in found if m.lane != "finding"]
        step = max(len(rest) / max(MOMENTS_MAX - len(pinned), 1), 1.0)
        kept = [rest[int(n * step)] for n in range(int(len(rest) / step))]
        found = sorted([*pinned, *kept], key=lambda moment: moment.x)[:MOMENTS_MAX]
    return [replace(m, lane=spell(m.lane), what=spell(m.what)) for m in found]


def written(picture: Picture, x: float) -> str:
    """The time at position ``x`` as its section's clock writes it."""
    section = next((s for s in picture.sections if x <= s.end), picture.sections[-1])
    return _time(section, section.since + (x - section.start) * section.rate)


def _moments(picture: Picture, name: Callable[[str], str]) -> Iterator[Moment]:
    for pin in picture.pins:
        what = f"{pin.label}: {pin.title}"
        yield Moment(pin.x, written(picture, pin.x), "finding", what, _where(pin.threads[0][1], name))
    marks: list[tuple[str, Mark]] = [("device", rule) for rule in picture.rules]
    for lane in picture.lanes:
        marks += [(lane.title, mark) for mark in lane.marks]
        for row in lane.rows:
            marks += [(f"{lane.title}, {row.label}" if row.label else lane.title, mark) for mark in row.marks]
    for title, mark in marks:
        if mark.kind.tone == "bad" or mark in picture.rules:
            what = f"{mark.kind.name}: {mark.detail}" if mark.detail else mark.kind.name
            yield Moment(mark.x, written(picture, mark.x), title, what, _where(mark.place, name))


def _where(place: Place, name: Callable[[str], str]) -> str:
    source = name(place.source)
    if place.line is not None:
        return f"{source}:{place.line}"
    return f"{source} frame {place.frame}" if place.frame is not None else source


def _time(section: Section, time: float) -> str:
    if section.clock == "line":
        return f"line {time:.0f}"
    if section.clock == "elapsed":
        return f"{time:.3f} s"
    if section.clock == "clock":
        hours, rest = divmod(time % _DAY_S, 3600)
        return f"{hours:02.0f}:{rest // 60:02.0f}:{rest % 60:06.3f}"
    try:
        written = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):
        return f"{time:.3f} s"
    return f"{written} UTC" if section.clock == "utc" else written
