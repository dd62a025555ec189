"""What is kept of a shape of lines: the table's size and the fields of its rows (``shapes.LineShapes``)."""

from __future__ import annotations

#: Shapes that one place of the table may hold, and places.
WAYS = 4
PLACE_SHIFT = 53
PLACES = 1 << 64 - PLACE_SHIFT
#: A longer line has no shape: words of eight bytes.
WORDS_MAX = 24
#: What is kept of a shape, the fields of a row: see ``lines.LineWalker.learn``.
(
    DIALECT,
    SAID,
    NAMES_BOOT,
    BROKEN,
    LEVEL,
    TAG,
    TAG_END,
    MESSAGE,
    MESSAGE_END,
    TEXT,
    COLOURED,
    FOREIGN,
    STAMP_KIND,
    STAMP,
    STAMP_DIGITS,
    HOST_CLOCK,
    HOST_DIGITS,
    HOST_DATED,
    SYSTEM_CLOCK,
    SYSTEM_DIGITS,
    SYSTEM_DATED,
    PLAN,
    PLAN_KIND,
    PLAN_FACTS,
    PROVISO,
    PROVISO_DIGITS,
    PROVISO_VALUE,
    ROW_WIDTH,
) = range(28)
#: No row.
UNKNOWN = -1
#: Eight bytes at once: each is 1; its highest bit; the others; a line end; ``0``; what lifts ``:`` to the highest bit.
ONES = 0x0101010101010101
HIGH_BITS = 0x8080808080808080
LOW_BITS = 0x7F7F7F7F7F7F7F7F
LINE_ENDS = 0x0A0A0A0A0A0A0A0A
ZEROS = 0x3030303030303030
ABOVE_NINE = 0x7676767676767676
#: How shapes are scattered over the table: 64 bits, where it begins, and an odd factor with bits all over.
BITS = 0xFFFFFFFFFFFFFFFF
SCATTER_FIRST = 0x9E3779B97F4A7C15
SCATTER_FACTOR = 0x9FB21C651E98DF25
