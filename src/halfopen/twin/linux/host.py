"""A Linux host on the network: addresses, ping, listening ports, and what can befall it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from halfopen.twin.linux.connection import Connection
from halfopen.twin.linux.jiffies import Jiffies
from halfopen.twin.linux.leases import LeaseServer
from halfopen.twin.linux.names import NameServer
from halfopen.twin.linux.neighbours import Neighbours
from halfopen.twin.linux.services import Service
from halfopen.twin.packets import (
    ACK,
    ECHO_REPLY,
    ECHO_REQUEST,
    RST,
    SYN,
    UNREACHABLE,
    Arp,
    Frame,
    Icmp,
    Packet,
    Tcp,
    Udp,
)
from halfopen.twin.world import US

if TYPE_CHECKING:
    from halfopen.twin.network import Network

#: What the kernel takes from a packet to its answer (data/lwip: 17 to 45 us).
TURNAROUND_NS = 40 * US
#: net.ipv4.ip_local_port_range.
_PORT_LOW, _PORTS = 32_768, 28_232


class Host:
    """One Linux machine. An address outside the LAN lives behind the gateway."""

    def __init__(self, network: Network, name: str, ip: str = "192.168.5.1", mac: str = "") -> None:
        self.world = network.world
        self.truth = network.truth
        self.network = network
        self.name = name
        self.ip = ip
        self.chance = self.world.chance(name)
        self.mac = mac or _mac_of(self.chance.between(0, (1 << 24) - 1))
        self.jiffies = Jiffies(self.world, name)
        self.neighbours = Neighbours(self)
        self.services: dict[int, Service] = {}
        self.connections: dict[tuple[int, str, int], Connection] = {}
        self.name_server = NameServer(self)
        self.lease_server = LeaseServer(self)
        #: Connections so far, refused SYNs among them: what :attr:`Connection.number` counts.
        self.made = 0
        self._refused: set[int] = set()
        self._silent: set[str] = set()
        self._stalled = False
        self._present = True
        #: A packet filter of the host's own (nft): whether it drops a packet, before ARP is asked and before TCP hears.
        self.drops: Callable[[Packet], bool] | None = None
        self._port = _PORT_LOW + self.chance.between(0, _PORTS - 1)
        self.link = network.join(self, self.mac, serves=True)

    # What it serves ----------------------------------------------------------------------------------------

    def listen(self, port: int, service: Service) -> None:
        """Serve ``port``."""
        self.services[port] = service

    def connect(self, ip: str, port: int, service: Service) -> Connection:
        """Call the device."""
        self._port = _PORT_LOW + (self._port + 2 - _PORT_LOW) % _PORTS
        connection = Connection(self, ip, port, self._port, service)
        self.connections[self._port, ip, port] = connection
        connection.open()
        return connection

    def ping(self, ip: str, number: int = 1) -> None:
        """Send one echo request."""
        self.send(Icmp(self.ip, ip, ECHO_REQUEST, 0, struct.pack(">HH", 1, number) + bytes(32)))

    # What can befall it ------------------------------------------------------------------------------------

    def reboot(self, up: bool = True) -> None:
        """Lose every connection without a packet; ``up``: and be there again at once.

        Who is which address on the LAN is not forgotten: the device finds no difference.
        """
        self.truth.note(self.name, "peer-rebooted")
        for connection in list(self.connections.values()):
            connection.end("rebooted")
        self.connections.clear()
        self._present = up

    reboot_silently = reboot

    def vanish(self) -> None:
        """Be gone: nothing sent, nothing heard."""
        self.network.settle()
        self._present = False

    def return_(self) -> None:
        """Be there again."""
        self._present = True

    def stall(self, stalled: bool) -> None:
        """Let every application stop reading, or read on."""
        self._stalled = stalled
        for connection in list(self.connections.values()):
            connection.stall(stalled)

    def refuse(self, port: int, refused: bool) -> None:
        """Nobody listens on ``port``, or somebody does again."""
        (self._refused.add if refused else self._refused.discard)(port)

    def silence(self, what: str, silent: bool) -> None:
        """``dns`` or ``dhcp`` answers nothing, or answers again."""
        (self._silent.add if silent else self._silent.discard)(what)

    def idle_with(self, ip: str, port: int, own_port: int) -> tuple[Connection, int] | None:
        """The quiet connection with ``ip``, and what this host takes to answer (ns)."""
        connection = self.connections.get((own_port, ip, port))
        if connection is None or not self._present or self.drops is not None or not connection.is_quiet():
            return None
        return connection, TURNAROUND_NS // 2

    # Sending -----------------------------------------------------------------------------------------------

    def send(self, packet: Packet, *, confirms: bool = False) -> None:
        """Send a packet; ``confirms``: TCP has just heard from its addressee."""
        if not self._present or (self.drops is not None and self.drops(packet)):
            return
        packet.dont_fragment = isinstance(packet, Tcp)
        if self.link.behind_gateway:
            self.link.send(
                self.network.forwarded(packet)
            )  # its own router is out of sight, and so is its ARP
        else:
            self.neighbours.send(packet.destination, packet, confirms=confirms)

    def undeliverable(self, packet: Packet) -> None:
        """Nobody answered for the addressee: TCP goes on trying by itself."""

    def syn_options(self) -> bytes:
        """Options of a Linux SYN after the MSS: SACK permitted, timestamps, window scale 10 (data/lwip e2)."""
        stamp = (self.jiffies.now() * 4) & 0xFFFFFFFF
        return struct.pack(">BBBBIIBBBB", 4, 2, 8, 10, stamp, 0, 1, 3, 3, 10)

    def refuse_segment(self, packet: Tcp) -> None:
        """A RST for a segment that belongs to nothing (RFC 9293, 3.10.7.1)."""
        if packet.flags & RST:
            return
        if packet.flags & ACK:
            answer = Tcp(
                self.ip,
                packet.dport,
                packet.source,
                packet.sport,
                RST,
                packet.ack,
                0,
                0,
                why="unknown-segment",
            )
        else:
            answer = Tcp(
                self.ip,
                packet.dport,
                packet.source,
                packet.sport,
                RST | ACK,
                0,
                packet.seq + packet.length,
                0,
                why="refused",
            )
        self.send(answer)

    # Receiving ---------------------------------------------------------------------------------------------

    def receive(self, frame: Frame) -> None:
        """A frame arrived."""
        if self._present:
            self.world.after(TURNAROUND_NS // 2, self._take, frame.packet)

    def _take(self, packet: Arp | Packet) -> None:
        if not self._present:
            return
        if isinstance(packet, Arp):
            self.neighbours.take(packet)
        elif self.drops is not None and self.drops(packet):
            return
        elif isinstance(packet, Udp):
            self._take_datagram(packet)
        elif packet.destination != self.ip:
            return
        elif isinstance(packet, Tcp):
            self._take_segment(packet)
        elif isinstance(packet, Icmp) and packet.kind == ECHO_REQUEST:
            self.send(Icmp(self.ip, packet.source, ECHO_REPLY, 0, packet.rest))

    def _take_segment(self, packet: Tcp) -> None:
        key = (packet.dport, packet.source, packet.sport)
        connection = self.connections.get(key)
        if connection is not None and connection.state == "TIME_WAIT" and packet.flags & (SYN | ACK) == SYN:
            connection.end("reused")
            connection = None
        if connection is not None:
            connection.receive(packet)
            return
        service = self.services.get(packet.dport)
        if (
            packet.flags & (SYN | ACK | RST) == SYN
            and service is not None
            and packet.dport not in self._refused
        ):
            connection = Connection(self, packet.source, packet.sport, packet.dport, service)
            connection.reading = not self._stalled
            self.connections[key] = connection
            connection.opened_by(packet)
            return
        if packet.flags & (SYN | ACK | RST) == SYN:
            self.made += 1
        self.refuse_segment(packet)

    def _take_datagram(self, packet: Udp) -> None:
        if packet.dport == 67:
            if "dhcp" not in self._silent:
                self.lease_server.take(packet)
        elif packet.destination != self.ip:
            return
        elif packet.dport == 53 and self.name_server.names:
            if "dns" not in self._silent:
                self.name_server.take(packet)
        else:
            self.send(Icmp(self.ip, packet.source, UNREACHABLE, 3, b"", packet))

    def wake_reader(self, connection: Connection) -> None:
        """Give the application its turn."""
        self.world.after(connection.service.think_ns, connection.read_now)

    def forget(self, connection: Connection, why: str) -> None:
        """A connection is over."""
        key = (connection.port, connection.remote_ip, connection.remote_port)
        if self.connections.get(key) is connection:
            del self.connections[key]
        self.truth.note(self.name, "peer-connection-ended", port=connection.remote_port, why=why)


def _mac_of(number: int) -> str:
    """A locally administered address."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x50, 0x56, *number.to_bytes(3, "big")))
