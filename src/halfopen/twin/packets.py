"""What travels in the twin: packets as objects. They become bytes only where something records them.

``why`` is the truth that a capture cannot hold: for what reason its sender sent it (``keep-alive``,
``retransmission`` …). The recorder writes it beside the frame's number.
"""

from __future__ import annotations

import struct

from halfopen.formats import packet

FIN, SYN, RST, PSH, ACK = packet.FIN, packet.SYN, packet.RST, packet.PSH, packet.ACK
BROADCAST = packet.BROADCAST
_DONT_FRAGMENT = 0x4000
#: Time to live of what a host sends (lwIP's IP_DEFAULT_TTL, Linux's ip_default_ttl).
HOST_TTL = 64
#: Headers of Ethernet, IPv4 and TCP, no options.
_TCP_OCTETS = 14 + 20 + 20
_ARP_OCTETS = 14 + 28
#: ICMP types (RFC 792).
ECHO_REPLY, UNREACHABLE, ECHO_REQUEST = 0, 3, 8
_WRAP, _HALF = 1 << 32, 1 << 31


def unwrapped(number: int, near: int) -> int:
    """A 32-bit sequence number from the wire as the unbounded one nearest to ``near``."""
    return near + ((number - near + _HALF) % _WRAP) - _HALF


class Arp:
    """An ARP request or reply; ``target_mac`` of a request is all zeros."""

    __slots__ = ("reply", "sender_ip", "sender_mac", "target_ip", "target_mac", "why")

    def __init__(
        self,
        sender_mac: str,
        sender_ip: str,
        target_ip: str,
        target_mac: str = "00:00:00:00:00:00",
        *,
        reply: bool = False,
        why: str = "",
    ) -> None:
        self.sender_mac = sender_mac
        self.sender_ip = sender_ip
        self.target_ip = target_ip
        self.target_mac = target_mac
        self.reply = reply
        self.why = why

    def encode(self) -> bytes:
        """The packet without its Ethernet header."""
        return packet.arp(self.sender_mac, self.sender_ip, self.target_ip, self.target_mac, reply=self.reply)


class Packet:
    """What all IPv4 packets share: addresses, identification, time to live, the don't-fragment bit."""

    __slots__ = ("destination", "dont_fragment", "number", "source", "ttl", "why")

    def __init__(self, source: str, destination: str, why: str = "") -> None:
        self.source = source
        self.destination = destination
        #: The identification field; the sending stack counts it.
        self.number = 0
        self.dont_fragment = False
        self.ttl = HOST_TTL
        self.why = why

    def payload(self) -> tuple[int, bytes]:
        """The protocol's number and what the IP header carries, checksum included."""
        raise NotImplementedError

    def encode(self) -> bytes:
        """The packet from its IP header on."""
        protocol, body = self.payload()
        flags = _DONT_FRAGMENT if self.dont_fragment else 0
        head = struct.pack(
            ">BBHHHBBH", 0x45, 0, 20 + len(body), self.number & 0xFFFF, flags, self.ttl, protocol, 0
        )
        head += packet.ip_bytes(self.source) + packet.ip_bytes(self.destination)
        return head[:10] + struct.pack(">H", packet.checksum(head)) + head[12:] + body


class Tcp(Packet):
    """A TCP segment. Sequence numbers may be unbounded; encoding wraps them. ``window`` is unscaled."""

    __slots__ = ("ack", "data", "dport", "flags", "mss", "options", "seq", "sport", "window")

    def __init__(
        self,
        source: str,
        sport: int,
        destination: str,
        dport: int,
        flags: int,
        seq: int,
        ack: int,
        window: int,
        data: bytes = b"",
        mss: int = 0,
        why: str = "",
    ) -> None:
        self.source = source
        self.destination = destination
        self.number = 0
        self.dont_fragment = False
        self.ttl = HOST_TTL
        self.why = why
        self.sport = sport
        self.dport = dport
        self.flags = flags
        self.seq = seq
        self.ack = ack
        self.window = window
        self.data = data
        #: The MSS option's value; 0: no such option.
        self.mss = mss
        #: Options after the MSS, as bytes.
        self.options = b""

    @property
    def length(self) -> int:
        """What it takes from the sequence space: data, SYN and FIN."""
        return len(self.data) + (1 if self.flags & (SYN | FIN) else 0)

    def payload(self) -> tuple[int, bytes]:
        """A segment with its checksum."""
        options = (struct.pack(">BBH", 2, 4, self.mss) if self.mss else b"") + self.options
        options += b"\x01" * (-len(options) % 4)
        head = struct.pack(
            ">HHIIBBHHH",
            self.sport,
            self.dport,
            self.seq & 0xFFFFFFFF,
            self.ack & 0xFFFFFFFF,
            (20 + len(options)) // 4 << 4,
            self.flags,
            self.window,
            0,
            0,
        )
        whole = head + options + self.data
        return packet.TCP_PROTOCOL, packet.summed(
            self.source, self.destination, packet.TCP_PROTOCOL, whole, 16
        )


class Udp(Packet):
    """A UDP datagram."""

    __slots__ = ("data", "dport", "sport")

    def __init__(
        self, source: str, sport: int, destination: str, dport: int, data: bytes, why: str = ""
    ) -> None:
        super().__init__(source, destination, why)
        self.sport = sport
        self.dport = dport
        self.data = data

    def payload(self) -> tuple[int, bytes]:
        """A datagram with its checksum."""
        whole = struct.pack(">HHHH", self.sport, self.dport, 8 + len(self.data), 0) + self.data
        return packet.UDP_PROTOCOL, packet.summed(
            self.source, self.destination, packet.UDP_PROTOCOL, whole, 6
        )


class Icmp(Packet):
    """An ICMP message; ``rest`` is all that follows the checksum, ``about`` the packet that an error quotes.

    ``quote`` is how many bytes of it: Linux takes all that fits into 576, lwIP the IP header and eight.
    """

    __slots__ = ("about", "code", "kind", "quote", "rest")

    def __init__(
        self,
        source: str,
        destination: str,
        kind: int,
        code: int,
        rest: bytes,
        about: Packet | None = None,
        why: str = "",
        quote: int = 548,
    ) -> None:
        super().__init__(source, destination, why)
        self.quote = quote
        self.kind = kind
        self.code = code
        self.rest = rest
        self.about = about

    def payload(self) -> tuple[int, bytes]:
        """A message with its checksum."""
        rest = self.rest if self.about is None else bytes(4) + self.about.encode()[: self.quote]
        message = struct.pack(">BBH", self.kind, self.code, 0) + rest
        return packet.ICMP_PROTOCOL, message[:2] + struct.pack(">H", packet.checksum(message)) + message[4:]


class Frame:
    """An Ethernet frame around one of the above."""

    __slots__ = ("destination", "packet", "source")

    def __init__(self, destination: str, source: str, carried: Arp | Packet) -> None:
        self.destination = destination
        self.source = source
        self.packet = carried

    @property
    def octets(self) -> int:
        """How long :meth:`encode` makes it, without doing so."""
        packet = self.packet
        if isinstance(packet, Tcp):
            options = (4 if packet.mss else 0) + len(packet.options)
            return _TCP_OCTETS + options + -options % 4 + len(packet.data)
        if isinstance(packet, Arp):
            return _ARP_OCTETS
        return len(self.encode())

    def encode(self) -> bytes:
        """The whole frame; short ones are not padded, as a TAP does not."""
        kind = packet.ARP if isinstance(self.packet, Arp) else packet.IPV4
        return packet.ethernet(self.destination, self.source, self.packet.encode(), kind)
