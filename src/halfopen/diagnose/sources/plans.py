"""What lines of one shape say: facts whose figures stand at known places.

Most of what a device says differs from what it said before in digits alone. Where no pattern that found something tells
digits apart, all lines of the shape say the same facts, each with its own figures, and none of the patterns is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.sources import said_of_memory, said_of_sockets, said_of_wifi
from halfopen.diagnose.sources.phrase import Phrase, Place
from halfopen.diagnose.sources.places import CALLS, MEMORY, RADIO
from halfopen.formats.logline import LogLine
from halfopen.kernel import line_layout as k

_DIGIT = re.compile("[0-9]")
#: A figure of so many digits of which the first is not 0 is not less than ``said_of_memory.DOUBTFUL_BELOW``.
_FIRM_DIGITS_MIN = 4
#: Longer numbers are no errno.
_NUMBER_DIGITS_MAX = 4


class PlannedFact(NamedTuple):
    """A fact: its kind, its fields behind place and time, and which of them are taken from a text, where from and by what."""

    kind: type[Event]
    fields: tuple[Any, ...]
    figures: tuple[tuple[int, int, int, Callable[[str], Any]], ...]

    def shifted(self, by: int) -> PlannedFact:
        """The same where the text begins so much earlier."""
        figures = [(place, first + by, last + by, value_of) for place, first, last, value_of in self.figures]
        return self._replace(figures=tuple(figures))


class Proviso(NamedTuple):
    """When a plan tells what a line says (``PLAN_*``), and the number that is asked for, where it is: its place, its digits,
    its value."""

    kind: int
    place: int = 0
    digits: int = 0
    value: int = 0


class Plan(NamedTuple):
    """What messages of a shape say, and when that is so; places are those in the message."""

    facts: tuple[PlannedFact, ...]
    proviso: Proviso

    def holds(self, message: str) -> bool:
        """Whether the plan tells what ``message`` says, which is of its shape."""
        kind, place, digits, value = self.proviso
        if kind in (k.PLAN_DIGIT_NOT, k.PLAN_NUMBER):
            return (int(message[place : place + digits]) == value) == (kind == k.PLAN_NUMBER)
        return kind != k.PLAN_NEVER

    def of_lines(self, message: int, text: int) -> Plan:
        """The same of lines whose text begins ``text`` bytes behind their begin and their message ``message``: places of figures
        are those in the text, of the proviso those in the line."""
        facts = tuple(fact.shifted(message - text) if fact.figures else fact for fact in self.facts)
        return Plan(facts, self.proviso._replace(place=self.proviso.place + message))


def made(facts: Sequence[PlannedFact], text: str, where: Provenance, at: Moment) -> list[Event]:
    """The events that are planned as ``facts``, with the figures of ``text``."""
    found = []
    for kind, fields, figures in facts:
        if figures:
            told = list(fields)
            for place, first, last, value_of in figures:
                told[place] = value_of(text[first:last])
            found.append(kind(where, at, *told))
        else:
            found.append(kind(where, at, *fields))
    return found


#: Every line of the shape must be read.
NO_PLAN = Plan((), Proviso(k.PLAN_NEVER))
_ALWAYS = Proviso(k.PLAN_ALWAYS)


def plan_of(
    line: LogLine,
    facts: Sequence[tuple[Phrase | None, Event]],
    askers: frozenset[str],
    *,
    undecided: bool,
) -> Plan:
    """The plan for the messages of all lines that differ from ``line`` in digits alone.

    ``facts`` is what the line says, the phrases with what they found behind what readers did; of readers only ``askers`` can
    find anything. ``undecided`` tells that a phrase that tells digits apart may find something.
    """
    if not line.text.isascii():
        return NO_PLAN
    if not _DIGIT.search(line.message) and not _DIGIT.search(line.tag):
        return _plan([_constant(fact) for _, fact in facts], [])
    lowered = line.message.lower()
    told = iter(facts)
    read: list[Sequence[Place]] = []
    provisos: list[Proviso] = []
    sure = not undecided
    if sure and CALLS in askers:
        sure = _of_call_errors(line, lowered, read, provisos)
    if sure and RADIO in askers:
        sure = _of_radio(line, lowered, read, provisos)
    if sure and MEMORY in askers:
        sure = _of_memory(line, lowered, read, provisos)
    if not sure or len(provisos) > 1 or len(read) != sum(phrase is None for phrase, _ in facts):
        return NO_PLAN
    found = [_planned(next(told)[1], places) for places in read]
    found += [_planned(fact, phrase.places(line)) for phrase, fact in told if phrase is not None]
    return _plan(found, provisos)


def _plan(facts: list[PlannedFact], provisos: list[Proviso]) -> Plan:
    if provisos:  # of lines that say nothing some are held, and a proviso is no help
        return Plan(tuple(facts), provisos[0]) if facts else NO_PLAN
    return Plan(tuple(facts), _ALWAYS if facts else Proviso(k.PLAN_SILENT))


def _of_call_errors(
    line: LogLine, lowered: str, read: list[Sequence[Place]], provisos: list[Proviso]
) -> bool:
    """Add where the fields of a failed call stand, and the number on which it hangs what is said; whether that is known."""
    if not said_of_sockets.may_fail(line, lowered):
        return True
    number = said_of_sockets.number_place(line.message)
    if number is not None:  # else a name or a text says which error it is
        digits = line.message[number.start : number.end]
        if not digits.isdigit() or len(digits) > _NUMBER_DIGITS_MAX:
            return False
        provisos.append(Proviso(k.PLAN_NUMBER, number.start, len(digits), int(digits)))
    places = said_of_sockets.call_places(line, lowered)
    if places is not None:
        read.append(places)
    return True


def _of_radio(line: LogLine, lowered: str, read: list[Sequence[Place]], provisos: list[Proviso]) -> bool:
    """The same of changes of state and of the signal."""
    if said_of_wifi.tells_digits_apart(lowered):
        return False
    if places := said_of_wifi.state_places(line.message, lowered):
        read.append(places)
    signal = said_of_wifi.signal_place(line, lowered)
    if signal is not None:
        digits = signal.end - signal.start - 1
        if digits != 2 or line.message[signal.start + 1] == "9":
            return False
        read.append([signal])  # no less than -89 dBm
        provisos.append(Proviso(k.PLAN_DIGIT_NOT, signal.start + 1, 1, 9))
    return True


def _of_memory(line: LogLine, lowered: str, read: list[Sequence[Place]], provisos: list[Proviso]) -> bool:
    """The same of samples of the heap."""
    if said_of_memory.tells_digits_apart(line, lowered):
        return False
    for sample in said_of_memory.samples(line, lowered):
        if sample.doubtful:
            firm = next((figure for figure in sample[:3] if figure is not None and _is_firm(figure)), None)
            if firm is None:
                return False
            provisos.append(Proviso(k.PLAN_DIGIT_NOT, firm.start, 1, 0))
        read.append(_sample_places(sample))
    return True


def _constant(fact: Event) -> PlannedFact:
    return PlannedFact(type(fact), _fields_of(fact), ())


def _planned(fact: Event, places: Sequence[Place]) -> PlannedFact:
    names = fact.__struct_fields__[2:]
    figures = tuple((names.index(place.field), place.start, place.end, place.value_of) for place in places)
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
    """Whether the figure is large enough whatever its digits are, if the first is not 0; and that is so now."""
    digits = figure.text.replace(",", "").replace("_", "")
    return digits[0] != "0" and (len(digits) >= _FIRM_DIGITS_MIN or figure.kilobytes)
