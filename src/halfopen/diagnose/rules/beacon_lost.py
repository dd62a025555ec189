"""HO405: the station stopped hearing the access point's beacons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.events import (
    BeaconProbeFailed,
    BeaconsMissed,
    Connected,
    ConnectFailed,
    DataReceived,
    HeartbeatAnswered,
    HeartbeatMissed,
    ResolveFailed,
    ServerConnected,
    WifiJoined,
)
from halfopen.diagnose.radio import (
    BeaconsObserved,
    ChannelSwitchSeen,
    JoinStepSeen,
    ProbingObserved,
    StationObserved,
    UnackedRun,
)
from halfopen.diagnose.rules.outage import aftermath, reports, severity, with_reasons
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.rules.wording import counted, duration, often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding, Severity

#: Missed beacons whose probe was answered: this often and the link is sick though it never dropped.
_PROBED_MIN = 3
#: So many failures after missed beacons, and no sign of life between, are no coincidence.
_FAILED_SINCE_MIN = 2
_GOT_THROUGH = (Connected, DataReceived, HeartbeatAnswered, ServerConnected, WifiJoined)
#: A station that lost the beacons sends two null frames before it leaves (FACTS), and rejoins as soon as it hears some.
_NULLS_MIN = 2
_BACK_S = 300.0
#: A station that hears no beacons looks for its network again and again; one that is off does not.
_PROBES_MIN, _PROBING_S = 2, 2.0
#: ESP-IDF gives up six seconds after the last beacon (esp_wifi_set_inactive_time); the announcement counts down before.
_MOVED_S = 20.0


def beacon_lost(timeline: Timeline) -> Iterator[Finding]:
    """Reason 200, or missed beacons again and again."""
    drops = with_reasons(timeline, (200,))
    missed = list(timeline.of(BeaconsMissed))
    if not drops and len(missed) < _PROBED_MIN:
        yield from _never_reported(timeline, missed)
        yield from _on_air(timeline)
        return
    proof: list[Proof] = [*spread(reports(drops), 3)]
    told: list[str] = []
    verdict: Severity | None = None
    if drops:
        told.append(
            f"the station lost the beacons and gave the link up {often(len(drops))} (reason 200 BEACON_TIMEOUT)"
        )
        verdict = severity(timeline, drops)
        moved = _moved_before(timeline, drops)
        if moved is not None:
            told.append(f"the access point had announced its move to channel {moved.channel} just before")
            proof.append((moved, moved.ref))
    if missed:
        told.append(f"the driver missed beacons and probed {often(len(missed))}")
        proof += [*list(timeline.of(BeaconProbeFailed))[:1], *spread(missed, 3)]
        if not drops:
            told.append("each time the access point answered, so the link held")
            verdict = "warning"
    summary = "; ".join(told) + "." + aftermath(timeline, drops)
    yield prove(timeline, "HO405", summary, proof, confidence=0.9 if drops else 0.7, severity=verdict)


def _never_reported(timeline: Timeline, missed: Sequence[BeaconsMissed]) -> Iterator[Finding]:
    """Beacons were missed, no disconnect was told, and nothing has got through since."""
    if not missed or timeline.drops:
        return
    after = list(timeline.between(missed[-1]))
    failed = [e for e in after if isinstance(e, (ConnectFailed, ResolveFailed, HeartbeatMissed))]
    if len(failed) < _FAILED_SINCE_MIN or any(isinstance(e, _GOT_THROUGH) for e in after):
        return
    summary = (
        f"the driver missed beacons and probed {often(len(missed))}; it never reported a disconnect, but nothing got through"
        f" since ({counted(len(failed), 'attempt')} failed)."
    )
    yield prove(timeline, "HO405", summary, [*missed, *spread(failed, 2)], confidence=0.6)


def _on_air(timeline: Timeline) -> Iterator[Finding]:
    """Two null frames without an answer and a local leave nobody announced, while the beacons went on or after the
    access point had moved to another channel."""
    steps = list(timeline.of(JoinStepSeen))
    for run in timeline.of(UnackedRun):
        if run.by_ap or run.nulls < _NULLS_MIN:
            continue
        back = _back(timeline, steps, run.last.time)
        beacons = next((b for b in timeline.of(BeaconsObserved) if b.ap == run.ap), None)
        moved = _moved(timeline, run.ap, run.first.time)
        # what sends no beacon here cannot be missed here, unless it said where it went
        went_on = (
            beacons is not None
            and beacons.last.time >= run.last.time
            and not any(a.time <= run.first.time <= b.time for a, b in beacons.gaps)
        )
        silent = _silent(beacons, run.first.time, back.ref.time) if back is not None and beacons else None
        if back is None or not (went_on or moved or silent):
            continue
        meanwhile = (
            f"after the access point had announced its move to channel {moved.channel}"
            if moved
            else "while the access point's beacons went on"
            if silent is None
            else f"while the access point was silent for {duration(silent)} (its clock went on: it did not restart)"
        )
        summary = (
            f"the station asked {often(run.nulls)} with null frames for a sign of life, got no acknowledgement, left without a word"
            f" and joined anew, {meanwhile}."
        )
        proof: list[Proof] = [(run, run.first), (run, run.last), (back, back.ref)]
        proof += [(moved, moved.ref)] if moved else []
        yield prove(timeline, "HO405", summary, proof, confidence=0.85)
        return
    yield from _both_silent(timeline, steps)
    yield from _deaf(timeline, steps)


def _both_silent(timeline: Timeline, steps: Sequence[JoinStepSeen]) -> Iterator[Finding]:
    """The access point sent nothing for a while and did not restart; the station looked for it and joined anew."""
    for beacons in timeline.of(BeaconsObserved):
        for before, after in beacons.gaps:
            back = _back(timeline, steps, after.time)
            silent = _silent(beacons, before.time, after.time)
            looked = _looked(timeline, before.time, after.time)
            if back is None or back.ap != beacons.ap or not silent or len(looked) < _PROBES_MIN:
                continue
            summary = (
                f"the access point was silent for {duration(silent)} (its clock went on: it did not restart); the station left"
                " without a word, looked for it and joined anew."
            )
            proof: list[Proof] = [(beacons, before), (beacons, after), *looked[:2], (back, back.ref)]
            yield prove(timeline, "HO405", summary, proof, confidence=0.75)
            return


def _looked(timeline: Timeline, since: float, until: float) -> list[Proof]:
    """Directed probes of the station between two moments."""
    return [
        (probing, ref)
        for probing in timeline.of(ProbingObserved)
        for ref in probing.frames
        if since < ref.time < until
    ]


def _back(timeline: Timeline, steps: Sequence[JoinStepSeen], since: float) -> JoinStepSeen | None:
    """The station's next join after a moment, where nobody said farewell in between: it had left by itself."""
    back = next((s for s in steps if s.step == "auth-request" and 0 < s.ref.time - since <= _BACK_S), None)
    if back is None:
        return None
    parted = any(since < f.seen.ref.time < back.ref.time and f.meaning == "kick" for f in timeline.farewells)
    return None if parted else back


def _silent(beacons: BeaconsObserved, since: float, until: float) -> float | None:
    """For how long the access point sent no beacon around a moment, where its clock (TSF) went on behind the silence."""
    began = {ref.frame for ref in beacons.restarts}
    spans = [
        b.time - a.time
        for a, b in beacons.gaps
        if a.time <= since <= b.time <= until and b.frame not in began
    ]
    return max(spans, default=None)


def _deaf(timeline: Timeline, steps: Sequence[JoinStepSeen]) -> Iterator[Finding]:
    """The station acknowledged nothing any more, looked for its network and joined anew, though the access point's
    beacons went on and nobody had put it out."""
    for run in timeline.of(UnackedRun):
        beacons = next((b for b in timeline.of(BeaconsObserved) if b.ap == run.ap), None)
        back = _back(timeline, steps, run.first.time) if run.by_ap else None
        if back is None or beacons is None or beacons.last.time < run.last.time:
            continue
        if any(a.time < back.ref.time and b.time > run.first.time for a, b in beacons.gaps):
            continue
        looked = _looked(timeline, run.first.time, back.ref.time - _PROBING_S)
        if len(looked) < _PROBES_MIN:
            continue
        summary = (
            f"the station acknowledged none of {counted(run.count, 'frame')} of the access point, looked for its network"
            f" {often(len(looked))} and joined anew, while the access point's beacons went on: it did not hear them."
        )
        yield prove(
            timeline, "HO405", summary, [(run, run.first), *looked[:2], (back, back.ref)], confidence=0.8
        )
        return


def _moved(timeline: Timeline, ap: str, before: float) -> ChannelSwitchSeen | None:
    """The access point's announcement of another channel shortly before a moment of the capture."""
    switches = [
        s for s in timeline.of(ChannelSwitchSeen) if s.ap == ap and 0 <= before - s.ref.time <= _MOVED_S
    ]
    return switches[-1] if switches else None


def _moved_before(timeline: Timeline, drops: Sequence[Drop]) -> ChannelSwitchSeen | None:
    """The same for disconnects of the log, where it shares a clock with the capture."""
    for drop in drops:
        clock, boot = timeline.clocks.get(drop.at.epoch), drop.at.boot
        if clock is not None and boot is not None:
            aps = {ap for station in timeline.of(StationObserved) for ap in station.aps}
            moved = next((m for ap in aps if (m := _moved(timeline, ap, clock.to_capture(boot)))), None)
            if moved is not None:
                return moved
    return None
