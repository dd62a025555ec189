"""A client that reconnects at a fixed short interval, whatever the reason was."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.idf_calls import IdfCalls
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class StormingClient(Firmware):
    """A request every ``period_ms``; after any failure it closes and tries again ``retry_ms`` later, for ever."""

    NAME: ClassVar[str] = "storming-client"

    host: str = "192.168.5.1"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 2000
    retry_ms: int = 2000
    answer_ms: int = 5000

    def start(self, device: Device) -> None:
        """One task that does everything."""
        device.start("main", self._run(device))

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        net = IdfCalls(device)
        while True:
            yield from device.wait_for_address()
            net.heap()
            fd = net.open()
            if fd is not None:
                net.timeouts(fd, receive_ms=self.answer_ms)
                if (yield from net.connect(fd, self.host, self.port)):
                    yield from self._exchange(device, net, fd)
                yield from net.close(fd)
                net.log("W", "APP", f"Disconnected from server, next try in {self.retry_ms} ms")
            yield from sleep(self.retry_ms * MS)

    def _exchange(self, device: Device, net: IdfCalls, fd: int) -> Generator[Wait, bool, None]:
        while (yield from net.send(fd, b"x" * self.request_bytes)) is not None:
            answer = yield from net.recv(fd, 1024)
            if not answer:
                return
            device.exchanged(len(answer))
            yield from sleep(self.period_ms * MS)
