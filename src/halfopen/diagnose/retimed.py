"""The facts of a capture on another clock.

A capture that another machine took is brought onto the first one's clock once, before anything reads it, so that every
rule sees one clock. What moves are points in time; spans (``…_s``, silences, intervals) stay: a drift of 200 ppm
changes a minute by 12 ms. Frame numbers stay too: evidence names the frame of its own file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from halfopen.diagnose.events import Event
from halfopen.diagnose.traffic import FrameRef, FrameRefs

E = TypeVar("E", bound=Event)

#: Fields that hold points in time on the capture's clock; a test holds every other number of a fact to be a span.
TIMES = frozenset(("time", "host", "started", "ended"))


def retimed(event: E, clock: Callable[[float], float]) -> E:
    """``event`` with each of its times, however deep, replaced by ``clock`` of it (seconds to seconds)."""
    moved: E = _retimed(event, clock)
    return moved


def _retimed(value: Any, clock: Callable[[float], float], name: str = "") -> Any:
    if isinstance(value, FrameRef):  # by far the most
        return value.retimed(clock(value.time))
    if isinstance(value, float):
        return clock(value) if name in TIMES else value
    if isinstance(value, FrameRefs):
        return tuple([ref.retimed(clock(ref.time)) for ref in value])
    if isinstance(value, tuple):
        return tuple(_retimed(item, clock, name) for item in value)
    if not isinstance(value, Struct):
        return value
    changed: dict[str, Any] = {}
    for spot in value.__struct_fields__:
        held = getattr(value, spot)
        moved = _retimed(held, clock, spot)
        if moved is not held:
            changed[spot] = moved
    return replace(value, **changed) if changed else value


def frames_of(fact: Any) -> Iterator[FrameRef]:
    """Every frame that ``fact`` quotes, however deep; one may come more than once."""
    if isinstance(fact, FrameRef):
        yield fact
    elif isinstance(fact, tuple | FrameRefs):
        for item in fact:
            yield from frames_of(item)
    elif isinstance(fact, Struct):
        for spot in fact.__struct_fields__:
            yield from frames_of(getattr(fact, spot))
