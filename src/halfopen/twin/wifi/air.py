"""The medium: one channel is one queue, a frame is tried until it is acknowledged, and every try takes its time.

What becomes of a frame is decided when it is sent, and one event tells both ends: a frame of ten tries costs no more
than one of one try. A log, where somebody records, is told of each try.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from halfopen.impairments.span import TO_DEVICE, TO_PEER
from halfopen.twin.truth import Truth
from halfopen.twin.wifi.figures import AIR, AirFigures
from halfopen.twin.wifi.frames import AirFrame
from halfopen.twin.wifi.path import Path
from halfopen.twin.wifi.signal import seed_of, share
from halfopen.twin.world import World

if TYPE_CHECKING:
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.dozing import DozingRadio
    from halfopen.twin.wifi.station import Station

#: Told whether the frame was acknowledged.
Done = Callable[[bool], object]
_BITS_NS = 8_000.0  # one byte at 1 Mbit/s, in ns


class Log(Protocol):
    """Whoever records the air."""

    def tried(
        self, end: int, frame: AirFrame, path: Path | None, ap: AccessPoint, retry: bool, ack: int | None
    ) -> None:
        """A try ended at ``end`` (ns) and was acknowledged until ``ack`` (ns), or was not."""

    def born(self, ap: AccessPoint) -> None:
        """An access point sends beacons from now on."""

    def died(self, ap: AccessPoint) -> None:
        """It sends no beacons any more."""

    def waits(self, ap: AccessPoint, aid: int, waiting: bool) -> None:
        """From now on its beacons say that frames wait for ``aid`` (0: for all), or no longer."""


class Air:
    """All radios of one world that can hear each other, by channel."""

    def __init__(self, world: World, truth: Truth | None = None, figures: AirFigures = AIR) -> None:
        self.world = world
        self.truth = truth or Truth(world)
        self.figures = figures
        self.aps: list[AccessPoint] = []
        self.stations: list[Station] = []
        self.log: Log | None = None
        self._free_at: dict[int, int] = {}
        self._chance = world.chance("air")

    def seed_for(self, name: str) -> int:
        """The seed of a process that belongs to ``name``."""
        return seed_of(self.world.seed, name)

    def settle(self) -> None:
        """Bring what is played in closed form up to now: something is going to change, or wants to be read."""
        for station in self.stations:
            station.rouse()
            station.settle()
        for ap in self.aps:
            ap.settle()

    def settle_one(self, station: DozingRadio) -> None:
        """The same for one station, before something changes for it alone."""
        station.rouse()
        station.settle()
        for ap in self.aps:
            ap.settle_one(station.mac)

    def changed(self) -> None:
        """Something changed: let everybody look again at what may go wrong from now on."""
        for station in self.stations:
            station.look()
        for ap in self.aps:
            ap.look()

    def changed_one(self, station: DozingRadio) -> None:
        """Something changed for one station alone."""
        station.look()
        for ap in self.aps:
            ap.look_at(station.mac)

    # Sending ------------------------------------------------------------------------------------------------

    def span(self, frame: AirFrame) -> int:
        """How long one try of ``frame`` occupies the channel, its acknowledgement included (ns)."""
        figures = self.figures
        if figures.instant:
            return figures.access_ns + figures.ack_ns
        if frame.management:
            took = figures.preamble_ns + int(frame.size() * _BITS_NS / figures.management_mbit)
        else:
            took = figures.data_preamble_ns + int(frame.size() * _BITS_NS / figures.data_mbit)
        return figures.access_ns + took + figures.sifs_ns + figures.ack_ns

    def unicast(
        self,
        path: Path,
        frame: AirFrame,
        direction: str,
        arrived: Callable[[AirFrame, Path], object],
        done: Done | None = None,
        listening: bool = True,
    ) -> None:
        """Send ``frame`` along ``path``: ``arrived`` is called when it was heard, then ``done``.

        ``listening`` false: the receiver is not there (asleep, elsewhere, off), and nothing acknowledges.
        """
        world, ap = self.world, path.ap
        now = world.now
        retries = ap.figures.retries if direction == TO_DEVICE else path.station.figures.retries
        fails, unacked = (
            (path.fails(direction, now), path.ack_fails(direction, now)) if listening else (1.0, 1.0)
        )
        span = self.span(frame)
        wait = int(span * ap.busy / (1.0 - ap.busy)) if ap.busy else 0
        end = max(now, self._free_at.get(ap.channel, 0))
        heard_at: int | None = None
        acked = False
        tries = 0
        for tries in range(1, retries + 2):
            end += span + (self._chance.between(0, 2 * wait) if wait else 0)
            heard = not self._chance.happens(fails)
            if heard and heard_at is None:
                heard_at = end
            acked = heard and not self._chance.happens(unacked)
            if self.log is not None:
                self.log.tried(end, frame, path, ap, tries > 1, end if acked else None)
            if acked:
                break
        self._free_at[ap.channel] = end
        spent = tries * span
        path.station.airtime_ns += spent
        ap.airtime_ns += spent
        if heard_at is None:
            if done is not None:
                world.at(end, done, False)
        elif done is None:
            world.at(heard_at, arrived, frame, path)
        elif heard_at == end:
            world.at(end, self._both, frame, path, arrived, done, acked)
        else:
            world.at(heard_at, arrived, frame, path)
            world.at(end, done, acked)

    @staticmethod
    def _both(
        frame: AirFrame, path: Path, arrived: Callable[[AirFrame, Path], object], done: Done, acked: bool
    ) -> None:
        arrived(frame, path)
        done(acked)

    def group(self, ap: AccessPoint, frame: AirFrame, when: int) -> int:
        """``ap`` (or, in a probe request, a station) sends ``frame`` to all at ``when`` or later; when it is over (ns).

        Nobody acknowledges; who hears it, the caller asks each path.
        """
        end = max(when, self._free_at.get(ap.channel, 0) if when <= self.world.now else 0) + self.span(frame)
        if when <= self.world.now:
            self._free_at[ap.channel] = end
        ap.airtime_ns += self.span(frame)
        if self.log is not None:
            self.log.tried(end, frame, None, ap, False, None)
        return end

    def note_past(
        self, path: Path, frame: AirFrame, direction: str, when: int, listening: bool = True
    ) -> bool:
        """A frame went at ``when`` (ns, past) in closed form; whether it was acknowledged. It takes its air time."""
        fails = path.fails(direction, when) if listening else 1.0
        acked = fails < 1.0
        tries = 1
        while (
            tries <= ap_or_station_retries(path, direction)
            and share(path.station.scan_seed, when + tries) < fails
        ):
            tries += 1
        span = self.span(frame)
        path.station.airtime_ns += tries * span
        path.ap.airtime_ns += tries * span
        if self.log is not None:
            for number in range(1, tries + 1):
                end = when + number * span
                self.log.tried(
                    end, frame, path, path.ap, number > 1, end if acked and number == tries else None
                )
        return acked

    def note_unseen(self, path: Path, frame: AirFrame, count: int) -> None:
        """So many frames alike went in closed form, with as many tries as they take on average, and nobody records."""
        fails = path.fails_at_worst(TO_PEER)
        spent = int(count * self.span(frame) / (1.0 - fails)) if fails < 1.0 else count * self.span(frame)
        path.station.airtime_ns += spent
        path.ap.airtime_ns += spent

    # The lab's switch ---------------------------------------------------------------------------------------

    def block(self, ap: AccessPoint, station: Station, direction: str, *, blocked: bool = True) -> None:
        """Let nothing pass between two radios in ``direction`` (``to-peer`` is to the access point), or let it again."""
        self.settle()
        station.path_to(ap).block(direction, 1 if blocked else -1)
        self.changed()


def ap_or_station_retries(path: Path, direction: str) -> int:
    """How often whoever sends in ``direction`` tries again."""
    return path.ap.figures.retries if direction == TO_DEVICE else path.station.figures.retries


__all__ = ["TO_DEVICE", "TO_PEER", "Air", "Log"]
