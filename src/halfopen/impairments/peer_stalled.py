"""The peer's application stops reading: its window closes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class PeerStalled(Impairment):
    """The peer's application stops reading: its window closes."""

    KIND: ClassVar[str] = "peer-stalled"
