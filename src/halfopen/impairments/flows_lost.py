"""A box in between forgets every flow that exists at ``begin_ms``: the half-open connection in its purest form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import ANSWERS, Impairment, one_of


@dataclass(frozen=True, slots=True)
class FlowsLost(Impairment):
    """A box in between forgets every flow that exists at ``begin_ms``: the half-open connection in its purest form.

    New flows pass. ``answer`` is what packets of a forgotten one get: nothing, or a RST in the peer's name.
    """

    KIND: ClassVar[str] = "flows-lost"

    answer: str = "silent"

    def check(self) -> None:
        """See the base."""
        one_of("answer", self.answer, ANSWERS)
