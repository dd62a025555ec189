"""What several captures on one clock show is told once: one witness stands for the fact, the others second it.

A conversation is judged from the capture that holds most of its packets: a sniffer in a corner misses frames, and behind
the access point nothing is seen of what was lost on the air. Sequence numbers, silences and runs of two witnesses are not
mixed, so every number of a finding can be checked in one file; the other file is quoted beside it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from msgspec import Struct

from halfopen.diagnose.capture_clocks import identity
from halfopen.diagnose.events import Event
from halfopen.diagnose.radio import (
    BeaconsObserved,
    BufferingObserved,
    ProbingObserved,
    StationObserved,
    UnackedRun,
)
from halfopen.diagnose.retimed import frames_of
from halfopen.diagnose.traffic import (
    ArpObserved,
    FlowObserved,
    FrameRef,
    HostObserved,
    LeaseObserved,
    LookupObserved,
    PingObserved,
)

#: One frame in two captures, on one clock: 50 ms is how well clocks are aligned.
_SAME_FRAME_S = 0.05
#: A frame passes the access point within this, also when its queue is long.
_PASSES_S = 0.25
#: Conversations on the same ports that both were under way at some time are one.
_OVERLAP_S = 1.0

#: What a fact is known by in every capture, where the whole capture has one of it.
_NAMES: dict[type[Event], tuple[str, ...]] = {
    ArpObserved: ("asker_mac", "asker_ip", "target_ip"),
    PingObserved: ("asker_ip", "target_ip"),
    LeaseObserved: ("mac",),
    LookupObserved: ("asker_ip", "server_ip"),
    HostObserved: ("mac",),
    BeaconsObserved: ("ap",),
    StationObserved: ("station",),
    ProbingObserved: ("station", "ssid"),
    BufferingObserved: ("station", "ap"),
    UnackedRun: ("station", "ap", "by_ap"),
}
#: Fields of a single frame's fact that depend on the witness.
_WITNESS = frozenset(("where", "at", "ref", "acked", "idle_s"))


class Told(Struct, frozen=True):
    """``events`` in order of time, each fact once; ``others`` holds by ``id`` of such an event the same fact as the
    other captures show it."""

    events: tuple[Event, ...]
    others: dict[int, tuple[Event, ...]]


def one_each(captures: Sequence[Sequence[Event]]) -> Told:
    """The events of ``captures``, all on one clock, with what several of them show told once."""
    if len(captures) == 1:
        return Told(tuple(captures[0]), {})
    facts: list[dict[int, Event]] = []  # each by the number of the capture that shows it
    known: dict[Hashable, list[dict[int, Event]]] = {}
    for number, events in enumerate(captures):
        for event in events:
            name, stretch = _name(event), _stretch(event)
            fitting = [
                fact
                for near in (stretch - 1, stretch, stretch + 1)
                for fact in known.get((name, near), ())
                if number not in fact and _same(next(iter(fact.values())), event)
            ]
            if fitting:
                min(fitting, key=lambda fact: _apart(next(iter(fact.values())), event))[number] = event
                continue
            fact = {number: event}
            facts.append(fact)
            if name is not None:
                known.setdefault((name, stretch), []).append(fact)
    kept: list[Event] = []
    others: dict[int, tuple[Event, ...]] = {}
    for fact in facts:
        standing = max(fact.values(), key=_weight)  # the first given where they weigh the same
        kept.append(standing)
        if len(fact) > 1:
            others[id(standing)] = tuple(event for event in fact.values() if event is not standing)
    kept.sort(key=lambda event: event.at.host or 0.0)
    return Told(tuple(kept), others)


def counterpart(event: Event, ref: FrameRef, other: Event) -> FrameRef | None:
    """The frame among those that ``other`` quotes that is the same as ``ref``, which ``event`` quotes, if any."""
    known = identity(event, ref)
    near = [there for there in frames_of(other) if abs(there.time - ref.time) <= _PASSES_S]
    same = [there for there in near if identity(other, there) == known]
    return min(same, key=lambda there: abs(there.time - ref.time), default=None)


def _stretch(event: Event) -> int:
    """Where single frames lie in time, in steps of what may part two sights of one: hours of air hold thousands alike."""
    single = isinstance(getattr(event, "ref", None), FrameRef)
    return int((event.at.host or 0.0) / _SAME_FRAME_S) if single else 0


def _name(event: Event) -> Hashable | None:
    """What tells which captures' events can be the same, ``None`` for what belongs to one capture alone."""
    if isinstance(event, FlowObserved):
        return "flow", frozenset(((event.client.ip, event.client.port), (event.server.ip, event.server.port)))
    if isinstance(event, HostObserved) and not event.mac:
        return type(event), event.ips
    if type(event) in _NAMES:
        return type(event), *(getattr(event, name) for name in _NAMES[type(event)])
    if isinstance(getattr(event, "ref", None), FrameRef):
        return type(event), *(
            getattr(event, name) for name in event.__struct_fields__ if name not in _WITNESS
        )
    return None


def _same(one: Event, other: Event) -> bool:
    """Whether two events of one name, of two captures, are the same."""
    if isinstance(one, FlowObserved) and isinstance(other, FlowObserved):
        for mine, theirs in ((one.from_client, other.from_client), (one.from_server, other.from_server)):
            if mine.isn is not None and theirs.isn is not None:
                return mine.isn == theirs.isn
        return _overlap(one, other, _OVERLAP_S)
    if isinstance(one, UnackedRun):
        return _overlap(one, other, _PASSES_S)
    return type(one) in _NAMES or _apart(one, other) <= _SAME_FRAME_S


def _apart(one: Event, other: Event) -> float:
    """Seconds between two events."""
    return abs((one.at.host or 0.0) - (other.at.host or 0.0))


def _overlap(one: Event, other: Event, slack_s: float) -> bool:
    """Whether the frames of two events span a common stretch."""
    first, second = ([ref.time for ref in frames_of(event)] for event in (one, other))
    return max(min(first), min(second)) <= min(max(first), max(second)) + slack_s


def _weight(event: Event) -> tuple[int, int]:
    """How much of a fact a witness saw: what tells it from hearsay first, then how often."""
    if isinstance(event, FlowObserved):
        return 0, event.from_client.packets + event.from_server.packets
    if isinstance(event, (ArpObserved, PingObserved, LookupObserved)):
        return 0, event.asked + event.answered
    if isinstance(event, LeaseObserved):
        return 0, len({ref.frame for ref in frames_of(event)})
    if isinstance(event, HostObserved):
        return bool(event.lwip), event.packets
    if isinstance(event, (BeaconsObserved, UnackedRun)):
        return 0, event.count
    if isinstance(event, StationObserved):
        return 0, event.sent
    if isinstance(event, ProbingObserved):
        return 0, event.asked
    if isinstance(event, BufferingObserved):
        return 0, len(event.waits_s)
    acked = getattr(event, "acked", None)
    return 0, 0 if acked is None else 1 + acked
