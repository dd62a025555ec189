"""Other networks take a share of the access point's channel: frames wait and collide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class DenseNetwork(Impairment):
    """Other networks take a share of the access point's channel: frames wait and collide."""

    KIND: ClassVar[str] = "dense-network"

    busy: float = 0.5

    def check(self) -> None:
        """See the base."""
        if not 0 <= self.busy <= 0.95:
            raise ValueError(f"busy is {self.busy}: 0 to 0.95 expected")
