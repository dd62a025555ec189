# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""The header of a line of a log, of every firmware that prints one, taken apart as ``formats.logline`` does.

Where that is in doubt, or a format is rare, the line is ``UNREAD``: for the caller.
"""

from __future__ import annotations

from array import array

from halfopen.kernel import host_times
from halfopen.kernel.line_layout import (
    ARDUINO,
    BARE,
    EMPTY,
    ESP_IDF,
    ESPEASY,
    ESPHOME,
    STAMP_BOOT,
    STAMP_BOOT_ALWAYS,
    STAMP_NONE,
    STAMP_UNIX,
    TASMOTA,
    UNIX,
    UNREAD,
)

#: Characters of a tag of ESP-IDF, of a name before a level of Python's logging (the patterns of ``formats.logline``).
TAG_MAX = 48
WORD_MAX = 64
#: A header ends within so many bytes; what is no ASCII among them may belong to it.
HEADER_MAX = 80
#: Milliseconds since boot are counted in 32 bits.
BOOT_MS_END = 4294967296
ESC = 27
#: Names of levels of ESPEasy: ``Info``, ``Erro``, ``Debu``, `` Mor``, `` Dev`` as numbers; blanks may fill one up.
INFO = 1231971951
ERROR = 1165128303
DEBUG = 1147495029
MORE = 541945714
DEV = 541353334
NAME_MAX = 64
LETTER_C = 67
LETTER_D = 68
LETTER_E = 69
LETTER_I = 73
LETTER_V = 86
LETTER_W = 87


class Header:
    """Takes a line of ``data`` apart into its fields, positions in ``data``.

    ``boot_ms`` is -1 where the line has none; ``system`` tells whether it has a wall clock of the device, whose fields are
    like those of :class:`host_times.HostTimes`; a number for a time stands at ``stamp``. ``text`` is where the line begins
    without its colour, ``coloured`` tells that there is one inside; ``escapes`` counts colours. ``foreign`` is set by the
    caller: where the line begins to be no ASCII, -1 for nowhere.
    """

    def __init__(self, tags: array[int]) -> None:
        """``tags`` are those of Tasmota, three letters to a number."""
        self.data = b""
        self.tags = tags
        self.times = host_times.HostTimes()
        self.boot_ms = -1
        self.system = 0
        self.system_seconds = 0
        self.system_fraction = 0
        self.system_digits = 0
        self.system_day = 0
        self.system_clock = 0
        self.system_dated = 0
        self.stamp = 0
        self.stamp_digits = 0
        self.stamp_kind = STAMP_NONE
        self.level = 0
        self.tag = 0
        self.tag_end = 0
        self.message = 0
        self.message_end = 0
        self.text = 0
        self.coloured = 0
        self.escapes = 0
        self.foreign = -1

    def recall_system(self, clock: int, digits: int, dated: int) -> int:
        """The line has a wall clock of the device that stands at ``clock``, with a fraction of ``digits`` behind and a date
        before it, of which the last two digits of the year count."""
        self.system = 1
        self.system_clock = clock
        self.system_dated = dated
        self.system_seconds = self.times.seconds_at(clock)
        self.system_fraction = self.times.value_of(clock + 9, clock + 9 + digits)
        self.system_digits = digits
        self.system_day = 0
        if dated:
            self.system_day = self.times.day_number(
                self.times.value_of(clock - 9, clock - 7) + 2000,
                self.times.value_of(clock - 6, clock - 4),
                self.times.value_of(clock - 3, clock - 1),
            )
        return 0

    def recall_stamp(self, stamp: int, digits: int, kind: int) -> int:
        """The line has a number of ``digits`` at ``stamp``; of which kind it is, which its size may tell."""
        number = self.times.value_of(stamp, stamp + digits)
        if kind != STAMP_BOOT_ALWAYS:
            kind = STAMP_BOOT if number < BOOT_MS_END else STAMP_UNIX
        self.stamp = stamp
        self.stamp_digits = digits
        self.stamp_kind = kind
        if kind == STAMP_UNIX:
            self.system = 1
            self.system_seconds = number
            self.system_fraction = 0
            self.system_digits = UNIX
            self.system_day = 0
        else:
            self.boot_ms = number
        return kind

    def past_blanks(self, at: int, end: int) -> int:
        """Where the line goes on behind blanks and colours."""
        while at < end:
            if self.data[at] == 32:
                at += 1
            elif self.data[at] == ESC and at + 2 < end and self.data[at + 1] == 91:
                stop = at + 2
                while (
                    stop < end and stop - at < 14 and (48 <= self.data[stop] <= 57 or self.data[stop] == 59)
                ):
                    stop += 1
                if stop >= end or self.data[stop] != 109:
                    return at
                if self.text == at:
                    self.text = stop + 1
                else:
                    self.coloured = 1
                self.escapes += 1
                at = stop + 1
            else:
                return at
        return at

    def may_be_logging(self, at: int, end: int) -> int:
        """Whether what Python's logging puts before a line may stand at ``at``."""
        if self.data[at] == 45:
            return 1
        stop = at
        while stop < end and (self.times.is_word(self.data[stop]) or self.data[stop] == 46):
            stop += 1
        if stop == at or stop - at > WORD_MAX or stop >= end:
            return 0
        name = stop
        while (
            stop < end
            and stop - name < 4
            and (self.data[stop] == 32 or self.data[stop] == 58 or self.data[stop] == 45)
        ):
            stop += 1
        if stop == name:
            return 0
        if self.times.is_level(stop, end):
            return 1
        if self.is_level_name(stop, end):
            return 1
        return self.is_level_name(at, end)

    def is_level_name(self, at: int, end: int) -> int:
        """Whether the name of a level of Python's logging may stand at ``at``."""
        if end - at < 4:
            return 0
        word = self.data[at] << 16 | self.data[at + 1] << 8 | self.data[at + 2]
        # DEB, INF, WAR, ERR, CRI
        if word == 4474178 or word == 4804166 or word == 5718354 or word == 4543058 or word == 4411977:
            return 1
        return 0

    def stamp_end(self, at: int, end: int) -> int:
        """Where the bracket of an ESP-IDF line that opens at ``at`` ends, ``at`` when it holds no time, or ``UNREAD``."""
        first = at + 1
        digits = self.times.count_digits(first, end)
        after = first + digits
        if after >= end:
            return at
        if self.data[after] == 41 and 0 < digits <= 14:
            self.recall_stamp(first, digits, STAMP_BOOT)
            return after + 1
        if self.data[after] >= 128:
            return UNREAD
        dated = 0
        if self.data[after] == 45 and 2 <= digits <= 4:
            if end - after < 7 or self.data[after + 3] != 45 or self.data[after + 6] != 32:
                return UNREAD if self.has_foreign(after, min(after + 7, end)) else at
            if (
                self.times.count_digits(after + 1, after + 3) != 2
                or self.times.count_digits(after + 4, after + 6) != 2
            ):
                return UNREAD if self.has_foreign(after, min(after + 7, end)) else at
            dated = 1
            first = after + 7
        seconds = self.times.clock_at(first, end)
        if seconds < 0 or end - first < 13 or self.data[first + 8] != 46 or self.data[first + 12] != 41:
            return UNREAD if self.has_foreign(first, min(first + 13, end)) else at
        if self.times.count_digits(first + 9, first + 12) != 3:
            return UNREAD if self.has_foreign(first, min(first + 13, end)) else at
        self.recall_system(first, 3, dated)
        return first + 13

    def has_foreign(self, at: int, end: int) -> int:
        """Whether a byte that is no ASCII stands there."""
        while at < end:
            if self.data[at] >= 128:
                return 1
            at += 1
        return 0

    def esp_idf(self, at: int, end: int, stamped: int) -> int:
        """Take apart an ESP-IDF line; the dialect, ``BARE`` when it is none, or ``UNREAD``.

        ``stamped`` asks for a time in it, as the lines do that ESPHome wraps.
        """
        if end - at < 3 or self.data[at + 1] != 32:
            return BARE
        letter = self.data[at]
        after = at + 2
        has_stamp = 0
        if self.data[after] == 40:
            stop = self.stamp_end(after, end)
            if stop == UNREAD:
                return UNREAD
            if stop == after:
                return BARE
            has_stamp = 1
            after = stop
            if after < end and self.data[after] == 32:
                after += 1
        if stamped and has_stamp == 0:
            return BARE
        tag = after
        tag_end = after
        if after < end and self.data[after] != 32 and self.data[after] != 58 and self.data[after] != 41:
            stop = after
            while stop < end and stop - after <= TAG_MAX and self.data[stop] != 58:
                if self.data[stop] == 40 or self.data[stop] == 41:
                    break
                if self.data[stop] >= 128:
                    return UNREAD
                stop += 1
            if stop < end and self.data[stop] == 58 and stop - after <= TAG_MAX:
                tag_end = stop
                after = stop + 1
                if after < end and self.data[after] >= 128:
                    return UNREAD
        if has_stamp == 0 and tag == tag_end:
            return BARE
        while tag_end > tag and self.data[tag_end - 1] == 32:
            tag_end -= 1
        while after < end and self.data[after] == 32:
            after += 1
        self.level = letter
        self.tag = tag
        self.tag_end = tag_end
        self.message = after
        return ESP_IDF

    def esphome(self, at: int, end: int) -> int:
        """Take apart an ESPHome line, and what it wraps; the dialect, ``BARE`` when it is none, or ``UNREAD``."""
        after = at + 1
        letter = self.data[after] if after < end else 0
        after += 1
        if letter == LETTER_V and after < end and self.data[after] == LETTER_V:
            after += 1
        if letter not in (LETTER_E, LETTER_W, LETTER_I, LETTER_C, LETTER_D, LETTER_V):
            return BARE
        if end - after < 3 or self.data[after] != 93 or self.data[after + 1] != 91:
            return BARE
        tag = after + 2
        stop = self.times.past_word(tag, end)
        if stop == UNREAD:
            return UNREAD
        tag_end = stop
        if stop == tag or stop - tag > 40:
            return BARE
        if stop < end and self.data[stop] == 58:
            digits = self.times.count_digits(stop + 1, end)
            if digits == 0 or digits > 5:
                return BARE
            stop += 1 + digits
        if stop >= end or self.data[stop] != 93:
            return BARE
        stop += 1
        if stop < end and self.data[stop] == 91:
            task = stop + 1
            stop = task
            while stop < end and self.data[stop] != 93:
                if self.data[stop] >= 128:
                    return UNREAD
                stop += 1
            if stop >= end or stop == task or stop - task > 24:
                return BARE
            stop += 1
        if stop >= end or self.data[stop] != 58:
            return BARE
        stop += 1
        if stop < end and self.data[stop] != 32:
            return BARE
        while stop < end and self.data[stop] == 32:
            stop += 1
        if self.times.is_level(stop, end):
            inner = self.esp_idf(stop, end, 1)
            if inner == UNREAD:
                return UNREAD
            if inner == ESP_IDF:
                return ESPHOME
        self.level = letter
        self.tag = tag
        self.tag_end = tag_end
        self.message = stop
        return ESPHOME

    def arduino(self, at: int, end: int) -> int:
        """Take apart a line of the Arduino core; the dialect, ``BARE`` when it is none, or ``UNREAD``."""
        after = at + 1
        while after < end and self.data[after] == 32:
            after += 1
        digits = self.times.count_digits(after, end)
        stamp = after
        stamp_digits = digits
        if digits:
            if (
                digits > 10
                or end - after - digits < 2
                or self.data[after + digits] != 93
                or self.data[after + digits + 1] != 91
            ):
                return BARE
            after += digits + 2
        elif after != at + 1:
            return BARE
        letter = self.data[after] if after < end else 0
        if (
            letter != LETTER_E
            and letter != LETTER_W
            and letter != LETTER_I
            and letter != LETTER_D
            and letter != LETTER_V
        ):
            return BARE
        if end - after < 4 or self.data[after + 1] != 93 or self.data[after + 2] != 91:
            return BARE
        tag = after + 3
        stop = tag
        while stop < end and stop - tag <= 60 and self.data[stop] != 58 and self.data[stop] != 93:
            if self.data[stop] >= 128:
                return UNREAD
            stop += 1
        if stop >= end or stop == tag or stop - tag > 60 or self.data[stop] != 58:
            return BARE
        digits = self.times.count_digits(stop + 1, end)
        after = stop + 1 + digits
        if digits == 0 or end - after < 2 or self.data[after] != 93 or self.data[after + 1] != 32:
            return BARE
        if stamp_digits:
            self.recall_stamp(stamp, stamp_digits, STAMP_BOOT_ALWAYS)
        self.level = letter
        self.tag = tag
        self.tag_end = stop
        self.message = after + 2
        return ARDUINO

    def tasmota(self, at: int, end: int) -> int:
        """Take apart a line of Tasmota; the dialect, or ``BARE`` when it is none."""
        if self.times.clock_at(at, end) < 0:
            return BARE
        after = at + 8
        digits = 0
        if end - after > 4 and self.data[after] == 46 and self.times.count_digits(after + 1, after + 4) == 3:
            digits = 3
            after += 4
        if after < end and self.data[after] == 45:
            free = self.times.count_digits(after + 1, end)
            slash = after + 1 + free
            if free == 0 or slash >= end or self.data[slash] != 47:
                return BARE
            pieces = self.times.count_digits(slash + 1, end)
            if pieces == 0:
                return BARE
            after = slash + 1 + pieces
        if (
            end - after < 6
            or self.data[after] != 32
            or self.data[after + 4] != 58
            or self.data[after + 5] != 32
        ):
            return BARE
        word = self.data[after + 1] << 16 | self.data[after + 2] << 8 | self.data[after + 3]
        place = 0
        while place < len(self.tags) and self.tags[place] != word:
            place += 1
        if place == len(self.tags):
            return BARE
        self.recall_system(at, digits, 0)
        self.level = 0
        self.tag = after + 1
        self.tag_end = after + 4
        self.message = after + 6
        return TASMOTA

    def espeasy(self, at: int, end: int) -> int:
        """Take apart a line of ESPEasy; the dialect, ``BARE`` when it is none, or ``UNREAD``."""
        digits = self.times.count_digits(at, end)
        after = at + digits
        if digits > 10 or after >= end:
            return BARE
        if self.data[after] == 32:
            after += 1
        if end - after < 6 or self.data[after] != 58 or self.data[after + 1] != 32:
            return BARE
        after += 2
        stop = after
        while stop < end and stop - after <= NAME_MAX and self.data[stop] != 58:
            stop += 1
        if stop - after > NAME_MAX:
            return UNREAD
        if end - stop < 2 or self.data[stop + 1] != 32:
            return BARE
        name_end = stop
        while name_end > after and self.data[name_end - 1] == 32:
            name_end -= 1
        if self.is_espeasy_level(after, name_end) == 0:
            return BARE
        self.recall_stamp(at, digits, STAMP_BOOT_ALWAYS)
        self.level = self.data[after]
        self.tag = after
        self.tag_end = after
        self.message = stop + 2
        return ESPEASY

    def is_espeasy_level(self, at: int, end: int) -> int:
        """Whether the name of a level of ESPEasy stands there."""
        size = end - at
        if size < 4:
            return 0
        word = self.word_at(at)
        if word == INFO:
            return 1 if size == 4 else 0
        if size < 5:
            return 0
        if word == ERROR:
            return 1 if size == 5 and self.data[at + 4] == 114 else 0
        if word != DEBUG or self.data[at + 4] != 103:
            return 0
        if size == 5:
            return 1
        if size == 9:
            return 1 if self.word_at(at + 5) == DEV else 0
        return 1 if size == 10 and self.word_at(at + 5) == MORE and self.data[at + 9] == 101 else 0

    def word_at(self, at: int) -> int:
        """Four bytes as one number."""
        return self.data[at] << 24 | self.data[at + 1] << 16 | self.data[at + 2] << 8 | self.data[at + 3]

    def headed(self, at: int, end: int) -> int:
        """Take apart the header that a firmware put at ``at``; its dialect, ``BARE`` without any, or ``UNREAD``."""
        self.message = at
        first = self.data[at]
        if first == 91:
            dialect = self.esphome(at, end)
            return self.arduino(at, end) if dialect == BARE else dialect
        stamped = self.times.is_level(at, end)
        if stamped == 0 and self.may_be_logging(at, end):
            return UNREAD
        if first in (LETTER_E, LETTER_W, LETTER_I, LETTER_D, LETTER_V):
            dialect = self.esp_idf(at, end, 0)
            if dialect != BARE:
                return dialect
        elif 48 <= first <= 57:
            dialect = self.tasmota(at, end)
            return self.espeasy(at, end) if dialect == BARE else dialect
        if self.is_level_name(at, end):
            return UNREAD  # Home Assistant's log
        return BARE

    def read_header(self, at: int, end: int) -> int:
        """Take a line apart into the fields; its dialect, ``EMPTY``, or ``UNREAD`` where that is for the caller."""
        self.boot_ms = -1
        self.stamp_kind = STAMP_NONE
        self.times.host = 0
        self.system = 0
        self.escapes = 0
        self.text = at
        self.coloured = 0
        self.level = 0
        self.tag = at
        self.tag_end = at
        while end > at:
            if self.data[end - 1] == 13 or self.data[end - 1] == 32:
                end -= 1
            elif (
                end - at >= 4
                and self.data[end - 1] == 109
                and self.data[end - 4] == ESC
                and self.data[end - 3] == 91
            ):
                if self.data[end - 2] != 48:
                    return UNREAD
                self.escapes += 1
                end -= 4
            else:
                break
        self.message_end = end
        at = self.past_blanks(at, end)
        if end - at > 2 and self.data[at] == 62 and self.data[at + 1] == 32:
            at = self.past_blanks(at + 2, end)
        for _ in range(2):
            if at >= end:
                return EMPTY
            stop = self.times.past_host(at, end)
            if stop == UNREAD:
                return UNREAD
            if stop == at:
                break
            at = self.past_blanks(stop, end)
        if at >= end:
            return EMPTY
        dialect = self.headed(at, end)
        foreign = self.foreign
        if foreign >= 0 and (foreign < self.message or (dialect == BARE and foreign < at + HEADER_MAX)):
            return UNREAD
        if dialect > BARE and self.message >= end and self.tag == self.tag_end:
            return EMPTY
        return dialect
