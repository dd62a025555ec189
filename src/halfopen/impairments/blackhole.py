"""Nothing passes, nobody is told. With ``arp_answers`` the neighbour is still found: a filter, not a cut cable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import BOTH, DIRECTIONS, Impairment, one_of


@dataclass(frozen=True, slots=True)
class Blackhole(Impairment):
    """Nothing passes, nobody is told. With ``arp_answers`` the neighbour is still found: a filter, not a cut cable."""

    KIND: ClassVar[str] = "blackhole"

    direction: str = BOTH
    arp_answers: bool = True

    def check(self) -> None:
        """See the base."""
        one_of("direction", self.direction, DIRECTIONS)
