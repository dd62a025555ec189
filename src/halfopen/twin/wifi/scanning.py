"""How a station finds an access point: it asks on the channels, takes the strongest of its network, or goes on looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.formats import dot11 as d
from halfopen.formats import dot11_frames as bodies
from halfopen.impairments.span import TO_DEVICE, TO_PEER
from halfopen.twin.packets import BROADCAST
from halfopen.twin.wifi import joining as j
from halfopen.twin.wifi.frames import AirFrame
from halfopen.twin.wifi.signal import share
from halfopen.twin.world import SECOND

if TYPE_CHECKING:
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.station import Station
    from halfopen.twin.world import Timer

#: Weaker than this nothing is received at all.
_FLOOR_DBM = -96.0
#: Another access point must be so much stronger to be worth the move, and is looked for so often.
_BETTER_DB, _LOOK_NS = 8.0, 10 * SECOND


class Scanning:
    """The scans of one station."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._world = station.world
        #: Below this strength (dBm) it looks for a better access point; 0: never.
        self.roam_dbm = 0.0
        self._roaming: Timer | None = None

    def start(self) -> None:
        """Ask who is there, and take the strongest."""
        found = self._best()
        figures = self._station.figures
        if found is None:
            self._record(None)
            self._world.after(figures.scan_all_ns, self._over, None)
        else:
            self._record(found)
            self._world.after(figures.scan_ns, self._over, found)

    def _over(self, found: AccessPoint | None) -> None:
        station = self._station
        if station.state != j.SCANNING:
            return
        if found is None or not found.on_air:
            station.happen(j.NOT_FOUND, 201)
            return
        station.ap = found
        station.happen(j.FOUND, 0, 0xB0)
        self.keep_looking()

    def _best(self) -> AccessPoint | None:
        station, now = self._station, self._world.now
        best: tuple[float, AccessPoint] | None = None
        for ap in station.air.aps:
            if ap.ssid != station.ssid or not ap.on_air:
                continue
            path = station.path_to(ap)
            dbm = path.signal.at(now)
            lost = max(path.fails(TO_PEER, now), path.fails(TO_DEVICE, now))
            # Two probes a channel: one of them has to be answered.
            if dbm < _FLOOR_DBM or share(station.scan_seed, now) < lost * lost:
                continue
            if best is None or dbm > best[0]:
                best = (dbm, ap)
        return best[1] if best is not None else None

    def _record(self, found: AccessPoint | None) -> None:
        """Put the probes on record; nothing depends on them."""
        station = self._station
        log = station.air.log
        if log is None:
            return
        now = self._world.now
        name = station.ssid if station.figures.directed_scan else ""
        request = AirFrame(d.PROBE_REQUEST, BROADCAST, station.mac, BROADCAST, bodies.probe_request(name))
        for ap in station.air.aps:
            if ap.channel == (found.channel if found is not None else ap.channel) and ap.running:
                log.tried(now, request, station.path_to(ap), ap, False, None)
                break
        else:
            if station.air.aps:
                log.tried(now, request, station.path_to(station.air.aps[0]), station.air.aps[0], False, None)
        if found is not None:
            answer = AirFrame(
                d.PROBE_RESPONSE,
                station.mac,
                found.bssid,
                found.bssid,
                bodies.announcement(found.described()),
            )
            station.air.note_past(station.path_to(found), answer, TO_DEVICE, now + station.figures.think_ns)

    # Roaming ------------------------------------------------------------------------------------------------

    def keep_looking(self) -> None:
        """Look for a better access point from time to time, if it is told to."""
        if self.roam_dbm and self._roaming is None:
            self._roaming = self._world.after(_LOOK_NS, self._look)

    def _look(self) -> None:
        self._roaming = None
        station = self._station
        if station.state == j.OFF:
            return
        self._roaming = self._world.after(_LOOK_NS, self._look)
        ap = station.ap
        if station.state != j.RUN or ap is None:
            return
        now = self._world.now
        here = station.path_to(ap).signal.at(now)
        if here >= self.roam_dbm:
            return
        better = self._best()
        if better is not None and station.path_to(better).signal.at(now) >= here + _BETTER_DB:
            station.roam(better)
