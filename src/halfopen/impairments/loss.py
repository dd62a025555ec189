"""Packets vanish by chance: interference, a full queue, a bad cable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import BOTH, DIRECTIONS, Impairment, one_of, share


@dataclass(frozen=True, slots=True)
class Loss(Impairment):
    """Packets vanish by chance: interference, a full queue, a bad cable."""

    KIND: ClassVar[str] = "loss"

    probability: float = 0.0
    direction: str = BOTH

    def check(self) -> None:
        """See the base."""
        share("probability", self.probability)
        one_of("direction", self.direction, DIRECTIONS)
