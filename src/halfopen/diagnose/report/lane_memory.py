"""Lanes of what a device runs out of: heap and descriptors."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import AllocationFailed, HeapSampled, SocketRefused, TlsFailed
from halfopen.diagnose.report.axis import Axis
from halfopen.diagnose.report.quoting import of_event
from halfopen.diagnose.timeline import OTHER_POOLS, Timeline
from halfopen.pages.picture import Kind, Lane, Mark, Row, Sample, Series

ALLOCATION_FAILED = Kind("allocation refused", "cross", "bad")
SOCKET_REFUSED = Kind("no descriptor left", "cross", "bad")
#: Fewer openings than this make no curve.
_OPENED_MIN = 2


def memory_lanes(timeline: Timeline, axis: Axis) -> Iterator[Lane]:
    """The heap with its largest block, and descriptors in use against the size of the table where it showed."""
    heap = _heap(timeline, axis)
    if heap is not None:
        yield heap
    descriptors = _descriptors(timeline, axis)
    if descriptors is not None:
        yield descriptors


def _heap(timeline: Timeline, axis: Axis) -> Lane | None:
    free: list[Sample] = []
    largest: list[Sample] = []
    for sample in timeline.of(HeapSampled):
        x = axis.of(sample)
        if x is None or sample.pool in OTHER_POOLS:
            continue
        if sample.free is not None:
            free.append(Sample(x, sample.free, of_event(sample)))
        if sample.largest is not None:
            largest.append(Sample(x, sample.largest, of_event(sample)))
    failed = [
        Mark(x, ALLOCATION_FAILED, of_event(event), _wanted(event))
        for event in _refusals(timeline)
        if (x := axis.of(event)) is not None
    ]
    series = [Series("free heap", free, "info")] if free else []
    if largest:
        series.append(Series("largest block", largest, "calm", dashed=True))
    if not series:
        return Lane("Heap", rows=[Row("refused", marks=failed)]) if failed else None
    return Lane("Heap", unit="bytes", series=series, marks=failed)


def _refusals(timeline: Timeline) -> list[AllocationFailed | TlsFailed]:
    tls = [event for event in timeline.of(TlsFailed) if event.memory]
    return sorted([*timeline.of(AllocationFailed), *tls], key=timeline.position)


def _wanted(event: AllocationFailed | TlsFailed) -> str:
    if isinstance(event, TlsFailed):
        return f"TLS error {event.code}" if event.code is not None else ""
    wanted = f"{event.wanted} bytes wanted" if event.wanted is not None else ""
    largest = f"largest block {event.largest}" if event.largest is not None else ""
    return ", ".join(part for part in (wanted, largest) if part)


def _descriptors(timeline: Timeline, axis: Axis) -> Lane | None:
    """Descriptors in use as the log names them; the table's size is what was in use when it refused another."""
    changes: list[tuple[float, int, int, Sample]] = []
    for opened in timeline.ledger.opened:
        x = axis.of(opened.event)
        if x is not None:
            place = timeline.position(opened.event)
            changes.append((x, place, 1, Sample(x, 0, of_event(opened.event))))
        closed = opened.closed
        if closed is not None and (end := axis.of(closed)) is not None:
            # within one event closing comes first: a number that is handed out again was free in between
            changes.append((end, timeline.position(closed), -1, Sample(end, 0, of_event(closed))))
    refused = [
        Mark(x, SOCKET_REFUSED, of_event(event), f"errno {event.errno}" if event.errno is not None else "")
        for event in timeline.ledger.refused
        if (x := axis.of(event)) is not None
    ]
    if len(timeline.ledger.opened) < _OPENED_MIN:
        return Lane("Descriptors", rows=[Row("refused", marks=refused)]) if refused else None
    changes.sort(key=lambda change: change[:3])
    used = 0
    samples: list[Sample] = []
    for x, _, change, sample in changes:
        used += change
        samples.append(Sample(x, used, sample.place))
    full = _full(timeline, axis, samples)
    limit = (float(full), f"table full at {full}") if full else None
    samples.append(Sample(axis.section_end(samples[-1].x), used, samples[-1].place))
    return Lane(
        "Descriptors in use",
        series=[Series("in use", samples, "info", step=True)],
        limit=limit,
        marks=refused,
    )


def _full(timeline: Timeline, axis: Axis, samples: list[Sample]) -> int:
    """The most descriptors in use when the table refused another with ENFILE, 0 when it never did."""
    moments = [
        x
        for event in timeline.of(SocketRefused)
        if event.errno in (23, None) and (x := axis.of(event)) is not None
    ]
    if not moments:
        return 0
    return max((int(sample.y) for sample in samples if sample.x <= max(moments)), default=0)
