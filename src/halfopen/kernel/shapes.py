# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Lines by their shape: which lines of a block are like one that was seen before, but for their digits.

A device says the same things with other numbers. What was found out of a line (its header, whether a wording stands in it)
is so of every line that has the same bytes when each digit is taken for ``0``; it is kept in a table of few thousand
shapes, where the newest take the places of the oldest.
"""

from __future__ import annotations

from array import array

from halfopen.kernel import shape_layout as s
from halfopen.kernel import words


class LineShapes:
    """A table of shapes: what is known of each stands in ``rows``, a row to a slot."""

    def __init__(self) -> None:
        self.keys = array("Q", [0]) * (s.PLACES * s.WAYS)
        self.texts = array("Q", [0]) * (s.PLACES * s.WAYS * s.WORDS_MAX)
        self.seen = array("q", [0]) * (s.PLACES * s.WAYS)
        self.rows = array("h", [0]) * (s.PLACES * s.WAYS * s.ROW_WIDTH)
        self.scratch = array("Q", [0]) * s.WORDS_MAX
        self.data = b""
        self.mixed = self.words = self.block = 0

    def enter(self, data: bytes) -> None:
        """Begin a block of lines."""
        self.data = data
        self.block += 1

    def measure(self, at: int, end: int) -> int:
        """Take the shape of the line at ``at``, of which a line end stands before ``end``; where that stands.

        ``words`` is 0 where the line has no shape: too long, empty, or too near to ``end``.
        """
        count = 0
        mixed = s.SCATTER_FIRST
        place = at
        while place + 8 <= end:
            word = words.word_at(self.data, place)
            other = word ^ s.LINE_ENDS
            found = (other - s.ONES) & ~other & s.HIGH_BITS
            if found:  # of the line's last word what stands before the line end
                found = (found & -found) >> 7
                place += (((found - 1) & s.ONES) * s.ONES & s.BITS) >> 56
                word &= found - 1
            other = word ^ s.ZEROS
            digit = ((other & s.LOW_BITS) + s.ABOVE_NINE) | other
            digit = (~digit & s.HIGH_BITS) >> 7
            word ^= other & (digit * 255)
            mixed = (mixed ^ word) * s.SCATTER_FACTOR & s.BITS
            if count < s.WORDS_MAX:
                self.scratch[count] = word
            count += 1
            if found:
                self.mixed = mixed ^ (place - at)
                self.words = count if count <= s.WORDS_MAX and place > at else 0
                return place
            place += 8
        while self.data[place] != 10:
            place += 1
        self.words = 0
        return place

    def find(self) -> int:
        """The slot of the shape that was measured; ``UNKNOWN`` without any."""
        slot = (self.mixed >> s.PLACE_SHIFT) * s.WAYS
        last = slot + s.WAYS
        while slot < last:
            if self.keys[slot] == self.mixed:
                index = 0
                place = slot * s.WORDS_MAX
                while index < self.words and self.texts[place + index] == self.scratch[index]:
                    index += 1
                if index == self.words:  # and the length is the same, or the key were not
                    self.seen[slot] = self.block
                    return slot
            slot += 1
        return s.UNKNOWN

    def claim(self) -> int:
        """A slot for the shape that was measured; the caller fills in its row. ``UNKNOWN`` when it is there already, or when
        shapes of this block hold its place."""
        if self.find() != s.UNKNOWN:
            return s.UNKNOWN
        first = (self.mixed >> s.PLACE_SHIFT) * s.WAYS
        slot = first
        way = first + 1
        while way < first + s.WAYS:
            if self.seen[way] < self.seen[slot]:
                slot = way
            way += 1
        if self.seen[slot] == self.block:
            return s.UNKNOWN
        index = 0
        place = slot * s.WORDS_MAX
        while index < self.words:
            self.texts[place + index] = self.scratch[index]
            index += 1
        self.keys[slot] = self.mixed
        self.seen[slot] = self.block
        return slot
