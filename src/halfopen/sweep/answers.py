"""The answers of a sweep: the sums of each variation's cells as figures that a designer asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from halfopen.sweep.cells import CellSums
from halfopen.sweep.measures import STEP_MS, Sums
from halfopen.sweep.variations import Value

_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One column: its key for programs, its heading, its unit, and whether more is better.

    ``from_zero``: its chart begins there; what is nearly a whole is shown close up instead.
    """

    key: str
    heading: str
    unit: str
    more_is_better: bool = False
    from_zero: bool = True


FIGURES = (
    Figure("availability", "available", "%", more_is_better=True, from_zero=False),
    Figure("notice_median_s", "noticed, median", "s"),
    Figure("notice_95_s", "noticed, 95 %", "s"),
    Figure("unnoticed", "never noticed", ""),
    Figure("reconnects_a_day", "dials a day", ""),
    Figure("sockets", "sockets held", ""),
    Figure("airtime_ms_an_hour", "airtime per hour", "ms"),
    Figure("radio_on", "radio on", "%"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One variation: what was set, over how many cells, and its figures by key (``None``: nothing to tell)."""

    settings: tuple[tuple[str, Value], ...]
    cells: int
    sums: Sums
    figures: dict[str, float | None]

    def as_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "settings": dict(self.settings),
            "cells": self.cells,
            "devices": self.sums.devices,
            "hours": self.sums.lived_ms / _MS_PER_HOUR,
            "deaths": self.sums.deaths,
            **self.figures,
        }


def answers(settings: Sequence[tuple[tuple[str, Value], ...]], cells: Iterable[CellSums]) -> list[Answer]:
    """The answer of each variation that has a cell at least; cells may come in any order."""
    sums = [Sums() for _ in settings]
    counts = [0] * len(settings)
    for cell in cells:
        sums[cell.variation].add(cell.sums)
        counts[cell.variation] += 1
    return [
        Answer(settings[number], counts[number], one, figures(one))
        for number, one in enumerate(sums)
        if counts[number]
    ]


def figures(sums: Sums) -> dict[str, float | None]:
    """Key → value, in the units of ``FIGURES``."""
    hours = sums.lived_ms / _MS_PER_HOUR
    per_hour = 1 / hours if hours else 0.0
    return {
        "availability": 100 * sums.served_ms / sums.lived_ms if sums.lived_ms else None,
        "notice_median_s": percentile(sums, 0.5),
        "notice_95_s": percentile(sums, 0.95),
        "unnoticed": float(sums.unnoticed),
        "reconnects_a_day": max(0, sums.connects - sums.boots) * per_hour * 24,
        "sockets": sums.descriptor_ms / sums.lived_ms if sums.lived_ms else None,
        "airtime_ms_an_hour": sums.airtime_us / 1000 * per_hour,
        "radio_on": sums.radio_on_us / 10 / sums.lived_ms if sums.radio_on_us else None,
    }


def percentile(sums: Sums, share: float) -> float | None:
    """The time (s, to a tenth) within which that share of the deaths that were noticed had been."""
    wanted = share * sum(sums.notice.values())
    seen = 0
    for step in sorted(sums.notice):
        seen += sums.notice[step]
        if seen >= wanted:
            return step * STEP_MS / 1000
    return None


def fingerprint(found: Sequence[Answer]) -> str:
    """A short text that two sweeps share only when every sum is the same."""
    whole = json.dumps([(one.settings, one.sums.as_dict()) for one in found], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]
