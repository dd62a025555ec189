"""Console logs: bytes of any firmware, damaged by any terminal, to events with their place and time.

The source undoes what tools do to lines, keeps the clocks of a file apart, notices reboots, and hands each message
to the readers of ``said_of_*``. It holds one line back at most, so a live stream is as good as a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import astuple, replace

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
from halfopen.diagnose.sources.blocks import LINE_CHARACTERS_MAX, ConsoleError, LineBlocks
from halfopen.diagnose.sources.log_clock import LogClock
from halfopen.diagnose.sources.phrase import Phrase, Phrasebook, alike
from halfopen.diagnose.sources.places import CALLS, MEMORY, RADIO, READERS
from halfopen.diagnose.sources.plans import Plan, made, plan_of
from halfopen.diagnose.sources.recorded import ReadLine, RecordedLines, recorded_boot
from halfopen.diagnose.sources.sieve import automaton
from halfopen.diagnose.sources.told import Facts, ToldLines, gathered
from halfopen.diagnose.sources.walk import MESSAGE_CHARACTERS_MAX, LineWalk, Message, line_of, shape_of
from halfopen.formats.logline import LogLine, cleaned, read_line
from halfopen.formats.patterns import Pattern
from halfopen.link import journal

#: From so many bytes on the sieve is worth being built: some hundred lines are read sooner without.
SIEVED_BYTES_MIN = 1 << 16

#: Messages that are remembered with what they said: more than a device has, little memory for a hostile log.
_REPEATED_MAX = 1024
#: Where a terminal breaks a line, and the least at which a mail client or an issue form does.
_TERMINAL_COLUMNS = 80
_BROKEN_COLUMNS_MIN = 60

_BOOT_START = Pattern(r"^(?:ets [A-Z][a-z]{2} +\d|ESP-ROM:)")
_RESET = Pattern(r"^rst:0x[0-9a-f]+ \((?P<reason>\w+)\)")
_BOOTLOADER = Pattern(r"^ESP-IDF v?\S+ 2nd stage bootloader")
_SOFT_REBOOT = Pattern(r"^MPY: soft reboot")
_BOOT_CHATTER = Pattern(
    r"^(?:configsip|SPIWP|mode:|load:|entry |csum|Build:|boot:|ho |tail |clock div|SHA-256|Saved PC|ELF file|Core dump|$)",
    re.IGNORECASE,
)
_TRACEBACK_FRAME = Pattern(r'^File "(?P<file>[^"]+)", line \d+(?:, in (?P<function>\S+))?')
#: A call on a socket that was typed at the prompt of an interpreter.
_TYPED_CALL = Pattern(r"^>>> .*\.(?P<call>connect|accept|recv|send|sendall|read|write)\(")
_HOST_DEVICE = Pattern(r"(?P<name>[\w.-]+)(?: @ (?P<ip>[\d.]+|[0-9a-f:]{3,39}))?: (?=[A-Z])")
_HOST_DEVICE_AFTER = Pattern(
    r"(?:for|to|connection to) (?P<name>[\w.-]+) @ (?P<ip>[\d.]+|[0-9a-f:]{3,39})(?=[:\s]|$)"
)
#: What changes how the lines behind it are read. (Lines of Home Assistant are always read.)
NEEDED = (_BOOT_START, _RESET, _BOOTLOADER, _SOFT_REBOOT, _TRACEBACK_FRAME, _TYPED_CALL)

_PHRASES = Phrasebook(
    (
        *said_of_sockets.PHRASES,
        *said_of_wifi.PHRASES,
        *said_of_memory.PHRASES,
        *said_of_system.PHRASES,
    )
)
#: Everybody who may find something: readers, and phrases by number.
_ANYBODY = READERS | frozenset(map(str, range(len(_PHRASES))))
_DIALECT_FAMILY = {
    "esphome": "esphome",
    "arduino": "arduino",
    "tasmota": "tasmota",
    "espeasy": "espeasy",
    "host": "host",
    "esp-idf": "esp-idf",
}


class ConsoleSource:
    """Reads one console log. ``feed`` may be given any split of the bytes; ``end`` must be called once."""

    def __init__(self, name: str, sieved_bytes_min: int = SIEVED_BYTES_MIN) -> None:
        """``name`` is the path as the user gave it; it becomes the source of every event. From ``sieved_bytes_min`` bytes
        on lines go through the sieve, which changes nothing but the time that they take."""
        self.name = name
        self.notes: list[str] = []
        self.lines = 0
        #: Whether a line was seen that only a firmware, its ROM or a tool that records it writes.
        self.recognised = False
        self._blocks = LineBlocks()
        self._bytes = 0
        self._sieved_bytes_min = sieved_bytes_min
        self._walk: LineWalk | None = None
        #: What a message said, the fields of its events behind place and time.
        self._repeated: dict[Message, list[tuple[type[Event], tuple[Any, ...]]]] = {}
        #: What messages of a shape say.
        self._plans: dict[Message, Plan] = {}
        self._clock = LogClock()
        #: The line before, by number and text, if it may have been broken.
        self._held: tuple[int, str] | None = None
        #: The last line that was passed over and not empty, if none was read since.
        self._passed: tuple[int, bytes] | None = None
        self._traceback = ""
        self._journal = said_of_link.JournalReader()
        self._cut = 0
        self._named: set[str] = set()
        #: Place and time of the last line; what tells them, where nobody may ever ask.
        self._last: tuple[Provenance, Moment] | Callable[[], tuple[Provenance, Moment]] | None = None
        self._recorded = RecordedLines()

    def feed(self, data: bytes) -> Iterator[Event]:
        """Events of the lines that ``data`` completes.

        Raises :class:`ConsoleError` when the beginning shows that this is no console log.
        """
        yield from self.facts(data)

    def facts(self, data: bytes) -> Facts | list[Event]:
        """The same, most of them made when they are asked for; their number is known before."""
        return self._block(self._blocks.feed(data))

    def end(self) -> Iterator[Event]:
        """Events of what is left, a last line without a line end included."""
        block, last = self._blocks.end()
        yield from self._block(block)
        if last:
            yield from self._raw_line(self._blocks.text(last))
        if self._passed is not None:
            number, raw = self._passed
            self._note_last(read_line(self._blocks.text(raw)), number)
        if self._last is not None:
            where, at = self._last() if callable(self._last) else self._last
            yield LogEnded(where, at, self.lines)
        if self._blocks.damaged:
            self.notes.append(f"{self.name}: some bytes are not UTF-8; they are shown as \ufffd")
        if self._cut:
            self.notes.append(
                f"{self.name}: {self._cut} lines longer than {LINE_CHARACTERS_MAX} characters were cut"
            )
        self.notes += self._recorded.notes(self.name)

    def with_recorded(self, events: list[Event]) -> list[Event]:
        """``events``, as ``feed`` and ``end`` told them, and what a recorder delivered in this log, each in its boot."""
        return self._recorded.put_among(events, self._clock.numbers, self._reader, self.lines)

    def _reader(self) -> ReadLine:
        """Reads the recorded lines of one boot: clocks of their own, places of this log."""
        inner = ConsoleSource(self.name)
        return lambda number, text, line: inner._facts(read_line(line), number, text)

    def _block(self, block: bytes) -> Facts | list[Event]:
        """Events of a block of whole lines."""
        self._bytes += len(block)
        if not block:
            return []
        if self._bytes < self._sieved_bytes_min:
            lines = self._blocks.text(block).split("\n")[:-1]
            return [event for line in lines for event in self._raw_line(line)]
        if self._walk is None:
            self._walk = LineWalk(automaton(), self.lines)
            self._tell(self._walk)
        walk = self._walk
        walk.enter(block)
        parts: list[ToldLines | list[Event]] = []
        while walk.next():
            raw = "" if walk.regular else self._blocks.text(walk.line())
            if raw and self._passes(walk, raw):
                continue
            if walk.has_told:
                parts.append(self._told(walk))
            if walk.regular:
                parts.append(self._regular(walk))
            else:
                self._ask(walk)
                parts.append(list(self._raw_line(raw)))
                self._tell(walk)
        if walk.has_told:
            parts.append(self._told(walk))
        self._ask(walk)
        self._tell(walk)
        self.lines = walk.lines
        return gathered(parts, len(block))

    def _passes(self, walk: LineWalk, raw: str) -> bool:
        """Whether the line says nothing that the walk stopped at because of characters that do not belong to it."""
        shown = raw.rstrip()
        if len(raw) > LINE_CHARACTERS_MAX or "\r" in shown:
            return False
        text = cleaned(raw)
        return (text != shown or "\ufffd" in text) and walk.passes(text)

    def _ask(self, walk: LineWalk) -> None:
        """Know what the walk knows, before a line is read."""
        walk.ask(self._clock)
        self.lines = walk.lines - 1
        held = walk.held()
        if held is not None:
            number, raw = held
            self._held = (number, self._blocks.text(raw)) if raw else None
        self._passed = walk.passed() or self._passed

    def _tell(self, walk: LineWalk) -> None:
        """Let the walk know what is known after a line was read."""
        walk.tell(
            self._clock, named=self._named, watch_all=bool(self._traceback), held=self._held is not None
        )

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
        if self._held is not None and not line.dialect and _may_be_broken(head := read_line(self._held[1])):
            number, text = self._held[0], head.text
            # A mail client or an issue form broke the line at a blank, or a terminal anywhere: try both halves as one.
            glue = "" if len(text) == _TERMINAL_COLUMNS and not raw.startswith(" ") else " "
            joined = replace(head, message=f"{head.message}{glue}{line.message}")
            facts = list(self._facts(joined, number, text))
            if facts:
                yield from facts
                return
        self._held = None  # alone the held line said nothing
        facts = list(self._facts(line, self.lines, line.text))
        if all(isinstance(fact, FirmwareNamed) for fact in facts) and _may_be_broken(line):
            self._held = (self.lines, raw)
        yield from facts

    def _facts(self, line: LogLine, number: int, text: str) -> Iterator[Event]:
        inherits = not line.dialect and line.host_s is None
        if inherits:
            line = replace(line, host_s=self._clock.last_host)
        where = Provenance(self.name, number, None, text)
        yield from self._boots(line, where)
        at = self._clock.moment(line, inherited=inherits)
        if at.epoch != self._clock.announced:
            self._clock.announced = at.epoch
            yield Booted(where, at)
        self._last, self._passed = (where, at), None
        if line.dialect or line.host_s is not None or at.epoch:
            self.recognised = True
        if line.dialect and line.dialect not in self._named:
            self._named.add(line.dialect)
            yield FirmwareNamed(where, at, _DIALECT_FAMILY[line.dialect])
        if frame := _TRACEBACK_FRAME.match(line.message):
            self.recognised = True
            if frame["file"] != "<stdin>":  # what was typed is known, and its frame says less
                self._traceback = frame["function"] or ""
            return
        if typed := _TYPED_CALL.match(line.message):
            self._traceback = typed["call"]
            return
        if line.dialect == "host":
            yield from self._host_device(line, where, at)
        if len(line.message) > MESSAGE_CHARACTERS_MAX:
            line = replace(line, message=line.message[:MESSAGE_CHARACTERS_MAX])
        lowered = line.message.lower()
        if len(lowered) >= 3:
            yield from self._said(line, lowered, where, at)
        if not line.message.startswith(("File ", "Traceback")):
            self._traceback = ""

    def _note_last(self, line: LogLine, number: int) -> None:
        """The log ends with a line that was passed over."""
        inherits = not line.dialect and line.host_s is None
        if inherits:
            line = replace(line, host_s=self._clock.last_host)
        where = Provenance(self.name, number, None, line.text)
        self._last = (where, self._clock.moment(line, inherited=inherits))

    def _regular(self, walk: LineWalk) -> list[Event]:
        """Events of a line whose header the walk took apart and whose clocks go on."""
        message, text, at, host_s = walk.regular_line(self._clock)
        number = walk.number
        where = Provenance(self.name, number, None, text)
        self._last, self._passed = (where, at), None
        planned = self._planned(walk, message, where, at) if walk.wants_plan and walk.is_plain else None
        said = None if walk.wants_plan else self._repeated.get(message)
        if planned is not None:
            facts = planned
        elif said is not None:  # a device repeats itself: the same words mean the same
            facts = [kind(where, at, *told) for kind, told in said]
        else:
            facts = self._read(walk, message, line_of(message, text, host_s), where, at)
            if len(self._repeated) >= _REPEATED_MAX:
                self._repeated.clear()
            self._repeated[message] = [(type(fact), _fields_of(fact)) for fact in facts]
        held = not facts and message[0] != 0 and _BROKEN_COLUMNS_MIN <= len(text) <= _TERMINAL_COLUMNS
        self._held = (number, text) if held else None
        walk.read(held=held)
        return facts

    def _told(self, walk: LineWalk) -> ToldLines:
        """The lines that were told by plan since the last time."""
        told = walk.told(self.name, self._clock.epoch)
        self._last, self._passed = told.last, None
        return told

    def _planned(self, walk: LineWalk, message: Message, where: Provenance, at: Moment) -> list[Event] | None:
        """What the line says that the walk took apart, where a message of its shape was planned before; then its shape is
        planned, too."""
        plan = self._plans.get(shape_of(message))
        if plan is None:
            return None
        walk.plan(walk.askers() or _ANYBODY, plan)
        text = message[3].decode()
        return made(plan.facts, text, where, at) if plan.holds(text) else None

    def _read(
        self, walk: LineWalk, message: Message, line: LogLine, where: Provenance, at: Moment
    ) -> list[Event]:
        """Everything that the message says of a line that the walk took apart; what it says is planned for all of its
        shape."""
        lowered = line.message.lower()
        askers = walk.askers()
        if len(lowered) < 3:
            return []
        if askers is None:
            askers = _ANYBODY
        facts: list[tuple[Phrase | None, Event]] = [
            (None, fact) for fact in self._said_to_readers(line, lowered, where, at, askers)
        ]
        facts += _PHRASES.found(askers, line, lowered, where, at)
        if walk.wants_plan:
            undecided = _PHRASES.any_in(walk.telling_digits_apart & askers, alike(lowered))
            plan = plan_of(line, facts, askers, undecided=undecided)
            walk.plan(askers, plan)
            if walk.is_plain:
                if len(self._plans) >= _REPEATED_MAX:
                    self._plans.clear()
                self._plans[shape_of(message)] = plan
        return [fact for _, fact in facts]

    def _said(self, line: LogLine, lowered: str, where: Provenance, at: Moment) -> list[Event]:
        """Everything the message says."""
        journalled = self._journal.read(line, where, at)
        if journalled is not None:
            return journalled
        askers = self._walk.askers_of(line) if self._walk is not None else None
        facts = self._said_to_readers(line, lowered, where, at, READERS if askers is None else askers)
        if askers is None:
            facts += _PHRASES.read(line, lowered, where, at)
        else:
            facts += [fact for _, fact in _PHRASES.found(askers, line, lowered, where, at)]
        return facts

    def _said_to_readers(
        self, line: LogLine, lowered: str, where: Provenance, at: Moment, askers: frozenset[str]
    ) -> list[Event]:
        """What the readers beside the phrases find that are among ``askers``."""
        facts: list[Event] = []
        if CALLS in askers:
            facts += said_of_sockets.read_call_errors(line, lowered, where, at, self._traceback)
        if RADIO in askers:
            facts += said_of_wifi.read_radio(line, lowered, where, at)
        if MEMORY in askers:
            facts += said_of_memory.read_memory(line, lowered, where, at)
        return facts

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


def _fields_of(fact: Event) -> tuple[Any, ...]:
    """The values of an event behind its place and time, in order."""
    return astuple(fact)[2:]


def _may_be_broken(line: LogLine) -> bool:
    """Whether a line has a header and a length at which mail clients and issue forms break lines."""
    return bool(line.dialect) and _BROKEN_COLUMNS_MIN <= len(line.text) <= _TERMINAL_COLUMNS


__all__ = ["LINE_CHARACTERS_MAX", "NEEDED", "ConsoleError", "ConsoleSource"]
