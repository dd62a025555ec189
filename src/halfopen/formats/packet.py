"""Build single packets: link headers, IPv4 and IPv6, TCP, UDP, ICMP and ARP, lengths and checksums right.

Addresses are text (``192.168.5.1``, ``fe80::1``, ``24:6f:28:aa:bb:cc``); every function returns bytes.
"""

from __future__ import annotations

import struct
from functools import lru_cache

FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
IPV4, ARP, VLAN, IPV6, QINQ = 0x0800, 0x0806, 0x8100, 0x86DD, 0x88A8
ICMP_PROTOCOL, TCP_PROTOCOL, UDP_PROTOCOL, ICMPV6_PROTOCOL = 1, 6, 17, 58
BROADCAST = "ff:ff:ff:ff:ff:ff"


@lru_cache(maxsize=4096)
def mac_bytes(text: str) -> bytes:
    """Six bytes of ``24:6f:28:aa:bb:cc``."""
    return bytes.fromhex(text.replace(":", ""))


@lru_cache(maxsize=4096)
def ip_bytes(text: str) -> bytes:
    """Four or sixteen bytes of an address.

    Raises:
        ValueError: ``text`` is no address.
    """
    if ":" not in text:
        parts = [int(part) for part in text.split(".")]
        if len(parts) != 4:
            raise ValueError(f"{text!r} is no IPv4 address")
        return bytes(parts)
    head, gap, tail = text.partition("::")
    before = [int(group, 16) for group in head.split(":") if group]
    after = [int(group, 16) for group in tail.split(":") if group]
    missing = 8 - len(before) - len(after)
    if missing < 0 or (missing > 0) != bool(gap):
        raise ValueError(f"{text!r} is no IPv6 address")
    return struct.pack(">8H", *before, *[0] * missing, *after)


def checksum(data: bytes) -> int:
    """The Internet checksum of ``data`` (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return 0xFFFF - total


def ethernet(
    destination: str, source: str, payload: bytes, kind: int = IPV4, vlans: tuple[int, ...] = ()
) -> bytes:
    """An Ethernet II frame; several ``vlans`` are nested (802.1ad outside)."""
    tags = b""
    for depth, vlan in enumerate(vlans):
        tags += struct.pack(">HH", QINQ if depth < len(vlans) - 1 else VLAN, vlan)
    return mac_bytes(destination) + mac_bytes(source) + tags + struct.pack(">H", kind) + payload


def cooked(source: str, payload: bytes, kind: int = IPV4) -> bytes:
    """A Linux cooked v1 frame (LINKTYPE_LINUX_SLL)."""
    return struct.pack(">HHH6s2xH", 0, 1, 6, mac_bytes(source), kind) + payload


def cooked2(source: str, payload: bytes, kind: int = IPV4) -> bytes:
    """A Linux cooked v2 frame (LINKTYPE_LINUX_SLL2)."""
    return struct.pack(">HHIHBB6s2x", kind, 0, 1, 1, 0, 6, mac_bytes(source)) + payload


def loopback(payload: bytes, family: int = 2, order: str = "<") -> bytes:
    """A BSD loopback frame: NULL in the writer's byte order, LOOP in network order (``>``)."""
    return struct.pack(f"{order}I", family) + payload


def ip(
    source: str,
    destination: str,
    payload: bytes,
    protocol: int,
    *,
    fragment: int = 0,
    more: bool = False,
    number: int = 1,
) -> bytes:
    """An IP packet of the addresses' family; ``fragment`` is an offset in bytes, ``more`` says others follow.

    IPv6 gets a fragment header when either is given; ``number`` is the datagram's identification.
    """
    if ":" in source:
        if fragment or more:
            payload = struct.pack(">BBHI", protocol, 0, fragment | more, number) + payload
            protocol = 44
        head = struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64)
        return head + ip_bytes(source) + ip_bytes(destination) + payload
    flags = fragment // 8 | (0x2000 if more else 0)
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), number, flags, 64, protocol, 0)
    head += ip_bytes(source) + ip_bytes(destination)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def summed(source: str, destination: str, protocol: int, segment: bytes, at: int) -> bytes:
    """``segment`` with the checksum over it and its pseudo-header written at ``at``."""
    a, b = ip_bytes(source), ip_bytes(destination)
    size = (
        struct.pack(">HH", protocol, len(segment))
        if len(a) == 4
        else struct.pack(">II", len(segment), protocol)
    )
    return segment[:at] + struct.pack(">H", checksum(a + b + size + segment)) + segment[at + 2 :]


def tcp(
    source: str,
    sport: int,
    destination: str,
    dport: int,
    flags: int,
    seq: int = 0,
    ack: int = 0,
    window: int = 5760,
    payload: bytes = b"",
    mss: int | None = None,
    scale: int | None = None,
) -> bytes:
    """An IP packet with a TCP segment; ``mss`` and ``scale`` become options."""
    options = b""
    if mss is not None:
        options += struct.pack(">BBH", 2, 4, mss)
    if scale is not None:
        options += struct.pack(">BBBB", 1, 3, 3, scale)
    size = (20 + len(options)) // 4
    segment = struct.pack(
        ">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, size << 4, flags, window, 0, 0
    )
    segment = summed(source, destination, TCP_PROTOCOL, segment + options + payload, 16)
    return ip(source, destination, segment, TCP_PROTOCOL)


def udp(source: str, sport: int, destination: str, dport: int, payload: bytes) -> bytes:
    """An IP packet with a UDP datagram."""
    datagram = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload
    return ip(source, destination, summed(source, destination, UDP_PROTOCOL, datagram, 6), UDP_PROTOCOL)


def icmp(source: str, destination: str, kind: int, code: int, rest: bytes) -> bytes:
    """An IP packet with an ICMP or ICMPv6 message; ``rest`` is all that follows the checksum."""
    message = struct.pack(">BBH", kind, code, 0) + rest
    if ":" in source:
        return ip(
            source, destination, summed(source, destination, ICMPV6_PROTOCOL, message, 2), ICMPV6_PROTOCOL
        )
    message = message[:2] + struct.pack(">H", checksum(message)) + message[4:]
    return ip(source, destination, message, ICMP_PROTOCOL)


def echo(source: str, destination: str, number: int, *, reply: bool = False, identifier: int = 1) -> bytes:
    """An echo request or reply (RFC 792, RFC 4443)."""
    kind = (129 if reply else 128) if ":" in source else (0 if reply else 8)
    return icmp(source, destination, kind, 0, struct.pack(">HH", identifier, number) + bytes(32))


def unreachable(source: str, destination: str, quoted: bytes, code: int = 1) -> bytes:
    """Destination unreachable (1: host, 3: port), quoting the packet that could not be delivered."""
    size = 48 if ":" in source else 28
    return icmp(source, destination, 1 if ":" in source else 3, code, bytes(4) + quoted[:size])


def arp(
    sender_mac: str,
    sender_ip: str,
    target_ip: str,
    target_mac: str = "00:00:00:00:00:00",
    *,
    reply: bool = False,
) -> bytes:
    """An ARP request or reply for IPv4 over Ethernet (RFC 826), without its Ethernet header."""
    head = struct.pack(">HHBBH", 1, IPV4, 6, 4, 2 if reply else 1)
    return head + mac_bytes(sender_mac) + ip_bytes(sender_ip) + mac_bytes(target_mac) + ip_bytes(target_ip)
