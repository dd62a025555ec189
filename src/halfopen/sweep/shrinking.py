"""Cutting a situation down to what still breaks its promise: fewer impairments, fewer devices, shorter.

Delta debugging (Zeller, "Simplifying and Isolating Failure-Inducing Input") over the impairments, then halves: of the
groups, of their numbers, of each impairment's length. Every step is played; what no longer breaks is taken back.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from halfopen.sweep.as_toml import Tables

#: Worlds played at most for one failure: each takes a tenth of a second.
TRIES_MAX = 150

#: Whether a situation still shows the failure.
Breaks = Callable[[Tables], bool]


def shrunk(tables: Tables, still_breaks: Breaks, tries_max: int = TRIES_MAX) -> Tables:
    """The smallest situation found that ``still_breaks``; ``tables`` itself, which does, where nothing can go."""
    return _Shrinking(tables, still_breaks, tries_max).result()


class _Shrinking:
    def __init__(self, tables: Tables, still_breaks: Breaks, tries_max: int) -> None:
        self._best = copy.deepcopy(tables)
        self._still_breaks = still_breaks
        self._left = tries_max

    def result(self) -> Tables:
        self._fewest_impairments()
        self._fewest_devices()
        self._shortest_impairments()
        self._shortest_run()
        return self._best

    def _try(self, tables: Tables) -> bool:
        """Take ``tables`` if they still break."""
        if self._left <= 0:
            return False
        self._left -= 1
        if not self._still_breaks(tables):
            return False
        self._best = tables
        return True

    def _with(self, key: str, value: Any) -> Tables:
        return {**self._best, key: value}

    def _fewest_impairments(self) -> None:
        parts = 2
        while len(self._best["impairments"]) > 1:
            impairments = self._best["impairments"]
            size = -(-len(impairments) // parts)
            pieces = [impairments[at : at + size] for at in range(0, len(impairments), size)]
            for number in range(len(pieces)):
                rest = [one for other, piece in enumerate(pieces) if other != number for one in piece]
                if self._try(self._with("impairments", rest)):
                    parts = max(2, parts - 1)
                    break
            else:
                if size == 1:
                    break
                parts = min(2 * parts, len(impairments))
        if len(self._best["impairments"]) == 1:
            self._try(self._with("impairments", []))

    def _fewest_devices(self) -> None:
        for device in list(self._best["devices"]):
            if len(self._best["devices"]) > 1:
                self._try(self._without(device["name"]))
        for number, device in enumerate(self._best["devices"]):
            if device.get("count", 1) > 1:
                devices = copy.deepcopy(self._best["devices"])
                devices[number]["count"] = 1
                self._try(self._with("devices", devices))

    def _without(self, name: str) -> Tables:
        """The situation without a group, and without what happens to it alone."""
        tables = self._with("devices", [one for one in self._best["devices"] if one["name"] != name])
        return {**tables, "impairments": [one for one in self._best["impairments"] if one["at"] != name]}

    def _shortest_impairments(self) -> None:
        for number in range(len(self._best["impairments"])):
            while True:
                one = self._best["impairments"][number]
                length = one.get("end_ms", one["begin_ms"]) - one["begin_ms"]
                if length < 2000:
                    break
                shorter = copy.deepcopy(self._best["impairments"])
                shorter[number]["end_ms"] = one["begin_ms"] + length // 2
                if not self._try(self._with("impairments", shorter)):
                    break

    def _shortest_run(self) -> None:
        ends = [one.get("end_ms", one["begin_ms"]) // 1000 for one in self._best["impairments"]]
        last = max(ends, default=0)
        while (rest := self._best["duration_s"] - last) > 30 and self._try(
            self._with("duration_s", last + rest * 3 // 4)
        ):
            pass
