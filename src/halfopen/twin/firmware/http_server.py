"""``esp_http_server``: one task, a listening socket, two for its own control, and sessions up to a limit."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.program import Firmware
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import Wait
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device

#: The server's control port (ESP_HTTPD_DEF_CTRL_PORT).
_CONTROL_PORT = 32768
#: A request at least: its first line and an empty one.
END_OF_REQUEST = b"\r\n\r\n"
#: keep_alive_idle, interval and count when keep_alive_enable is set.
_KEEPALIVE = (
    (names.SO_KEEPALIVE, 1),
    (names.TCP_KEEPIDLE, 5),
    (names.TCP_KEEPINTVL, 5),
    (names.TCP_KEEPCNT, 3),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpServer(Firmware):
    """HTTPD_DEFAULT_CONFIG: ``max_open_sockets`` 7, ``backlog`` 5, no LRU purge, no keepalive, 5 s to wait for bytes.

    ``uplinks`` connections of the application's own to ``uplink_host`` hold as many descriptors besides.
    """

    NAME: ClassVar[str] = "http-server"

    port: int = 80
    max_open_sockets: int = 7
    backlog: int = 5
    lru_purge: bool = False
    keepalive: bool = False
    recv_wait_ms: int = 5000
    page_bytes: int = 200
    uplinks: int = 0
    uplink_host: str = "192.168.5.1"
    uplink_port: int = 8080

    def start(self, device: Device) -> None:
        """The server's task, and one for each uplink."""
        device.start("httpd", _Server(device, self).run())
        for number in range(self.uplinks):
            device.start(
                f"uplink{number}", hold_uplink(device, self.uplink_host, self.uplink_port), priority=3
            )


def hold_uplink(device: Device, host: str, port: int) -> Generator[Wait, bool, None]:
    """A connection of the application's own: made once, and held."""
    yield from device.wait_for_address()
    try:
        fd = device.calls.socket()
        yield from device.calls.connect(fd, host, port)
    except SocketError as error:
        device.console.tell("E", "app", f"uplink: {error}")
        return
    device.console.tell("I", "app", f"uplink connected, fd={fd}")


def page(size: int) -> bytes:
    """An answer with ``size`` bytes of content."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, b"." * size)


class _Server:
    """``httpd_main.c`` and ``httpd_sess.c`` in so many words."""

    def __init__(self, device: Device, config: HttpServer) -> None:
        self._device, self._config = device, config
        self._calls = device.calls
        #: Open sessions by descriptor, and when each was used last (ns).
        self._sessions: dict[int, int] = {}

    def _log(self, level: str, tag: str, message: str) -> None:
        self._device.console.idf(level, tag, message)

    def run(self) -> Generator[Wait, bool, None]:
        config, calls = self._config, self._calls
        yield from self._device.wait_for_address()
        listening = calls.socket()
        calls.setsockopt(listening, names.SO_REUSEADDR, 1)
        calls.bind(listening, config.port)
        calls.listen(listening, config.backlog)
        control, message = calls.socket(names.DGRAM), calls.socket(names.DGRAM)
        calls.bind(control, _CONTROL_PORT)
        self._log(
            "I",
            "web",
            f"Starting server on port: '{config.port}' (fd={listening}, control fd={control}, {message})",
        )
        while True:
            full = len(self._sessions) >= config.max_open_sockets
            waiting = [] if full and not config.lru_purge else [listening]
            ready, _, _ = yield from calls.select([*waiting, control, *self._sessions])
            for fd in [one for one in ready if one in self._sessions]:
                yield from self._serve(fd)
            if listening in ready:
                yield from self._accept(listening)

    def _accept(self, listening: int) -> Generator[Wait, bool, None]:
        config, calls = self._config, self._calls
        if len(self._sessions) >= config.max_open_sockets:
            oldest = min(self._sessions, key=lambda fd: (self._sessions[fd], fd))
            yield from self._close(oldest)
        try:
            fd, _ = yield from calls.accept(listening)
        except SocketError as error:
            self._log("E", "httpd", f"httpd_accept_conn: error in accept ({error.errno})")
            self._log("W", "httpd", "httpd_server: error accepting new connection")
            return
        calls.setsockopt(fd, names.SO_RCVTIMEO, config.recv_wait_ms * MS)
        calls.setsockopt(fd, names.SO_SNDTIMEO, config.recv_wait_ms * MS)
        if config.keepalive:
            for option, value in _KEEPALIVE:
                calls.setsockopt(fd, option, value)
        self._sessions[fd] = self._device.world.now
        heap = self._device.heap
        self._device.console.heap(heap.free, heap.minimum_ever)

    def _serve(self, fd: int) -> Generator[Wait, bool, None]:
        """A request of a session, or its end."""
        calls, device = self._calls, self._device
        request = b""
        try:
            peer = calls.getpeername(fd)[0]
            while END_OF_REQUEST not in request:
                data = yield from calls.recv(fd, 512)
                if not data:
                    yield from self._close(fd)
                    return
                request += data
            yield from calls.send(fd, page(self._config.page_bytes))
        except SocketError as error:
            if error.errno == names.EAGAIN:
                self._log("W", "httpd_txrx", f"httpd_sock_err: error in recv : {error.errno}")
            yield from self._close(fd)
            return
        self._sessions[fd] = device.world.now
        self._log(
            "I", "web", f"{request.split(b' HTTP')[0].decode('ascii', 'replace')} from {peer} (fd={fd})"
        )
        device.exchanged(len(request))

    def _close(self, fd: int) -> Generator[Wait, bool, None]:
        del self._sessions[fd]
        yield from self._calls.close(fd)
