"""HO407: the signal is too weak to live on."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import ApUnreachable, CallFailed, Event, SignalSampled
from halfopen.diagnose.medians import median
from halfopen.diagnose.radio import BeaconsObserved, StationObserved, UnackedRun
from halfopen.diagnose.rules.on_air import cited
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: Below this the rate falls to the lowest and beacons are missed (RULES HO407).
_WEAK_DBM = -75
#: Samples before a drop that count.
_RECENT = 3
#: So weak, in so many samples, that no line about a failure is needed: the receiver's limit is near -90 dBm at 11n MCS0.
_HOPELESS_DBM = -87
_SAMPLES_MIN = 4
#: On the air: the sniffer hears the access point so well that it stands near it, and the station so badly that a few dB
#: more or less between the two places do not matter. From so many frames, of which so many needed a second try.
_NEAR_DBM = -60
_FAR_DBM = -82
_FRAMES_MIN = 20
_RETRIED_SHARE = 0.25
#: The access point's own word for it (FACTS: disassociation 34, excess retries).
_EXCESS_RETRIES = 34


def weak_signal(timeline: Timeline) -> Iterator[Finding]:
    """RSSI below -75 dBm before the link drops or sends stall."""
    samples = list(timeline.of(SignalSampled))
    weak = any(sample.rssi_dbm <= _WEAK_DBM for sample in samples)
    for trouble in _troubles(timeline) if weak else ():
        recent = timeline.recent(trouble, SignalSampled, _RECENT)
        if not recent or max(s.rssi_dbm for s in recent) > _WEAK_DBM:
            continue
        first, last = samples[0].rssi_dbm, recent[0].rssi_dbm
        way = f"fell from {first} to {last} dBm" if first > last + 3 else f"was {last} dBm"
        proof: list[Proof] = [*spread(list(reversed(recent)), 3), trouble]
        summary = f"the signal {way} before the link failed; below {_WEAK_DBM} dBm beacons and acknowledgements are lost."
        yield prove(timeline, "HO407", summary, proof, confidence=0.85)
        return
    middle = median(s.rssi_dbm for s in samples) if len(samples) >= _SAMPLES_MIN else 0
    if middle <= _HOPELESS_DBM:
        summary = (
            f"the signal is {middle:.0f} dBm in the median of {len(samples)} samples: no link lives on that."
        )
        yield prove(timeline, "HO407", summary, spread(samples), confidence=0.6)
        return
    yield from _on_air(timeline)


def _troubles(timeline: Timeline) -> list[Event]:
    """What a weak signal may bring, in order."""
    troubles: list[Event] = [drop.events[0] for outage in timeline.outages for drop in outage.drops]
    troubles += [drop.events[0] for drop in timeline.drops if drop.reason == 212]
    troubles += timeline.of(ApUnreachable)
    troubles += [e for e in timeline.of(CallFailed) if e.errno in (11, 113, 116)]
    troubles.sort(key=timeline.position)
    return troubles


def _on_air(timeline: Timeline) -> Iterator[Finding]:
    """A sniffer that hears the access point well and the station badly stands near the access point: so hears that."""
    near = {b.ap for b in timeline.of(BeaconsObserved) if (b.rssi_median or _FAR_DBM) >= _NEAR_DBM}
    for station in timeline.of(StationObserved):
        middle = station.rssi_median
        if middle is None or middle > _FAR_DBM or station.sent < _FRAMES_MIN or near.isdisjoint(station.aps):
            continue
        share = station.retried / station.sent
        lost: list[Proof] = []
        lost += [(run, run.first) for run in timeline.of(UnackedRun)][:2]
        lost += cited(timeline.kicks(_EXCESS_RETRIES))
        if share < _RETRIED_SHARE and not lost:
            continue
        summary = (
            f"a sniffer near the access point heard the station with {middle} dBm in the median, and {share:.0%} of its frames"
            " more than once: the access point hears it no better."
        )
        proof: list[Proof] = [*lost, (station, station.first), (station, station.last)]
        yield prove(timeline, "HO407", summary, proof, confidence=0.6)
