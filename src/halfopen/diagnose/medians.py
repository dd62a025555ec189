"""The median. That of ``statistics`` brings fractions, decimals and chance: 2 ms of every start for three lines."""

from __future__ import annotations

from collections.abc import Iterable


def median(values: Iterable[float]) -> float:
    """The middle of ``values``, or halfway between the two that are; ``ValueError`` without any."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no median of nothing")
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
