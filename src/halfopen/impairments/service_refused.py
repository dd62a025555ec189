"""Nobody listens on ``port`` of the peer: SYNs are answered by RST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment, positive


@dataclass(frozen=True, slots=True)
class ServiceRefused(Impairment):
    """Nobody listens on ``port`` of the peer: SYNs are answered by RST."""

    KIND: ClassVar[str] = "service-refused"

    port: int = 0

    def check(self) -> None:
        """See the base."""
        positive("port", self.port)
