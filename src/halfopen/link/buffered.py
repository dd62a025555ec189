"""What came and was not read yet, and what was sent and not taken yet: the half of a connection that no port changes."""

from halfopen.link.policy import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from halfopen.link.ledger import Ledger

    class Carrier(Protocol):
        """What a connection asks of the link that carries it."""

        ledger: Ledger

        @property
        def injects(self) -> bool:
            """Whether heartbeats of the link's own are sent between the user's bytes."""

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
    """One connection as a driver sees it; ``unread_max`` bytes are kept for a user who does not read."""

    def __init__(self, carrier: "Carrier", peer: str, local: str, unread_max: int) -> None:
        self._carrier = carrier
        #: ``host:port`` of the other end as it was dialed, and of this end.
        self.peer, self.local = peer, local
        #: Why it ended; ``None`` while it stands.
        self.lost: str | None = None
        self.unread_max = unread_max
        self._unread = bytearray()
        self._discards = False
        self._accepted = 0
        self._answers_due: list[float] = []

    @property
    def ledger(self) -> "Ledger":
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
        """Somebody who waits may go on."""

    # What is ready, and taking it.

    def _has_some(self, limit: int) -> "Callable[[], bool]":
        if limit < 1:
            raise ValueError("limit must be at least 1")
        return lambda: len(self._unread) > 0

    def _has(self, size: int) -> "Callable[[], bool]":
        if not 0 <= size <= self.unread_max:
            raise ValueError(f"size must be between 0 and {self.unread_max}")
        return lambda: len(self._unread) >= size

    def _has_line(self, separator: bytes) -> "Callable[[], bool]":
        if not separator:
            raise ValueError("the separator must not be empty")
        return lambda: self._unread.find(separator) >= 0 or self.unread_is_full

    def _take_line(self, separator: bytes) -> bytes:
        place = self._unread.find(separator)
        if place < 0:
            raise ValueError(f"no separator in {len(self._unread)} bytes")
        return self._take(place + len(separator))

    def _take_some(self, limit: int) -> bytes:
        return self._take(min(limit, len(self._unread)))

    def _take(self, size: int) -> bytes:
        was_full = self.unread_is_full
        taken = bytes(self._unread[:size])
        self._unread[:size] = b""
        if was_full and not self.unread_is_full and self.lost is None:
            self._carrier.resume(self)
        return taken

    def _expect(self, within_ms: float) -> float:
        """An answer is awaited ``within_ms`` from now; give what this returns to :meth:`_no_longer_expect`."""
        due = self._carrier.now() + within_ms
        if within_ms < NEVER:
            self._answers_due.append(due)
            self._say_what_is_due()
        return due

    def _no_longer_expect(self, due: float) -> None:
        if due < NEVER:
            self._answers_due.remove(due)
            self._say_what_is_due()

    def _say_what_is_due(self) -> None:
        if self.lost is None:
            self._carrier.expect_answer(self, min(self._answers_due) if self._answers_due else NEVER)
