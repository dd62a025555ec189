"""A picture in words: its findings, worst moments and extreme values as a table.

It is for readers who do not see the picture, for pages without script, and for search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from halfopen.pages.picture import Mark, Picture, Place, Sample, Section, Series, Span

#: Rows of the table; the picture and the findings have the rest.
MOMENTS_MAX = 60
_DAY_S = 86_400
_FINDING, _VALUE, _EVENT = range(3)


class Moment(Struct, frozen=True, gc=False):
    """One row: when (as the picture's axis writes it), in which lane, what, and where it can be read."""

    x: float
    when: str
    lane: str
    what: str
    where: str


def moments(
    picture: Picture, spell: Callable[[str], str] = str, name: Callable[[str], str] = str
) -> list[Moment]:
    """What ``picture`` shows, in order of time and at most ``MOMENTS_MAX`` rows: findings, the first, lowest, highest and
    last value of each series, alarming events, and stretches that are not as they should be.

    ``spell`` rewrites texts from a device, ``name`` the names of sources.
    """
    ranked: dict[int, list[Moment]] = {}
    for rank, moment in _ranked(picture, name):
        ranked.setdefault(rank, []).append(moment)
    found: list[Moment] = []
    for rank in sorted(ranked):
        found += _spread(sorted(ranked[rank], key=_position), MOMENTS_MAX - len(found))
    return [replace(m, lane=spell(m.lane), what=spell(m.what)) for m in sorted(found, key=_position)]


def written(picture: Picture, x: float) -> str:
    """The time at position ``x`` as its section's clock writes it."""
    section = next((s for s in picture.sections if x <= s.end), picture.sections[-1])
    return _time(section, section.since + (x - section.start) * section.rate)


def _ranked(picture: Picture, name: Callable[[str], str]) -> Iterator[tuple[int, Moment]]:
    """Everything that may stand in the table; where there is too much, lower numbers come first."""

    def row(x: float, lane: str, what: str, place: Place) -> Moment:
        return Moment(x, written(picture, x), lane, what, _where(place, name))

    for pin in picture.pins:
        yield _FINDING, row(pin.x, "finding", f"{pin.label}: {pin.title}", pin.threads[0][1])
    for rule in picture.rules:
        yield _EVENT, row(rule.x, "device", _told(rule), rule.place)
    for lane in picture.lanes:
        for series in lane.series:
            for said, sample in _extremes(series):
                what = f"{series.name}, {said}: {_value(sample.y, lane.unit)}"
                yield _VALUE, row(sample.x, lane.title, what, sample.place)
        for label, spans, marks in [("", (), lane.marks), *((r.label, r.spans, r.marks) for r in lane.rows)]:
            title = f"{lane.title}, {label}" if label else lane.title
            for mark in marks:
                if mark.kind.tone == "bad":
                    yield _EVENT, row(mark.x, title, _told(mark), mark.place)
            for span in spans:
                if span.kind.tone in ("bad", "warn"):
                    yield _EVENT, row(span.start, title, _told(span) + _until(picture, span), span.place)


def _told(thing: Mark | Span) -> str:
    return f"{thing.kind.name}: {thing.detail}" if thing.detail else thing.kind.name


def _until(picture: Picture, span: Span) -> str:
    if span.fading:
        return f", at least until {written(picture, span.end)}; its end was not seen"
    return f", until {written(picture, span.end)}" if span.end > span.start else ""


def _extremes(series: Series) -> Iterator[tuple[str, Sample]]:
    """The first, lowest, highest and last value of a series, each with its name; one that is several is told once."""
    if not series.samples:
        return
    in_order = sorted(series.samples, key=lambda sample: sample.x)
    named = {
        "first": in_order[0],
        "lowest": min(in_order, key=lambda sample: sample.y),
        "highest": max(in_order, key=lambda sample: sample.y),
        "last": in_order[-1],
    }
    for sample in {id(sample): sample for sample in named.values()}.values():
        yield " and ".join(said for said, one in named.items() if one is sample), sample


def _value(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value == int(value) else f"{value:g}"
    return f"{number} {unit}" if unit else number


def _spread(found: Sequence[Moment], room: int) -> list[Moment]:
    """At most ``room`` of ``found``, from its whole length."""
    if len(found) <= room:
        return list(found)
    return [found[number * len(found) // room] for number in range(room)]


def _position(moment: Moment) -> float:
    return moment.x


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
