"""Lists that keep their ends, a quota over all of them, and counts in place of samples: what is kept must not grow with
the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from halfopen.diagnose.traffic import FRAMES_KEPT

Item = TypeVar("Item")
#: Shared by the many lists that stay short; never added to.
_NONE: list[Any] = []


class Quota:
    """Items that many lists together may still keep; ``refused`` counts those that found no room."""

    __slots__ = ("left", "refused")

    def __init__(self, items: int) -> None:
        self.left = items
        self.refused = 0

    def take(self) -> bool:
        """Whether there is room for one more, which is then taken."""
        if self.left <= 0:
            self.refused += 1
            return False
        self.left -= 1
        return True


class Bounded(Generic[Item]):
    """The first half and the last half of ``FRAMES_KEPT`` items; ``count`` is how many there were.

    Once the quota is spent a list keeps only what it has, with its newest item exchanged for the next.
    """

    __slots__ = ("_first", "_last", "_quota", "count")

    def __init__(self, quota: Quota) -> None:
        self._first: list[Item] = []
        self._last: list[Item] = _NONE
        self._quota = quota
        self.count = 0

    def add(self, item: Item) -> None:
        """Add an item; too many lose one from the middle."""
        self.count += 1
        if len(self._last) == FRAMES_KEPT // 2:
            del self._last[0]
            self._last.append(item)
        elif self._quota.take() or not self._first:
            if len(self._first) < FRAMES_KEPT // 2:
                self._first.append(item)
            elif self._last:
                self._last.append(item)
            else:
                self._last = [item]
        else:
            (self._last or self._first)[-1] = item

    @property
    def newest(self) -> Item | None:
        """The item added last."""
        if self._last:
            return self._last[-1]
        return self._first[-1] if self._first else None

    def __len__(self) -> int:
        return len(self._first) + len(self._last)

    def __iter__(self) -> Iterator[Item]:
        yield from self._first
        yield from self._last


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
