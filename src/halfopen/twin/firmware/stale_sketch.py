"""A sketch with a flag of its own: set when an address comes, and never cleared. It reports a connection that is long gone."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.arduino_calls import ask
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS, SECOND

if TYPE_CHECKING:
    from halfopen.twin.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleSketch(Firmware):
    """A request and a line about itself every ``period_ms``; ``WiFi.setAutoReconnect(false)``, and nobody reconnects.

    With ``trusts_events`` the flag follows the disconnect event, and the sketch joins anew.
    """

    NAME: ClassVar[str] = "stale-sketch"
    SPEAKS: ClassVar[str] = "arduino"

    host: str = "192.168.5.1"
    port: int = 8080
    request_bytes: int = 40
    period_ms: int = 10000
    trusts_events: bool = False

    def start(self, device: Device) -> None:
        """``loopTask``."""
        device.set_auto_reconnect(self.trusts_events)
        device.start("loopTask", self._sketch(device), priority=1)

    def _sketch(self, device: Device) -> Generator[Wait, bool, None]:
        yield from device.wait_for_address()
        connected, ip = True, device.stack.ip
        while True:
            if self.trusts_events:
                connected = device.joined
            if connected:
                yield from ask(device, self.host, self.port, self.request_bytes)
            self._report(device, ip, connected)
            yield from sleep(self.period_ms * MS)

    def _report(self, device: Device, ip: str, connected: bool) -> None:
        minutes, seconds = divmod(device.console.uptime_ms * MS // SECOND, 60)
        word = "WL_CONNECTED" if connected else "WL_DISCONNECTED"
        device.console.print(
            f"status: heap={device.heap.free} up={minutes}:{seconds:02} ip={ip} rssi={device.rssi_dbm} wl={word} connected={connected:d}"
        )
