"""The web page of ``http-server`` behind a guard: sessions capped, the longest idle gives way, the dead are cleared."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.http_server import END_OF_REQUEST, hold_uplink, page
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.guard_on_lwip import Client, GuardedServer, Handler
from halfopen.twin.tasks import Wait

if TYPE_CHECKING:
    from halfopen.twin.device import Device

_BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardServer(Firmware):
    """``reserve`` descriptors are kept for the application's own connections, of which there are ``uplinks``."""

    NAME: ClassVar[str] = "guard-server"
    SPEAKS: ClassVar[str] = "micropython"

    port: int = 80
    reserve: int = 2
    page_bytes: int = 200
    keepalive: bool = True
    uplinks: int = 0
    uplink_host: str = "192.168.5.1"
    uplink_port: int = 8080

    def start(self, device: Device) -> None:
        """The server, once there is an address, and the uplinks."""
        device.start("main", self._run(device))
        for number in range(self.uplinks):
            device.start(
                f"uplink{number}", hold_uplink(device, self.uplink_host, self.uplink_port), priority=3
            )

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        yield from device.wait_for_address()
        server = GuardedServer(
            device,
            self.port,
            self._handle(device),
            reserve=self.reserve,
            farewell=_BUSY,
            keepalive=self.keepalive,
        )
        server.start()

    def _handle(self, device: Device) -> Handler:
        def handle(client: Client, data: bytes) -> None:
            client.rest += data
            if END_OF_REQUEST in client.rest:
                client.rest = client.rest.partition(END_OF_REQUEST)[2]
                client.send(page(self.page_bytes))
                device.exchanged(len(data))

        return handle
