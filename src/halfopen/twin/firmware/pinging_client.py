"""An MQTT-like client that sends its pings and never looks whether they are answered."""

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

_PINGREQ = b"\xc0\x00"
_PINGRESP = 13
#: esp-mqtt reads with a short timeout in its loop.
_READ_MS = 200
#: MQTT_RECONNECT_TIMEOUT_MS of esp-mqtt.
_RECONNECT_MS = 10000


@dataclass(frozen=True, slots=True, kw_only=True)
class PingingClient(Firmware):
    """Keeps one connection open and pings every ``ping_ms``. With ``checks`` a ping without an answer ends it.

    Lines as esp-mqtt prints them at debug level.
    """

    NAME: ClassVar[str] = "pinging-client"

    host: str = "192.168.5.1"
    port: int = 1883
    ping_ms: int = 15000
    checks: bool = False

    def start(self, device: Device) -> None:
        """esp-mqtt's one task."""
        device.start("mqtt_task", self._run(device))

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        console, calls = device.console, device.calls
        while True:
            yield from device.wait_for_address()
            try:
                fd = calls.socket()
            except SocketError as error:
                console.idf("E", "transport_base", f"Failed to create socket: {error}")
                yield from sleep(_RECONNECT_MS * MS)
                continue
            try:
                calls.setsockopt(fd, names.SO_RCVTIMEO, _READ_MS * MS)
                yield from calls.connect(fd, self.host, self.port)
                console.idf("I", "MQTT_APP", "MQTT_EVENT_CONNECTED")
                yield from self._converse(device, fd)
                console.idf("E", "MQTT_CLIENT", "No PING_RESP, disconnected")
            except SocketError as error:
                console.idf("E", "MQTT_CLIENT", f"mqtt_message_receive: transport_read() error: {error}")
            yield from calls.close(fd)
            console.idf("I", "MQTT_APP", "MQTT_EVENT_DISCONNECTED")
            yield from sleep(_RECONNECT_MS * MS)

    def _converse(self, device: Device, fd: int) -> Generator[Wait, bool, None]:
        """Ping and read; returns when a ping that had to be answered was not."""
        console, calls = device.console, device.calls
        while True:
            yield from calls.send(fd, _PINGREQ)
            console.idf("D", "MQTT_CLIENT", "Sent PING successful")
            answered = False
            until = device.world.now + self.ping_ms * MS
            while device.world.now < until:
                try:
                    data = yield from calls.recv(fd, 16)
                except SocketError as error:
                    if error.errno != names.EAGAIN:
                        raise
                    continue
                if not data:
                    return
                answered = True
                device.exchanged(len(data))
                console.idf("D", "MQTT_CLIENT", f"msg_type={_PINGRESP}, msg_id=0")
                console.idf("D", "MQTT_CLIENT", "MQTT_MSG_TYPE_PINGRESP")
            if self.checks and not answered:
                return
