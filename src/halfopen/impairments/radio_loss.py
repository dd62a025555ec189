"""Each try of a frame on the air fails with a probability, beside what the signal does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import BOTH, DIRECTIONS, Impairment, one_of, share


@dataclass(frozen=True, slots=True)
class RadioLoss(Impairment):
    """Each try of a frame on the air fails with a probability, beside what the signal does."""

    KIND: ClassVar[str] = "radio-loss"

    probability: float = 0.0
    direction: str = BOTH

    def check(self) -> None:
        """See the base."""
        share("probability", self.probability)
        one_of("direction", self.direction, DIRECTIONS)
