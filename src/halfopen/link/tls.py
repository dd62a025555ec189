"""TLS over memory buffers, so that its handshake and its records obey the link's own deadlines (CPython)."""

from __future__ import annotations

import ssl

#: What one TLS record can carry at most (RFC 8446 5.1).
_RECORD_BYTES = 16384


class TlsChannel:
    """One TLS session without a socket: bytes in, bytes out.

    ``handshake`` and ``encrypt`` raise :class:`ssl.SSLError` when the peer breaks the protocol or its certificate does not
    hold; ``broken`` says that a record could not be read.
    """

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        """``server_name`` is what the certificate must be for; ``""`` where the context checks none.

        Raises :class:`ValueError` when the context checks a name and there is none, or a context no client can use.
        """
        if context.check_hostname and not server_name:
            raise ValueError("this context checks the host's name: give server_name")
        self.broken = False
        self._from_peer = ssl.MemoryBIO()
        self._to_peer = ssl.MemoryBIO()
        self._session = context.wrap_bio(self._from_peer, self._to_peer, server_hostname=server_name or None)

    def handshake(self) -> bool:
        """Go on with the handshake as far as what was received allows; true when it is complete."""
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def encrypted(self) -> bytes:
        """What must be put on the wire now."""
        return self._to_peer.read()

    def take(self, data: bytes) -> None:
        """``data`` came from the wire."""
        self._from_peer.write(data)

    def decrypted(self) -> tuple[bytes, bool]:
        """The plain bytes that are complete, and whether the peer said goodbye (close_notify) after them."""
        parts = []
        try:
            while part := self._session.read(_RECORD_BYTES):
                parts.append(part)
            return b"".join(parts), True
        except ssl.SSLWantReadError:
            return b"".join(parts), False
        except ssl.SSLZeroReturnError:
            return b"".join(parts), True
        except ssl.SSLError:
            self.broken = True  # what came before it is sound all the same
            return b"".join(parts), False

    def encrypt(self, data: bytes) -> bytes:
        """``data`` as records for the wire."""
        rest = memoryview(data)
        while rest:  # one call takes one record
            rest = rest[self._session.write(rest) :]
        return self._to_peer.read()

    def goodbye(self) -> bytes:
        """The close_notify alert, ``b""`` when the session cannot say it any more."""
        try:
            self._session.unwrap()
        except ssl.SSLError:  # it wants the peer's answer, which nobody waits for
            pass
        return self._to_peer.read()
