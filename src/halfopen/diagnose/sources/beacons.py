"""What access points announce: beacons and their gaps, frames that wait for a dozing station; who asked for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from halfopen.diagnose.radio import BeaconsObserved, BufferingObserved, ChannelSwitchSeen, ProbingObserved
from halfopen.diagnose.sources.bounded import Bounded, Quota, upper_median
from halfopen.diagnose.sources.heard import NS, Heard, Witness, mac
from halfopen.formats import dot11 as d
from halfopen.kernel import layout as k

#: Access points, pairs of station and access point, and pairs of station and name that are told apart.
CELLS_MAX = 1024
PAIRS_MAX = 1024
QUOTED_MAX = 20_000
UNIT_NS = 1024_000  # beacon intervals are counted in units of 1024 µs (IEEE 802.11-2020 section 9.4.1.3)
GAP_INTERVALS = 5
#: Announcements of the same channel within this time are one: an access point counts down some ten beacons.
ANNOUNCEMENT_NS = 30 * NS


@dataclass(slots=True)
class _Cell:
    """One access point."""

    ssid: str
    channel: int | None
    interval: int
    first: Heard
    last: Heard
    gaps: Bounded[tuple[Heard, Heard]]
    restarts: Bounded[Heard]
    tsf: int = 0
    dtim: int = 0
    count: int = 0
    aids: dict[int, int] = field(default_factory=dict)  # of each station
    signals: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class _Buffering:
    """Frames that wait for one station at one access point."""

    waits: Bounded[float]
    frames: Bounded[Heard]
    since: Heard | None = None
    beacons: int = 0
    most: int = 0


@dataclass(slots=True)
class _Probing:
    frames: Bounded[Heard]
    asked: int = 0
    answered: int = 0


class Beacons:
    """Collects what access points announce and what stations ask for; ``lost`` frames found no room."""

    def __init__(self) -> None:
        self.lost = 0
        self._quota = Quota(QUOTED_MAX)
        self._cells: dict[int, _Cell] = {}
        self._buffering: dict[tuple[int, int], _Buffering] = {}
        self._probing: dict[tuple[int, str], _Probing] = {}
        self._switches: dict[int, Bounded[tuple[Heard, int]]] = {}

    def beacon(self, heard: Heard, body: bytes, tsf: int, interval: int, tim: bytes, rssi: int) -> None:
        """Take a beacon; ``tim`` is the content of its traffic indication map."""
        cell = self._cells.get(heard.bssid)
        if cell is None:
            if len(self._cells) >= CELLS_MAX:
                self.lost += 1
                return
            ssid, channel = d.ssid_of(body, d.BEACON_FIXED), d.channel_of(body, d.BEACON_FIXED)
            gaps: Bounded[tuple[Heard, Heard]] = Bounded(self._quota)
            restarts: Bounded[Heard] = Bounded(self._quota)
            cell = _Cell(ssid, channel, interval, heard, heard, gaps, restarts)
            self._cells[heard.bssid] = cell
        elif heard.time - cell.last.time > GAP_INTERVALS * cell.interval * UNIT_NS > 0:
            cell.gaps.add((cell.last, heard))
        # Not every step back: a capture merged from two receivers may swap neighbours.
        if cell.count and tsf + interval * UNIT_NS // 1000 < cell.tsf:
            cell.restarts.add(heard)
        heard.detail = f'Beacon "{cell.ssid}"'
        cell.count += 1
        if rssi != k.W_NO_RSSI:
            cell.signals[rssi] += 1
        cell.last, cell.tsf, cell.interval = heard, tsf, interval
        if tim:
            cell.dtim = tim[1]
            if cell.aids:
                self._map(heard, cell, tim)

    def switch(self, heard: Heard, channel: int) -> None:
        """An access point's frame names the channel that it moves to (-1: none); one announcement is many frames."""
        if channel < 0 or not heard.by_ap:
            return
        switches = self._switches.get(heard.bssid)
        if switches is None:
            if len(self._switches) >= CELLS_MAX:
                self.lost += 1
                return
            switches = self._switches[heard.bssid] = Bounded(self._quota)
        newest = switches.newest
        if newest is None or newest[1] != channel or heard.time - newest[0].time > ANNOUNCEMENT_NS:
            heard.detail = f"{heard.detail or d.NAMES[heard.kind]} announces a switch to channel {channel}"
            switches.add((heard, channel))

    def switches(self, witness: Witness) -> Iterator[ChannelSwitchSeen]:
        """The announcements."""
        for bssid, switches in self._switches.items():
            for heard, channel in switches:
                yield ChannelSwitchSeen(
                    witness.where(heard), witness.at(heard), mac(bssid), channel, witness.ref(heard)
                )

    def _map(self, heard: Heard, cell: _Cell, tim: bytes) -> None:
        """See for whom frames wait."""
        for station, aid in cell.aids.items():
            key = (station, heard.bssid)
            waiting = self._buffering.get(key)
            if d.in_map(tim, aid):
                if waiting is None:
                    if len(self._buffering) >= PAIRS_MAX:
                        self.lost += 1
                        continue
                    waiting = self._buffering[key] = _Buffering(Bounded(self._quota), Bounded(self._quota))
                if waiting.since is None:
                    waiting.since, waiting.beacons = heard, 0
                    waiting.frames.add(heard)
                    heard.detail += f" traffic waits for {mac(station)}"
                waiting.beacons += 1
                waiting.most = max(waiting.most, waiting.beacons)
            elif waiting is not None:
                waiting.since = None  # delivered unheard, or given up

    def delivered(self, heard: Heard) -> None:
        """The access point sent data to a station: whatever waited does so no longer."""
        waiting = self._buffering.get((heard.receiver, heard.bssid))
        if waiting is not None and waiting.since is not None:
            waiting.waits.add((heard.time - waiting.since.time) / NS)
            waiting.frames.add(heard)
            waiting.since = None

    def named(self, station: int, bssid: int, aid: int) -> None:
        """An access point gave a station its association identifier (its two upper bits are always set)."""
        cell = self._cells.get(bssid)
        if cell is not None and len(cell.aids) < PAIRS_MAX:
            cell.aids = {other: number for other, number in cell.aids.items() if number != aid & 0x3FFF}
            cell.aids[station] = aid & 0x3FFF

    def asked(self, heard: Heard, body: bytes) -> None:
        """A station sent a probe request; one for any network is not of interest."""
        ssid = d.ssid_of(body, 0)
        if not ssid:
            return
        heard.detail = f'Probe Request "{ssid}"'
        key = (heard.sender, ssid)
        if key not in self._probing and len(self._probing) >= PAIRS_MAX:
            self.lost += 1
            return
        probing = self._probing.setdefault(key, _Probing(Bounded(self._quota)))
        probing.asked += 1
        probing.frames.add(heard)

    def answered(self, heard: Heard, body: bytes) -> None:
        """An access point sent a probe response, which also tells the name that its beacons may hide."""
        ssid = d.ssid_of(body, d.BEACON_FIXED)
        cell = self._cells.get(heard.bssid)
        if cell is not None and not cell.ssid:
            cell.ssid = ssid
        probing = self._probing.get((heard.receiver, ssid))
        if probing is not None:
            heard.detail = f'Probe Response "{ssid}"'
            probing.answered += 1
            probing.frames.add(heard)

    def observed(self, witness: Witness) -> Iterator[BeaconsObserved | ProbingObserved | BufferingObserved]:
        """What was collected."""
        for bssid, cell in self._cells.items():
            yield _beacons(mac(bssid), cell, witness)
        for (station, ssid), probing in self._probing.items():
            frames = list(probing.frames)
            yield ProbingObserved(
                where=witness.where(frames[0]),
                at=witness.at(frames[0]),
                station=mac(station),
                ssid=ssid,
                asked=probing.asked,
                answered=probing.answered,
                frames=tuple(map(witness.ref, frames)),
            )
        for (station, bssid), waiting in self._buffering.items():
            frames = list(waiting.frames)
            yield BufferingObserved(
                where=witness.where(frames[0]),
                at=witness.at(frames[0]),
                station=mac(station),
                ap=mac(bssid),
                waits_s=tuple(waiting.waits),
                most_beacons=waiting.most,
                frames=tuple(map(witness.ref, frames)),
            )


def _beacons(ap: str, cell: _Cell, witness: Witness) -> BeaconsObserved:
    return BeaconsObserved(
        where=witness.where(cell.first),
        at=witness.at(cell.first),
        ap=ap,
        ssid=cell.ssid,
        channel=cell.channel,
        count=cell.count,
        interval_s=cell.interval * UNIT_NS / NS,
        dtim=cell.dtim,
        gaps=tuple((witness.ref(before), witness.ref(after)) for before, after in cell.gaps),
        restarts=tuple(map(witness.ref, cell.restarts)),
        first=witness.ref(cell.first),
        last=witness.ref(cell.last),
        rssi_median=upper_median(cell.signals),
    )
