"""HO411: the access point refuses the station."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.events import JoinRefused
from halfopen.diagnose.radio import JoinStepSeen
from halfopen.diagnose.rules.outage import ever_joined, refused_for_capacity, reports, severity, with_reasons
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.rules.wording import duration, often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.dot11 import ALGORITHM_SAE
from halfopen.formats.wifi_reason import spelled

#: Asked to come back later once or twice is how protected management frames work.
_REFUSALS_MIN = 4
#: Put off for so long a station looks dead to its user; the query behind it takes a second.
_PUT_OFF_S = 30.0
#: Status codes that users meet (IEEE 802.11-2020, table 9-50).
_STATUS = {
    1: "unspecified (an access list)",
    17: "too many stations",
    37: "refused",
    43: "bad cipher",
    53: "unknown PMKID",
}
#: No refusal: 30 asks to come back later, 76, 77, 126 and 127 are steps of SAE (a token, another group, how to hash).
_NO_REFUSAL = (0, 30, 76, 77, 126, 127)


def _denies(step: JoinStepSeen) -> bool:
    """A response that refuses; a rejected SAE confirm is a wrong password and told by HO408."""
    confirm = step.algorithm == ALGORITHM_SAE and step.sequence == 2
    return step.step.endswith("response") and step.status not in (None, *_NO_REFUSAL) and not confirm


def association_denied(timeline: Timeline) -> Iterator[Finding]:
    """Reason 5 (too many stations), 203 (association refused), 208 (told to come back too late)."""
    refused = list(timeline.of(JoinRefused))
    if len(refused) >= _REFUSALS_MIN and not timeline.joins:
        summary = (
            f"the access point refused the association {len(refused)} times and the station never got in."
        )
        yield prove(timeline, "HO411", summary, spread(refused), confidence=0.75)
        return
    put_off = [e for e in refused if (e.comeback_s or 0.0) >= _PUT_OFF_S]
    if put_off and not timeline.joined_after(put_off[-1]) and not timeline.drops:
        longest = max(e.comeback_s or 0.0 for e in put_off)
        summary = (
            f"the access point still holds an earlier association of the station and put it off {often(len(put_off))},"
            f" for up to {duration(longest)}."
        )
        yield prove(timeline, "HO411", summary, spread(put_off), confidence=0.75)
        return
    denied = [step for step in timeline.of(JoinStepSeen) if _denies(step)]
    if denied:
        statuses = ", ".join(
            dict.fromkeys(f"{s.status} {_STATUS.get(s.status or 0, '')}".strip() for s in denied)
        )
        summary = f"the access point refused the station {often(len(denied))} with status {statuses}."
        proof: list[Proof] = [(step, step.ref) for step in denied[:3]]
        yield prove(timeline, "HO411", summary, proof, confidence=0.95)
        return
    drops = [
        drop
        for drop in with_reasons(timeline, (5, 203, 208))
        if drop.reason != 5 or refused_for_capacity(timeline, drop)
    ]
    if not drops:
        drops = _refused_with_right_password(timeline)
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


def _refused_with_right_password(timeline: Timeline) -> list[Drop]:
    """Refused authentications (202) of a station whose password is right: it got in before, or with the same one after."""
    drops = with_reasons(timeline, (202,))
    if len(drops) < _REFUSALS_MIN:
        return []
    right = ever_joined(timeline, drops[0]) or timeline.joined_after(drops[-1].events[-1])
    return drops if right else []
