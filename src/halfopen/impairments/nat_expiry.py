"""A NAT or firewall forgets a flow that was silent for ``idle_ms``; a new SYN makes it known again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import ANSWERS, Impairment, one_of, positive


@dataclass(frozen=True, slots=True)
class NatExpiry(Impairment):
    """A NAT or firewall forgets a flow that was silent for ``idle_ms``; a new SYN makes it known again."""

    KIND: ClassVar[str] = "nat-expiry"

    idle_ms: float = 300_000.0
    answer: str = "silent"

    def check(self) -> None:
        """See the base."""
        positive("idle_ms", self.idle_ms)
        one_of("answer", self.answer, ANSWERS)
