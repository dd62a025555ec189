"""What came and was not read yet, and what was sent and not taken yet: the half of a connection that no port changes."""

from halfopen.link.policy import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Carrier(Protocol):
        """What a connection asks of the link that carries it."""

        def now(self) -> int:
            """Milliseconds of the link's clock."""

        def send(self, connection: "Buffered", data: bytes) -> int:
            """Queue ``data``; where its end stands in the stream of bytes sent."""

        def release(self, connection: "Buffered") -> None:
            """The user is done with it."""

        def expect_answer(self, connection: "Buffered", due: float) -> None:
            """Close it as unanswered at ``due``."""

        def resume(self, connection: "Buffered") -> None:
            """There is room for more to be read."""


class Buffered:
    """One connection as a driver sees it."""

    #: Bytes kept for a user who does not read.
    unread_max = 4096

    def __init__(self, carrier: "Carrier", peer: str, local: str) -> None:
        self._carrier = carrier
        #: ``host:port`` of the other end as it was dialed, and of this end.
        self.peer, self.local = peer, local
        #: Why it ended; ``None`` while it stands.
        self.lost: str | None = None
        #: How many bytes the socket took so far, a TLS handshake's included; it says nothing about the peer.
        self.accepted_bytes = 0
        self._unread = bytearray()
        self._discards = False

    @property
    def unread_bytes(self) -> int:
        """How many bytes came and were not read yet."""
        return len(self._unread)

    @property
    def unread_is_full(self) -> bool:
        """Whether the reader must stop; silence proves nothing then."""
        return len(self._unread) >= self.unread_max

    def close(self) -> None:
        """Close it now; closing what is closed does nothing."""
        if self.lost is None:
            self._carrier.release(self)

    def discard(self) -> None:
        """Nobody will read: drop what came and what will come, so that answers to heartbeats still prove the peer alive."""
        self._discards = True
        self._take(len(self._unread))

    # What the link tells.

    def received(self, data: "Any") -> None:
        """``data`` came."""
        if not self._discards:
            self._unread += data

    def accepted_up_to(self, end: int) -> None:
        """The socket took everything queued before ``end``."""
        self.accepted_bytes = end

    def end(self, cause: str) -> None:
        """It is over."""
        if self.lost is None:
            self.lost = cause

    # What is ready, and taking it.

    def _check(self, size: int, limit: int, separator: "bytes | None") -> None:
        """Raises :class:`ValueError` for a request that could never be met."""
        if not 0 <= size <= self.unread_max or limit < size or separator == b"":
            raise ValueError("size, limit or separator")

    def _has(self, size: int, separator: "bytes | None") -> bool:
        """Whether ``size`` bytes came, and the ``separator`` where one is asked for, or as much as is kept."""
        return len(self._unread) >= size and (
            separator is None or self._unread.find(separator) >= 0 or self.unread_is_full
        )

    def _take_up_to(self, limit: int, separator: "bytes | None") -> bytes:
        if separator is not None:
            place = self._unread.find(separator)
            if place < 0:
                raise ValueError(f"no separator in {len(self._unread)} bytes")
            limit = place + len(separator)
        return self._take(limit)

    def _take(self, size: int) -> bytes:
        was_full = self.unread_is_full
        taken = bytes(self._unread[:size])
        self._unread[:size] = b""
        if was_full and not self.unread_is_full:
            self._carrier.resume(self)
        return taken


class Shared(Buffered):
    """A connection on which several tasks may wait, each for its own answer."""

    def __init__(self, carrier: "Carrier", peer: str, local: str) -> None:
        super().__init__(carrier, peer, local)
        self._answers_due: list[float] = []

    def received(self, data: "Any") -> None:
        """``data`` came."""
        super().received(data)
        self._wake()

    def accepted_up_to(self, end: int) -> None:
        """The socket took everything queued before ``end``."""
        super().accepted_up_to(end)
        self._wake()

    def end(self, cause: str) -> None:
        """It is over."""
        super().end(cause)
        self._wake()

    def _wake(self) -> None:
        """Somebody who waits may go on."""

    def _expect(self, within_ms: float) -> float:
        """An answer is awaited ``within_ms`` from now; give what this returns to :meth:`_no_longer_expect`."""
        due = self._carrier.now() + within_ms
        self._answers_due.append(due)
        self._carrier.expect_answer(self, min(self._answers_due))
        return due

    def _no_longer_expect(self, due: float) -> None:
        self._answers_due.remove(due)
        self._carrier.expect_answer(self, min(self._answers_due) if self._answers_due else NEVER)
