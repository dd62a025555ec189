"""HO201: one side believes the connection lives, the other is gone."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

from halfopen.diagnose.episodes import GIVEN_UP
from halfopen.diagnose.events import (
    CallFailed,
    Connected,
    Event,
    HeartbeatAnswered,
    HeartbeatMissed,
    HeartbeatSent,
    LinkLost,
    NetifDowned,
    ServerConnected,
    ServerLost,
    StationLeft,
)
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.rules.recovery import recovery
from halfopen.diagnose.rules.wording import counted, duration, often
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.diagnose.traffic import FrameRef, RetransmissionRun
from halfopen.findings import Finding, Severity

#: Heartbeats sent in a row without an answer, after one had been answered.
_UNANSWERED_MIN = 3
#: Retransmissions of one segment without an answer: RTO 1.5, 3, 6 s make a dead path likely, not a lost packet.
_RETRIES_MIN = 3
#: A drop of the interface this near explains an abort.
_NEAR_S = 5.0
_NEAR_EVENTS = 8
#: A call that failed sooner did not wait for keepalive or retransmissions.
_WAITED_MIN_S = 8.0
#: Detection within this is what keepalive 10/3/3 gives (FACTS: 19.2 s, 20.0 s with a full buffer, 5/5/3 20.2 s).
_WITHIN_BOUND_S = 30.0


def half_open(timeline: Timeline) -> Iterator[Finding]:
    """Heartbeats without answers, an abort after probes, data that nothing acknowledges."""
    proof: list[Proof] = []
    figures: list[str] = []
    noticed = True
    for reader in (_journalled, _heartbeats, _aborted, _vanished_client):
        quotes, figure, within_bound = reader(timeline)
        if quotes:
            proof += quotes
            figures.append(figure)
            noticed &= within_bound
    dead = [(talk, *_dead_side(talk)) for talk in timeline.conversations]
    dead = [(talk, quotes, text, noticed_it) for talk, quotes, text, noticed_it in dead if quotes]
    dead.sort(key=lambda side: side[3])  # what went unnoticed is told first
    if dead:
        noticed &= dead[0][3]
        figures.append(
            f"{dead[0][2]}"
            + (f", and {counted(len(dead) - 1, 'more connection')} like it" if len(dead) > 1 else "")
        )
        for _, quotes, _, _ in dead[:3]:
            proof += quotes[:3]
    if proof:
        severity: Severity | None = "info" if noticed else None
        if noticed and not timeline.link.told:
            figures.append("the device noticed within its bound")
        confidence = 0.95 if dead and len(figures) > 1 else 0.85
        yield prove(
            timeline, "HO201", "; ".join(figures) + ".", proof, confidence=confidence, severity=severity
        )


def _journalled(timeline: Timeline) -> tuple[list[Proof], str, bool]:
    """Peers that halfopen's own link gave up because nothing came back: to its heartbeat, or to the stack's probes."""
    mute = [e for e in timeline.of(LinkLost) if e.by == "SILENCE_EXPIRED"]
    dead = [e for e in timeline.of(LinkLost) if e.standing and e.cause in GIVEN_UP]
    asked = [e for e in timeline.of(LinkLost) if e.by == "ANSWER_EXPIRED"]
    told = []
    if mute:
        told.append(f"the peer left {counted(len(mute), 'heartbeat')} unanswered")
    if dead:
        told.append(
            f"the stack gave {counted(len(dead), 'connection')} up because the peer no longer answered"
        )
    if asked:
        told.append(
            f"the peer left {counted(len(asked), 'request')} unanswered for as long as the program waits"
        )
    outcome = recovery(timeline, [*mute, *dead, *asked])
    if outcome is None:
        return [], "", True
    return [*spread(mute), *spread(dead), *spread(asked)], "; ".join([*told, outcome.text]), outcome.mild


def _heartbeats(timeline: Timeline) -> tuple[list[Proof], str, bool]:
    """Heartbeats that got answers and then none, or lines that say so themselves."""
    missed = [e for e in timeline.of(HeartbeatMissed) if timeline.link.episode_at(e) is None]
    if missed:
        longest = max((m.after_s for m in missed if m.after_s is not None), default=None)
        waited = f" for {longest:.0f} s" if longest else ""
        return spread(missed), f"the peer left {counted(len(missed), 'heartbeat')} unanswered{waited}", False
    silent: list[HeartbeatSent] = []
    answered = 0
    for event in timeline.of(HeartbeatSent, HeartbeatAnswered, ServerLost, ServerConnected):
        if isinstance(event, HeartbeatSent):
            silent.append(event)
        elif isinstance(event, HeartbeatAnswered):
            answered += 1
            silent.clear()
        elif len(silent) < _UNANSWERED_MIN:
            silent.clear()
    if answered and len(silent) >= _UNANSWERED_MIN:
        span = silent[-1].at.since(silent[0].at)
        over = f" over {duration(span)}" if span else ""
        return (
            [*spread(silent)],
            f"{len(silent)} heartbeats{over} left without an answer, after {answered} had been answered",
            False,
        )
    return [], "", True


def _aborted(timeline: Timeline) -> tuple[list[Proof], str, bool]:
    """ECONNABORTED after a wait, with no drop of the interface to explain it."""
    falls, places = _falls(timeline)
    silent = [
        e
        for e in timeline.of(CallFailed)
        if e.errno == 113
        and e.after_s is None
        and timeline.link.episode_at(e) is None
        and not _interface_fell(timeline, e, falls, places)
    ]
    if silent and not any(e.after_s for e in timeline.of(CallFailed) if e.errno == 113):
        figure = f"the stack gave up {counted(len(silent), 'connection')} (errno 113) because the peer no longer answered"
        return [*spread(silent)], figure, len(silent) == 1 and _connected_after(timeline, silent[0])
    waits = [
        (event.after_s, event)
        for event in timeline.of(CallFailed)
        if event.errno in (113, 116)
        and event.after_s is not None
        and event.after_s >= _WAITED_MIN_S
        and not _interface_fell(timeline, event, falls, places)
    ]
    if not waits:
        return [], "", True
    longest, event = max(waits, key=lambda wait: wait[0])
    figure = f"{event.call}() waited {duration(longest)} for a peer that had vanished, then got errno {event.errno}"
    if len(waits) > 1:
        figure += f", the longest of {len(waits)} such waits"
    return [event], figure, longest <= _WITHIN_BOUND_S


def _interface_fell(timeline: Timeline, event: Event, falls: Sequence[Event], places: Sequence[int]) -> bool:
    """The interface or the association went down near ``event``: lwIP aborts every PCB then (FACTS). ``falls`` stand at
    ``places`` among all events."""
    position = timeline.position(event)
    place = bisect.bisect_left(places, position)
    for other in falls[max(place - 2, 0) : place + 2]:
        gap = other.at.since(event.at)
        if gap is None:  # no common clock: near in the log is near enough
            gap = 0.0 if abs(timeline.position(other) - position) <= _NEAR_EVENTS else None
        if gap is not None and abs(gap) < _NEAR_S:
            return True
    return False


def _falls(timeline: Timeline) -> tuple[list[Event], list[int]]:
    """Losses of the interface and of the association, in order, and where they stand among all events."""
    fallen = [*timeline.of(NetifDowned), *(drop.events[0] for drop in timeline.drops)]
    places = sorted(map(timeline.position, fallen))
    return [timeline.events[place] for place in places], places


def _connected_after(timeline: Timeline, event: Event) -> bool:
    return any(isinstance(e, (Connected, ServerConnected)) for e in timeline.between(event))


def _vanished_client(timeline: Timeline) -> tuple[list[Proof], str, bool]:
    """The device's own server waits in recv() for a client that has left."""
    waits = [
        e for e in timeline.of(CallFailed) if e.call == "recv" and e.errno == 11 and "httpd" in e.where.text
    ]
    left = list(timeline.of(StationLeft))
    if not waits or not (left or len(waits) >= 3):
        return [], "", True
    figure = f"the server waited {often(len(waits))} in recv() until its timeout (errno 11) for a client that was gone"
    return [*spread(waits), *left[:1]], figure, False


def _dead_side(talk: Conversation) -> tuple[list[Proof], str, bool]:
    """The side of a conversation that stopped answering, the frames that show it, and whether it was noticed."""
    flow = talk.flow
    if flow.established is None:
        return [], "", True
    for run in flow.retransmission_runs:
        if run.kind != "data" or run.answered is not None or run.count < 2:
            continue
        other = flow.side("server" if run.by == "client" else "client")
        if other.packets == 0:
            continue  # a capture of one direction: what was not heard is not evidence
        if (
            other.last is not None
            and run.frames
            and other.last.time > run.frames[-1].time
            and other.rst is None
        ):
            continue
        span = run.frames[-1].time - run.original.time
        if run.count < _RETRIES_MIN and span < 3.5:
            continue
        who = "device" if run.by == talk.mine else "peer"
        silent = "peer" if who == "device" else "device"
        reset = other.rst is not None and other.rst.time > run.original.time
        answer = "answered with RST only" if reset else "never answered"
        text = f"the {who} sent the same segment {run.count + 1} times over {duration(span)} and the {silent} {answer}"
        ended = _ended_in_time(talk, run)
        return frames(flow, run.original, run.frames[-1], ended), text, ended is not None
    for probe in flow.probe_runs:
        if probe.answers or probe.count < 2:
            continue
        who, silent = ("device", "peer") if probe.by == talk.mine else ("peer", "device")
        span = probe.frames[-1].time - probe.frames[0].time + probe.idle_s
        text = f"{probe.count} keepalive probes of the {who} after {duration(probe.idle_s)} of silence got no answer from the {silent}"
        rst = flow.side(probe.by).rst
        return frames(flow, *probe.frames[:2], rst), text, rst is not None and span <= _WITHIN_BOUND_S
    return [], "", True


def _ended_in_time(talk: Conversation, run: RetransmissionRun) -> FrameRef | None:
    """The RST that ended what the device repeated within the bound: its own, when its stack or its program gave the peer
    up, or that of a peer that is back and knows nothing of the connection."""
    if run.by != talk.mine:
        return None
    ends = [rst for rst in (talk.device.rst, talk.peer.rst) if rst is not None]
    return next((rst for rst in ends if 0 <= rst.time - run.original.time <= _WITHIN_BOUND_S), None)
