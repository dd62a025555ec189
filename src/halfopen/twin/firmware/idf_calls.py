"""Sockets as ESP-IDF's examples use them: each call and the line that is printed after it.

The wordings are those of the ``tcp_client`` example with the figures that the lab's firmware adds (data of real lwIP).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING

from halfopen.twin.console import strerror
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import Wait
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device


class IdfCalls:
    """The calls of one task. Where the C call returns −1 the methods return ``None`` after printing errno."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._calls = device.calls
        #: errno of the last call that failed.
        self.errno = 0

    def log(self, level: str, tag: str, message: str) -> None:
        """``ESP_LOGx``."""
        self._device.console.idf(level, tag, message)

    def heap(self) -> None:
        """The article's line."""
        heap = self._device.heap
        self._device.console.heap(heap.free, heap.minimum_ever)

    def open(self) -> int | None:
        """``socket()``."""
        try:
            fd = self._calls.socket()
        except SocketError as error:
            self._failed("Unable to create socket", error)
            return None
        self.log("I", "NET", f"Socket created, fd={fd}")
        return fd

    def keepalive(self, fd: int, idle_s: int, interval_s: int, count: int) -> None:
        """``setsockopt`` four times."""
        options = (
            (names.SO_KEEPALIVE, 1),
            (names.TCP_KEEPIDLE, idle_s),
            (names.TCP_KEEPINTVL, interval_s),
            (names.TCP_KEEPCNT, count),
        )
        for option, value in options:
            self._calls.setsockopt(fd, option, value)

    def timeouts(self, fd: int, receive_ms: int = 0, send_ms: int = 0) -> None:
        """SO_RCVTIMEO and SO_SNDTIMEO."""
        if receive_ms:
            self._calls.setsockopt(fd, names.SO_RCVTIMEO, receive_ms * MS)
        if send_ms:
            self._calls.setsockopt(fd, names.SO_SNDTIMEO, send_ms * MS)

    def connect(self, fd: int, host: str, port: int) -> Generator[Wait, bool, bool]:
        """``connect()``, blocking."""
        self.log("I", "NET", f"Connecting to {host}:{port} (fd={fd})")
        began = self._device.world.now
        try:
            yield from self._calls.connect(fd, host, port)
        except SocketError as error:
            self._failed("Socket unable to connect", error, after_ms=self._since(began))
            return False
        local = self._calls.getsockname(fd)[1]
        self.log("I", "NET", f"Successfully connected (fd={fd}, local port {local})")
        return True

    def send(self, fd: int, data: bytes) -> Generator[Wait, bool, int | None]:
        """``send()``: bytes queued."""
        began = self._device.world.now
        try:
            sent = yield from self._calls.send(fd, data)
        except SocketError as error:
            self._failed("Error occurred during sending", error, fd, self._since(began))
            return None
        self.log("I", "NET", f"send(fd={fd}) = {sent} ({self._since(began)} ms)")
        return sent

    def recv(self, fd: int, size: int) -> Generator[Wait, bool, bytes | None]:
        """``recv()``: what came, empty after the peer's FIN."""
        began = self._device.world.now
        try:
            data = yield from self._calls.recv(fd, size)
        except SocketError as error:
            self._failed("recv failed", error, fd, self._since(began))
            return None
        if data:
            self.log("I", "NET", f"Received {len(data)} bytes (fd={fd})")
        else:
            self.log("W", "NET", f"Connection closed by the peer, recv(fd={fd}) = 0")
        return data

    def close(self, fd: int) -> Generator[Wait, bool, None]:
        """``shutdown()`` and ``close()``, as the examples end a connection."""
        began = self._device.world.now
        with suppress(SocketError):  # the connection may be gone already; the descriptor is not
            self._calls.shutdown(fd, names.SHUT_RDWR)
        yield from self._calls.close(fd)
        self.log("I", "NET", f"close(fd={fd}) = 0 ({self._since(began)} ms)")

    def _since(self, began: int) -> int:
        return (self._device.world.now - began) // MS

    def _failed(
        self, words: str, error: SocketError, fd: int | None = None, after_ms: int | None = None
    ) -> None:
        self.errno = error.errno or 0
        where = f" fd={fd}" if fd is not None else ""
        waited = f" after {after_ms} ms" if after_ms is not None else ""
        self.log("E", "NET", f"{words}: {strerror(self.errno)}{where}{waited}")
