"""A router answers every packet for ``ip`` (every peer when empty) with ICMP host unreachable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class Unreachable(Impairment):
    """A router answers every packet for ``ip`` (every peer when empty) with ICMP host unreachable."""

    KIND: ClassVar[str] = "unreachable"

    ip: str = ""
