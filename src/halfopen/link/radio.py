"""What a computer's driver asks of its Wi-Fi, one thing after the other (asyncio)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

_LOG = logging.getLogger("halfopen.link")

Request = Callable[[], Coroutine[Any, Any, None]]


class Radio(Protocol):
    """The Wi-Fi of this computer, where the link may join, leave and bounce it. Each raises :class:`OSError`."""

    async def join(self) -> None:
        """Return when layer 2 stands."""

    async def lease(self) -> None:
        """Return when there is an address."""

    async def leave(self) -> None:
        """Leave, so that :meth:`join` begins anew."""

    async def disable_power_save(self) -> None:
        """Keep the receiver on between beacons."""


class RadioRequests:
    """Questions, which a state of the machine waits for, and orders, which none does, in the order they were made."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        """``complain`` is told in words when a request failed."""
        self._complain = complain
        self._tasks: list[asyncio.Task[Any]] = []
        self._question: asyncio.Task[Any] | None = None

    def ask(self, request: Request, answered: Callable[[bool], None]) -> None:
        """Have ``request`` carried out; ``answered`` is told whether it succeeded, unless the question is dropped."""
        before = self._tasks[-1:]

        async def answer() -> None:
            succeeded = await self._carried_out(request, before)
            if self._question is asyncio.current_task():
                answered(succeeded)

        self._question = self._begin(answer())

    def order(self, request: Request) -> None:
        """Have ``request`` carried out, whatever becomes of the state that ordered it."""
        self._begin(self._carried_out(request, self._tasks[-1:]))

    def drop_question(self) -> None:
        """The state that asked is left: no answer is wanted any more."""
        if self._question is not None and self._question is not asyncio.current_task():
            self._question.cancel()
        self._question = None

    async def stop(self) -> None:
        """Cancel everything and wait until it is over."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)
        return task

    async def _carried_out(self, request: Request, before: list[asyncio.Task[Any]]) -> bool:
        """Carry out ``request`` when what was asked ``before`` is over; whether it succeeded."""
        if before:
            await asyncio.wait(before)
        try:
            await request()
        except OSError as error:
            self._complain(str(error.strerror or error))
            return False
        except Exception:
            _LOG.exception("the radio's own code failed; its request counts as failed")
            return False
        return True
