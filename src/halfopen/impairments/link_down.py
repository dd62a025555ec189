"""The device loses its link and is told so: what WIFI_EVENT_STA_DISCONNECTED does. At ``end_ms`` it has it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class LinkDown(Impairment):
    """The device loses its link and is told so: what WIFI_EVENT_STA_DISCONNECTED does. At ``end_ms`` it has it back."""

    KIND: ClassVar[str] = "link-down"
