"""One clock for a log and a capture: offset and drift from events that both saw.

A log counts from the boot of the device, a capture from 1970. What both witness (a lease, an association, a SYN, a
reset) gives pairs of times; some pairs are wrong, because one kind of event happens often. The fit is the offset on which
most pairs agree, then a robust line through those: a device's crystal drifts against the sniffer's by some 10 ppm, bad
ones by 200. Each boot of the device has its own offset. Where too few pairs agree, or another offset explains as many,
there is no fit: nothing is pretended. Connections that both name by a port, each once, outweigh all others where they
agree: a program that connects every five seconds exactly has a rival at each of its periods.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

from msgspec import Struct

from halfopen.diagnose.medians import median

#: One event as a witness saw it: what kind it is, and when on the witness's clock, in seconds.
Sighting = tuple[str, float]

#: Crystals on ESP32 modules are within 10 ppm new; with age, heat and a PC's clock on the other side 200 is the limit.
DRIFT_MAX = 250e-6
#: Pairs that belong together lie this close to the common offset before drift is taken out, beside what drift adds.
_WINDOW_S = 0.25
#: A line is printed and a frame is stamped within this of the event, once drift is taken out.
_RESIDUAL_S = 0.12
#: Fewer agreeing pairs than this can be chance.
_MATCHES_MIN = 3
#: Two suffice where one of them names a connection by its port: it can only be the same.
_MATCHES_MIN_NAMED = 2
NAMED = "established from "
#: So much of what is named alike must agree to decide against other offsets; a port can come again by chance.
_NAMED_SHARE = 0.75
#: A join is the same second of events every day: without a named event, matches must lie in so many bursts.
_BURSTS_MIN = 2
_BURST_GAP_S = 3.0
#: Over less than this a drift of 200 ppm hides in the residual.
_DRIFT_SPAN_S = 100.0
#: Of the events of the witness that saw fewer, at least this share must agree: random times agree in a few.
SHARE_MIN = 0.35
#: The next best offset must explain no more than this share of what the best explains.
_RIVAL_SHARE = 0.6
#: Pairs looked at; sorting them takes a second.
_PAIRS_MAX = 400_000


class Alignment(Struct, frozen=True):
    """``capture = offset + log × (1 + drift)``: offset in seconds, drift dimensionless (1e-6 is one ppm); ``matches``
    pairs agree, their median distance from the line is ``residual`` seconds."""

    offset: float
    drift: float
    matches: int
    residual: float

    def to_capture(self, log_s: float) -> float:
        """A time of the log on the capture's clock, seconds."""
        return self.offset + log_s * (1.0 + self.drift)

    def to_log(self, capture_s: float) -> float:
        """A time of the capture on the log's clock, seconds."""
        return (capture_s - self.offset) / (1.0 + self.drift)


def align(
    log: Sequence[Sighting],
    capture: Sequence[Sighting],
    drift_span_s: float = _DRIFT_SPAN_S,
    share: float = SHARE_MIN,
    bursts: int = _BURSTS_MIN,
) -> Alignment | None:
    """The alignment of one boot's ``log`` with ``capture``, or ``None`` when the evidence does not carry one.

    Matches that span less than ``drift_span_s`` claim no drift; two captures can know theirs sooner than a log. At
    least ``share`` of the events of the witness that saw fewer must agree, and where none of them is ``NAMED`` they must
    lie in so many ``bursts``.
    """
    pairs = _pairs(log, capture)
    named = _named(log, capture)
    least = _MATCHES_MIN_NAMED if named else _MATCHES_MIN
    if len(pairs) < least:
        return None
    span = max(t for t, _ in pairs) - min(t for t, _ in pairs)
    window = _WINDOW_S + DRIFT_MAX * span
    by_name = _fit_by_name(named, window, drift_span_s)
    if by_name is not None:
        near = [(t, gap) for t, gap in pairs if abs(gap - by_name.offset - by_name.drift * t) <= _RESIDUAL_S]
        fit = _fit(pairs, near, _MATCHES_MIN, drift_span_s)
        return fit if fit is not None and fit.matches >= share * min(len(log), len(capture)) else None
    best = _fit(pairs, _densest(pairs, window), least, drift_span_s)
    if best is None or best.matches < share * min(len(log), len(capture)):
        return None
    agreed = sorted(t for t, gap in pairs if abs(gap - best.offset - best.drift * t) <= _RESIDUAL_S)
    if not {t for t, _ in named}.intersection(agreed):
        apart = 1 + sum(b - a > _BURST_GAP_S for a, b in itertools.pairwise(agreed))
        if best.matches < _MATCHES_MIN or apart < bursts:
            return None
    rest = [(t, gap) for t, gap in pairs if abs(gap - best.offset - best.drift * t) > _RESIDUAL_S]
    rival = _fit(rest, _densest(rest, window), least, drift_span_s) if len(rest) >= least else None
    if rival is not None and rival.matches > best.matches * _RIVAL_SHARE:
        return None
    return best


def _named(log: Sequence[Sighting], capture: Sequence[Sighting]) -> list[tuple[float, float]]:
    """The pairs of what both saw exactly once and name alike."""
    told, seen = _by_kind(log), _by_kind(capture)
    return [
        (told[kind][0], seen[kind][0] - told[kind][0])
        for kind in told.keys() & seen.keys()
        if kind.startswith(NAMED) and len(told[kind]) == 1 == len(seen[kind])
    ]


def _fit_by_name(
    named: Sequence[tuple[float, float]], window: float, drift_span_s: float
) -> Alignment | None:
    """The fit of the pairs that both saw once and name alike, where they are enough and nearly all agree.

    No other offset needs to be weighed then: a program that connects with an exact period makes as many of them as one
    likes, and each would make of a named connection another one.
    """
    if len(named) < _MATCHES_MIN:
        return None
    fit = _fit(named, _densest(named, window), _MATCHES_MIN, drift_span_s)
    return fit if fit is not None and fit.matches >= _NAMED_SHARE * len(named) else None


def _pairs(log: Sequence[Sighting], capture: Sequence[Sighting]) -> list[tuple[float, float]]:
    """Every (log time, capture time − log time) of one kind, the rarest kinds first, ``_PAIRS_MAX`` at most: what
    happens all the time fits anywhere."""
    told, seen = _by_kind(log), _by_kind(capture)
    pairs: list[tuple[float, float]] = []
    for kind in sorted(told.keys() & seen.keys(), key=lambda kind: len(told[kind]) * len(seen[kind])):
        room = (_PAIRS_MAX - len(pairs)) // len(seen[kind])
        pairs += [(at, there - at) for at in told[kind][:room] for there in seen[kind]]
    return pairs


def _by_kind(sightings: Sequence[Sighting]) -> dict[str, list[float]]:
    kinds: dict[str, list[float]] = {}
    for kind, at in sightings:
        kinds.setdefault(kind, []).append(at)
    return kinds


def _densest(pairs: Sequence[tuple[float, float]], window: float) -> list[tuple[float, float]]:
    """The pairs in the window of offsets that holds the most different log times."""
    ordered = sorted(pairs, key=lambda pair: pair[1])
    offsets = [gap for _, gap in ordered]
    best: tuple[int, int, int] = (0, 0, 0)
    for start, gap in enumerate(offsets):
        stop = bisect.bisect_right(offsets, gap + window)
        if stop - start > best[0]:  # cheap bound before counting
            different = len({t for t, _ in ordered[start:stop]})
            best = max(best, (different, start, stop))
    return ordered[best[1] : best[2]]


def _fit(
    pairs: Sequence[tuple[float, float]],
    seed: Sequence[tuple[float, float]],
    least: int,
    drift_span_s: float,
) -> Alignment | None:
    """A robust line through ``seed`` (Theil and Sen), then through all of ``pairs`` that lie near it; ``None`` when
    fewer than ``least`` do."""
    near = list(seed)
    drift = 0.0
    offset = 0.0
    for _ in range(4):
        if len({t for t, _ in near}) < least:
            return None
        drift = _slope(near, drift_span_s)
        offset = median(gap - drift * t for t, gap in near)
        near = _one_each(
            [(t, gap) for t, gap in pairs if abs(gap - offset - drift * t) <= _RESIDUAL_S], offset, drift
        )
    if len(near) < least:
        return None
    residual = median(abs(gap - offset - drift * t) for t, gap in near)
    return Alignment(offset, drift, len(near), residual)


def _slope(pairs: Sequence[tuple[float, float]], drift_span_s: float) -> float:
    """The median slope of distant pairs, held within what crystals do."""
    ordered = sorted(pairs)
    step = max(1, len(ordered) // 60)
    thinned = ordered[::step]
    span = thinned[-1][0] - thinned[0][0]
    if span < drift_span_s or span <= 0.0:
        return 0.0
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0])
        for n, a in enumerate(thinned)
        for b in thinned[n + 1 :]
        if b[0] - a[0] > span / 4
    ]
    return min(max(median(slopes), -DRIFT_MAX), DRIFT_MAX) if slopes else 0.0


def _one_each(pairs: Sequence[tuple[float, float]], offset: float, drift: float) -> list[tuple[float, float]]:
    """For each log time the one pair nearest to the line."""
    nearest: dict[float, tuple[float, float]] = {}
    for t, gap in pairs:
        held = nearest.get(t)
        if held is None or abs(gap - offset - drift * t) < abs(held[1] - offset - drift * t):
            nearest[t] = (t, gap)
    return list(nearest.values())
