"""HO413: the radio path was gone for a while and came back."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import (
    CallFailed,
    LatencySampled,
    NetifDowned,
    NetifUpped,
    PingLost,
    WifiDropped,
)
from halfopen.diagnose.medians import median
from halfopen.diagnose.radio import AirObserved, FarewellSeen, JoinStepSeen, StationObserved, UnackedRun
from halfopen.diagnose.rules.proof import Proof, frames, prove
from halfopen.diagnose.rules.wording import counted, duration, often
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.diagnose.traffic import FlowObserved, RetransmissionRun
from halfopen.findings import Finding

#: Shorter gaps are everyday loss; the first three RTOs of lwIP last 1.5 + 3 + 6 s (FACTS).
_GAP_S = 4.0
_RETRIES_MIN = 2
_PINGS_MIN = 3
#: On the air every lost frame shows, so a shorter silence counts: about twenty beacons.
_ON_AIR_S = 2.0
#: Frames closer together than this were lost by one cause, as a collision is.
_APART_S = 1.0


def radio_dropout(timeline: Timeline) -> Iterator[Finding]:
    """The interface went down and up again, or a conversation stalled for seconds and resumed on the same 4-tuple."""
    down = list(timeline.of(NetifDowned))
    up = [e for e in timeline.of(NetifUpped) if down and timeline.position(e) > timeline.position(down[0])]
    aborted = [e for e in timeline.of(CallFailed) if e.errno == 113 and down and _near(e, down[0])]
    if down and (up or aborted):
        back = "and came back" if up else "and its connections were aborted"
        gap = up[0].at.since(down[0].at) if up else None
        after = f" after {duration(gap)}" if gap else ""
        summary = (
            f"the network interface went down {back}{after}: lwIP aborted"
            " every connection, the descriptors stay with the application."
        )
        yield prove(timeline, "HO413", summary, [down[0], *aborted[:2], *up[:1]], confidence=0.85)
        return
    lost = [run for run in timeline.of(UnackedRun) if _dropout(timeline, run)]
    if lost:
        worst = max(lost, key=lambda run: run.last.time - run.first.time)
        who = "access point" if worst.by_ap else "station"
        proof: list[Proof]
        back = ", then it was heard again" if worst.resumed else ""
        span = duration(worst.last.time - worst.first.time)
        summary = f"for {span} the {who}'s {counted(worst.count, 'frame')} found no acknowledgement{back}."
        proof = [(worst, r) for r in (worst.first, worst.last, worst.resumed)]
        proof += _behind(timeline, worst)
        yield prove(timeline, "HO413", summary, proof, confidence=0.8)
        return
    holes = _holes(timeline)
    if holes:
        longest = max(holes, key=lambda hole: hole[1])
        summary = f"{often(len(holes))} nothing came back for up to {duration(longest[1])}, then traffic resumed by itself."
        yield prove(timeline, "HO413", summary, [p for hole, _ in holes[:3] for p in hole], confidence=0.75)
        return
    stalls = [
        (talk, run)
        for talk in timeline.conversations
        for run in talk.flow.retransmission_runs
        if _stall(talk, run)
    ]
    if not stalls:
        return
    talk, run = max(stalls, key=lambda pair: _span(pair[1]))
    proof = frames(talk.flow, run.original, run.frames[-1], run.answered)
    who = "device" if run.by == talk.mine else "peer"
    summary = (
        f"for {duration(_span(run))} the {who}'s data got no acknowledgement"
        f" ({run.count} retransmissions), then the same connection resumed."
    )
    yield prove(timeline, "HO413", summary, proof, confidence=0.8)


def _behind(timeline: Timeline, lost: UnackedRun) -> list[Proof]:
    """What a capture of the wire shows of a conversation that stalled while frames were lost on the air."""
    on_air = {heard.where.source for heard in timeline.of(AirObserved)}
    for talk in timeline.conversations:
        for seen in (talk.flow, *timeline.elsewhere(talk.flow)):
            if not isinstance(seen, FlowObserved) or seen.where.source in on_air:
                continue
            for run in seen.retransmission_runs:
                ended = (run.answered or run.frames[-1]).time
                if run.kind == "data" and run.original.time < lost.last.time and ended > lost.first.time:
                    return frames(seen, run.original, run.frames[-1])
    return []


def _holes(timeline: Timeline) -> list[tuple[list[Proof], float]]:
    """Stretches of lost pings that ended by themselves, and acknowledgements that came seconds late."""
    holes: list[tuple[list[Proof], float]] = []
    lost: list[PingLost] = []
    quick: list[float] = []
    for event in timeline.of(PingLost, LatencySampled, WifiDropped):
        if isinstance(event, PingLost):
            lost.append(event)
            continue
        if isinstance(event, LatencySampled):
            span = event.at.since(lost[0].at) if lost else None
            if len(lost) >= _PINGS_MIN and span is not None and span >= _GAP_S:
                holes.append(([lost[0], lost[-1], event], span))
            elif event.took_s >= _GAP_S:
                holes.append(([event], event.took_s))
            else:
                quick.append(event.took_s)
        lost = []
    usual = bool(quick) and median(quick) < 1.0
    return holes if usual and (len(holes) > 1 or any(len(hole) > 1 for hole, _ in holes)) else []


def _near(event: CallFailed, down: NetifDowned) -> bool:
    gap = event.at.since(down.at)
    return gap is not None and abs(gap) < 5.0


def _span(run: RetransmissionRun) -> float:
    return (run.answered or run.original).time - run.original.time


def _stall(talk: Conversation, run: RetransmissionRun) -> bool:
    """A stall with a resumption, and no closed window to explain it."""
    if run.kind != "data" or run.answered is None or run.count < _RETRIES_MIN:
        return False
    closed = any(
        z.frames[0].time <= run.answered.time and (z.reopened or z.frames[-1]).time >= run.original.time
        for z in talk.flow.zero_window_runs
    )
    return not closed and _span(run) >= _GAP_S


def _dropout(timeline: Timeline, run: UnackedRun) -> bool:
    """Seconds without an acknowledgement between a station and the access point it lives on."""
    spread_s = run.last.time - run.first.time
    until = (
        run.resumed or run.last
    )  # frames grow rare while TCP waits: the silence lasts until one is heard again
    if run.count < _RETRIES_MIN or spread_s < _APART_S or until.time - run.first.time < _ON_AIR_S:
        return False
    if run.by_ap and run.count == run.nulls + run.farewells:
        return False  # a poll and what followed from its silence: HO402 and its kin tell that
    home = next((s.aps[0] for s in timeline.of(StationObserved) if s.aps), "")
    for event in timeline.of(JoinStepSeen, FarewellSeen):
        if isinstance(event, JoinStepSeen) and event.ref.time <= run.first.time:
            if event.step in ("assoc-response", "reassoc-response") and event.status == 0:
                home = event.ap
        elif isinstance(event, FarewellSeen) and event.ref.time <= run.first.time and not event.by_ap:
            home = ""  # its own leave: what the access point still sends, nobody needs to acknowledge
    return home == run.ap
