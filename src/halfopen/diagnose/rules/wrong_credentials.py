"""HO408: the password or the security setting does not match."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import AuthRejected
from halfopen.diagnose.radio import JoinStepSeen
from halfopen.diagnose.rules.four_way import M2_MIN, four_way
from halfopen.diagnose.rules.outage import ever_joined, reports, with_reasons
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.dot11 import ALGORITHM_SAE
from halfopen.formats.wifi_reason import spelled


def wrong_credentials(timeline: Timeline) -> Iterator[Finding]:
    """Reason 15, 23 (802.1X), 202 or 204 from the first join on, and never a connection."""
    drops = with_reasons(timeline, (15, 202, 204, 23))
    rejected = list(timeline.of(AuthRejected))
    if drops and (ever_joined(timeline, drops[0]) or any(timeline.joined_after(d.events[-1]) for d in drops)):
        drops = []
    if not drops and not rejected:
        yield from _on_air(timeline)
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
    shakes = four_way(timeline, drops)
    told_by_air = only_local and shakes.told
    if told_by_air and not shakes.heard_by_ap:
        return  # the radio: HO409
    doubt = (
        " The station's own handshake timer cannot tell a wrong password from a lost handshake."
        if only_local and not told_by_air
        else " On the air the access point acknowledged every M2 and sent no M3."
        if told_by_air
        else ""
    )
    what = "user name or password does" if any(d.reason == 23 for d in drops) else "password does"
    summary = (
        f"the access point was found, and the handshake failed {count}"
        f" ({kinds}) without ever succeeding: the {what} not match.{doubt}"
    )
    confidence = 0.5 if only_local else (0.9 if len(drops) > 1 or rejected else 0.75)
    if told_by_air:
        confidence = 0.95
        proof += [(m, m.ref) for m in shakes.stalled[:2]]
    yield prove(timeline, "HO408", summary, proof, confidence=confidence)


def _on_air(timeline: Timeline) -> Iterator[Finding]:
    """Every M2 acknowledged and M3 never sent, or a rejected SAE confirm."""
    refused = [
        s
        for s in timeline.of(JoinStepSeen)
        if s.algorithm == ALGORITHM_SAE and s.sequence == 2 and s.step == "auth-response" and s.status == 1
    ]
    if refused:
        summary = (
            f"the access point rejected the SAE confirm {often(len(refused))}: the password does not match."
        )
        proof: list[Proof] = [(step, step.ref) for step in refused[:3]]
        yield prove(timeline, "HO408", summary, proof, confidence=0.95)
        return
    shakes = four_way(timeline)
    if len(shakes.stalled) >= M2_MIN and not shakes.complete and shakes.heard_by_ap is not False:
        told = (
            "the access point acknowledged every M2"
            if shakes.heard_by_ap
            else "whether M2 was heard the capture cannot tell"
        )
        summary = (
            f"{len(shakes.stalled)} M2 were never answered with M3; {told}: the password does not match."
        )
        proof = [(m, m.ref) for m in shakes.stalled[:3]]
        proof += [(f.seen, f.seen.ref) for f in timeline.farewells if f.seen.reason == 15][:1]
        yield prove(timeline, "HO408", summary, proof, confidence=0.95 if shakes.heard_by_ap else 0.6)
