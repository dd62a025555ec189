"""HO411: the access point refuses the station."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import JoinRefused
from halfopen.diagnose.rules.outage import reports, severity, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.wifi_reason import spelled

#: Asked to come back later once or twice is how protected management frames work.
_REFUSALS_MIN = 4


def association_denied(timeline: Timeline) -> Iterator[Finding]:
    """Reason 5 (too many stations), 203 (association refused), 208 (told to come back too late)."""
    refused = list(timeline.of(JoinRefused))
    if len(refused) >= _REFUSALS_MIN and not timeline.joins:
        summary = (
            f"the access point refused the association {len(refused)} times and the station never got in."
        )
        yield prove(timeline, "HO411", summary, spread(refused), confidence=0.75)
        return
    drops = with_reasons(timeline, (5, 203, 208))
    if drops:
        kinds = ", ".join(dict.fromkeys(spelled(d.reason, timeline.device.idf) for d in drops))
        summary = f"the access point refused the station {often(len(drops))} ({kinds}): it is full, filters stations or steers them away."
        yield prove(
            timeline,
            "HO411",
            summary,
            spread(reports(drops)),
            confidence=0.85,
            severity=severity(timeline, drops),
        )
