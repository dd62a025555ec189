"""HO402: the association expired, while joining or by the access point's inactivity limit."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.radio import PollSeen
from halfopen.diagnose.rules.on_air import beside, cited, heard
from halfopen.diagnose.rules.outage import reports, severity, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.wifi_reason import spelled

#: hostapd waits three seconds between its poll and the disassociation (FACTS); room for a slow beacon.
_POLL_S = 5.0


def assoc_expired(timeline: Timeline) -> Iterator[Finding]:
    """Reason 4: no association response, or disassociated for inactivity."""
    drops = with_reasons(timeline, (4,))
    kicks = timeline.kicks(4)
    if not drops and kicks:
        polls = [p for p in timeline.of(PollSeen) if 0 <= kicks[0].ref.time - p.ref.time <= _POLL_S]
        deaf = (
            ", after a poll that the station did not acknowledge"
            if any(p.acked is False for p in polls)
            else ""
        )
        summary = f"the access point {heard(kicks)} with reason 4 for inactivity{deaf}."
        proof = [*cited(kicks), *((p, p.ref) for p in polls[-1:])]
        yield prove(timeline, "HO402", summary, proof, confidence=0.9)
    if not drops:
        return
    running = [d for d in drops if d.stage == "running"]
    joining = [d for d in drops if d not in running]
    told: list[str] = []
    if joining:
        told.append(
            f"{often(len(joining))} while joining: the access point did not answer the association request in time"
        )
    if running:
        told.append(f"{often(len(running))} while running: the station was dropped for inactivity")
    summary = f"{spelled(4, timeline.device.idf)} " + "; ".join(told) + "." + beside(timeline, running, kicks)
    yield prove(
        timeline,
        "HO402",
        summary,
        [*spread(reports(drops)), *cited(kicks)],
        confidence=0.9 if len(drops) > 1 else 0.75,
        severity=severity(timeline, drops),
    )
