"""HO410: no access point with that name is heard."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import ApUnreachable, Event, JoinRetried, LinkStateChanged, WifiDropped
from halfopen.diagnose.radio import BeaconsObserved, JoinStepSeen, ProbingObserved, StationObserved
from halfopen.diagnose.rules.outage import reports, severity, with_reasons
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding, Severity

_WHY = {
    201: "the SSID was not heard",
    210: "the SSID was heard, but with no security the station supports",
    211: "the SSID was heard, but below the configured security threshold",
    212: "the SSID was heard, but below the configured RSSI threshold",
}

#: A scan asks a few times per channel; fewer unanswered requests are chance.
_PROBES_MIN = 3
#: So many attempts without a state change of the driver.
_RETRIES_MIN = 3


def ap_not_found(timeline: Timeline) -> Iterator[Finding]:
    """Reasons 201 and 210 to 212, or the firmware's own words."""
    drops = with_reasons(timeline, tuple(_WHY))
    said = list(timeline.of(ApUnreachable))
    if not drops and not said:
        yield from _without_a_try(timeline)
        yield from _on_air(timeline)
        return
    lines: list[Event] = sorted([*reports(drops), *said], key=timeline.position)
    verdict: Severity | None = severity(timeline, drops) if drops else None
    if not drops and len(said) <= 2 and timeline.joined_after(said[-1]):
        verdict = "info"
    why = (
        "; ".join(dict.fromkeys(_WHY[d.reason] for d in drops if d.reason in _WHY))
        or "the access point could not be reached"
    )
    summary = f"{why}, {often(max(len(drops), len(said)))}."
    yield prove(
        timeline,
        "HO410",
        summary,
        spread(lines),
        confidence=0.9 if len(lines) > 1 else 0.75,
        severity=verdict,
    )


def _without_a_try(timeline: Timeline) -> Iterator[Finding]:
    """Attempts that fail although the driver, which prints its states, never began to authenticate: it found nobody."""
    retries = list(timeline.of(JoinRetried))
    if len(retries) < _RETRIES_MIN or any(timeline.of(LinkStateChanged, WifiDropped)) or timeline.joins:
        return
    summary = (
        f"the device tried to join {often(len(retries))} and never began to authenticate:"
        " no access point with that name was heard."
    )
    yield prove(timeline, "HO410", summary, spread(retries), confidence=0.7)


def _on_air(timeline: Timeline) -> Iterator[Finding]:
    """Directed probes that nobody answered, from a station that was not connected meanwhile; a sniffer that hears no
    access point at all cannot tell."""
    if not any(timeline.of(BeaconsObserved)):
        return
    mute = [
        p
        for p in timeline.of(ProbingObserved)
        if p.asked >= _PROBES_MIN and not p.answered and not _connected(timeline, p.frames[0].time)
    ]
    if mute:
        probing = max(mute, key=lambda p: p.asked)
        summary = f"the station asked for {probing.ssid!r} {often(probing.asked)} and no access point of that name answered."
        proof: list[Proof] = [(probing, ref) for ref in probing.frames[:3]]
        yield prove(timeline, "HO410", summary, proof, confidence=0.9)


def _connected(timeline: Timeline, since: float) -> bool:
    """Whether the station joined or talked to an access point after a moment: then it looks for others beside."""
    joined = any(
        s.step in ("assoc-response", "reassoc-response") and s.status == 0 and s.ref.time > since
        for s in timeline.of(JoinStepSeen)
    )
    talks = any(s.talked is not None and s.talked[1].time > since for s in timeline.of(StationObserved))
    return joined or talks
