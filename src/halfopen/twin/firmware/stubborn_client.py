"""A client that goes on with a descriptor whose connection is gone: the error is logged, the socket kept."""

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
class StubbornClient(Firmware):
    """Connects once and then only sends and receives, whatever these calls say."""

    NAME: ClassVar[str] = "stubborn-client"

    host: str = "192.168.5.1"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 2000
    answer_ms: int = 2000
    redials: bool = False

    def start(self, device: Device) -> None:
        """One task that does everything."""
        device.start("main", self._run(device))

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        yield from device.wait_for_address()
        net = IdfCalls(device)
        net.heap()
        fd = net.open()
        if fd is None:
            return
        net.timeouts(fd, receive_ms=self.answer_ms)
        connected = yield from net.connect(fd, self.host, self.port)
        while True:
            if self.redials and not connected:
                connected = yield from net.connect(fd, self.host, self.port)
            elif (yield from net.send(fd, b"x" * self.request_bytes)) is not None:
                answer = yield from net.recv(fd, 1024)
                if answer:
                    device.exchanged(len(answer))
            yield from sleep(self.period_ms * MS)
