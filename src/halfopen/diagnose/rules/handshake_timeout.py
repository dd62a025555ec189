"""HO409: the 4-way or group handshake got lost."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.radio import HandshakeSeen
from halfopen.diagnose.rules.four_way import M2_MIN, four_way
from halfopen.diagnose.rules.on_air import cited, heard
from halfopen.diagnose.rules.outage import ever_joined, reports, severity, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.wifi_reason import spelled


def handshake_timeout(timeline: Timeline) -> Iterator[Finding]:
    """15, 16 or 204 where the credentials are known to be right, or where the number cannot tell."""
    drops = [
        d for d in with_reasons(timeline, (15, 16, 204)) if _credentials_right(timeline, d) or d.reason == 204
    ]
    if not drops:
        yield from _on_air(timeline)
        return
    right = any(_credentials_right(timeline, d) for d in drops)
    shakes = four_way(timeline, drops)
    told_by_air = not right and shakes.told
    if told_by_air and shakes.heard_by_ap:
        return  # the password: HO408
    kinds = ", ".join(dict.fromkeys(spelled(d.reason, timeline.device.idf) for d in drops))
    why = (
        "though the same credentials had worked"
        if right
        else "and on the air the access point acknowledged none of the M2"
        if told_by_air
        else "and the number alone cannot tell a lost handshake from a wrong password"
    )
    summary = f"the handshake was not completed {often(len(drops))} ({kinds}), {why}."
    yield prove(
        timeline,
        "HO409",
        summary,
        [*spread(reports(drops)), *((m, m.ref) for m in shakes.stalled[:2] if told_by_air)],
        confidence=0.9 if told_by_air else 0.85 if right else 0.55,
        severity=severity(timeline, drops),
    )


def _credentials_right(timeline: Timeline, drop: Drop) -> bool:
    return drop.reason == 16 or ever_joined(timeline, drop) or timeline.joined_after(drop.events[-1])


def _on_air(timeline: Timeline) -> Iterator[Finding]:
    """M2 sent and not acknowledged, or a group rekey that ended in deauthentication 16."""
    shakes = four_way(timeline)
    if len(shakes.stalled) >= M2_MIN and shakes.heard_by_ap is False:
        summary = f"{len(shakes.stalled)} M2 of the 4-way handshake were not acknowledged: the access point did not hear the station."
        yield prove(timeline, "HO409", summary, [(m, m.ref) for m in shakes.stalled[:4]], confidence=0.9)
    elif shakes.repeated and not shakes.stalled:
        heard_it = [m for m in shakes.repeated if m.acked is not False]
        why = (
            "the station acknowledged them and answered none"
            if heard_it
            else "the station did not hear the access point"
        )
        summary = f"M1 of the 4-way handshake was sent {often(len(shakes.repeated))} and no M2 came: {why}."
        yield prove(timeline, "HO409", summary, [(m, m.ref) for m in shakes.repeated[:4]], confidence=0.85)
    rekeys = timeline.kicks(16)
    if rekeys:
        summary = (
            f"the access point {heard(rekeys)} with reason 16: the station did not answer the group rekey."
        )
        asked = [m for m in timeline.of(HandshakeSeen) if m.message == 5][-2:]
        yield prove(
            timeline,
            "HO409",
            summary,
            [*cited(rekeys), *((m, m.ref) for m in asked)],
            confidence=0.9,
            about="rekey",
        )
