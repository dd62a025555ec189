"""Console logs: bytes of any firmware, damaged by any terminal, to events with their place and time.

The source undoes what tools do to lines, keeps the clocks of a file apart, notices reboots, and hands each message
to the readers of ``said_of_*``. It holds one line back at most, so a live stream is as good as a file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from halfopen.diagnose.events import (
    AddressNamed,
    Booted,
    Event,
    FirmwareNamed,
    LogEnded,
    Moment,
    Provenance,
)
from halfopen.diagnose.sources import (
    said_of_link,
    said_of_memory,
    said_of_sockets,
    said_of_system,
    said_of_wifi,
)
from halfopen.diagnose.sources.phrase import Phrasebook
from halfopen.diagnose.sources.recorded import ReadLine, RecordedLines, recorded_boot
from halfopen.formats.logline import LogLine, cleaned, read_line
from halfopen.link import journal

#: A line longer than this is cut: nothing a firmware prints is, and a file without line ends must not fill memory.
LINE_CHARACTERS_MAX = 8192
#: Only so much of a message is searched: patterns may try many places, and hostile lines know it.
_MESSAGE_CHARACTERS_MAX = 2048
#: The ESP-IDF and Arduino clock is milliseconds in 32 bits.
_WRAP_MS = 1 << 32
#: A boot clock that falls by more than this has restarted; two cores interleave lines by far less.
_REBOOT_DROP_MS = 2000
#: Early log lines count CPU cycles and jump back once when the scheduler starts (log_formats.md: 1665 -> 0).
_EARLY_LOG_MS = 5000
_HALF_DAY_S = 43200.0
_DAY_S = 86400.0

_BOOT_START = re.compile(r"^(?:ets [A-Z][a-z]{2} +\d|ESP-ROM:)")
_RESET = re.compile(r"^rst:0x[0-9a-f]+ \((?P<reason>\w+)\)")
_BOOTLOADER = re.compile(r"^ESP-IDF v?\S+ 2nd stage bootloader")
_SOFT_REBOOT = re.compile(r"^MPY: soft reboot")
_BOOT_CHATTER = re.compile(
    r"^(?:configsip|SPIWP|mode:|load:|entry |csum|Build:|boot:|ho |tail |clock div|SHA-256|Saved PC|ELF file|Core dump|$)",
    re.IGNORECASE,
)
_TRACEBACK_FRAME = re.compile(r'^File "(?P<file>[^"]+)", line \d+(?:, in (?P<function>\S+))?')
_HOST_DEVICE = re.compile(r"(?P<name>[\w.-]+)(?: @ (?P<ip>[\d.]+|[0-9a-f:]{3,39}))?: (?=[A-Z])")
_HOST_DEVICE_AFTER = re.compile(
    r"(?:for|to|connection to) (?P<name>[\w.-]+) @ (?P<ip>[\d.]+|[0-9a-f:]{3,39})(?=[:\s]|$)"
)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")

_PHRASES = Phrasebook(
    (
        *said_of_sockets.PHRASES,
        *said_of_wifi.PHRASES,
        *said_of_memory.PHRASES,
        *said_of_system.PHRASES,
    )
)
_DIALECT_FAMILY = {
    "esphome": "esphome",
    "arduino": "arduino",
    "tasmota": "tasmota",
    "espeasy": "espeasy",
    "host": "host",
    "esp-idf": "esp-idf",
}


class ConsoleError(ValueError):
    """The bytes are not a console log; the message says why in one line."""


class ConsoleSource:
    """Reads one console log. ``feed`` may be given any split of the bytes; ``end`` must be called once."""

    def __init__(self, name: str) -> None:
        """``name`` is the path as the user gave it; it becomes the source of every event."""
        self.name = name
        self.notes: list[str] = []
        self.lines = 0
        #: Whether a line was seen that only a firmware, its ROM or a tool that records it writes.
        self.recognised = False
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._rest = ""
        self._clock = _Clock()
        self._held: tuple[int, str, LogLine] | None = None
        self._traceback = ""
        self._journal = said_of_link.JournalReader()
        self._bad_utf8 = False
        self._cut = 0
        self._named: set[str] = set()
        self._last: tuple[Provenance, Moment] | None = None
        self._recorded = RecordedLines()

    def feed(self, data: bytes) -> Iterator[Event]:
        """Events of the lines that ``data`` completes.

        Raises :class:`ConsoleError` when the beginning shows that this is no console log.
        """
        if self._decoder is None:
            self._head += data
            if len(self._head) < 4096:
                return
            data, self._head = self._head, b""
            self._decoder = decoder_for(data)
        yield from self._text(self._decoder.decode(data))

    def end(self) -> Iterator[Event]:
        """Events of what is left, a last line without a line end included."""
        if self._decoder is None:
            self._decoder = decoder_for(self._head)
            yield from self._text(self._decoder.decode(self._head))
            self._head = b""
        yield from self._text(self._decoder.decode(b"", final=True))
        if self._rest:
            yield from self._raw_line(self._rest)
            self._rest = ""
        if self._last is not None:
            yield LogEnded(*self._last, lines=self.lines)
        if self._bad_utf8:
            self.notes.append(f"{self.name}: some bytes are not UTF-8; they are shown as \ufffd")
        if self._cut:
            self.notes.append(
                f"{self.name}: {self._cut} lines longer than {LINE_CHARACTERS_MAX} characters were cut"
            )
        self.notes += self._recorded.notes(self.name)

    def with_recorded(self, events: Sequence[Event]) -> list[Event]:
        """``events``, as ``feed`` and ``end`` told them, and what a recorder delivered in this log, each in its boot."""
        return self._recorded.put_among(events, self._clock.numbers, self._reader, self.lines)

    def _reader(self) -> ReadLine:
        """Reads the recorded lines of one boot: clocks of their own, places of this log."""
        inner = ConsoleSource(self.name)
        return lambda number, text, line: inner._facts(read_line(line), number, text)

    def _text(self, text: str) -> Iterator[Event]:
        if not text:
            return
        if "\ufffd" in text:
            self._bad_utf8 = True
        lines = (self._rest + text).split("\n")
        self._rest = lines.pop()
        for line in lines:
            yield from self._raw_line(line)
        if len(self._rest) > LINE_CHARACTERS_MAX * 2:
            # Keep what a line may hold; the rest of an endless line adds nothing.
            self._rest = self._rest[: LINE_CHARACTERS_MAX + 1] + self._rest[-1:].replace("\n", "")

    def _raw_line(self, raw: str) -> Iterator[Event]:
        """One numbered line; a carriage return inside it separates what a terminal printed over itself."""
        self.lines += 1
        if len(raw) > LINE_CHARACTERS_MAX:
            self._cut += 1
            raw = raw[:LINE_CHARACTERS_MAX]
        for part in raw.rstrip("\r").split("\r"):
            yield from self._line(part)

    def _line(self, raw: str) -> Iterator[Event]:
        if "#" in raw and (boot := recorded_boot(text := cleaned(raw))) is not None:
            self.recognised = True
            if boot > self._clock.numbers.get(self._clock.epoch, boot):
                self._clock.numbered(boot)  # it was recorded after the live lines so far
            self._recorded.take(text, self.lines, self._clock.epoch)
            return
        line = read_line(raw)
        if not line.message and not line.tag:
            return
        if self._held is not None and not line.dialect:
            number, text, head = self._held
            # A mail client or an issue form broke the line at about 72 columns: try both halves as one.
            joined = replace(head, message=f"{head.message} {line.message}")
            facts = list(self._facts(joined, number, text))
            if facts:
                yield from facts
                return
        self._held = None  # alone the held line said nothing
        facts = list(self._facts(line, self.lines, line.text))
        if not facts and line.dialect and 60 <= len(line.text) <= 80:
            self._held = (self.lines, line.text, line)
        yield from facts

    def _facts(self, line: LogLine, number: int, text: str) -> Iterator[Event]:
        if not line.dialect and line.host_s is None:
            line = replace(line, host_s=self._clock.last_host)
        where = Provenance(self.name, number, None, text)
        yield from self._boots(line, where)
        at = self._clock.moment(line)
        if at.epoch != self._clock.announced:
            self._clock.announced = at.epoch
            yield Booted(where, at)
        self._last = (where, at)
        if line.dialect or line.host_s is not None or at.epoch:
            self.recognised = True
        if line.dialect and line.dialect not in self._named:
            self._named.add(line.dialect)
            yield FirmwareNamed(where, at, _DIALECT_FAMILY[line.dialect])
        if frame := _TRACEBACK_FRAME.match(line.message):
            self.recognised = True
            self._traceback = frame["function"] or ""
            return
        if line.dialect == "host":
            yield from self._host_device(line, where, at)
        if len(line.message) > _MESSAGE_CHARACTERS_MAX:
            line = replace(line, message=line.message[:_MESSAGE_CHARACTERS_MAX])
        lowered = line.message.lower()
        if len(lowered) >= 3:
            yield from self._said(line, lowered, where, at)
        if not line.message.startswith(("File ", "Traceback")):
            self._traceback = ""

    def _said(self, line: LogLine, lowered: str, where: Provenance, at: Moment) -> Iterator[Event]:
        """Everything the message says."""
        journalled = self._journal.read(line, where, at)
        if journalled is not None:
            yield from journalled
            return
        yield from said_of_sockets.read_call_errors(line, lowered, where, at, self._traceback)
        yield from said_of_wifi.read_radio(line, lowered, where, at)
        yield from said_of_memory.read_memory(line, lowered, where, at)
        yield from _PHRASES.read(line, lowered, where, at)

    def _boots(self, line: LogLine, where: Provenance) -> Iterator[Event]:
        """Explicit signs that the device started."""
        message = line.message
        if line.tag == journal.TAG and (boot := journal.read_boot(line.tag, message)):
            if self._clock.numbered(boot[0]):
                self._clock.announced = self._clock.epoch
                yield Booted(where, Moment(self._clock.epoch, host=line.host_s), boot[1])
            return
        if line.dialect and not (line.tag == "boot" and _BOOTLOADER.match(message)):
            return
        if reset := _RESET.match(message):
            self.recognised = True
            self._clock.boot()
            self._clock.announced = self._clock.reasoned = self._clock.epoch
            yield Booted(where, Moment(self._clock.epoch, host=line.host_s), reset["reason"])
        elif _BOOT_START.match(message):
            self._clock.boot()
        elif _BOOTLOADER.match(message):
            self._clock.boot(second_stage=True)
        elif _SOFT_REBOOT.match(message):
            self._clock.boot()
            self._clock.announced = self._clock.reasoned = self._clock.epoch
            yield Booted(where, Moment(self._clock.epoch, host=line.host_s), "soft reboot")
        elif not _BOOT_CHATTER.match(message):
            self._clock.fresh = False

    def _host_device(self, line: LogLine, where: Provenance, at: Moment) -> Iterator[Event]:
        """The device a Home Assistant line speaks of."""
        found = _HOST_DEVICE.match(line.message) or _HOST_DEVICE_AFTER.search(line.message)
        if found:
            yield AddressNamed(where, at, ip=found["ip"] or "", name=found["name"])


class _Clock:
    """The clocks of one file, each kept going by itself: boot milliseconds, the device's wall clock, the host's."""

    def __init__(self) -> None:
        self.epoch = 0
        self.announced = 0
        self.fresh = True
        #: The epoch whose reset reason was printed; an epoch's number by the device's own count, where it said so.
        self.reasoned = -1
        self.numbers: dict[int, int] = {}
        self.last_host: float | None = None
        self._last_boot_ms: int | None = None
        self._wraps = 0
        self._host_days = 0.0
        self._system_days = 0.0
        self._last_system: float | None = None
        self._started = False
        self._in_rom = False
        self._begun = -1  # the epoch whose beginning was seen

    def boot(self, *, second_stage: bool = False) -> None:
        """A boot marker was read; several markers of one boot count once.

        The second-stage bootloader belongs to the ROM lines before it, whatever else those printed.
        """
        if self._started and not self.fresh and not (second_stage and self._in_rom):
            self.epoch += 1
        self._started = True
        self._in_rom = not second_stage
        self.fresh = True
        self._begun = self.epoch
        self._last_boot_ms = None
        self._wraps = 0

    def numbered(self, number: int) -> bool:
        """The program said which boot this is, after the signs of the boot itself if there were any; whether that tells
        more than they did."""
        if self.numbers.get(self.epoch) == number:
            return False
        if self.epoch in self.numbers or (self._started and self._begun != self.epoch):
            self.fresh = False
            self.boot()
        self._started = True
        self._begun = self.epoch
        self.numbers[self.epoch] = number
        return self.reasoned != self.epoch

    def moment(self, line: LogLine) -> Moment:
        """When ``line`` was printed, on every clock it carries."""
        self._started = True
        if line.dialect and line.tag != "boot":
            self.fresh = self._in_rom = False
        boot = self._boot_clock(line.boot_ms)
        host = line.host_s
        if host is not None:
            if self.last_host is not None and host + self._host_days < self.last_host - _HALF_DAY_S:
                self._host_days += _DAY_S
            host += self._host_days
            self.last_host = host
        system = line.system_s
        if system is not None:
            if self._last_system is not None and system + self._system_days < self._last_system - _HALF_DAY_S:
                self._system_days += _DAY_S
            system += self._system_days
            self._last_system = system
        return Moment(self.epoch, boot, system, host)

    def _boot_clock(self, boot_ms: int | None) -> float | None:
        if boot_ms is None:
            return None
        last = self._last_boot_ms
        if last is not None and boot_ms < last - _REBOOT_DROP_MS:
            if last - boot_ms > _WRAP_MS // 2:
                self._wraps += 1
            elif last > _EARLY_LOG_MS:
                self.epoch += 1
                self._begun = self.epoch
                self._wraps = 0
        self._last_boot_ms = boot_ms
        return (boot_ms + self._wraps * _WRAP_MS) / 1000


def decoder_for(head: bytes) -> codecs.IncrementalDecoder:
    """The decoder for a log that begins with ``head``; raises :class:`ConsoleError` when that is no text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return codecs.getincrementaldecoder("utf-16")(errors="replace")
    sample = head[:4096]
    if len(sample) >= 8:
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        if odd > len(sample) * 0.3 and even < len(sample) * 0.05:
            return codecs.getincrementaldecoder("utf-16-le")(errors="replace")
        if even > len(sample) * 0.3 and odd < len(sample) * 0.05:
            return codecs.getincrementaldecoder("utf-16-be")(errors="replace")
    controls = len(_BINARY.findall(sample))
    if sample and sample[0] in (1, 2) and controls > len(sample) * 0.1:
        raise ConsoleError(
            "this looks like an ESP-IDF binary log (LOG_MODE_BINARY): decode it with idf.py monitor and the ELF first"
        )
    garbled = sample.decode("utf-8", errors="replace").count("\ufffd")
    if controls > len(sample) * 0.3 or (controls > len(sample) * 0.01 and garbled > len(sample) * 0.15):
        raise ConsoleError("neither a console log nor a capture: mostly control bytes")
    return codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
