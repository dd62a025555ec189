"""The article's client: a request every few seconds, a timeout, and on failure a new socket beside the old one."""

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
class LeakyClient(Firmware):
    """A request of ``request_bytes`` every ``period_ms``; whatever fails, the descriptor is forgotten, never closed.

    With ``closes`` it is closed at once, which is what most programs do that were told about the leak: towards a dead
    peer the connection then stays in the heap for 19 minutes.
    """

    NAME: ClassVar[str] = "leaky-client"

    host: str = "192.168.5.1"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 1000
    answer_ms: int = 5000
    retry_ms: int = 2000
    closes: bool = False

    def start(self, device: Device) -> None:
        """One task that does everything."""
        device.start("main", self._run(device))

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        yield from device.wait_for_address()
        net = IdfCalls(device)
        number = 0
        while True:
            number += 1
            net.heap()
            net.log("I", "APP", f"Transaction {number} start")
            fd = net.open()
            if fd is None:
                net.log("E", "APP", f"Transaction {number} failed")
                yield from sleep(self.retry_ms * MS)
                continue
            net.timeouts(fd, receive_ms=self.answer_ms)
            if (yield from net.connect(fd, self.host, self.port)):
                yield from self._exchange(device, net, fd)
            net.log("W", "APP", f"Transaction {number} timed out, reconnecting")
            if self.closes:
                yield from net.close(fd)

    def _exchange(self, device: Device, net: IdfCalls, fd: int) -> Generator[Wait, bool, None]:
        """Ask and be answered until something fails."""
        while True:
            if (yield from net.send(fd, b"x" * self.request_bytes)) is None:
                return
            answer = yield from net.recv(fd, 1024)
            if not answer:
                return
            device.exchanged(len(answer))
            yield from sleep(self.period_ms * MS)
