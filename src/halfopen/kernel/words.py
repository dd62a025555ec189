"""Bytes taken many at a time, inlined into the loops of the kernel where those are compiled."""

from __future__ import annotations

from array import array

_SAME_DIGITS = bytes.maketrans(b"123456789", b"000000000")


def line_end_at(data: bytes | bytearray, at: int) -> int:
    """Where the line ends that ``at`` stands in; one must end in ``data``."""
    return data.index(b"\n", at)


def put_alike(data: bytes | bytearray, at: int, count: int, target: array[int]) -> None:
    """Put ``count`` words from ``at`` on into ``target``, each digit in them as ``0``. Where their number is odd, the word behind
    them is read and written, too."""
    for index in range(count):
        word = data[at + 8 * index : at + 8 * index + 8].translate(_SAME_DIGITS)
        target[index] = int.from_bytes(word, "little")


def are_same(one: array[int], place: int, other: array[int], count: int) -> bool:
    """Whether the ``count`` words from ``place`` on are those that ``other`` begins with."""
    return one[place : place + count] == other[:count]
