"""A station's signal is weaker by ``loss_db`` and more restless: slow shadowing (standard deviation), multipath (mean depth)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment, positive


@dataclass(frozen=True, slots=True)
class Fading(Impairment):
    """A station's signal is weaker by ``loss_db`` and more restless: slow shadowing (standard deviation), multipath (mean depth)."""

    KIND: ClassVar[str] = "fading"

    loss_db: float = 0.0
    shadowing_db: float = 0.0
    multipath_db: float = 0.0

    def check(self) -> None:
        """See the base."""
        positive("shadowing_db", self.shadowing_db)
        positive("multipath_db", self.multipath_db)
        if abs(self.loss_db) > 200:
            raise ValueError(f"loss_db is {self.loss_db}: -200 to 200 expected")
