"""Nothing passes between a station and any access point; beacons are ``to-device``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import BOTH, DIRECTIONS, Impairment, one_of


@dataclass(frozen=True, slots=True)
class RadioDropout(Impairment):
    """Nothing passes between a station and any access point; beacons are ``to-device``."""

    KIND: ClassVar[str] = "radio-dropout"

    direction: str = BOTH

    def check(self) -> None:
        """See the base."""
        one_of("direction", self.direction, DIRECTIONS)
