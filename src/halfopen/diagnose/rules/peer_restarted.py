"""HO208: the peer lost its state and said so with RST; the device is well."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import CallFailed
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.rules.recovery import recovery
from halfopen.diagnose.rules.wording import duration, often
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.findings import Finding

#: A reset within this of the last exchange is a refusal of that exchange, not news of a restart.
_SILENCE_S = 2.0


def peer_restarted(timeline: Timeline) -> Iterator[Finding]:
    """RST answers a probe or the first data after a silence."""
    for talk in timeline.conversations:
        if (found := _reset_after_silence(talk) or _not_known(talk)) is not None:
            since, proof = found
            summary = (
                f"after {since} the peer answered with RST: it restarted or dropped the connection's state."
            )
            yield prove(timeline, "HO208", summary, [*proof, *_resets(timeline)[:1]], confidence=0.9)
            return
    resets = _resets(timeline)
    if resets:
        waited = f"after {duration(resets[0].after_s)} of waiting " if resets[0].after_s else ""
        summary = f"{waited}the peer reset the connection {often(len(resets))} (errno 104 ECONNRESET): it had restarted or dropped it"
        outcome = recovery(timeline, resets)
        summary += f"; {outcome.text}." if outcome else "."
        yield prove(timeline, "HO208", summary, spread(resets), confidence=0.6)


def _resets(timeline: Timeline) -> list[CallFailed]:
    return [e for e in timeline.of(CallFailed) if e.errno == 104]


def _reset_after_silence(talk: Conversation) -> tuple[str, list[Proof]] | None:
    rst = talk.peer.rst
    if rst is None or talk.flow.established is None or talk.flow.zero_window_runs:
        return None
    probes = [
        run
        for run in talk.flow.probe_runs
        if run.by == talk.mine and abs(run.frames[-1].time - rst.time) < 1.0
    ]
    if probes:
        return f"{duration(probes[-1].idle_s)} of silence", frames(talk.flow, rst, probes[-1].frames[-1])
    last = talk.device.last_payload
    silence = talk.flow.longest_silence
    if last is None or silence is None or not 0 <= rst.time - last.time < 1.0:
        return None
    gap = silence[1].time - silence[0].time
    if gap < _SILENCE_S or silence[1].frame > rst.frame or rst.time - silence[1].time > 1.0:
        return None
    return f"{duration(gap)} of silence", frames(talk.flow, rst, silence[1])


def _not_known(talk: Conversation) -> tuple[str, list[Proof]] | None:
    """A RST without a window answers data at once: Linux sends such a one for a connection that it does not know (RFC 9293,
    3.5.2), while one that it aborts itself still has a window."""
    rst, last, began = talk.peer.rst, talk.device.last_payload, talk.flow.established
    if rst is None or last is None or began is None or talk.peer.fin is not None or talk.peer.rst_window != 0:
        return None
    stood = last.time - began.time
    if stood < _SILENCE_S or not 0 <= rst.time - last.time < 1.0:
        return None
    return f"{duration(stood)} of a connection that stood", frames(talk.flow, rst, last)
