"""The DHCP server answers nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class DhcpSilent(Impairment):
    """The DHCP server answers nothing."""

    KIND: ClassVar[str] = "dhcp-silent"
