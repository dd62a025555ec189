# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Walk the lines of a block of a log: pass over those that say nothing and keep their clocks, stop at the others.

The automaton has marked where wordings stand (``scanner.py``). A line is passed over when none of them holds, its header
is one that is taken apart here to the same end as ``formats.logline`` does, and the clocks in it go on as they should.
Where any of that is in doubt the walk stops: a line more that is read costs time, a line less would cost the truth.
"""

from __future__ import annotations

from array import array

from halfopen.kernel import headers, scanner, shapes
from halfopen.kernel import shape_layout as s
from halfopen.kernel.line_layout import (
    BARE,
    EMPTY,
    HAS_BOOT,
    HAS_HOST,
    HAS_SYSTEM,
    HELD_NOTHING,
    MARK_MASK,
    MARK_SHIFT,
    NO_TIME,
    OUT_LENGTH,
    OUT_NEXT,
    OUT_TEXT,
    OUT_WHEN,
    PLAN_ALWAYS,
    PLAN_NEVER,
    PLAN_NUMBER,
    PLAN_SILENT,
    SAID_MAX,
    STAMP_NONE,
    TIME_BOOT,
    TIME_HOST,
    TIME_SYSTEM,
    TIME_WIDTH,
    TOLD_END,
    TOLD_HAS,
    TOLD_MAX,
    TOLD_NUMBER,
    TOLD_PLAN,
    TOLD_TEXT,
    TOLD_WIDTH,
    UNIX,
    UNREAD,
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

#: A boot clock that falls by more has restarted (``diagnose.sources.log_clock`` decides).
REBOOT_DROP_MS = 2000
#: It counts in 32 bits.
BOOT_WRAP_MS = 4294967296
#: A wall clock that falls by half a day has passed midnight; a second less, so that rounding does not decide.
HALF_DAY_US = 43199000000
DAY_SECONDS = 86400
MICROSECONDS = 1000000
#: Lines of as many characters may have been broken by what recorded them; more bytes when some are no ASCII or colour.
BROKEN_MIN = 60
BROKEN_MAX = 80
BROKEN_BYTES_MAX = 400
#: ``boot`` and ``half`` as numbers.
BOOT = 1651470196
HALF = 1751215206
#: Bytes of a line that is passed over: in a longer one characters must be counted.
LINE_BYTES_MAX = 8192


def microseconds(seconds: int, fraction: int, digits: int, day: int) -> int:
    """A time in microseconds, its day included."""
    while digits < 6:
        fraction = fraction * 10
        digits += 1
    while digits > 6:
        fraction = fraction // 10
        digits -= 1
    return (day * DAY_SECONDS + seconds) * MICROSECONDS + fraction


def seconds_of(seconds: int, fraction: int, digits: int, day: int) -> float:
    """A time in seconds, the very number that ``formats.logline`` makes of its text."""
    whole = seconds + 0.0
    if digits == UNIX:
        return whole / 1000.0
    if digits:
        scale = 10.0
        while digits > 1:
            scale *= 10.0
            digits -= 1
        whole += fraction / scale
    if day:
        whole += day * DAY_SECONDS
    return whole


class LineWalker:
    """Walks the lines of one log; its fields are what the walk and the caller tell each other.

    The caller sets ``watch`` (``WATCH_*``), ``named`` (dialects named already, bits), ``held`` (``HELD_*``, or where the
    line before begins that may have been broken) and the clocks as they are: ``last_boot_ms`` (-1: none), ``host_us`` and
    ``system_us`` (``NO_TIME``, or microseconds with the days that were added, ``host_days_us`` and ``system_days_us``; the
    days in seconds in ``host_days`` and ``system_days``), and how often the boot clock began anew, ``wraps``.

    What was found out of a line is kept for all of its shape (``shapes``), and a line of a known shape is told by that.
    ``repeated`` counts lines of a block whose shape was known.

    A walk that stopped leaves the line in ``number``, ``line`` and ``line_end``. ``regular`` tells that it was taken apart
    into ``dialect`` and ``header`` and that its clocks go on; else it is as if the line had not been seen. The wordings that
    stand in it are the first ``count`` rows of ``said``, which has no room for more than ``SAID_MAX``. ``slot`` is its
    shape's, if that is kept, ``planned`` the plan of that (0: none yet, see :meth:`plan`).
    Lines of shapes that have a plan are told in the first ``told`` rows of ``lines_told`` and ``times_told``, as
    ``facts_told`` facts, and the walk goes on.
    ``passed_*`` is the last time of lines that were passed over, ``last*`` the last of them that was not empty, -1 if
    none was since the caller said so.
    """

    def __init__(
        self,
        tags: array[int],
        meanings: array[int],
        rows: array[int],
        pool: bytes,
        width: int,
        line_end_state: int,
        table: array[int],
        symbols: bytes,
        threshold: int,
    ) -> None:
        """``tags`` as for :class:`headers.Header`; the others are parts of an automaton, whose states are told by ``width``:
        ``rows`` is the first of the ``meanings`` of each, ``pool`` holds texts, a line ends in ``line_end_state``; the last
        three as for ``scanner.sweep``."""
        self.header = headers.Header(tags)
        self.meanings = meanings
        self.rows = rows
        self.pool = pool
        self.width = width
        self.line_end_state = line_end_state
        self.table = table
        self.symbols = symbols
        self.threshold = threshold
        self.marks = self.bounds = self.ends = meanings
        self.shapes = shapes.LineShapes()
        self.traits = self.shapes.traits
        self.data = b""
        self.mark = self.lane = self.start = self.lines = self.size = self.measured = 0
        self.swept = self.studied = self.learning = 0
        self.repeated = 0
        self.slot = s.UNKNOWN
        self.watch = WATCH_ALL
        self.named = 0
        self.held = HELD_NOTHING
        self.held_end = self.held_line = 0
        self.last_boot_ms = -1
        self.host_us = self.system_us = NO_TIME
        self.host_days_us = self.system_days_us = 0
        self.passed_host = self.passed_seconds = self.passed_fraction = self.passed_digits = (
            self.passed_day
        ) = 0
        self.passed_system = self.passed_system_seconds = self.passed_system_fraction = 0
        self.passed_system_digits = self.passed_system_day = 0
        self.last = -1
        self.last_end = self.last_line = 0
        self.lines_told = array("q", [0]) * (TOLD_MAX * TOLD_WIDTH)
        self.times_told = array("d", [0]) * (TOLD_MAX * TIME_WIDTH)
        self.told = self.facts_told = self.wraps = self.planned = 0
        self.host_days = self.system_days = 0.0
        self.said = array("q", [0]) * SAID_MAX
        self.line_marks = array("q", [0]) * LINE_BYTES_MAX
        self.count = 0
        self.number = self.line = self.line_end = self.regular = self.dialect = 0

    def enter(self, data: bytes, size: int, measured: int) -> None:
        """Begin a block of ``size`` bytes of whole lines, which :meth:`walk` scans one by one where their shape is new. Behind
        ``measured`` no line has a shape."""
        self.size = size
        self.measured = measured
        self.read_from(data)
        self.shapes.enter(data)
        self.start = self.swept = self.repeated = 0
        self.studied = 1

    def read_from(self, data: bytes) -> int:
        """Lines stand in ``data``."""
        self.data = data
        self.header.data = data
        self.header.times.data = data
        return 0

    def enter_swept(self, bounds: array[int], ends: array[int], studied: int) -> None:
        """The block that was begun is marked throughout by ``scanner.sweep``, in lanes: mostly new shapes are expected. They
        are only kept in blocks that are ``studied``."""
        self.swept = 1
        self.studied = studied
        self.bounds = bounds
        self.ends = ends
        self.mark = self.lane = 0

    def holds(self, at: int, row: int) -> int:
        """Whether the wording of ``row``, which ends with the byte at ``at``, stands there as it must."""
        length = self.meanings[row + OUT_LENGTH]
        when = self.meanings[row + OUT_WHEN]
        first = at + 1 - length
        if when & WHEN_DIGITS:
            place = self.meanings[row + OUT_TEXT]
            index = 0
            while index < length:
                if (
                    48 <= self.pool[place + index] <= 57
                    and self.pool[place + index] != self.data[first + index]
                ):
                    return 0
                index += 1
        if when & WHEN_WORD_BEFORE and first > self.line and self.header.times.is_word(self.data[first - 1]):
            return 0
        if (
            when & WHEN_WORD_BEHIND
            and at + 1 < self.line_end
            and self.header.times.is_word(self.data[at + 1])
        ):
            return 0
        if when & WHEN_BEGINS:
            begin = self.header.message
            while begin < first and self.data[begin] == 32:
                begin += 1
            if begin < first:
                return 0
        if when & WHEN_ENDS and at + 1 < self.header.message_end:
            return 0
        return 1

    def speaks(self, first: int, last: int) -> int:
        """Whether any of the marks from ``first`` to ``last`` is a wording that stands as it must: 2 when one changes how
        other lines are read, 1 for others, 0 for none. Their rows are kept."""
        self.count = 0
        whole = 0
        index = first
        while index < last:
            row = self.rows[(self.marks[index] & MARK_MASK) // self.width]
            at = self.marks[index] >> MARK_SHIFT
            while row >= 0:
                if self.meanings[row + OUT_WHEN] & WHEN_DIGITS:
                    self.learning = 0
                if self.meanings[row + OUT_LENGTH] and self.holds(at, row):
                    if self.meanings[row + OUT_WHEN] & WHEN_WHOLE:
                        whole = 1
                    if self.count < SAID_MAX:
                        self.said[self.count] = row
                    self.count += 1
                row = self.meanings[row + OUT_NEXT]
            index += 1
        if whole:
            return 2
        return 1 if self.count else 0

    def damaged(self, first: int, last: int) -> int:
        """Look through the marks of a line for what is no wording: -1 when the line is for the caller because of it, else the
        number of escapes. Where the first byte is that is no ASCII is kept."""
        escapes = 0
        index = first
        while index < last:
            row = self.rows[(self.marks[index] & MARK_MASK) // self.width]
            while row >= 0:
                when = self.meanings[row + OUT_WHEN]
                if when == WHEN_CONTROL:
                    return -1
                if when == WHEN_ESCAPE:
                    escapes += 1
                elif when == WHEN_FOREIGN and self.header.foreign < 0:
                    self.header.foreign = self.marks[index] >> MARK_SHIFT
                row = self.meanings[row + OUT_NEXT]
            index += 1
        return escapes

    def clocks_go_on(self) -> int:
        """Whether the times of the line follow those before it as they should; if so, they are the last now."""
        boot = self.header.boot_ms
        last = self.last_boot_ms
        if boot >= 0 and (last < 0 or boot < last - REBOOT_DROP_MS):
            return 0
        host = self.host_us
        if self.header.times.host:
            if host == NO_TIME:
                return 0
            host = self.host_time_us() + self.host_days_us
            if host < self.host_us - HALF_DAY_US:
                return 0
        system = self.system_us
        if self.header.system:
            if system == NO_TIME:
                return 0
            system = self.system_time_us() + self.system_days_us
            if system < self.system_us - HALF_DAY_US:
                return 0
        if boot >= 0:
            self.last_boot_ms = boot
        self.host_us = host
        self.system_us = system
        return 1

    def taken(self) -> tuple[int, ...]:
        """Of a line that was taken apart: dialect and level, where tag, message and text stand, whether it is coloured inside,
        milliseconds since boot, and whether it has a host's and a device's time."""
        return (
            self.dialect,
            self.header.level,
            self.header.tag,
            self.header.tag_end,
            self.header.message,
            self.header.message_end,
            self.header.text,
            self.header.coloured,
            self.header.boot_ms,
            self.header.times.host,
            self.header.system,
        )

    def host_time_us(self) -> int:
        """The host's time before the line, in microseconds."""
        return microseconds(
            self.header.times.seconds,
            self.header.times.fraction,
            self.header.times.digits,
            self.header.times.day,
        )

    def system_time_us(self) -> int:
        """The time of the device's wall clock in the line, in microseconds."""
        if self.header.system_digits == UNIX:
            return self.header.system_seconds * 1000
        return microseconds(
            self.header.system_seconds,
            self.header.system_fraction,
            self.header.system_digits,
            self.header.system_day,
        )

    def keep_times(self) -> int:
        """The times of a line that is passed over are the newest that the caller does not know."""
        if self.header.times.host:
            self.passed_host = 1
            self.passed_seconds = self.header.times.seconds
            self.passed_fraction = self.header.times.fraction
            self.passed_digits = self.header.times.digits
            self.passed_day = self.header.times.day
        if self.header.system:
            self.passed_system = 1
            self.passed_system_seconds = self.header.system_seconds
            self.passed_system_fraction = self.header.system_fraction
            self.passed_system_digits = self.header.system_digits
            self.passed_system_day = self.header.system_day
        return 0

    def names_boot(self) -> int:
        """Whether the tag is one that tells of starts: ``boot``, or that of halfopen's own journal."""
        tag = self.header.tag
        size = self.header.tag_end - tag
        if size == 4:
            return self.header.word_at(tag) == BOOT
        if size == 8:
            return self.header.word_at(tag) == HALF
        return 0

    def may_be_broken(self, end: int) -> int:
        """Whether the line has a length at which tools break lines."""
        size = self.header.message_end - self.header.text
        if size < BROKEN_MIN:
            return 0
        if size <= BROKEN_MAX:
            return 1
        return 1 if size <= BROKEN_BYTES_MAX and (self.header.foreign >= 0 or self.header.coloured) else 0

    def pass_over(self, first: int, last: int) -> int:
        """Pass over the line of the marks from ``first`` to ``last``: 1 when that is done, 0 when it is for the caller."""
        start = self.line
        end = self.line_end
        self.regular = self.planned = 0
        self.slot = s.UNKNOWN
        self.header.foreign = -1
        if end - start > LINE_BYTES_MAX:
            return 0
        escapes = 0
        said = 0
        if last > first:
            escapes = self.damaged(first, last)
            if escapes < 0 or (
                self.header.foreign >= 0 and scanner.unusual(self.data, self.header.foreign, end)
            ):
                return 0
        dialect = self.header.read_header(start, end)
        self.dialect = dialect
        if dialect == UNREAD or self.header.escapes != escapes:
            return 0
        self.learning = self.studied
        if last > first:
            said = self.speaks(first, last)
        if said == 2:
            return 0
        boot = self.names_boot()
        broken = 0
        if dialect > BARE:
            broken = self.may_be_broken(end)
        if self.learning:
            self.learn(said, boot, broken)
        if dialect == EMPTY:
            return 1
        if self.must_be_read(boot) or self.clocks_go_on() == 0:
            return 0
        if said:
            self.regular = 1
            return 0
        self.pass_by(broken)
        return 1

    def pass_cleaned(self, text: bytes, size: int) -> int:
        """Pass over the line that the walk stopped at if it says nothing in its ``text``, from which was taken what
        does not belong to it: 1 when that is done, 0 when it is for the caller, who then knows no more of it than before."""
        if size > LINE_BYTES_MAX:
            return 0
        data, marks, line, line_end, studied = self.data, self.marks, self.line, self.line_end, self.studied
        boot_ms, host_us, system_us = self.last_boot_ms, self.host_us, self.system_us
        self.read_from(text)
        self.marks = self.line_marks
        self.line = self.studied = 0
        self.line_end = size
        last = scanner.finish(text, 0, size, 0, self.table, self.symbols, self.threshold, self.marks, 0)
        passed = self.pass_over(0, last)
        self.read_from(data)
        self.marks = marks
        self.line, self.line_end, self.studied = line, line_end, studied
        if passed == 0:
            self.regular = 0
            self.last_boot_ms, self.host_us, self.system_us = boot_ms, host_us, system_us
        elif self.last_line == self.number:  # it is not empty
            self.last, self.last_end = line, line_end
            if self.held != HELD_NOTHING:
                self.held, self.held_end = line, line_end
        return passed

    def listen(self, text: bytes, size: int, message: int) -> int:
        """How many wordings stand in ``text``, a line of ASCII whose message begins at ``message`` and goes on to its end. Their
        rows are kept as those of a line that the walk stopped at."""
        if size > LINE_BYTES_MAX:
            return SAID_MAX + 1
        data, marks, line, line_end = self.data, self.marks, self.line, self.line_end
        self.read_from(text)
        self.marks = self.line_marks
        self.line = 0
        self.line_end = size
        self.header.message = message
        self.header.message_end = size
        self.speaks(
            0, scanner.finish(text, 0, size, 0, self.table, self.symbols, self.threshold, self.marks, 0)
        )
        self.read_from(data)
        self.marks = marks
        self.line, self.line_end = line, line_end
        return self.count

    def must_be_read(self, boot: int) -> int:
        """Whether a line is for the caller whatever it says: one that names a ``boot``, or as it is told in the fields."""
        if self.watch & WATCH_ALL:
            return 1
        if self.dialect == BARE:
            return 1 if self.held != HELD_NOTHING else 0
        if self.watch or self.named >> self.dialect & 1 == 0 or boot:
            return 1
        return 0

    def pass_by(self, broken: int) -> int:
        """Nothing is said in the line; it is held if it may be ``broken``."""
        self.keep_times()
        self.held = HELD_NOTHING
        if broken:
            self.held = self.line
            self.held_end = self.line_end
            self.held_line = self.number
        self.last = self.line
        self.last_end = self.line_end
        self.last_line = self.number
        return 0

    def learn(self, said: int, boot: int, broken: int) -> int:
        """Keep what is known of the line for all of its shape."""
        start = self.line
        if self.swept:
            self.shapes.measure(start, self.measured)
        if self.shapes.words == 0:
            return 0
        slot = self.shapes.claim()
        if slot == s.UNKNOWN:
            self.repeated += self.swept
            return 0
        self.slot = slot
        row = slot * s.ROW_NUMBERS
        header = self.header
        self.traits[row + s.DIALECT] = self.dialect
        self.traits[row + s.SAID] = said
        self.traits[row + s.NAMES_BOOT] = boot
        self.traits[row + s.BROKEN] = broken
        self.traits[row + s.LEVEL] = header.level
        self.traits[row + s.TAG] = header.tag - start
        self.traits[row + s.TAG_END] = header.tag_end - start
        self.traits[row + s.MESSAGE] = header.message - start
        self.traits[row + s.MESSAGE_END] = header.message_end - start
        self.traits[row + s.TEXT] = header.text - start
        self.traits[row + s.COLOURED] = header.coloured
        self.traits[row + s.FOREIGN] = header.foreign - start if header.foreign >= 0 else -1
        self.traits[row + s.STAMP_KIND] = header.stamp_kind
        self.traits[row + s.STAMP] = header.stamp - start
        self.traits[row + s.STAMP_DIGITS] = header.stamp_digits
        self.traits[row + s.HOST_CLOCK] = header.times.clock - start if header.times.host else -1
        self.traits[row + s.HOST_DIGITS] = header.times.digits
        self.traits[row + s.HOST_DATED] = header.times.has_date
        self.traits[row + s.SYSTEM_CLOCK] = -1
        if header.system and header.stamp_kind == STAMP_NONE:
            self.traits[row + s.SYSTEM_CLOCK] = header.system_clock - start
            self.traits[row + s.SYSTEM_DIGITS] = header.system_digits
            self.traits[row + s.SYSTEM_DATED] = header.system_dated
        self.traits[row + s.PLAN] = 0
        self.traits[row + s.PLAN_KIND] = PLAN_NEVER
        return 0

    def pass_known(self, slot: int) -> int:
        """As :meth:`pass_over` does with a line of the shape that is known in ``slot``."""
        header = self.header
        start = self.line
        self.regular = 0
        self.slot = slot
        row = slot * s.ROW_NUMBERS
        dialect = self.traits[row + s.DIALECT]
        self.dialect = dialect
        if dialect == EMPTY:
            return 1
        if self.must_be_read(self.traits[row + s.NAMES_BOOT]):
            return 0
        header.boot_ms = -1
        header.times.host = 0
        header.system = 0
        kind = self.traits[row + s.STAMP_KIND]
        if kind != STAMP_NONE and kind != header.recall_stamp(
            self.traits[row + s.STAMP] + start, self.traits[row + s.STAMP_DIGITS], kind
        ):
            return 0
        if self.traits[row + s.HOST_CLOCK] >= 0:
            header.times.recall(
                self.traits[row + s.HOST_CLOCK] + start,
                self.traits[row + s.HOST_DIGITS],
                self.traits[row + s.HOST_DATED],
            )
        if self.traits[row + s.SYSTEM_CLOCK] >= 0:
            header.recall_system(
                self.traits[row + s.SYSTEM_CLOCK] + start,
                self.traits[row + s.SYSTEM_DIGITS],
                self.traits[row + s.SYSTEM_DATED],
            )
        if self.clocks_go_on() == 0:
            return 0
        if self.traits[row + s.SAID] == 0:
            self.pass_by(self.traits[row + s.BROKEN])
            return 1
        self.planned = self.traits[row + s.PLAN]
        if self.planned == 0:
            self.count = SAID_MAX + 1  # nobody knows which wordings stand in it
        elif self.told < TOLD_MAX and self.is_planned(row):
            self.tell(row)
            return 1
        self.regular = 1
        header.level = self.traits[row + s.LEVEL]
        header.tag = self.traits[row + s.TAG] + start
        header.tag_end = self.traits[row + s.TAG_END] + start
        header.message = self.traits[row + s.MESSAGE] + start
        header.message_end = self.traits[row + s.MESSAGE_END] + start
        header.text = self.traits[row + s.TEXT] + start
        header.coloured = self.traits[row + s.COLOURED]
        header.foreign = self.traits[row + s.FOREIGN] + start if self.traits[row + s.FOREIGN] >= 0 else -1
        return 0

    def is_planned(self, row: int) -> int:
        """Whether the plan of a shape tells what the line says."""
        kind = self.traits[row + s.PLAN_KIND]
        if kind == PLAN_NEVER:
            return 0
        if kind != PLAN_ALWAYS:
            at = self.line + self.traits[row + s.PROVISO]
            value = self.header.times.value_of(at, at + self.traits[row + s.PROVISO_DIGITS])
            if (value == self.traits[row + s.PROVISO_VALUE]) != (kind == PLAN_NUMBER):
                return 0
        if self.dialect == BARE and self.header.times.host == 0:  # it inherits the time of a line before
            return 1 if self.host_us == NO_TIME else 0
        return 1

    def tell(self, row: int) -> int:
        """Put the line into the rows of those that are told by plan."""
        header = self.header
        place = self.told * TOLD_WIDTH
        has = 0
        time = self.told * TIME_WIDTH
        if header.boot_ms >= 0:
            has = HAS_BOOT
            self.times_told[time + TIME_BOOT] = seconds_of(
                header.boot_ms + self.wraps * BOOT_WRAP_MS, 0, UNIX, 0
            )
        if header.system:
            has |= HAS_SYSTEM
            self.times_told[time + TIME_SYSTEM] = (
                seconds_of(
                    header.system_seconds, header.system_fraction, header.system_digits, header.system_day
                )
                + self.system_days
            )
        if header.times.host:
            has |= HAS_HOST
            self.times_told[time + TIME_HOST] = (
                seconds_of(header.times.seconds, header.times.fraction, header.times.digits, header.times.day)
                + self.host_days
            )
        self.lines_told[place + TOLD_PLAN] = self.traits[row + s.PLAN]
        self.lines_told[place + TOLD_NUMBER] = self.number
        self.lines_told[place + TOLD_TEXT] = self.line + self.traits[row + s.TEXT]
        self.lines_told[place + TOLD_END] = self.line + self.traits[row + s.MESSAGE_END]
        self.lines_told[place + TOLD_HAS] = has
        self.told += 1
        self.facts_told += self.traits[row + s.PLAN_FACTS]
        self.keep_times()
        self.held = HELD_NOTHING
        self.last = -1
        return 0

    def plan(self, number: int, facts: int, kind: int, place: int, digits: int, value: int) -> None:
        """What the line says that the walk stopped at is told by plan ``number`` for all of its shape, as so many ``facts``,
        when that is so by ``kind`` (``PLAN_*``). The proviso is of a number of ``digits`` that stands ``place`` bytes behind
        the line's begin."""
        row = self.slot * s.ROW_NUMBERS
        self.traits[row + s.PLAN] = number
        self.traits[row + s.PLAN_KIND] = kind
        self.traits[row + s.PLAN_FACTS] = facts
        self.traits[row + s.PROVISO] = place
        self.traits[row + s.PROVISO_DIGITS] = digits
        self.traits[row + s.PROVISO_VALUE] = value
        if kind == PLAN_SILENT:
            self.traits[row + s.SAID] = 0

    def walk(self) -> int:
        """Go on to the next line that the caller must read: 1 with the line in the fields, 0 at the end of the block."""
        while self.start < self.size:
            self.line = self.start
            self.lines += 1
            self.number = self.lines
            if (self.pass_marked() if self.swept else self.pass_measured()) == 0:
                return 1
        return 0

    def pass_measured(self) -> int:
        """Pass over a line as :meth:`pass_over` does, by what is known of its shape; only a new one is scanned."""
        self.line_end = self.shapes.measure(self.line, self.measured)
        self.start = self.line_end + 1
        if self.shapes.words:
            slot = self.shapes.find()
            if slot != s.UNKNOWN:
                self.repeated += 1
                return self.pass_known(slot)
        last = scanner.finish(
            self.data,
            self.line,
            self.start,
            0,
            self.table,
            self.symbols,
            self.threshold,
            self.marks,
            0,
        )
        return self.pass_over(0, last - 1)

    def pass_marked(self) -> int:
        """Pass over a line of a block that is marked throughout, in lanes that end with a line."""
        mark = self.mark
        while mark >= self.ends[self.lane]:
            self.lane += 1
            mark = self.bounds[self.lane]
        first = mark
        while self.marks[mark] & MARK_MASK != self.line_end_state:
            mark += 1
        self.mark = mark + 1
        self.line_end = self.marks[mark] >> MARK_SHIFT
        self.start = self.line_end + 1
        return self.pass_over(first, mark)
