"""From bytes to findings: ``diagnose("uart.log", "capture.pcapng")`` is the whole pipeline."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from halfopen.diagnose.report import LINES_AROUND, Clock, Excerpts, Report
from halfopen.findings import SEVERITIES, Finding, Undecided
from halfopen.formats.capture import is_capture
from halfopen.ports.files import Input, MissingInput, inputs

if TYPE_CHECKING:
    from halfopen.diagnose.capture_clocks import CaptureClock
    from halfopen.diagnose.events import Event
    from halfopen.diagnose.radio import AirObserved
    from halfopen.diagnose.timeline import Device, Timeline
    from halfopen.formats.wifi_key import WifiKey

#: As many events of one source are judged: a day of a talkative device (some 150 MB of memory).
EVENTS_KEPT = 200_000

#: Events that are taken at once from a source that is at its end.
_PIECE_EVENTS = 4096
#: Stations named in one note.
_NAMED_MAX = 3

#: Called with the name of an input and the bytes read of it so far.
Progress = Callable[[str, int], None]


class NothingToRead(ValueError):
    """Nothing of the input could be read; the message says why, one line per input."""


def diagnose(*paths: str, progress: Progress | None = None, wifi_keys: Sequence[WifiKey] = ()) -> Report:
    """Read ``paths`` (files, folders, globs, ``-``) and say what ails the devices in them.

    ``wifi_keys`` (see :func:`halfopen.formats.wifi_key.wifi_keys`) open WPA2-PSK in captures of the air; they need the
    ``cryptography`` package, without it ``ImportError`` is raised when a handshake is met.

    Raises :class:`halfopen.ports.files.MissingInput` when a path does not exist, and :class:`NothingToRead` when no
    input holds a log or a capture.
    """
    notes: list[str] = []
    sources = [(item.name, read(item, notes, progress, wifi_keys)) for item in inputs(paths)]
    if not sources:
        raise NothingToRead(f"{', '.join(paths)}: no file in it")
    return judged([(name, events) for name, events in sources if events is not None], notes)


def judged(sources: Sequence[tuple[str, Sequence[Event]]], notes: Sequence[str] = ()) -> Report:
    """The report on events already read, by source. Raises :class:`NothingToRead` without any source."""
    if not sources:
        raise NothingToRead("\n".join(notes) or "nothing to read")
    from halfopen.diagnose.devices import timelines
    from halfopen.diagnose.radio import StationObserved
    from halfopen.diagnose.rules import judge
    from halfopen.diagnose.rules.shared_fate import shared_fate

    remarks = list(notes)
    found: list[Finding] = []
    doubts: list[Undecided] = []
    devices: list[Device] = []
    clocks: list[Clock] = []
    captures: dict[CaptureClock, None] = {}  # in order, each once
    cells: dict[str, list[str]] = {}  # the access points of each device
    told = timelines(sources, remarks)
    for timeline in told:
        devices.append(timeline.device)
        heard = (seen for part in (timeline, *timeline.apart) for seen in part.of(StationObserved))
        cells[timeline.device.name] = [ap for seen in heard for ap in seen.aps]
        clocks += [clock for part in (timeline, *timeline.apart) for clock in _clocks(part)]
        captures.update(
            (clock, None) for part in (timeline, *timeline.apart) for clock in part.capture_clocks
        )
        if timeline.device.firmware == "esp8266":
            remarks.append(
                f"{timeline.device.sources[0]}: this is an ESP8266 log; its numbers mean other things, nothing was concluded"
            )
            continue
        findings, undecided = judge(timeline)
        found.extend(findings)
        doubts.extend(doubt for doubt in undecided if doubt not in doubts)
    if len(devices) > 1:  # the device with the worst finding first; its own order stays
        found = list(shared_fate(found, cells))
        worst = {
            d.name: min(
                (SEVERITIES.index(f.severity) for f in found if f.device == d.name), default=len(SEVERITIES)
            )
            for d in devices
        }
        leading = found[0].device if found else ""
        found.sort(key=lambda f: (worst[f.device], f.device != leading, f.device))
    return Report(
        tuple(found), tuple(doubts), tuple(devices), tuple(remarks), tuple(clocks), tuple(captures), told
    )


def excerpts(paths: Sequence[str], report: Report) -> Excerpts:
    """The lines that ``report`` quotes with a few lines before and after each, read again from ``paths``.

    Of standard input nothing can be read twice; what has changed or gone since yields nothing.
    """
    from halfopen.diagnose.sources.excerpt import LineExcerpt

    wanted: dict[str, set[int]] = {}
    for finding in report.findings:
        for quote in finding.evidence:
            if quote.line is not None:
                wanted.setdefault(quote.source, set()).add(quote.line)
    found: dict[str, dict[int, str]] = {}
    for item in inputs(paths) if wanted else ():
        if item.path is None or not item.path.is_file() or item.name not in wanted:
            continue  # a pipe is empty by now
        excerpt = LineExcerpt(wanted[item.name], LINES_AROUND)
        for chunk in item.chunks([]):
            excerpt.feed(chunk)
            if excerpt.done:
                break
        excerpt.end()
        found[item.name] = excerpt.lines
    return found


def _clocks(timeline: Timeline) -> Iterator[Clock]:
    """How each boot of each log was aligned; boots are counted anew in each log."""
    firsts: dict[str, int] = {}
    logs: dict[int, str] = {}
    for event in timeline.events if timeline.clocks else ():
        if event.where.line is not None:
            firsts.setdefault(event.where.source, event.at.epoch)
            logs.setdefault(event.at.epoch, event.where.source)
    for epoch, fit in timeline.clocks.items():
        log = logs[epoch]
        yield Clock(timeline.device.name, log, epoch - firsts[log] + 1, fit)


def read(
    item: Input, notes: list[str], progress: Progress | None = None, wifi_keys: Sequence[WifiKey] = ()
) -> list[Event] | None:
    """The events of one input, or ``None`` (and a note) when it is neither a log nor a capture."""
    chunks = iter(item.chunks(notes))
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 4:
            break
    if not head:
        notes.append(f"{item.name}: empty")
        return None
    reader = _read_capture if is_capture(head) else _read_log  # each loads what the other does not need
    events = _Kept()
    told = reader(item, _counted(item, _with_head(head, chunks), progress), events, notes, wifi_keys)
    if told is not None and events.left_out:
        notes.append(
            f"{item.name}: {events.left_out} events in the middle were left out; the first and last {EVENTS_KEPT // 2} were judged"
        )
    return told


def _read_capture(
    item: Input, chunks: Iterable[bytes], events: _Kept, notes: list[str], wifi_keys: Sequence[WifiKey]
) -> list[Event] | None:
    from halfopen.diagnose.sources.capture import CaptureError, CaptureSource

    source = CaptureSource(item.name, wifi_keys)
    try:
        _fed(lambda chunk: list(source.feed(chunk)), source.end, chunks, events)
    except CaptureError as error:
        notes.append(_about(item, error))
        return None
    notes.extend(source.notes)
    told = events.in_order()
    return told if _holds_something(item, told, notes) else None


def _read_log(
    item: Input, chunks: Iterable[bytes], events: _Kept, notes: list[str], _: Sequence[WifiKey]
) -> list[Event] | None:
    from halfopen.diagnose.sources.console import ConsoleError, ConsoleSource

    source = ConsoleSource(item.name)
    try:
        _fed(source.facts, source.end, chunks, events)
    except ConsoleError as error:
        notes.append(_about(item, error))
        return None
    notes.extend(source.notes)
    told = source.with_recorded(events.in_order())
    if not told:
        notes.append(f"{item.name}: no text in it")
        return None
    if not source.recognised:
        if not item.named:
            notes.append(f"{item.name}: no line of a firmware in it, skipped")
            return None
        notes.append(f"{item.name}: no line of a known firmware in it; read as plain text")
    return told


def _fed(
    take: Callable[[bytes], Collection[Event]],
    end: Callable[[], Iterator[Event]],
    chunks: Iterable[bytes],
    events: _Kept,
) -> None:
    """Put what ``take`` finds in each chunk, and ``end`` behind the last, into ``events``."""
    for chunk in chunks:
        events.extend(take(chunk))
    rest = end()
    while piece := list(islice(rest, _PIECE_EVENTS)):
        events.extend(piece)


def _counted(item: Input, chunks: Iterable[bytes], progress: Progress | None) -> Iterator[bytes]:
    """The chunks; when the next is asked for, the ones before it are told to have been read."""
    done = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if progress is not None:
            progress(item.name, done)


def _about(item: Input, error: ValueError) -> str:
    text = str(error)
    return text if text.startswith(item.name) else f"{item.name}: {text}"


def _holds_something(item: Input, events: Sequence[Event], notes: list[str]) -> bool:
    """Whether a capture has anything to judge; what it has instead is put into ``notes``."""
    from halfopen.diagnose.radio import AirObserved
    from halfopen.diagnose.traffic import CaptureObserved

    summary = next(event for event in events if isinstance(event, CaptureObserved))
    heard = [event for event in events if isinstance(event, AirObserved)]
    if len(events) > 1 + sum(air.frames == air.damaged for air in heard):
        _warn_of_gaps(item, heard, notes)
        return True
    kinds = ", ".join(summary.link_types)
    if summary.frames:
        notes.append(f"{item.name}: {summary.frames} frames, none that could be read ({kinds})")
    elif not any(note.startswith(f"{item.name}: ") for note in notes):  # damage has its own line
        notes.append(f"{item.name}: no frames")
    return False


def _warn_of_gaps(item: Input, heard: Sequence[AirObserved], notes: list[str]) -> None:
    """Say what a sniffer could not hear, and what is therefore not concluded."""
    for air in heard:
        if not air.acks:
            notes.append(
                f"{item.name}: no acknowledgements were captured, so nothing is said of who heard what"
            )
        if air.unheard:
            names = ", ".join(air.unheard[:_NAMED_MAX]) + (", …" if len(air.unheard) > _NAMED_MAX else "")
            notes.append(
                f"{item.name}: frames to {names} were heard and nothing from there: what arrived is not evidence"
            )
        if len(air.channels) > 1:
            notes.append(
                f"{item.name}: {len(air.channels)} channels were heard; where the sniffer hops, what is missing on one of"
                " them is not evidence"
            )
        if len(air.channels) == 1:
            notes.append(
                f"{item.name}: one channel was heard ({air.channels[0]} MHz); what happened on others is not evidence"
            )


class _Kept:
    """Events up to a bound: the beginning of the story and its end, so that memory does not grow with the file."""

    def __init__(self) -> None:
        self._first: list[Event] = []
        #: What came behind those, in groups; whole groups are given up as others come.
        self._last: deque[Collection[Event]] = deque()
        self._count = 0
        self.left_out = 0

    def extend(self, events: Collection[Event]) -> None:
        """Take further events, which need not be made before they are asked for."""
        half = EVENTS_KEPT // 2
        if len(self._first) < half:
            found = list(events)
            room = half - len(self._first)
            self._first += found[:room]
            events = found[room:]
        if not events:
            return
        self._last.append(events)
        self._count += len(events)
        while self._count - len(self._last[0]) >= half:
            self.left_out += len(self._last[0])
            self._count -= len(self._last.popleft())

    def in_order(self) -> list[Event]:
        """What was kept; the last call."""
        told, self._first = self._first, []
        start = len(told)
        for group in self._last:
            told += group
        self._last.clear()
        surplus = max(len(told) - start - EVENTS_KEPT // 2, 0)
        self.left_out += surplus
        del told[start : start + surplus]
        return told


def _with_head(head: bytes, rest: Iterable[bytes]) -> Iterable[bytes]:
    yield head
    yield from rest


__all__ = ["MissingInput", "NothingToRead", "Progress", "Report", "diagnose", "judged", "read"]
