"""What the kernel of logs and its callers agree on: the registers of a walk and the codes in them.

Registers are one ``array("q")`` of ``REGISTERS`` numbers. Positions are offsets into the block being walked, -1 where
there is none. Times of the day are whole seconds, a fraction as printed with its number of digits, and the ordinal of
the day where a date is printed (0 where not): the caller makes of them the very number that it makes of the text.
"""

from __future__ import annotations

#: How far the walk is: the next mark, the start of the next line, lines so far.
MARK, START, LINES = range(3)
#: Set by the caller: which lines must be read whatever they say (``WATCH_*``); the dialects (bits) that were named
#: already; the line that may have been broken before the next one (``HELD_*`` or where it begins).
WATCH, NAMED = range(3, 5)
HELD, HELD_END, HELD_LINE = range(5, 8)
#: ``WATCH``: those with a header of some dialect; every one that is not empty.
WATCH_HEADED, WATCH_ALL = 1, 2
#: ``HELD``: nothing is held; the caller holds what it read last.
HELD_NOTHING, HELD_BY_CALLER = -1, -2
#: The clocks as the last line left them: milliseconds since boot (-1: none), and microseconds, days included.
BOOT_MS, HOST_US, HOST_DAYS_US, SYSTEM_US, SYSTEM_DAYS_US = range(8, 13)
#: ``HOST_US`` and ``SYSTEM_US`` before any time was read.
NO_TIME = -1
#: The last times that lines passed over carried; the first field is 1 once there is any.
HOST_NEW, HOST_SECONDS, HOST_FRACTION, HOST_DIGITS, HOST_DAY = range(13, 18)
SYSTEM_NEW, SYSTEM_SECONDS, SYSTEM_FRACTION, SYSTEM_DIGITS, SYSTEM_DAY = range(18, 23)
#: The last line that was passed over and not empty.
LAST, LAST_END, LAST_LINE = range(23, 26)
#: The line that must be read: its number, its bytes without the line end; whether its header is taken apart below.
NUMBER, LINE, LINE_END, REGULAR = range(26, 30)
#: Its header. ``DIALECT`` is one of the codes below, ``LEVEL`` a character or 0; ``TEXT`` is where the line begins without
#: its colour, ``COLOURED`` tells that there is one inside.
DIALECT, LEVEL, TAG, TAG_END, MESSAGE, MESSAGE_END, TEXT, COLOURED = range(30, 38)
#: Its own times, in the form of those above; ``OWN_BOOT_MS`` -1 and ``OWN_HOST``, ``OWN_SYSTEM`` 0 where it has none.
OWN_BOOT_MS = 38
OWN_HOST, OWN_SECONDS, OWN_FRACTION, OWN_DIGITS, OWN_DAY = range(39, 44)
OWN_SYSTEM, OWN_SYSTEM_SECONDS, OWN_SYSTEM_FRACTION, OWN_SYSTEM_DIGITS, OWN_SYSTEM_DAY = range(44, 49)
#: Of the line being read: escapes passed over in its header, where it begins to be no ASCII (-1: nowhere).
ESCAPES, FOREIGN = range(49, 51)
#: Position where the marks of a lane begin is the position of its bytes; these count the marks of each.
LANE, LANE_ENDS = 51, 52
LANES = 4
#: Of the automaton: how many symbols it knows, and the state in which a line ends.
SYMBOLS, LINE_ENDS = range(56, 58)
REGISTERS = 58

#: ``SYSTEM_DIGITS`` of milliseconds since 1970, which stand in ``SYSTEM_SECONDS``.
UNIX = -1

#: Dialects; a line that no firmware headed is ``BARE``.
BARE, ESP_IDF, ARDUINO, ESPHOME, TASMOTA, ESPEASY = range(6)
#: Headers that the kernel does not take apart: the line must be read by the caller.
UNREAD = -1
#: A line with neither tag nor message.
EMPTY = -2

#: A mark is a position << 24 | the state of the automaton there.
MARK_SHIFT = 24
MARK_MASK = (1 << MARK_SHIFT) - 1
#: What a state that is marked stands for: a row of ``OUT_WIDTH`` numbers: length of the wording, ``WHEN_*`` bits, where
#: its text stands in the pool, and the next row, -1 at the end.
OUT_LENGTH, OUT_WHEN, OUT_TEXT, OUT_NEXT, OUT_WIDTH = range(5)
#: No letter, digit or ``_`` may stand before, or behind; the message begins, or ends there.
WHEN_WORD_BEFORE, WHEN_WORD_BEHIND, WHEN_BEGINS, WHEN_ENDS = 1, 2, 4, 8
#: Not a wording: the line ends; an escape begins; the first of several bytes that are no ASCII; a control character.
WHEN_LINE_ENDS, WHEN_ESCAPE, WHEN_FOREIGN, WHEN_CONTROL = 16, 32, 64, 128
#: Its digits must be those of its text, where that has any; a line with it changes how others are read.
WHEN_DIGITS, WHEN_WHOLE = 256, 512
