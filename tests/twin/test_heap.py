"""Laws of the heap."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.twin.heap import Heap

SIZE = 4096


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 700), st.sampled_from("abc"))))
def test_blocks_and_holes_tile_the_region(steps: list[tuple[bool, int, str]]) -> None:
    heap = Heap(SIZE)
    held: list[int] = []
    least = SIZE
    for taking, size, caller in steps:
        if taking or not held:
            fits = heap.largest >= size
            address = heap.take(size, caller)
            assert (address is not None) == fits
            if address is not None:
                held.append(address)
        else:
            heap.give(held.pop(size % len(held)))
        least = min(least, heap.free)
        pieces = sorted([(at, size) for at, size, _ in heap.blocks()] + heap.holes())
        at = 0
        for begin, length in pieces:
            assert begin == at, "no overlap and no gap"
            at += length
        assert at == SIZE
        holes = heap.holes()
        assert not any(
            begin + size == following for (begin, size), (following, _) in itertools.pairwise(holes)
        )
        assert heap.free + heap.used == SIZE
        assert heap.used == sum(heap.by_caller().values())
        assert heap.minimum_ever == least
    for address in held:
        heap.give(address)
    assert heap.holes() == [(0, SIZE)]


def test_free_memory_in_pieces_refuses_what_would_fit_in_all() -> None:
    heap = Heap(SIZE)
    blocks = [heap.take(96, "a") for _ in range(SIZE // 100)]
    for block in blocks[::2]:
        assert block is not None
        heap.give(block)
    assert heap.free > 1000
    assert heap.largest < 200
    assert heap.take(500, "b") is None
    assert heap.refused == 1


def test_first_fit_takes_the_lowest_hole() -> None:
    heap = Heap(SIZE)
    low, _, high, _ = (heap.take(100, "a") for _ in range(4))
    assert low is not None
    assert high is not None
    heap.give(low)
    heap.give(high)
    assert heap.take(50, "b") == low


def test_a_double_free_is_told() -> None:
    heap = Heap(SIZE)
    block = heap.take(10, "a")
    assert block is not None
    heap.give(block)
    with pytest.raises(ValueError, match="nothing is allocated"):
        heap.give(block)
    with pytest.raises(ValueError, match="bytes"):
        heap.take(-1, "a")
