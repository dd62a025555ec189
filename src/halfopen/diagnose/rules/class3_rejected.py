"""HO404: the access point has forgotten the station and refuses its frames."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.radio import FarewellSeen
from halfopen.diagnose.rules.on_air import beside, by_witness, cited, heard, unsent
from halfopen.diagnose.rules.outage import aftermath, reports, severity, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.wifi_reason import spelled


def class3_rejected(timeline: Timeline) -> Iterator[Finding]:
    """Reason 6 or 7 after the station transmits."""
    kicks = timeline.kicks(6, 7)
    drops = with_reasons(timeline, (6, 7))
    yield from by_witness(timeline, drops, kicks, _on_air, _logged)


def _on_air(timeline: Timeline, kicks: list[FarewellSeen], about: str) -> Finding:
    summary = (
        f"the station spoke and the access point {heard(kicks)} with reason {kicks[0].reason}:"
        " it no longer knew the station."
    )
    return prove(timeline, "HO404", summary, cited(kicks), confidence=0.95, about=about)


def _logged(timeline: Timeline, drops: list[Drop], kicks: list[FarewellSeen]) -> Finding:
    kinds = ", ".join(dict.fromkeys(spelled(d.reason, timeline.device.idf) for d in drops))
    # no station makes these reasons itself: where the frame is missing, the sniffer missed it
    missed = not kicks and unsent(timeline, drops)
    air = " The sniffer did not hear the frame that said so." if missed else beside(timeline, drops, kicks)
    summary = (
        f"the access point refused the station's frames {often(len(drops))}"
        f" ({kinds}): it no longer knew the station, which believed itself connected.{air}{aftermath(timeline, drops)}"
    )
    return prove(
        timeline,
        "HO404",
        summary,
        [*spread(reports(drops)), *cited(kicks)],
        confidence=0.75 if missed else 0.9,
        severity=severity(timeline, drops),
    )
