"""The device's heap: first fit over one region, neighbours merged when freed, as ``multi_heap`` behaves to its callers.

Only sizes matter, so blocks hold no bytes. Every block costs a header, and sizes are rounded up to the alignment;
both are what ESP-IDF's allocator does to a caller who watches ``esp_get_free_heap_size()``.
"""

from __future__ import annotations

from bisect import bisect_left, insort

#: Bytes that a block costs beside its own, and what sizes are rounded up to (multi_heap on the ESP32: a word each).
HEADER = 4
ALIGNMENT = 4


class Heap:
    """A region of ``size`` bytes. Addresses count from 0.

    ``free`` is what is left in all, ``largest`` what one allocation can still get, ``minimum_ever`` the least that
    ``free`` ever was.
    """

    def __init__(self, size: int, header: int = HEADER, alignment: int = ALIGNMENT) -> None:
        self.size = size
        self.free = size
        self.minimum_ever = size
        #: Allocations that were refused so far.
        self.refused = 0
        self._header = header
        self._alignment = alignment
        # Holes sorted by address; blocks by address.
        self._holes: list[int] = [0] if size else []
        self._hole_sizes: dict[int, int] = {0: size} if size else {}
        self._blocks: dict[int, tuple[int, str]] = {}

    @property
    def used(self) -> int:
        """Bytes taken, headers and rounding included."""
        return self.size - self.free

    @property
    def largest(self) -> int:
        """Bytes of the largest single allocation that would succeed."""
        biggest = max(self._hole_sizes.values(), default=0) - self._header
        return max(0, biggest - biggest % self._alignment)

    def cost(self, size: int) -> int:
        """What an allocation of ``size`` bytes takes from the heap."""
        return self._header + (size + self._alignment - 1) // self._alignment * self._alignment

    def take(self, size: int, caller: str) -> int | None:
        """Allocate ``size`` bytes for ``caller``: an address, or ``None`` when no hole is large enough.

        Raises:
            ValueError: ``size`` is negative.
        """
        if size < 0:
            raise ValueError(f"an allocation of {size} bytes")
        need = self.cost(size)
        sizes = self._hole_sizes
        for index, hole in enumerate(self._holes):
            room = sizes[hole]
            if room < need:
                continue
            del sizes[hole]
            if room == need:
                del self._holes[index]
            else:
                self._holes[index] = hole + need
                sizes[hole + need] = room - need
            self._blocks[hole] = (need, caller)
            self.free -= need
            self.minimum_ever = min(self.minimum_ever, self.free)
            return hole
        self.refused += 1
        return None

    def give(self, address: int) -> None:
        """Free what ``take`` gave.

        Raises:
            ValueError: nothing is allocated at ``address``: a double free.
        """
        if address not in self._blocks:
            raise ValueError(f"nothing is allocated at {address}")
        size, _ = self._blocks.pop(address)
        self.free += size
        holes, sizes = self._holes, self._hole_sizes
        index = bisect_left(holes, address)
        if index < len(holes) and holes[index] == address + size:
            size += sizes.pop(holes.pop(index))
        if index and holes[index - 1] + sizes[holes[index - 1]] == address:
            sizes[holes[index - 1]] += size
        else:
            insort(holes, address)
            sizes[address] = size

    def by_caller(self) -> dict[str, int]:
        """Bytes held by each caller, most first."""
        held: dict[str, int] = {}
        for size, caller in self._blocks.values():
            held[caller] = held.get(caller, 0) + size
        return dict(sorted(held.items(), key=lambda entry: (-entry[1], entry[0])))

    def blocks(self) -> list[tuple[int, int, str]]:
        """Every block, by address: where, how many bytes with its header, whose."""
        return [(address, size, caller) for address, (size, caller) in sorted(self._blocks.items())]

    def holes(self) -> list[tuple[int, int]]:
        """Every hole, by address: where and how many bytes."""
        return [(hole, self._hole_sizes[hole]) for hole in self._holes]
