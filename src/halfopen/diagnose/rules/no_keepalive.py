"""HO202: a connection sits idle for minutes with nothing that would notice its death."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import CallFailed
from halfopen.diagnose.rules.proof import frames, prove
from halfopen.diagnose.rules.wording import duration
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.diagnose.traffic import CaptureObserved, FrameRef
from halfopen.findings import Finding

#: Idle for longer than this without a probe: no keepalive with a usable bound is set.
_IDLE_S = 120.0


def no_keepalive(timeline: Timeline) -> Iterator[Finding]:
    """A long silence without probes on a connection that later died or was replaced."""
    blind = next((b for b in timeline.link.bounds if b.idle_s == float("inf")), None)
    if blind is not None:
        also = " and one that owes it an acknowledgement" if blind.unacked_s == float("inf") else ""
        summary = (
            f"the device says itself that nothing on it can notice a dead peer on an idle connection{also}"
            " (bounds idle=infinite): its port has no keepalive, and no heartbeat is set."
        )
        yield prove(timeline, "HO202", summary, [blind], confidence=0.95, about="link")
    for position, talk in enumerate(timeline.conversations):
        silence = talk.flow.longest_silence
        if silence is None or talk.flow.probe_runs or talk.flow.established is None:
            continue
        idle = silence[1].time - silence[0].time
        if idle < _IDLE_S or talk.device.unacked or talk.peer.unacked or _repeated_since(talk, silence[0]):
            continue
        if _died(talk) or _replaced(timeline, position):
            summary = f"a connection was silent for {duration(idle)} without one keepalive probe or heartbeat, and was dead afterwards."
            yield prove(timeline, "HO202", summary, frames(talk.flow, *silence), confidence=0.75)
            return
    quiet = _idle_to_the_end(timeline)
    if quiet is not None:
        talk, seconds = quiet
        summary = (
            f"a connection has been silent for {duration(seconds)}, to the end of the capture,"
            " without a probe: nothing would notice its death."
        )
        proof = frames(talk.flow, _last(talk))
        yield prove(timeline, "HO202", summary, proof, confidence=0.5, severity="info")
        return
    waited = [
        e for e in timeline.of(CallFailed) if e.call == "recv" and e.errno == 113 and (e.after_s or 0) > 600
    ]
    if waited:
        text = f"recv() waited {duration(waited[0].after_s or 0)}: no keepalive bounded it, only the retransmission of unacked data did."
        yield prove(timeline, "HO202", text, [waited[0]], confidence=0.7, about="log")


def _repeated_since(talk: Conversation, quiet: FrameRef) -> bool:
    """Whether data was sent again and not answered before ``quiet``: that would have noticed the death, or tells of a
    life after the silence. What was answered before is a delayed ACK or a lost packet, and over."""
    return any(
        run.answered.time > quiet.time if run.answered is not None else run.kind != "fin"
        for run in talk.flow.retransmission_runs
    )


def _died(talk: Conversation) -> bool:
    """One side knew the connection no more, or the device's FIN was the first to find nobody there."""
    unheard = any(run.kind == "fin" and run.answered is None for run in talk.flow.retransmission_runs)
    return talk.device.rst is not None or talk.peer.rst is not None or unheard


def _replaced(timeline: Timeline, position: int) -> bool:
    talk = timeline.conversations[position]
    return not talk.device_closed and any(
        later.peer_end == talk.peer_end for later in timeline.conversations[position + 1 :]
    )


def _idle_to_the_end(timeline: Timeline) -> tuple[Conversation, float] | None:
    """An open connection without keepalive on which nothing was said for the last minutes of the capture."""
    ended = {capture.where.source: capture.ended for capture in timeline.of(CaptureObserved)}
    for talk in timeline.conversations:
        flow = talk.flow
        if flow.established is None or flow.probe_runs or flow.end != "open":
            continue
        last = _last(talk)
        quiet_s = ended.get(flow.where.source, 0.0) - last.time if last is not None else 0.0
        if quiet_s >= _IDLE_S and not (talk.device.unacked or talk.peer.unacked):
            return talk, quiet_s
    return None


def _last(talk: Conversation) -> FrameRef | None:
    """The last frame of a conversation."""
    return max(
        (s.last for s in (talk.device, talk.peer) if s.last is not None),
        key=lambda ref: ref.frame,
        default=None,
    )
