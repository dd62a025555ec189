# cython: language_level=3, annotation_typing=False, wraparound=False
"""Decode link, network and transport headers of each row of the frame table, in place.

Nothing here trusts a length: a header that does not fit into the captured bytes makes the frame ``BROKEN``.
"""

from __future__ import annotations

from array import array

from halfopen.kernel.layout import (
    A_BROKEN,
    A_ENDED,
    A_FRAGMENTS,
    A_FRAMES,
    A_STARTED,
    A_TRUNCATED,
    A_WIRELESS,
    ACK,
    ARP,
    BODY,
    BROKEN,
    CAPTURED,
    DESTINATION,
    DPORT,
    FAMILY,
    FLAGS,
    FRAGMENT,
    ICMP,
    KIND,
    LENGTH,
    LINK,
    LINK_80211,
    LINK_ETHERNET,
    LINK_IPV4,
    LINK_IPV6,
    LINK_LOOP,
    LINK_NULL,
    LINK_PRISM,
    LINK_RADIOTAP,
    LINK_RAW,
    LINK_RAW_DLT,
    LINK_RAW_OPENBSD,
    LINK_SLL,
    LINK_SLL2,
    MAC,
    MSS,
    OFFSET,
    OTHER,
    PAYLOAD,
    PEER_MAC,
    PROTOCOL,
    SCALE,
    SEQ,
    SOURCE,
    SPORT,
    TCP,
    TCP_SYN,
    TIME,
    UDP,
    UNREACHABLE,
    WIDTH,
    WINDOW,
    WIRELESS,
)

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_ARP = 0x0806
ETHERTYPE_VLAN = 0x8100
ETHERTYPE_IPV6 = 0x86DD
ETHERTYPE_QINQ = 0x88A8
ETHERTYPE_QINQ_OLD = 0x9100

# IP protocol numbers
PROTOCOL_HOP_OPTIONS = 0
PROTOCOL_ICMP = 1
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
PROTOCOL_ROUTING = 43
PROTOCOL_FRAGMENT = 44
PROTOCOL_AUTHENTICATION = 51
PROTOCOL_ICMPV6 = 58
PROTOCOL_DESTINATION_OPTIONS = 60
PROTOCOL_MOBILITY = 135

PORT_DNS = 53
PORT_DHCP_SERVER = 67
PORT_DHCP_CLIENT = 68

#: More VLAN tags or extension headers than this are no network's doing.
HEADERS_MAX = 16


def pair(data: bytes | bytearray, at: int) -> int:
    """The 16-bit number in network order at ``at``."""
    return data[at] << 8 | data[at + 1]


def quad(data: bytes | bytearray, at: int) -> int:
    """The 32-bit number in network order at ``at``."""
    number = 0  # compiled, a byte shifted by 24 would be a C int, and its top bit a sign
    for index in range(4):
        number = number << 8 | data[at + index]
    return number


def raw_ethertype(data: bytes | bytearray, at: int, stop: int) -> int:
    """EtherType of a bare IP packet, by its version nibble; 0 when it is neither."""
    if at >= stop:
        return 0
    version = data[at] >> 4
    if version == 4:
        return ETHERTYPE_IPV4
    return ETHERTYPE_IPV6 if version == 6 else 0


def ethernet(data: bytes | bytearray, rows: array[int], base: int, at: int, stop: int) -> int:
    """Ethernet II with any number of VLAN tags; the offset of what follows, -1 when cut."""
    if stop - at < 14:
        return -1
    rows[base + PEER_MAC] = at
    rows[base + MAC] = at + 6
    kind = pair(data, at + 12)
    at += 14
    tags = 0
    while kind in (ETHERTYPE_VLAN, ETHERTYPE_QINQ, ETHERTYPE_QINQ_OLD):
        if stop - at < 4 or tags == HEADERS_MAX:
            return -1
        kind = pair(data, at + 2)
        at += 4
        tags += 1
    rows[base + PROTOCOL] = kind
    return at


def link_header(data: bytes | bytearray, rows: array[int], base: int) -> int:
    """Read the link header of a row: sets PROTOCOL and the hardware addresses; the offset of what follows."""
    at = rows[base + OFFSET]
    stop = at + rows[base + CAPTURED]
    link = rows[base + LINK]
    if link == LINK_ETHERNET:
        return ethernet(data, rows, base, at, stop)
    if link in (LINK_RAW, LINK_IPV4, LINK_IPV6, LINK_RAW_DLT, LINK_RAW_OPENBSD):
        rows[base + PROTOCOL] = raw_ethertype(data, at, stop)
        return at
    if link == LINK_SLL:
        if stop - at < 16:
            return -1
        if pair(data, at + 4) == 6:
            rows[base + MAC] = at + 6
        rows[base + PROTOCOL] = pair(data, at + 14)
        return at + 16
    if link == LINK_SLL2:
        if stop - at < 20:
            return -1
        if data[at + 11] == 6:
            rows[base + MAC] = at + 12
        rows[base + PROTOCOL] = pair(data, at)
        return at + 20
    if link in (LINK_NULL, LINK_LOOP):
        # The family number differs between systems and byte orders; the version nibble does not.
        if stop - at < 4:
            return -1
        rows[base + PROTOCOL] = raw_ethertype(data, at + 4, stop)
        return at + 4
    if link in (LINK_80211, LINK_RADIOTAP, LINK_PRISM):
        rows[base + KIND] = WIRELESS
    return at


def tcp_options(data: bytes | bytearray, rows: array[int], base: int, at: int, stop: int) -> None:
    """MSS and window scale of a SYN, as far as they were captured."""
    while at < stop:
        kind = data[at]
        if kind == 0:
            return
        if kind == 1:
            at += 1
            continue
        if stop - at < 2:
            return
        size = data[at + 1]
        if size < 2 or size > stop - at:
            return
        if kind == 2 and size == 4:
            rows[base + MSS] = pair(data, at + 2)
        elif kind == 3 and size == 3:
            rows[base + SCALE] = data[at + 2] if data[at + 2] < 14 else 14  # RFC 7323 section 2.3
        at += size


def tcp(data: bytes | bytearray, rows: array[int], base: int, at: int, stop: int, wire_stop: int) -> int:
    """TCP header at ``at``; the kind of frame it makes."""
    if stop - at < 20:
        return BROKEN
    header = (data[at + 12] >> 4) * 4
    if header < 20 or at + header > wire_stop:
        return BROKEN
    rows[base + SPORT] = pair(data, at)
    rows[base + DPORT] = pair(data, at + 2)
    rows[base + SEQ] = quad(data, at + 4)
    rows[base + ACK] = quad(data, at + 8)
    rows[base + FLAGS] = data[at + 13]
    rows[base + WINDOW] = pair(data, at + 14)
    rows[base + BODY] = at + header
    rows[base + PAYLOAD] = wire_stop - at - header
    if data[at + 13] & TCP_SYN:
        tcp_options(data, rows, base, at + 20, at + header if at + header < stop else stop)
    return TCP


def udp(data: bytes | bytearray, rows: array[int], base: int, at: int, stop: int) -> int:
    """UDP header at ``at``; the kind of frame it makes."""
    if stop - at < 8:
        return BROKEN
    rows[base + SPORT] = pair(data, at)
    rows[base + DPORT] = pair(data, at + 2)
    rows[base + BODY] = at + 8
    rows[base + PAYLOAD] = pair(data, at + 4) - 8 if pair(data, at + 4) > 8 else 0
    return UDP


def icmp(data: bytes | bytearray, rows: array[int], base: int, at: int, stop: int) -> int:
    """ICMP or ICMPv6 header at ``at``; ``UNREACHABLE`` when it quotes the ports of a TCP segment."""
    if stop - at < 8:
        return BROKEN
    rows[base + BODY] = at
    quote = at + 8
    if rows[base + FAMILY] == 4:
        if data[at] != 3 or stop - quote < 20 or data[quote] >> 4 != 4:
            return ICMP
        if data[quote + 9] != PROTOCOL_TCP or pair(data, quote + 6) & 0x1FFF:
            return ICMP
        ports = quote + (data[quote] & 15) * 4
    else:
        if data[at] != 1 or stop - quote < 40 or data[quote + 6] != PROTOCOL_TCP:
            return ICMP
        ports = quote + 40
    if stop - ports < 4:
        return ICMP
    rows[base + SPORT] = pair(data, ports)
    rows[base + DPORT] = pair(data, ports + 2)
    return UNREACHABLE


def transport(
    data: bytes | bytearray, rows: array[int], base: int, protocol: int, at: int, stop: int, wire_stop: int
) -> int:
    """Read the transport header that the IP header announced; the kind of frame it makes."""
    if stop > wire_stop:
        stop = wire_stop  # Ethernet padding is not payload
    if protocol == PROTOCOL_TCP:
        return tcp(data, rows, base, at, stop, wire_stop)
    if protocol == PROTOCOL_UDP:
        return udp(data, rows, base, at, stop)
    if protocol == PROTOCOL_ICMP and rows[base + FAMILY] == 4:
        return icmp(data, rows, base, at, stop)
    if protocol == PROTOCOL_ICMPV6 and rows[base + FAMILY] == 6:
        return icmp(data, rows, base, at, stop)
    return OTHER


def ipv4(data: bytes | bytearray, rows: array[int], base: int, at: int, stop: int, wire_stop: int) -> int:
    """IPv4 header at ``at`` and what it carries; the kind of frame it makes."""
    if stop - at < 20 or data[at] >> 4 != 4:
        return BROKEN
    header = (data[at] & 15) * 4
    total = pair(data, at + 2)
    if total == 0:  # segmentation offload leaves it empty: the wire length has to do
        total = wire_stop - at
    if header < 20 or total < header or at + total > wire_stop:
        return BROKEN
    rows[base + FAMILY] = 4
    rows[base + SOURCE] = at + 12
    rows[base + DESTINATION] = at + 16
    if pair(data, at + 6) & 0x1FFF:
        return FRAGMENT
    return transport(data, rows, base, data[at + 9], at + header, stop, at + total)


def ipv6(data: bytes | bytearray, rows: array[int], base: int, at: int, stop: int, wire_stop: int) -> int:
    """IPv6 header at ``at``, its extension headers and what they carry; the kind of frame it makes."""
    if stop - at < 40 or data[at] >> 4 != 6:
        return BROKEN
    length = pair(data, at + 4)
    if length > 0:  # 0 is a jumbogram or segmentation offload: the wire length has to do
        if at + 40 + length > wire_stop:
            return BROKEN
        wire_stop = at + 40 + length
    rows[base + FAMILY] = 6
    rows[base + SOURCE] = at + 8
    rows[base + DESTINATION] = at + 24
    protocol = data[at + 6]
    at += 40
    for _ in range(HEADERS_MAX):
        if protocol == PROTOCOL_FRAGMENT:
            if stop - at < 8:
                return BROKEN
            if pair(data, at + 2) & 0xFFF8:
                return FRAGMENT
            size = 8
        elif protocol == PROTOCOL_AUTHENTICATION:
            if stop - at < 2:
                return BROKEN
            size = (data[at + 1] + 2) * 4
        elif protocol in (
            PROTOCOL_HOP_OPTIONS,
            PROTOCOL_ROUTING,
            PROTOCOL_DESTINATION_OPTIONS,
            PROTOCOL_MOBILITY,
        ):
            if stop - at < 2:
                return BROKEN
            size = (data[at + 1] + 1) * 8
        else:
            return transport(data, rows, base, protocol, at, stop, wire_stop)
        protocol = data[at]
        at += size
        if at > stop or at > wire_stop:
            return BROKEN
    return OTHER


def arp(data: bytes | bytearray, rows: array[int], base: int, at: int, stop: int) -> int:
    """ARP for IPv4 over Ethernet; the kind of frame it makes."""
    if stop - at < 28:
        return BROKEN
    if pair(data, at + 2) != ETHERTYPE_IPV4 or data[at + 4] != 6 or data[at + 5] != 4:
        return OTHER
    rows[base + FAMILY] = 4
    rows[base + SOURCE] = at + 14
    rows[base + DESTINATION] = at + 24
    rows[base + BODY] = at
    return ARP


def decode(data: bytes | bytearray, rows: array[int], count: int) -> None:
    """Decode the first ``count`` rows, whose OFFSET, CAPTURED, LENGTH and LINK ``records`` has filled."""
    for row in range(count):
        base = row * WIDTH
        for column in range(KIND, WIDTH):
            rows[base + column] = -1
        rows[base + KIND] = OTHER
        rows[base + PROTOCOL] = 0
        rows[base + FAMILY] = 0
        rows[base + PAYLOAD] = 0
        rows[base + MSS] = 0
        at = link_header(data, rows, base)
        if at < 0:
            rows[base + KIND] = BROKEN
            continue
        start = rows[base + OFFSET]
        stop = start + rows[base + CAPTURED]
        wire_stop = start + rows[base + LENGTH]
        if wire_stop < stop:
            wire_stop = stop
        protocol = rows[base + PROTOCOL]
        if protocol == ETHERTYPE_IPV4:
            rows[base + KIND] = ipv4(data, rows, base, at, stop, wire_stop)
        elif protocol == ETHERTYPE_IPV6:
            rows[base + KIND] = ipv6(data, rows, base, at, stop, wire_stop)
        elif protocol == ETHERTYPE_ARP:
            rows[base + KIND] = arp(data, rows, base, at, stop)


def tally(rows: array[int], count: int, totals: array[int], lookups: array[int]) -> int:
    """Add the first ``count`` rows to the totals; ``lookups`` gets those that carry ARP, ICMP, DNS or DHCP.

    Returns how many rows ``lookups`` lists; it has room for ``count``.
    """
    listed = 0
    for row in range(count):
        base = row * WIDTH
        kind = rows[base + KIND]
        moment = rows[base + TIME]
        if totals[A_FRAMES] == 0 or moment < totals[A_STARTED]:
            totals[A_STARTED] = moment
        if totals[A_FRAMES] == 0 or moment > totals[A_ENDED]:
            totals[A_ENDED] = moment
        totals[A_FRAMES] += 1
        if rows[base + CAPTURED] < rows[base + LENGTH]:
            totals[A_TRUNCATED] += 1
        if kind == WIRELESS:
            totals[A_WIRELESS] += 1
        elif kind == BROKEN:
            totals[A_BROKEN] += 1
        elif kind == FRAGMENT:
            totals[A_FRAGMENTS] += 1
        wanted = kind in (ARP, ICMP, UNREACHABLE)
        if kind == UDP:
            sport = rows[base + SPORT]
            dport = rows[base + DPORT]
            wanted = (
                sport == PORT_DNS
                or dport == PORT_DNS
                or (sport == PORT_DHCP_CLIENT and dport == PORT_DHCP_SERVER)
                or (sport == PORT_DHCP_SERVER and dport in (PORT_DHCP_CLIENT, PORT_DHCP_SERVER))
            )
        if wanted:
            lookups[listed] = row
            listed += 1
    return listed
