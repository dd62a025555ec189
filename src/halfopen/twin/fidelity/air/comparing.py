"""Two stories of the air side by side: the same events in the same order, the same codes and ACKs, the same times.

A time is the interval since its cause: the event before it, or a command given since. It is the same within a twentieth
or one beacon, whichever is more (the promise of the issue this was written for).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from halfopen.twin.fidelity.air.story import BEACON_S, BeaconSummary, Run, Story, Told

SHARE = 0.05

#: An event of the recording and the twin's; ``None`` where one has none.
Row = tuple[Told | None, Told | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: ``kind`` is order, code, ack, time, data or beacons; ``words`` say what, where and how much."""

    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Timed:
    """An event of both, and how long after its cause it came, in seconds."""

    real: Told
    twin: Told
    cause: str
    took: float
    twin_took: float

    @property
    def off(self) -> float:
        """Seconds between the two."""
        return abs(self.took - self.twin_took)

    @property
    def allowed(self) -> float:
        """Seconds that they may lie apart."""
        return allowed(self.took)

    @property
    def near(self) -> bool:
        """Within what is promised."""
        return near(self.took, self.twin_took)


@dataclass(slots=True)
class Verdict:
    """What a comparison found. ``given`` are events that were put in, whose time therefore proves nothing."""

    rows: list[Row] = field(default_factory=list)
    timed: list[Timed] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    given: int = 0
    data: int = 0

    @property
    def holds(self) -> bool:
        """Nothing differs."""
        return not self.differences

    @property
    def compared(self) -> int:
        """Frames that both have: events and data."""
        return sum(1 for real, twin in self.rows if real and twin) + self.data

    @property
    def worst(self) -> Timed | None:
        """The event whose interval is nearest to what is allowed, or furthest beyond."""
        return max(self.timed, key=lambda timed: timed.off / timed.allowed, default=None)


def allowed(real: float) -> float:
    """How far from a recorded interval (s) another may be to be the same as promised."""
    return max(BEACON_S, SHARE * real)


def near(real: float, twin: float) -> bool:
    """Whether two intervals are the same as promised."""
    return abs(real - twin) <= allowed(real)


def compare_stories(
    real: Story, twin: Story, commands: Sequence[tuple[float, str]] = (), given: Sequence[int] = ()
) -> Verdict:
    """Compare. ``commands`` are the moments (s, in order) of what was done, on the clock of both stories; ``given`` the
    numbers of recorded frames whose moments were put in.

    What the twin does after the recording ended is left out.
    """
    found = Verdict()
    put_in = frozenset(given)
    found.rows = _aligned(real.events, twin.events, real.end)
    found.differences += _of_order(found.rows)
    found.timed = list(_timed(found.rows, commands, put_in))
    found.given = sum(1 for told, other in found.rows if told and other and told.number in put_in)
    found.differences += _of_codes(found.rows)
    found.differences += _of_times(found.timed)
    rows = _aligned(real.data, twin.data, real.end)
    found.data = sum(1 for told, other in rows if told and other)
    found.differences += _of_data(rows)
    found.differences += _of_beacons(real.beacons, twin.beacons, min(real.end, twin.end))
    return found


def _aligned(real: list[Told], twin: list[Told], end: float) -> list[Row]:
    """Pairs in order; one of a pair is ``None`` where the other has none."""
    rows: list[Row] = []
    matcher = difflib.SequenceMatcher(
        None, [told.shape for told in real], [told.shape for told in twin], autojunk=False
    )
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            rows += zip(real[a:b], twin[c:d], strict=True)
            continue
        rows += [(told, None) for told in real[a:b]]
        past = b == len(real)
        rows += [(None, told) for told in twin[c:d] if not (past and told.time > end - BEACON_S)]
    return rows


def _of_order(rows: list[Row]) -> Iterator[Difference]:
    for real, twin in rows:
        if real is not None and twin is None:
            yield Difference("order", f"{real.time:.2f} s: {real.text}; the twin has no such frame there")
        elif twin is not None and real is None:
            yield Difference(
                "order", f"{twin.time:.2f} s of the twin: {twin.text}; the recording has no such frame there"
            )


def _of_codes(rows: list[Row]) -> Iterator[Difference]:
    for real, twin in rows:
        if real is None or twin is None:
            continue
        if real.code != twin.code:
            yield Difference("code", f"{real.time:.2f} s: {real.text}; the twin says {twin.code}")
        if real.acked != twin.acked:
            yield Difference("ack", f"{real.time:.2f} s: {real.text}; the twin's is {_acked(twin)}")


def _acked(told: Told) -> str:
    return {True: "acked", False: "not acked", None: "one that nobody acknowledges"}[told.acked]


def _timed(rows: list[Row], commands: Sequence[tuple[float, str]], given: frozenset[int]) -> Iterator[Timed]:
    before: tuple[Told, Told] | None = None
    for real, twin in rows:
        if real is None or twin is None:
            continue
        if real.number not in given:
            told = [(at, what) for at, what in commands if at <= min(real.time, twin.time)]
            at, what = told[-1] if told else (0.0, "the beginning")
            if before is None or before[0].time < at:
                yield Timed(real, twin, what, real.time - at, twin.time - at)
            else:
                took, mine = real.time - before[0].time, twin.time - before[1].time
                yield Timed(real, twin, before[0].text, took, mine)
        before = (real, twin)


def _of_times(timed: list[Timed]) -> Iterator[Difference]:
    for one in timed:
        if not one.near:
            yield Difference(
                "time",
                f"{one.real.time:.2f} s: {one.real.text} {one.took:.3f} s after {one.cause}; "
                f"the twin's {one.twin_took:.3f} s after it",
            )


def _of_data(rows: list[Row]) -> Iterator[Difference]:
    for real, twin in rows:
        if real is None or twin is None:
            told = real or twin
            assert told is not None
            whose = "the recording" if real else "the twin"
            yield Difference("data", f"{told.time:.2f} s, only {whose} has: {told.text}")
        elif real.acked != twin.acked:
            yield Difference("data", f"{real.time:.2f} s: {real.text}; the twin's is {_acked(twin)}")
        elif not near(0.0, real.time - twin.time):
            yield Difference("data", f"{real.time:.2f} s: {real.text}; the twin's at {twin.time:.2f} s")


def _of_beacons(
    real: dict[str, BeaconSummary], twin: dict[str, BeaconSummary], end: float
) -> Iterator[Difference]:
    for name in sorted(real.keys() | twin.keys()):
        if name not in real or name not in twin:
            whose = "recording" if name in real else "twin"
            yield Difference("beacons", f"only the {whose} has beacons of {name}")
        else:
            for words in _of_summary(real[name], twin[name], end):
                yield Difference("beacons", f"{name}: {words}")


def _of_summary(real: BeaconSummary, twin: BeaconSummary, end: float) -> Iterator[str]:
    for what, one, other in (
        ("beacon interval (TU)", real.interval_tu, twin.interval_tu),
        ("DTIM period", real.period, twin.period),
        ("restarts of the TSF", real.tsf_restarts, twin.tsf_restarts),
    ):
        if one != other:
            yield f"{what} {one}; the twin's {other}"
    for what, first, second in (
        ("first beacon", real.first, twin.first),
        ("last beacon", min(real.last, end), min(twin.last, end)),
    ):
        if round(abs(first - second) / BEACON_S) > 1:
            yield f"{what} at {first:.2f} s; the twin's at {second:.2f} s"
    yield from _of_runs("gap without beacons", real.gaps, twin.gaps)
    yield from _of_runs("frames announced as waiting", real.announced, twin.announced)
    if len(real.group) != len(twin.group):
        yield f"{len(real.group)} beacons announce group frames; the twin's {len(twin.group)}"


def _of_runs(what: str, real: list[Run], twin: list[Run]) -> Iterator[str]:
    if len(real) != len(twin):
        yield f"{what}: {len(real)} times; the twin's {len(twin)} times"
        return
    for one, other in zip(real, twin, strict=True):
        if not near(one.seconds, other.seconds):
            yield f"{what} at {one.begin:.2f} s: {one.seconds:.2f} s; the twin's {other.seconds:.2f} s"
        elif not near(one.begin, other.begin):
            yield f"{what} begins at {one.begin:.2f} s; the twin's at {other.begin:.2f} s"
