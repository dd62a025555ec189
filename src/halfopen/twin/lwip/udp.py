"""UDP as lwIP does it: blocks from the heap, found by port, with a mailbox that drops what it cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from halfopen.twin.packets import Udp

if TYPE_CHECKING:
    from halfopen.twin.lwip.stack import Stack

#: UDP_LOCAL_PORT_RANGE of udp.c.
_PORT_LOW, _PORTS = 0xC000, 0x4000


class UdpPcb:
    """A UDP control block; ``on_receive`` hears every datagram for it."""

    __slots__ = ("_address", "_stack", "local_port", "on_receive", "remote_ip", "remote_port")

    def __init__(self, stack: Stack, address: int) -> None:
        self._stack = stack
        self._address: int | None = address
        self.local_port = 0
        self.remote_ip = ""
        self.remote_port = 0
        self.on_receive: Callable[[Udp], None] | None = None

    @classmethod
    def allocate(cls, stack: Stack) -> UdpPcb | None:
        """A new block, or ``None`` for want of memory."""
        address = stack.heap.take(stack.options.sizes.udp_pcb, "udp_pcb")
        if address is None:
            return None
        pcb = cls(stack, address)
        stack.udp.insert(0, pcb)
        return pcb

    def bind(self, port: int = 0) -> bool:
        """Take ``port``, or any for 0; ``False`` when another has it."""
        used = {pcb.local_port for pcb in self._stack.udp if pcb is not self}
        if port:
            if port in used:
                return False
            self.local_port = port
            return True
        first = self._stack.world.chance(f"{self._stack.name} udp").between(0, _PORTS - 1)
        for step in range(_PORTS):
            candidate = _PORT_LOW + (first + step) % _PORTS
            if candidate not in used:
                self.local_port = candidate
                return True
        return False

    def connect(self, ip: str, port: int) -> None:
        """Only datagrams of this peer are taken from now on, and ``send`` goes there."""
        self.remote_ip, self.remote_port = ip, port
        if not self.local_port:
            self.bind()

    def send(self, data: bytes, ip: str = "", port: int = 0) -> bool:
        """Send a datagram; ``False`` without a route."""
        if not self.local_port:
            self.bind()
        stack = self._stack
        destination = ip or self.remote_ip
        return stack.routes(destination) and stack.send(
            Udp(stack.ip, self.local_port, destination, port or self.remote_port, data)
        )

    def takes(self, packet: Udp) -> bool:
        """Whether a datagram is for this block."""
        return packet.dport == self.local_port and (
            not self.remote_port or (packet.source == self.remote_ip and packet.sport == self.remote_port)
        )

    def receive(self, packet: Udp) -> None:
        """A datagram came."""
        if self.on_receive is not None:
            self.on_receive(packet)

    def remove(self) -> None:
        """Free the block."""
        if self._address is not None:
            self._stack.udp.remove(self)
            self._stack.heap.give(self._address)
            self._address = None
