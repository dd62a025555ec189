"""HO601: the free heap falls and does not come back."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from halfopen.diagnose.events import (
    AllocationFailed,
    ConnectStarted,
    Event,
    HeapSampled,
    QueueSampled,
    SocketOpened,
)
from halfopen.diagnose.rules.heap_trend import (
    SAMPLES_MIN,
    HeapTrend,
    alike,
    longest_series,
    of_samples,
    trend,
)
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: A fall smaller than this share of the start is what sessions and caches take.
_SHARE_MIN = 0.10
_SHARE_MIN_MANY = 0.03
_VERY_MANY = 20
#: A fall that happened in the first half of the time alone was a start-up.
_STILL_MIN = 0.15
#: With this share of the start left nothing can be taken any more.
_NEXT_TO_NOTHING = 0.05
#: Where memory ran out at the end, three samples over hours tell a fall, if it took half of the heap.
_FEW, _FEW_S = 3, 3600.0
#: A few samples within seconds show one allocation, not a leak.
_MANY = 8
_LONG_S = 60.0
#: Without a clock so many samples must do: nobody prints his heap five times a second.
_SOME_UNTIMED = 5
#: A heap that came back by this share of its fall was only busy.
_RETURNED_MAX = 0.3


def _share(fall: HeapTrend) -> float:
    """The share of the heap whose loss counts: a small one will do where many samples agree."""
    return _SHARE_MIN_MANY if len(fall.samples) >= _VERY_MANY else _SHARE_MIN


def _per_connection(timeline: Timeline) -> HeapTrend | None:
    """The trend with one sample for each connection made, the last before it, where every connection has its own."""
    samples = longest_series(timeline)
    positions = [timeline.position(sample) for sample in samples]
    starts: list[Event] = [*timeline.of(SocketOpened)] or [*timeline.of(ConnectStarted)]
    if not starts:
        return None
    chosen = {bisect_right(positions, timeline.position(start)) - 1 for start in starts}
    if len(chosen) < max(SAMPLES_MIN, len(starts)) or -1 in chosen:
        return None
    fall = of_samples(tuple(samples[n] for n in sorted(chosen)))
    return fall if fall.high < 0 else None


def _until_it_ran_out(timeline: Timeline, fall: HeapTrend) -> HeapTrend | None:
    """The fall alone, where it stopped because there was nothing left to lose: allocations failed, or next to nothing was
    free. What follows is flat, and says nothing of a leak."""
    low = min(fall.samples, key=lambda sample: sample.free or 0)
    refused = list(timeline.of(AllocationFailed))
    empty = (low.free or 0) < fall.first * _NEXT_TO_NOTHING
    if not empty and not (refused and timeline.position(refused[-1]) > timeline.position(low)):
        return None
    until = fall.samples[: fall.samples.index(low) + 1]
    return of_samples(until) if len(until) >= SAMPLES_MIN else None


def _few(timeline: Timeline, samples: Sequence[HeapSampled]) -> HeapTrend | None:
    """The trend of three ``samples``, if each is lower than the one before, they lost half of the heap over hours, and then an
    allocation failed."""
    refused = list(timeline.of(AllocationFailed))
    if len(samples) != _FEW or not refused or timeline.position(refused[-1]) < timeline.position(samples[1]):
        return None
    fall = of_samples(tuple(samples))
    falls = fall.high < 0 and fall.fallen * 2 > fall.first and (fall.seconds or 0.0) >= _FEW_S
    return fall if falls else None


def heap_leak(timeline: Timeline) -> Iterator[Finding]:
    """A robust negative slope whose interval excludes zero, and no return."""
    samples = longest_series(timeline)
    few = _few(timeline, samples)
    if few is not None:
        yield from _falling(timeline, few, few=True)
        return
    found = list(_falling(timeline, trend(samples)))
    yield from found or _falling(timeline, trend(alike(samples)))


def _falling(timeline: Timeline, whole: HeapTrend | None, *, few: bool = False) -> Iterator[Finding]:
    """The leak that ``whole`` shows, if it does; ``few`` tells that it has few samples, which a refusal makes enough."""
    if whole is None or whole.returned > _RETURNED_MAX:
        return
    emptied = whole if few else _until_it_ran_out(timeline, whole)
    fall = emptied or whole
    if fall.high >= 0 or fall.fallen < fall.first * _share(fall):
        return
    span = fall.seconds
    enough = len(fall.samples) >= (_MANY if span is not None else _SOME_UNTIMED) or (span or 0.0) >= _LONG_S
    if not enough or (emptied is None and (fall.still_falling() < _STILL_MIN or fall.stopped)):
        return
    queue = list(timeline.of(QueueSampled))
    grows = len(queue) > 2 and queue[-1].depth > queue[0].depth * 2 + 5
    what = f" while the queue grows from {queue[0].depth} to {queue[-1].depth}" if grows else ""
    hours = f" in {span / 3600:.1f} h" if span and span > 3600 else ""
    per_connection = _per_connection(timeline)
    step, unit = (per_connection, "connection") if per_connection else (fall, "sample")
    summary = (
        f"the free heap falls from {fall.first} to {fall.last} bytes{hours} and does not return:"
        f" {-step.slope:.0f} bytes per {unit} (95 %: {-step.high:.0f} to {-step.low:.0f}){what}."
    )
    proof: list[Proof] = [*spread(fall.samples, 4), *list(timeline.of(AllocationFailed))[:1]]
    yield prove(
        timeline,
        "HO601",
        summary,
        proof,
        confidence=0.75 if few or (len(fall.samples) < _MANY and fall.fallen <= fall.first / 2) else 0.9,
    )
