"""A list that keeps its ends: what a source quotes must not grow with the file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from halfopen.diagnose.traffic import FRAMES_KEPT

Item = TypeVar("Item")


class Bounded(Generic[Item]):
    """The first half and the last half of ``FRAMES_KEPT`` items; ``count`` is how many there were."""

    __slots__ = ("_first", "_last", "count")

    def __init__(self) -> None:
        self._first: list[Item] = []
        self._last: deque[Item] = deque(maxlen=FRAMES_KEPT // 2)
        self.count = 0

    def add(self, item: Item) -> None:
        """Add an item; too many lose one from the middle."""
        self.count += 1
        if len(self._first) < FRAMES_KEPT // 2:
            self._first.append(item)
        else:
            self._last.append(item)

    @property
    def newest(self) -> Item | None:
        """The item added last."""
        if self._last:
            return self._last[-1]
        return self._first[-1] if self._first else None

    def __iter__(self) -> Iterator[Item]:
        yield from self._first
        yield from self._last
