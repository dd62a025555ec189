"""Numbers that stand in the bytes of a frame, in network order unless said otherwise.

Where the loops of the kernel are compiled the compiler takes these functions from ``octets.pxd``, which says the same so that
a number becomes one access to memory.
"""

from __future__ import annotations

from halfopen.kernel.frames import Frames


def pair_at(f: Frames, at: int) -> int:
    """The 16-bit number at ``at``."""
    return f.data[at] << 8 | f.data[at + 1]


def quad_at(f: Frames, at: int) -> int:
    """The 32-bit number at ``at``."""
    return f.data[at] << 24 | f.data[at + 1] << 16 | f.data[at + 2] << 8 | f.data[at + 3]


def little_quad_at(f: Frames, at: int) -> int:
    """The 32-bit number at ``at``, its last byte first."""
    return f.data[at + 3] << 24 | f.data[at + 2] << 16 | f.data[at + 1] << 8 | f.data[at]


def hardware_at(f: Frames, at: int) -> int:
    """The hardware address at ``at`` as a 48-bit number."""
    return pair_at(f, at) << 32 | quad_at(f, at + 2)
