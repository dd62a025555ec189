"""HO406: power save puts the radio to sleep and it misses what it should hear."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import (
    BeaconIntervalTold,
    BeaconsMissed,
    Event,
    PowerSaveSet,
    SignalSampled,
    SleepReported,
)
from halfopen.diagnose.rules.outage import reports, with_reasons
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: With at least this signal, distance does not explain a missed beacon (RULES: weak below -75 dBm).
_GOOD_DBM = -70


def dozing_radio(timeline: Timeline) -> Iterator[Finding]:
    """Modem sleep on, signal good, and beacons are lost."""
    losses: list[Event] = [*reports(with_reasons(timeline, (200,))), *timeline.of(BeaconsMissed)]
    losses.sort(key=timeline.position)
    signs = _asleep_before(timeline, losses)
    if not signs:
        return
    signals = [s for s in timeline.of(SignalSampled)]
    if not signals or min(s.rssi_dbm for s in signals) < _GOOD_DBM:
        return
    beacon = next(timeline.of(BeaconIntervalTold), None)
    doze = ""
    if beacon is not None:
        doze = f", DTIM {beacon.dtim} × {beacon.interval_us / 1000:.0f} ms"
    weakest = min(s.rssi_dbm for s in signals)
    summary = f"power save is on{doze}, the signal is good ({weakest} dBm), and yet beacons are lost: the radio sleeps through them."
    proof: list[Proof] = [*spread(losses, 2), signs[-1], signals[-1]]
    proof += [beacon] if beacon is not None else []
    cured = _quiet_when_off(timeline, losses)
    yield prove(timeline, "HO406", summary, proof, confidence=0.9 if cured else 0.75)


def _asleep_before(timeline: Timeline, losses: list[Event]) -> list[Event]:
    """What shows that power save was on at a loss: its last setting before it, or the driver's own sleep account."""
    signs: list[Event] = []
    for loss in losses:
        last = next((e for e in timeline.before(loss) if isinstance(e, PowerSaveSet)), None)
        if last is not None and last.on:
            signs.append(last)
        for event in timeline.between(loss):
            gap = event.at.since(loss.at)
            if gap is not None and gap > 5.0:
                break
            if isinstance(event, SleepReported) and event.slept_s > 0 and (last is None or last.on):
                signs.append(event)
    return signs


def _quiet_when_off(timeline: Timeline, losses: list[Event]) -> bool:
    """Whether the losses ended when power save was switched off."""
    off = [e for e in timeline.of(PowerSaveSet) if not e.on and timeline.position(e) > timeline.position(losses[0])]
    return bool(off) and timeline.position(losses[-1]) < timeline.position(off[-1])
