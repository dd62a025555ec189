"""Signals of one sender, counted by strength in place of samples: what is kept must not grow with the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def counted(signals: Iterable[int]) -> Counter[int]:
    """How often each signal was seen, from the kernel's counts by dBm + 128."""
    return Counter({index - 128: count for index, count in enumerate(signals) if count})


def upper_median(signals: Counter[int]) -> int | None:
    """The (upper) median of counted values."""
    left = signals.total() // 2
    for value in sorted(signals):
        left -= signals[value]
        if left < 0:
            return value
    return None
