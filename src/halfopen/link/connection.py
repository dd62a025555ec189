"""What the user holds while a connection stands: read, write, and the reason when it ends (asyncio)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from halfopen.link.buffered import Buffered
from halfopen.link.policy import NEVER

if TYPE_CHECKING:
    from halfopen.link.buffered import Carrier

#: Bytes kept for a user who does not read; beyond it the reader stops, and silence proves nothing any more.
UNREAD_BYTES_MAX = 256 * 1024


class Lost(ConnectionError):
    """The connection ended; ``cause`` says why, as ``link.policy`` names it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cause = connection.lost or ""
        super().__init__(f"connection to {connection.peer} lost: {self.cause}")


class Connection(Buffered):
    """One connection; use it with ``async with``, which closes it whatever happens inside.

    Leaving the block by :class:`Lost` of this very connection is no error, from tasks of a TaskGroup neither: the loop
    over the link goes on.
    """

    def __init__(self, carrier: Carrier, peer: str, local: str) -> None:
        super().__init__(carrier, peer, local, UNREAD_BYTES_MAX)
        self._waiting: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.close()
        if isinstance(error, BaseExceptionGroup):  # of a TaskGroup in which several tasks met the same end
            rest = error.split(lambda one: self._is_my_end(one))[1]  # a bound method is not taken
            if rest is None or rest is error:
                return rest is None
            raise rest
        return error is not None and self._is_my_end(error)

    def _is_my_end(self, error: BaseException) -> bool:
        return isinstance(error, Lost) and error.connection is self

    async def write(self, data: bytes) -> None:
        """Return when the socket took all of ``data`` (which proves nothing about the peer).

        Raises :class:`Lost` when the connection ended, at the latest when the send deadlines of the policy ran out.
        """
        if self.lost is not None:
            raise Lost(self)
        if not data:
            return
        end = self._carrier.send(self, bytes(data))
        await asyncio.sleep(0)  # a socket that takes everything at once must not starve the loop
        await self._until(lambda: self._accepted >= end)

    async def read(self, limit: int = 65536, *, within_ms: float = NEVER) -> bytes:
        """At least one and at most ``limit`` bytes.

        When nothing comes ``within_ms`` the connection is closed as unanswered. Raises :class:`Lost`, but only when
        everything that had come was read.
        """
        await self._until(self._has_some(limit), within_ms)
        return self._take_some(limit)

    async def read_exactly(self, size: int, *, within_ms: float = NEVER) -> bytes:
        """``size`` bytes (at most 256 KiB), all of them ``within_ms``. Raises :class:`Lost`, :class:`ValueError`."""
        await self._until(self._has(size), within_ms)
        return self._take(size)

    async def read_until(self, separator: bytes = b"\n", *, within_ms: float = NEVER) -> bytes:
        """Bytes up to and with ``separator``, all ``within_ms``.

        Raises :class:`Lost`, and :class:`ValueError` when 256 KiB came without it.
        """
        await self._until(self._has_line(separator), within_ms)
        return self._take_line(separator)

    async def _until(self, done: Callable[[], bool], within_ms: float = NEVER) -> None:
        """Wait until ``done()``; raises :class:`Lost` when it cannot come true any more."""
        due = self._expect(within_ms)
        try:
            while not done():
                if self.lost is not None:
                    raise Lost(self)
                news = asyncio.get_running_loop().create_future()
                self._waiting.append(news)
                try:
                    await news
                finally:
                    self._waiting.remove(news)
        finally:
            self._no_longer_expect(due)

    def _wake(self) -> None:
        for news in self._waiting:
            if not news.done():
                news.set_result(None)
