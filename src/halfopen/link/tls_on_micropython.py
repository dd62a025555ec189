"""TLS over memory buffers on MicroPython, so that its handshake and records obey the link's deadlines.

MicroPython's SSLSocket cannot say whether its handshake is complete (and ``cipher()`` crashes before it is), so the
records that pass are watched: in TLS 1.3 the client's first record of application data ends the handshake, before that
version the record that follows the server's ChangeCipherSpec does (RFC 8446 5.1, RFC 5246 7.4.9).
"""

import io

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHANGE_CIPHER_SPEC, _HANDSHAKE, _APPLICATION_DATA = 20, 22, 23
_HEADER_BYTES = 5
_POLL = 3  # MP_STREAM_POLL in MicroPython's py/stream.h
#: Plain bytes put into one record, so that a record needs little memory.
_RECORD_BYTES = 1024


class Records:
    """Follows the records of one direction; ``kinds`` holds the content types of the last two that are complete."""

    def __init__(self) -> None:
        self.last = self.before_last = 0
        self._header = b""
        self._left = 0

    def pass_by(self, data: "Any") -> None:
        """``data`` went this way."""
        place = 0
        while place < len(data):
            if self._left:
                taken = min(self._left, len(data) - place)
                self._left -= taken
                place += taken
            else:
                self._header += bytes(data[place : place + 1])
                place += 1
                if len(self._header) < _HEADER_BYTES:
                    continue
                self._left = self._header[3] << 8 | self._header[4]
            if self._left == 0:
                self.before_last, self.last = self.last, self._header[0]
                self._header = b""


class Memory(io.IOBase):
    """A stream that ends in two buffers."""

    def __init__(self) -> None:
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.received, self.sent = Records(), Records()
        self.finished_in = False

    def readinto(self, buffer: "Any") -> "int | None":
        size = min(len(buffer), len(self.incoming))
        if size == 0:
            return None
        buffer[:size] = self.incoming[:size]
        self.incoming[:size] = b""
        return size

    def write(self, data: "Any") -> int:
        self.sent.pass_by(data)
        self.outgoing += data
        return len(data)

    def take(self, data: "Any") -> None:
        self.received.pass_by(data)
        if self.received.last == _HANDSHAKE and self.received.before_last == _CHANGE_CIPHER_SPEC:
            self.finished_in = True
        self.incoming += data

    def ioctl(self, request: int, argument: int) -> int:
        """poll: always ready; whoever reads finds out."""
        return argument if request == _POLL else 0


class TlsChannel:
    """One TLS session without a socket: bytes in, bytes out.

    ``handshake`` and ``encrypt`` raise :class:`OSError` when the peer breaks the protocol or its certificate does not
    hold; ``broken`` says that a record could not be read.
    """

    def __init__(self, context: "Any", server_name: str) -> None:
        self.broken = False
        self._memory = Memory()
        self._session = context.wrap_socket(
            self._memory, server_hostname=server_name or None, do_handshake_on_connect=False
        )
        self._early = b""
        self._buffer = bytearray(_RECORD_BYTES)

    def handshake(self) -> bool:
        """Go on with the handshake as far as what was received allows; true when it is complete."""
        try:
            size = self._session.readinto(self._buffer)  # there is no other way to have it go on
        except ValueError as error:  # what MicroPython raises for a certificate that does not hold
            raise OSError(0, str(error)) from None
        if size:
            self._early += bytes(self._buffer[:size])
        return self._memory.finished_in or self._memory.sent.last == _APPLICATION_DATA

    def encrypted(self) -> bytes:
        """What must be put on the wire now."""
        waiting = bytes(self._memory.outgoing)
        self._memory.outgoing[:] = b""
        return waiting

    def take(self, data: "Any") -> None:
        """``data`` came from the wire."""
        self._memory.take(data)

    def decrypted(self) -> "tuple[bytes, bool]":
        """The plain bytes that are complete, and whether the peer said goodbye (close_notify) after them."""
        plain, self._early = self._early, b""
        while True:
            try:
                size = self._session.readinto(self._buffer)
            except OSError:
                self.broken = True  # what came before it is sound all the same
                return plain, False
            if not size:
                return plain, size == 0
            plain += bytes(self._buffer[:size])

    def encrypt(self, data: bytes) -> bytes:
        """``data`` as records for the wire."""
        for place in range(0, len(data), _RECORD_BYTES):
            self._session.write(data[place : place + _RECORD_BYTES])
        return self.encrypted()

    def goodbye(self) -> bytes:
        """The close_notify alert, where the port sends one."""
        try:
            self._session.close()
        except OSError:
            pass
        return self.encrypted()
