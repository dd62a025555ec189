"""An Arduino sketch that restarts the chip when it has no address in time, as many examples do."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.arduino_calls import ask
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device

#: ``delay(500)`` and a dot, until connected: the loop of the examples.
_DOT_MS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpatientClient(Firmware):
    """Waits ``join_ms`` for an address and calls ``ESP.restart()`` without one; then a request every ``period_ms``."""

    NAME: ClassVar[str] = "impatient-client"
    SPEAKS: ClassVar[str] = "arduino"

    host: str = "192.168.5.1"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 5000
    join_ms: int = 20000

    def start(self, device: Device) -> None:
        """``loopTask``: ``setup()``, then ``loop()``."""
        device.start("loopTask", self._sketch(device), priority=1)

    def _sketch(self, device: Device) -> Generator[Wait, bool, None]:
        device.console.print("Connecting to lab-iot")
        waited = 0
        while not device.joined:
            if waited >= self.join_ms:
                cause = "DHCP timeout, no IP address" if device.associated else "WiFi connection failed"
                device.console.print(f"{cause}. Restarting...")
                device.world.after(0, device.reset)
                yield from sleep(_DOT_MS * MS)
                return
            yield from sleep(_DOT_MS * MS)
            waited += _DOT_MS
        device.console.print(f"WiFi connected, IP address: {device.stack.ip}")
        while True:
            yield from ask(device, self.host, self.port, self.request_bytes)
            yield from sleep(self.period_ms * MS)
