"""The walk over the blocks of a log: the kernel passes over lines that say nothing, this keeps its registers and the clock
of the log telling the same."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from halfopen.diagnose.events import Moment
from halfopen.diagnose.sources.log_clock import LogClock
from halfopen.diagnose.sources.sieve import Automaton
from halfopen.formats.logline import TASMOTA_TAGS, LogLine, cleaned
from halfopen.kernel import line_layout as k
from halfopen.kernel import lines, scanner

#: Only so much of a message is searched: patterns may try many places, and hostile lines know it.
MESSAGE_CHARACTERS_MAX = 2048
DIALECTS = ("", "esp-idf", "arduino", "esphome", "tasmota", "espeasy")
_CODES = {name: code for code, name in enumerate(DIALECTS)}
_TAGS = array("q", sorted(int.from_bytes(tag.encode(), "big") for tag in TASMOTA_TAGS))
_MICROSECONDS = 1_000_000


class LineWalk:
    """Walks one log, block by block. ``registers`` are laid out in ``kernel/line_layout.py``."""

    def __init__(self, automaton: Automaton, lines_before: int) -> None:
        self._automaton = automaton
        self._block = b""
        self._marks = array("q")
        self._bounds = array("q", [0]) * (k.LANES + 1)
        self.registers = registers = array("q", [0]) * k.REGISTERS
        registers[k.LINES] = lines_before
        registers[k.SYMBOLS] = automaton.width
        registers[k.LINE_ENDS] = automaton.line_end
        registers[k.LAST] = -1

    def enter(self, block: bytes) -> None:
        """Begin ``block``, which ends with a line."""
        size = len(block)
        bounds = self._bounds
        for lane in range(1, k.LANES):
            bounds[lane] = max(block.find(b"\n", size * lane // k.LANES) + 1, bounds[lane - 1])
        bounds[k.LANES] = size
        if len(self._marks) < size:
            self._marks = array("q", bytes(8 * (size + (size >> 2))))
        self._block = block
        registers, automaton = self.registers, self._automaton
        registers[k.MARK] = registers[k.LANE] = registers[k.START] = 0
        scanner.sweep(
            block, bounds, automaton.table, automaton.symbols, automaton.threshold, self._marks, registers
        )

    def next(self) -> bool:
        """Go on to the next line that must be read; whether there is one."""
        automaton = self._automaton
        return bool(
            lines.walk(
                self._block,
                self._bounds,
                self._marks,
                self.registers,
                automaton.meanings,
                automaton.rows,
                automaton.pool,
                _TAGS,
            )
        )

    def tell(self, clock: LogClock, *, named: Iterable[str], watch_all: bool, held: bool) -> None:
        """Tell the kernel what the caller knows after a line that it read by itself."""
        registers = self.registers
        registers[k.BOOT_MS] = -1 if clock.last_boot_ms is None else clock.last_boot_ms
        registers[k.HOST_US] = _microseconds(clock.last_host)
        registers[k.HOST_DAYS_US] = int(clock.host_days) * _MICROSECONDS
        registers[k.SYSTEM_US] = _microseconds(clock.last_system)
        registers[k.SYSTEM_DAYS_US] = int(clock.system_days) * _MICROSECONDS
        registers[k.HOST_NEW] = registers[k.SYSTEM_NEW] = 0
        all_lines = watch_all or clock.fresh or not clock.started or clock.epoch != clock.announced
        registers[k.WATCH] = k.WATCH_ALL if all_lines else k.WATCH_HEADED if clock.in_rom else 0
        registers[k.NAMED] = sum(1 << _CODES[name] for name in named if name in _CODES)
        registers[k.HELD] = k.HELD_BY_CALLER if held else k.HELD_NOTHING
        registers[k.LAST] = -1

    def ask(self, clock: LogClock) -> None:
        """Set ``clock`` as the lines that were passed over left it."""
        registers = self.registers
        clock.last_boot_ms = registers[k.BOOT_MS] if registers[k.BOOT_MS] >= 0 else None
        if registers[k.HOST_NEW]:
            clock.last_host = self._time(k.HOST_NEW) + clock.host_days
            registers[k.HOST_NEW] = 0
        if registers[k.SYSTEM_NEW]:
            clock.last_system = self._time(k.SYSTEM_NEW) + clock.system_days
            registers[k.SYSTEM_NEW] = 0

    @property
    def lines(self) -> int:
        """Lines so far, the one that must be read included."""
        return self.registers[k.LINES]

    @property
    def number(self) -> int:
        """The number of the line that must be read."""
        return self.registers[k.NUMBER]

    @property
    def regular(self) -> bool:
        """Whether the line was taken apart and its times go on as they should."""
        return self.registers[k.REGULAR] != 0

    def line(self) -> bytes:
        """The line that must be read, without its end."""
        return self._block[self.registers[k.LINE] : self.registers[k.LINE_END]]

    def held(self) -> tuple[int, bytes] | None:
        """The line passed over last, if it may have been broken: its number and bytes, no bytes when it was not; ``None``
        when no line was passed over since the caller told what it holds."""
        registers = self.registers
        if registers[k.HELD] == k.HELD_BY_CALLER:
            return None
        if registers[k.HELD] == k.HELD_NOTHING:
            return 0, b""
        return registers[k.HELD_LINE], self._block[registers[k.HELD] : registers[k.HELD_END]]

    def passed(self) -> tuple[int, bytes] | None:
        """The last line that was passed over and not empty, by number; ``None`` when one was read since."""
        registers = self.registers
        if registers[k.LAST] < 0:
            return None
        return registers[k.LAST_LINE], self._block[registers[k.LAST] : registers[k.LAST_END]]

    def regular_line(self, clock: LogClock) -> tuple[LogLine, Moment]:
        """The line that was taken apart, and when it was printed."""
        registers, block = self.registers, self._block
        if registers[k.COLOURED]:
            text = cleaned(block[registers[k.LINE] : registers[k.LINE_END]].decode())
        else:
            text = block[registers[k.TEXT] : registers[k.MESSAGE_END]].decode()
        dialect = DIALECTS[registers[k.DIALECT]]
        boot_ms = registers[k.OWN_BOOT_MS]
        own_host = host = self._time(k.OWN_HOST) if registers[k.OWN_HOST] else None
        system = self._time(k.OWN_SYSTEM) if registers[k.OWN_SYSTEM] else None
        if own_host is not None:
            host = own_host + clock.host_days
        elif not dialect:
            self.ask(clock)
            own_host = host = clock.last_host
        line = LogLine(
            text,
            dialect,
            chr(registers[k.LEVEL]) if registers[k.LEVEL] else "",
            block[registers[k.TAG] : registers[k.TAG_END]].decode(),
            block[registers[k.MESSAGE] : registers[k.MESSAGE_END]].decode()[:MESSAGE_CHARACTERS_MAX],
            boot_ms if boot_ms >= 0 else None,
            system,
            own_host,
        )
        return line, clock.own_moment(boot_ms, system, host)

    def read(self, *, held: bool) -> None:
        """The caller has read the line that was taken apart; its times are the last."""
        registers = self.registers
        if registers[k.OWN_HOST]:
            registers[k.HOST_NEW : k.HOST_NEW + 5] = registers[k.OWN_HOST : k.OWN_HOST + 5]
        if registers[k.OWN_SYSTEM]:
            registers[k.SYSTEM_NEW : k.SYSTEM_NEW + 5] = registers[k.OWN_SYSTEM : k.OWN_SYSTEM + 5]
        registers[k.HELD] = k.HELD_BY_CALLER if held else k.HELD_NOTHING
        registers[k.LAST] = -1

    def _time(self, at: int) -> float:
        """The time in the registers from ``at`` on, the very number that ``formats.logline`` makes of its text."""
        _, seconds, fraction, digits, day = self.registers[at : at + 5]
        if digits == k.UNIX:
            return seconds / 1000
        whole = seconds + 0.0
        if digits:
            whole += fraction / 10**digits
        return whole + day * 86400 if day else whole


def _microseconds(time_s: float | None) -> int:
    return k.NO_TIME if time_s is None else int(time_s * _MICROSECONDS)
