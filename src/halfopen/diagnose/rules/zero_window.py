"""HO204: the receiver's window is closed and stays closed."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.rules.proof import frames, prove
from halfopen.diagnose.rules.wording import duration
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: A window closed for longer than this is not a busy reader but one that does not read.
_CLOSED_S = 5.0


def zero_window(timeline: Timeline) -> Iterator[Finding]:
    """Window 0 advertised for seconds while the peer's window probes are answered."""
    for talk in timeline.conversations:
        for run in talk.flow.zero_window_runs:
            end = run.reopened or run.frames[-1]
            span = end.time - run.frames[0].time
            if span < _CLOSED_S or run.probes < 2:
                continue
            mine = run.by == talk.mine
            reader = "device" if mine else "peer"
            advice = (
                "its application does not read"
                if mine
                else "the peer's application does not read, and keepalive cannot see it"
            )
            summary = (
                f"the {reader} advertised window 0 for {duration(span)} and answered {run.answers} of {run.probes} window probes:"
                f" {advice}."
            )
            proof = frames(talk.flow, run.frames[0], run.frames[-1], run.reopened)
            about = f"{talk.peer_end.ip}:{talk.peer_end.port}"
            yield prove(timeline, "HO204", summary, proof, confidence=0.95, about=about)
            return
