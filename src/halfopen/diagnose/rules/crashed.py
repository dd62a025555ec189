"""HO702: the firmware crashed."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import Crashed, WatchdogFired
from halfopen.diagnose.rules.proof import Proof, prove
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding


def crashed(timeline: Timeline) -> Iterator[Finding]:
    """A panic, an abort or a watchdog."""
    panics = list(timeline.of(Crashed))
    dogs = [e for e in timeline.of(WatchdogFired) if not e.task]
    if not panics and not dogs:
        return
    what = "a watchdog reset it" if dogs and not panics else "it aborted or panicked"
    if dogs and panics:
        what = "a watchdog fired and it aborted"
    count = len({e.at.epoch for e in (*panics, *dogs)})
    proof: list[Proof] = [*panics[:2], *dogs[:2]]
    summary = (
        f"the firmware crashed ({what}){'' if count == 1 else f' in {count} boots'}:"
        " every connection it held is half-open at the peer."
    )
    yield prove(timeline, "HO702", summary, proof, confidence=0.9)
