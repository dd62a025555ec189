# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""The time that a terminal, a monitor or a syslog daemon puts before a line of a log, taken apart as ``formats.logline`` does.

Where something other than ASCII may belong to it, or two readings are possible, that is for the caller: ``UNREAD``.
"""

from __future__ import annotations

from halfopen.kernel.line_layout import UNREAD

#: Characters of the name of a process, and of a host (the patterns of ``formats.logline``).
WORD_MAX = 48
HOST_MAX = 255
#: Digits of a fraction of a second: docker prints nanoseconds.
FRACTION_MAX = 9
LETTER_D = 68
LETTER_E = 69
LETTER_I = 73
LETTER_V = 86
LETTER_W = 87


class HostTimes:
    """Reads the time before a line of ``data``; the first of a line stays until ``host`` is set to 0.

    ``seconds`` is of the day, ``fraction`` a number of ``digits`` digits as printed, ``day`` the ordinal of the date, 0
    where none is printed. ``hh:mm:ss`` stands at ``clock``; ``has_date`` tells that a date stands before it.
    """

    def __init__(self) -> None:
        self.data = b""
        self.host = 0
        self.seconds = 0
        self.fraction = 0
        self.digits = 0
        self.day = 0
        self.clock = 0
        self.has_date = 0

    def count_digits(self, at: int, end: int) -> int:
        """How many digits stand from ``at`` on."""
        start = at
        while at < end and 48 <= self.data[at] <= 57:
            at += 1
        return at - start

    def value_of(self, at: int, end: int) -> int:
        """The number in the digits from ``at`` to ``end``."""
        value = 0
        while at < end:
            value = value * 10 + self.data[at] - 48
            at += 1
        return value

    def clock_at(self, at: int, end: int) -> int:
        """Seconds of ``hh:mm:ss`` at ``at``, -1 where no such time stands."""
        if end - at < 8 or self.data[at + 2] != 58 or self.data[at + 5] != 58:
            return -1
        if self.count_digits(at, at + 2) != 2 or self.count_digits(at + 3, at + 5) != 2:
            return -1
        if self.count_digits(at + 6, at + 8) != 2:
            return -1
        return self.seconds_at(at)

    def day_number(self, year: int, month: int, day: int) -> int:
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

    def date_at(self, at: int, end: int) -> int:
        """The ordinal of ``yyyy-mm-dd`` at ``at``, 0 for a day that is none, -1 where no date stands."""
        if end - at < 10 or self.data[at + 4] != 45 or self.data[at + 7] != 45:
            return -1
        if self.count_digits(at, at + 4) != 4 or self.count_digits(at + 5, at + 7) != 2:
            return -1
        if self.count_digits(at + 8, at + 10) != 2:
            return -1
        return self.day_number(
            self.value_of(at, at + 4), self.value_of(at + 5, at + 7), self.value_of(at + 8, at + 10)
        )

    def seconds_at(self, at: int) -> int:
        """Seconds of the ``hh:mm:ss`` that stands at ``at``."""
        hours = (self.data[at] - 48) * 10 + self.data[at + 1] - 48
        minutes = (self.data[at + 3] - 48) * 10 + self.data[at + 4] - 48
        seconds = (self.data[at + 6] - 48) * 10 + self.data[at + 7] - 48
        return hours * 3600 + minutes * 60 + seconds

    def recall(self, clock: int, digits: int, dated: int) -> int:
        """The line has a time whose clock stands at ``clock``, with a fraction of ``digits`` behind and a date before it."""
        self.host = 1
        self.clock = clock
        self.digits = digits
        self.has_date = dated
        self.seconds = self.seconds_at(clock)
        self.fraction = self.value_of(clock + 9, clock + 9 + digits)
        self.day = 0
        if dated:
            self.day = self.day_number(
                self.value_of(clock - 11, clock - 7),
                self.value_of(clock - 6, clock - 4),
                self.value_of(clock - 3, clock - 1),
            )
        return 0

    def note_host(self, clock: int, digits: int, dated: int) -> int:
        """Keep the first time that a host put before this line."""
        if self.host == 0:
            self.recall(clock, digits, dated)
        return 0

    def is_level(self, at: int, end: int) -> int:
        """Whether an ESP-IDF header with a stamp begins at ``at``: a level and an open bracket."""
        if end - at < 3 or self.data[at + 1] != 32 or self.data[at + 2] != 40:
            return 0
        letter = self.data[at]
        if letter in (LETTER_E, LETTER_W, LETTER_I, LETTER_D, LETTER_V):
            return 1
        return 0

    def is_word(self, letter: int) -> int:
        """Whether an ASCII character is one of a word (``\\w``)."""
        if 97 <= letter <= 122 or 65 <= letter <= 90 or 48 <= letter <= 57 or letter == 95:
            return 1
        return 0

    def past_word(self, at: int, end: int) -> int:
        """Where a run of word characters, dots and hyphens ends; ``UNREAD`` when something other than ASCII stands in it."""
        while at < end and (self.is_word(self.data[at]) or self.data[at] == 45 or self.data[at] == 46):
            at += 1
        if at < end and self.data[at] >= 128:
            return UNREAD
        return at

    def past_process(self, at: int, end: int) -> int:
        """Where the name of a process and its number in brackets end, ``at`` itself where none stands, or ``UNREAD``."""
        start = at
        at = self.past_word(at, end)
        if at in (UNREAD, start):
            return at
        if at + 1 < end and self.data[at] == 91:
            digits = self.count_digits(at + 1, end)
            stop = at + 1 + digits
            if digits and stop < end and self.data[stop] == 93:
                return stop + 1
        return at

    def zone_at(self, at: int, end: int, colon: int) -> int:
        """The length of a time zone at ``at``, 0 where none stands; ``colon`` tells that its colon may not be missing."""
        if at < end and self.data[at] == 90:
            return 1
        if (
            end - at < 5
            or (self.data[at] != 43 and self.data[at] != 45)
            or self.count_digits(at + 1, at + 3) != 2
        ):
            return 0
        if self.data[at + 3] == 58:
            return 6 if end - at >= 6 and self.count_digits(at + 4, at + 6) == 2 else 0
        if colon:
            return 0
        return 5 if self.count_digits(at + 3, at + 5) == 2 else 0

    def past_daemon(self, at: int, end: int) -> int:
        """Where zone, host and process end that rsyslog writes behind a time, ``at`` where they do not stand, or ``UNREAD``."""
        zone = self.zone_at(at, end, 1)
        host = at + zone + 1
        if zone == 0 or host > end or self.data[host - 1] != 32:
            return at
        stop = self.past_word(host, end)
        if stop == UNREAD:
            return UNREAD
        if not host < stop <= host + HOST_MAX or stop >= end or self.data[stop] != 32:
            return at
        process = self.past_process(stop + 1, end)
        if process == UNREAD or process - stop > WORD_MAX:
            return UNREAD
        if process == stop + 1:
            return at
        if process < end and self.data[process] == 58:
            process += 1
        if process < end and self.data[process] == 32 and self.is_level(process + 1, end):
            return process + 1
        return at

    def dated(self, at: int, end: int) -> int:
        """A host's time that begins with a digit; where it ends, ``at`` where none stands, or ``UNREAD``."""
        day = self.date_at(at, end)
        clock = at
        if day >= 0:
            if end - at < 19 or (self.data[at + 10] != 32 and self.data[at + 10] != 84):
                return at
            clock = at + 11
        seconds = self.clock_at(clock, end)
        if seconds < 0:
            return at
        after = clock + 8
        point = 0
        digits = 0
        if after + 1 < end and (self.data[after] == 46 or self.data[after] == 44 or self.data[after] == 58):
            digits = self.count_digits(after + 1, min(after + 1 + FRACTION_MAX, end))
            if digits:
                point = self.data[after]
                after += 1 + digits
        arrow = after
        if arrow < end and self.data[arrow] == 32:
            arrow += 1
        if arrow < end and self.data[arrow] == 45:
            arrow += 1
        if arrow < end and self.data[arrow] == 45:
            arrow += 1
        if arrow < end and (self.data[arrow] == 62 or self.data[arrow] >= 128):
            if self.data[arrow] != 62:
                return UNREAD
            self.note_host(clock, digits, 0)
            return arrow + 1
        if day < 0:
            if point == 58 or after >= end or self.data[after] != 32:
                return at
            if self.is_level(after + 1, end) == 0:
                stamp = after + 1
                if stamp >= end or self.data[stamp] != 91:
                    return at
                stamp += 1
                while stamp < end and self.data[stamp] == 32:
                    stamp += 1
                digits_of = self.count_digits(stamp, end)
                stamp += digits_of
                if digits_of == 0 or end - stamp < 2 or self.data[stamp] != 93 or self.data[stamp + 1] != 91:
                    return at
            self.note_host(clock, digits, 0)
            return after + 1
        if self.data[at + 10] == 84 and point not in (44, 58):
            stop = self.past_daemon(after, end)
            if stop == UNREAD:
                return UNREAD
            if stop > after:
                self.note_host(clock, digits, 1)
                return stop
        after += self.zone_at(after, end, 0)
        start = after
        while after < end and (self.data[after] == 32 or self.data[after] == 58 or self.data[after] == 124):
            after += 1
        if after == start:
            return UNREAD if point == 58 else at
        self.note_host(clock, digits, 1)
        return after

    def bracketed(self, at: int, end: int) -> int:
        """A host's time in brackets; where it ends, ``at`` where none stands, or ``UNREAD``."""
        clock = at + 1
        day = self.date_at(clock, end)
        if day >= 0:
            if end - clock < 19 or (self.data[clock + 10] != 32 and self.data[clock + 10] != 84):
                return at
            clock += 11
        seconds = self.clock_at(clock, end)
        if seconds < 0:
            return at
        after = clock + 8
        digits = 0
        if after < end and (self.data[after] == 46 or self.data[after] == 58 or self.data[after] == 44):
            digits = self.count_digits(after + 1, end)
            if (
                digits == 0
                or digits > 6
                or (self.data[after] == 58 and digits != 3)
                or (self.data[after] == 44 and day < 0)
            ):
                return at
            after += 1 + digits
        if after >= end or self.data[after] != 93:
            return UNREAD if after < end and self.data[after] >= 128 else at
        self.note_host(clock, digits, day >= 0)
        return after + 1

    def syslogged(self, at: int, end: int) -> int:
        """What a syslog daemon puts before a line; where it ends, ``at`` where none stands, or ``UNREAD``."""
        if end - at < 20 or self.data[at + 3] != 32 or self.data[at + 6] != 32 or self.data[at + 15] != 32:
            return at
        if not (
            97 <= self.data[at + 1] <= 122
            and 97 <= self.data[at + 2] <= 122
            and 48 <= self.data[at + 5] <= 57
        ):
            return at
        if self.data[at + 4] != 32 and not 48 <= self.data[at + 4] <= 57:
            return at
        seconds = self.clock_at(at + 7, end)
        if seconds < 0:
            return at
        stop = at + 16
        while stop < end and self.data[stop] != 32:
            if self.data[stop] >= 128:
                return UNREAD
            stop += 1
        if stop == at + 16 or stop >= end:
            return at
        process = self.past_process(stop + 1, end)
        if process == UNREAD:
            return UNREAD
        if (
            process == stop + 1
            or end - process < 2
            or self.data[process] != 58
            or self.data[process + 1] != 32
        ):
            return at
        self.note_host(at + 7, 0, 0)
        return process + 2

    def past_host(self, at: int, end: int) -> int:
        """Where the line goes on behind the time that a host put before it; ``at`` where none stands, or ``UNREAD``."""
        first = self.data[at]
        if first == 91:
            return self.bracketed(at, end)
        if 48 <= first <= 57:
            return self.dated(at, end)
        if first == 60:  # RFC 5424 as sent
            return UNREAD if at + 1 < end and 48 <= self.data[at + 1] <= 57 else at
        if (
            first == 65
            or first == 74
            or first == 70
            or first == 77
            or first == 83
            or first == 79
            or first == 78
        ):
            return self.syslogged(at, end)
        if first == LETTER_D:
            return self.syslogged(at, end)
        return at
