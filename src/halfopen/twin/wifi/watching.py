"""How a station notices that the beacons are gone, in closed form while it certainly hears them.

Which beacon is missed is drawn from its number alone, so that whoever asks gets the same answer. Where some may be missed
the beacons ahead are looked through in one go, and only what comes of it becomes an event.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from halfopen.impairments.span import TO_DEVICE, TO_PEER
from halfopen.twin.wifi import joining as j
from halfopen.twin.wifi.frames import null
from halfopen.twin.wifi.path import SURE
from halfopen.twin.wifi.signal import SHADOW_NS, share

if TYPE_CHECKING:
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.dozing import DozingRadio
    from halfopen.twin.world import Timer

#: So far ahead uncertain beacons are looked through.
_AHEAD_NS = 3 * SHADOW_NS


class BeaconWatch:
    """The beacons of one station's access point: when the last was heard, and when that is too long ago."""

    def __init__(self, station: DozingRadio) -> None:
        self._station = station
        self._world = station.world
        self._seed = station.air.seed_for(f"{station.name} beacons")
        #: When the last beacon was heard (ns), as far as :meth:`settle` knows.
        self.heard_at = 0
        self._certain = False
        self._ahead: list[int] = []
        self._timer: Timer | None = None
        self._asking = 0

    # Single beacons -----------------------------------------------------------------------------------------

    def misses(self, ap: AccessPoint, number: int, together: float | None = None) -> bool:
        """Whether a beacon of ``ap`` that the station should hear is missed; ``together`` is its probability, if known."""
        if together is None:
            together = self._fails(ap, ap.beat.time_of(number))
        if together <= 0.0 or together >= 1.0:
            return together >= 1.0
        return share(self._seed ^ ap.beat.born, number) < together

    def _fails(self, ap: AccessPoint, when: int) -> float:
        """The probability that a beacon at ``when`` is missed: it is not heard, or the radio wakes too late."""
        station = self._station
        failed = station.path_to(ap).fails(TO_DEVICE, when)
        miss = station.wake_miss_now()
        return 1.0 - (1.0 - failed) * (1.0 - miss) if miss else failed

    def wake_fails(self, ap: AccessPoint) -> float:
        """The probability, at the worst, that a beacon is missed."""
        failed = self._station.path_to(ap).fails_at_worst(TO_DEVICE)
        return 1.0 - (1.0 - failed) * (1.0 - self._station.wake_miss_now())

    # The last one -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The station joined: it has just heard its access point."""
        self.heard_at = self._world.now
        self.look()

    def stop(self) -> None:
        """It is with nobody."""
        self._certain = False
        self._ahead = []
        self._asking = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def settle(self) -> None:
        """Know the last beacon that was heard until now."""
        ap, now = self._station.ap, self._world.now
        if ap is None:
            return
        if self._certain:
            last = ap.beat.until(now, self._station.wakes_every(ap))
            self.heard_at = max(self.heard_at, last)
        elif self._ahead:
            place = bisect_right(self._ahead, now)
            if place:
                self.heard_at = max(self.heard_at, self._ahead[place - 1])
                del self._ahead[:place]

    def look(self) -> None:
        """Something changed: see what may come of the beacons from now on."""
        station = self._station
        ap = station.ap
        if self._asking or station.state != j.RUN or ap is None:
            return
        self.settle()
        self._ahead = []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._certain = ap.on_air and self._sure(ap, self.wake_fails(ap))
        if not self._certain:
            self._look_ahead(ap)

    def _sure(self, ap: AccessPoint, failed: float) -> bool:
        station = self._station
        chances = station.figures.beacon_limit_ns // (ap.beat.interval * station.wakes_every(ap))
        return float(failed ** max(chances, 1)) < SURE

    def _look_ahead(self, ap: AccessPoint) -> None:
        station, now = self._station, self._world.now
        limit = station.figures.beacon_limit_ns
        path = station.path_to(ap)
        heard = self.heard_at
        if not ap.on_air or path.blocked[TO_DEVICE] or station.wake_miss_now() >= 1.0:
            self._timer = self._world.at(heard + limit, self._missed)
            return
        every = station.wakes_every(ap)
        number = ap.beat.number_after(now, every)
        end = now + _AHEAD_NS
        found: list[int] = []
        # A signal at rest fails alike all the time, and no block of it is better than another.
        alike = None if path.signal.restless else self._fails(ap, now)
        while (when := ap.beat.time_of(number)) < end:
            block = (when // SHADOW_NS + 1) * SHADOW_NS
            if alike is None and self._sure(ap, path_at_worst(station, ap, when, block)):
                # Some of these beacons are certainly heard: the last of the block stands for all.
                number = ap.beat.number_until(block, every)
                heard = ap.beat.time_of(number)
                found.append(heard)
                number += every
                continue
            if not self.misses(ap, number, alike):
                heard = when
                found.append(when)
            elif when - heard >= limit:
                break
            number += every
        self._ahead = found
        due = heard + limit
        self._timer = self._world.at(due, self._missed) if due <= end else self._world.at(end, self.look)

    # Too long ago -------------------------------------------------------------------------------------------

    def _missed(self) -> None:
        self._timer = None
        station = self._station
        station.tell("beacons-missed")
        station.note("beacons-lost", last_ms=self.heard_at / 1_000_000)
        self._ask()

    def _ask(self) -> None:
        station = self._station
        ap = station.ap
        if ap is None:
            return
        self._asking += 1
        frame = null(ap.bssid, station.mac, power=False, qos=station.figures.qos)
        station.send_up(frame, self._answered)

    def _answered(self, acked: bool) -> None:
        station = self._station
        if not self._asking or station.state != j.RUN:
            return
        if acked:
            self._asking = 0
            self.heard_at = self._world.now
            self.look()
        elif self._asking >= station.figures.nulls:
            self._timer = self._world.after(station.figures.null_every_ns, self._give_up)
        else:
            self._timer = self._world.after(station.figures.null_every_ns, self._ask_again)

    def _ask_again(self) -> None:
        self._timer = None
        self._ask()

    def _give_up(self) -> None:
        self._timer = None
        self._asking = 0
        self._station.tell("probing-over")
        self._station.happen(j.BEACONS_LOST, 200)

    @property
    def asking(self) -> bool:
        """Whether it asks for a sign of life just now, wide awake."""
        return self._asking > 0


def path_at_worst(station: DozingRadio, ap: AccessPoint, begin: int, end: int) -> float:
    """The probability, at the worst from ``begin`` to ``end`` (ns), that a beacon is missed."""
    path = station.path_to(ap)
    failed = path.fails_within(TO_DEVICE, begin, end)
    return 1.0 - (1.0 - failed) * (1.0 - station.wake_miss_now())


__all__ = ["TO_PEER", "BeaconWatch"]
