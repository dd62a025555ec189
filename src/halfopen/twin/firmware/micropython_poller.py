"""A MicroPython script that polls a web service with ``urequests`` and closes only what went well."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.program import Firmware
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device

#: Errors whose name MicroPython's table has; all others are printed as a bare number (MICROPY_PY_ERRNO_LIST).
_NAMED = frozenset(
    {
        "EAGAIN",
        "EBADF",
        "EINVAL",
        "ENOBUFS",
        "ENOTCONN",
        "ECONNRESET",
        "ECONNABORTED",
        "EHOSTUNREACH",
        "EINPROGRESS",
    }
)
#: What the collector's heap holds of a response, and what of a socket object that nobody closes.
_KEPT_BYTES = 2192


@dataclass(frozen=True, slots=True, kw_only=True)
class MicropythonPoller(Firmware):
    """``GET`` every ``period_ms`` with ``timeout_ms``; an exception leaves the socket open, as ``urequests`` does."""

    NAME: ClassVar[str] = "micropython-poller"
    SPEAKS: ClassVar[str] = "micropython"

    host: str = "192.168.5.1"
    port: int = 80
    period_ms: int = 5000
    timeout_ms: int = 5000
    closes: bool = False

    def start(self, device: Device) -> None:
        """``main.py``, which is the only thread there is."""
        device.start("mp_task", self._main(device))

    def _main(self, device: Device) -> Generator[Wait, bool, None]:
        console, calls = device.console, device.calls
        console.print("connecting to network...")
        yield from device.wait_for_address()
        free, number = 98672, 0
        while True:
            number += 1
            try:
                fd = calls.socket()
            except SocketError as error:
                self._traceback(device, error)
                return
            try:
                answer = yield from self._get(device, fd)
                status = "200" if answer else "error -1"
            except SocketError as error:
                status, answer = f"error {_spelt(error)}", b""
            if answer or self.closes:
                yield from calls.close(fd)
            else:
                free -= _KEPT_BYTES
            console.print(f"get {number} {status} free {free}")
            if answer:
                device.exchanged(len(answer))
            yield from sleep(self.period_ms * MS)

    def _get(self, device: Device, fd: int) -> Generator[Wait, bool, bytes]:
        calls = device.calls
        calls.setsockopt(fd, names.SO_RCVTIMEO, self.timeout_ms * MS)
        yield from calls.connect(fd, self.host, self.port)
        yield from calls.send(fd, b"GET /state HTTP/1.0\r\nHost: server\r\n\r\n")
        return (yield from calls.recv(fd, 512))

    def _traceback(self, device: Device, error: SocketError) -> None:
        """The exception leaves ``main.py``, and the prompt is all there is."""
        for line in (
            "Traceback (most recent call last):",
            '  File "main.py", line 41, in <module>',
            '  File "urequests.py", line 116, in get',
            '  File "urequests.py", line 54, in request',
            f"OSError: {_spelt(error)}",
            "MicroPython v1.24.1 on 2024-11-29; Generic ESP32 module with ESP32",
            'Type "help()" for more information.',
            ">>> ",
        ):
            device.console.print(line)


def _spelt(error: SocketError) -> str:
    """As ``OSError`` prints itself."""
    return f"[Errno {error.errno}] {error.name}" if error.name in _NAMED else str(error.errno)
