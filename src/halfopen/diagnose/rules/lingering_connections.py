"""HO103: closed connections to dead peers stay in the heap for up to 19 minutes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from halfopen.diagnose.events import (
    CallFailed,
    ConnectFailed,
    Event,
    HeapSampled,
    SocketClosed,
    SocketOpened,
    TransactionTimedOut,
)
from halfopen.diagnose.rules.heap_trend import SAMPLES_MIN, HeapTrend, longest_series, of_samples
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: Closes after a failed exchange from which a pattern is told from a bad minute.
_CLOSES_MIN = 3
#: errno of I/O that ended because nothing came back: EAGAIN after SO_RCVTIMEO/SO_SNDTIMEO, ETIMEDOUT.
_TIMED_OUT = (11, 116)


def lingering_connections(timeline: Timeline) -> Iterator[Finding]:
    """Closes after timed-out I/O with a falling heap and a constant descriptor; FINs nobody answers."""
    closes = _closes_to_dead_peers(timeline)
    fins = [
        (talk, run)
        for talk in timeline.conversations
        for run in talk.flow.retransmission_runs
        if run.by == talk.mine
        and run.answered is None
        and talk.peer.rst is None  # which ends a PCB at once
        and (run.kind == "fin" or talk.device.fin is not None)
    ]
    orphaned = {id(talk.flow) for talk, _ in fins}
    if len(closes) < _CLOSES_MIN and len(orphaned) < 2:
        return
    fall = _fall_per_close(timeline, closes)
    proof: list[Proof] = []
    figures: list[str] = []
    if len(closes) >= _CLOSES_MIN:
        if fall is None or fall.slope >= 0:
            if not fins:
                return
        else:
            reused = {event.fd for event in timeline.of(SocketOpened) if event.fd is not None}
            constant = f", fd {min(reused)} every time" if len(reused) == 1 else ""
            figures.append(
                f"the heap loses {-fall.slope:.0f} bytes per reconnect (95 %: {-fall.high:.0f} to {-fall.low:.0f})"
                f" over {len(closes)} closes of connections that had timed out{constant}"
            )
            proof += [*spread(fall.samples), *spread(closes, 2)]
    if orphaned:
        figures.append(
            f"{len(orphaned)} connections were closed towards a peer that never answered: each PCB keeps retransmitting for up to 1159 s"
        )
        proof += [
            p
            for talk, run in fins[:3]
            for p in frames(talk.flow, run.frames[0] if run.frames else run.original)
        ]
    if figures:
        yield prove(
            timeline, "HO103", "; ".join(figures) + ".", proof, confidence=0.95 if len(figures) > 1 else 0.85
        )


def _fall_per_close(timeline: Timeline, closes: list[Event]) -> HeapTrend | None:
    """The trend of the heap with one sample for each close: the first after it, and the last before the first."""
    samples = longest_series(timeline)
    positions = [timeline.position(sample) for sample in samples]
    chosen: dict[int, HeapSampled] = {}
    for close in closes:
        after = bisect_right(positions, timeline.position(close))
        if not chosen and after:
            chosen[after - 1] = samples[after - 1]
        if after < len(samples):
            chosen[after] = samples[after]
    return of_samples(tuple(chosen.values())) if len(chosen) >= SAMPLES_MIN else None


def _closes_to_dead_peers(timeline: Timeline) -> list[Event]:
    """close() calls whose connection had last failed by running into a timeout."""
    closes: list[Event] = []
    dead: Event | None = None
    for event in timeline.of(CallFailed, TransactionTimedOut, ConnectFailed, SocketOpened, SocketClosed):
        if isinstance(event, CallFailed):
            dead = event if event.errno in _TIMED_OUT else None
        elif isinstance(event, TransactionTimedOut):
            dead = event
        elif isinstance(event, SocketClosed):
            if dead is not None:
                closes.append(event)
            dead = None
        else:
            dead = None
    return closes
