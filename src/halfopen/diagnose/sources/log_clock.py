"""The clocks of one log, each kept going by itself: boot milliseconds, the device's wall clock, the host's."""

from __future__ import annotations

from halfopen.diagnose.events import Moment
from halfopen.formats.logline import LogLine

#: The ESP-IDF and Arduino clock is milliseconds in 32 bits.
WRAP_MS = 1 << 32
#: A boot clock that falls by more than this has restarted; two cores interleave lines by far less.
_REBOOT_DROP_MS = 2000
#: Early log lines count CPU cycles and jump back once when the scheduler starts (log_formats.md: 1665 -> 0).
_EARLY_LOG_MS = 5000
_HALF_DAY_S = 43200.0
_DAY_S = 86400.0


class LogClock:
    """The clocks of one file, each kept going by itself: boot milliseconds, the device's wall clock, the host's."""

    def __init__(self) -> None:
        self.epoch = 0
        self.announced = 0
        self.fresh = True
        #: The epoch whose reset reason was printed; an epoch's number by the device's own count, where it said so.
        self.reasoned = -1
        self.numbers: dict[int, int] = {}
        self.last_host: float | None = None
        self.last_boot_ms: int | None = None
        self.wraps = 0
        self.host_days = 0.0
        self.system_days = 0.0
        self.last_system: float | None = None
        self.started = False
        self.in_rom = False
        self._begun = -1  # the epoch whose beginning was seen

    def boot(self, *, second_stage: bool = False) -> None:
        """A boot marker was read; several markers of one boot count once.

        The second-stage bootloader belongs to the ROM lines before it, whatever else those printed.
        """
        if self.started and not self.fresh and not (second_stage and self.in_rom):
            self.epoch += 1
        self.started = True
        self.in_rom = not second_stage
        self.fresh = True
        self._begun = self.epoch
        self.last_boot_ms = None
        self.wraps = 0

    def numbered(self, number: int) -> bool:
        """The program said which boot this is, after the signs of the boot itself if there were any; whether that tells
        more than they did."""
        if self.numbers.get(self.epoch) == number:
            return False
        if self.epoch in self.numbers or (self.started and self._begun != self.epoch):
            self.fresh = False
            self.boot()
        self.started = True
        self._begun = self.epoch
        self.numbers[self.epoch] = number
        return self.reasoned != self.epoch

    def moment(self, line: LogLine, *, inherited: bool = False) -> Moment:
        """When ``line`` was printed, on every clock it carries; an ``inherited`` host time is that of the line before."""
        self.started = True
        if line.dialect and line.tag != "boot":
            self.fresh = self.in_rom = False
        boot = self._boot_clock(line.boot_ms)
        host = line.host_s
        if host is not None and not inherited:
            if self.last_host is not None and host + self.host_days < self.last_host - _HALF_DAY_S:
                self.host_days += _DAY_S
            host += self.host_days
            self.last_host = host
        system = line.system_s
        if system is not None:
            if self.last_system is not None and system + self.system_days < self.last_system - _HALF_DAY_S:
                self.system_days += _DAY_S
            system += self.system_days
            self.last_system = system
        return Moment(self.epoch, boot, system, host)

    def _boot_clock(self, boot_ms: int | None) -> float | None:
        if boot_ms is None:
            return None
        last = self.last_boot_ms
        if last is not None and boot_ms < last - _REBOOT_DROP_MS:
            if last - boot_ms > WRAP_MS // 2:
                self.wraps += 1
            elif last > _EARLY_LOG_MS:
                self.epoch += 1
                self._begun = self.epoch
                self.wraps = 0
        self.last_boot_ms = boot_ms
        return (boot_ms + self.wraps * WRAP_MS) / 1000
