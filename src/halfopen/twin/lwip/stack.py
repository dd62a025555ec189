"""A device's network stack: the interface, IP, ICMP and UDP around TCP, and its reboot.

The stack is a node of a :class:`halfopen.twin.network.Network`. What firmware sees of it are ``sockets`` (calls that
never wait) and :mod:`halfopen.twin.lwip.calls` (calls that do).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.heap import Heap
from halfopen.twin.lwip import receiving
from halfopen.twin.lwip.dhcp import DhcpClient
from halfopen.twin.lwip.etharp import ArpTable
from halfopen.twin.lwip.options import Options
from halfopen.twin.lwip.pcb import Pcb, Segment
from halfopen.twin.lwip.resolver import Resolver
from halfopen.twin.lwip.sockets import Sockets
from halfopen.twin.lwip.tcp import TcpLayer
from halfopen.twin.packets import (
    ECHO_REPLY,
    ECHO_REQUEST,
    UNREACHABLE,
    Arp,
    Frame,
    Icmp,
    Packet,
    Tcp,
    Udp,
)
from halfopen.twin.world import US, Timer

if TYPE_CHECKING:
    from halfopen.twin.lwip.udp import UdpPcb
    from halfopen.twin.network import Network

#: Heap left to the application on the lab's target after start (data/lwip: "Free Heap: 200000 bytes").
HEAP_BYTES = 200_000

#: The driver's task hands one frame after the other to the TCP/IP task, which looks at its timers between two of them
#: (data/lwip b_close: an ACK was taken before the timer's run of the same tick, the data behind it after).
_HANDOVER_NS = 20 * US


class Stack:
    """lwIP on one device. Without ``ip`` it has no address until DHCP gives one or ``configure`` does."""

    def __init__(
        self,
        network: Network,
        name: str,
        *,
        options: Options | None = None,
        heap: Heap | None = None,
        ip: str = "",
        mac: str = "02:12:34:56:78:ab",
    ) -> None:
        self.world = network.world
        self.truth = network.truth
        self.network = network
        self.name = name
        self.options = options or Options()
        self.heap = heap or Heap(HEAP_BYTES)
        self.mac = mac
        #: The address, empty without one; ``configured`` is what it gets back when the link does.
        self.ip = ""
        self.configured = ip
        self.up = False
        self.resolver = network.gateway
        phase = self.world.chance(f"{name} tick").between(0, self.options.tick_ns - 1)
        self._phase = (self.world.now + phase) % self.options.tick_ns
        self._number = 0
        self._inbox: list[Frame] = []
        self._poll: Timer | None = None
        #: Keepalive probes that were answered without being played (doze.py).
        self.probes_in_closed_form = 0
        self.link = network.join(self, mac)
        network.before_change.append(self.settle)
        self._begin()

    def _begin(self) -> None:
        self.arp = ArpTable(self)
        self.tcp = TcpLayer(self)
        self.udp: list[UdpPcb] = []
        self.sockets = Sockets(self)
        self.resolver_client = Resolver(self)
        self.dhcp = DhcpClient(self, self.netif_up)

    # Life --------------------------------------------------------------------------------------------------

    def tick_floor(self) -> int:
        """The FreeRTOS tick that is or was last (ns): lwIP's clock knows no finer times."""
        tick = self.options.tick_ns
        return self.world.now - (self.world.now - self._phase) % tick

    def netif_up(self, ip: str = "") -> None:
        """The interface has its address: what STA_GOT_IP brings. Announces it, as esp_netif does."""
        self.configured = ip or self.configured
        self.ip = self.configured
        self.up = True
        self.note("netif-up", ip=self.ip)
        self.arp.announce()

    def link_up(self) -> None:
        """Associated, without an address yet: DHCP asks for one."""
        self.up = True
        self.dhcp.start()

    def netif_down(self) -> None:
        """What STA_DISCONNECTED does: the address is zeroed, every PCB aborted; descriptors stay (FACTS "Netif down").

        The RSTs of the aborts leave only where the interface itself stays up, as the lab's tap did.
        """
        if not self.up:
            return
        self.note("netif-down", ip=self.ip)
        self.link.muted = not self.options.resets_escape
        for pcb in list(self.tcp.active):
            if pcb in self.tcp.active:
                self.tcp.abort(pcb, "netif-down")
        self.link.muted = False
        self.up = False
        self.ip = ""
        self.dhcp.stop()
        self.arp.clear()

    def reboot(self) -> None:
        """The chip was reset: every PCB, descriptor and byte of heap is as new, and not one packet tells of it."""
        self.note("rebooted")
        for pcb in (*self.tcp.active, *self.tcp.time_wait):
            pcb.on_error = None
            self.tcp.forget(pcb, "rebooted")
        self.sockets.forget_all()
        self.dhcp.stop()
        self.arp.clear()
        self._inbox.clear()
        self.heap = Heap(self.heap.size)
        self.up = False
        self.ip = ""
        self._number = 0
        self._begin()

    def note(self, what: str, **facts: object) -> None:
        """One fact more in the truth, about this device."""
        self.truth.note(self.name, what, **facts)

    def count_packets(self, count: int) -> int:
        """Packets were sent in closed form: the identification field goes on behind them; the last one's."""
        self._number = (self._number + count) & 0xFFFF
        return (self._number - 1) & 0xFFFF

    def settle(self) -> None:
        """Wake whoever dozes: something is going to change."""
        for pcb in list(self.tcp.active):
            if pcb.doze is not None:
                self.tcp.timers.wake(pcb)

    def pcbs(self) -> tuple[int, int, int]:
        """Connections active, in TIME_WAIT, and listening."""
        return len(self.tcp.active), len(self.tcp.time_wait), len(self.tcp.listening)

    # Sending -----------------------------------------------------------------------------------------------

    def routes(self, ip: str) -> bool:
        """Whether there is a way to ``ip``."""
        return self.up and bool(self.ip)

    def send(self, packet: Packet, segment: Segment | None = None) -> bool:
        """``ip_output``: ``False`` without a route."""
        if not self.up:
            return False
        packet.number = self._number
        self._number = (self._number + 1) & 0xFFFF
        self.arp.send(self.network.next_hop(packet.destination), packet, segment)
        return True

    def send_frame(self, frame: Frame) -> None:
        """Send a frame that needs no ARP: a broadcast."""
        if isinstance(frame.packet, Packet):
            frame.packet.number = self._number
            self._number = (self._number + 1) & 0xFFFF
        self.link.send(frame)

    # Receiving ---------------------------------------------------------------------------------------------

    def receive(self, frame: Frame) -> None:
        """A frame reached the driver. It is looked at when the driver next polls, or after a turnaround."""
        self._inbox.append(frame)
        if self._poll is not None:
            return
        self._poll = self.world.at(self.taken_at(self.world.now), self._look)

    def ignores(self, packet: Arp | Packet) -> bool:
        """Whether a broadcast changes nothing here and gets no answer."""
        if isinstance(packet, Arp):
            return packet.target_ip != self.ip and not self.arp.has(packet.sender_ip)
        if isinstance(packet, Udp):
            return packet.destination != self.ip and not any(pcb.takes(packet) for pcb in self.udp)
        return False

    def taken_at(self, arrived: int) -> int:
        """When (ns) the stack takes a frame that reached the driver at ``arrived``."""
        poll = self.options.receive_poll_ns
        if not poll:
            return arrived + self.options.turnaround_ns
        return arrived - (arrived - self._phase) % poll + poll

    def _look(self) -> None:
        self._poll = None
        frames, self._inbox = self._inbox, []
        for index, frame in enumerate(frames):
            if index:
                self.world.after(index * _HANDOVER_NS, self._take, frame.packet)
            else:
                self._take(frame.packet)

    def _take(self, packet: Arp | Packet) -> None:
        if not self.up:
            return
        if isinstance(packet, Arp):
            self.arp.take(packet)
        elif packet.destination not in (self.ip, "255.255.255.255") or not packet.destination:
            return
        elif isinstance(packet, Tcp):
            if packet.data and self.heap.largest < self.options.sizes.pbuf + len(packet.data):
                self.note("frame-dropped", why="no memory", length=len(packet.data))
                return
            receiving.receive(self.tcp, packet)
        elif isinstance(packet, Udp):
            self._take_datagram(packet)
        elif isinstance(packet, Icmp) and packet.kind == ECHO_REQUEST:
            self.send(Icmp(packet.destination, packet.source, ECHO_REPLY, 0, packet.rest))

    def _take_datagram(self, packet: Udp) -> None:
        for pcb in self.udp:
            if pcb.takes(packet):
                pcb.receive(packet)
                return
        if packet.destination == self.ip:
            self.send(Icmp(packet.destination, packet.source, UNREACHABLE, 3, b"", packet, quote=28))

    def owner_of(self, pcb: Pcb) -> str:
        """Whose connection it is, in words: a descriptor, or nobody's."""
        descriptor = self.sockets.of(pcb.conn)
        return f"fd {descriptor}" if descriptor is not None else "nobody"
