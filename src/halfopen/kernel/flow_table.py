"""The flow table that ``flows`` works on: it grows with the conversations seen, up to a limit."""

from __future__ import annotations

from array import array

from halfopen.kernel.flows import analyse, unlink
from halfopen.kernel.layout import F_CHAIN, FLOW_WIDTH, T_FREE, T_MASK, T_NOTABLE, T_WIDTH

#: Conversations kept at once: about 2 KB each here, and as much again in what is quoted of them.
SLOTS_MAX = 4096
SLOTS_FIRST = 64
BUCKETS = 8192


class FlowTable:
    """Conversations as columns. ``state`` is laid out in ``layout`` and may move whenever the table grows."""

    def __init__(self, slots_max: int = SLOTS_MAX) -> None:
        self.slots_max = slots_max
        self.slots = 0
        self.state: array[int] = array("q")
        self.heads: array[int] = array("q", [-1]) * BUCKETS
        self.registers: array[int] = array("q", bytes(8 * T_WIDTH))
        self.registers[T_FREE] = -1
        self.registers[T_MASK] = BUCKETS - 1
        self.grow()

    @property
    def full(self) -> bool:
        """Whether no further conversation fits until one is forgotten."""
        return self.registers[T_FREE] < 0 and self.slots >= self.slots_max

    def grow(self) -> None:
        """Make room for more conversations, up to ``slots_max``."""
        more = min(self.slots_max, self.slots * 4 or SLOTS_FIRST) - self.slots
        self.state.extend(array("q", bytes(8 * FLOW_WIDTH * more)))
        for slot in range(self.slots + more - 1, self.slots - 1, -1):
            self._free(slot)
        self.slots += more

    def forget(self, slot: int) -> None:
        """Give the slot of a conversation back; frames that follow begin a new one."""
        unlink(slot, self.state, self.heads)
        self._free(slot)

    def _free(self, slot: int) -> None:
        self.state[slot * FLOW_WIDTH + F_CHAIN] = self.registers[T_FREE]
        self.registers[T_FREE] = slot

    def analyse(
        self, data: bytes | bytearray, rows: array[int], begin: int, end: int, frame: int, notable: array[int]
    ) -> tuple[int, int]:
        """Follow the rows from ``begin``; the row it stopped at, and how many rows ``notable`` lists.

        It stops before ``end`` when it has no room for a new conversation, and grows. Once it is :attr:`full`
        the caller must :meth:`forget` some before it goes on. ``frame`` is the number of row 0.
        """
        at = analyse(data, rows, begin, end, frame, self.state, self.heads, self.registers, notable)
        if at < end and not self.full:
            self.grow()
        return at, self.registers[T_NOTABLE]
