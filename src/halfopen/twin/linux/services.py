"""Applications on the peer: what listens, answers, streams, or does nothing; and clients that call the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.world import US

if TYPE_CHECKING:
    from halfopen.twin.linux.connection import Connection

#: What a small server on the same machine takes to wake, read and answer (data/lwip: 50 to 100 us).
THINK_NS = 60 * US


class Service:
    """An application: one object serves all connections of its port. Without more it reads and says nothing.

    ``receive_buffer`` is SO_RCVBUF in bytes (``None``: the system's), ``keepalive`` (idle, interval, count) in seconds
    or ``None``, ``think_ns`` what it takes to react.
    """

    receive_buffer: int | None = None
    keepalive: tuple[int, int, int] | None = None
    think_ns = THINK_NS

    def connected(self, connection: Connection) -> None:
        """A handshake is complete."""

    def received(self, connection: Connection, data: bytes) -> None:
        """Data was read."""

    def writable(self, connection: Connection) -> None:
        """Something of what was written has been acknowledged."""

    def ended(self, connection: Connection) -> None:
        """The device closed: close too."""
        connection.close()

    def failed(self, connection: Connection, why: str) -> None:
        """The connection is dead: ``reset``, ``refused`` or ``timeout``."""


class Sink(Service):
    """Reads everything, answers nothing: ``Mute`` under another name where the protocol expects an answer."""


class Mute(Service):
    """Accepts connections and requests, and never answers one."""


class Echo(Service):
    """Sends back what it gets."""

    def received(self, connection: Connection, data: bytes) -> None:
        """See the base."""
        connection.send(data)


class Responder(Service):
    """Answers each request, whatever its size, with ``reply`` bytes; ``closes``: and then closes, as HTTP/1.0 does."""

    def __init__(self, reply: int = 40, *, closes: bool = False) -> None:
        self._reply = (b"HTTP/1.1 200 OK\r\n" + b"." * reply)[:reply]
        self._closes = closes

    def received(self, connection: Connection, data: bytes) -> None:
        """See the base."""
        connection.send(self._reply)
        if self._closes:
            connection.close()


class Talker(Service):
    """Streams ``chunk`` after ``chunk`` without end, from the connection on or from the first request on.

    ``pause_ns`` between two chunks makes it a sender of telegrams; 0 writes as fast as the socket takes it.
    """

    #: net.ipv4.tcp_wmem[1]: what a blocking writer gets rid of before it waits.
    _BUFFER = 16_384

    def __init__(self, chunk: int = 1024, *, on_request: bool = False, pause_ns: int = 0) -> None:
        self._chunk = b"x" * chunk
        self._on_request = on_request
        self._pause_ns = pause_ns
        self._talking: set[Connection] = set()

    def connected(self, connection: Connection) -> None:
        """See the base."""
        if not self._on_request:
            self._begin(connection)

    def received(self, connection: Connection, data: bytes) -> None:
        """See the base."""
        if connection not in self._talking:
            self._begin(connection)

    def _begin(self, connection: Connection) -> None:
        self._talking.add(connection)
        self._write(connection)

    def _write(self, connection: Connection) -> None:
        if connection.state not in ("ESTABLISHED", "CLOSE_WAIT"):
            self._talking.discard(connection)
            return
        if self._pause_ns:
            connection.send(self._chunk)
            connection.world.after(self._pause_ns, self._write, connection)
            return
        while connection.unsent < self._BUFFER:
            connection.send(self._chunk)

    def writable(self, connection: Connection) -> None:
        """See the base."""
        if connection in self._talking and not self._pause_ns and connection.unsent < self._BUFFER // 2:
            self._write(connection)

    def ended(self, connection: Connection) -> None:
        """See the base."""
        self._talking.discard(connection)
        connection.close()


class Stalled(Service):
    """Accepts and never reads: its window closes when ``receive_buffer`` bytes of memory are full."""

    def __init__(self, receive_buffer: int = 4096) -> None:
        self.receive_buffer = receive_buffer

    def connected(self, connection: Connection) -> None:
        """See the base."""
        connection.stall(True)


class Caller(Service):
    """A client of the device: says ``greeting`` after connecting; ``repeat_ns`` says it again and again.

    A handshake that takes longer than ``patience_ns`` finds nobody who would say anything.
    ``outcome`` is ``connecting``, ``connected``, ``refused``, ``reset`` or ``timeout``; ``heard`` what came back.
    """

    def __init__(self, greeting: bytes = b"", *, repeat_ns: int = 0, patience_ns: int | None = None) -> None:
        self._greeting = greeting
        self._patience_ns = patience_ns
        self._repeat_ns = repeat_ns
        self.outcome = "connecting"
        self.heard = b""

    def connected(self, connection: Connection) -> None:
        """See the base."""
        self.outcome = "connected"
        waited = connection.world.now - connection.opened_at
        if self._greeting and (self._patience_ns is None or waited <= self._patience_ns):
            connection.world.after(self.think_ns, self._say, connection)

    def _say(self, connection: Connection) -> None:
        if connection.state == "ESTABLISHED":
            connection.send(self._greeting)
            if self._repeat_ns:
                connection.world.after(self._repeat_ns, self._say, connection)

    def received(self, connection: Connection, data: bytes) -> None:
        """See the base."""
        self.heard += data

    def failed(self, connection: Connection, why: str) -> None:
        """See the base."""
        self.outcome = why
