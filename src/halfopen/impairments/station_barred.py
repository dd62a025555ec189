"""An access list refuses a station (status 1); one that is in stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class StationBarred(Impairment):
    """An access list refuses a station (status 1); one that is in stays."""

    KIND: ClassVar[str] = "station-barred"
