"""How the free heap moves: a robust slope with its interval (Theil and Sen), per sample."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from halfopen.diagnose.events import HeapSampled
from halfopen.diagnose.timeline import Timeline
from halfopen.formats.patterns import Pattern

#: Fewer samples say nothing about a slope.
SAMPLES_MIN = 4
#: So many samples without a further fall, and so many times the longest pause before, are an end and no pause.
_PLATEAU_MIN, _PLATEAU_TIMES = 10, 3
#: The slope of so many samples is computed from every pair; longer series are thinned evenly.
_SAMPLES_MAX = 200

_FIGURES = Pattern(r"\d+")


class HeapTrend(Struct, frozen=True):
    """``slope`` in bytes per sample with its 95 % interval ``low`` to ``high``; ``fallen`` bytes from the highest
    to the last sample, ``returned`` the share of the fall that came back by the last one (0 to 1)."""

    samples: tuple[HeapSampled, ...]
    slope: float
    low: float
    high: float
    fallen: int
    returned: float

    @property
    def first(self) -> int:
        """Free heap at the first sample, bytes."""
        return self.samples[0].free or 0

    @property
    def seconds(self) -> float | None:
        """Time from the first to the last sample."""
        return self.samples[-1].at.since(self.samples[0].at)

    def still_falling(self) -> float:
        """The share of the whole fall that happened in the second half of the time (of the samples without a clock):
        a heap that only fills its caches at the start has nothing left to lose."""
        middle = len(self.samples) / 2
        if span := self.seconds:
            times = [s.at.since(self.samples[0].at) or 0.0 for s in self.samples]
            after = next(n for n, t in enumerate(times) if t >= span / 2)
            gap = times[after] - times[after - 1] if after else 0.0
            middle = after - ((times[after] - span / 2) / gap if gap else 0.0)
        low = int(middle)
        high = min(low + 1, len(self.samples) - 1)
        below, above = self.samples[low].free or 0, self.samples[high].free or 0
        halfway = below + (above - below) * (middle - low)
        whole = self.first - self.last
        return (halfway - self.last) / whole if whole > 0 else 0.0

    @property
    def stopped(self) -> bool:
        """Whether it has not fallen any further for much longer than it ever paused while it fell: what grew is full."""
        lowest, pause, longest = self.first, 0, 1
        for sample in self.samples:
            if (sample.free or 0) < lowest:
                lowest, pause, longest = sample.free or 0, 0, max(longest, pause)
            pause += 1
        return pause >= _PLATEAU_MIN and pause > _PLATEAU_TIMES * longest

    @property
    def last(self) -> int:
        """Free heap at the last sample, bytes."""
        return self.samples[-1].free or 0


def longest_series(timeline: Timeline) -> list[HeapSampled]:
    """The samples of the free heap in the boot that has most of them; empty without any."""
    by_epoch: dict[tuple[str, int, str], list[HeapSampled]] = {}
    for sample in timeline.heap:
        by_epoch.setdefault((sample.where.source, sample.at.epoch, sample.pool), []).append(sample)
    return max(by_epoch.values(), key=len, default=[])


def alike(samples: Sequence[HeapSampled]) -> list[HeapSampled]:
    """Those of ``samples`` whose lines differ in figures alone, the most that do: a program that prints its heap before and
    after something tells of two levels in turn."""
    by_wording: dict[str, list[HeapSampled]] = {}
    for sample in samples:
        by_wording.setdefault(_FIGURES.sub("", sample.where.text), []).append(sample)
    return max(by_wording.values(), key=len, default=[])


def trend(samples: Sequence[HeapSampled]) -> HeapTrend | None:
    """The trend of ``samples``; ``None`` with fewer than ``SAMPLES_MIN``."""
    return of_samples(tuple(samples)) if len(samples) >= SAMPLES_MIN else None


def of_samples(samples: tuple[HeapSampled, ...]) -> HeapTrend:
    """The trend of ``samples`` (at least two, free figures known)."""
    values = [s.free or 0 for s in samples]
    step = math.ceil(len(values) / _SAMPLES_MAX)
    thinned = values[::step]
    slopes = sorted(
        (later - earlier) / ((j - i) * step)
        for i, earlier in enumerate(thinned)
        for j, later in enumerate(thinned[i + 1 :], i + 1)
    )
    slope = slopes[len(slopes) // 2]
    # Sen's interval: the ranks that 95 % of Kendall's S leave out on each side (normal approximation).
    n = len(thinned)
    spread = 1.96 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = slopes[max(int((len(slopes) - spread) / 2), 0)]
    high = slopes[min(math.ceil((len(slopes) + spread) / 2), len(slopes) - 1)]
    top = max(values)
    bottom = min(values[values.index(top) :])
    fallen = top - values[-1]
    returned = (values[-1] - bottom) / (top - bottom) if top > bottom else 1.0
    return HeapTrend(samples, slope, low, high, fallen, returned)
