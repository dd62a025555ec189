"""Packets take longer, each by up to ``jitter_ms`` more; jitter alone never reorders a flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import BOTH, DIRECTIONS, Impairment, one_of, positive


@dataclass(frozen=True, slots=True)
class Delay(Impairment):
    """Packets take longer, each by up to ``jitter_ms`` more; jitter alone never reorders a flow."""

    KIND: ClassVar[str] = "delay"

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    direction: str = BOTH

    def check(self) -> None:
        """See the base."""
        positive("delay_ms", self.delay_ms)
        positive("jitter_ms", self.jitter_ms)
        one_of("direction", self.direction, DIRECTIONS)
