"""A client that looks its server's name up before every connection, and gives up the round when that fails."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.idf_calls import IdfCalls
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.lwip.names import NameNotFound
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvingClient(Firmware):
    """A connection for each request, every ``period_ms``; every one begins with ``getaddrinfo``."""

    NAME: ClassVar[str] = "resolving-client"

    host: str = "broker.example"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 10000

    def start(self, device: Device) -> None:
        """One task that does everything."""
        device.start("main", self._run(device))

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        net = IdfCalls(device)
        while True:
            yield from device.wait_for_address()
            try:
                addresses = yield from device.calls.getaddrinfo(self.host)
            except NameNotFound as error:
                words = f"couldn't get hostname for :{self.host}: getaddrinfo() returns {error.errno}, addrinfo=0x0"
                net.log("E", "esp-tls", words)
                net.log("E", "transport_base", "Failed to open a new connection")
            else:
                yield from self._ask(device, net, addresses[0])
            yield from sleep(self.period_ms * MS)

    def _ask(self, device: Device, net: IdfCalls, address: str) -> Generator[Wait, bool, None]:
        fd = net.open()
        if fd is None:
            return
        net.timeouts(fd, 5000, 5000)
        if (yield from net.connect(fd, address, self.port)):
            yield from net.send(fd, b"x" * self.request_bytes)
            answer = yield from net.recv(fd, 1024)
            if answer:
                device.exchanged(len(answer))
        yield from net.close(fd)
