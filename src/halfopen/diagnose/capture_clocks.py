"""Captures of one run on one clock: offset and drift between two of them, from frames that both show.

Two machines count time on their own; what both captured tells by how much they differ. Most frames name themselves: a
TCP segment by its connection, its initial sequence numbers and its place in the stream, DHCP and DNS by their transaction
numbers. Such a frame can only be the same. Others (a join, a farewell, ARP) look alike every time; they carry a clock
only where several bursts of them agree to the frame. Where neither does, there is no common clock and nothing is
compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from msgspec import Struct, field
from msgspec.structs import replace

from halfopen.diagnose.alignment import Alignment, Sighting, align
from halfopen.diagnose.events import Event
from halfopen.diagnose.radio import FarewellSeen, HandshakeSeen, JoinStepSeen
from halfopen.diagnose.retimed import frames_of, retimed
from halfopen.diagnose.traffic import (
    ArpObserved,
    CaptureObserved,
    FlowObserved,
    FrameRef,
    LeaseObserved,
    LookupObserved,
    PingObserved,
)
from halfopen.formats.packet_text import endpoint_text, read_tcp_text
from halfopen.formats.patterns import Pattern

#: Fewer agreeing frames than this can be a segment and its retransmission, each seen by one witness only.
_MATCHES_MIN = 3
#: Frames that look alike every time must agree this closely, as two sniffers of one frame do (0.2 ms measured on
#: tests/recordings, milliseconds over USB): two joins of one device differ by tens of milliseconds.
_SAME_FRAME_S = 0.015
#: So many bursts of such frames, this far apart: one join looks like the next.
_BURSTS_MIN = 3
_BURST_GAP_S = 1.0
#: What ``align`` takes for the same event.
_NEAR_S = 0.12
#: Over less than 100 s a drift is told where nine in ten frames lie so near to the line that, over its length, the
#: drift is no further off than this, and where so many bursts say so: two points make any line.
_DRIFT_DOUBT = 20e-6
_DRIFT_SPAN_S = 10.0
_DRIFT_BURSTS_MIN = 3
#: What is seen more often than this is a beat, which fits at many offsets.
_REPEATS_MAX = 32
#: As many frames as the fit needs; pairing takes time.
_SIGHTINGS_MAX = 1000
#: What a sniffer adds to a frame of the air.
_ACKED = Pattern(r", (?:not )?acked$")

Placed = Sequence[tuple[str, Sequence[Event]]]


class CaptureClock(Struct, frozen=True):
    """How the clock of the capture ``source`` runs against that of ``reference``.

    ``offset`` seconds are to be added at ``began`` (the source's first frame, on its own clock) and ``drift`` (1e-6 is
    one ppm) grows from there; ``matches`` frames agree, their median distance from the line is ``residual`` seconds.
    ``through`` names the log that links the two where they show nothing in common.
    """

    source: str
    reference: str
    began: float
    offset: float
    drift: float
    matches: int
    residual: float
    through: str = ""

    def to_reference(self, own_s: float) -> float:
        """A time of the source on the reference's clock, seconds."""
        return own_s + self.offset + self.drift * (own_s - self.began)

    def __str__(self) -> str:
        drift = f", drift {self.drift * 1e6:.0f} ppm" if self.drift else ""
        through = f", through {self.through}" if self.through else ""
        return (
            f"{self.source} moved by {self.offset:+.3f} s to the clock of {self.reference}: {self.matches} matches,"
            f" residual {self.residual * 1000:.1f} ms{drift}{through}"
        )


class OneClock(Struct):
    """Captures whose times can be compared: the first is the reference, the others are already on its clock."""

    captures: list[tuple[str, Sequence[Event]]]
    clocks: list[CaptureClock] = field(default_factory=list)

    def join(self, name: str, events: Sequence[Event], clock: CaptureClock) -> None:
        """Take a capture, brought onto this clock."""
        self.captures.append((name, [retimed(event, clock.to_reference) for event in events]))
        self.clocks.append(clock)


class Shown(Struct, frozen=True, dict=True):
    """What a capture shows that another can show too: frames that can only be the same, and those that look alike."""

    told: tuple[Sighting, ...]
    habits: tuple[Sighting, ...]

    @cached_property
    def kinds(self) -> frozenset[str]:
        """Every kind of frame in it."""
        return frozenset(kind for kind, _ in (*self.told, *self.habits))


def by_clock(captures: Placed) -> list[OneClock]:
    """``captures`` (name and events, in the order given) gathered by the clock they can be put on."""
    if len(captures) == 1:
        return [OneClock(list(captures))]
    waiting = [(name, events, shown(events)) for name, events in captures]
    found: list[OneClock] = []
    while waiting:
        name, events, seen = waiting.pop(0)
        one = OneClock([(name, events)])
        members = [seen]
        grown = True
        while grown:
            grown = False
            for item in tuple(waiting):
                clock = _clock(item[0], item[1], item[2], members, name)
                if clock is not None:
                    one.join(item[0], item[1], clock)
                    members.append(shown(one.captures[-1][1]))
                    waiting.remove(item)
                    grown = True
        found.append(one)
    return found


def linked_by_log(
    found: Sequence[OneClock], log: str, fits: Callable[[OneClock], dict[int, Alignment]]
) -> list[OneClock]:
    """``found`` with clocks made one where one boot of ``log`` could be aligned with both (by ``fits``):
    an encrypted capture of the air and one of the wire share no frame, but a log knows the joins and the connections.
    Two that name frames of one time and share none are of different runs, whatever a log seems to say.
    """
    kept: list[tuple[OneClock, dict[int, Alignment]]] = []
    for one in found:
        own = fits(one) if len(found) > 1 else {}
        for first, theirs in kept:
            epoch = max(own.keys() & theirs.keys(), key=lambda boot: own[boot].matches, default=None)
            if epoch is None:
                continue
            clock = _through(theirs[epoch], own[epoch], one, first, log)
            if not _contradict(first, one, clock):
                _merge(first, one, clock)
                break
        else:
            kept.append((one, own))
    return [one for one, _ in kept]


def _contradict(first: OneClock, one: OneClock, clock: CaptureClock) -> bool:
    """Whether both show frames that name themselves over one stretch of time: then one run would have shown the same."""
    there = [at for _, events in first.captures for _, at in shown(events).told]
    here = [clock.to_reference(at) for _, events in one.captures for _, at in shown(events).told]
    if not there or not here:
        return False
    begin, end = max(min(there), min(here)), min(max(there), max(here))
    return all(sum(begin <= at <= end for at in side) >= _MATCHES_MIN for side in (there, here))


def _through(theirs: Alignment, own: Alignment, one: OneClock, first: OneClock, log: str) -> CaptureClock:
    """The clock of ``one`` against ``first`` from the alignments of one boot with both."""
    began = _began(one.captures[0][1])
    rate = (1.0 + theirs.drift) / (1.0 + own.drift)
    return CaptureClock(
        one.captures[0][0],
        first.captures[0][0],
        began,
        theirs.offset + (began - own.offset) * rate - began,
        rate - 1.0,
        min(theirs.matches, own.matches),
        theirs.residual + own.residual,
        through=log,
    )


def _merge(first: OneClock, one: OneClock, clock: CaptureClock) -> None:
    """Bring all captures of ``one`` onto the clock of ``first``."""
    first.join(*one.captures[0], clock)
    for (name, events), within in zip(one.captures[1:], one.clocks, strict=True):
        first.captures.append((name, [retimed(event, clock.to_reference) for event in events]))
        first.clocks.append(
            replace(
                within,
                reference=clock.reference,
                offset=clock.to_reference(within.began + within.offset) - within.began,
                drift=(1.0 + within.drift) * (1.0 + clock.drift) - 1.0,
                through=clock.through,
            )
        )


def _clock(
    name: str, events: Sequence[Event], seen: Shown, members: Iterable[Shown], reference: str
) -> CaptureClock | None:
    """The clock of a capture against whichever of ``members`` (all on one clock) it shares most with."""
    began = _began(events)
    fits = [fit for member in members if (fit := aligned(seen, member, began)) is not None]
    if not fits:
        return None
    best = max(fits, key=lambda fit: fit.matches)
    return CaptureClock(name, reference, began, best.offset, best.drift, best.matches, best.residual)


def _began(events: Iterable[Event]) -> float:
    return next((event.started for event in events if isinstance(event, CaptureObserved)), 0.0)


def aligned(own: Shown, reference: Shown, began: float) -> Alignment | None:
    """``reference − began = offset + (own − began) × (1 + drift)``, or ``None`` where the frames do not carry it.

    Times are taken from ``began`` on: at 10^9 s a drift of some ppm would turn the offset by hours.
    """
    if own.kinds.isdisjoint(reference.kinds):  # most pairs of an archive
        return None
    told = _once_in_both(own.told, reference.told)
    fit = _with_drift(_since(began, told[0]), _since(began, told[1]))
    if fit is not None and fit.matches >= _MATCHES_MIN:
        return fit
    both = _rare((*own.told, *own.habits), (*reference.told, *reference.habits))
    mine, theirs = (_since(began, sightings) for sightings in both)
    fit = _with_drift(mine, theirs)
    if fit is None or _bursts(_agreed(mine, theirs, fit, _SAME_FRAME_S)) < _BURSTS_MIN:
        return None
    return fit if fit.residual <= _SAME_FRAME_S else None


def _with_drift(own: Sequence[Sighting], reference: Sequence[Sighting]) -> Alignment | None:
    """The fit with a drift where the frames know it, also over less than the 100 s that a log needs."""
    fit = align(own, reference, _DRIFT_SPAN_S, bursts=1)
    if fit is None or not fit.drift:
        return fit
    agreed = _agreed(own, reference, fit, _NEAR_S)
    span = agreed[-1][0] - agreed[0][0]
    off = sorted(distance for _, distance in agreed)[len(agreed) * 9 // 10]
    told = off <= _DRIFT_DOUBT * span and _bursts(agreed) >= _DRIFT_BURSTS_MIN
    return fit if told else align(own, reference, bursts=1)


def _once_in_both(
    own: Sequence[Sighting], reference: Sequence[Sighting]
) -> tuple[list[Sighting], list[Sighting]]:
    """The sightings of kinds that each of the two saw exactly once."""
    mine, theirs = Counter(kind for kind, _ in own), Counter(kind for kind, _ in reference)
    once = [kind for kind, count in mine.items() if count == 1 == theirs[kind]]
    chosen = set(once[:: len(once) // _SIGHTINGS_MAX + 1])
    return [s for s in own if s[0] in chosen], [s for s in reference if s[0] in chosen]


def _rare(own: Sequence[Sighting], reference: Sequence[Sighting]) -> tuple[list[Sighting], list[Sighting]]:
    """The sightings of both whose kinds do not repeat like a beat, the rarest kinds first, no more than can be paired."""
    mine, theirs = Counter(kind for kind, _ in own), Counter(kind for kind, _ in reference)
    counts = {kind: max(mine[kind], theirs[kind]) for kind in mine | theirs}
    chosen: set[str] = set()
    held = 0
    for kind in sorted(counts, key=counts.__getitem__):
        held += counts[kind]
        if counts[kind] > _REPEATS_MAX or held > _SIGHTINGS_MAX:
            break
        chosen.add(kind)
    return [s for s in own if s[0] in chosen], [s for s in reference if s[0] in chosen]


def _since(began: float, sightings: Iterable[Sighting]) -> list[Sighting]:
    return [(kind, at - began) for kind, at in sightings]


def _agreed(
    own: Sequence[Sighting], reference: Sequence[Sighting], fit: Alignment, within_s: float
) -> list[tuple[float, float]]:
    """When the two saw the same by ``fit``, and how far from it, in order of time."""
    there: dict[str, list[float]] = {}
    for kind, at in reference:
        there.setdefault(kind, []).append(at)
    nearest = (
        (at, min(abs(other - fit.to_capture(at)) for other in there[kind]))
        for kind, at in own
        if kind in there
    )
    return sorted(pair for pair in nearest if pair[1] <= within_s)


def _bursts(agreed: Sequence[tuple[float, float]]) -> int:
    """How many times apart from each other the two agree."""
    return sum(n == 0 or at - agreed[n - 1][0] > _BURST_GAP_S for n, (at, _) in enumerate(agreed))


def shown(events: Iterable[Event]) -> Shown:
    """What ``events`` of a capture show that another capture of the same run can show too."""
    told: list[Sighting] = []
    habits: list[Sighting] = []
    for event in events:
        if isinstance(event, FlowObserved):
            told += ((identity(event, ref), ref.time) for ref in _each(event))
        elif isinstance(event, (LeaseObserved, LookupObserved)):
            told += ((ref.text, ref.time) for ref in _each(event))
        elif isinstance(event, (ArpObserved, PingObserved)):
            habits += ((ref.text, ref.time) for ref in _each(event))
        elif isinstance(event, JoinStepSeen):
            who = f"{event.station} {event.ap} {event.algorithm} {event.sequence}"
            habits.append((f"{event.step} {who} {event.status}", event.ref.time))
        elif isinstance(event, HandshakeSeen):
            habits.append((f"message {event.message} {event.station} {event.ap}", event.ref.time))
        elif isinstance(event, FarewellSeen):
            who = f"{event.station} {event.ap} {event.by_ap}"
            habits.append((f"{event.kind} {who} {event.reason}", event.ref.time))
    return Shown(tuple(told), tuple(habits))


def _each(event: Event) -> Iterable[FrameRef]:
    """The frames quoted in ``event``, each once."""
    return {ref.frame: ref for ref in frames_of(event)}.values()


def identity(event: Event, ref: FrameRef) -> str:
    """What a frame that ``event`` quotes reads as in every capture, whatever else the witness saw.

    Of a TCP segment these are its ends, flags, length and absolute numbers: the quotation counts from the SYN where
    that was seen.
    """
    words = read_tcp_text(ref.text) if isinstance(event, FlowObserved) else None
    if words is None or not isinstance(event, FlowObserved):
        return _ACKED.sub("", ref.text)
    sides = event.from_client, event.from_server
    from_client = words.source == endpoint_text(event.client.ip, event.client.port)
    sender, receiver = sides if from_client else sides[::-1]
    seq = words.seq + (sender.isn or 0) & 0xFFFFFFFF
    ack = "" if words.ack is None else words.ack + (receiver.isn or 0) & 0xFFFFFFFF
    return f"{words.source} {words.destination} {words.flags} {seq} {ack} {words.payload}"
