"""How a message becomes a fact: one phrase is one wording and the event it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.formats.logline import LogLine

#: How a named group of a pattern becomes the field of the same name (groups ``x_ms`` fill ``x_s``).
_WHOLE = frozenset(
    [
        "fd",
        "errno",
        "port",
        "local_port",
        "peer_port",
        "size",
        "reason",
        "channel",
        "rssi_dbm",
        "depth",
        "code",
        "wanted",
        "largest",
        "interval_us",
        "dtim",
    ]
)

#: Wordings remembered by a phrasebook: more than a firmware has, little memory for a hostile log.
_WORDINGS_MAX = 1024
_SAME_DIGITS = str.maketrans("123456789", "000000000")


def alike(lowered: str) -> str:
    """A message in lower case, its digits all the same."""
    return lowered.translate(_SAME_DIGITS)


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source, re.IGNORECASE)


class Place(NamedTuple):
    """Where the text of a field stands in a message, and what makes its value of it."""

    field: str
    start: int
    end: int
    value_of: Callable[[str], Any]


class Phrase(Struct, frozen=True):
    """One wording. ``needles`` are lower-case words of which one must stand in the message before the pattern is
    tried (cheap); ``tags``, when given, limits the phrase to lines whose tag contains one of them."""

    event: type[Event]
    needles: tuple[str, ...]
    source: str
    fixed: dict[str, Any]
    tags: tuple[str, ...] = ()

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when first asked for: a log needs a few of all."""
        return _compiled(self.source)

    def read(self, line: LogLine, where: Provenance, at: Moment) -> Event | None:
        """The event this phrase finds in ``line``, or ``None``."""
        found = self._found(line)
        if found is None:
            return None
        fields = dict(self.fixed)
        for group, value in found.groupdict().items():
            if value is not None:
                name, value_of = _field_of(group)
                fields[name] = value_of(value)
        return self.event(where, at, **fields)

    def may_be_in(self, alike: str) -> bool:
        """Whether :meth:`read` may find something in a message that is ``alike`` (:func:`alike`) but for its digits."""
        return any(needle.translate(_SAME_DIGITS) in alike for needle in self.needles)

    def places(self, line: LogLine) -> list[Place]:
        """Where in the message the fields of the event stand that :meth:`read` finds in ``line``."""
        found = self._found(line)
        if found is None:
            return []
        places: dict[str, Place] = {}
        for group, value in found.groupdict().items():
            if value is not None:
                name, value_of = _field_of(group)
                start, end = found.span(group)
                places[name] = Place(name, start, end, value_of)
        return list(places.values())

    def _found(self, line: LogLine) -> re.Match[str] | None:
        if self.tags and not any(tag in line.tag.lower() for tag in self.tags):
            return None
        return _compiled(self.source).search(line.message)


def _microseconds(text: str) -> float:
    return int(text) / 1e6


def _milliseconds(text: str) -> float:
    return float(text) / 1000


@cache
def _field_of(group: str) -> tuple[str, Callable[[str], Any]]:
    """The field that a group of a pattern fills, and what makes its value of the text."""
    name = group.rstrip("0123456789")  # a pattern with two places for one field names them fd and fd2
    if name.endswith("_us") and name not in _WHOLE:
        return name[:-3] + "_s", _microseconds
    if name.endswith("_ms"):
        return name[:-3] + "_s", _milliseconds
    if name.endswith("_s"):
        return name, float
    return name, int if name in _WHOLE else str


def phrase(
    event: type[Event], needles: str, pattern: str, tags: tuple[str, ...] = (), **fixed: Any
) -> Phrase:
    """A :class:`Phrase`; ``needles`` are separated by ``|``, the pattern ignores case."""
    return Phrase(event, tuple(needles.split("|")), pattern, fixed, tags)


class Phrasebook:
    """Many phrases, tried together: only those with a needle in the message cost a pattern."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._by_needle = [
            (needle.translate(_SAME_DIGITS), needle, entry) for entry in phrases for needle in entry.needles
        ]
        self._phrases = tuple(phrases)
        self._some: dict[frozenset[str], tuple[Phrase, ...]] = {}
        # A device repeats itself with other numbers: what a line may say is found once per wording.
        self._likely = lru_cache(maxsize=_WORDINGS_MAX)(self._with_needles_like)

    def __len__(self) -> int:
        return len(self._phrases)

    def any_in(self, numbers: frozenset[str], alike: str) -> bool:
        """Whether one of the phrases of ``numbers`` may find something in a message that is ``alike`` but for its digits."""
        return any(self._phrases[int(number)].may_be_in(alike) for number in numbers)

    def _with_needles_like(self, wording: str) -> list[tuple[str, Phrase]]:
        """Needles (with their phrases) that may stand in a message of this ``wording``, its digits all the same."""
        return [(needle, entry) for like, needle, entry in self._by_needle if like in wording]

    def read(self, line: LogLine, lowered: str, where: Provenance, at: Moment) -> Iterator[Event]:
        """The events that the phrases find in ``line``, whose message in lower case is ``lowered``."""
        tried = None
        for needle, entry in self._likely(lowered.translate(_SAME_DIGITS)):
            if entry is not tried and needle in lowered:  # the needles of one phrase stand side by side
                tried = entry
                event = entry.read(line, where, at)
                if event is not None:
                    yield event

    def found(
        self, numbers: frozenset[str], line: LogLine, lowered: str, where: Provenance, at: Moment
    ) -> list[tuple[Phrase, Event]]:
        """The same events with the phrases that find them, where no others than those of ``numbers`` can find anything; what
        is no number is passed by."""
        phrases = self._some.get(numbers)
        if phrases is None:
            if len(self._some) >= _WORDINGS_MAX:
                self._some.clear()
            places = sorted(int(number) for number in numbers if number.isdecimal())
            phrases = self._some[numbers] = tuple(self._phrases[place] for place in places)
        found = []
        for entry in phrases:
            for needle in entry.needles:
                if needle in lowered:
                    event = entry.read(line, where, at)
                    if event is not None:
                        found.append((entry, event))
                    break
        return found
