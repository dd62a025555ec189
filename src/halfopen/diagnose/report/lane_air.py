"""The lane of a monitor-mode capture: what the access point sent, what the device did, and what was not heard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from halfopen.diagnose.events import Event
from halfopen.diagnose.farewells import Meaning
from halfopen.diagnose.radio import (
    BeaconsObserved,
    BufferingObserved,
    FarewellSeen,
    HandshakeSeen,
    JoinStepSeen,
    PollSeen,
    ProbingObserved,
    StationObserved,
    UnackedRun,
)
from halfopen.diagnose.report.axis import Axis
from halfopen.diagnose.report.quoting import of_frame
from halfopen.diagnose.timeline import Timeline
from halfopen.diagnose.traffic import FrameRef
from halfopen.formats import wifi_reason
from halfopen.pages.picture import Kind, Lane, Mark, Row, Span

DEAUTH = Kind("deauthentication", "cross", "bad")
DISASSOC = Kind("disassociation", "down", "bad")
PARTED = Kind("farewell that is no fault", "left", "mute")
POLL = Kind("poll: are you there?", "ring", "info")
JOIN = Kind("joining step", "tick", "info")
JOIN_REFUSED = Kind("join refused", "cross", "warn")
KEYS = Kind("key handshake", "diamond", "info")
UNHEARD = Kind("frames without acknowledgement", "hatch", "bad")
ASLEEP = Kind("asleep (power management bit)", "bar", "calm")
BEACONS = Kind("beacons heard", "bar", "good")
BEACON_GAP = Kind("no beacon heard", "hatch", "bad")
AP_RESTART = Kind("access point booted", "star", "bad")
TIM = Kind("frames wait for the sleeper", "up", "warn")
PROBING = Kind("probe request", "tick", "mute")
#: Access points whose beacons are drawn: the ones the device spoke with first.
APS_MAX = 4
#: What farewells mean that did not put the device out.
_HARMLESS: dict[Meaning, str] = {
    "own": "the device left on its own",
    "echo": "the answer to the device's own leave",
    "left-behind": "clean-up after the device moved on",
    "broadcast": "to all stations",
    "clean-up": "repeated for a loss already told",
    "unheard": "the device did not hear it",
    "unknown": "nothing shows that the device heard it",
}


def air_lane(timeline: Timeline, axis: Axis) -> Iterator[Lane]:
    """One lane with a row per direction, one for sleep and one for each access point's beacons."""
    rows = [
        row for row in (_from_ap(timeline, axis), _from_device(timeline, axis), _sleep(timeline, axis)) if row
    ]
    beacons, left = _beacons(timeline, axis)
    rows += beacons
    if rows:
        yield Lane("On the air", rows=rows, note=f"{left} more access points are not drawn" if left else "")


def _heard(acked: bool | None) -> str:
    return {True: "acknowledged", False: "not acknowledged", None: ""}[acked]


def _farewell(seen: FarewellSeen, meaning: str) -> str:
    told = [wifi_reason.spelled(seen.reason) if seen.reason is not None else "protected, reason not readable"]
    told += [seen.kind if meaning else "", meaning or _heard(seen.acked)]
    return ", ".join(part for part in told if part)


def _marks(timeline: Timeline, axis: Axis, *, by_ap: bool) -> Iterator[Mark]:
    meanings = {id(f.seen): _HARMLESS.get(f.meaning, "") for f in timeline.farewells}
    for seen in timeline.of(FarewellSeen, PollSeen, JoinStepSeen, HandshakeSeen):
        kind: Kind
        match seen:
            case _ if not isinstance(seen, FarewellSeen | PollSeen | JoinStepSeen | HandshakeSeen):
                continue
            case FarewellSeen():
                sent_by_ap = seen.by_ap
                harmless = meanings.get(id(seen), "")
                kind = PARTED if harmless else DEAUTH if seen.kind == "deauth" else DISASSOC
                told = _farewell(seen, harmless)
            case PollSeen():
                sent_by_ap, kind, told = True, POLL, _heard(seen.acked)
            case JoinStepSeen():
                sent_by_ap = seen.step.endswith("response")
                refused = sent_by_ap and bool(seen.status)
                kind = JOIN_REFUSED if refused else JOIN
                told = f"{seen.step}, status {seen.status}" if refused else seen.step
            case HandshakeSeen():
                sent_by_ap = seen.message in (1, 3, 5)
                kind, told = KEYS, f"message {seen.message}, {_heard(seen.acked)}".removesuffix(", ")
        x = axis.of_capture(seen.ref.time)
        if x is not None and sent_by_ap is by_ap:
            yield Mark(x, kind, of_frame(seen.where.source, seen.ref), told)


def _unheard(timeline: Timeline, axis: Axis, *, by_ap: bool) -> Iterator[Span]:
    for run in timeline.of(UnackedRun):
        start = axis.of_capture(run.first.time)
        end = axis.of_capture((run.resumed or run.last).time)
        if run.by_ap is by_ap and start is not None and end is not None:
            told = (
                f"{run.count} frames in a row, {'acknowledged again later' if run.resumed else 'to the end'}"
            )
            yield Span(start, end, UNHEARD, of_frame(run.where.source, run.first), told)


def _from_ap(timeline: Timeline, axis: Axis) -> Row | None:
    waits: list[Mark] = []
    for kept in timeline.of(BufferingObserved):
        told = f"up to {kept.most_beacons} beacons long"
        waits += _each(axis, kept, kept.frames, TIM, told)
    return _side("access point", timeline, axis, waits, by_ap=True)


def _from_device(timeline: Timeline, axis: Axis) -> Row | None:
    asked: list[Mark] = []
    for probing in timeline.of(ProbingObserved):
        told = f"{probing.answered} of {probing.asked} answered"
        asked += _each(axis, probing, probing.frames, PROBING, told)
    return _side("device", timeline, axis, asked, by_ap=False)


def _each(axis: Axis, fact: Event, frames: Sequence[FrameRef], kind: Kind, told: str) -> Iterator[Mark]:
    """A mark for each frame that a fact of the air quotes."""
    for ref in frames:
        x = axis.of_capture(ref.time)
        if x is not None:
            yield Mark(x, kind, of_frame(fact.where.source, ref), told)


def _side(label: str, timeline: Timeline, axis: Axis, more: Sequence[Mark], *, by_ap: bool) -> Row | None:
    """What one side of the link sent, and for how long nobody acknowledged it."""
    marks = sorted([*_marks(timeline, axis, by_ap=by_ap), *more], key=lambda mark: mark.x)
    spans = list(_unheard(timeline, axis, by_ap=by_ap))
    return Row(label, spans, marks) if marks or spans else None


def _sleep(timeline: Timeline, axis: Axis) -> Row | None:
    """When the device told its access point that it sleeps."""
    spans: list[Span] = []
    for station in timeline.of(StationObserved):
        since: FrameRef | None = None
        for ref, dozing in station.turns:
            if dozing:
                since = since or ref
            elif since is not None:
                spans += _nap(station.where.source, since, ref.time, axis)
                since = None
        if since is not None:
            spans += _nap(station.where.source, since, station.last.time, axis)
    return Row("sleep", spans) if spans else None


def _nap(source: str, since: FrameRef, until: float, axis: Axis) -> list[Span]:
    start, end = axis.of_capture(since.time), axis.of_capture(until)
    if start is None or end is None or end < start:
        return []
    return [Span(start, end, ASLEEP, of_frame(source, since), f"for {until - since.time:.2f} s")]


def _beacons(timeline: Timeline, axis: Axis) -> tuple[list[Row], int]:
    mine = [ap for station in timeline.of(StationObserved) for ap in station.aps]
    heard = sorted(
        timeline.of(BeaconsObserved), key=lambda b: mine.index(b.ap) if b.ap in mine else len(mine)
    )
    if mine:
        heard = [b for b in heard if b.ap in mine] or heard
    rows = []
    for beacons in heard[:APS_MAX]:
        source = beacons.where.source
        told = f"{beacons.ap}, every {beacons.interval_s * 1000:.0f} ms"
        told += f", DTIM every {beacons.dtim} beacons" if beacons.dtim else ""
        start, end = axis.of_capture(beacons.first.time), axis.of_capture(beacons.last.time)
        if start is None or end is None:
            continue
        spans = [
            Span(start, end, BEACONS, of_frame(source, beacons.first), f"{beacons.count} beacons of {told}")
        ]
        for before, after in beacons.gaps:
            a, b = axis.of_capture(before.time), axis.of_capture(after.time)
            if a is not None and b is not None:
                length = f"{after.time - before.time:.2f} s without a beacon"
                spans.append(Span(a, b, BEACON_GAP, of_frame(source, after), length))
        marks = [
            Mark(x, AP_RESTART, of_frame(source, ref), "its clock fell back")
            for ref in beacons.restarts
            if (x := axis.of_capture(ref.time)) is not None
        ]
        rows.append(Row(f"beacons, DTIM {beacons.dtim}" if beacons.dtim else "beacons", spans, marks))
    return rows, max(len(heard) - APS_MAX, 0)
