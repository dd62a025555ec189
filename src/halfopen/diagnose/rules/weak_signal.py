"""HO407: the signal is too weak to live on."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from halfopen.diagnose.events import ApUnreachable, CallFailed, Event, SignalSampled
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


def weak_signal(timeline: Timeline) -> Iterator[Finding]:
    """RSSI below -75 dBm before the link drops or sends stall."""
    troubles: list[Event] = [drop.events[0] for outage in timeline.outages for drop in outage.drops]
    troubles += [drop.events[0] for drop in timeline.drops if drop.reason == 212]
    troubles += timeline.of(ApUnreachable)
    troubles += [e for e in timeline.of(CallFailed) if e.errno in (11, 113, 116)]
    troubles.sort(key=timeline.position)
    for trouble in troubles:
        recent = timeline.recent(trouble, SignalSampled, _RECENT)
        if not recent or max(s.rssi_dbm for s in recent) > _WEAK_DBM:
            continue
        samples = list(timeline.of(SignalSampled))
        first, last = samples[0].rssi_dbm, recent[0].rssi_dbm
        way = f"fell from {first} to {last} dBm" if first > last + 3 else f"was {last} dBm"
        proof: list[Proof] = [*spread(list(reversed(recent)), 3), trouble]
        summary = f"the signal {way} before the link failed; below {_WEAK_DBM} dBm beacons and acknowledgements are lost."
        yield prove(timeline, "HO407", summary, proof, confidence=0.85)
        return
    samples = list(timeline.of(SignalSampled))
    middle = median(s.rssi_dbm for s in samples) if len(samples) >= _SAMPLES_MIN else 0
    if middle <= _HOPELESS_DBM:
        summary = (
            f"the signal is {middle:.0f} dBm in the median of {len(samples)} samples: no link lives on that."
        )
        yield prove(timeline, "HO407", summary, spread(samples), confidence=0.6)
