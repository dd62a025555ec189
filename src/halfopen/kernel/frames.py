# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""What the kernel's loops work on: a buffer of capture bytes and the tables over it.

Compiled, this is a structure with pointers in it: a loop reads ``f.rows[at]`` without asking Python. So it holds the
memory only while a loop runs (a buffer that is held cannot grow): :meth:`Frames.hold` before, :meth:`Frames.release`
after it.
"""

from __future__ import annotations

from array import array


class Frames:
    """A buffer, the frame table over it and, for 802.11, the air table beside that. See ``layout``."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.rows: array[int] = array("q")
        self.air: array[int] = array("q")
        self.memory: array[int] = array("q")

    def hold(self, data: bytearray, rows: array[int]) -> None:
        """Work on these until :meth:`release`."""
        self.data = data
        self.rows = rows

    def hold_air(self, air: array[int], memory: array[int]) -> None:
        """Work on an air table too, and on what ``air`` remembers between frames (``MEMORY_WIDTH`` numbers)."""
        self.air = air
        self.memory = memory

    def release(self) -> None:
        """Let go of the memory."""
        self.data = NOTHING
        self.rows = NO_ROWS
        self.air = NO_ROWS
        self.memory = NO_ROWS


#: What is held between loops.
NOTHING = bytearray()
NO_ROWS: array[int] = array("q")
