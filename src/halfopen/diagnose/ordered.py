"""Events in order, of which one can ask for those of a kind, and where one stands.

A rule wants a few kinds out of a hundred thousand events: walking them all costs more than judging those few. One walk notes
where the events of each kind stand, and where another boot or another log begins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TypeVar

from halfopen.diagnose.events import Event

E = TypeVar("E", bound=Event)


class Ordered(tuple[Event, ...]):
    """What was told, in order; no event is in it twice."""

    @cached_property
    def _noted(self) -> tuple[dict[type[Event], list[int]], list[int]]:
        """Where the events of each kind stand, and the first of each boot of each source."""
        places: dict[type[Event], list[int]] = {}
        turns: list[int] = []
        source, epoch = "", -1
        for place, event in enumerate(self):
            kind = type(event)
            if kind in places:
                places[kind].append(place)
            else:
                places[kind] = [place]
            if event.at.epoch != epoch or event.where.source != source:
                source, epoch = event.where.source, event.at.epoch
                turns.append(place)
        return places, turns

    @cached_property
    def _by_kind(self) -> dict[type[Event], list[Event]]:
        """The events of the kinds that were asked for."""
        return {}

    @cached_property
    def _indexes(self) -> dict[type[Event], dict[int, int]]:
        """By ``id``, where the events stand of the kinds that were asked for."""
        return {}

    def kinds(self) -> Collection[type[Event]]:
        """The kinds of event that there are."""
        return self._noted[0]

    def of(self, kind: type[E]) -> Sequence[E]:
        """The events of one kind."""
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = list(map(self.__getitem__, self.places(kind)))
        return found  # type: ignore[return-value]

    def of_kinds(self, *kinds: type[E]) -> Iterator[E]:
        """The events of several kinds, in order."""
        return map(self.__getitem__, self.places(*kinds))  # type: ignore[arg-type]

    def of_kinds_and_turns(self, *kinds: type[Event]) -> Iterator[Event]:
        """The same, and the first event of each boot and of each source whatever its kind is."""
        turns = [place for place in self._noted[1] if type(self[place]) not in kinds]
        return map(self.__getitem__, sorted(chain(self.places(*kinds), turns)))

    def turns(self) -> list[Event]:
        """The first event of each boot of each source."""
        return [self[place] for place in self._noted[1]]

    def places(self, *kinds: type[Event]) -> Sequence[int]:
        """Where the events of ``kinds`` stand."""
        places = self._noted[0]
        several = [places[kind] for kind in kinds if kind in places]
        return sorted(chain.from_iterable(several)) if len(several) > 1 else several[0] if several else ()

    def place_of(self, event: Event) -> int:
        """Where ``event`` stands; raises ``KeyError`` when it is not among them."""
        kind = type(event)
        index = self._indexes.get(kind)
        if index is None:
            index = dict(zip(map(id, self.of(kind)), self.places(kind), strict=True))
            self._indexes[kind] = index
        return index[id(event)]
