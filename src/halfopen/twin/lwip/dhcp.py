"""lwIP's DHCP client (``dhcp.c``): DISCOVER and REQUEST with doubling pauses, renewal at half the lease."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from halfopen.formats import dhcp as messages
from halfopen.formats.dhcp import DhcpMessage, dhcp, read_dhcp
from halfopen.twin.lwip.udp import UdpPcb
from halfopen.twin.packets import BROADCAST, Frame, Udp
from halfopen.twin.world import SECOND, Timer

if TYPE_CHECKING:
    from halfopen.twin.lwip.stack import Stack

#: dhcp.c: the pause doubles for six attempts and stays at a minute (DHCP_REQUEST_BACKOFF_SEQUENCE).
_DOUBLINGS, _LONGEST_S = 6, 60
#: The server of this world gives an hour; a client asks again at half of it.
_RENEW_S = 1800


class DhcpClient:
    """The DHCP client of one stack; ``bound(ip)`` is called when an address is had."""

    def __init__(self, stack: Stack, bound: Callable[[str], None]) -> None:
        self._stack = stack
        self._bound = bound
        self._pcb: UdpPcb | None = None
        self._timer: Timer | None = None
        self._attempt = 0
        self._number = 0
        self._offered = ""
        self.state = "off"

    def start(self) -> None:
        """Ask for an address."""
        self.stop()
        self._pcb = UdpPcb.allocate(self._stack)
        if self._pcb is None:
            return
        self._pcb.bind(messages.CLIENT_PORT)
        self._pcb.on_receive = self._take
        self._number = self._stack.world.chance(f"{self._stack.name} dhcp").between(1, 0xFFFFFFFF)
        self._attempt = 0
        self._discover()

    def stop(self) -> None:
        """The link is gone, or the address is static."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pcb is not None:
            self._pcb.remove()
            self._pcb = None
        self.state = "off"

    def _discover(self) -> None:
        self.state = "selecting"
        self._send(messages.DISCOVER, "")
        self._again(self._discover)

    def _request(self) -> None:
        self.state = "requesting"
        self._send(messages.REQUEST, self._offered)
        self._again(self._discover if self._attempt > _DOUBLINGS else self._request)

    def _again(self, action: Callable[[], None]) -> None:
        self._attempt += 1
        pause = 1 << self._attempt if self._attempt < _DOUBLINGS else _LONGEST_S
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._stack.world.after(pause * SECOND, action)

    def _send(self, kind: int, requested: str) -> None:
        stack = self._stack
        body = dhcp(DhcpMessage(stack.mac, kind, self._number, requested_ip=requested, hostname=stack.name))
        packet = Udp(
            stack.ip or messages.UNSPECIFIED,
            messages.CLIENT_PORT,
            "255.255.255.255",
            messages.SERVER_PORT,
            body,
        )
        stack.send_frame(Frame(BROADCAST, stack.mac, packet))

    def _take(self, packet: Udp) -> None:
        message = read_dhcp(packet.data)
        if message is None or message.number != self._number or message.mac != self._stack.mac:
            return
        if message.kind == messages.OFFER and self.state == "selecting":
            self._offered = message.given_ip
            self._attempt = 0
            self._request()
        elif message.kind == messages.ACK and self.state == "requesting":
            self.state = "bound"
            if self._timer is not None:
                self._timer.cancel()
            self._attempt = 0
            self._timer = self._stack.world.after(_RENEW_S * SECOND, self._request)
            if self._stack.ip != message.given_ip:
                self._bound(message.given_ip)
        elif message.kind == messages.NAK:
            self._discover()
