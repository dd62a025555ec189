"""When an access point's beacons go, in closed form: number, time, DTIM count; which of them a dozing station wakes for."""

from __future__ import annotations

from halfopen.twin.wifi.figures import TIME_UNIT_NS
from halfopen.twin.world import US


class Beat:
    """The beacons of one life of an access point: the first at ``born`` (ns), one every ``interval_tu`` from then on.

    The DTIM count of beacon number 0 is 0; every ``dtim``-th beacon is a DTIM.
    """

    __slots__ = ("_clock_ns", "_shift", "born", "dtim", "interval", "interval_tu")

    def __init__(self, born: int, interval_tu: int, dtim: int) -> None:
        self.born = born
        self.interval_tu = interval_tu
        self.interval = interval_tu * TIME_UNIT_NS
        self.dtim = dtim
        #: What the clock showed when the world began (ns), and how far beacon 0 is from a DTIM.
        self._clock_ns = -born
        self._shift = 0

    def follow(self, now: int, clock_us: int, dtim_count: int) -> None:
        """The clock shows ``clock_us`` at ``now`` (ns): beacons go at multiples of their interval of it."""
        self._clock_ns = clock_us * US - now
        self.born = now + -(clock_us * US) % self.interval
        self._shift = dtim_count

    def clock_us(self, when: int) -> int:
        """What the access point's clock shows at ``when`` (ns), in microseconds."""
        return (when + self._clock_ns) // US

    def number_after(self, now: int, every: int = 1) -> int:
        """The number of the first beacon after ``now`` (ns) among every ``every``-th, counted from a DTIM."""
        shift = self._shift % every
        if now < self.born:
            return shift
        passed = (now - self.born) // self.interval
        return passed + 1 + (shift - passed - 1) % every

    def number_until(self, now: int, every: int = 1) -> int:
        """The number of the last beacon at or before ``now`` among every ``every``-th; below 0: none yet."""
        passed = (now - self.born) // self.interval
        return passed - (passed - self._shift) % every

    def time_of(self, number: int) -> int:
        """When a beacon goes (ns)."""
        return self.born + number * self.interval

    def after(self, now: int, every: int = 1) -> int:
        """When the first beacon after ``now`` among every ``every``-th goes (ns)."""
        return self.time_of(self.number_after(now, every))

    def until(self, now: int, every: int = 1) -> int:
        """When the last beacon at or before ``now`` among every ``every``-th went (ns)."""
        return self.time_of(self.number_until(now, every))

    def count(self, number: int) -> int:
        """The DTIM count that a beacon carries: 0 in a DTIM."""
        return (self._shift - number) % self.dtim
