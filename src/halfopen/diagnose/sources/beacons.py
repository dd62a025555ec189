"""What access points announce: beacons and their gaps, frames that wait for a dozing station; who asked for them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from msgspec import Struct, field

from halfopen.diagnose.radio import BeaconsObserved, BufferingObserved, ChannelSwitchSeen, ProbingObserved
from halfopen.diagnose.sources.heard import NS, Heard, Witness, mac
from halfopen.diagnose.sources.signals import counted, upper_median
from halfopen.formats import dot11 as d
from halfopen.kernel.protocol import UNIT_NS
from halfopen.kernel.quoting import Bounded, Quota
from halfopen.kernel.radio import Cell

#: Access points, pairs of station and access point, and pairs of station and name that are told apart.
CELLS_MAX = 1024
PAIRS_MAX = 1024
QUOTED_MAX = 20_000
#: Announcements of the same channel within this time are one: an access point counts down some ten beacons.
ANNOUNCEMENT_NS = 30 * NS


class _Cell(Struct):
    """One access point."""

    beacons: Cell
    ssid: str
    channel: int | None
    aids: dict[int, int] = field(default_factory=dict)  # of each station

    def call(self, ssid: str) -> None:
        """It has this name."""
        self.ssid = ssid
        self.beacons.detail = f'Beacon "{ssid}"'


class _Buffering(Struct):
    """Frames that wait for one station at one access point."""

    waits: Bounded
    frames: Bounded
    since: Heard | None = None
    beacons: int = 0
    most: int = 0


class _Probing(Struct):
    frames: Bounded
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
        self._switches: dict[int, Bounded] = {}

    def cell(self, heard: Heard, body: bytes, interval: int) -> Cell | None:
        """The first beacon of an access point; ``None`` when there are too many."""
        if len(self._cells) >= CELLS_MAX:
            self.lost += 1
            return None
        gaps: Bounded = Bounded(self._quota)
        restarts: Bounded = Bounded(self._quota)
        cell = _Cell(Cell(heard, interval, gaps, restarts), "", d.channel_of(body, d.BEACON_FIXED))
        cell.call(d.ssid_of(body, d.BEACON_FIXED))
        self._cells[heard.bssid] = cell
        return cell.beacons

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
        newest = switches.newest()
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

    def waits(self, heard: Heard, tim: bytes) -> bool:
        """See in a beacon's map (``tim``) for whom frames wait; whether there is anybody."""
        waits = False
        for station, aid in self._cells[heard.bssid].aids.items():
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
                waits = True
            elif waiting is not None:
                waiting.since = None  # delivered unheard, or given up
        return waits

    def waiting(self, bssid: int) -> list[int]:
        """The stations for which frames wait at an access point."""
        return [
            station
            for (station, ap), waiting in self._buffering.items()
            if ap == bssid and waiting.since is not None
        ]

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
            cell.beacons.numbers = array("q", cell.aids.values())

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
            cell.call(ssid)
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


def _beacons(ap: str, told: _Cell, witness: Witness) -> BeaconsObserved:
    cell = told.beacons
    return BeaconsObserved(
        where=witness.where(cell.first),
        at=witness.at(cell.first),
        ap=ap,
        ssid=told.ssid,
        channel=told.channel,
        count=cell.count,
        interval_s=cell.interval * UNIT_NS / NS,
        dtim=cell.dtim,
        gaps=tuple((witness.ref(before), witness.ref(after)) for before, after in cell.gaps),
        restarts=tuple(map(witness.ref, cell.restarts)),
        first=witness.ref(cell.first),
        last=witness.ref(cell.last),
        rssi_median=upper_median(counted(cell.signals)),
    )
