"""HO402: the association expired, while joining or by the access point's inactivity limit."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.farewells import INACTIVITY
from halfopen.diagnose.radio import FarewellSeen
from halfopen.diagnose.rules.on_air import beside, by_witness, cited, heard, unsent
from halfopen.diagnose.rules.outage import aftermath, reports, severity, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.wifi_reason import spelled


def assoc_expired(timeline: Timeline) -> Iterator[Finding]:
    """Reason 4: no association response, or disassociated for inactivity."""
    drops = with_reasons(timeline, (INACTIVITY,))
    kicks = timeline.kicks(INACTIVITY)
    yield from by_witness(timeline, drops, kicks, _on_air, _logged)


def _on_air(timeline: Timeline, kicks: list[FarewellSeen], about: str) -> Finding:
    polls = {id(f.seen): f.poll for f in timeline.farewells if f.poll}
    asked = [poll for seen in kicks if (poll := polls.get(id(seen)))]
    deaf = any(poll.acked is False for poll in asked)
    hidden = any(seen.reason is None for seen in kicks)
    why = "protection hides the reason, the poll before tells it" if hidden else "reason 4"
    summary = f"the access point {heard(kicks)} for inactivity ({why})"
    summary += ", after a poll that the station did not acknowledge." if deaf else "."
    proof = [*cited(kicks), *((p, p.ref) for p in asked[-1:])]
    return prove(timeline, "HO402", summary, proof, confidence=0.75 if hidden else 0.9, about=about)


def _logged(timeline: Timeline, drops: list[Drop], kicks: list[FarewellSeen]) -> Finding:
    running = [d for d in drops if d.stage == "running"]
    joining = [d for d in drops if d not in running]
    own = not joining and unsent(timeline, running)
    told: list[str] = []
    if joining:
        told.append(
            f"{often(len(joining))} while joining: the access point did not answer the association request in time"
        )
    if running:
        what = "the station gave the association up" if own else "the station was dropped for inactivity"
        told.append(f"{often(len(running))} while running: {what}")
    summary = f"{spelled(INACTIVITY, timeline.device.idf)} " + "; ".join(told) + "."
    return prove(
        timeline,
        "HO402",
        summary + beside(timeline, running, kicks) + aftermath(timeline, drops),
        [*spread(reports(drops)), *cited(kicks)],
        confidence=0.5 if own else 0.9 if len(drops) > 1 else 0.75,
        severity=severity(timeline, drops) or ("warning" if own else None),
    )
