"""Small charts as SVG that needs no script: figures over what was varied, side by side on a page or in a file alone.

Curves differ in tone, in their marker and in their dashes; every point tells its values when it is pointed at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from halfopen.pages.sheet import shown

if TYPE_CHECKING:
    from markupsafe import Markup

#: A chart's whole size and the room around its curves, in SVG units: left, right, top, bottom.
WIDTH, HEIGHT = 340, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 14, 30, 38
#: Curves before tones repeat; further ones take the same tones with longer dashes.
TONES = 6
_MARKERS = (
    "M-3 0A3 3 0 1 0 3 0A3 3 0 1 0 -3 0Z",
    "M-2.7 -2.7H2.7V2.7H-2.7Z",
    "M-3.4 2.8L3.4 2.8L0 -3.4Z",
    "M0 -3.8L3.6 0L0 3.8L-3.6 0Z",
    "M-3.4 -2.8L3.4 -2.8L0 3.4Z",
    "M-3 -3L3 3M-3 3L3 -3",
)
_TICKS = 5
#: Values nearer to each other than this share of themselves are drawn as near as they are.
_SPAN_MIN = 1e-3


class Curve(Struct, frozen=True):
    """Values over positions; ``None`` is a gap. A position is a number, or a word where words were varied."""

    name: str
    points: Sequence[tuple[float | str, float | None]]


class Chart(Struct, frozen=True):
    """One chart. ``logarithmic``: both axes grow by factors; all values must then be above 0. ``from_zero``: the lower
    end of its values is 0, so that heights can be compared."""

    title: str
    across: str
    curves: Sequence[Curve]
    unit: str = ""
    logarithmic: bool = False
    from_zero: bool = False


class Scale:
    """Values to positions between two ends; words stand at equal distances."""

    def __init__(self, values: Sequence[float | str], low: float, high: float, logarithmic: bool) -> None:
        self._low, self._high, self._log = low, high, logarithmic
        self.words = (
            []
            if all(not isinstance(value, str) for value in values)
            else list(dict.fromkeys(map(str, values)))
        )
        numbers = [float(value) for value in values if not isinstance(value, str)] if not self.words else []
        self.least, self.most = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
        span = max(abs(self.least), abs(self.most)) * _SPAN_MIN or 1.0
        if self.most - self.least < span and not logarithmic:
            middle = (self.least + self.most) / 2
            bottom = 0.0 if self.least >= 0 else middle - span / 2
            self.least = max(bottom, middle - span / 2)
            self.most = self.least + span
        elif self.most == self.least:
            self.most *= 2

    def place(self, value: float | str) -> float:
        """Where ``value`` stands."""
        if self.words:
            share = (self.words.index(str(value)) + 0.5) / len(self.words)
        elif self._log:
            share = (math.log(float(value)) - math.log(self.least)) / (
                math.log(self.most) - math.log(self.least)
            )
        else:
            share = (float(value) - self.least) / (self.most - self.least)
        return round(self._low + share * (self._high - self._low), 1)

    def ticks(self) -> list[float | str]:
        """Round values within, or all the words."""
        if self.words:
            return list(self.words)
        if self._log:
            first, last = math.floor(math.log10(self.least)), math.ceil(math.log10(self.most))
            powers = [10.0**power for power in range(first, last + 1)]
            for steps in ((1,), (1, 2, 5)):  # within two decades the powers of ten alone are too few
                within = [
                    step * power
                    for power in powers
                    for step in steps
                    if self.least * 0.999 <= step * power <= self.most * 1.001
                ]
                if len(within) > 2:
                    break
            return list(within)
        step = round_step((self.most - self.least) / _TICKS)
        first_tick = math.ceil(self.least / step - 1e-9)
        count = int((self.most - first_tick * step) / step + 1e-9) + 1
        return [round((first_tick + number) * step, 10) for number in range(count)]

    def told(self, tick: float | str) -> str:
        """A tick with as many digits as tell it from its neighbours."""
        if isinstance(tick, str) or self._log:
            return written(tick)
        step = round_step((self.most - self.least) / _TICKS)
        return f"{tick:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


def round_step(wanted: float) -> float:
    """The smallest of 1, 2, 5, 10 … × a power of ten that is not below ``wanted``."""
    magnitude = 10.0 ** math.floor(math.log10(wanted))
    return next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= wanted * 0.999)


def written(value: float | str) -> str:
    """A value for people: thousands apart, no more digits than it needs."""
    if isinstance(value, str):
        return value
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if abs(value) < 1000 else 1
    return f"{value:,.{min(digits, 6)}f}".rstrip("0").rstrip(".")


def svg(chart: Chart) -> Markup:
    """The chart as an ``svg`` element for a page whose style has ``chart.css``."""
    from markupsafe import Markup

    return Markup(_element(chart, 0, 0, outer=True))  # noqa: S704  every text is escaped below


def alone(charts: Sequence[Chart], title: str) -> str:
    """Charts side by side as an SVG file of its own, light or dark as its reader wants; the legend is in its title."""
    style = (Path(__file__).with_name("assets") / "chart.css").read_text(encoding="utf-8")
    width = WIDTH * len(charts)
    inner = "".join(_element(chart, WIDTH * number, 0, outer=False) for number, chart in enumerate(charts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        f'class="chart" role="img"><title>{_text(title)}</title><style>{style}</style>'
        f'<rect class="ground" width="{width}" height="{HEIGHT}"/>{inner}</svg>\n'
    )


def _text(text: str) -> str:
    return escape(shown(text))


def _element(chart: Chart, left: float, top: float, *, outer: bool) -> str:
    xs = [x for curve in chart.curves for x, y in curve.points if y is not None]
    ys: list[float | str] = [y for curve in chart.curves for _, y in curve.points if y is not None]
    across = Scale(xs, _LEFT, WIDTH - _RIGHT, chart.logarithmic)
    up = Scale([0.0, *ys] if chart.from_zero and ys else ys, HEIGHT - _BOTTOM, _TOP, chart.logarithmic)
    parts = [f'<text class="title" x="{_LEFT - 40}" y="17">{_text(chart.title)}']
    parts.append(f' <tspan class="unit">{_text(chart.unit)}</tspan></text>' if chart.unit else "</text>")
    parts += _grid(across, up, chart.across)
    for number, curve in enumerate(chart.curves):
        parts += _curve(curve, number, across, up, chart)
    if not ys:
        parts.append(
            f'<text class="tick" x="{WIDTH / 2}" y="{HEIGHT / 2}" text-anchor="middle">nothing to tell</text>'
        )
    inside = "".join(parts)
    if not outer:
        return f'<g transform="translate({left} {top})">{inside}</g>'
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_text(chart.title)}">{inside}</svg>'


def _grid(across: Scale, up: Scale, title: str) -> list[str]:
    parts = []
    for tick in up.ticks():
        y, words = up.place(tick), up.told(tick)
        parts.append(f'<path class="grid" d="M{_LEFT} {y}H{WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 6}" y="{y + 3.5}" text-anchor="end">{_text(written(tick))}</text>'
        )
    room = 0.0
    for tick in across.ticks():
        x, words = across.place(tick), across.told(tick)
        if x - 3.2 * len(words) < room:
            continue  # it would stand in its neighbour
        room = x + 3.2 * len(words) + 6
        parts.append(
            f'<text class="tick" x="{x}" y="{HEIGHT - _BOTTOM + 15}" text-anchor="middle">{_text(words)}</text>'
        )
    parts.append(f'<path class="axis" d="M{_LEFT} {HEIGHT - _BOTTOM}H{WIDTH - _RIGHT}"/>')
    parts.append(
        f'<text class="tick" x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{_text(title)}</text>'
    )
    return parts


def _curve(curve: Curve, number: int, across: Scale, up: Scale, chart: Chart) -> list[str]:
    tone, dashes = number % TONES, number // TONES
    parts: list[str] = []
    line = ""
    for x, y in curve.points:
        if y is None:
            line += " "
            continue
        step = "M" if not line or line.endswith(" ") else "L"
        line += f"{step}{across.place(x)} {up.place(y)}"
    parts.append(f'<path class="line t{tone} d{min(dashes, 2)}" d="{line.strip()}"/>')
    for x, y in curve.points:
        if y is not None:
            said = f"{curve.name + ', ' if curve.name else ''}{chart.across} {written(x)}: {written(y)} {chart.unit}".strip()
            place = f"translate({across.place(x)} {up.place(y)})"
            parts.append(
                f'<path class="point t{tone}" transform="{place}" d="{_MARKERS[tone]}"><title>{_text(said)}</title></path>'
            )
    return parts


def swatch(number: int) -> Markup:
    """The mark of a curve for a legend."""
    from markupsafe import Markup

    tone, dashes = number % TONES, min(number // TONES, 2)
    inside = (
        f'<path class="line t{tone} d{dashes}" d="M0 7H28"/>'
        f'<path class="point t{tone}" transform="translate(14 7)" d="{_MARKERS[tone]}"/>'
    )
    whole = f'<svg class="chart swatch" width="28" height="14" viewBox="0 0 28 14" aria-hidden="true">{inside}</svg>'
    return Markup(whole)  # noqa: S704  our own
