"""What the kernel of logs and its callers agree on: codes in the fields of ``lines.LineWalker``, marks and their meanings."""

from __future__ import annotations

#: Stretches of a block that are read side by side.
LANES = 4

#: Which lines must be read whatever they say: those with a header of some dialect; every one that is not empty.
WATCH_HEADED, WATCH_ALL = 1, 2
#: What is held of the line before: nothing; what the caller holds.
HELD_NOTHING, HELD_BY_CALLER = -1, -2
#: A clock before any time was read.
NO_TIME = -1
#: The digits of a fraction, for milliseconds since 1970 in place of seconds.
UNIX = -1

#: What the number of a header is: milliseconds since boot where it is small enough, else since 1970; or since boot in any
#: case.
STAMP_NONE, STAMP_BOOT, STAMP_UNIX, STAMP_BOOT_ALWAYS = range(4)

#: A line that was told in rows: which plan, its number, where its text stands, and which times it has.
TOLD_PLAN, TOLD_NUMBER, TOLD_TEXT, TOLD_END, TOLD_HAS, TOLD_WIDTH = range(6)
HAS_BOOT, HAS_SYSTEM, HAS_HOST = 1, 2, 4
#: Its times in seconds: since boot, the device's wall clock, the host's.
TIME_BOOT, TIME_SYSTEM, TIME_HOST, TIME_WIDTH = range(4)
#: As many lines of a block are told in rows.
TOLD_MAX = 8192
#: When the plan of a shape tells what a line says: never; always; where a digit is not that of the proviso; where a number is
#: that of the proviso; no line of the shape says anything.
PLAN_NEVER, PLAN_ALWAYS, PLAN_DIGIT_NOT, PLAN_NUMBER, PLAN_SILENT = range(5)

#: As many wordings of one line are told one by one.
SAID_MAX = 32

#: Dialects; a line that no firmware headed is ``BARE``.
BARE, ESP_IDF, ARDUINO, ESPHOME, TASMOTA, ESPEASY = range(6)
#: A header that the kernel does not take apart: the line must be read by the caller.
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
