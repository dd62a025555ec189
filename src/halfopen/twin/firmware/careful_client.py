"""The same client as it should be by hand: keepalive, deadlines, close on error, backoff."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.idf_calls import IdfCalls
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.lwip import names
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class CarefulClient(Firmware):
    """Keepalive ``keep_idle_s``/``keep_interval_s``/``keep_count`` notices a dead peer and aborts before the close.

    ``answer_ms`` is above that bound, so that no close towards a dead peer leaves a connection in the heap. The pause
    before the next try doubles from ``backoff_ms`` to ``backoff_max_ms`` with jitter.
    """

    NAME: ClassVar[str] = "careful-client"

    host: str = "192.168.5.1"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 1000
    answer_ms: int = 25000
    keep_idle_s: int = 10
    keep_interval_s: int = 3
    keep_count: int = 3
    backoff_ms: int = 500
    backoff_max_ms: int = 60000
    listens: bool = False

    def start(self, device: Device) -> None:
        """One task that does everything."""
        device.start("main", self._run(device))

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        net = IdfCalls(device)
        backoff = self.backoff_ms
        while True:
            yield from device.wait_for_address()
            net.heap()
            fd = net.open()
            if fd is not None:
                net.keepalive(fd, self.keep_idle_s, self.keep_interval_s, self.keep_count)
                net.timeouts(fd, self.answer_ms, self.answer_ms)
                if (yield from net.connect(fd, self.host, self.port)) and (
                    yield from self._exchange(device, net, fd)
                ):
                    backoff = self.backoff_ms
                yield from net.close(fd)
            pause = 500 + int(device.chance.random() * backoff)
            backoff = min(backoff * 2, self.backoff_max_ms)
            net.log("I", "APP", f"Next try in {pause} ms")
            yield from sleep(pause * MS)

    def _exchange(self, device: Device, net: IdfCalls, fd: int) -> Generator[Wait, bool, bool]:
        """Ask and be answered until something fails; whether it went well once."""
        went_well = False
        while True:
            if not self.listens and (yield from net.send(fd, b"x" * self.request_bytes)) is None:
                return went_well
            answer = yield from net.recv(fd, 1024)
            if not answer:
                if answer is None and self.listens and net.errno == names.EAGAIN:
                    continue  # nothing to say: keepalive watches the peer
                return went_well
            device.exchanged(len(answer))
            went_well = True
            if not self.listens:
                yield from sleep(self.period_ms * MS)
