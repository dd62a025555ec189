"""The access point parts with a station: steering, a command, a policy. ``every_ms`` repeats it until ``end_ms``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment, one_of, positive


@dataclass(frozen=True, slots=True)
class StationKicked(Impairment):
    """The access point parts with a station: steering, a command, a policy. ``every_ms`` repeats it until ``end_ms``."""

    KIND: ClassVar[str] = "station-kicked"

    reason: int = 8
    frame: str = "disassoc"
    every_ms: float = 0

    def check(self) -> None:
        """See the base."""
        one_of("frame", self.frame, ("deauth", "disassoc"))
        positive("every_ms", self.every_ms)
        if not 1 <= self.reason <= 65535:
            raise ValueError(f"reason is {self.reason}: 1 to 65535 expected")
