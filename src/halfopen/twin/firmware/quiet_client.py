"""A client that waits for commands and says nothing itself, without keepalive: what a NAT forgets."""

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
class QuietClient(Firmware):
    """Says hello once and waits for commands in ``select()``; without one for ``renew_ms`` it connects anew.

    ``keep_idle_s`` 0 sets no keepalive.
    """

    NAME: ClassVar[str] = "quiet-client"

    host: str = "192.168.5.1"
    port: int = 8080
    renew_ms: int = 300000
    keep_idle_s: int = 0
    keep_interval_s: int = 3
    keep_count: int = 3

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
                if self.keep_idle_s:
                    net.keepalive(fd, self.keep_idle_s, self.keep_interval_s, self.keep_count)
                if (yield from net.connect(fd, self.host, self.port)):
                    yield from self._listen(device, net, fd)
                yield from net.close(fd)
            yield from sleep(2000 * MS)

    def _listen(self, device: Device, net: IdfCalls, fd: int) -> Generator[Wait, bool, None]:
        if (yield from net.send(fd, b"hello;")) is None:
            return
        while True:
            readable, _, _ = yield from device.calls.select([fd], limit_ns=self.renew_ms * MS)
            if not readable:
                return
            command = yield from net.recv(fd, 256)
            if not command:
                return
            device.exchanged(len(command))
