"""One line of text for a row of the frame table that is not TCP, from the bytes that it points to."""

from __future__ import annotations

from array import array

from halfopen.formats.dhcp import CLIENT_PORT, SERVER_PORT, read_dhcp
from halfopen.formats.dns import read_dns
from halfopen.formats.packet_text import (
    arp_text,
    echo_text,
    endpoint_text,
    ip_text,
    mac_text,
    unreachable_text,
)
from halfopen.kernel import layout as k

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


def source_mac(data: bytearray, rows: array[int], base: int) -> str:
    """The sender's hardware address, ``""`` on links without one."""
    at = rows[base + k.MAC]
    return mac_text(bytes(data[at : at + 6])) if at >= 0 else ""


def body(data: bytearray, rows: array[int], base: int) -> bytes:
    """What was captured from the row's BODY on."""
    return bytes(data[rows[base + k.BODY] : rows[base + k.OFFSET] + rows[base + k.CAPTURED]])


def frame_text(data: bytearray, rows: array[int], base: int) -> str:
    """The line for an ARP, ICMP or UDP row."""
    kind = rows[base + k.KIND]
    content = body(data, rows, base)
    if kind == k.ARP:
        return arp_text(content[:28])
    source, destination = source_ip(data, rows, base), destination_ip(data, rows, base)
    if kind == k.UNREACHABLE:
        return unreachable_text(source, destination, content[1], _quoted(data, rows, base))
    if kind == k.ICMP:
        if content[0] in ECHO_REQUESTS + ECHO_REPLIES:
            identifier, number = int.from_bytes(content[4:6], "big"), int.from_bytes(content[6:8], "big")
            return echo_text(source, destination, content[0] in ECHO_REPLIES, identifier, number)
        return f"{source} → {destination} ICMP type {content[0]} code {content[1]}"
    sport, dport = rows[base + k.SPORT], rows[base + k.DPORT]
    message = read_dhcp(content) if {sport, dport} & {SERVER_PORT, CLIENT_PORT} else read_dns(content)
    ends = f"{endpoint_text(source, sport)} → {endpoint_text(destination, dport)}"
    return f"{ends} {message.text if message else f'UDP Len={rows[base + k.PAYLOAD]}'}"


def _quoted(data: bytearray, rows: array[int], base: int) -> str:
    """The two ends of the segment that an unreachable message quotes, after eight bytes of ICMP."""
    family = rows[base + k.FAMILY]
    at = rows[base + k.BODY] + (20 if family == 4 else 16)
    source, destination = address(data, at, family), address(data, at + (4 if family == 4 else 16), family)
    return (
        f"{endpoint_text(source, rows[base + k.SPORT])} → {endpoint_text(destination, rows[base + k.DPORT])}"
    )
