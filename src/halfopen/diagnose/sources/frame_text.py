"""One line of text for a row of the frame table that is not TCP, from the bytes that it points to."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from halfopen.diagnose.traffic import FrameRef
from halfopen.formats.dhcp import DhcpMessage
from halfopen.formats.dns import DnsMessage
from halfopen.formats.packet_text import (
    arp_text,
    echo_text,
    endpoint_text,
    ip_text,
    unreachable_text,
)
from halfopen.kernel import layout as k

NS = 1_000_000_000
ECHO_REPLIES = (0, 129)  # ICMP (RFC 792) and ICMPv6 (RFC 4443)
ECHO_REQUESTS = (8, 128)


def address(data: bytearray, at: int, family: int) -> str:
    """The IP address at ``at``."""
    return ip_text(bytes(data[at : at + (4 if family == 4 else 16)]))


def source_ip(data: bytearray, rows: array[int], base: int) -> str:
    """Who sent the frame, by the IP header or the ARP body."""
    return address(data, rows[base + k.SOURCE], rows[base + k.FAMILY])


def destination_ip(data: bytearray, rows: array[int], base: int) -> str:
    """Whom the frame is for, by the IP header or the ARP body."""
    return address(data, rows[base + k.DESTINATION], rows[base + k.FAMILY])


def body(data: bytearray, rows: array[int], base: int) -> bytes:
    """What was captured from the row's BODY on."""
    return bytes(data[rows[base + k.BODY] : rows[base + k.OFFSET] + rows[base + k.CAPTURED]])


#: An ARP or ICMP message (empty for UDP), addresses, kind of row, ports, bytes of payload, what UDP carries.
Parts = tuple[bytes, bytes, bytes, int, int, int, int, DnsMessage | DhcpMessage | None]


class Kept(NamedTuple):
    """A frame that may be quoted: its number, its nanoseconds, and what its line is made of. Most of what is kept
    is dropped again, so that the line is written only for what stays."""

    frame: int
    time: int
    parts: Parts

    def ref(self) -> FrameRef:
        """The frame as a quotation."""
        return FrameRef(self.frame, self.time / NS, (line, self.parts))


def line(parts: Parts) -> str:
    """The line for an ARP, ICMP or UDP frame."""
    content, source, destination, kind, sport, dport, payload, message = parts
    if kind == k.ARP:
        return arp_text(content)
    here, there = ip_text(source), ip_text(destination)
    if kind == k.ICMP:
        if content[0] in ECHO_REQUESTS + ECHO_REPLIES:
            identifier, number = int.from_bytes(content[4:6], "big"), int.from_bytes(content[6:8], "big")
            return echo_text(here, there, content[0] in ECHO_REPLIES, identifier, number)
        return f"{here} → {there} ICMP type {content[0]} code {content[1]}"
    ends = f"{endpoint_text(here, sport)} → {endpoint_text(there, dport)}"
    return f"{ends} {message.text if message else f'UDP Len={payload}'}"


def unreachable_line(data: bytearray, rows: array[int], base: int) -> str:
    """The line for an ICMP message that quotes a segment."""
    source, destination = source_ip(data, rows, base), destination_ip(data, rows, base)
    return unreachable_text(source, destination, body(data, rows, base)[1], _quoted(data, rows, base))


def _quoted(data: bytearray, rows: array[int], base: int) -> str:
    """The two ends of the segment that an unreachable message quotes, after eight bytes of ICMP."""
    family = rows[base + k.FAMILY]
    at = rows[base + k.BODY] + (20 if family == 4 else 16)
    source, destination = address(data, at, family), address(data, at + (4 if family == 4 else 16), family)
    return (
        f"{endpoint_text(source, rows[base + k.SPORT])} → {endpoint_text(destination, rows[base + k.DPORT])}"
    )
