"""A sweep as one HTML file: small multiples, a chart for each figure, and the table."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from halfopen import __version__
from halfopen.pages.charts import Chart, Curve, svg, swatch
from halfopen.pages.sheet import rendered
from halfopen.sweep.answers import FIGURES, Answer, Figure, fingerprint
from halfopen.sweep.report import Sweep, heads, label, rows, told
from halfopen.sweep.variations import Value

if TYPE_CHECKING:
    from markupsafe import Markup

Settings = tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class _Panel:
    """The charts of one setting of all axes but the first two, and the legend of their curves."""

    title: str
    legend: tuple[tuple[Markup, str], ...]
    charts: tuple[Markup, ...]


def as_html(sweep: Sweep) -> str:
    """``sweep`` as a document that needs nothing but itself."""
    return rendered(
        "sweep.html.j2",
        title=sweep.title,
        identity=sweep.identity,
        about=sweep.about,
        panels=tuple(_panels(sweep)),
        heads=heads(sweep),
        rows=rows(sweep),
        notes=(
            "Available: a connection stands, its peer is there and the path lets it through. Noticed: from the death of a "
            "connection that nobody told the device of, until it was given up. Airtime: frames of the device both ways.",
            f"Fingerprint {fingerprint(sweep.answers)}: the same for every number of processes.",
        ),
        command=sweep.command,
        version=__version__,
    )


def _panels(sweep: Sweep) -> Iterator[_Panel]:
    """First axis across, second one a curve for each value, the others a panel for each combination."""
    if not sweep.axes or not sweep.answers:
        return
    apart = [axis.values for axis in sweep.axes[2:]]
    for values in itertools.product(*apart):
        rest = tuple(zip((axis.name for axis in sweep.axes[2:]), values, strict=True))
        among = [answer for answer in sweep.answers if answer.settings[2:] == rest]
        title = ", ".join(f"{label(sweep, name)} {told(value)}" for name, value in rest)
        curves = _curves(sweep, among)
        yield _Panel(
            title or "In pictures",
            tuple((swatch(number), name) for number, (name, _) in enumerate(curves)),
            tuple(svg(_chart(sweep, figure, curves)) for figure in FIGURES),
        )


def _curves(sweep: Sweep, among: list[Answer]) -> list[tuple[str, list[Answer]]]:
    if len(sweep.axes) < 2:
        return [("", among)]
    second = sweep.axes[1]
    return [
        (f"{label(sweep, second.name)} {told(value)}", [one for one in among if one.settings[1][1] == value])
        for value in second.values
    ]


def _chart(sweep: Sweep, figure: Figure, curves: list[tuple[str, list[Answer]]]) -> Chart:
    first = sweep.axes[0]
    return Chart(
        figure.heading,
        label(sweep, first.name),
        [
            Curve(
                name, [(_position(answer.settings[0][1]), answer.figures[figure.key]) for answer in answers]
            )
            for name, answers in curves
        ],
        figure.unit,
        from_zero=figure.from_zero,
    )


def _position(value: Value) -> float | str:
    return told(value) if isinstance(value, (bool, str)) else value
