"""HO405: the station stopped hearing the access point's beacons."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import BeaconProbeFailed, BeaconsMissed
from halfopen.diagnose.rules.outage import reports, severity, with_reasons
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding, Severity

#: Missed beacons whose probe was answered: this often and the link is sick though it never dropped.
_PROBED_MIN = 3


def beacon_lost(timeline: Timeline) -> Iterator[Finding]:
    """Reason 200, or missed beacons again and again."""
    drops = with_reasons(timeline, (200,))
    missed = list(timeline.of(BeaconsMissed))
    if not drops and len(missed) < _PROBED_MIN:
        return
    proof: list[Proof] = [*spread(reports(drops), 3)]
    told: list[str] = []
    verdict: Severity | None = None
    if drops:
        told.append(
            f"the station lost the beacons and gave the link up {often(len(drops))} (reason 200 BEACON_TIMEOUT)"
        )
        verdict = severity(timeline, drops)
    if missed:
        told.append(f"the driver missed beacons and probed {often(len(missed))}")
        proof += [*list(timeline.of(BeaconProbeFailed))[:1], *spread(missed, 3)]
        if not drops:
            told.append("each time the access point answered, so the link held")
            verdict = "warning"
    yield prove(
        timeline, "HO405", "; ".join(told) + ".", proof, confidence=0.9 if drops else 0.7, severity=verdict
    )
