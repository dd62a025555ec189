"""A client that closes its sockets and forgets its buffers: the heap falls with every request."""

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
class WastefulClient(Firmware):
    """A connection for each request, every ``period_ms``; the parsed answer (``leak_bytes``) is freed only if ``frees``."""

    NAME: ClassVar[str] = "wasteful-client"

    host: str = "192.168.5.1"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 10000
    leak_bytes: int = 1200
    frees: bool = False

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
                net.timeouts(fd, 5000, 5000)
                if (yield from net.connect(fd, self.host, self.port)):
                    yield from net.send(fd, b"x" * self.request_bytes)
                    answer = yield from net.recv(fd, 1024)
                    if answer:
                        self._use(device, net, answer)
                yield from net.close(fd)
            yield from sleep(self.period_ms * MS)

    def _use(self, device: Device, net: IdfCalls, answer: bytes) -> None:
        """``cJSON_Parse``, and ``cJSON_Delete`` where somebody thought of it."""
        tree = device.heap.take(self.leak_bytes, "cJSON")
        if tree is None:
            net.log("E", "APP", f"malloc({self.leak_bytes}) failed")
            return
        device.exchanged(len(answer))
        if self.frees:
            device.heap.give(tree)
