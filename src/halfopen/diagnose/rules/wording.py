"""Numbers as a person would say them."""

from __future__ import annotations

from collections.abc import Sequence


def often(count: int) -> str:
    """``once``, ``twice``, ``7 times``."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def counted(count: int, noun: str, nouns: str = "") -> str:
    """``1 heartbeat``, ``3 heartbeats``; ``nouns`` where the plural takes more than an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {nouns or noun + 's'}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``19 s``, ``3 min``, ``2.1 h``: a span of time."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)
