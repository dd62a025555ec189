"""A device's supply dips: the detector prints its line and the chip resets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class BrownOut(Impairment):
    """A device's supply dips: the detector prints its line and the chip resets."""

    KIND: ClassVar[str] = "brown-out"
