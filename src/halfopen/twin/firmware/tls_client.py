"""MQTT over TLS that stays connected, and an HTTPS fetch now and then: two sessions in a heap that fits one."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.program import Firmware
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device

#: mbedTLS: 16384 or 4096 bytes of a record (ESP-IDF's CONFIG_MBEDTLS_ASYMMETRIC_CONTENT_LEN) and 333 around them.
IN_BUFFER, OUT_BUFFER = 16717, 4429
#: Contexts of a session, and what a handshake takes for certificates and big numbers and gives back (inferred).
_CONTEXTS = (3200, 1800)
_HANDSHAKE = (4100, 2300, 1700, 1100)
#: A record's buffer with CONFIG_MBEDTLS_DYNAMIC_BUFFER: what the record needs, while it is needed.
_SMALL_RECORD = 1536
_HELLO, _FINISHED, _RECORD = 320, 126, 69


class Memory:
    """The blocks of one session."""

    def __init__(self, device: Device, dynamic: bool) -> None:
        self._heap, self._dynamic = device.heap, dynamic
        self._held: list[int] = []

    def setup(self) -> str:
        """``mbedtls_ssl_setup``: empty, or the code of its failure."""
        buffers = () if self._dynamic else (IN_BUFFER, OUT_BUFFER)
        return "" if self._take((*_CONTEXTS, *buffers)) else "-0x7F00"

    def handshake(self) -> str:
        """``mbedtls_ssl_handshake``: what it takes for itself is given back."""
        before = len(self._held)
        sizes = (*_HANDSHAKE, _SMALL_RECORD * 2) if self._dynamic else _HANDSHAKE
        code = "" if self._take(sizes) else "-0x10"
        self._give(before)
        return code

    def free(self) -> None:
        """``mbedtls_ssl_free``."""
        self._give(0)

    def _take(self, sizes: tuple[int, ...]) -> bool:
        for size in sizes:
            address = self._heap.take(size, "mbedtls")
            if address is None:
                return False
            self._held.append(address)
        return True

    def _give(self, keep: int) -> None:
        while len(self._held) > keep:
            self._heap.give(self._held.pop())


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsClient(Firmware):
    """A session to ``port`` that stays, and every ``fetch_ms`` one to ``fetch_port``; ``dynamic`` buffers fit both.

    ``dynamic`` is CONFIG_MBEDTLS_DYNAMIC_BUFFER: a record's buffer lives as long as the record.
    """

    NAME: ClassVar[str] = "tls-client"

    host: str = "192.168.5.1"
    port: int = 8883
    fetch_port: int = 443
    fetch_ms: int = 30000
    message_ms: int = 5000
    dynamic: bool = False

    def start(self, device: Device) -> None:
        """esp-mqtt's task, and the one that fetches."""
        device.start("mqtt_task", self._stay(device))
        device.start("fetch", self._fetch(device), priority=3)

    def _stay(self, device: Device) -> Generator[Wait, bool, None]:
        console = device.console
        while True:
            yield from device.wait_for_address()
            memory = Memory(device, self.dynamic)
            fd = yield from self._open(device, memory, self.port)
            if fd is not None:
                console.idf("I", "app_mqtt", "MQTT_EVENT_CONNECTED")
                while (yield from self._ask(device, fd, _RECORD)):
                    yield from sleep(self.message_ms * MS)
                yield from device.calls.close(fd)
                console.idf("I", "app_mqtt", "MQTT_EVENT_DISCONNECTED")
            else:
                console.idf("E", "mqtt_client", "Error transport connect")
            memory.free()
            yield from sleep(10000 * MS)

    def _fetch(self, device: Device) -> Generator[Wait, bool, None]:
        console = device.console
        yield from device.wait_for_address()
        while True:
            yield from sleep(self.fetch_ms * MS)
            console.idf("I", "app_ota", f"[APP] Free memory: {device.heap.free} bytes")
            memory = Memory(device, self.dynamic)
            fd = yield from self._open(device, memory, self.fetch_port)
            if fd is None:
                console.idf("E", "HTTP_CLIENT", "Connection failed, sock < 0")
                console.idf("E", "esp_https_ota", "Failed to open HTTP connection: ESP_ERR_HTTP_CONNECT")
            else:
                if (yield from self._ask(device, fd, _RECORD * 4)):
                    console.idf("I", "app_ota", "HTTP status = 200, no newer version")
                yield from device.calls.close(fd)
            memory.free()

    def _open(self, device: Device, memory: Memory, port: int) -> Generator[Wait, bool, int | None]:
        """Connect, and shake hands; a descriptor, or ``None`` after saying why not."""
        console, calls = device.console, device.calls
        try:
            fd = calls.socket()
        except SocketError as error:
            console.idf("E", "esp-tls", f"Failed to create socket ({error})")
            return None
        try:
            calls.setsockopt(fd, names.SO_RCVTIMEO, 10000 * MS)
            yield from calls.connect(fd, self.host, port)
        except SocketError as error:
            console.idf("E", "esp-tls", f"[sock={fd}] connect() error: {error.strerror}")
            yield from calls.close(fd)
            return None
        code = memory.setup()
        if code:
            console.idf("E", "esp-tls-mbedtls", f"mbedtls_ssl_setup returned {code}")
            console.idf("E", "esp-tls", "create_ssl_handle failed")
        elif (yield from self._ask(device, fd, _HELLO)):
            code = memory.handshake()
            if code:
                console.idf("E", "esp-tls-mbedtls", f"mbedtls_ssl_handshake returned {code}")
            elif (yield from self._ask(device, fd, _FINISHED)):
                return fd
        console.idf("E", "esp-tls", "Failed to open new connection")
        yield from calls.close(fd)
        return None

    def _ask(self, device: Device, fd: int, size: int) -> Generator[Wait, bool, bool]:
        """A record there and what comes back."""
        try:
            yield from device.calls.send(fd, b"t" * size)
            answer = yield from device.calls.recv(fd, 4096)
        except SocketError as error:
            device.console.idf("E", "esp-tls", f"[sock={fd}] read error: {error}")
            return False
        if answer:
            device.exchanged(len(answer))
        return bool(answer)
