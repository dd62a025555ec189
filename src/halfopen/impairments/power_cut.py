"""A device loses power without a frame, and boots at ``end_ms``, at once without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class PowerCut(Impairment):
    """A device loses power without a frame, and boots at ``end_ms``, at once without one."""

    KIND: ClassVar[str] = "power-cut"
