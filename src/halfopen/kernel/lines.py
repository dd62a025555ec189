# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Walk the lines of a block of a log: pass over those that say nothing and keep their clocks, stop at the others.

The automaton has marked where wordings stand (``scanner.py``). A line is passed over when none of them holds, its header
is one that is taken apart here to the same end as ``formats.logline`` does, and the clocks in it go on as they should.
Where any of that is in doubt the walk stops: a line more that is read costs time, a line less would cost the truth.
"""

from __future__ import annotations

from array import array

from halfopen.kernel.line_layout import (
    ARDUINO,
    BARE,
    BOOT_MS,
    COLOURED,
    DIALECT,
    EMPTY,
    ESCAPES,
    ESPHOME,
    ESP_IDF,
    FOREIGN,
    HELD,
    HELD_END,
    HELD_LINE,
    HELD_NOTHING,
    HOST_DAY,
    HOST_DAYS_US,
    HOST_DIGITS,
    HOST_FRACTION,
    HOST_NEW,
    HOST_SECONDS,
    HOST_US,
    LANE,
    LANES,
    LANE_ENDS,
    LAST,
    LAST_END,
    LAST_LINE,
    LEVEL,
    LINE,
    LINES,
    LINE_END,
    LINE_ENDS,
    MARK,
    MARK_MASK,
    MARK_SHIFT,
    MESSAGE,
    MESSAGE_END,
    NAMED,
    NO_TIME,
    NUMBER,
    OUT_LENGTH,
    OUT_NEXT,
    OUT_TEXT,
    OUT_WHEN,
    OWN_BOOT_MS,
    OWN_DAY,
    OWN_DIGITS,
    OWN_FRACTION,
    OWN_HOST,
    OWN_SECONDS,
    OWN_SYSTEM,
    OWN_SYSTEM_DAY,
    OWN_SYSTEM_DIGITS,
    OWN_SYSTEM_FRACTION,
    OWN_SYSTEM_SECONDS,
    REGULAR,
    START,
    SYMBOLS,
    SYSTEM_DAY,
    SYSTEM_DAYS_US,
    SYSTEM_DIGITS,
    SYSTEM_FRACTION,
    SYSTEM_NEW,
    SYSTEM_SECONDS,
    SYSTEM_US,
    TAG,
    TAG_END,
    TASMOTA,
    TEXT,
    UNIX,
    UNREAD,
    WATCH,
    WATCH_ALL,
    WHEN_BEGINS,
    WHEN_CONTROL,
    WHEN_DIGITS,
    WHEN_ENDS,
    WHEN_ESCAPE,
    WHEN_FOREIGN,
    WHEN_WHOLE,
    WHEN_WORD_BEFORE,
    WHEN_WORD_BEHIND,
)
#: A boot clock that falls by more has restarted (``diagnose.sources.console`` decides).
REBOOT_DROP_MS = 2000
#: A wall clock that falls by half a day has passed midnight; a second less, so that rounding does not decide.
HALF_DAY_US = 43199000000
DAY_SECONDS = 86400
MICROSECONDS = 1000000
#: Lines of as many characters may have been broken by what recorded them; more bytes when some are no ASCII or colour.
BROKEN_MIN = 60
BROKEN_MAX = 80
BROKEN_BYTES_MAX = 400
#: Characters of a line that are read; longer ones are cut by who reads them.
LINE_BYTES_MAX = 8192
TAG_MAX = 48
WORD_MAX = 64
#: A header ends within so many bytes; what is no ASCII among them may belong to it.
HEADER_MAX = 80
ESC = 27
LETTER_D = 68
LETTER_E = 69
LETTER_I = 73
LETTER_V = 86
LETTER_W = 87


def count_digits(data: bytes, at: int, end: int) -> int:
    """How many digits stand from ``at`` on."""
    start = at
    while at < end and 48 <= data[at] <= 57:
        at += 1
    return at - start


def value_of(data: bytes, at: int, end: int) -> int:
    """The number in the digits from ``at`` to ``end``."""
    value = 0
    while at < end:
        value = value * 10 + data[at] - 48
        at += 1
    return value


def clock_at(data: bytes, at: int, end: int) -> int:
    """Seconds of ``hh:mm:ss`` at ``at``, -1 where no such time stands."""
    if end - at < 8 or data[at + 2] != 58 or data[at + 5] != 58:
        return -1
    if count_digits(data, at, at + 2) != 2 or count_digits(data, at + 3, at + 5) != 2:
        return -1
    if count_digits(data, at + 6, at + 8) != 2:
        return -1
    return (
        value_of(data, at, at + 2) * 3600 + value_of(data, at + 3, at + 5) * 60 + value_of(data, at + 6, at + 8)
    )


def day_number(year: int, month: int, day: int) -> int:
    """The ordinal of a day as ``datetime.date`` counts, 0 for one that is none."""
    if year < 1 or month < 1 or month > 12 or day < 1:
        return 0
    leap = 1 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 0
    days = 31
    if month == 4 or month == 6 or month == 9 or month == 11:
        days = 30
    elif month == 2:
        days = 28 + leap
    if day > days:
        return 0
    before = (month - 1) * 31
    if month > 2:  # the months since March are 31, 30, 31, 30, 31 days, and so again
        before = (month * 153 - 457) // 5 + 59 + leap
    year -= 1
    return year * 365 + year // 4 - year // 100 + year // 400 + before + day


def date_at(data: bytes, at: int, end: int) -> int:
    """The ordinal of ``yyyy-mm-dd`` at ``at``, 0 for a day that is none, -1 where no date stands."""
    if end - at < 10 or data[at + 4] != 45 or data[at + 7] != 45:
        return -1
    if count_digits(data, at, at + 4) != 4 or count_digits(data, at + 5, at + 7) != 2:
        return -1
    if count_digits(data, at + 8, at + 10) != 2:
        return -1
    return day_number(
        value_of(data, at, at + 4), value_of(data, at + 5, at + 7), value_of(data, at + 8, at + 10)
    )


def note_host(registers: array[int], seconds: int, fraction: int, digits: int, day: int) -> int:
    """Keep the first time that a host put before this line."""
    if registers[OWN_HOST] == 0:
        registers[OWN_HOST] = 1
        registers[OWN_SECONDS] = seconds
        registers[OWN_FRACTION] = fraction
        registers[OWN_DIGITS] = digits
        registers[OWN_DAY] = day
    return 0


def note_system(registers: array[int], seconds: int, fraction: int, digits: int, day: int) -> int:
    """Keep the device's own wall clock."""
    registers[OWN_SYSTEM] = 1
    registers[OWN_SYSTEM_SECONDS] = seconds
    registers[OWN_SYSTEM_FRACTION] = fraction
    registers[OWN_SYSTEM_DIGITS] = digits
    registers[OWN_SYSTEM_DAY] = day
    return 0


def past_blanks(data: bytes, at: int, end: int, registers: array[int]) -> int:
    """Where the line goes on behind blanks and colours."""
    while at < end:
        if data[at] == 32:
            at += 1
        elif data[at] == ESC and at + 2 < end and data[at + 1] == 91:
            stop = at + 2
            while stop < end and stop - at < 14 and (48 <= data[stop] <= 57 or data[stop] == 59):
                stop += 1
            if stop >= end or data[stop] != 109:
                return at
            if registers[TEXT] == at:
                registers[TEXT] = stop + 1
            else:
                registers[COLOURED] = 1
            registers[ESCAPES] += 1
            at = stop + 1
        else:
            return at
    return at


def is_level(data: bytes, at: int, end: int) -> int:
    """Whether an ESP-IDF header with a stamp begins at ``at``: a level and an open bracket."""
    if end - at < 3 or data[at + 1] != 32 or data[at + 2] != 40:
        return 0
    letter = data[at]
    if letter == LETTER_E or letter == LETTER_W or letter == LETTER_I or letter == LETTER_D or letter == LETTER_V:
        return 1
    return 0


def is_word(letter: int) -> int:
    """Whether an ASCII character is one of a word (``\\w``)."""
    if 97 <= letter <= 122 or 65 <= letter <= 90 or 48 <= letter <= 57 or letter == 95:
        return 1
    return 0


def past_word(data: bytes, at: int, end: int) -> int:
    """Where a run of word characters, dots and hyphens ends; ``UNREAD`` when something other than ASCII stands in it."""
    while at < end and (is_word(data[at]) or data[at] == 45 or data[at] == 46):
        at += 1
    if at < end and data[at] >= 128:
        return UNREAD
    return at


def past_process(data: bytes, at: int, end: int) -> int:
    """Where the name of a process and its number in brackets end, ``at`` itself where none stands, or ``UNREAD``."""
    start = at
    at = past_word(data, at, end)
    if at == UNREAD or at == start:
        return at
    if at + 1 < end and data[at] == 91:
        digits = count_digits(data, at + 1, end)
        stop = at + 1 + digits
        if digits and stop < end and data[stop] == 93:
            return stop + 1
    return at


def zone_at(data: bytes, at: int, end: int, colon: int) -> int:
    """The length of a time zone at ``at``, 0 where none stands; ``colon`` tells that its colon may not be missing."""
    if at < end and data[at] == 90:
        return 1
    if end - at < 5 or (data[at] != 43 and data[at] != 45) or count_digits(data, at + 1, at + 3) != 2:
        return 0
    if data[at + 3] == 58:
        return 6 if end - at >= 6 and count_digits(data, at + 4, at + 6) == 2 else 0
    if colon:
        return 0
    return 5 if count_digits(data, at + 3, at + 5) == 2 else 0


def dated(data: bytes, at: int, end: int, registers: array[int]) -> int:
    """A host's time that begins with a digit; where it ends, ``at`` where none stands, or ``UNREAD``."""
    day = date_at(data, at, end)
    clock = at
    if day >= 0:
        if end - at < 19 or (data[at + 10] != 32 and data[at + 10] != 84):
            return at
        clock = at + 11
    seconds = clock_at(data, clock, end)
    if seconds < 0:
        return at
    after = clock + 8
    point = 0
    digits = 0
    fraction = 0
    if after + 1 < end and (data[after] == 46 or data[after] == 44 or data[after] == 58):
        digits = count_digits(data, after + 1, min(after + 7, end))
        if digits:
            point = data[after]
            fraction = value_of(data, after + 1, after + 1 + digits)
            after += 1 + digits
    arrow = after
    if arrow < end and data[arrow] == 32:
        arrow += 1
    if arrow < end and data[arrow] == 45:
        arrow += 1
    if arrow < end and data[arrow] == 45:
        arrow += 1
    if arrow < end and (data[arrow] == 62 or data[arrow] >= 128):
        if data[arrow] != 62:
            return UNREAD
        note_host(registers, seconds, fraction, digits, 0)
        return arrow + 1
    if day < 0:
        if point == 58 or after >= end or data[after] != 32:
            return at
        if is_level(data, after + 1, end) == 0:
            stamp = after + 1
            if stamp >= end or data[stamp] != 91:
                return at
            stamp += 1
            while stamp < end and data[stamp] == 32:
                stamp += 1
            digits_of = count_digits(data, stamp, end)
            stamp += digits_of
            if digits_of == 0 or end - stamp < 2 or data[stamp] != 93 or data[stamp + 1] != 91:
                return at
        note_host(registers, seconds, fraction, digits, 0)
        return after + 1
    if data[at + 10] == 84 and point != 44 and point != 58:
        zone = zone_at(data, after, end, 1)
        if zone and after + zone < end and data[after + zone] == 32:
            host = after + zone + 1
            stop = past_word(data, host, end)
            if stop == UNREAD:
                return UNREAD
            if host < stop <= host + 255 and stop < end and data[stop] == 32:
                process = past_process(data, stop + 1, end)
                if process == UNREAD:
                    return UNREAD
                if process > stop + 1:
                    if process - stop > WORD_MAX:
                        return UNREAD
                    if process < end and data[process] == 58:
                        process += 1
                    if process < end and data[process] == 32 and is_level(data, process + 1, end):
                        note_host(registers, seconds, fraction, digits, day)
                        return process + 1
    after += zone_at(data, after, end, 0)
    start = after
    while after < end and (data[after] == 32 or data[after] == 58 or data[after] == 124):
        after += 1
    if after == start:
        return UNREAD if point == 58 else at
    note_host(registers, seconds, fraction, digits, day)
    return after


def bracketed(data: bytes, at: int, end: int, registers: array[int]) -> int:
    """A host's time in brackets; where it ends, ``at`` where none stands, or ``UNREAD``."""
    clock = at + 1
    day = date_at(data, clock, end)
    if day >= 0:
        if end - clock < 19 or (data[clock + 10] != 32 and data[clock + 10] != 84):
            return at
        clock += 11
    seconds = clock_at(data, clock, end)
    if seconds < 0:
        return at
    after = clock + 8
    digits = 0
    fraction = 0
    if after < end and (data[after] == 46 or data[after] == 58 or data[after] == 44):
        digits = count_digits(data, after + 1, end)
        if digits == 0 or digits > 6 or (data[after] == 58 and digits != 3) or (data[after] == 44 and day < 0):
            return at
        fraction = value_of(data, after + 1, after + 1 + digits)
        after += 1 + digits
    if after >= end or data[after] != 93:
        return UNREAD if after < end and data[after] >= 128 else at
    note_host(registers, seconds, fraction, digits, max(day, 0))
    return after + 1


def syslogged(data: bytes, at: int, end: int, registers: array[int]) -> int:
    """What a syslog daemon puts before a line; where it ends, ``at`` where none stands, or ``UNREAD``."""
    if end - at < 20 or data[at + 3] != 32 or data[at + 6] != 32 or data[at + 15] != 32:
        return at
    if not (97 <= data[at + 1] <= 122 and 97 <= data[at + 2] <= 122 and 48 <= data[at + 5] <= 57):
        return at
    if data[at + 4] != 32 and not 48 <= data[at + 4] <= 57:
        return at
    seconds = clock_at(data, at + 7, end)
    if seconds < 0:
        return at
    stop = at + 16
    while stop < end and data[stop] != 32:
        if data[stop] >= 128:
            return UNREAD
        stop += 1
    if stop == at + 16 or stop >= end:
        return at
    process = past_process(data, stop + 1, end)
    if process == UNREAD:
        return UNREAD
    if process == stop + 1 or end - process < 2 or data[process] != 58 or data[process + 1] != 32:
        return at
    note_host(registers, seconds, 0, 0, 0)
    return process + 2


def past_host(data: bytes, at: int, end: int, registers: array[int]) -> int:
    """Where the line goes on behind the time that a host put before it; ``at`` where none stands, or ``UNREAD``."""
    first = data[at]
    if first == 91:
        return bracketed(data, at, end, registers)
    if 48 <= first <= 57:
        return dated(data, at, end, registers)
    if first == 60:  # RFC 5424 as sent
        return UNREAD if at + 1 < end and 48 <= data[at + 1] <= 57 else at
    if first == 65 or first == 74 or first == 70 or first == 77 or first == 83 or first == 79 or first == 78:
        return syslogged(data, at, end, registers)
    if first == LETTER_D:
        return syslogged(data, at, end, registers)
    return at


def may_be_logging(data: bytes, at: int, end: int) -> int:
    """Whether what Python's logging puts before a line may stand at ``at``."""
    if data[at] == 45:
        return 1
    stop = at
    while stop < end and (is_word(data[stop]) or data[stop] == 46):
        stop += 1
    if stop == at or stop - at > WORD_MAX or stop >= end:
        return 0
    name = stop
    while stop < end and stop - name < 4 and (data[stop] == 32 or data[stop] == 58 or data[stop] == 45):
        stop += 1
    if stop == name:
        return 0
    if is_level(data, stop, end):
        return 1
    if is_level_name(data, stop, end):
        return 1
    return is_level_name(data, at, end)


def is_level_name(data: bytes, at: int, end: int) -> int:
    """Whether the name of a level of Python's logging may stand at ``at``."""
    if end - at < 4:
        return 0
    word = data[at] << 16 | data[at + 1] << 8 | data[at + 2]
    # DEB, INF, WAR, ERR, CRI
    if word == 4474178 or word == 4804166 or word == 5718354 or word == 4543058 or word == 4411977:
        return 1
    return 0


def stamp_end(data: bytes, at: int, end: int, registers: array[int]) -> int:
    """Where the bracket of an ESP-IDF line that opens at ``at`` ends, ``at`` when it holds no time, or ``UNREAD``."""
    first = at + 1
    digits = count_digits(data, first, end)
    after = first + digits
    if after >= end:
        return at
    if data[after] == 41 and 0 < digits <= 14:
        number = value_of(data, first, after)
        if number < 4294967296:
            registers[OWN_BOOT_MS] = number
        else:
            note_system(registers, number, 0, UNIX, 0)
        return after + 1
    if data[after] >= 128:
        return UNREAD
    day = 0
    if data[after] == 45 and 2 <= digits <= 4:
        if end - after < 7 or data[after + 3] != 45 or data[after + 6] != 32:
            return UNREAD if has_foreign(data, after, min(after + 7, end)) else at
        if count_digits(data, after + 1, after + 3) != 2 or count_digits(data, after + 4, after + 6) != 2:
            return UNREAD if has_foreign(data, after, min(after + 7, end)) else at
        year = value_of(data, first, after) % 100 + 2000
        day = day_number(year, value_of(data, after + 1, after + 3), value_of(data, after + 4, after + 6))
        first = after + 7
    seconds = clock_at(data, first, end)
    if seconds < 0 or end - first < 13 or data[first + 8] != 46 or data[first + 12] != 41:
        return UNREAD if has_foreign(data, first, min(first + 13, end)) else at
    if count_digits(data, first + 9, first + 12) != 3:
        return UNREAD if has_foreign(data, first, min(first + 13, end)) else at
    note_system(registers, seconds, value_of(data, first + 9, first + 12), 3, day)
    return first + 13


def has_foreign(data: bytes, at: int, end: int) -> int:
    """Whether a byte that is no ASCII stands there."""
    while at < end:
        if data[at] >= 128:
            return 1
        at += 1
    return 0


def esp_idf(data: bytes, at: int, end: int, registers: array[int], stamped: int) -> int:
    """Take apart an ESP-IDF line; the dialect, ``BARE`` when it is none, or ``UNREAD``.

    ``stamped`` asks for a time in it, as the lines do that ESPHome wraps.
    """
    if end - at < 3 or data[at + 1] != 32:
        return BARE
    letter = data[at]
    after = at + 2
    has_stamp = 0
    if data[after] == 40:
        stop = stamp_end(data, after, end, registers)
        if stop == UNREAD:
            return UNREAD
        if stop == after:
            return BARE
        has_stamp = 1
        after = stop
        if after < end and data[after] == 32:
            after += 1
    if stamped and has_stamp == 0:
        return BARE
    tag = after
    tag_end = after
    if after < end and data[after] != 32 and data[after] != 58 and data[after] != 41:
        stop = after
        while stop < end and stop - after <= TAG_MAX and data[stop] != 58:
            if data[stop] == 40 or data[stop] == 41:
                break
            if data[stop] >= 128:
                return UNREAD
            stop += 1
        if stop < end and data[stop] == 58 and stop - after <= TAG_MAX:
            tag_end = stop
            after = stop + 1
            if after < end and data[after] >= 128:
                return UNREAD
    if has_stamp == 0 and tag == tag_end:
        return BARE
    while tag_end > tag and data[tag_end - 1] == 32:
        tag_end -= 1
    while after < end and data[after] == 32:
        after += 1
    registers[LEVEL] = letter
    registers[TAG] = tag
    registers[TAG_END] = tag_end
    registers[MESSAGE] = after
    return ESP_IDF


def esphome(data: bytes, at: int, end: int, registers: array[int]) -> int:
    """Take apart an ESPHome line, and what it wraps; the dialect, ``BARE`` when it is none, or ``UNREAD``."""
    after = at + 1
    letter = data[after] if after < end else 0
    after += 1
    if letter == LETTER_V and after < end and data[after] == LETTER_V:
        after += 1
    if letter != LETTER_E and letter != LETTER_W and letter != LETTER_I and letter != LETTER_D:
        if letter != LETTER_V and letter != 67:
            return BARE
    if end - after < 3 or data[after] != 93 or data[after + 1] != 91:
        return BARE
    tag = after + 2
    stop = past_word(data, tag, end)
    if stop == UNREAD:
        return UNREAD
    tag_end = stop
    if stop == tag or stop - tag > 40:
        return BARE
    if stop < end and data[stop] == 58:
        digits = count_digits(data, stop + 1, end)
        if digits == 0 or digits > 5:
            return BARE
        stop += 1 + digits
    if stop >= end or data[stop] != 93:
        return BARE
    stop += 1
    if stop < end and data[stop] == 91:
        task = stop + 1
        stop = task
        while stop < end and data[stop] != 93:
            if data[stop] >= 128:
                return UNREAD
            stop += 1
        if stop >= end or stop == task or stop - task > 24:
            return BARE
        stop += 1
    if stop >= end or data[stop] != 58:
        return BARE
    stop += 1
    if stop < end and data[stop] != 32:
        return BARE
    while stop < end and data[stop] == 32:
        stop += 1
    if is_level(data, stop, end):
        inner = esp_idf(data, stop, end, registers, 1)
        if inner == UNREAD:
            return UNREAD
        if inner == ESP_IDF:
            return ESPHOME
    registers[LEVEL] = letter
    registers[TAG] = tag
    registers[TAG_END] = tag_end
    registers[MESSAGE] = stop
    return ESPHOME


def arduino(data: bytes, at: int, end: int, registers: array[int]) -> int:
    """Take apart a line of the Arduino core; the dialect, ``BARE`` when it is none, or ``UNREAD``."""
    after = at + 1
    while after < end and data[after] == 32:
        after += 1
    digits = count_digits(data, after, end)
    stamp = -1
    if digits:
        if digits > 10 or end - after - digits < 2 or data[after + digits] != 93 or data[after + digits + 1] != 91:
            return BARE
        stamp = value_of(data, after, after + digits)
        after += digits + 2
    elif after != at + 1:
        return BARE
    letter = data[after] if after < end else 0
    if letter != LETTER_E and letter != LETTER_W and letter != LETTER_I and letter != LETTER_D and letter != LETTER_V:
        return BARE
    if end - after < 4 or data[after + 1] != 93 or data[after + 2] != 91:
        return BARE
    tag = after + 3
    stop = tag
    while stop < end and stop - tag <= 60 and data[stop] != 58 and data[stop] != 93:
        if data[stop] >= 128:
            return UNREAD
        stop += 1
    if stop >= end or stop == tag or stop - tag > 60 or data[stop] != 58:
        return BARE
    digits = count_digits(data, stop + 1, end)
    after = stop + 1 + digits
    if digits == 0 or end - after < 2 or data[after] != 93 or data[after + 1] != 32:
        return BARE
    registers[OWN_BOOT_MS] = stamp
    registers[LEVEL] = letter
    registers[TAG] = tag
    registers[TAG_END] = stop
    registers[MESSAGE] = after + 2
    return ARDUINO


def tasmota(data: bytes, at: int, end: int, registers: array[int], tags: array[int]) -> int:
    """Take apart a line of Tasmota; the dialect, or ``BARE`` when it is none."""
    seconds = clock_at(data, at, end)
    if seconds < 0:
        return BARE
    after = at + 8
    digits = 0
    fraction = 0
    if end - after > 4 and data[after] == 46 and count_digits(data, after + 1, after + 4) == 3:
        fraction = value_of(data, after + 1, after + 4)
        digits = 3
        after += 4
    if after < end and data[after] == 45:
        free = count_digits(data, after + 1, end)
        slash = after + 1 + free
        if free == 0 or slash >= end or data[slash] != 47:
            return BARE
        pieces = count_digits(data, slash + 1, end)
        if pieces == 0:
            return BARE
        after = slash + 1 + pieces
    if end - after < 6 or data[after] != 32 or data[after + 4] != 58 or data[after + 5] != 32:
        return BARE
    word = data[after + 1] << 16 | data[after + 2] << 8 | data[after + 3]
    place = 0
    while place < len(tags) and tags[place] != word:
        place += 1
    if place == len(tags):
        return BARE
    note_system(registers, seconds, fraction, digits, 0)
    registers[LEVEL] = 0
    registers[TAG] = after + 1
    registers[TAG_END] = after + 4
    registers[MESSAGE] = after + 6
    return TASMOTA


def espeasy(data: bytes, at: int, end: int, registers: array[int]) -> int:
    """Take apart a line of ESPEasy; the dialect, or ``BARE`` when it is none."""
    digits = count_digits(data, at, end)
    after = at + digits
    if digits > 10 or after >= end:
        return BARE
    if data[after] == 32:
        after += 1
    if end - after < 3 or data[after] != 58 or data[after + 1] != 32:
        return BARE
    letter = data[after + 2]
    if letter != LETTER_I and letter != LETTER_E and letter != LETTER_D:
        return BARE
    return UNREAD  # rare enough not to be taken apart twice


def headed(data: bytes, at: int, end: int, registers: array[int], tags: array[int]) -> int:
    """Take apart the header that a firmware put at ``at``; its dialect, ``BARE`` without any, or ``UNREAD``."""
    registers[MESSAGE] = at
    first = data[at]
    if first == 91:
        dialect = esphome(data, at, end, registers)
        return arduino(data, at, end, registers) if dialect == BARE else dialect
    stamped = is_level(data, at, end)
    if stamped == 0 and may_be_logging(data, at, end):
        return UNREAD
    if first == LETTER_E or first == LETTER_W or first == LETTER_I or first == LETTER_D or first == LETTER_V:
        dialect = esp_idf(data, at, end, registers, 0)
        if dialect != BARE:
            return dialect
    elif 48 <= first <= 57:
        dialect = tasmota(data, at, end, registers, tags)
        return espeasy(data, at, end, registers) if dialect == BARE else dialect
    if is_level_name(data, at, end):
        return UNREAD  # Home Assistant's log
    return BARE


def read_header(data: bytes, at: int, end: int, registers: array[int], tags: array[int]) -> int:
    """Take a line apart into the registers; its dialect, ``EMPTY``, or ``UNREAD`` where that is for the caller."""
    registers[OWN_BOOT_MS] = -1
    registers[OWN_HOST] = 0
    registers[OWN_SYSTEM] = 0
    registers[ESCAPES] = 0
    registers[TEXT] = at
    registers[COLOURED] = 0
    registers[LEVEL] = 0
    registers[TAG] = at
    registers[TAG_END] = at
    while end > at:
        if data[end - 1] == 13 or data[end - 1] == 32:
            end -= 1
        elif end - at >= 4 and data[end - 1] == 109 and data[end - 4] == ESC and data[end - 3] == 91:
            if data[end - 2] != 48:
                return UNREAD
            registers[ESCAPES] += 1
            end -= 4
        else:
            break
    registers[MESSAGE_END] = end
    at = past_blanks(data, at, end, registers)
    if end - at > 2 and data[at] == 62 and data[at + 1] == 32:
        at = past_blanks(data, at + 2, end, registers)
    for _ in range(2):
        if at >= end:
            return EMPTY
        stop = past_host(data, at, end, registers)
        if stop == UNREAD:
            return UNREAD
        if stop == at:
            break
        at = past_blanks(data, stop, end, registers)
    if at >= end:
        return EMPTY
    dialect = headed(data, at, end, registers, tags)
    foreign = registers[FOREIGN]
    if foreign >= 0 and (foreign < registers[MESSAGE] or (dialect == BARE and foreign < at + HEADER_MAX)):
        return UNREAD
    if dialect > BARE and registers[MESSAGE] >= end and registers[TAG] == registers[TAG_END]:
        return EMPTY
    return dialect


def unusual(data: bytes, at: int, end: int) -> int:
    """Whether something other than whole characters of UTF-8 stands there that are neither digits, blanks nor signs of
    direction, and that no case folding makes ASCII: only letters, signs and pictures that logs are full of pass."""
    while at < end:
        first = data[at]
        if first < 128:
            at += 1
            continue
        second = data[at + 1] if at + 1 < end else 0
        if not 128 <= second <= 191:
            return 1
        if 194 <= first <= 201 or 206 <= first <= 209:  # Latin up to U+027F, Greek, Cyrillic up to U+047F
            if first == 194 and second <= 160:
                return 1
            if (first == 196 and (second == 176 or second == 177)) or (first == 197 and second == 191):
                return 1
            at += 2
            continue
        third = data[at + 2] if at + 2 < end else 0
        if not 128 <= third <= 191:
            return 1
        if first == 226:
            if second == 128:  # dashes, quotes, dots
                if not 144 <= third <= 166:
                    return 1
            elif second == 130:  # currencies
                if third < 160:
                    return 1
            elif second == 132:  # signs like those of degrees
                if third != 131 and third != 162:
                    return 1
            elif not (134 <= second <= 143 or 148 <= second <= 159):  # arrows, operators, boxes, shapes
                return 1
            at += 3
            continue
        if 228 <= first <= 233:  # Chinese, Japanese
            if first == 228 and second < 184:
                return 1
            at += 3
            continue
        if first == 240 and second == 159 and at + 3 < end and 128 <= data[at + 3] <= 191:
            if third < 140 or third > 167:  # pictures U+1F300 to U+1F9FF
                return 1
            at += 4
            continue
        return 1
    return 0


def holds(
    data: bytes, at: int, row: int, registers: array[int], meanings: array[int], pool: bytes
) -> int:
    """Whether the wording of ``row``, which ends with the byte at ``at``, stands there as it must."""
    length = meanings[row + OUT_LENGTH]
    when = meanings[row + OUT_WHEN]
    first = at + 1 - length
    if when & WHEN_DIGITS:
        place = meanings[row + OUT_TEXT]
        index = 0
        while index < length:
            if 48 <= pool[place + index] <= 57 and pool[place + index] != data[first + index]:
                return 0
            index += 1
    if when & WHEN_WORD_BEFORE and first > registers[LINE] and is_word(data[first - 1]):
        return 0
    if when & WHEN_WORD_BEHIND and at + 1 < registers[LINE_END] and is_word(data[at + 1]):
        return 0
    if when & WHEN_BEGINS:
        begin = registers[MESSAGE]
        while begin < first and data[begin] == 32:
            begin += 1
        if begin < first:
            return 0
    if when & WHEN_ENDS and at + 1 < registers[MESSAGE_END]:
        return 0
    return 1


def speaks(
    data: bytes,
    first: int,
    last: int,
    marks: array[int],
    registers: array[int],
    meanings: array[int],
    rows: array[int],
    pool: bytes,
) -> int:
    """Whether any of the marks from ``first`` to ``last`` is a wording that stands as it must: 2 for one that changes how
    other lines are read, 1 for others, 0 for none."""
    found = 0
    index = first
    while index < last:
        row = rows[(marks[index] & MARK_MASK) // registers[SYMBOLS]]
        at = marks[index] >> MARK_SHIFT
        while row >= 0:
            when = meanings[row + OUT_WHEN]
            if found == 0 or when & WHEN_WHOLE:
                if meanings[row + OUT_LENGTH] and holds(data, at, row, registers, meanings, pool):
                    if when & WHEN_WHOLE:
                        return 2
                    found = 1
            row = meanings[row + OUT_NEXT]
        index += 1
    return found


def damaged(
    data: bytes, first: int, last: int, marks: array[int], registers: array[int], meanings: array[int], rows: array[int]
) -> int:
    """Look through the marks of a line for what is no wording: -1 when the line is for the caller because of it, else the
    number of escapes. Where the first byte is that is no ASCII is kept."""
    escapes = 0
    index = first
    while index < last:
        row = rows[(marks[index] & MARK_MASK) // registers[SYMBOLS]]
        while row >= 0:
            when = meanings[row + OUT_WHEN]
            if when == WHEN_CONTROL:
                return -1
            if when == WHEN_ESCAPE:
                escapes += 1
            elif when == WHEN_FOREIGN and registers[FOREIGN] < 0:
                registers[FOREIGN] = marks[index] >> MARK_SHIFT
            row = meanings[row + OUT_NEXT]
        index += 1
    return escapes


def clocks_go_on(registers: array[int]) -> int:
    """Whether the times of the line follow those before it as they should; if so, they are the last now."""
    boot = registers[OWN_BOOT_MS]
    last = registers[BOOT_MS]
    if boot >= 0 and (last < 0 or boot < last - REBOOT_DROP_MS):
        return 0
    host = registers[HOST_US]
    if registers[OWN_HOST]:
        if host == NO_TIME:
            return 0
        host = microseconds(registers, OWN_HOST) + registers[HOST_DAYS_US]
        if host < registers[HOST_US] - HALF_DAY_US:
            return 0
    system = registers[SYSTEM_US]
    if registers[OWN_SYSTEM]:
        if system == NO_TIME:
            return 0
        system = microseconds(registers, OWN_SYSTEM) + registers[SYSTEM_DAYS_US]
        if system < registers[SYSTEM_US] - HALF_DAY_US:
            return 0
    if boot >= 0:
        registers[BOOT_MS] = boot
    registers[HOST_US] = host
    registers[SYSTEM_US] = system
    return 1


def microseconds(registers: array[int], at: int) -> int:
    """The time whose registers begin at ``at``, days included."""
    if registers[at + 3] == UNIX:
        return registers[at + 1] * 1000
    fraction = registers[at + 2]
    digits = registers[at + 3]
    while digits < 6:
        fraction = fraction * 10
        digits += 1
    return (registers[at + 4] * DAY_SECONDS + registers[at + 1]) * MICROSECONDS + fraction


def keep_times(registers: array[int]) -> int:
    """The times of a line that is passed over are the newest that the caller does not know."""
    if registers[OWN_HOST]:
        registers[HOST_NEW] = 1
        registers[HOST_SECONDS] = registers[OWN_SECONDS]
        registers[HOST_FRACTION] = registers[OWN_FRACTION]
        registers[HOST_DIGITS] = registers[OWN_DIGITS]
        registers[HOST_DAY] = registers[OWN_DAY]
    if registers[OWN_SYSTEM]:
        registers[SYSTEM_NEW] = 1
        registers[SYSTEM_SECONDS] = registers[OWN_SYSTEM_SECONDS]
        registers[SYSTEM_FRACTION] = registers[OWN_SYSTEM_FRACTION]
        registers[SYSTEM_DIGITS] = registers[OWN_SYSTEM_DIGITS]
        registers[SYSTEM_DAY] = registers[OWN_SYSTEM_DAY]
    return 0


def names_boot(data: bytes, registers: array[int]) -> int:
    """Whether the tag is one that tells of starts: ``boot``, or that of halfopen's own journal."""
    tag = registers[TAG]
    size = registers[TAG_END] - tag
    if size == 4:
        return 1 if data[tag] == 98 and data[tag + 1] == 111 and data[tag + 2] == 111 and data[tag + 3] == 116 else 0
    if size == 8:
        return 1 if data[tag] == 104 and data[tag + 1] == 97 and data[tag + 2] == 108 and data[tag + 3] == 102 else 0
    return 0


def may_be_broken(registers: array[int], end: int) -> int:
    """Whether the line has a length at which tools break lines."""
    size = registers[MESSAGE_END] - registers[TEXT]
    if size < BROKEN_MIN:
        return 0
    if size <= BROKEN_MAX:
        return 1
    return 1 if size <= BROKEN_BYTES_MAX and (registers[FOREIGN] >= 0 or registers[COLOURED]) else 0


def pass_over(
    data: bytes,
    first: int,
    last: int,
    marks: array[int],
    registers: array[int],
    meanings: array[int],
    rows: array[int],
    pool: bytes,
    tags: array[int],
) -> int:
    """Pass over the line of the marks from ``first`` to ``last``: 1 when that is done, 0 when it is for the caller."""
    start = registers[LINE]
    end = registers[LINE_END]
    registers[REGULAR] = 0
    registers[FOREIGN] = -1
    if end - start > LINE_BYTES_MAX:
        return 0
    escapes = 0
    said = 0
    if last > first:
        escapes = damaged(data, first, last, marks, registers, meanings, rows)
        if escapes < 0 or (registers[FOREIGN] >= 0 and unusual(data, registers[FOREIGN], end)):
            return 0
    dialect = read_header(data, start, end, registers, tags)
    registers[DIALECT] = dialect
    if dialect == UNREAD or registers[ESCAPES] != escapes:
        return 0
    if last > first:
        said = speaks(data, first, last, marks, registers, meanings, rows, pool)
    if said == 2:
        return 0
    if dialect == EMPTY:
        return 1
    if registers[WATCH] & WATCH_ALL:
        return 0
    if dialect == BARE:
        if registers[HELD] != HELD_NOTHING:
            return 0
    elif registers[WATCH] or registers[NAMED] >> dialect & 1 == 0 or names_boot(data, registers):
        return 0
    if clocks_go_on(registers) == 0:
        return 0
    if said:
        registers[REGULAR] = 1
        return 0
    keep_times(registers)
    registers[HELD] = HELD_NOTHING
    if dialect != BARE and may_be_broken(registers, end):
        registers[HELD] = start
        registers[HELD_END] = end
        registers[HELD_LINE] = registers[NUMBER]
    registers[LAST] = start
    registers[LAST_END] = end
    registers[LAST_LINE] = registers[NUMBER]
    return 1


def walk(
    data: bytes,
    bounds: array[int],
    marks: array[int],
    registers: array[int],
    meanings: array[int],
    rows: array[int],
    pool: bytes,
    tags: array[int],
) -> int:
    """Go on to the next line that the caller must read: 1 with the line in the registers, 0 at the end of the block.

    Lanes of the block end with a line. ``rows`` is the first meaning of each state, by its number.
    """
    line_ends = registers[LINE_ENDS]
    while True:
        mark = registers[MARK]
        while registers[LANE] < LANES and mark >= registers[LANE_ENDS + registers[LANE]]:
            registers[LANE] += 1
            mark = bounds[registers[LANE]] if registers[LANE] < LANES else 0
        if registers[LANE] == LANES:
            return 0
        first = mark
        while marks[mark] & MARK_MASK != line_ends:
            mark += 1
        registers[MARK] = mark + 1
        registers[LINE] = registers[START]
        registers[LINE_END] = marks[mark] >> MARK_SHIFT
        registers[START] = registers[LINE_END] + 1
        registers[LINES] += 1
        registers[NUMBER] = registers[LINES]
        if pass_over(data, first, mark, marks, registers, meanings, rows, pool, tags) == 0:
            return 1
