"""A sensor that connects, reports, and never reads what the peer sends: its receive window closes and stays closed."""

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
class DeafClient(Firmware):
    """Sends ``report_bytes`` every ``period_ms`` and calls ``recv()`` never.

    With ``deadline_s`` (0: none) a send that gets nowhere for so long ends with an error, and the connection with it.
    """

    NAME: ClassVar[str] = "deaf-client"

    host: str = "192.168.5.1"
    port: int = 8080
    report_bytes: int = 40
    period_ms: int = 5000
    deadline_s: int = 0

    def start(self, device: Device) -> None:
        """One task that does everything."""
        device.start("main", self._run(device))

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        yield from device.wait_for_address()
        net = IdfCalls(device)
        while True:
            fd = net.open()
            if fd is not None:
                if self.deadline_s:
                    net.timeouts(fd, send_ms=self.deadline_s * 1000)
                if (yield from net.connect(fd, self.host, self.port)):
                    while (yield from net.send(fd, b"r" * self.report_bytes)) is not None:
                        device.exchanged(self.report_bytes)
                        net.heap()
                        yield from sleep(self.period_ms * MS)
                yield from net.close(fd)
            yield from sleep(self.period_ms * MS)
