"""DHCP messages (RFC 2131): who asks, what kind of message, which address and host name; read and written."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from halfopen.formats.dns import printable
from halfopen.formats.packet import ip_bytes, mac_bytes
from halfopen.formats.packet_text import ip_text, mac_text

SERVER_PORT, CLIENT_PORT = 67, 68
COOKIE = bytes.fromhex("63825363")
OPTION_MASK, OPTION_ROUTER, OPTION_RESOLVER, OPTION_HOSTNAME = 1, 3, 6, 12
OPTION_REQUESTED, OPTION_LEASE, OPTION_TYPE, OPTION_SERVER = 50, 51, 53, 54
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
UNSPECIFIED = "0.0.0.0"  # noqa: S104 (an empty address field, nothing is bound)
NAMES = {
    DISCOVER: "Discover",
    OFFER: "Offer",
    REQUEST: "Request",
    DECLINE: "Decline",
    ACK: "ACK",
    NAK: "NAK",
    RELEASE: "Release",
    INFORM: "Inform",
}


@dataclass(frozen=True, slots=True)
class DhcpMessage:
    """What a message says; addresses are ``""`` where it says none, ``kind`` is option 53 (0: not said)."""

    mac: str
    kind: int
    number: int
    given_ip: str = ""
    requested_ip: str = ""
    hostname: str = ""

    @property
    def text(self) -> str:
        """One line, such as ``DHCP Request 0x00001234 24:6f:28:aa:bb:cc 192.168.1.7 (sensor)``."""
        parts = [f"DHCP {NAMES.get(self.kind, self.kind)} 0x{self.number:08x} {self.mac}"]
        if self.given_ip or self.requested_ip:
            parts.append(self.given_ip or self.requested_ip)
        if self.hostname:
            parts.append(f"({self.hostname})")
        return " ".join(parts)


def read_dhcp(body: bytes) -> DhcpMessage | None:
    """The message in a UDP payload, ``None`` when it is none. The snap length may have cut the options."""
    if len(body) < 240 or body[236:240] != COOKIE or body[1:3] != b"\x01\x06":
        return None
    options: dict[int, bytes] = {}
    at = 240
    while at + 2 <= len(body) and body[at] != 255:
        if body[at] == 0:
            at += 1
            continue
        value = body[at + 2 : at + 2 + body[at + 1]]
        if len(value) < body[at + 1]:
            break
        options.setdefault(body[at], value)
        at += 2 + len(value)
    kind = options.get(OPTION_TYPE, b"")
    requested = options.get(OPTION_REQUESTED, b"")
    return DhcpMessage(
        mac=mac_text(body[28:34]),
        kind=kind[0] if kind else 0,
        number=int.from_bytes(body[4:8], "big"),
        given_ip=ip_text(body[16:20]) if any(body[16:20]) else "",
        requested_ip=ip_text(requested) if len(requested) == 4 else "",
        hostname=printable(options.get(OPTION_HOSTNAME, b"").rstrip(b"\0")),
    )


def dhcp(message: DhcpMessage, more: tuple[tuple[int, bytes], ...] = ()) -> bytes:
    """The UDP payload of a message; ``more`` are options as code and value."""
    reply = message.kind in (OFFER, ACK, NAK)
    fixed = struct.pack(
        ">BBBBI8x4s8x16s192x",
        2 if reply else 1,
        1,
        6,
        0,
        message.number,
        ip_bytes(message.given_ip or UNSPECIFIED),
        mac_bytes(message.mac),
    )
    options = bytes([OPTION_TYPE, 1, message.kind])
    if message.requested_ip:
        options += bytes([OPTION_REQUESTED, 4]) + ip_bytes(message.requested_ip)
    if message.hostname:
        options += bytes([OPTION_HOSTNAME, len(message.hostname)]) + message.hostname.encode()
    for code, value in more:
        options += bytes([code, len(value)]) + value
    return fixed + COOKIE + options + b"\xff"
