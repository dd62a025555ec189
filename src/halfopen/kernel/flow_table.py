"""The flow table that ``flows`` works on: it grows with the conversations seen, up to a limit."""

from __future__ import annotations

from array import array

from halfopen.kernel.conversation import Story, forget
from halfopen.kernel.flows import Flows, analyse
from halfopen.kernel.frames import NO_ROWS, Frames
from halfopen.kernel.layout import F_CHAIN, FLOW_WIDTH

#: Conversations kept at once: about 2 KB each here, and as much again in what is quoted of them.
SLOTS_MAX = 4096
SLOTS_FIRST = 64
BUCKETS = 8192
#: As many slots, empty.
NOTHING = bytes(8 * FLOW_WIDTH * SLOTS_FIRST)


class FlowTable:
    """Conversations as columns. ``state`` is laid out in ``layout`` and may move whenever the table grows."""

    def __init__(self, slots_max: int = SLOTS_MAX) -> None:
        self.slots_max = slots_max
        self.slots = 0
        self.state: array[int] = array("q")
        self.heads: array[int] = array("q", [-1]) * BUCKETS
        self._flows = Flows()
        self.grow()

    @property
    def full(self) -> bool:
        """Whether no further conversation fits until one is forgotten."""
        return self._flows.free < 0 and self.slots >= self.slots_max

    def grow(self) -> None:
        """Make room for more conversations, up to ``slots_max``."""
        first, slots = self.slots, min(self.slots_max, self.slots * 4 or SLOTS_FIRST)
        for begin in range(first, slots, SLOTS_FIRST):
            self.state.frombytes(NOTHING[: 8 * FLOW_WIDTH * (slots - begin)])
        chain = array("q", range(first + 1, slots + 1))
        chain[-1] = self._flows.free
        self.state[first * FLOW_WIDTH + F_CHAIN :: FLOW_WIDTH] = chain
        self._flows.free = first
        self.slots = slots

    def forget(self, story: Story, most: int) -> None:
        """Give up the ``most`` least telling conversations of ``story``, which tells of this table."""
        self._flows.hold(self.state, self.heads, NO_ROWS)
        forget(story, self._flows, array("q", bytes(8 * most)), most)
        self._flows.release()

    def analyse(
        self, frames: Frames, begin: int, end: int, frame: int, notable: array[int]
    ) -> tuple[int, int]:
        """Follow the rows from ``begin``; the row it stopped at, and how many rows ``notable`` lists.

        It stops before ``end`` when it has no room for a new conversation, and grows. Once it is :attr:`full`
        the caller must :meth:`forget` some before it goes on. ``frame`` is the number of row 0.
        """
        self._flows.hold(self.state, self.heads, notable)
        at = analyse(frames, self._flows, begin, end, frame)
        self._flows.release()
        if at < end and not self.full:
            self.grow()
        return at, self._flows.listed
