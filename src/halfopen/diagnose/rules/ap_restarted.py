"""HO412: the access point itself restarted."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.rules.outage import often, reports, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding


def ap_restarted(timeline: Timeline) -> Iterator[Finding]:
    """Reason 206: the access point's timer jumped back."""
    drops = with_reasons(timeline, (206,))
    if drops:
        summary = f"the access point's timer (TSF) started anew {often(len(drops))} (reason 206 AP_TSF_RESET): it rebooted or was reconfigured."
        yield prove(timeline, "HO412", summary, spread(reports(drops)), confidence=0.85)
