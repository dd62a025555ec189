"""HO402: the association expired, while joining or by the access point's inactivity limit."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.rules.outage import reports, severity, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.wifi_reason import spelled


def assoc_expired(timeline: Timeline) -> Iterator[Finding]:
    """Reason 4: no association response, or disassociated for inactivity."""
    drops = with_reasons(timeline, (4,))
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
    summary = f"{spelled(4, timeline.device.idf)} " + "; ".join(told) + "."
    yield prove(
        timeline,
        "HO402",
        summary,
        spread(reports(drops)),
        confidence=0.9 if len(drops) > 1 else 0.75,
        severity=severity(timeline, drops),
    )
