"""How strong a station hears its access point: a seeded process that can be asked for any moment without playing those before.

Slow shadowing is interpolated between Gaussian knots, multipath fades anew with every block; both are functions of the
seed, the pair and the time, so that nobody spends an event on them.
"""

from __future__ import annotations

import functools
import hashlib
import math

from halfopen.twin.world import MS, SECOND

#: Somebody walks by, a door opens: what shadows changes within so long.
SHADOW_NS = 20 * SECOND
#: Multipath changes with every half wavelength, 6 cm at 2.4 GHz, that anything moves.
MULTIPATH_NS = 500 * MS
#: Both are cut there (standard deviations, mean depths), so that a bound can be named.
_SHADOW_MOST, _DIP_MOST = 2.5, 4.0
#: ASSUMPTIONS: half of the frames fail at -90 dBm, and the slope.
_HALF_DBM, _SLOPE_DB = -90.0, 1.5
#: What fails more seldom than this does not fail.
NEVER = 1e-6
_NORMALS_KEPT = 16
_MASK = (1 << 64) - 1


def mixed(number: int) -> int:
    """64 bits that look random, of 64 bits (the finalizer of SplitMix64)."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def share(seed: int, number: int) -> float:
    """A number from 0 to 1 (not included) that belongs to ``number`` alone: ``mixed(seed ^ mixed(number))``."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    number = ((seed ^ number ^ (number >> 31)) + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return (number ^ (number >> 31)) / 2**64


def seed_of(seed: int, name: str) -> int:
    """The seed of what ``name`` names."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{name}".encode()).digest()[:8], "big")


@functools.lru_cache(maxsize=1024)  # a signal that is at rest is asked again and again
def failing(dbm: float) -> float:
    """The probability that one attempt at this strength fails."""
    raised = (dbm - _HALF_DBM) / _SLOPE_DB
    if raised > 30:
        return 0.0
    failed = 1.0 / (1.0 + math.exp(max(raised, -30.0)))
    return 0.0 if failed < NEVER else failed


class Signal:
    """The strength at which one station and one access point hear each other, over time; dBm."""

    __slots__ = ("_normals", "_seed", "loss_db", "mean_dbm", "multipath_db", "shadowing_db")

    def __init__(
        self, seed: int, mean_dbm: float, shadowing_db: float = 0.0, multipath_db: float = 0.0
    ) -> None:
        self._seed = seed
        #: Gaussians that were needed lately, by their place.
        self._normals: dict[int, float] = {}
        self.mean_dbm = mean_dbm
        self.shadowing_db = shadowing_db
        self.multipath_db = multipath_db
        #: What an impairment takes from it.
        self.loss_db = 0.0

    @property
    def restless(self) -> bool:
        """Whether it changes with time."""
        return bool(self.shadowing_db or self.multipath_db)

    @property
    def weakest(self) -> float:
        """It is never weaker than this."""
        return self.mean_dbm - self.loss_db - _SHADOW_MOST * self.shadowing_db - _DIP_MOST * self.multipath_db

    def weakest_until(self, begin: int, end: int) -> float:
        """It is not weaker than this from ``begin`` to ``end`` (ns), which is at most :data:`SHADOW_NS` later."""
        if not self.restless:
            return self.mean_dbm - self.loss_db
        knots = range(begin // SHADOW_NS, end // SHADOW_NS + 2)
        slow = min(map(self._knot, knots)) if self.shadowing_db else 0.0
        return self.mean_dbm - self.loss_db + slow - _DIP_MOST * self.multipath_db

    def at(self, now: int) -> float:
        """The strength at ``now`` (ns)."""
        dbm = self.mean_dbm - self.loss_db
        if self.shadowing_db:
            place, rest = divmod(now, SHADOW_NS)
            before, after = self._knot(place), self._knot(place + 1)
            dbm += before + (after - before) * rest / SHADOW_NS
        if self.multipath_db:
            chance = share(self._seed ^ 0x5D, now // MULTIPATH_NS)
            dbm -= self.multipath_db * min(-math.log(1.0 - chance), _DIP_MOST)
        return dbm

    def _knot(self, place: int) -> float:
        """A Gaussian of the shadowing process (Box and Muller)."""
        normal = self._normals.get(place)
        if normal is None:
            first, second = share(self._seed, 2 * place), share(self._seed, 2 * place + 1)
            normal = math.sqrt(-2.0 * math.log(1.0 - first)) * math.cos(2.0 * math.pi * second)
            if len(self._normals) >= _NORMALS_KEPT:
                self._normals.clear()
            self._normals[place] = normal
        return self.shadowing_db * max(-_SHADOW_MOST, min(_SHADOW_MOST, normal))
