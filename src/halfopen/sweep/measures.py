"""What one cell's devices did in one run, in whole numbers that can be added up: the same sum in whatever order.

Everything comes from the twin's truth: when connections stood, when their peers died, what the path let through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from halfopen.impairments import Impairment
from halfopen.twin.simulation import Simulation
from halfopen.twin.world import MS, US

if TYPE_CHECKING:
    from halfopen.twin.wifi.station import Station

#: Impairments that end what is connected, at once and untold.
KILLING = frozenset({"flows-lost", "peer-rebooted"})
#: Impairments while which nothing that was connected is served.
DARK = frozenset(
    {"blackhole", "peer-rebooted", "peer-vanished", "peer-stalled", "unreachable"}
    | {"radio-dropout", "ap-silent", "ap-power-cut", "ap-restarted"}
)
#: Of these, what kills a connection that outlasts its patience: noticing it counts from their begin.
SILENCING = frozenset({"blackhole", "peer-vanished", "radio-dropout", "ap-silent", "ap-power-cut"})
#: Times to notice are counted in steps of this many milliseconds.
STEP_MS = 100

# Time on the air of a frame of n bytes at 24 Mbit/s (IEEE 802.11-2016, clause 17: OFDM, 20 MHz): DIFS, the mean of the
# first backoff, preamble and SIGNAL, SERVICE and tail in symbols of 4 us and 96 bits; SIFS and an ACK of 14 bytes.
_DIFS_US, _BACKOFF_US, _PREAMBLE_US, _SIFS_US, _ACK_US = 34, 67, 20, 16, 28
#: 802.11 header with QoS, LLC/SNAP for Ethernet's 14 bytes, CCMP, FCS.
_AROUND_BYTES = 26 + 8 - 14 + 16 + 4
_SYMBOL_BITS, _SYMBOL_US, _SERVICE_BITS = 96, 4, 22
#: A keepalive probe, and its answer.
_PROBE_OCTETS = 54
#: How long a dozing radio is on for one beacon: the oscillator settles, then 1.5 ms at 1 Mbit/s (assumed: no measurement).
_BEACON_ON_US = 3000
#: And after each exchange (CONFIG_ESP_WIFI_SLP_DEFAULT_MIN_ACTIVE_TIME=50).
_ACTIVE_US = 50_000

Interval = tuple[float, float]


@dataclass(slots=True)
class Sums:
    """Sums over devices; times in milliseconds. ``notice`` counts times to notice by their step of 100 ms."""

    devices: int = 0
    lived_ms: int = 0
    served_ms: int = 0
    deaths: int = 0
    unnoticed: int = 0
    connects: int = 0
    descriptor_ms: int = 0
    descriptors_most: int = 0
    frames: int = 0
    airtime_us: int = 0
    radio_on_us: int = 0
    boots: int = 0
    events: int = 0
    notice: Counter[int] = field(default_factory=Counter)

    def add(self, other: Sums) -> None:
        """Add another cell's."""
        for name in (one.name for one in fields(self)):
            mine, theirs = getattr(self, name), getattr(other, name)
            if name == "notice":
                mine.update(theirs)
            else:
                setattr(self, name, max(mine, theirs) if name == "descriptors_most" else mine + theirs)

    def as_dict(self) -> dict[str, Any]:
        """JSON types only; steps in their order."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**plain, "notice": {str(step): self.notice[step] for step in sorted(self.notice)}}

    @classmethod
    def of_dict(cls, values: dict[str, Any]) -> Sums:
        """The sums that :meth:`as_dict` told. Raises :class:`TypeError`, :class:`KeyError` for anything else."""
        return cls(**{**values, "notice": Counter({int(step): n for step, n in values["notice"].items()})})


def measured(simulation: Simulation) -> Sums:
    """The sums of all devices of a simulation that was run."""
    simulation.network.settle()
    sums = Sums(devices=len(simulation.devices), events=simulation.world.events)
    happened: dict[str, list[dict[str, Any]]] = {name: [] for name in simulation.devices}
    for event in simulation.truth.events:
        if event["who"] in happened:
            happened[event["who"]].append(event)
    upon = _by_device(simulation)
    for name, device in simulation.devices.items():
        _add_device(sums, simulation, happened[name], upon[name])
        probes = device.stack.probes_in_closed_form
        link = device.stack.link
        frames = link.frames + 2 * probes
        sums.frames += frames
        if device.station is not None:
            sums.airtime_us += round(device.station.airtime_us)
            sums.radio_on_us += radio_on_us(device.station, simulation.world.now // US, frames)
        else:
            sums.airtime_us += airtime_us(frames, link.octets + 2 * probes * _PROBE_OCTETS)
        sums.boots += device.boots
    return sums


def airtime_us(frames: int, octets: int) -> int:
    """Time on the air of so many frames with so many bytes in all, acknowledged, nothing lost, at 24 Mbit/s (us)."""
    bits = 8 * (octets + frames * _AROUND_BYTES) + frames * _SERVICE_BITS
    symbols = -(-bits // _SYMBOL_BITS) + frames // 2  # half a symbol is wasted on average
    each = _DIFS_US + _BACKOFF_US + 2 * _PREAMBLE_US + _SIFS_US + _ACK_US - _PREAMBLE_US
    return symbols * _SYMBOL_US + frames * each


def radio_on_us(station: Station, lived_us: int, frames: int) -> int:
    """How long a station's radio was on, by what it is set to at the end: what its battery feels most. An estimate (us)."""
    if station.power_save == "none" or station.ap is None:
        return lived_us
    every = station.listen_interval if station.power_save == "max" else station.ap.dtim
    beacons = lived_us // (station.ap.beacon_tu * every * 1024)
    return min(lived_us, beacons * _BEACON_ON_US + frames // 2 * _ACTIVE_US)


def _by_device(simulation: Simulation) -> dict[str, list[Impairment]]:
    """The impairments that each device feels: its own, its group's, and its peers'."""
    scenario = simulation.scenario
    by_place: dict[str, list[Impairment]] = {}
    for at, impairment in scenario.impairments:
        by_place.setdefault(at, []).append(impairment)
    found: dict[str, list[Impairment]] = {}
    for plan in scenario.devices:
        host = getattr(plan.firmware, "host", "")
        peers = [peer.name for peer in scenario.peers if host in (peer.ip, peer.domain)]
        peers += [ap.name for ap in scenario.access_points]
        for name in plan.names():
            places = dict.fromkeys((name, plan.name, *peers))
            found[name] = [one for place in places for one in by_place.get(place, ())]
    return found


def _add_device(
    sums: Sums, simulation: Simulation, events: list[dict[str, Any]], upon: list[Impairment]
) -> None:
    end = simulation.world.now / MS
    stays, held = _stays(events, end)
    sums.lived_ms += round(end)
    sums.connects += len(stays)
    sums.descriptor_ms += round(sum(until - since for since, until, _ in held))
    sums.descriptors_most = max(sums.descriptors_most, max((count for _, _, count in held), default=0))
    dark: list[Interval] = [
        (one.begin_ms, end if one.end_ms is None else one.end_ms) for one in upon if one.KIND in DARK
    ]
    for died, stay, noticed in _deaths(stays, upon, end):
        sums.deaths += 1
        dark.append((died, stay[1]))
        if noticed:
            sums.notice[round((stay[1] - died) / STEP_MS)] += 1
        else:
            sums.unnoticed += 1
    sums.served_ms += round(_length(_merged(stays)) - _overlap(_merged(stays), _merged(dark)))


def _stays(events: list[dict[str, Any]], end: float) -> tuple[list[Interval], list[tuple[float, float, int]]]:
    """From when to when each connection was held, and each descriptor with how many there were then (ms)."""
    connected: dict[int, float] = {}
    opened: dict[int, float] = {}
    stays: list[Interval] = []
    held: list[tuple[float, float, int]] = []

    def closes(fd: int, at: float) -> None:
        if fd in opened:
            held.append((opened.pop(fd), at, len(opened) + 1))
        if fd in connected:
            stays.append((connected.pop(fd), at))

    for event in events:
        what, at = event["what"], event["at_ms"]
        if what == "socket-opened":
            opened[event["fd"]] = at
        elif what in ("connected", "accepted"):
            connected[event["fd"]] = at
            opened.setdefault(event["fd"], at)
        elif what == "socket-closed":
            closes(event["fd"], at)
        elif what == "rebooted":
            for fd in list(opened):
                closes(fd, at)
    for fd in list(opened):
        closes(fd, end)
    return sorted(stays), held


def _deaths(
    stays: list[Interval], upon: Iterable[Impairment], end: float
) -> Iterator[tuple[float, Interval, bool]]:
    """Each connection that died untold: when, from when to when it was held, whether it was ever given up."""
    found: dict[Interval, float] = {}
    for one in upon:
        if one.KIND not in KILLING and one.KIND not in SILENCING:
            continue
        over = end if one.end_ms is None else one.end_ms
        for stay in stays:
            if stay[0] < one.begin_ms < stay[1] and (one.KIND in KILLING or stay[1] <= over):
                found[stay] = min(found.get(stay, end), one.begin_ms)
    for stay, died in sorted(found.items()):
        yield died, stay, stay[1] < end


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for since, until in sorted(intervals):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged


def _length(intervals: list[Interval]) -> float:
    return sum(until - since for since, until in intervals)


def _overlap(some: list[Interval], others: list[Interval]) -> float:
    """How long both are, for intervals in order that do not overlap among themselves."""
    total, at = 0.0, 0
    for since, until in some:
        while at < len(others) and others[at][1] <= since:
            at += 1
        here = at
        while here < len(others) and others[here][0] < until:
            total += min(until, others[here][1]) - max(since, others[here][0])
            here += 1
    return total
