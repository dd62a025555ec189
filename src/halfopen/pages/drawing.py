"""A picture as the compact data that the script draws: thinned, texts and kinds once each, numbers rounded.

The script's side of this is ``assets/layout.js``. Things on a lane are lists, to be small:
a mark is ``[x, kind, source, number, text, detail, count]``, a stretch ``[start, end, kind, source, number, text, detail,
fading]``; ``number`` is a line when positive and a frame when negative, texts are numbers into ``texts``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from halfopen.pages.picture import Lane, Mark, Picture, Place, Sample, Series, Span
from halfopen.pages.shapes import PATHS
from halfopen.pages.thinning import Quoted, quoted, thin_marks, thin_samples, thin_spans

#: A quoted text longer than this is cut; the report and the file have the rest.
TEXT_MAX = 220
#: Positions are rounded to this share of the axis: a millisecond in a day.
_RESOLUTION = 1e-8


#: How a text, or the name of a source, is written on a page.
Spelling = Callable[[str], str]

_Placed = TypeVar("_Placed", Mark, Sample)


def drawing(picture: Picture, spell: Spelling = str, name: Spelling = str) -> dict[str, Any]:
    """``picture`` as data for the script: JSON types only, the same bytes for the same picture.

    ``spell`` rewrites every text from a device, ``name`` the names of sources.
    """
    return _Drawing(picture, spell, name).data()


class _Drawing:
    def __init__(self, picture: Picture, spell: Spelling, name: Spelling) -> None:
        self.picture = picture
        self._spell, self._name = spell, name
        self._spelled: dict[str, int] = {}
        self._texts: dict[str, int] = {"": 0}
        self._sources: dict[str, int] = {}
        self._kinds = {kind: number for number, kind in enumerate(picture.kinds())}
        self._targets: dict[Quoted, str] = {}
        for pin in picture.pins:
            for _, place, target in pin.threads:
                self._targets.setdefault(quoted(place), target)
        span = max(picture.end - picture.start, 1e-6)
        self._digits = max(0, -math.floor(math.log10(span * _RESOLUTION)))
        self.thinned = False

    def data(self) -> dict[str, Any]:
        """Everything but the shapes of what is not used."""
        picture = self.picture
        lanes = [self._lane(lane) for lane in picture.lanes]
        pins = [
            {
                "x": self._x(pin.x),
                "label": pin.label,
                "title": self._spell(pin.title),
                "tone": pin.tone,
                "target": pin.target,
                "threads": [
                    [self._x(x), self._source(place), _number(place), self._text(place.text), target]
                    for x, place, target in pin.threads
                ],
            }
            for pin in picture.pins
        ]
        rules = [
            self._rule(mark) for mark in thin_marks(_in_order(picture.rules), picture.start, picture.end)
        ]
        return {
            "title": self._spell(picture.title),
            "sections": [
                {
                    "start": self._x(s.start),
                    "end": self._x(s.end),
                    "since": round(s.since, 6),
                    "rate": s.rate,
                    "clock": s.clock,
                    "label": self._spell(s.label),
                }
                for s in picture.sections
            ],
            "lanes": lanes,
            "pins": pins,
            "rules": rules,
            "kinds": [[kind.name, kind.shape, kind.tone] for kind in self._kinds],
            "shapes": PATHS,
            "targets": [
                [self._sources[source], line or -(frame or 0), target]
                for (source, line, frame), target in self._targets.items()
                if source in self._sources
            ],
            "sources": [self._name(source) for source in self._sources],
            "texts": list(self._texts),
            "thinned": self.thinned,
        }

    def _lane(self, lane: Lane) -> dict[str, Any]:
        data: dict[str, Any] = {"title": lane.title}
        if lane.note:
            data["note"] = lane.note
        if lane.rows:
            data["rows"] = [
                {
                    "label": self._spell(row.label),
                    "spans": [self._span(span) for span in self._thin_spans(row.spans)],
                    "marks": [self._mark(mark) for mark in self._thin_marks(row.marks)],
                }
                for row in lane.rows
            ]
            return data
        data["unit"] = lane.unit
        if lane.limit is not None:
            data["limit"] = list(lane.limit)
        data["series"] = [self._series(series) for series in lane.series]
        data["marks"] = [self._mark(mark) for mark in self._thin_marks(lane.marks)]
        return data

    def _series(self, series: Series) -> dict[str, Any]:
        samples = thin_samples(_in_order(series.samples), self.picture.start, self.picture.end, self._targets)
        self._note_thinned(series.samples, samples)
        return {
            "name": series.name,
            "tone": series.tone,
            "dashed": series.dashed,
            "step": series.step,
            "x": [self._x(sample.x) for sample in samples],
            "y": [_short(sample.y) for sample in samples],
            "source": [self._source(sample.place) for sample in samples] if _several(samples) else [],
            "first": self._source(samples[0].place) if samples else 0,
            "number": [_number(sample.place) for sample in samples],
        }

    def _thin_marks(self, marks: Sequence[Mark]) -> list[Mark]:
        few = thin_marks(_in_order(marks), self.picture.start, self.picture.end, self._targets)
        self._note_thinned(marks, few)
        return few

    def _thin_spans(self, spans: Sequence[Span]) -> list[Span]:
        few = thin_spans(spans, self.picture.start, self.picture.end, self._targets)
        self._note_thinned(spans, few)
        return few

    def _note_thinned(self, many: Sequence[object], few: Sequence[object]) -> None:
        self.thinned = self.thinned or len(few) < len(many)

    def _mark(self, mark: Mark) -> list[Any]:
        return [
            self._x(mark.x),
            self._kinds[mark.kind],
            *self._place(mark.place),
            self._text(mark.detail),
            mark.count,
        ]

    def _span(self, span: Span) -> list[Any]:
        ends = [self._x(span.start), self._x(span.end), self._kinds[span.kind]]
        return [*ends, *self._place(span.place), self._text(span.detail), int(span.fading)]

    def _rule(self, mark: Mark) -> list[Any]:
        return [self._x(mark.x), mark.kind.name, *self._place(mark.place), self._text(mark.detail)]

    def _place(self, place: Place) -> tuple[int, int, int]:
        return self._source(place), _number(place), self._text(place.text)

    def _source(self, place: Place) -> int:
        return self._sources.setdefault(place.source, len(self._sources))

    def _text(self, text: str) -> int:
        """The number of a text; each is spelled once."""
        if text not in self._spelled:
            short = self._spell(text.strip())
            short = short if len(short) <= TEXT_MAX else f"{short[: TEXT_MAX - 1]}…"
            self._spelled[text] = self._texts.setdefault(short, len(self._texts))
        return self._spelled[text]

    def _x(self, x: float) -> float:
        return _short(round(x, self._digits))


def _number(place: Place) -> int:
    return place.line if place.line is not None else -(place.frame or 0)


def _in_order(things: Sequence[_Placed]) -> list[_Placed]:
    """By position: a clock that was set back (summer time, SNTP) leaves things in another order, and the script searches
    for what is in view by halves."""
    return sorted(things, key=lambda thing: thing.x)


def _several(samples: Sequence[Sample]) -> bool:
    return len({sample.place.source for sample in samples}) > 1


def _short(value: float) -> float:
    """Whole numbers without their ``.0``: JSON shows the difference in size."""
    whole = int(value)
    return whole if whole == value else value
