"""A client that calls ``send()`` and ``recv()`` without any timeout, as the first example in every book does."""

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
    from halfopen.twin.tasks import Task

#: A watched task that has nothing to do still feeds at least this often.
_FEED_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockingClient(Firmware):
    """Sends ``request_bytes`` every ``period_ms`` and blocks until the answer is there.

    With ``watched`` its task is subscribed to the task watchdog, which fires when a call does not come back; with
    ``panics`` too, the chip reboots then. Another task prints the heap every ``report_ms``: the device is alive.
    With ``silent`` it only reads, and would wait for ever for a peer that is gone.
    """

    NAME: ClassVar[str] = "blocking-client"

    host: str = "192.168.5.1"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 5000
    report_ms: int = 60000
    watched: bool = False
    silent: bool = False

    def start(self, device: Device) -> None:
        """The client, and the task that tells of the heap."""
        started: list[Task] = []
        started.append(device.start("tcp_client", self._run(device, started)))
        if self.watched:
            device.tasks.watch(started[0])
        device.start("report", self._report(device), priority=1)

    def _report(self, device: Device) -> Generator[Wait, bool, None]:
        net = IdfCalls(device)
        while True:
            yield from sleep(self.report_ms * MS)
            net.heap()

    def _run(self, device: Device, me: list[Task]) -> Generator[Wait, bool, None]:
        yield from device.wait_for_address()
        net = IdfCalls(device)
        while True:
            device.tasks.feed(me[0])
            net.heap()
            fd = net.open()
            if fd is not None:
                if (yield from net.connect(fd, self.host, self.port)):
                    yield from self._exchange(device, net, fd, me[0])
                yield from net.close(fd)
            yield from sleep(_FEED_MS * MS)

    def _exchange(self, device: Device, net: IdfCalls, fd: int, me: Task) -> Generator[Wait, bool, None]:
        while True:
            device.tasks.feed(me)
            if not self.silent and (yield from net.send(fd, b"x" * self.request_bytes)) is None:
                return
            answer = yield from net.recv(fd, 1024)
            if not answer:
                return
            device.exchanged(len(answer))
            if not self.silent:
                yield from self._pause(device, me)

    def _pause(self, device: Device, me: Task) -> Generator[Wait, bool, None]:
        """Until the next request, feeding the watchdog."""
        left = self.period_ms
        while left > 0:
            device.tasks.feed(me)
            yield from sleep(min(left, _FEED_MS) * MS)
            left -= _FEED_MS
