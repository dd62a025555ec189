"""Interrupts are served late: a station that dozes wakes too late for that share of the beacons it wakes for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment, share


@dataclass(frozen=True, slots=True)
class LateWake(Impairment):
    """Interrupts are served late: a station that dozes wakes too late for that share of the beacons it wakes for."""

    KIND: ClassVar[str] = "late-wake"

    probability: float = 0.5

    def check(self) -> None:
        """See the base."""
        share("probability", self.probability)
