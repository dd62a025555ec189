"""Facts brought onto another clock: every point in time moves, no span does, whatever fields a fact has."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from msgspec import Struct

from halfopen.diagnose import radio, traffic
from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.retimed import frames_of, retimed
from halfopen.diagnose.traffic import FrameRef, FrameRefs

FACTS = sorted(
    {
        fact
        for module in (traffic, radio)
        for _, fact in inspect.getmembers(module, inspect.isclass)
        if issubclass(fact, Event) and fact is not Event
    },
    key=lambda fact: fact.__name__,
)
LATER_S = 3600.0


def example(hint: Any) -> Any:
    """A value of a type with every optional part there, every float 1000."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is float:
        return 1000.0
    if hint in (int, bool, str):
        return hint(1)
    if origin is Literal:
        return parts[0]
    if origin in (Union, types.UnionType):
        return example(next(part for part in parts if part is not type(None)))
    if origin is tuple:
        return tuple(example(part) for part in parts if part is not Ellipsis)
    if origin is Sequence:
        return FrameRefs([1], lambda _: example(parts[0]))
    if hint is FrameRef:
        return FrameRef(1, 1000.0, "1")
    assert issubclass(hint, Struct), f"teach this test about {hint}"
    hints = typing.get_type_hints(hint)
    return hint(**{spot: example(hints[spot]) for spot in hint.__struct_fields__})


def floats(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every float in ``value`` with the names of the fields that lead to it."""
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, FrameRef):
        yield f"{path}.time", value.time
    elif isinstance(value, tuple):
        for item in value:
            yield from floats(item, path)
    elif isinstance(value, Struct):
        for spot in value.__struct_fields__:
            yield from floats(getattr(value, spot), f"{path}.{spot}")


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_every_time_moves_and_every_span_stays(fact: type[Event]) -> None:
    moved = retimed(example(fact), lambda at: at + LATER_S)
    checked = 0
    for path, value in floats(moved):
        name = path.rpartition(".")[2]
        if path.startswith(".at.") and name in ("boot", "system"):
            continue  # clocks of the device, which a capture does not carry
        assert value == (1000.0 if name.endswith("_s") else 1000.0 + LATER_S), path
        checked += 1
    assert checked, "a fact without a time"


def test_a_frame_keeps_its_number_and_its_text() -> None:
    where, moment = Provenance("wire.pcapng", None, 7, "frame 7"), Moment(host=10.0)
    ping = traffic.PingObserved(where, moment, "10.0.0.1", "10.0.0.9", 1, 0, (FrameRef(7, 10.0, "frame 7"),))
    moved = retimed(ping, lambda at: 2 * at)
    assert moved.where is where
    assert list(frames_of(moved)) == [FrameRef(7, 20.0, "frame 7")]


def test_what_has_no_time_is_the_same_object() -> None:
    end = traffic.Endpoint("10.0.0.1", 80)
    flow = traffic.FlowObserved(
        Provenance("a", None, 1, ""),
        Moment(host=1.0),
        1,
        end,
        end,
        traffic.SideSeen(),
        traffic.SideSeen(),
        None,
    )
    assert retimed(flow, lambda at: at + 1).client is end
