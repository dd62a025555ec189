"""The peer loses its state without a packet; until ``end_ms`` it is not there at all, afterwards it serves again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class PeerRebooted(Impairment):
    """The peer loses its state without a packet; until ``end_ms`` it is not there at all, afterwards it serves again."""

    KIND: ClassVar[str] = "peer-rebooted"
