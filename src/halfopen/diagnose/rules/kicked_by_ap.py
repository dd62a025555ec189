"""HO403: the access point put the station out."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.radio import FarewellSeen
from halfopen.diagnose.rules.on_air import beside, by_witness, cited, heard, unsent
from halfopen.diagnose.rules.outage import aftermath, refused_for_capacity, reports, severity
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.wifi_reason import spelled

#: Reasons that have a fault of their own, that the station makes itself, or that mean it moved on.
_OTHERS = frozenset((2, 4, 6, 7, 12, 15, 16, 36)) | frozenset(range(200, 213))

#: On the air these reasons have a fault of their own: authentication, inactivity, class 2 and 3, the handshakes.
_OWN_FAULT_ON_AIR = frozenset((2, 4, 6, 7, 15, 16))


def kicked_by_ap(timeline: Timeline) -> Iterator[Finding]:
    """A running station deauthenticated or disassociated for a reason that is the access point's own."""
    drops = [
        d
        for outage in timeline.outages
        for d in outage.drops
        if _kicked(d) and not refused_for_capacity(timeline, d)
    ]
    kicks = [f.seen for f in timeline.farewells if f.meaning == "kick" and f.reason not in _OWN_FAULT_ON_AIR]
    yield from by_witness(timeline, drops, kicks, _on_air, _logged)


def _on_air(timeline: Timeline, kicks: list[FarewellSeen], about: str) -> Finding:
    reasons = ", ".join(dict.fromkeys(_reason(timeline, seen) for seen in kicks))
    summary = f"the access point {heard(kicks)}: {reasons}."
    hidden = all(seen.reason is None for seen in kicks)
    return prove(timeline, "HO403", summary, cited(kicks), confidence=0.6 if hidden else 0.9, about=about)


def _logged(timeline: Timeline, drops: list[Drop], kicks: list[FarewellSeen]) -> Finding:
    kinds = ", ".join(dict.fromkeys(spelled(d.reason, timeline.device.idf) for d in drops))
    own = unsent(timeline, drops)
    who = "the running station dropped out" if own else "the access point put the running station out"
    summary = (
        f"{who} {often(len(drops))}: {kinds}.{beside(timeline, drops, kicks)}{aftermath(timeline, drops)}"
    )
    return prove(
        timeline,
        "HO403",
        summary,
        [*spread(reports(drops)), *cited(kicks)],
        confidence=0.5 if own else 0.85,
        severity=severity(timeline, drops) or ("warning" if own else None),
    )


def _reason(timeline: Timeline, seen: FarewellSeen) -> str:
    if seen.reason is None:
        return "protection (PMF) hides the reason" if seen.protected else "the frame is cut before the reason"
    return spelled(seen.reason, timeline.device.idf)


def _kicked(drop: Drop) -> bool:
    if drop.reason is None or drop.reason in _OTHERS or drop.stage == "joining":
        return False
    if drop.by in ("deauth", "disassoc"):
        return True
    # Without the driver's state line: 8 is most often the station's own leave, 3 and the rest come from the AP.
    return drop.by == "unknown" and drop.reason not in (0, 8)
