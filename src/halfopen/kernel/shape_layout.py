"""What is kept of a shape of lines: the table's size and the fields of its rows (``shapes.LineShapes``)."""

from __future__ import annotations

#: Shapes that one place of the table may hold, and places.
WAYS = 4
PLACE_SHIFT = 52
PLACES = 1 << 64 - PLACE_SHIFT
#: A longer line has no shape: words of eight bytes.
WORDS_MAX = 23
#: A row of the table in words: the block in which the shape was seen last with its length in the lowest bits, what is kept of
#: it, and its text.
SEEN, TEXT_FIRST, ROW_WORDS = 0, 8, 32
SIZE_BITS = 8
SIZE_MASK = (1 << SIZE_BITS) - 1
#: The same in numbers of two bytes.
ROW_NUMBERS = 4 * ROW_WORDS
#: What is kept of a shape, by where it stands in the row: see ``lines.LineWalker.learn``.
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
) = range(4, 31)
#: No row.
UNKNOWN = -1
#: How shapes are scattered over the table: 64 bits, and odd factors with bits all over, of their length and of their words.
BITS = 0xFFFFFFFFFFFFFFFF
SCATTER_SIZE = 0x9E3779B97F4A7C15
SCATTER = 0x9FB21C651E98DF25
