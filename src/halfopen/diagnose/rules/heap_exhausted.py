"""HO603: there is no memory left for the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from halfopen.diagnose.events import (
    AllocationFailed,
    CallFailed,
    ConnectFailed,
    DataReceived,
    Event,
    GateShut,
    HeapSampled,
    LogEnded,
    SocketOpened,
    SocketRefused,
    TransportFailed,
)
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.rules.recovery import Recovery, recovery
from halfopen.diagnose.rules.wording import counted, often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: The article's gate: below this no network buffer should be allocated.
_GATE = 32 * 1024
#: A single refusal after which the log goes on quietly for this long was a burst.
_WENT_ON_S = 10.0
#: A low-water mark under this means that allocations were refused or one request away from it; and where so little is
#: refused there is nothing left.
_NOTHING_LEFT = 2048
#: With less than this a connection cannot be made: its PCB, its pbufs and their queues take as much (FACTS: a send hangs).
_NEXT_TO_NOTHING = 4096


def heap_exhausted(timeline: Timeline) -> Iterator[Finding]:
    """Allocations refused, ENOBUFS, or a low-water mark near zero; a low heap at socket creation is only info."""
    yield from _gate(timeline)
    calls: list[SocketRefused | CallFailed | ConnectFailed] = [
        *timeline.of(SocketRefused),
        *timeline.of(CallFailed),
        *timeline.of(ConnectFailed),
    ]
    refused: list[Event] = sorted((e for e in calls if e.errno in (105, 12)), key=timeline.position)
    outcome = recovery(timeline, refused)
    said = {e.where.line for e in refused}
    failed = [e for e in _failures(timeline) if e.where.line not in said]
    proof: list[Proof] = [*spread(refused, 2), *spread(failed, 2)]
    told: list[str] = []
    if refused:
        told.append(
            f"the stack refused {counted(len(refused), 'socket call')} for want of memory (ENOBUFS 105), with descriptors to spare"
            + (f"; {outcome.text}" if outcome else "")
        )
    if failed:
        told.append(f"{counted(len(failed), 'allocation')} failed")
    marks, samples_of_marks = _low_marks(timeline, refused=bool(refused), told=bool(told))
    told += marks
    proof += samples_of_marks
    samples = [s for s in timeline.heap if (s.free or 0) < _GATE]
    if told and not failed and outcome is not None and outcome.mild:
        yield prove(timeline, "HO603", "; ".join(told) + ".", proof, confidence=0.85, severity="info")
        return
    if (
        told
        and outcome is None
        and len(refused) + len(failed) == 1
        and not any(e.wanted is not None and e.wanted < _NOTHING_LEFT for e in failed)
        and _went_on(timeline, (refused or failed)[0])
    ):
        yield prove(
            timeline,
            "HO603",
            "; ".join(told) + ", and the device went on.",
            proof,
            confidence=0.6,
            severity="info",
        )
        return
    if told:
        yield prove(
            timeline,
            "HO603",
            "; ".join(told) + ".",
            [*proof, *samples[-1:]],
            confidence=0.85 if refused else 0.75,
        )
        return
    yield from _low_at_creation(timeline, samples)


def _failures(timeline: Timeline) -> list[AllocationFailed]:
    """The allocations that failed, each line's once, with the size where the line says it."""
    by_line: dict[tuple[str, int | None], AllocationFailed] = {}
    for event in timeline.of(AllocationFailed):
        line = event.where.source, event.where.line
        if line not in by_line or by_line[line].wanted is None:
            by_line[line] = event
    return list(by_line.values())


def _low_marks(timeline: Timeline, *, refused: bool, told: bool) -> tuple[list[str], list[Proof]]:
    """What the figures of the heap say of its shortage, beside what was ``refused`` or else ``told``."""
    lowest = min(
        (s for s in timeline.of(HeapSampled) if s.minimum is not None),
        key=lambda s: s.minimum or 0,
        default=None,
    )
    block = min(
        (s for s in timeline.of(HeapSampled) if s.pool == "idf"), key=lambda s: s.largest or 0, default=None
    )
    marks: list[str] = []
    proof: list[Proof] = []
    if lowest is not None and (lowest.minimum or 0) < _NOTHING_LEFT:
        marks.append(f"the heap had been down to {lowest.minimum} bytes")
        proof.append(lowest)
    scarce = _next_to_nothing(timeline)
    if scarce and not told and not marks:
        marks.append(f"{scarce[-1].free} bytes of heap were left, and connections failed")
        proof += [scarce[-1], scarce[0]]
    if block is not None and refused:
        marks.append(f"{block.largest} bytes were left in the IDF heap that sockets come from")
        proof.append(block)
    return marks, proof


def _next_to_nothing(timeline: Timeline) -> list[HeapSampled]:
    """The samples with hardly any heap left, where it stayed so and connections fail meanwhile: not one allocation need say so.
    MicroPython tells of its own heap, which is as good as full before it is collected."""
    if timeline.device.firmware == "micropython" or not timeline.heap:
        return []
    scarce = [s for s in timeline.heap if (s.free or 0) < _NEXT_TO_NOTHING]
    failing = any(timeline.of(ConnectFailed, TransportFailed))
    return scarce if failing and scarce and scarce[-1] is timeline.heap[-1] else []


def _low_at_creation(timeline: Timeline, samples: Sequence[HeapSampled]) -> Iterator[Finding]:
    """A socket created with little heap left, told once."""
    for opened in timeline.of(SocketOpened) if samples else ():
        sample = next(iter(timeline.recent(opened, HeapSampled)), None)
        if sample is not None and sample in samples:
            summary = f"a socket was created with {sample.free} bytes of heap free, under the 32 KB that networking wants."
            yield prove(
                timeline, "HO603", summary, [sample, opened], confidence=0.6, severity="info", about="gate"
            )
            return


def _gate(timeline: Timeline) -> Iterator[Finding]:
    """The heap gate of halfopen's own link stayed shut because too little was free in all."""
    shut = [e for e in timeline.of(GateShut) if e.free is not None and e.free < _GATE]
    if not shut:
        return
    least = min(shut, key=lambda e: e.free or 0)
    starved = [e for e in shut if e.given_up]
    if starved:
        outcome = recovery(timeline, starved) or Recovery(False, "the journal does not tell how it went on")
        summary = (
            f"halfopen's link gave up {often(len(starved))} waiting for heap: down to {least.free} bytes were free, and it"
            f" opens no socket under the 32 KB that networking wants; {outcome.text}."
        )
        severity = outcome.severity
    else:
        summary = (
            f"halfopen's link waited for heap before it opened a socket: {least.free} bytes were free, under the 32 KB that"
            " networking wants; enough was free again in time."
        )
        severity = "info"
    proof = spread(starved or shut)
    yield prove(timeline, "HO603", summary, proof, confidence=0.9, severity=severity, about="link")


def _went_on(timeline: Timeline, event: Event) -> bool:
    rest = [e for e in timeline.between(event) if isinstance(e, (HeapSampled, DataReceived, LogEnded))]
    gap = rest[-1].at.since(event.at) if rest else None
    return gap is not None and gap >= _WENT_ON_S
