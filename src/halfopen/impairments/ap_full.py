"""The access point takes no new station (status 17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class ApFull(Impairment):
    """The access point takes no new station (status 17)."""

    KIND: ClassVar[str] = "ap-full"
