"""Facts of lines that are told by plan, made when they are asked for: of a log in which everything speaks most are never."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.sources.plans import PlannedFact, made
from halfopen.kernel.line_layout import HAS_BOOT, HAS_HOST, HAS_SYSTEM, TIME_WIDTH, TOLD_WIDTH

#: A block that is held for its lines has so many bytes to a fact at most; of others the facts are made at once.
_BYTES_A_FACT_MAX = 256


class ToldLines:
    """Lines of one block that followed each other and are told by plan: ``numbers`` and ``times`` are their rows
    (``line_layout``), ``count`` is how many facts they are."""

    __slots__ = ("_block", "_count", "_epoch", "_numbers", "_plans", "_source", "_times")

    def __init__(
        self,
        source: str,
        epoch: int,
        block: bytes,
        plans: Sequence[tuple[PlannedFact, ...]],
        numbers: array[int],
        times: array[float],
        count: int,
    ) -> None:
        self._source = source
        self._epoch = epoch
        self._block = block
        self._plans = plans
        self._numbers = numbers
        self._times = times
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Event]:
        return iter(self._facts(self._numbers, self._times))

    def last(self) -> tuple[Provenance, Moment]:
        """Place and time of the last line."""
        fact = self._facts(self._numbers[-TOLD_WIDTH:], self._times[-TIME_WIDTH:])[-1]
        return fact.where, fact.at

    def _facts(self, numbers: array[int], times: array[float]) -> list[Event]:
        source, epoch, block, plans = self._source, self._epoch, self._block, self._plans
        facts: list[Event] = []
        number, time = iter(numbers), iter(times)
        for plan, line, start, end, has, boot, system, host in zip(
            number, number, number, number, number, time, time, time, strict=True
        ):
            text = block[start:end].decode()
            where = Provenance(source, line, None, text)
            at = Moment(
                epoch,
                boot if has & HAS_BOOT else None,
                system if has & HAS_SYSTEM else None,
                host if has & HAS_HOST else None,
            )
            facts += made(plans[plan], text, where, at)
        return facts


class Facts(Collection[Event]):
    """The facts of one block in order, as many as ``len()`` says, made whenever they are asked for."""

    __slots__ = ("_count", "_parts")

    def __init__(self, parts: Sequence[ToldLines | list[Event]]) -> None:
        self._parts = parts
        self._count = sum(map(len, parts))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Event]:
        for part in self._parts:
            yield from part

    def __contains__(self, fact: object) -> bool:
        return any(fact is each for each in self)


def gathered(parts: Sequence[ToldLines | list[Event]], block_bytes: int) -> Facts | list[Event]:
    """The facts of one block of ``block_bytes``; made at once where so few lines are told by plan that it is not worth to hold
    the block for them."""
    planned = sum(len(part) for part in parts if isinstance(part, ToldLines))
    if planned * _BYTES_A_FACT_MAX >= block_bytes:
        return Facts(parts)
    return [event for part in parts for event in part]
