"""The access point restarts and says so (broadcast deauthentication 3); it boots at ``end_ms``, half a minute later without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class ApRestarted(Impairment):
    """The access point restarts and says so (broadcast deauthentication 3); it boots at ``end_ms``, half a minute later without one."""

    KIND: ClassVar[str] = "ap-restarted"
