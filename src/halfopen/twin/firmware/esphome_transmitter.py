"""An ESPHome component that opens a TCP connection for every frame it passes on, in the main loop, and waits for it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.console import strerror
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device
    from halfopen.twin.tasks import Task

#: ESPHome's loop runs every 16 ms and warns of what takes longer than this (component.cpp).
_LOOP_MS, _WARN_MS = 16, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class EsphomeTransmitter(Firmware):
    """Sends a frame of ``frame_bytes`` every ``frame_ms``. While ``connect()`` waits, the loop and its watchdog do, too.

    ESPHome subscribes its loop to the task watchdog and lets it reboot the chip: set ``panics``.
    """

    NAME: ClassVar[str] = "esphome-transmitter"
    SPEAKS: ClassVar[str] = "esphome"

    host: str = "192.168.5.1"
    port: int = 9011
    frame_bytes: int = 87
    frame_ms: int = 15000

    def start(self, device: Device) -> None:
        """``loopTask`` alone."""
        device.console.esphome("I", "app", 101, "ESPHome version 2025.10.3 compiled on Oct 28 2025, 10:28:20")
        started: list[Task] = []
        started.append(device.start("loopTask", self._loop(device, started), priority=1))
        device.tasks.watch(started[0])

    def _loop(self, device: Device, me: list[Task]) -> Generator[Wait, bool, None]:
        passed = 0
        while True:
            device.tasks.feed(me[0])
            yield from sleep(_LOOP_MS * MS)
            passed += _LOOP_MS
            if passed < self.frame_ms or not device.joined:
                continue
            passed = 0
            began = device.world.now
            yield from self._transmit(device)
            took = (device.world.now - began) // MS
            if took > _WARN_MS:
                words = (
                    f"socket_transmitter took a long time for an operation ({took} ms), max is {_WARN_MS} ms"
                )
                device.console.esphome("W", "component", 534, words)

    def _transmit(self, device: Device) -> Generator[Wait, bool, None]:
        console, calls = device.console, device.calls
        console.esphome("D", "socket_transmitter", 58, f"Connecting TCP {self.host}:{self.port}")
        try:
            fd = calls.socket()
        except SocketError as error:
            console.esphome(
                "E", "socket_transmitter", 49, f"Unable to create socket: {strerror(error.errno or 0)}"
            )
            return
        try:
            yield from calls.connect(fd, self.host, self.port)
            console.esphome("D", "socket_transmitter", 71, f"Sending frame [{self.frame_bytes} bytes]")
            sent = yield from calls.send(fd, b"f" * self.frame_bytes)
            device.exchanged(sent)
        except SocketError as error:
            console.esphome("E", "socket_transmitter", 64, f"Unable to connect: {strerror(error.errno or 0)}")
        yield from calls.close(fd)
