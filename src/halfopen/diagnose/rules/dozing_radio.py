"""HO406: power save puts the radio to sleep and it misses what it should hear."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.events import (
    BeaconIntervalTold,
    BeaconsMissed,
    Event,
    LatencySampled,
    PowerSaveSet,
    SignalSampled,
    SleepReported,
)
from halfopen.diagnose.medians import median
from halfopen.diagnose.radio import BeaconsObserved, BufferingObserved, StationObserved
from halfopen.diagnose.rules.outage import reports, with_reasons
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: With at least this signal, distance does not explain a missed beacon (RULES: weak below -75 dBm).
_GOOD_DBM = -70
#: Median answer time that only a sleeping radio explains on a good signal, from so many answers.
_SLOW_S = 0.25
_ANSWERS_MIN = 5
#: A station that hears every beacon fetches its frames at the next one.
_BEACONS_MIN = 3
#: A station that slept through its beacons finds its access point with the first scan, or the second.
_NOT_FOUND, _NOT_FOUND_MIN = 201, 3
#: From the driver's first probe to its giving up (FACTS of the log: 2.5 s), with room.
_GIVEN_UP_S = 6.0
#: On a good path hardly a frame is sent twice (recordings of the lab: none; of a fading path: one in ten).
_RETRIED_SHARE = 0.06
#: A radio in modem sleep dozes most of the time (80 % in recordings of stations that talk little, a scan 2 %).
_DOZE_SHARE = 0.3


def dozing_radio(timeline: Timeline) -> Iterator[Finding]:
    """Modem sleep on, signal good, and beacons are lost or answers come at the DTIM's pace."""
    finding = _losses(timeline) or _slow_answers(timeline) or _buffered(timeline)
    if finding is not None:
        yield finding


def _buffered(timeline: Timeline) -> Finding | None:
    """On the air: the access point keeps the station's frames for multiples of the beacon interval."""
    stations = list(timeline.of(StationObserved))
    if not any(_sleeps(station) for station in stations):
        return None  # a scan elsewhere is told to the access point in the same way, and frames wait for its end too
    if any(station.retried > _RETRIED_SHARE * station.sent for station in stations):
        return None  # on such a path beacons are lost, and a station that hears none does not know what waits for it
    for held in timeline.of(BufferingObserved):
        beacons = next((b for b in timeline.of(BeaconsObserved) if b.ap == held.ap), None)
        if beacons is None or len(held.waits_s) < _ANSWERS_MIN:
            continue
        middle = median(held.waits_s)
        if middle < _SLOW_S or held.most_beacons < _BEACONS_MIN:
            continue
        summary = (
            f"the access point kept frames for the dozing station for {middle * 1000:.0f} ms in the median and up to"
            f" {held.most_beacons} beacons (DTIM {beacons.dtim} × {beacons.interval_s * 1000:.0f} ms)."
        )
        proof: list[Proof] = [(held, ref) for ref in held.frames[:4]]
        return prove(timeline, "HO406", summary, proof, confidence=0.7)
    return None


def _sleeps(station: StationObserved) -> bool:
    return station.watched_s > 0 and station.dozed_s >= _DOZE_SHARE * station.watched_s


def _slow_answers(timeline: Timeline) -> Finding | None:
    """Answers take hundreds of milliseconds while power save is on, and few when it is off."""
    answers: dict[bool, list[LatencySampled]] = {True: [], False: []}
    setting: PowerSaveSet | None = None
    on: PowerSaveSet | None = None
    for event in timeline.of(PowerSaveSet, LatencySampled):
        if isinstance(event, PowerSaveSet):
            setting = event
            on = event if event.on and on is None else on
        elif setting is not None and isinstance(event, LatencySampled):
            answers[setting.on].append(event)
    if on is None or len(answers[True]) < _ANSWERS_MIN or _weakest(timeline) < _GOOD_DBM:
        return None
    slow = median(a.took_s for a in answers[True])
    quick = median(a.took_s for a in answers[False]) if answers[False] else None
    if slow < _SLOW_S or (quick is not None and quick > slow / 3):
        return None
    beacon = next(timeline.of(BeaconIntervalTold), None)
    doze = f" (DTIM {beacon.dtim} × {beacon.interval_us / 1000:.0f} ms)" if beacon else ""
    better = f", {quick * 1000:.0f} ms as soon as it is off" if quick is not None else ""
    summary = (
        f"with power save on{doze} an answer takes {slow * 1000:.0f} ms in the median"
        f" though the signal is good{better}: frames wait for the radio to wake."
    )
    proof: list[Proof] = [on, *spread(answers[True], 2), *answers[False][:1]]
    proof += [beacon] if beacon is not None else []
    return prove(timeline, "HO406", summary, proof, confidence=0.9 if quick is not None else 0.7)


def _weakest(timeline: Timeline) -> int:
    """The weakest signal in the log, dBm; a bad one where none is printed."""
    return min((s.rssi_dbm for s in timeline.of(SignalSampled)), default=-128)


def _losses(timeline: Timeline) -> Finding | None:
    """Beacons are lost while the radio may sleep."""
    weakest = _weakest(timeline)
    if weakest < _GOOD_DBM:
        return None
    drops = with_reasons(timeline, (200,))
    gone = [drop for drop in drops if _gone(timeline, drop)]
    missed = [m for m in timeline.of(BeaconsMissed) if not any(_led_to(m, drop) for drop in gone)]
    losses: list[Event] = [*reports([drop for drop in drops if drop not in gone]), *missed]
    losses.sort(key=timeline.position)
    signs = _asleep_before(timeline, losses)
    if not signs:
        return None
    signals = list(timeline.of(SignalSampled))
    beacon = next(timeline.of(BeaconIntervalTold), None)
    doze = ""
    if beacon is not None:
        doze = f", DTIM {beacon.dtim} × {beacon.interval_us / 1000:.0f} ms"
    summary = f"power save is on{doze}, the signal is good ({weakest} dBm), and yet beacons are lost: the radio sleeps through them."
    proof: list[Proof] = [*spread(losses, 2), signs[-1], signals[-1]]
    proof += [beacon] if beacon is not None else []
    cured = _quiet_when_off(timeline, losses)
    return prove(timeline, "HO406", summary, proof, confidence=0.9 if cured else 0.75)


def _gone(timeline: Timeline, drop: Drop) -> bool:
    """Whether the access point was not to be found after a loss: then it was not the station that slept."""
    later = timeline.outage_of(drop).drops
    return sum(other.reason == _NOT_FOUND for other in later) >= _NOT_FOUND_MIN


def _led_to(missed: BeaconsMissed, drop: Drop) -> bool:
    gap = drop.at.since(missed.at)
    return gap is not None and 0 <= gap <= _GIVEN_UP_S


def _asleep_before(timeline: Timeline, losses: list[Event]) -> list[Event]:
    """What shows that power save was on at a loss: its last setting before it, or the driver's own sleep account."""
    signs: list[Event] = []
    for loss in losses:
        last = next(iter(timeline.recent(loss, PowerSaveSet)), None)
        if last is not None and last.on:
            signs.append(last)
        if timeline.next_of(loss, SleepReported) is None:
            continue
        for event in timeline.between(loss):
            gap = event.at.since(loss.at)
            if gap is not None and gap > 5.0:
                break
            if isinstance(event, SleepReported) and event.slept_s > 0 and (last is None or last.on):
                signs.append(event)
    return signs


def _quiet_when_off(timeline: Timeline, losses: list[Event]) -> bool:
    """Whether the losses ended when power save was switched off."""
    off = [
        e
        for e in timeline.of(PowerSaveSet)
        if not e.on and timeline.position(e) > timeline.position(losses[0])
    ]
    return bool(off) and timeline.position(losses[-1]) < timeline.position(off[-1])
