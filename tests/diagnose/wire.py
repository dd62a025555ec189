"""A wire on paper: what two hosts say to each other, written as a capture."""

from __future__ import annotations

import struct

from halfopen.diagnose import judged
from halfopen.diagnose.report import Report
from halfopen.diagnose.sources.capture import CaptureSource
from halfopen.formats import packet
from halfopen.formats.capture import PcapngWriter

DEVICE, PEER = "192.168.9.40", "192.168.9.2"
DEVICE_MAC, PEER_MAC = "02:00:00:00:00:40", "02:00:00:00:00:02"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
#: An arbitrary day, so that times look like those of a capture.
BEGIN_S = 1_760_000_000.0


def discovery(mac: str) -> bytes:
    """A DHCPDISCOVER as an IP packet (RFC 2131: op 1, magic cookie, option 53 = 1)."""
    body = bytes([1, 1, 6, 0]) + bytes(24) + packet.mac_bytes(mac) + bytes(202)
    body += b"\x63\x82\x53\x63\x35\x01\x01\xff"
    return packet.udp("0.0.0.0", 68, "255.255.255.255", 67, body)


class Wire:
    """Collects frames by time; ``report()`` diagnoses them as one capture."""

    def __init__(self) -> None:
        self._frames: list[tuple[float, bytes]] = []

    def frame(self, at: float, source: str, payload: bytes, kind: int = packet.IPV4) -> None:
        """One Ethernet frame from ``source`` (an address of either host) at ``at`` seconds."""
        macs = (PEER_MAC, DEVICE_MAC) if source == DEVICE else (DEVICE_MAC, PEER_MAC)
        self._frames.append((at, packet.ethernet(*macs, payload, kind)))

    def talk(self, port: int, server_port: int = 1883, *, client: str = DEVICE) -> Talk:
        """A TCP conversation that ``client`` opens."""
        return Talk(self, client, port, PEER if client == DEVICE else DEVICE, server_port)

    def ping(self, at: float, number: int, *, answered: bool = True) -> None:
        """The peer pings the device."""
        self.frame(at, PEER, packet.echo(PEER, DEVICE, number))
        if answered:
            self.frame(at + 0.01, DEVICE, packet.echo(DEVICE, PEER, number, reply=True))

    def discover(self, at: float) -> None:
        """A DHCPDISCOVER of the device."""
        datagram = discovery(DEVICE_MAC)
        self._frames.append((at, packet.ethernet("ff:ff:ff:ff:ff:ff", DEVICE_MAC, datagram)))

    def query(self, at: float, name: str, number: int) -> None:
        """A DNS query of the device for an address."""
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        body = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
        self.frame(at, DEVICE, packet.udp(DEVICE, 51000 + number, PEER, 53, body))

    def bytes(self) -> bytes:
        """The capture as pcapng."""
        writer = PcapngWriter()
        ordered = sorted(self._frames, key=lambda item: item[0])
        return writer.header() + b"".join(
            writer.record(round((BEGIN_S + at) * 1e9), data) for at, data in ordered
        )

    def report(self) -> Report:
        """The diagnosis of the capture alone."""
        source = CaptureSource("wire.pcapng")
        return judged([("wire.pcapng", [*source.feed(self.bytes()), *source.end()])])


class Talk:
    """One conversation; ``send`` keeps the sequence numbers, windows are Espressif's on the device's side."""

    def __init__(self, wire: Wire, client: str, port: int, server: str, server_port: int) -> None:
        self.wire, self.client, self.server = wire, client, server
        self.ports = {client: port, server: server_port}
        self.next = {client: 1000 + port, server: 900_000 + port}
        self.window = {DEVICE: 5760, PEER: 64240}

    def other(self, host: str) -> str:
        """The host at the other end."""
        return self.server if host == self.client else self.client

    def raw(
        self, at: float, by: str, flags: int, *, back: int = 0, payload: bytes = b"", mss: int | None = None
    ) -> None:
        """One segment as it is; ``back`` takes the sequence number back, as probes and retransmissions do."""
        to = self.other(by)
        segment = packet.tcp(
            by,
            self.ports[by],
            to,
            self.ports[to],
            flags,
            self.next[by] - back,
            self.next[to] if flags & ACK else 0,
            self.window[by],
            payload,
            mss,
        )
        self.wire.frame(at, by, segment)

    def syn(self, at: float) -> None:
        """The client's SYN (again and again with the same number until :meth:`open`)."""
        self.raw(at, self.client, SYN, mss=1440)

    def open(self, at: float) -> Talk:
        """The three-way handshake."""
        self.syn(at)
        self.next[self.client] += 1
        self.raw(at + 0.001, self.server, SYN | ACK, mss=1440 if self.server == DEVICE else 1460)
        self.next[self.server] += 1
        self.raw(at + 0.002, self.client, ACK)
        return self

    def send(self, at: float, by: str, size: int = 40, *, acked: bool = True) -> None:
        """Data from ``by``, acknowledged by the other end or lost."""
        self.raw(at, by, PSH | ACK, payload=bytes(size))
        self.next[by] += size
        if acked:
            self.raw(at + 0.005, self.other(by), ACK)

    def resend(self, at: float, by: str, size: int = 40, *, acked: bool = False) -> None:
        """The last data of ``by`` again."""
        self.raw(at, by, PSH | ACK, back=size, payload=bytes(size))
        if acked:
            self.raw(at + 0.005, self.other(by), ACK)

    def probe(self, at: float, by: str, *, answered: bool) -> None:
        """A keepalive probe."""
        self.raw(at, by, ACK, back=1)
        if answered:
            self.raw(at + 0.005, self.other(by), ACK)

    def fin(self, at: float, by: str) -> None:
        """FIN from ``by``, acknowledged."""
        self.raw(at, by, FIN | ACK)
        self.next[by] += 1
        self.raw(at + 0.001, self.other(by), ACK)

    def rst(self, at: float, by: str) -> None:
        """RST from ``by``; the device's carries the window that marks Espressif's lwIP (FACTS)."""
        kept = self.window[by]
        self.window[by] = 32790 if by == DEVICE else 0
        self.raw(at, by, RST | ACK)
        self.window[by] = kept
