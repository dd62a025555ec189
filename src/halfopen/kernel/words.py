"""Bytes read eight at a time, inlined into the loops of the kernel where those are compiled."""

from __future__ import annotations


def word_at(data: bytes | bytearray, at: int) -> int:
    """The eight bytes from ``at`` on as one number, the first lowest."""
    return int.from_bytes(data[at : at + 8], "little")
