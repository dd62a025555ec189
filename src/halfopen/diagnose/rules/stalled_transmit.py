"""HO203: data leaves the application and gets nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from halfopen.diagnose.events import CallFailed, QueueSampled, SendStalled
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.rules.recovery import recovery
from halfopen.diagnose.rules.wording import counted, duration
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: send() returning EAGAIN this often is backpressure that does not clear.
_REFUSALS_MIN = 2
_STALLS_MIN = 3
#: Retransmissions of one segment; fewer are everyday loss.
_RETRIES_MIN = 4
#: A queue that grew over this many samples, each larger than the last.
_GROWTH_MIN = 4


def stalled_transmit(timeline: Timeline) -> Iterator[Finding]:
    """EAGAIN after SO_SNDTIMEO, retransmissions without progress, a growing queue."""
    refusals = [e for e in timeline.of(CallFailed) if e.call == "send" and e.errno == 11]
    proof: list[Proof] = []
    figures: list[str] = []
    if len(refusals) >= _REFUSALS_MIN:
        span = refusals[-1].at.since(refusals[0].at)
        over = f" within {duration(span)}" if span else ""
        figures.append(f"send() returned EAGAIN {len(refusals)} times{over}: the send buffer does not drain")
        proof += spread(refusals)
    stalls = list(timeline.of(SendStalled))
    outcome = recovery(timeline, stalls)
    if outcome is not None:  # a link reports a stall when its deadline has run out: each counts
        figures.append(
            f"the link ended {counted(len(stalls), 'connection')} because the socket took no more data; {outcome.text}"
        )
        proof += spread(stalls)
    elif len(stalls) >= _STALLS_MIN:
        figures.append(
            f"the stack reported {len(stalls)} times that sent data is not acknowledged or finds no buffer"
        )
        proof += spread(stalls)
    runs = [
        (talk, run)
        for talk in timeline.conversations
        for run in talk.flow.retransmission_runs
        if run.kind == "data" and run.count >= _RETRIES_MIN and run.by == talk.mine
    ]
    if runs:
        talk, run = max(runs, key=lambda pair: pair[1].count)
        span = run.frames[-1].time - run.original.time
        figures.append(f"one segment was sent {run.count + 1} times over {duration(span)} without progress")
        proof += frames(talk.flow, run.original, run.frames[-1])
    queue = list(timeline.of(QueueSampled))
    rising = len(queue) >= _GROWTH_MIN and all(b.depth >= a.depth for a, b in pairwise(queue))
    if rising and queue[-1].depth >= queue[0].depth * 2 + 5:
        figures.append(f"the queue grew from {queue[0].depth} to {queue[-1].depth} messages")
        proof += spread(queue)
    if figures:
        severity = outcome.severity if outcome is not None and len(figures) == 1 else None
        yield prove(timeline, "HO203", "; ".join(figures) + ".", proof, confidence=0.8, severity=severity)
