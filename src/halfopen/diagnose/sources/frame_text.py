"""One line of text for a row of the frame table that is not TCP, from the bytes that it points to."""

from __future__ import annotations

from array import array
from dataclasses import replace

from halfopen.diagnose.traffic import FrameRef
from halfopen.formats.dns import DnsMessage
from halfopen.formats.packet_text import (
    arp_text,
    echo_text,
    endpoint_text,
    ip_text,
    unreachable_text,
)
from halfopen.kernel import layout as k
from halfopen.kernel.asking import Kept

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


def reference(kept: Kept) -> FrameRef:
    """A frame as a quotation."""
    return FrameRef(kept.frame, kept.time / NS, kept, line)


def line(kept: Kept) -> str:
    """The line for an ARP, ICMP or UDP frame."""
    content = kept.content
    if kept.kind == k.ARP:
        return arp_text(content)
    here, there = ip_text(kept.source), ip_text(kept.destination)
    if kept.kind == k.ICMP:
        if content[0] in ECHO_REQUESTS + ECHO_REPLIES:
            identifier, number = int.from_bytes(content[4:6], "big"), int.from_bytes(content[6:8], "big")
            return echo_text(here, there, content[0] in ECHO_REPLIES, identifier, number)
        return f"{here} → {there} ICMP type {content[0]} code {content[1]}"
    ends = f"{endpoint_text(here, kept.sport)} → {endpoint_text(there, kept.dport)}"
    message = kept.message
    if isinstance(message, DnsMessage):
        message = replace(message, number=kept.number)
    return f"{ends} {message.text if message else f'UDP Len={kept.payload}'}"


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
