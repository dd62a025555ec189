"""What the user holds while a connection stands: read, write, and the reason when it ends (asyncio)."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING

from halfopen.link.buffered import Shared
from halfopen.link.policy import NEVER

if TYPE_CHECKING:
    from typing import Protocol

    from halfopen.link.buffered import Carrier
    from halfopen.link.host import ComputersLedger

    class ComputersCarrier(Carrier, Protocol):
        """What a connection asks besides where it can be handed to a library."""

        ledger: ComputersLedger

        @property
        def injects(self) -> bool:
            """Whether heartbeats of the link's own are sent between the user's bytes."""


#: Bytes kept for a user who does not read; beyond it the reader stops, and silence proves nothing any more.
UNREAD_BYTES_MAX = 256 * 1024


class Lost(ConnectionError):
    """The connection ended; ``cause`` says why, as ``link.policy`` names it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cause = connection.lost or ""
        super().__init__(f"connection to {connection.peer} lost: {self.cause}")


class Connection(Shared):
    """One connection; use it with ``async with``, which closes it whatever happens inside.

    Leaving the block by :class:`Lost` of this very connection is no error, from tasks of a TaskGroup neither: the loop
    over the link goes on.
    """

    unread_max = UNREAD_BYTES_MAX

    def __init__(self, carrier: ComputersCarrier, peer: str, local: str) -> None:
        super().__init__(carrier, peer, local)
        #: Who owns the descriptors that go with this connection.
        self.ledger = carrier.ledger
        #: Whether the link sends heartbeats between the user's bytes: no library may then speak over it.
        self.injects = carrier.injects
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
        while self.accepted_bytes < end:
            await self._news()

    async def read(self, limit: int = 65536, *, within_ms: float = NEVER) -> bytes:
        """At least one and at most ``limit`` bytes.

        When nothing comes ``within_ms`` the connection is closed as unanswered. Raises :class:`Lost`, but only when
        everything that had come was read.
        """
        return await self._read(1, limit, None, within_ms)

    async def read_exactly(self, size: int, *, within_ms: float = NEVER) -> bytes:
        """``size`` bytes (at most 256 KiB), all of them ``within_ms``. Raises :class:`Lost`, :class:`ValueError`."""
        return await self._read(size, size, None, within_ms)

    async def read_until(self, separator: bytes = b"\n", *, within_ms: float = NEVER) -> bytes:
        """Bytes up to and with ``separator``, all ``within_ms``.

        Raises :class:`Lost`, and :class:`ValueError` when 256 KiB came without it.
        """
        return await self._read(0, UNREAD_BYTES_MAX, separator, within_ms)

    async def _read(self, size: int, limit: int, separator: bytes | None, within_ms: float) -> bytes:
        self._check(size, limit, separator)
        due = self._expect(within_ms)
        try:
            while not self._has(size, separator):
                await self._news()
        finally:
            self._no_longer_expect(due)
        return self._take_up_to(limit, separator)

    async def _news(self) -> None:
        """Wait until something happened; raises :class:`Lost` when nothing more can."""
        if self.lost is not None:
            raise Lost(self)
        news = asyncio.get_running_loop().create_future()
        self._waiting.append(news)
        try:
            await news
        finally:
            self._waiting.remove(news)

    def _wake(self) -> None:
        for news in self._waiting:
            if not news.done():
                news.set_result(None)
