"""What rules say of farewells that a sniffer heard."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.radio import AirObserved, BeaconsObserved, FarewellSeen
from halfopen.diagnose.rules.proof import Proof
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline

#: Frames quoted per finding.
_FRAMES = 3


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
    if not drops or not any(timeline.of(AirObserved)):
        return ""
    began, ended = _covered(timeline)
    for drop in drops:
        clock, at = timeline.clocks.get(drop.at.epoch), drop.at.boot
        if clock is None or at is None or not began + 1 <= clock.to_capture(at) <= ended - 1:
            return ""
    return " Nobody sent such a frame while the sniffer listened: the station left by itself."


def _covered(timeline: Timeline) -> tuple[float, float]:
    """From when to when the sniffer heard the access points."""
    beacons = list(timeline.of(BeaconsObserved))
    return (
        min((b.first.time for b in beacons), default=0.0),
        max((b.last.time for b in beacons), default=0.0),
    )


def cited(farewells: Sequence[FarewellSeen]) -> list[Proof]:
    """The frames as proof."""
    return [(seen, seen.ref) for seen in farewells[:_FRAMES]]
