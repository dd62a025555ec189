"""The access point drops what it knows of a station, and sends no frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class ApForgets(Impairment):
    """The access point drops what it knows of a station, and sends no frame."""

    KIND: ClassVar[str] = "ap-forgets"
