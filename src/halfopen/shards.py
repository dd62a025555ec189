"""Map a pure function over shards of work, in this process or in several: the same results whatever their number.

A shard is anything that can be pickled, and so is what becomes of it; the function must be importable by its name. Workers
are spawned, never forked, so that it works alike everywhere. Ctrl-C once ends the map cleanly: what was done stays.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import Generic, TypeVar

Shard = TypeVar("Shard")
Result = TypeVar("Result")

#: Shards at or before each worker: enough that none is idle, few enough that Ctrl-C is soon obeyed.
_AT_ONCE = 2
#: So many results may wait for one before them, each worker's share.
_WAITING_MAX = 64


class WorkersLost(RuntimeError):
    """A worker process ended by itself (killed, or out of memory); one line."""


@dataclass(slots=True)
class Mapped(Generic[Result]):
    """What became of the shards, in their order. ``interrupted``: the user ended it, some are missing."""

    results: list[Result] = field(default_factory=list)
    interrupted: bool = False


def processors() -> int:
    """How many processes can work at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_shards(
    work: Callable[[Shard], Result],
    shards: Iterable[Shard],
    *,
    jobs: int = 1,
    done: Callable[[Result], object] | None = None,
) -> Mapped[Result]:
    """``work`` of every shard, by ``jobs`` processes; with 1 in this one.

    ``done`` is told each result as soon as it and all before it are there: always in the order of the shards, so what is
    written down can be continued. After Ctrl-C results that lie beyond a gap are told and returned too.

    Raises:
        WorkersLost: a worker process ended by itself.
        Exception: whatever ``work`` raised; no further shard is begun.
    """
    mapped: Mapped[Result] = Mapped()

    def keep(result: Result) -> None:
        with _whole():
            mapped.results.append(result)
            if done is not None:
                done(result)

    if jobs <= 1:
        try:
            for shard in shards:
                keep(work(shard))
        except KeyboardInterrupt:
            mapped.interrupted = True
        return mapped
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_deaf_to_interrupts)
    try:
        mapped.interrupted = _in_processes(pool, jobs, work, iter(shards), keep)
    except BrokenProcessPool:
        raise WorkersLost(
            "a worker process ended by itself, killed or out of memory; fewer --jobs need less"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return mapped


def _in_processes(
    pool: ProcessPoolExecutor,
    jobs: int,
    work: Callable[[Shard], Result],
    shards: Iterator[Shard],
    keep: Callable[[Result], None],
) -> bool:
    """Feed the pool; whether the user interrupted."""
    flying: dict[int, Future[Result]] = {}
    begun = kept = 0
    try:
        while True:
            under_way = [future for future in flying.values() if not future.done()]
            room = min(jobs * _AT_ONCE - len(under_way), jobs * _WAITING_MAX - len(flying))
            for shard in islice(shards, room):
                future = flying[begun] = pool.submit(work, shard)
                under_way.append(future)
                begun += 1
            if not flying:
                return False
            if kept not in flying or not flying[kept].done():
                wait(under_way, return_when=FIRST_COMPLETED)
            while kept in flying and flying[kept].done():
                result = flying.pop(kept).result()
                kept += 1
                keep(result)
    except KeyboardInterrupt:
        for future in flying.values():
            future.cancel()
        for number in sorted(flying):  # what a worker is at is soon done: a shard is short
            if not flying[number].cancelled():
                keep(flying[number].result())
        return True


@contextmanager
def _whole() -> Iterator[None]:
    """Let an interrupt wait until a result is kept: it is either told and counted, or neither."""
    came: list[int] = []
    try:
        before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    except ValueError:  # not the main thread: nobody interrupts it
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _deaf_to_interrupts() -> None:
    """In a worker: Ctrl-C goes to all processes of a terminal, and only the first one decides; without it nobody stays."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """A parent that was killed tells nobody: a worker would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def in_shards(items: Sequence[Shard], size: int) -> list[Sequence[Shard]]:
    """``items`` in pieces of ``size``, in their order; the last may be shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]
