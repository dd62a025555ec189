"""Virtual time and chance: the sole owner of both. Nothing else in the twin reads a clock or rolls dice.

Time is a whole number of nanoseconds since the world began. Whole, because sums of floats differ with their order;
nanoseconds, because the captures that the twin is held against count them, and milliseconds, the 10 ms tick of
FreeRTOS and the 4 ms jiffy of the peer are all whole multiples. Events of one moment happen in the order in which
they were asked for.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable
from typing import Any

US = 1_000
MS = 1_000_000
SECOND = 1_000_000_000
#: Virtual time zero on a calendar, for capture files: 2025-01-01T00:00:00Z in nanoseconds since the epoch.
EPOCH_NS = 1_735_689_600 * SECOND

#: So many cancelled timers may wait in the queue before it is swept (they are half of it at least, too).
_SWEEP_AT = 4096


class Timer:
    """One event to come; ``cancel()`` takes it back. ``when`` is its time in ns, also after it fired."""

    __slots__ = ("_action", "_arguments", "_world", "when")

    def __init__(
        self, world: World, when: int, action: Callable[..., object], arguments: tuple[Any, ...]
    ) -> None:
        self._world = world
        self.when = when
        self._action: Callable[..., object] | None = action
        self._arguments = arguments

    @property
    def pending(self) -> bool:
        """Whether it will still fire."""
        return self._action is not None

    def cancel(self) -> None:
        """Never fire. Harmless after it fired."""
        if self._action is not None:
            self._action = None
            self._arguments = ()
            self._world._forget_one()


class Chance(random.Random):
    """One entity's stream of chance. Only ``random()`` underlies it: the one method whose sequence never changes."""

    def happens(self, probability: float) -> bool:
        """Whether something of this probability (0–1) happens; 0 and 1 take nothing from the stream."""
        if probability <= 0:
            return False
        return probability >= 1 or self.random() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.random() * (high - low + 1))


class World:
    """A clock, a queue of events and named streams of chance, all from one seed."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        #: Nanoseconds since the world began.
        self.now = 0
        #: Events that happened so far.
        self.events = 0
        self._queue: list[tuple[int, int, Timer]] = []
        self._asked = 0
        self._cancelled = 0
        self._streams: dict[str, Chance] = {}

    def at(self, when: int, action: Callable[..., object], *arguments: Any) -> Timer:
        """Call ``action(*arguments)`` at ``when`` (ns); a time already past means now."""
        timer = Timer(self, max(when, self.now), action, arguments)
        self._asked += 1
        heapq.heappush(self._queue, (timer.when, self._asked, timer))
        return timer

    def after(self, delay: int, action: Callable[..., object], *arguments: Any) -> Timer:
        """Call ``action(*arguments)`` in ``delay`` ns."""
        when = self.now + delay if delay > 0 else self.now
        timer = Timer(self, when, action, arguments)
        self._asked += 1
        heapq.heappush(self._queue, (when, self._asked, timer))
        return timer

    def chance(self, name: str) -> Chance:
        """The stream of the entity ``name``: the same for one seed, whatever else lives in the world."""
        stream = self._streams.get(name)
        if stream is None:
            digest = hashlib.sha256(f"{self.seed}\0{name}".encode()).digest()
            stream = self._streams[name] = Chance(int.from_bytes(digest[:8], "big"))
        return stream

    def next_event(self) -> int | None:
        """When the next event happens (ns); ``None``: never."""
        queue = self._queue
        while queue and queue[0][2]._action is None:
            heapq.heappop(queue)
            self._cancelled -= 1
        return queue[0][0] if queue else None

    def run(self, until: int | None = None) -> None:
        """Let events happen up to ``until`` (ns, included), or until there are none; the clock then stands there."""
        queue = self._queue
        pop = heapq.heappop
        while queue:
            when = queue[0][0]
            if until is not None and when > until:
                break
            timer = pop(queue)[2]
            action = timer._action
            if action is None:
                self._cancelled -= 1
                continue
            arguments = timer._arguments
            timer._action = None
            timer._arguments = ()
            self.now = when
            self.events += 1
            action(*arguments)
        if until is not None and until > self.now:
            self.now = until

    def _forget_one(self) -> None:
        """A timer was cancelled: sweep the queue when the dead outnumber the living."""
        self._cancelled += 1
        if self._cancelled > _SWEEP_AT and self._cancelled * 2 > len(self._queue):
            # In place: run() holds the list.
            self._queue[:] = [entry for entry in self._queue if entry[2]._action is not None]
            heapq.heapify(self._queue)
            self._cancelled = 0
