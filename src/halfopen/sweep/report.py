"""A sweep told: one object that text, JSON, CSV and the page are made from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

from halfopen.pages.charts import written
from halfopen.sweep.answers import FIGURES, Answer, fingerprint
from halfopen.sweep.variations import KNOBS, Axis, Value


@dataclass(frozen=True, slots=True)
class Sweep:
    """What was asked and what came of it. ``wanted`` cells there are in all; fewer when it was interrupted."""

    title: str
    about: str
    axes: tuple[Axis, ...]
    answers: tuple[Answer, ...]
    wanted: int
    command: str

    @property
    def cells(self) -> int:
        """Cells that were played."""
        return sum(answer.cells for answer in self.answers)

    @property
    def identity(self) -> str:
        """How much was played, in a line."""
        devices = max((answer.sums.devices for answer in self.answers), default=0)
        hours = sum(answer.sums.lived_ms for answer in self.answers) / 3_600_000
        whole = (
            ""
            if self.cells == self.wanted
            else f" (interrupted: {self.wanted - self.cells} cells are missing)"
        )
        return (
            f"{devices:,} devices in each of {len(self.answers)} variations, {hours:,.0f} device-hours{whole}"
        )


def heads(sweep: Sweep) -> list[str]:
    """The headings of the table: what was varied, then the figures."""
    varied = [label(sweep, axis.name) for axis in sweep.axes]
    return [*varied, *(with_unit(figure.heading, figure.unit) for figure in FIGURES)]


def label(sweep: Sweep, name: str) -> str:
    """What is varied, short: the last part of its name where no other axis ends so, and its unit."""
    last = name.rpartition(".")[2]
    alone = sum(axis.name.rpartition(".")[2] == last for axis in sweep.axes) == 1
    return with_unit(last.replace("_", " ") if alone else name, unit_of(name))


def unit_of(name: str) -> str:
    """The unit of what is varied."""
    return KNOBS[name].unit if name in KNOBS else ""


def with_unit(name: str, unit: str) -> str:
    """``dial`` and ``s`` as ``dial [s]``."""
    return f"{name} [{unit}]" if unit else name


def rows(sweep: Sweep) -> list[list[str]]:
    """The table, cell by cell as people read it."""
    return [
        [*(told(value) for _, value in answer.settings), *(_figure(answer, figure.key) for figure in FIGURES)]
        for answer in sweep.answers
    ]


def told(value: Value) -> str:
    """A varied value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return written(value)


def _figure(answer: Answer, key: str) -> str:
    value = answer.figures[key]
    if value is None:
        return "–"
    digits = {"availability": 3, "sockets": 2, "airtime_ms_an_hour": 0, "radio_on": 1, "unnoticed": 0}.get(
        key, 1
    )
    return f"{value:,.{digits}f}"


def as_json(sweep: Sweep) -> str:
    """``version``, what was asked, and an entry for each variation."""
    whole = {
        "version": 1,
        "title": sweep.title,
        "command": sweep.command,
        "complete": sweep.cells == sweep.wanted,
        "fingerprint": fingerprint(sweep.answers),
        "answers": [answer.as_dict() for answer in sweep.answers],
    }
    return json.dumps(whole, indent=1)


def as_csv(sweep: Sweep) -> str:
    """A line for each variation, numbers as they are."""
    out = io.StringIO()
    keys = [figure.key for figure in FIGURES]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(axis.name for axis in sweep.axes), "devices", "hours", "deaths", *keys])
    for answer in sweep.answers:
        told_ = answer.as_dict()
        values: Sequence[object] = [
            told_["devices"],
            told_["hours"],
            told_["deaths"],
            *(told_[key] for key in keys),
        ]
        writer.writerow(
            [*(value for _, value in answer.settings), *("" if one is None else one for one in values)]
        )
    return out.getvalue()
