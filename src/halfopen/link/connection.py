"""What the user holds while a connection stands: read, write, and the reason when it ends (asyncio)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from halfopen.link.ledger import Ledger
from halfopen.link.policy import NEVER

#: Bytes kept for a user who does not read; beyond it the reader stops, and silence proves nothing any more.
UNREAD_BYTES_MAX = 256 * 1024


class Lost(ConnectionError):
    """The connection ended; ``cause`` says why, as ``link.policy`` names it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cause = connection.lost or ""
        super().__init__(f"connection to {connection.peer} lost: {self.cause}")


class Carrier(Protocol):
    """What a connection asks of the link that carries it."""

    ledger: Ledger

    @property
    def injects(self) -> bool:
        """Whether heartbeats of the link's own are sent between the user's bytes."""

    def now(self) -> int:
        """Milliseconds of the link's clock."""

    def send(self, connection: Connection, data: bytes) -> int:
        """Queue ``data``; where its end stands in the stream of bytes sent."""

    def release(self, connection: Connection) -> None:
        """The user is done with it."""

    def expect_answer(self, connection: Connection, due: float) -> None:
        """Close it as unanswered at ``due``."""

    def resume(self, connection: Connection) -> None:
        """There is room for more to be read."""


class Connection:
    """One connection; use it with ``async with``, which closes it whatever happens inside.

    Leaving the block by :class:`Lost` of this very connection is no error: the loop over the link goes on.
    """

    def __init__(self, carrier: Carrier, peer: str, local: str) -> None:
        self._carrier = carrier
        #: ``host:port`` of the other end as it was dialed, and of this end.
        self.peer, self.local = peer, local
        #: Why it ended; ``None`` while it stands.
        self.lost: str | None = None
        self._unread = bytearray()
        self._accepted = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._answers_due: list[float] = []

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.close()
        return isinstance(error, Lost) and error.connection is self

    @property
    def ledger(self) -> Ledger:
        """Who owns the descriptors that go with this connection."""
        return self._carrier.ledger

    @property
    def injects(self) -> bool:
        """Whether the link sends heartbeats between the user's bytes: no library may then speak over it."""
        return self._carrier.injects

    @property
    def accepted_bytes(self) -> int:
        """How many bytes the socket took so far, a TLS handshake's included; it says nothing about the peer."""
        return self._accepted

    def close(self) -> None:
        """Close it now; closing what is closed does nothing."""
        if self.lost is None:
            self._carrier.release(self)

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
        await self._until(lambda: bool(self._unread), within_ms)
        return self._take(min(limit, len(self._unread)))

    async def read_exactly(self, size: int, *, within_ms: float = NEVER) -> bytes:
        """``size`` bytes (at most 256 KiB), all of them ``within_ms``. Raises :class:`Lost`, :class:`ValueError`."""
        if not 0 <= size <= UNREAD_BYTES_MAX:
            raise ValueError(f"size must be between 0 and {UNREAD_BYTES_MAX}")
        await self._until(lambda: len(self._unread) >= size, within_ms)
        return self._take(size)

    async def read_until(self, separator: bytes = b"\n", *, within_ms: float = NEVER) -> bytes:
        """Bytes up to and with ``separator``, all ``within_ms``.

        Raises :class:`Lost`, and :class:`ValueError` when 256 KiB came without it.
        """
        if not separator:
            raise ValueError("the separator must not be empty")

        def complete() -> bool:
            return separator in self._unread or len(self._unread) >= UNREAD_BYTES_MAX

        await self._until(complete, within_ms)
        place = self._unread.find(separator)
        if place < 0:
            raise ValueError(f"no separator in {len(self._unread)} bytes")
        return self._take(place + len(separator))

    def _take(self, size: int) -> bytes:
        was_full = self.unread_is_full
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        if was_full and not self.unread_is_full and self.lost is None:
            self._carrier.resume(self)
        return taken

    async def _until(self, done: Callable[[], bool], within_ms: float = NEVER) -> None:
        """Wait until ``done()``; raises :class:`Lost` when it cannot come true any more."""
        due = self._carrier.now() + within_ms
        if within_ms < NEVER:
            self._answers_due.append(due)
        try:
            while not done():
                if self.lost is not None:
                    raise Lost(self)
                self._carrier.expect_answer(self, min(self._answers_due, default=NEVER))
                news = asyncio.get_running_loop().create_future()
                self._waiting.add(news)
                try:
                    await news
                finally:
                    self._waiting.discard(news)
        finally:
            if within_ms < NEVER:
                self._answers_due.remove(due)
                if self.lost is None:
                    self._carrier.expect_answer(self, min(self._answers_due, default=NEVER))

    # What the link tells.

    @property
    def unread_is_full(self) -> bool:
        """Whether the reader must stop."""
        return len(self._unread) >= UNREAD_BYTES_MAX

    def received(self, data: bytes) -> None:
        """``data`` came."""
        self._unread += data
        self._wake()

    def accepted_up_to(self, end: int) -> None:
        """The socket took everything queued before ``end``."""
        self._accepted = end
        self._wake()

    def end(self, cause: str) -> None:
        """It is over."""
        if self.lost is None:
            self.lost = cause
            self._wake()

    def _wake(self) -> None:
        for news in self._waiting:
            if not news.done():
                news.set_result(None)
