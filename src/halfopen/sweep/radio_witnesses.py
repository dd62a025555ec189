"""Whether a drawn fault of the radio or the power showed: from the twin's truth alone, as in :mod:`halfopen.sweep.witnesses`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from halfopen.twin.device import Device
from halfopen.twin.simulation import Simulation

#: Beacon timeout, network not found (ESP-IDF's own reasons).
_BEACON_TIMEOUT, _NOT_FOUND = 200, 201
#: A gap between two exchanges longer than the program's period by this was the radio's (ms).
_LATE_MS = 2000

Witness = Callable[[Simulation, Device], bool]


def _reasons(s: Simulation, d: Device, *what: str) -> list[object]:
    return [event["reason"] for kind in what for event in s.truth.of(kind, d.name)]


def _put_out(*reasons: int) -> Witness:
    """The station was put out for one of these reasons."""
    return lambda s, d: any(reason in reasons for reason in _reasons(s, d, "disassociated"))


def _expired(s: Simulation, d: Device) -> bool:
    return _reasons(s, d, "disassociated", "join-failed").count(2) >= 2


def _beacons_lost(s: Simulation, d: Device) -> bool:
    return _BEACON_TIMEOUT in _reasons(s, d, "disassociated")


def _suffered_when_weak(s: Simulation, d: Device) -> bool:
    return bool(s.truth.of("beacons-lost", d.name)) and bool(_reasons(s, d, "disassociated", "join-failed"))


def _never_let_in(s: Simulation, d: Device) -> bool:
    return not s.truth.of("associated", d.name) and len(_reasons(s, d, "join-failed")) >= 2


def _handshake_lost(s: Simulation, d: Device) -> bool:
    return any(reason in (15, 16, 204) for reason in _reasons(s, d, "disassociated", "join-failed"))


def _not_found(s: Simulation, d: Device) -> bool:
    return _reasons(s, d, "join-failed").count(_NOT_FOUND) >= 3


def _refused(s: Simulation, d: Device) -> bool:
    return len(s.truth.of("station-refused")) >= 2


def _ap_came_back(s: Simulation, d: Device) -> bool:
    return len(s.truth.of("ap-started")) > len(s.scenario.access_points) and bool(s.truth.of("ap-stopped"))


def _stalled_on_the_air(s: Simulation, d: Device) -> bool:
    """Joined all the time, and yet an exchange came late."""
    served = [float(str(event["at_ms"])) for event in s.truth.of("exchanged", d.name)]
    period = float(getattr(d.firmware, "period_ms", 0))
    late = any(later - earlier > period + _LATE_MS for earlier, later in pairwise(served))
    return late and not s.truth.of("disassociated", d.name)


RADIO_WITNESSES: dict[str, Witness] = {
    "HO401": _expired,
    "HO402": _put_out(4),
    "HO403": _put_out(1, 3, 5, 8, 34),
    "HO404": _put_out(6, 7),
    "HO405": _beacons_lost,
    "HO406": lambda s, d: bool(s.truth.of("beacons-lost", d.name)),
    "HO407": _suffered_when_weak,
    "HO408": _never_let_in,
    "HO409": _handshake_lost,
    "HO410": _not_found,
    "HO411": _refused,
    "HO412": _ap_came_back,
    "HO413": _stalled_on_the_air,
    "HO701": lambda s, d: bool(s.truth.of("browned-out", d.name)),
}
