"""The MicroPython driver for programs that use asyncio: the same lines as with ``on_asyncio`` on a computer.

MicroPython's own asyncio streams are not used: there a cancelled ``open_connection`` leaks its descriptor and
``Stream.close()`` does nothing. Here every descriptor is the link's; a task of its own keeps the link going, and whoever
waits looks every few milliseconds whether what it waits for has come.
"""

import asyncio

from halfopen.link import machine, on_micropython
from halfopen.link.blocking import UNREAD_BYTES_MAX, Lost
from halfopen.link.buffered import Shared
from halfopen.link.policy import NEVER, Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("Connection", "Link", "Lost", "Policy")

#: What a reading may come late: short against any network, long against a turn of the loop.
_TURN_MS = 10


async def _turn() -> None:
    await asyncio.sleep_ms(_TURN_MS)  # type: ignore[attr-defined]


class Connection(Shared):
    """As :class:`halfopen.link.blocking.Connection`, with ``async with`` and ``await``."""

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(self, kind: "Any", error: "Any", trace: "Any") -> bool:
        self.close()
        return isinstance(error, Lost) and error.connection is self

    async def write(self, data: bytes) -> None:
        """Return when the socket took all of ``data`` (which proves nothing about the peer). Raises :class:`Lost`."""
        if self.lost is not None:
            raise Lost(self)
        if data:
            end = self._carrier.send(self, data)
            while self.accepted_bytes < end:
                await self._turn()

    async def read(self, limit: int = UNREAD_BYTES_MAX, *, within_ms: float = NEVER) -> bytes:
        """At least one and at most ``limit`` bytes, ``within_ms``. Raises :class:`Lost` when all that came was read."""
        return await self._read(1, limit, None, within_ms)

    async def read_exactly(self, size: int, *, within_ms: float = NEVER) -> bytes:
        """``size`` bytes (at most 4096), all of them ``within_ms``. Raises :class:`Lost`, :class:`ValueError`."""
        return await self._read(size, size, None, within_ms)

    async def read_until(self, separator: bytes = b"\n", *, within_ms: float = NEVER) -> bytes:
        """Bytes up to and with ``separator``, all ``within_ms``. Raises :class:`Lost`, :class:`ValueError`."""
        return await self._read(0, UNREAD_BYTES_MAX, separator, within_ms)

    async def _read(self, size: int, limit: int, separator: "bytes | None", within_ms: float) -> bytes:
        self._check(size, limit, separator)
        due = self._expect(within_ms)
        try:
            while not self._has(size, separator):
                await self._turn()
        finally:
            self._no_longer_expect(due)
        return self._take_up_to(limit, separator)

    async def _turn(self) -> None:
        if self.lost is not None:
            raise Lost(self)
        await _turn()


class Link(on_micropython.Link):
    """As :class:`halfopen.link.on_micropython.Link`, with ``async with`` and ``async for``."""

    async def __aenter__(self) -> "Link":
        self._begin()
        self._keeping = asyncio.create_task(self._keep_going())
        return self

    async def __aexit__(self, kind: "Any", error: "Any", trace: "Any") -> None:
        self._keeping.cancel()
        self.__exit__(kind, error, trace)

    def __aiter__(self) -> "Link":
        return self

    async def __anext__(self) -> "Any":
        """The next connection; one still held from the last round is closed first."""
        while (found := self.try_next()) is None:
            if self._keeper.state == machine.IDLE:
                raise StopAsyncIteration
            await _turn()
        return found

    async def asleep(self) -> None:
        """As ``prepare_sleep``, for a program whose other tasks go on meanwhile."""
        self._tell(machine.SLEEP_ASKED)
        while self._keeper.state == machine.RETIRING:
            await _turn()
        await asyncio.sleep_ms(on_micropython.PARTING_FIN_MS)  # type: ignore[attr-defined]

    async def _keep_going(self) -> None:
        while True:
            self.step(0)
            await _turn()

    def _make_connection(self) -> Connection:  # type: ignore[override]
        return Connection(self, self.peer, self._own_ip)
