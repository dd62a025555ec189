"""HO602: memory is free, but not in one piece."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

from halfopen.diagnose.events import AllocationFailed, Event, GateShut, HeapSampled, TlsFailed
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.recovery import recovery
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import OTHER_POOLS, Timeline
from halfopen.findings import Finding

#: Where the wanted size is not printed, the largest block must be below this share of what is free.
_SHARE_MAX = 0.35
#: With so much free it is not for want of memory that an allocation fails.
_PLENTY = 64 * 1024
#: One TLS record buffer: the usual largest allocation (16 KB of data and its header, mbedTLS ssl_internal.h).
_TLS_BLOCK = 16717
#: The gate of halfopen's own link: so much free in all, and one block of 4 KB, with TLS of 17 KB (its default policy).
_GATE = 32 * 1024
_TLS_GATE = 17 * 1024


def heap_fragmented(timeline: Timeline) -> Iterator[Finding]:
    """An allocation fails although more than its size is free, because no block is large enough."""
    yield from _gate(timeline)
    failures = [
        e for e in timeline.of(AllocationFailed, TlsFailed) if not isinstance(e, TlsFailed) or e.memory
    ]
    heap = [s for s in timeline.of(HeapSampled) if s.pool not in OTHER_POOLS]
    frees = [s for s in heap if s.free is not None]
    blocks = [s for s in heap if s.largest is not None]
    for failure in failures:
        free = _nearest(timeline, failure, frees)
        largest = _nearest(timeline, failure, blocks)
        stated = failure.largest if isinstance(failure, AllocationFailed) else None
        block = stated if stated is not None else (largest.largest if largest else None)
        if free is None or free.free is None or block is None:
            continue
        wanted = failure.wanted if isinstance(failure, AllocationFailed) else None
        enough = wanted is not None and block < wanted <= free.free
        small = wanted is None and block < _TLS_BLOCK and block < free.free * _SHARE_MAX
        if wanted is None and isinstance(failure, AllocationFailed):
            small = small or (free.free >= _PLENTY and block < free.free / 2)
        if not enough and not small:
            continue
        need = f"{wanted} bytes were wanted" if wanted else "an allocation failed"
        summary = f"{need} while {free.free} bytes were free, but the largest block was {block}: the heap is fragmented."
        yield prove(
            timeline,
            "HO602",
            summary,
            [failure, *([largest] if largest else []), free],
            confidence=0.95 if enough else 0.8,
        )
        return


def _gate(timeline: Timeline) -> Iterator[Finding]:
    """The heap gate of halfopen's own link stayed shut although enough was free, because no block was large enough."""
    shut = [
        e
        for e in timeline.of(GateShut)
        if e.free is not None and e.free >= _GATE and e.largest is not None and e.largest < _TLS_GATE
    ]
    if not shut:
        return
    starved = [e for e in shut if e.given_up]
    outcome = recovery(timeline, starved)
    worst = min(starved or shut, key=lambda e: e.largest or 0)
    how = f"gave up {often(len(starved))} waiting" if starved else "waited"
    after = f"; {outcome.text}." if outcome else "." if starved else "; it came in time."
    summary = (
        f"halfopen's link {how} for a larger block: {worst.free} bytes were free, but the largest block was"
        f" {worst.largest}: the heap is fragmented{after}"
    )
    severity = outcome.severity if outcome else None if starved else "info"
    yield prove(
        timeline, "HO602", summary, spread(starved or shut), confidence=0.9, severity=severity, about="link"
    )


def _nearest(timeline: Timeline, event: Event, samples: Sequence[HeapSampled]) -> HeapSampled | None:
    """The sample of the same boot nearest to ``event``; one printed just after the failure counts as well."""
    position = timeline.position(event)
    place = bisect.bisect_left(samples, position, key=timeline.position)
    around = [s for s in samples[max(place - 1, 0) : place + 1] if s.at.epoch == event.at.epoch]
    return min(around, key=lambda s: abs(timeline.position(s) - position), default=None)
