"""HO412: the access point itself restarted."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.radio import BeaconsObserved, JoinStepSeen, StationObserved
from halfopen.diagnose.rules.outage import reports, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import duration, often
from halfopen.diagnose.timeline import Outage, Timeline
from halfopen.diagnose.traffic import FrameRef
from halfopen.findings import Finding

#: An access point takes longer than this to boot; a station that merely missed it finds it sooner.
_BOOT_S = 15.0


def _away(outage: Outage) -> tuple[Drop, list[Drop], float | None] | None:
    """An outage that began with the access point's farewell, went on without it, and ended."""
    left, *rest = outage.drops
    gone = [drop for drop in rest if drop.reason == 201]
    if left.reason != 3 or len(gone) < 2 or not outage.recovered:
        return None
    seconds = gone[-1].at.since(left.at)
    return (left, gone, seconds) if seconds is None or seconds >= _BOOT_S else None


def ap_restarted(timeline: Timeline) -> Iterator[Finding]:
    """Reason 206: the access point's timer jumped back."""
    away = next((found for outage in timeline.outages if (found := _away(outage))), None)
    if away is not None:
        left, gone, seconds = away
        span = f" for {duration(seconds)}" if seconds else ""
        summary = f"the access point announced that it was leaving (reason 3), was not to be found{span}, and came back: it restarted."
        yield prove(timeline, "HO412", summary, [left.events[-1], *spread(reports(gone))], confidence=0.75)
        return
    booted = list(_boots_on_air(timeline))
    for number, (beacons, before, after) in enumerate(booted):
        summary = (
            f"the access point was silent for {duration(after.time - before.time)} while the station was associated and began anew:"
            " it restarted."
        )
        about = str(after.frame) if number else ""
        proof = [(beacons, after), (beacons, before)]
        yield prove(timeline, "HO412", summary, proof, confidence=0.9, about=about)
    if booted:
        return
    drops = with_reasons(timeline, (206,))
    if drops:
        summary = (
            f"the access point's timer (TSF) started anew {often(len(drops))}"
            " (reason 206 AP_TSF_RESET): it rebooted or was reconfigured."
        )
        yield prove(timeline, "HO412", summary, spread(reports(drops)), confidence=0.85)


def _boots_on_air(timeline: Timeline) -> Iterator[tuple[BeaconsObserved, FrameRef, FrameRef]]:
    """Silences of an access point the station had joined, that ended with a timer (TSF) begun anew."""
    for beacons in timeline.of(BeaconsObserved):
        began = {ref.frame for ref in beacons.restarts}
        announced = [
            f.seen.ref.time
            for f in timeline.farewells
            if f.meaning == "broadcast" and f.seen.ap == beacons.ap
        ]
        for before, after in beacons.gaps:
            inside = _home(timeline, before.time) == beacons.ap
            # an access point that boots begins with a broadcast deauthentication (FACTS)
            told = any(before.time < at <= after.time + 1.0 for at in announced)
            if inside and (after.frame in began or told):
                yield beacons, before, after


def _home(timeline: Timeline, at: float) -> str:
    """The access point that the station lived on at a moment: the last it joined, or talked to since before the
    capture began."""
    joined = [
        s
        for s in timeline.of(JoinStepSeen)
        if s.step in ("assoc-response", "reassoc-response") and s.status == 0 and s.ref.time < at
    ]
    if joined:
        return joined[-1].ap
    known = (s for s in timeline.of(StationObserved) if s.talked is not None and s.talked[0].time < at)
    return next((s.aps[0] for s in known if s.aps), "")
