"""What sketches for the Arduino core share: one exchange by ``NetworkClient``, and its words when it fails."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from halfopen.formats import newlib_errno
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import Wait
from halfopen.twin.world import SECOND

if TYPE_CHECKING:
    from halfopen.twin.device import Device

#: So long these sketches wait for an answer: ``client.setTimeout(5000)``.
_ANSWER_NS = 5 * SECOND


def ask(device: Device, host: str, port: int, request_bytes: int) -> Generator[Wait, bool, None]:
    """Connect, send a request of ``request_bytes``, read what comes first, and stop, as a sketch does with one client."""
    calls = device.calls
    fd = calls.socket()
    try:
        calls.setsockopt(fd, names.SO_RCVTIMEO, _ANSWER_NS)
        yield from calls.connect(fd, host, port)
        yield from calls.send(fd, b"x" * request_bytes)
        device.exchanged(len((yield from calls.recv(fd, 256))))
    except SocketError as error:
        text = newlib_errno.TEXTS.get(error.errno or 0, "")
        device.console.arduino(
            "E",
            "NetworkClient.cpp:275",
            "connect",
            f'socket error on fd {fd}, errno: {error.errno}, "{text}"',
        )
    yield from calls.close(fd)
