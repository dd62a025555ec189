"""HO404: the access point has forgotten the station and refuses its frames."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.rules.on_air import beside, cited, heard, matching, unsent
from halfopen.diagnose.rules.outage import reports, severity, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.wifi_reason import spelled


def class3_rejected(timeline: Timeline) -> Iterator[Finding]:
    """Reason 6 or 7 after the station transmits."""
    kicks = timeline.kicks(6, 7)
    drops = with_reasons(timeline, (6, 7))
    both = matching(timeline, drops, kicks)
    alone = [seen for seen in kicks if seen not in both]
    if alone:
        summary = f"the station spoke and the access point {heard(alone)} with reason {alone[0].reason}: it no longer knew the station."
        about = "air" if drops else ""
        yield prove(timeline, "HO404", summary, cited(alone), confidence=0.95, about=about)
    if drops:
        kinds = ", ".join(dict.fromkeys(spelled(d.reason, timeline.device.idf) for d in drops))
        # no station makes these reasons itself: where the frame is missing, the sniffer missed it
        missed = not both and unsent(timeline, drops)
        air = " The sniffer did not hear the frame that said so." if missed else beside(timeline, drops, both)
        summary = (
            f"the access point refused the station's frames {often(len(drops))}"
            f" ({kinds}): it no longer knew the station, which believed itself connected.{air}"
        )
        yield prove(
            timeline,
            "HO404",
            summary,
            [*spread(reports(drops)), *cited(both)],
            confidence=0.75 if missed else 0.9,
            severity=severity(timeline, drops),
        )
