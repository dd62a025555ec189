"""The access point's radio falls silent and deaf, until ``end_ms``; it forgets nothing by that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class ApSilent(Impairment):
    """The access point's radio falls silent and deaf, until ``end_ms``; it forgets nothing by that."""

    KIND: ClassVar[str] = "ap-silent"
