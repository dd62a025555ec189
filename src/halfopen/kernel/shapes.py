# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Lines by their shape: which lines of a block are like one that was seen before, but for their digits.

A device says the same things with other numbers. What was found out of a line (its header, whether a wording stands in it)
is so of every line that has the same bytes when each digit is taken for ``0``; it is kept in a table of some thousand
shapes, where the newest take the places of the oldest.
"""

from __future__ import annotations

from array import array

from halfopen.kernel import shape_layout as s
from halfopen.kernel import words


class LineShapes:
    """A table of shapes, a row to a slot: its words are ``rows``, the numbers among them ``traits``.

    The shape that was measured is ``size``, the length of the line in bytes, and ``scratch``, its ``words`` with digits alike, to
    which one of 0 is added where their number were odd; ``mixed`` is its key.
    """

    def __init__(self) -> None:
        self.keys = array("Q", [0]) * (s.PLACES * s.WAYS)
        rows = array("Q", [0]) * (s.PLACES * s.WAYS * s.ROW_WORDS)
        self.rows = rows
        self.traits = memoryview(rows).cast("B").cast("h")
        self.scratch = array("Q", [0]) * (s.WORDS_MAX + 1)
        self.factors = array("Q", [pow(s.SCATTER, power, 1 << 64) for power in range(1, 2 + s.WORDS_MAX)])
        self.data = b""
        self.mixed = self.words = self.size = self.block = 0

    def enter(self, data: bytes) -> None:
        """Begin a block of lines."""
        self.data = data
        self.block += 1

    def measure(self, at: int, end: int) -> int:
        """Take the shape of the line at ``at``; where it ends. ``words`` is 0 where it has none: too long, empty, or too near to
        ``end``."""
        place = words.line_end_at(self.data, at)
        size = place - at
        count = size + 7 >> 3
        self.words = 0
        if size == 0 or count > s.WORDS_MAX or at + 8 * count + 8 > end:
            return place
        words.put_alike(self.data, at, count, self.scratch)
        self.scratch[count - 1] &= s.BITS >> (-size & 7) * 8
        self.scratch[count] = 0
        mixed = size * s.SCATTER_SIZE & s.BITS
        index = 0
        while index < count:
            mixed = (
                mixed
                + self.scratch[index] * self.factors[index]
                + self.scratch[index + 1] * self.factors[index + 1]
                & s.BITS
            )
            index += 2
        self.mixed = mixed
        self.size = size
        self.words = index
        return place

    def find(self) -> int:
        """The slot of the shape that was measured; ``UNKNOWN`` without any."""
        slot = (self.mixed >> s.PLACE_SHIFT) * s.WAYS
        # not way by way: a processor would have to guess which it will be
        slot += (
            (self.keys[slot + 1] == self.mixed)
            | (self.keys[slot + 2] == self.mixed) * 2
            | (self.keys[slot + 3] == self.mixed) * 3
        )
        row = slot * s.ROW_WORDS
        if self.keys[slot] != self.mixed or self.rows[row + s.SEEN] & s.SIZE_MASK != self.size:
            return s.UNKNOWN
        if not words.are_same(self.rows, row + s.TEXT_FIRST, self.scratch, self.words):
            return s.UNKNOWN
        self.rows[row + s.SEEN] = self.block << s.SIZE_BITS | self.size
        return slot

    def claim(self) -> int:
        """A slot for the shape that was measured; the caller fills in its row. ``UNKNOWN`` when it is there already, or when
        shapes of this block hold its place."""
        if self.find() != s.UNKNOWN:
            return s.UNKNOWN
        first = (self.mixed >> s.PLACE_SHIFT) * s.WAYS
        slot = first
        way = first + 1
        while way < first + s.WAYS:
            if self.rows[way * s.ROW_WORDS + s.SEEN] < self.rows[slot * s.ROW_WORDS + s.SEEN]:
                slot = way
            way += 1
        row = slot * s.ROW_WORDS
        if self.rows[row + s.SEEN] >> s.SIZE_BITS == self.block:
            return s.UNKNOWN
        index = 0
        place = row + s.TEXT_FIRST
        while index < self.words:
            self.rows[place + index] = self.scratch[index]
            index += 1
        self.keys[slot] = self.mixed
        self.rows[row + s.SEEN] = self.block << s.SIZE_BITS | self.size
        return slot
