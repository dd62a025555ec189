"""An Arduino sensor with an outbox: what cannot be sent is queued, and with ``queue_max`` 0 queued without end."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.formats import newlib_errno
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device

#: ``loop()`` runs this often here.
_LOOP_MS = 100


class _Outbox:
    """Messages that wait, each in memory of its own."""

    def __init__(self, device: Device, size: int, limit: int) -> None:
        self._heap, self._size, self._limit = device.heap, size, limit
        self._waiting: deque[int] = deque()
        self.refused = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self) -> bool:
        """A message more; the oldest goes when there is a limit. ``False``: no memory for it."""
        if self._limit and len(self._waiting) >= self._limit:
            self.take()
        address = self._heap.take(self._size, "outbox")
        if address is None:
            self.refused += 1
            return False
        self._waiting.append(address)
        return True

    def take(self) -> None:
        """The oldest message is sent or dropped."""
        self._heap.give(self._waiting.popleft())


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueingClient(Firmware):
    """Measures every ``measure_ms``, queues ``message_bytes`` and sends what the socket takes within ``send_ms``.

    What the peer acknowledges is read in passing, as a client library's ``loop()`` does. A write that fails with EAGAIN
    is tried again on the same socket, as ``NetworkClient::write`` invites to; only an error of the connection ends it.
    Every ``report_ms`` it prints queue and heap.
    """

    NAME: ClassVar[str] = "queueing-client"
    SPEAKS: ClassVar[str] = "arduino"

    host: str = "192.168.5.1"
    port: int = 8080
    message_bytes: int = 200
    measure_ms: int = 1000
    send_ms: int = 1000
    report_ms: int = 10000
    queue_max: int = 0
    retry_ms: int = 3000

    def start(self, device: Device) -> None:
        """``loopTask`` measures and sends; the report is a timer of its own."""
        outbox = _Outbox(device, self.message_bytes, self.queue_max)
        device.start("measure", self._measure(device, outbox), priority=2)
        device.start("loopTask", self._run(device, outbox), priority=1)

    def _measure(self, device: Device, outbox: _Outbox) -> Generator[Wait, bool, None]:
        console, heap = device.console, device.heap
        passed = 0
        while True:
            yield from sleep(self.measure_ms * MS)
            passed += self.measure_ms
            if not outbox.put() and outbox.refused == 1:
                console.arduino("E", "outbox.cpp:58", "push", f"malloc({self.message_bytes}) failed")
            if passed >= self.report_ms:
                passed = 0
                figures = (
                    f"queue={len(outbox)} heap={heap.free} min={heap.minimum_ever} maxalloc={heap.largest}"
                )
                console.arduino("I", "main.cpp:88", "loop", figures)

    def _run(self, device: Device, outbox: _Outbox) -> Generator[Wait, bool, None]:
        console, calls = device.console, device.calls
        while True:
            yield from device.wait_for_address()
            try:
                fd = calls.socket()
            except SocketError as error:
                console.arduino("E", "NetworkClient.cpp:212", "connect", f"socket: {error.errno}")
                yield from sleep(self.retry_ms * MS)
                continue
            try:
                calls.setsockopt(fd, names.SO_SNDTIMEO, self.send_ms * MS)
                yield from calls.connect(fd, self.host, self.port)
                yield from self._send(device, outbox, fd)
            except SocketError as error:
                text = newlib_errno.TEXTS.get(error.errno or 0, "")
                place, function = (
                    ("NetworkClient.cpp:275", "connect")
                    if error.errno == 118
                    else ("NetworkClient.cpp:411", "write")
                )
                console.arduino("E", place, function, f'fail on fd {fd}, errno: {error.errno}, "{text}"')
            yield from calls.close(fd)
            yield from sleep(self.retry_ms * MS)

    def _send(self, device: Device, outbox: _Outbox, fd: int) -> Generator[Wait, bool, None]:
        """Send while there is something; leaves by the connection's error."""
        message = b"m" * self.message_bytes
        while True:
            if not len(outbox):
                yield from sleep(_LOOP_MS * MS)
                continue
            try:
                sent = yield from device.calls.send(fd, message)
            except SocketError as error:
                if error.errno != names.EAGAIN:
                    raise
                text = newlib_errno.TEXTS[names.EAGAIN]
                device.console.arduino(
                    "E", "NetworkClient.cpp:411", "write", f'fail on fd {fd}, errno: {error.errno}, "{text}"'
                )
                continue
            if sent:
                outbox.take()
            with suppress(SocketError):  # EAGAIN: nothing came
                acknowledged = yield from device.calls.recv(fd, 256, names.MSG_DONTWAIT)
                device.exchanged(len(acknowledged))
