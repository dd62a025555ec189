"""What the user holds while a connection stands: read, write, and the reason when it ends (blocking, with deadlines)."""

from halfopen.link.buffered import Buffered
from halfopen.link.policy import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Bytes kept for a user who does not read: as much as the stack's own window (5760) would hold besides.
UNREAD_BYTES_MAX = 4096
#: As long as the link likes: it returns as soon as something happened.
_A_WHILE_MS = 1000


class Lost(OSError):
    """The connection ended; ``cause`` says why, as ``link.policy`` names it."""

    def __init__(self, connection: "Buffered") -> None:
        self.connection = connection
        self.cause = connection.lost or ""
        super().__init__(f"connection to {connection.peer} lost: {self.cause}")


class Connection(Buffered):
    """One connection; use it with ``with``, which closes it whatever happens inside.

    Leaving the block by :class:`Lost` of this very connection is no error: the loop over the link goes on.
    """

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, kind: "Any", error: "Any", trace: "Any") -> bool:
        self.close()
        return isinstance(error, Lost) and error.connection is self

    def write(self, data: bytes) -> None:
        """Return when the socket took all of ``data`` (which proves nothing about the peer).

        Raises :class:`Lost` when the connection ended, at the latest when the send deadlines of the policy ran out.
        """
        end = self.start_write(data)
        while self.accepted_bytes < end:
            self._go_on()

    def start_write(self, data: bytes) -> int:
        """Queue ``data``; it is taken when :attr:`accepted_bytes` has reached what this returns. Raises :class:`Lost`."""
        if self.lost is not None:
            raise Lost(self)
        return self._carrier.send(self, data) if data else 0

    def read(self, limit: int = UNREAD_BYTES_MAX, *, within_ms: float = NEVER) -> bytes:
        """At least one and at most ``limit`` bytes.

        When nothing comes ``within_ms`` the connection is closed as unanswered. Raises :class:`Lost`, but only when
        everything that had come was read.
        """
        return self._read(1, limit, None, within_ms)

    def read_exactly(self, size: int, *, within_ms: float = NEVER) -> bytes:
        """``size`` bytes (at most 4096), all of them ``within_ms``. Raises :class:`Lost`, :class:`ValueError`."""
        return self._read(size, size, None, within_ms)

    def read_until(self, separator: bytes = b"\n", *, within_ms: float = NEVER) -> bytes:
        """Bytes up to and with ``separator``, all ``within_ms``.

        Raises :class:`Lost`, and :class:`ValueError` when 4096 bytes came without it.
        """
        return self._read(0, UNREAD_BYTES_MAX, separator, within_ms)

    def _read(self, size: int, limit: int, separator: "bytes | None", within_ms: float) -> bytes:
        self._check(size, limit, separator)
        self._carrier.expect_answer(self, self._carrier.now() + within_ms)
        try:
            while not self._has(size, separator):
                self._go_on()
        finally:
            self._carrier.expect_answer(self, NEVER)
        return self._take_up_to(limit, separator)

    def _go_on(self) -> None:
        """Keep the link going for a while. Raises :class:`Lost` when nothing more can come."""
        if self.lost is not None:
            raise Lost(self)
        self._carrier.step(_A_WHILE_MS)  # type: ignore[attr-defined]
