"""The walk over the blocks of a log: the kernel passes over lines that say nothing, this keeps its clocks and those of
the log telling the same."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable

from halfopen.diagnose.events import Moment
from halfopen.diagnose.sources.log_clock import WRAP_MS, LogClock
from halfopen.diagnose.sources.plans import NO_PLAN, Plan, PlannedFact
from halfopen.diagnose.sources.sieve import Automaton
from halfopen.diagnose.sources.told import ToldLines
from halfopen.formats.logline import TASMOTA_TAGS, LogLine, cleaned
from halfopen.kernel import line_layout as k
from halfopen.kernel import lines, scanner
from halfopen.kernel.shape_layout import UNKNOWN

#: Only so much of a message is searched: patterns may try many places, and hostile lines know it.
MESSAGE_CHARACTERS_MAX = 2048
#: Dialects by the kernel's code.
DIALECTS = ("", "esp-idf", "arduino", "esphome", "tasmota", "espeasy")
_CODES = {name: code for code, name in enumerate(DIALECTS)}
_TAGS = array("q", sorted(int.from_bytes(tag.encode(), "big") for tag in TASMOTA_TAGS))
_LEVELS = {0: "", **{ord(letter): letter for letter in "EWICDV"}}
_MICROSECONDS = 1_000_000
#: Sets of wordings that are remembered: devices repeat themselves.
_KNOWN_MAX = 4096
#: As many plans are made for one log.
_PLANS_MAX = 30_000
#: Where most shapes of lines are new, only those of one block in so many are kept.
_STUDIED_EACH = 4


#: Stands where bytes were no UTF-8: in no wording, and beside one as any other sign that is no letter.
_NO_CHARACTER = "\ufffd"
#: Dialect and level by code, tag and text of a message as bytes: what it says depends on nothing else.
Message = tuple[int, int, bytes, bytes]
_SAME_DIGITS = bytes.maketrans(b"123456789", b"000000000")


def shape_of(message: Message) -> Message:
    """What is the same of all messages that differ in digits alone."""
    dialect, level, tag, said = message
    return dialect, level, tag.translate(_SAME_DIGITS), said.translate(_SAME_DIGITS)


def line_of(message: Message, text: str, host_s: float | None) -> LogLine:
    """A message as readers take it; clocks of the device are left out, none of them looks at those."""
    dialect, level, tag, said = message
    return LogLine(
        text,
        DIALECTS[dialect],
        _LEVELS[level],
        tag.decode(),
        said.decode()[:MESSAGE_CHARACTERS_MAX],
        None,
        None,
        host_s,
    )


class LineWalk:
    """Walks one log, block by block."""

    def __init__(self, automaton: Automaton, lines_before: int) -> None:
        self._automaton = automaton
        self._block = b""
        self._marks = array("q")
        self._swept = True
        self._blocks = 0
        self._lines_before = lines_before
        self._bounds = array("q", [0]) * (k.LANES + 1)
        self._ends = array("q", [0]) * k.LANES
        self._walker = lines.LineWalker(_TAGS, *automaton.parts)
        self._header = self._walker.header
        self._times = self._header.times
        self._walker.lines = lines_before
        self._said = array("q", [0]) * k.SAID_MAX
        self._walker.said = self._said
        self._lines_told = array("q", [0]) * (k.TOLD_MAX * k.TOLD_WIDTH)
        self._times_told = array("d", [0]) * (k.TOLD_MAX * k.TIME_WIDTH)
        self._walker.lines_told, self._walker.times_told = self._lines_told, self._times_told
        #: The facts of each plan; the first of none.
        self.plans: list[tuple[PlannedFact, ...]] = [()]
        self._asked: list[frozenset[str]] = [frozenset()]
        self._askers: dict[bytes, frozenset[str]] = {}
        #: Goes on to the next line that must be read; whether there is one.
        self.next = self._walker.walk

    def enter(self, block: bytes) -> None:
        """Begin ``block``, which ends with a line."""
        size = len(block)
        walker = self._walker
        if len(self._marks) < size:
            self._marks = array("q", [0]) * (size + size // 4)
            walker.marks = self._marks
        self._block = block
        self._choose_way()
        measured = (
            size if sys.byteorder == "little" else 0
        )  # the kernel takes the first byte of a word for the lowest
        walker.enter(block, size, measured)
        if self._swept:
            bounds, automaton = self._bounds, self._automaton
            for lane in range(1, k.LANES):
                bounds[lane] = max(block.find(b"\n", size * lane // k.LANES) + 1, bounds[lane - 1])
            bounds[k.LANES] = size
            scanner.sweep(
                block,
                bounds,
                automaton.table,
                automaton.symbols,
                automaton.threshold,
                self._marks,
                self._ends,
            )
            walker.enter_swept(bounds, self._ends, self._blocks % _STUDIED_EACH == 0)
        self._blocks += 1

    def _choose_way(self) -> None:
        """Where most lines of the last block had a shape that was known, those of the next are told by it; else the whole
        block is swept, which is faster than to scan lines one by one."""
        repeated, lines = self._walker.repeated, self._walker.lines - self._lines_before
        if not self._swept:
            self._swept = repeated * 3 < lines * 2
        elif (self._blocks - 1) % _STUDIED_EACH == 0:
            self._swept = repeated * 4 < lines * 3
        self._lines_before = self._walker.lines

    @property
    def lines(self) -> int:
        """Lines so far, the one that must be read included."""
        return self._walker.lines

    @property
    def number(self) -> int:
        """The number of the line that must be read."""
        return self._walker.number

    @property
    def regular(self) -> bool:
        """Whether the line was taken apart and its times go on as they should."""
        return self._walker.regular != 0

    def line(self) -> bytes:
        """The line that must be read, without its end."""
        return self._block[self._walker.line : self._walker.line_end]

    def passes(self, text: str) -> bool:
        """Whether the line that must be read says nothing when it is ``text``, the same without what does not belong to it; then it is
        passed over."""
        plain = text.replace(_NO_CHARACTER, "\xbf").encode()
        return self._walker.pass_cleaned(plain, len(plain)) != 0

    def tell(self, clock: LogClock, *, named: Iterable[str], watch_all: bool, held: bool) -> None:
        """Tell the kernel what the caller knows after a line that it read by itself."""
        walker = self._walker
        walker.last_boot_ms = -1 if clock.last_boot_ms is None else clock.last_boot_ms
        walker.host_us = _microseconds(clock.last_host)
        walker.host_days_us = int(clock.host_days) * _MICROSECONDS
        walker.system_us = _microseconds(clock.last_system)
        walker.system_days_us = int(clock.system_days) * _MICROSECONDS
        walker.host_days, walker.system_days, walker.wraps = (
            clock.host_days,
            clock.system_days,
            clock.wraps,
        )
        walker.passed_host = walker.passed_system = 0
        all_lines = watch_all or clock.fresh or not clock.started or clock.epoch != clock.announced
        walker.watch = k.WATCH_ALL if all_lines else k.WATCH_HEADED if clock.in_rom else 0
        walker.named = sum(1 << _CODES[name] for name in named if name in _CODES)
        self._hold(held)

    def ask(self, clock: LogClock) -> None:
        """Set ``clock`` as the lines that were passed over left it."""
        walker = self._walker
        clock.last_boot_ms = walker.last_boot_ms if walker.last_boot_ms >= 0 else None
        if walker.passed_host:
            walker.passed_host = 0
            host = _seconds(
                walker.passed_seconds, walker.passed_fraction, walker.passed_digits, walker.passed_day
            )
            clock.last_host = host + clock.host_days
        if walker.passed_system:
            walker.passed_system = 0
            system = _seconds(
                walker.passed_system_seconds,
                walker.passed_system_fraction,
                walker.passed_system_digits,
                walker.passed_system_day,
            )
            clock.last_system = system + clock.system_days

    def held(self) -> tuple[int, bytes] | None:
        """The line passed over last, if it may have been broken: its number and bytes, no bytes when it was not; ``None``
        when no line was passed over since the caller told what it holds."""
        walker = self._walker
        if walker.held == k.HELD_BY_CALLER:
            return None
        if walker.held == k.HELD_NOTHING:
            return 0, b""
        return walker.held_line, self._block[walker.held : walker.held_end]

    def passed(self) -> tuple[int, bytes] | None:
        """The last line that was passed over and not empty, by number; ``None`` when one was read since."""
        walker = self._walker
        if walker.last < 0:
            return None
        return walker.last_line, self._block[walker.last : walker.last_end]

    def regular_line(self, clock: LogClock) -> tuple[Message, str, Moment, float | None]:
        """The line that was taken apart: its message, its text, when it was printed, and the host's time that it has or
        inherits."""
        dialect, level, tag, tag_end, message, message_end, start, coloured, boot_ms, hosted, timed = (
            self._walker.taken()
        )
        block = self._block
        text = cleaned(self.line().decode()) if coloured else block[start:message_end].decode()
        own_host = host = system = None
        if hosted:
            times = self._times
            own_host = _seconds(times.seconds, times.fraction, times.digits, times.day)
            host = own_host + clock.host_days
        elif not dialect:
            self.ask(clock)
            own_host = host = clock.last_host
        if timed:
            header = self._header
            system = _seconds(
                header.system_seconds, header.system_fraction, header.system_digits, header.system_day
            )
            system += clock.system_days
        at = Moment(
            clock.epoch, (boot_ms + clock.wraps * WRAP_MS) / 1000 if boot_ms >= 0 else None, system, host
        )
        return (dialect, level, block[tag:tag_end], block[message:message_end]), text, at, own_host

    def askers(self) -> frozenset[str] | None:
        """Who may find something in the line that was taken apart; ``None``: anybody."""
        if self._walker.planned:
            return self._asked[self._walker.planned]
        return self._asking(self._walker.count)

    def askers_of(self, line: LogLine) -> frozenset[str] | None:
        """Who may find something in a line that was taken apart elsewhere; ``None``: anybody."""
        text = line.text.replace(_NO_CHARACTER, "?")
        if not text.isascii() or not line.text.endswith(line.message):
            return None
        return self._asking(self._walker.listen(text.encode(), len(text), len(text) - len(line.message)))

    def _asking(self, count: int) -> frozenset[str] | None:
        """Who asks for the ``count`` wordings that were found last."""
        if count > k.SAID_MAX:
            return None
        rows = self._said[:count]
        key = rows.tobytes()
        found = self._askers.get(key)
        if found is None:
            found = frozenset(name for row in rows for name in self._automaton.askers[row])
            if len(self._askers) < _KNOWN_MAX:
                self._askers[key] = found
        return found

    @property
    def is_plain(self) -> bool:
        """Whether the line that was taken apart is ASCII without colours inside."""
        return not self._header.coloured and self._header.foreign < 0

    @property
    def wants_plan(self) -> bool:
        """Whether the shape of the line that was taken apart is kept and has no plan."""
        return (
            self._walker.planned == 0
            and self._walker.slot != UNKNOWN
            and len(self.plans) < _PLANS_MAX  # a log of more shapes is read line by line
        )

    def plan(self, askers: frozenset[str], plan: Plan) -> None:
        """Lines of the shape of the one that was taken apart are told by ``plan`` of their message; in those that are not, only
        ``askers`` find something."""
        start = self._walker.line
        told = (
            plan.of_lines(self._header.message - start, self._header.text - start)
            if self.is_plain
            else NO_PLAN
        )
        self._walker.planned = len(self.plans)
        self._walker.plan(len(self.plans), len(told.facts), *told.proviso)
        self.plans.append(told.facts)
        self._asked.append(askers)

    @property
    def telling_digits_apart(self) -> frozenset[str]:
        """The phrases that may find something else where a digit is exchanged for another."""
        return self._automaton.telling_digits_apart

    def told(self, source: str, epoch: int) -> ToldLines:
        """The lines of ``source`` that are told by plan since the last time, in the boot ``epoch``."""
        walker = self._walker
        count, facts = walker.told, walker.facts_told
        walker.told = walker.facts_told = 0
        numbers, times = self._lines_told[: count * k.TOLD_WIDTH], self._times_told[: count * k.TIME_WIDTH]
        return ToldLines(source, epoch, self._block, self.plans, numbers, times, facts)

    @property
    def has_told(self) -> bool:
        """Whether lines were told by plan that the caller does not know."""
        return self._walker.told != 0

    def read(self, *, held: bool) -> None:
        """The caller has read the line that was taken apart, and whether it holds it."""
        self._walker.keep_times()
        self._hold(held)

    def _hold(self, held: bool) -> None:
        self._walker.held = k.HELD_BY_CALLER if held else k.HELD_NOTHING
        self._walker.last = -1


def _seconds(seconds: int, fraction: int, digits: int, day: int) -> float:
    """A time in seconds, the very number that ``formats.logline`` makes of its text."""
    if digits == k.UNIX:
        return seconds / 1000
    whole = seconds + 0.0
    if digits:
        whole += fraction / 10**digits
    return whole + day * 86400 if day else whole


def _microseconds(time_s: float | None) -> int:
    return k.NO_TIME if time_s is None else int(time_s * _MICROSECONDS)
