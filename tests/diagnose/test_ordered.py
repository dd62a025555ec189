"""Events by kind and by place: what is asked of them is what walking them all would find."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from halfopen.diagnose.boots import TELLING_OF_BOOTS, boots_of
from halfopen.diagnose.events import (
    Booted,
    Crashed,
    DescriptorSeen,
    Event,
    HeapSampled,
    Moment,
    PlannedPause,
    Provenance,
    SocketClosed,
    SocketOpened,
)
from halfopen.diagnose.ledger import TELLING_OF_DESCRIPTORS, Ledger
from halfopen.diagnose.ordered import Ordered


def event_of(kind: str, fd: int, where: Provenance, at: Moment) -> Event:
    match kind:
        case "opened":
            return SocketOpened(where, at, fd)
        case "closed":
            return SocketClosed(where, at, fd)
        case "seen":
            return DescriptorSeen(where, at, fd)
        case "booted":
            return Booted(where, at, ("", "WDT_RESET", "SOFT_RESET")[fd % 3])
        case "paused":
            return PlannedPause(where, at, "ota")
        case "crashed":
            return Crashed(where, at)
        case _:
            return HeapSampled(where, at, 1000 + fd)


KINDS = ("opened", "closed", "seen", "booted", "paused", "crashed", "heap")


@st.composite
def stories(draw: st.DrawFn) -> Ordered:
    """Events of two logs and a capture, the boots of the logs numbered on."""
    events: list[Event] = []
    epoch = 0
    for source in ("a.log", "b.log", "c.pcap"):
        in_log = source.endswith("log")
        steps = draw(
            st.lists(st.tuples(st.sampled_from(KINDS), st.integers(50, 53), st.booleans()), max_size=12)
        )
        for line, (kind, fd, later) in enumerate(steps, 1):
            epoch += later and in_log
            where = Provenance(source, line if in_log else None, None if in_log else line, "")
            events.append(event_of(kind, fd, where, Moment(epoch if in_log else 0)))
        epoch += 1
    return Ordered(events)


@given(stories(), st.lists(st.sampled_from((SocketOpened, Booted, HeapSampled, Crashed)), unique=True))
def test_events_are_found_by_kind_and_by_place(events: Ordered, kinds: list[type[Event]]) -> None:
    assert list(events.of_kinds(*kinds)) == [event for event in events if type(event) in kinds]
    assert [event for kind in kinds for event in events.of(kind)] == [
        event for kind in kinds for event in events if type(event) is kind
    ]
    assert [events.place_of(event) for event in events] == list(range(len(events)))
    assert list(events.places(*kinds)) == [n for n, event in enumerate(events) if type(event) in kinds]


@given(stories())
def test_turns_are_where_a_boot_or_a_source_begins(events: Ordered) -> None:
    stands = [(event.where.source, event.at.epoch) for event in events]
    turns = [event for n, event in enumerate(events) if n == 0 or stands[n] != stands[n - 1]]
    assert events.turns() == turns
    both = list(events.of_kinds_and_turns(Booted))
    assert both == [event for event in events if type(event) is Booted or event in turns]


@given(stories())
def test_the_events_that_tell_something_are_enough(events: Ordered) -> None:
    """The books and the restarts are the same whether all events are walked or those that tell of them."""
    few = events.of_kinds_and_turns(*TELLING_OF_DESCRIPTORS)
    assert repr(Ledger.read(few)) == repr(Ledger.read(events))
    assert repr(boots_of(events.of_kinds_and_turns(*TELLING_OF_BOOTS))) == repr(boots_of(events))
