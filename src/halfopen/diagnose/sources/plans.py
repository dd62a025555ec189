"""What lines of one shape say: facts whose figures stand at known places.

Most of what a device says differs from what it said before in digits alone. Where no pattern that found something tells
digits apart, all lines of the shape say the same facts, each with its own figures, and none of the patterns is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from halfopen.diagnose.events import Event
from halfopen.diagnose.sources import said_of_memory, said_of_sockets, said_of_wifi
from halfopen.diagnose.sources.phrase import Phrase, Place
from halfopen.diagnose.sources.places import CALLS, MEMORY, RADIO
from halfopen.formats.logline import LogLine
from halfopen.kernel.line_layout import FIRM_ALWAYS

_DIGIT = re.compile("[0-9]")
#: A figure of so many digits of which the first is not 0 is not less than ``said_of_memory.DOUBTFUL_BELOW``.
_FIRM_DIGITS_MIN = 4


class PlannedFact(NamedTuple):
    """A fact: its kind, its fields behind place and time, and which of them are taken from the text of a line, where from and
    by what."""

    kind: type[Event]
    fields: tuple[Any, ...]
    figures: tuple[tuple[int, int, int, Callable[[str], Any]], ...]


class Plan(NamedTuple):
    """What a line of a shape says, provided that the byte ``firm`` behind its begin is no ``0`` (``FIRM_ALWAYS``: in any
    case)."""

    facts: tuple[PlannedFact, ...]
    firm: int


def plan_of(
    line: LogLine,
    facts: Sequence[tuple[Phrase | None, Event]],
    askers: frozenset[str],
    *,
    undecided: bool,
    message: int,
    text: int,
) -> Plan | None:
    """The plan for all lines that differ from ``line`` in digits alone; ``None`` where some of them may say something else.

    ``facts`` is what the line says, the phrases with what they found behind what readers did; of readers only ``askers`` can
    find anything. ``undecided`` tells that a phrase that tells digits apart may find something. ``message`` and ``text`` are
    where message and text of the line begin, in bytes.
    """
    if not line.text.isascii() or not facts:
        return None
    if not _DIGIT.search(line.message) and not _DIGIT.search(line.tag):
        return Plan(tuple(_constant(fact) for _, fact in facts), FIRM_ALWAYS)
    lowered = line.message.lower()
    if undecided or (CALLS in askers and said_of_sockets.may_fail(line, lowered)):
        return None
    found: list[PlannedFact] = []
    firm = FIRM_ALWAYS
    told = iter(facts)
    offset = message - text
    if RADIO in askers:
        if said_of_wifi.tells_digits_apart(lowered):
            return None
        if places := said_of_wifi.state_places(line.message) if "->" in lowered else []:
            found.append(_planned(next(told)[1], places, offset))
    if MEMORY in askers:
        if said_of_memory.tells_digits_apart(line, lowered):
            return None
        for sample in said_of_memory.samples(line, lowered):
            if sample.doubtful:
                firm = next((message + f.start for f in sample[:3] if f is not None and _is_firm(f)), 0)
                if not firm:
                    return None
            found.append(_planned(next(told)[1], _sample_places(sample), offset))
    for phrase, fact in told:
        if phrase is None:
            return None
        found.append(_planned(fact, phrase.places(line), offset))
    return Plan(tuple(found), firm)


def _constant(fact: Event) -> PlannedFact:
    return PlannedFact(type(fact), _fields_of(fact), ())


def _planned(fact: Event, places: Sequence[Place], offset: int) -> PlannedFact:
    names = fact.__struct_fields__[2:]
    figures = tuple(
        (names.index(place.field), place.start + offset, place.end + offset, place.value_of)
        for place in places
    )
    return PlannedFact(type(fact), _fields_of(fact), figures)


def _fields_of(fact: Event) -> tuple[Any, ...]:
    """The values of an event behind its place and time, in order."""
    return tuple([getattr(fact, name) for name in fact.__struct_fields__[2:]])


def _sample_places(sample: said_of_memory.Sample) -> list[Place]:
    places = []
    for name, figure in zip(("free", "minimum", "largest"), sample[:3], strict=True):
        if figure is not None:
            plain = int if figure.text.isdigit() else said_of_memory.in_bytes
            value_of = said_of_memory.in_kilobytes if figure.kilobytes else plain
            places.append(Place(name, figure.start, figure.start + len(figure.text), value_of))
    return places


def _is_firm(figure: said_of_memory.Figure) -> bool:
    """Whether the figure is large enough whatever its digits are, if the first is not 0."""
    digits = figure.text.replace(",", "").replace("_", "")
    return len(digits) >= _FIRM_DIGITS_MIN or figure.kilobytes
