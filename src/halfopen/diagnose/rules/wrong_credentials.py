"""HO408: the password or the security setting does not match."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import AuthRejected
from halfopen.diagnose.rules.outage import ever_joined, reports, with_reasons
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.wifi_reason import spelled


def wrong_credentials(timeline: Timeline) -> Iterator[Finding]:
    """Reason 15, 202 or 204 from the first join on, and never a connection."""
    drops = with_reasons(timeline, (15, 202, 204, 23))
    rejected = list(timeline.of(AuthRejected))
    if drops and (ever_joined(timeline, drops[0]) or any(timeline.joined_after(d.events[-1]) for d in drops)):
        drops = []
    if not drops and not rejected:
        return
    if not drops and any(timeline.joined_after(event) for event in rejected):
        return
    proof: list[Proof] = [*spread(rejected, 2), *spread(reports(drops))]
    kinds = (
        ", ".join(dict.fromkeys(spelled(d.reason, timeline.device.idf) for d in drops))
        or "the firmware says so itself"
    )
    count = often(max(len(drops), len(rejected)))
    only_local = bool(drops) and all(d.reason == 204 for d in drops) and not rejected
    doubt = (
        " The station's own handshake timer cannot tell a wrong password from a lost handshake."
        if only_local
        else ""
    )
    summary = (
        f"the access point was found, and the handshake failed {count}"
        f" ({kinds}) without ever succeeding: the password does not match.{doubt}"
    )
    confidence = 0.5 if only_local else (0.9 if len(drops) > 1 or rejected else 0.75)
    yield prove(timeline, "HO408", summary, proof, confidence=confidence)
