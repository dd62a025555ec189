"""The resolver answers nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class DnsSilent(Impairment):
    """The resolver answers nothing."""

    KIND: ClassVar[str] = "dns-silent"
