"""Drawing lots: the chance that a scenario is drawn with, as a function of a seed and a purpose alone."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

from halfopen.twin.world import Chance

Option = TypeVar("Option")

#: Names of things in other people's houses and halls: a name means nothing.
_PLACES = (
    "kitchen",
    "cellar",
    "gate",
    "roof",
    "hall",
    "lab",
    "barn",
    "yard",
    "shop",
    "dock",
    "attic",
    "office",
)
_THINGS = (
    "sensor",
    "meter",
    "valve",
    "lamp",
    "lock",
    "pump",
    "panel",
    "camera",
    "probe",
    "relay",
    "fan",
    "node",
)
_HOSTS = ("server", "broker", "hub", "collector", "cloud", "backend", "mqtt", "home")


class Lots(Chance):
    """One stream of lots. Only ``random()`` underlies it, whose sequence never changes between Pythons."""

    @classmethod
    def of(cls, seed: int, purpose: str) -> Lots:
        """The stream of ``seed`` for ``purpose``."""
        return cls(int.from_bytes(hashlib.sha256(f"{seed}\0{purpose}".encode()).digest()[:8], "big"))

    def one_of(self, options: Sequence[Option]) -> Option:
        """One of ``options``, all alike."""
        return options[self.between(0, len(options) - 1)]

    def near(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, small ones as likely as large ones: even on a logarithmic scale."""
        return min(high, max(low, round(low * math.exp(math.log(high / low) * self.random()))))

    def device_name(self) -> str:
        """Such as ``cellar-pump``, or ``pump`` alone."""
        thing = self.one_of(_THINGS)
        return f"{self.one_of(_PLACES)}-{thing}" if self.happens(0.6) else thing

    def host_name(self) -> str:
        """Such as ``broker``."""
        return self.one_of(_HOSTS)
