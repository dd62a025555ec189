"""HO602: memory is free, but not in one piece."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import AllocationFailed, Event, HeapSampled, TlsFailed
from halfopen.diagnose.rules.proof import prove
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: Where the wanted size is not printed, the largest block must be below this share of what is free.
_SHARE_MAX = 0.35
#: One TLS record buffer: the usual largest allocation (16 KB plus header; FACTS of link: 17 KB for TLS).
_TLS_BLOCK = 16717


def heap_fragmented(timeline: Timeline) -> Iterator[Finding]:
    """An allocation fails although more than its size is free, because no block is large enough."""
    failures = [
        e for e in timeline.of(AllocationFailed, TlsFailed) if not isinstance(e, TlsFailed) or e.memory
    ]
    for failure in failures:
        free = _nearest(timeline, failure, lambda s: s.free)
        largest = _nearest(timeline, failure, lambda s: s.largest)
        stated = failure.largest if isinstance(failure, AllocationFailed) else None
        block = stated if stated is not None else (largest.largest if largest else None)
        if free is None or free.free is None or block is None:
            continue
        wanted = failure.wanted if isinstance(failure, AllocationFailed) else None
        enough = wanted is not None and block < wanted <= free.free
        small = wanted is None and block < _TLS_BLOCK and block < free.free * _SHARE_MAX
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


def _nearest(timeline: Timeline, event: Event, figure) -> HeapSampled | None:  # type: ignore[no-untyped-def]
    """The heap sample nearest to ``event`` that has ``figure``, one line or two after it counting as well."""
    position = timeline.position(event)
    samples = [
        s
        for s in timeline.of(HeapSampled)
        if figure(s) is not None and s.pool not in ("psram", "spiram", "idf")
    ]
    return min(samples, key=lambda s: abs(timeline.position(s) - position), default=None)
