"""What a timeline picture shows, before it is drawn: an axis, lanes, and pins with threads to their evidence.

Positions ``x`` are seconds on the picture's axis. An axis has one section per clock: where two sources share no clock,
their sections stand side by side, and no position of one says anything of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, field

from halfopen.pages.shapes import Shape

#: What a colour stands for; shapes and words say the same.
Tone = Literal["good", "warn", "bad", "info", "calm", "mute"]

#: How the times of a section are written: seconds since a boot, a time of day (UTC or whatever the recorder's zone
#: was), a date with a time, or no time at all but the number of the line.
Clock = Literal["elapsed", "utc", "clock", "date", "line"]


class Place(Struct, frozen=True):
    """Where something can be read: a line or a frame counted from 1, with its text."""

    source: str
    line: int | None = None
    frame: int | None = None
    text: str = ""


class Kind(Struct, frozen=True):
    """One entry of the legend: what a mark or stretch means, its shape and its tone."""

    name: str
    shape: Shape
    tone: Tone


class Mark(Struct, frozen=True):
    """Something that happened at ``x``; ``detail`` is what a reader who points at it wants to know."""

    x: float
    kind: Kind
    place: Place
    detail: str = ""
    count: int = 1


class Span(Struct, frozen=True):
    """Something that lasted from ``start`` to ``end``; ``fading`` when its end was not seen."""

    start: float
    end: float
    kind: Kind
    place: Place
    detail: str = ""
    fading: bool = False


class Sample(Struct, frozen=True):
    """One value of a series and the line or frame that says it."""

    x: float
    y: float
    place: Place


class Series(Struct, frozen=True):
    """Values over time; ``step`` holds a value until the next one, ``dashed`` tells it from its neighbour."""

    name: str
    samples: Sequence[Sample]
    tone: Tone = "info"
    dashed: bool = False
    step: bool = False


class Row(Struct, frozen=True):
    """One line of a lane: stretches of time and marks on them."""

    label: str
    spans: Sequence[Span] = ()
    marks: Sequence[Mark] = ()


class Lane(Struct, frozen=True):
    """Either curves over one scale (``series``) or rows of stretches and marks (``rows``).

    ``unit`` is written after the values; ``limit`` is a value that matters (a table's size) with its name; ``marks`` lie
    on the floor of the curves. ``note`` says what was left out.
    """

    title: str
    unit: str = ""
    series: Sequence[Series] = ()
    limit: tuple[float, str] | None = None
    marks: Sequence[Mark] = ()
    rows: Sequence[Row] = ()
    note: str = ""


class Section(Struct, frozen=True):
    """A stretch of the axis with one clock: position ``start`` is time ``since``, each position further ``rate`` seconds
    more."""

    start: float
    end: float
    since: float
    rate: float
    clock: Clock
    label: str


class Pin(Struct, frozen=True):
    """A finding pinned to its moment. ``target`` is the element of the page that tells of it, ``threads`` the positions
    and places of its evidence with the element that quotes each."""

    x: float
    label: str
    title: str
    tone: Tone
    target: str
    threads: Sequence[tuple[float, Place, str]] = ()


class Picture(Struct, frozen=True):
    """A timeline, ready to be drawn. ``rules`` are moments that run through all lanes (boots)."""

    title: str
    sections: Sequence[Section]
    lanes: Sequence[Lane]
    pins: Sequence[Pin] = ()
    rules: Sequence[Mark] = ()
    notes: Sequence[str] = field(default=())

    @property
    def start(self) -> float:
        """Where the axis begins."""
        return self.sections[0].start

    @property
    def end(self) -> float:
        """Where the axis ends."""
        return self.sections[-1].end

    def kinds(self) -> list[Kind]:
        """Every kind that is drawn, in the order of the lanes: the legend."""
        found: dict[Kind, None] = {}
        for lane in self.lanes:
            for row in lane.rows:
                found.update((span.kind, None) for span in row.spans)
                found.update((mark.kind, None) for mark in row.marks)
            found.update((mark.kind, None) for mark in lane.marks)
        return list(found)
