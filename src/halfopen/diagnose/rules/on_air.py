"""What rules say of farewells that a sniffer heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.radio import AirObserved, BeaconsObserved, FarewellSeen, StationObserved
from halfopen.diagnose.rules.proof import Proof
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: Frames quoted per finding.
_FRAMES = 3
#: The sniffer must have heard the access point this long before and after a moment to speak of it.
_MARGIN_S = 1.0
#: A disconnect is logged within this time of the frame that caused it.
_SAME_S = 3.0
#: A failed join takes no longer than this (hostapd gives a handshake up after four seconds, ESP-IDF after about ten).
_ATTEMPT_S = 15.0


def heard(farewells: Sequence[FarewellSeen]) -> str:
    """``deauthenticated it twice on the air (frames acknowledged: 1 of 2)``."""
    kinds = dict.fromkeys("deauthenticated" if f.kind == "deauth" else "disassociated" for f in farewells)
    known = [f for f in farewells if f.acked is not None]
    acked = f", {sum(f.acked is True for f in known)} of {len(known)} acknowledged" if known else ""
    return f"{' and '.join(kinds)} it {often(len(farewells))} on the air{acked}"


def beside(timeline: Timeline, drops: Sequence[Drop], farewells: Sequence[FarewellSeen]) -> str:
    """What the air adds to disconnects that the log tells: heard there too, or never sent by anybody."""
    if farewells:
        return f" The access point {heard(farewells)}."
    if unsent(timeline, drops):
        return " Nobody sent such a frame while the sniffer listened: the station left by itself."
    return ""


def unsent(timeline: Timeline, drops: Sequence[Drop]) -> bool:
    """Whether the air overrules a log that blames the access point: at none of ``drops`` did it say a farewell to the
    station or to all, although the sniffer heard it before and after."""
    return bool(drops) and all(_unsent(timeline, drop) for drop in drops)


def _unsent(timeline: Timeline, drop: Drop) -> bool:
    at = heard_at(timeline, drop)
    if at is None or any(len(air.channels) > 1 for air in timeline.of(AirObserved)):
        return False  # a sniffer that hops is elsewhere most of the time
    aps = {ap for station in timeline.of(StationObserved) for ap in station.aps}
    listened = any(
        beacons.first.time + _MARGIN_S <= at <= beacons.last.time - _MARGIN_S
        and not any(before.time <= at <= after.time for before, after in beacons.gaps)
        for beacons in timeline.of(BeaconsObserved)
        if beacons.ap in aps
    )
    near = any(seen.by_ap and abs(seen.ref.time - at) <= _SAME_S for seen in timeline.of(FarewellSeen))
    return listened and not near


def heard_at(timeline: Timeline, drop: Drop) -> float | None:
    """When a drop of the log was on the capture's clock, ``None`` where its boot has no common clock."""
    clock, boot = timeline.clocks.get(drop.at.epoch), drop.at.boot
    return None if clock is None or boot is None else clock.to_capture(boot)


def ended_in(timeline: Timeline, at: float, drops: Sequence[Drop]) -> bool:
    """Whether one of ``drops`` came just after a moment of the capture."""
    times = [heard_at(timeline, drop) for drop in drops]
    return any(time is not None and -_SAME_S <= time - at <= _ATTEMPT_S for time in times)


def matching(timeline: Timeline, drops: Sequence[Drop], kicks: Sequence[FarewellSeen]) -> list[FarewellSeen]:
    """Those of ``kicks`` that are the same as one of ``drops``: logged when they were heard."""
    times = [at for drop in drops if (at := heard_at(timeline, drop)) is not None]
    return [seen for seen in kicks if any(abs(seen.ref.time - at) <= _SAME_S for at in times)]


def by_witness(
    timeline: Timeline,
    drops: Sequence[Drop],
    kicks: Sequence[FarewellSeen],
    on_air: Callable[[Timeline, list[FarewellSeen], str], Finding],
    logged: Callable[[Timeline, list[Drop], list[FarewellSeen]], Finding],
) -> Iterator[Finding]:
    """One finding where log and air tell of the same, by ``logged``; one by ``on_air`` for what only the air tells."""
    both = matching(timeline, drops, kicks)
    alone = [seen for seen in kicks if seen not in both]
    if alone:
        yield on_air(timeline, alone, "air" if drops else "")
    if drops:
        yield logged(timeline, list(drops), both)


def cited(farewells: Sequence[FarewellSeen]) -> list[Proof]:
    """The frames as proof."""
    return [(seen, seen.ref) for seen in farewells[:_FRAMES]]
