"""Linux's clock: jiffies of 4 ms, and the timer wheel, which fires late by up to an eighth of a long delay.

The wheel is not a detail: SYNs of a Linux client come 1.024, 2.016, 4.16 and 8.192 s apart (data/lwip e2_httpd_like).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from halfopen.twin.world import MS, Timer

if TYPE_CHECKING:
    from halfopen.twin.world import World

#: CONFIG_HZ=250.
JIFFY_NS = 4 * MS
#: kernel/time/timer.c: levels of 64 buckets, each eight times as coarse; where a level starts, in jiffies.
_LEVELS = 9
_CLOCK_SHIFT = 3
_STARTS = tuple((63 << ((level - 1) * _CLOCK_SHIFT)) if level else 0 for level in range(_LEVELS))


class Jiffies:
    """One host's jiffies; they do not begin with the world."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._phase = world.chance(f"{name} jiffies").between(0, 512 * JIFFY_NS)

    def now(self) -> int:
        """The count of jiffies."""
        return (self._world.now + self._phase) // JIFFY_NS

    def fires_at(self, delay_ns: int) -> int:
        """When (ns) a timer set now for ``delay_ns`` fires."""
        delta = max(1, -(-delay_ns // JIFFY_NS))
        level = max(at for at, start in enumerate(_STARTS) if delta >= start)
        shift = level * _CLOCK_SHIFT
        bucket = ((self.now() + delta) >> shift) + 1
        return (bucket << shift) * JIFFY_NS - self._phase

    def after(self, delay_ns: int, action: Callable[..., object], *arguments: Any) -> Timer:
        """Set a timer."""
        return self._world.at(self.fires_at(delay_ns), action, *arguments)
