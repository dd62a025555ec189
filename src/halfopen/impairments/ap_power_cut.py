"""The access point loses power, and with it all that it knew; it boots at ``end_ms``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class ApPowerCut(Impairment):
    """The access point loses power, and with it all that it knew; it boots at ``end_ms``."""

    KIND: ClassVar[str] = "ap-power-cut"
