"""The peer is gone without a word: not even ARP is answered. At ``end_ms`` it is back, its connections intact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from halfopen.impairments.span import Impairment


@dataclass(frozen=True, slots=True)
class PeerVanished(Impairment):
    """The peer is gone without a word: not even ARP is answered. At ``end_ms`` it is back, its connections intact."""

    KIND: ClassVar[str] = "peer-vanished"
