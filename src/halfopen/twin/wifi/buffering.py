"""What an access point keeps for stations that doze: until they fetch it, until it is too old, or until the DTIM for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.formats import dot11 as d
from halfopen.twin.packets import Frame
from halfopen.twin.wifi.association import Association
from halfopen.twin.wifi.frames import MORE, AirFrame
from halfopen.twin.world import US

if TYPE_CHECKING:
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.air import Done
    from halfopen.twin.wifi.station import Station


#: From a beacon that announces frames to the null frame or PS-Poll that asks for them.
_FETCH_NS = 600 * US


class Buffering:
    """The buffers of one access point, and its traffic indication map."""

    def __init__(self, ap: AccessPoint) -> None:
        self._ap = ap
        self._world = ap.world
        self._done: dict[int, Done] = {}
        #: The broadcast that was put on the air last, and when it is over (ns).
        self._grouped: tuple[Frame | None, int] = (None, 0)

    # For one ------------------------------------------------------------------------------------------------

    def keep(self, entry: Association, frame: AirFrame, done: Done | None) -> None:
        """Keep a frame for a station that dozes, and announce it."""
        now, figures = self._world.now, self._ap.figures
        while entry.waiting and (
            now - entry.waiting[0][0] > figures.buffer_ns or len(entry.waiting) >= figures.buffer_frames
        ):
            self._give_up(entry)
        if done is not None:
            self._done[id(frame)] = done
        entry.waiting.append((now, frame))
        if len(entry.waiting) == 1:
            self._announce(entry, True)
        if entry.wake is None:
            self._await_wake(entry)

    def _give_up(self, entry: Association) -> None:
        _, frame = entry.waiting.pop(0)
        done = self._done.pop(id(frame), None)
        if done is not None:
            done(False)
        self._ap.note("frames-dropped", mac=entry.mac)

    def _announce(self, entry: Association, waiting: bool) -> None:
        if self._ap.air.log is not None:
            self._ap.air.log.waits(self._ap, entry.aid, waiting)

    def _await_wake(self, entry: Association) -> None:
        """The next beacon that the station hears tells it; a far one is looked at again."""
        when = entry.path.station.wakes_at(self._ap, self._world.now)
        if when is not None:
            entry.wake = self._world.at(when, self._wake, entry)

    def _wake(self, entry: Association) -> None:
        entry.wake = None
        if not entry.waiting:
            return
        station = entry.path.station
        if self._ap.on_air and station.hears_beacon(self._ap, self._world.now):
            # What is for all goes first, right behind the beacon (data/wifi: null 0.3 to 0.9 ms after it).
            self._world.after(_FETCH_NS, self._fetch, entry)
        now = self._world.now
        while entry.waiting and now - entry.waiting[0][0] > self._ap.figures.buffer_ns:
            self._give_up(entry)
        if entry.waiting:
            self._await_wake(entry)
        else:
            self._announce(entry, False)

    def _fetch(self, entry: Association) -> None:
        station = entry.path.station
        if entry.waiting and station.ap is self._ap:
            station.fetch(self._ap)

    def release(self, entry: Association) -> None:
        """The station is awake: everything goes."""
        waiting, entry.waiting = entry.waiting, []
        self._announce(entry, False)
        if entry.wake is not None:
            entry.wake.cancel()
            entry.wake = None
        for place, (_, frame) in enumerate(waiting, 1):
            self._let_go(entry, frame, place < len(waiting))

    def release_one(self, entry: Association) -> None:
        """The station polled: one frame goes, and says whether there are more."""
        _, frame = entry.waiting.pop(0)
        if not entry.waiting:
            self._announce(entry, False)
        self._let_go(entry, frame, bool(entry.waiting))

    def _let_go(self, entry: Association, frame: AirFrame, more: bool) -> None:
        done = self._done.pop(id(frame), None)
        frame.flags |= MORE if more else 0
        self._ap.send(entry.path, frame, done or (lambda acked: self._ap.acknowledged(entry, acked)))

    def drop(self, entry: Association) -> None:
        """The station is no member any more: nothing is kept for it."""
        for _, frame in entry.waiting:
            self._done.pop(id(frame), None)
        if entry.waiting:
            entry.waiting = []
            self._announce(entry, False)
        if entry.wake is not None:
            entry.wake.cancel()
            entry.wake = None

    # For all ------------------------------------------------------------------------------------------------

    def group(self, station: Station, frame: Frame, flags: int) -> None:
        """A broadcast for the cell, as it reaches one station: after the next DTIM when anybody dozes."""
        ap, now = self._ap, self._world.now
        self.repeat(frame, flags)
        when = max(self._grouped[1], now)
        if when - now > ap.beat.interval // 2:
            self._world.at(when, self._hear_dtim, station, frame, when)
        else:
            self._world.at(when, self._hear_group, station, frame)

    def repeat(self, frame: Frame, flags: int) -> None:
        """Put a broadcast on the air, once however many stations hear it: the LAN's, and a station's own, too."""
        if self._grouped[0] is frame:
            return
        ap, now = self._ap, self._world.now
        sent = AirFrame(
            d.DATA,
            frame.destination,
            ap.bssid,
            frame.source,
            flags=flags,
            payload=frame,
            why=frame.packet.why,
        )
        dozing = any(entry.dozing for entry in ap.table.values())
        when = ap.beat.after(now, ap.beat.dtim) if dozing else now
        if dozing and ap.air.log is not None:
            ap.air.log.waits(ap, 0, True)
            self._world.at(when + 1, ap.air.log.waits, ap, 0, False)
        self._grouped = (frame, ap.air.group(ap, sent, when))

    def _hear_dtim(self, station: Station, frame: Frame, when: int) -> None:
        beacon = self._ap.beat.until(when, self._ap.beat.dtim)
        if not station.dozes() or station.hears_beacon(self._ap, beacon):
            self._hear_group(station, frame)

    def _hear_group(self, station: Station, frame: Frame) -> None:
        if self._ap.on_air and station.server is self._ap and not station.misses(self._ap, self._world.now):
            station.take_payload(frame)
