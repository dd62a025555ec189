"""What all impairments share: when they begin and end, and how they are told as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, ClassVar

#: Which way packets go; ``both`` is both.
TO_PEER, TO_DEVICE, BOTH = "to-peer", "to-device", "both"
DIRECTIONS = (BOTH, TO_PEER, TO_DEVICE)
#: What a box in between does with a packet of a flow that it does not know.
ANSWERS = ("silent", "reset")


@dataclass(frozen=True, slots=True)
class Impairment:
    """Something done to a network from ``begin_ms`` to ``end_ms`` (milliseconds since the start; ``None``: for ever)."""

    KIND: ClassVar[str] = ""

    begin_ms: float = 0
    end_ms: float | None = None

    def __post_init__(self) -> None:
        """Check the times, then what the kind itself wants (``check``).

        Raises:
            ValueError: one line: what is wrong.
        """
        for key, value in asdict(self).items():
            if isinstance(value, float) and not isfinite(value):
                raise ValueError(f"{key} is {value}: a finite number expected")
        if self.begin_ms < 0:
            raise ValueError(f"begin_ms is {self.begin_ms}: before the start")
        if self.end_ms is not None and self.end_ms < self.begin_ms:
            raise ValueError(f"end_ms {self.end_ms} is before begin_ms {self.begin_ms}")
        self.check()

    def check(self) -> None:
        """What a kind wants of its own values."""

    def as_dict(self) -> dict[str, Any]:
        """The table that makes the same impairment again."""
        return {"kind": self.KIND, **{key: value for key, value in asdict(self).items() if value is not None}}


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise ValueError unless ``value`` is among ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}: one of {', '.join(allowed)} expected")


def share(name: str, value: float) -> None:
    """Raise ValueError unless ``value`` is a probability."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}: 0 to 1 expected")


def positive(name: str, value: float) -> None:
    """Raise ValueError when ``value`` is negative."""
    if value < 0:
        raise ValueError(f"{name} is {value}: it cannot be negative")
