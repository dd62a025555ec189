# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Frames that may be quoted, and lists of them that keep their ends: what is kept must not grow with the file.

A frame is kept as numbers while the capture is read. Compiled that is a structure of about 70 bytes that the garbage
collector need not look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from halfopen.kernel import layout as k

#: Shared by the many lists that stay short; never added to.
NONE: list[Any] = []


class Quoted:
    """The numbers of one TCP segment, named as the columns of the frame table and in the order of ``R_FRAME``.

    ``shape`` is the TCP flags | window << 8 | payload << 24; ``time`` in nanoseconds since the Unix epoch.
    """

    def __init__(self, frame: int, time: int, seq: int, ack: int, shape: int, bits: int, side: int) -> None:
        self.frame = frame
        self.time = time
        self.seq = seq
        self.ack = ack
        self.shape = shape
        self.bits = bits
        self.side = side

    @property
    def flags(self) -> int:
        """TCP flags."""
        return self.shape & 0xFF

    @property
    def window(self) -> int:
        """The advertised window, unscaled."""
        return self.shape >> 8 & 0xFFFF

    @property
    def payload(self) -> int:
        """Bytes of payload on the wire."""
        return self.shape >> 24


class Quota:
    """Items that many lists together may still keep; ``refused`` counts those that found no room."""

    def __init__(self, items: int) -> None:
        self.left = items
        self.refused = 0


class Bounded:
    """The first half and the last half of ``KEPT`` items; ``count`` is how many there were.

    Once the quota is spent a list keeps only what it has, with its newest item exchanged for the next.
    """

    def __init__(self, quota: Quota) -> None:
        self.count = 0
        self.single: Any = None  # the only item: most lists get no second
        self.first = NONE
        self.last = NONE
        self.quota = quota

    def add(self, item: Any) -> None:
        """Add an item, which is not ``None``; too many lose one from the middle."""
        half = k.KEPT // 2
        self.count += 1
        if len(self.last) == half:
            del self.last[0]
            self.last.append(item)
            return
        room = self.quota.left > 0
        if room:
            self.quota.left -= 1
        else:
            self.quota.refused += 1
        if self.single is None and not self.first:
            self.single = item
        elif not room:
            self.exchange(item)
        elif self.single is not None:
            self.first = [self.single, item]
            self.single = None
        elif len(self.first) < half:
            self.first.append(item)
        elif self.last:
            self.last.append(item)
        else:
            self.last = [item]

    def exchange(self, item: Any) -> None:
        """Keep ``item`` in the place of the newest."""
        if self.last:
            self.last[len(self.last) - 1] = item
        elif self.first:
            self.first[len(self.first) - 1] = item
        else:
            self.single = item

    def newest(self) -> Any:
        """The item added last, ``None`` before the first."""
        if self.last:
            return self.last[len(self.last) - 1]
        return self.first[len(self.first) - 1] if self.first else self.single

    def oldest(self) -> Any:
        """The item added first, ``None`` before it."""
        return self.first[0] if self.first else self.single

    def __len__(self) -> int:
        return len(self.first) + len(self.last) + (self.single is not None)

    def __iter__(self) -> Iterator[Any]:
        return iter([self.single] if self.single is not None else self.first + self.last)
