# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Decode link, network and transport headers of each row of the frame table, in place.

Nothing here trusts a length: a header that does not fit into the captured bytes makes the frame ``BROKEN``.
"""

from __future__ import annotations

from array import array

from halfopen.kernel import layout as k
from halfopen.kernel import octets
from halfopen.kernel import protocol as p
from halfopen.kernel.frames import Frames


def raw_ethertype(f: Frames, at: int, stop: int) -> int:
    """EtherType of a bare IP packet, by its version nibble; 0 when it is neither."""
    if at >= stop:
        return 0
    version = f.data[at] >> 4
    if version == 4:
        return p.ETHERTYPE_IPV4
    return p.ETHERTYPE_IPV6 if version == 6 else 0


def ethernet(f: Frames, base: int, at: int, stop: int) -> int:
    """Ethernet II with any number of VLAN tags; the offset of what follows, -1 when cut."""
    if stop - at < 14:
        return -1
    f.rows[base + k.PEER_MAC] = at
    f.rows[base + k.MAC] = at + 6
    kind = octets.pair_at(f, at + 12)
    at += 14
    tags = 0
    while kind in (p.ETHERTYPE_VLAN, p.ETHERTYPE_QINQ, p.ETHERTYPE_QINQ_OLD):
        if stop - at < 4 or tags == p.HEADERS_MAX:
            return -1
        kind = octets.pair_at(f, at + 2)
        at += 4
        tags += 1
    f.rows[base + k.PROTOCOL] = kind
    return at


def link_header(f: Frames, base: int) -> int:
    """Read the link header of a row: sets PROTOCOL and the hardware addresses; the offset of what follows."""
    at = f.rows[base + k.OFFSET]
    stop = at + f.rows[base + k.CAPTURED]
    link = f.rows[base + k.LINK]
    if link == k.LINK_ETHERNET:
        return ethernet(f, base, at, stop)
    if link in (k.LINK_RAW, k.LINK_IPV4, k.LINK_IPV6, k.LINK_RAW_DLT, k.LINK_RAW_OPENBSD):
        f.rows[base + k.PROTOCOL] = raw_ethertype(f, at, stop)
        return at
    if link == k.LINK_SLL:
        if stop - at < 16:
            return -1
        if octets.pair_at(f, at + 4) == 6:
            f.rows[base + k.MAC] = at + 6
        f.rows[base + k.PROTOCOL] = octets.pair_at(f, at + 14)
        return at + 16
    if link == k.LINK_SLL2:
        if stop - at < 20:
            return -1
        if f.data[at + 11] == 6:
            f.rows[base + k.MAC] = at + 12
        f.rows[base + k.PROTOCOL] = octets.pair_at(f, at)
        return at + 20
    if link in (k.LINK_NULL, k.LINK_LOOP):
        # The family number differs between systems and byte orders; the version nibble does not.
        if stop - at < 4:
            return -1
        f.rows[base + k.PROTOCOL] = raw_ethertype(f, at + 4, stop)
        return at + 4
    if link in (k.LINK_80211, k.LINK_RADIOTAP, k.LINK_PRISM):
        f.rows[base + k.KIND] = k.WIRELESS
    return at


def tcp_options(f: Frames, base: int, at: int, stop: int) -> int:
    """MSS and window scale of a SYN, as far as they were captured; where the reading stopped."""
    while at < stop:
        kind = f.data[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if stop - at < 2:
            break
        size = f.data[at + 1]
        if size < 2 or size > stop - at:
            break
        if kind == 2 and size == 4:
            f.rows[base + k.MSS] = octets.pair_at(f, at + 2)
        elif kind == 3 and size == 3:
            f.rows[base + k.SCALE] = f.data[at + 2] if f.data[at + 2] < 14 else 14  # RFC 7323 section 2.3
        at += size
    return at


def tcp(f: Frames, base: int, at: int, stop: int, wire_stop: int) -> int:
    """TCP header at ``at``; the kind of frame it makes."""
    if stop - at < 20:
        return k.BROKEN
    header = (f.data[at + 12] >> 4) * 4
    if header < 20 or at + header > wire_stop:
        return k.BROKEN
    f.rows[base + k.SPORT] = octets.pair_at(f, at)
    f.rows[base + k.DPORT] = octets.pair_at(f, at + 2)
    f.rows[base + k.SEQ] = octets.quad_at(f, at + 4)
    f.rows[base + k.ACK] = octets.quad_at(f, at + 8)
    f.rows[base + k.FLAGS] = f.data[at + 13]
    f.rows[base + k.WINDOW] = octets.pair_at(f, at + 14)
    f.rows[base + k.BODY] = at + header
    f.rows[base + k.PAYLOAD] = wire_stop - at - header
    if f.data[at + 13] & k.TCP_SYN:
        tcp_options(f, base, at + 20, at + header if at + header < stop else stop)
    return k.TCP


def udp(f: Frames, base: int, at: int, stop: int) -> int:
    """UDP header at ``at``; the kind of frame it makes."""
    if stop - at < 8:
        return k.BROKEN
    f.rows[base + k.SPORT] = octets.pair_at(f, at)
    f.rows[base + k.DPORT] = octets.pair_at(f, at + 2)
    f.rows[base + k.BODY] = at + 8
    f.rows[base + k.PAYLOAD] = octets.pair_at(f, at + 4) - 8 if octets.pair_at(f, at + 4) > 8 else 0
    return k.UDP


def icmp(f: Frames, base: int, at: int, stop: int) -> int:
    """ICMP or ICMPv6 header at ``at``; ``UNREACHABLE`` when it quotes the ports of a TCP segment."""
    if stop - at < 8:
        return k.BROKEN
    f.rows[base + k.BODY] = at
    quote = at + 8
    if f.rows[base + k.FAMILY] == 4:
        if f.data[at] != 3 or stop - quote < 20 or f.data[quote] >> 4 != 4:
            return k.ICMP
        if f.data[quote + 9] != p.PROTOCOL_TCP or octets.pair_at(f, quote + 6) & 0x1FFF:
            return k.ICMP
        ports = quote + (f.data[quote] & 15) * 4
    else:
        if f.data[at] != 1 or stop - quote < 40 or f.data[quote + 6] != p.PROTOCOL_TCP:
            return k.ICMP
        ports = quote + 40
    if stop - ports < 4:
        return k.ICMP
    f.rows[base + k.SPORT] = octets.pair_at(f, ports)
    f.rows[base + k.DPORT] = octets.pair_at(f, ports + 2)
    return k.UNREACHABLE


def transport(f: Frames, base: int, protocol: int, at: int, stop: int, wire_stop: int) -> int:
    """Read the transport header that the IP header announced; the kind of frame it makes."""
    if stop > wire_stop:
        stop = wire_stop  # Ethernet padding is not payload
    if protocol == p.PROTOCOL_TCP:
        return tcp(f, base, at, stop, wire_stop)
    if protocol == p.PROTOCOL_UDP:
        return udp(f, base, at, stop)
    if protocol == p.PROTOCOL_ICMP and f.rows[base + k.FAMILY] == 4:
        return icmp(f, base, at, stop)
    if protocol == p.PROTOCOL_ICMPV6 and f.rows[base + k.FAMILY] == 6:
        return icmp(f, base, at, stop)
    return k.OTHER


def ipv4(f: Frames, base: int, at: int, stop: int, wire_stop: int) -> int:
    """IPv4 header at ``at`` and what it carries; the kind of frame it makes."""
    if stop - at < 20 or f.data[at] >> 4 != 4:
        return k.BROKEN
    header = (f.data[at] & 15) * 4
    total = octets.pair_at(f, at + 2)
    if total == 0:  # segmentation offload leaves it empty: the wire length has to do
        total = wire_stop - at
    if header < 20 or total < header or at + total > wire_stop:
        return k.BROKEN
    f.rows[base + k.FAMILY] = 4
    f.rows[base + k.SOURCE] = at + 12
    f.rows[base + k.DESTINATION] = at + 16
    if octets.pair_at(f, at + 6) & 0x1FFF:
        return k.FRAGMENT
    return transport(f, base, f.data[at + 9], at + header, stop, at + total)


def ipv6(f: Frames, base: int, at: int, stop: int, wire_stop: int) -> int:
    """IPv6 header at ``at``, its extension headers and what they carry; the kind of frame it makes."""
    if stop - at < 40 or f.data[at] >> 4 != 6:
        return k.BROKEN
    length = octets.pair_at(f, at + 4)
    if length > 0:  # 0 is a jumbogram or segmentation offload: the wire length has to do
        if at + 40 + length > wire_stop:
            return k.BROKEN
        wire_stop = at + 40 + length
    f.rows[base + k.FAMILY] = 6
    f.rows[base + k.SOURCE] = at + 8
    f.rows[base + k.DESTINATION] = at + 24
    protocol = f.data[at + 6]
    at += 40
    for _ in range(p.HEADERS_MAX):
        if protocol == p.PROTOCOL_FRAGMENT:
            if stop - at < 8:
                return k.BROKEN
            if octets.pair_at(f, at + 2) & 0xFFF8:
                return k.FRAGMENT
            size = 8
        elif protocol == p.PROTOCOL_AUTHENTICATION:
            if stop - at < 2:
                return k.BROKEN
            size = (f.data[at + 1] + 2) * 4
        elif protocol in (
            p.PROTOCOL_HOP_OPTIONS,
            p.PROTOCOL_ROUTING,
            p.PROTOCOL_DESTINATION_OPTIONS,
            p.PROTOCOL_MOBILITY,
        ):
            if stop - at < 2:
                return k.BROKEN
            size = (f.data[at + 1] + 1) * 8
        else:
            return transport(f, base, protocol, at, stop, wire_stop)
        protocol = f.data[at]
        at += size
        if at > stop or at > wire_stop:
            return k.BROKEN
    return k.OTHER


def arp(f: Frames, base: int, at: int, stop: int) -> int:
    """ARP for IPv4 over Ethernet; the kind of frame it makes."""
    if stop - at < 28:
        return k.BROKEN
    if octets.pair_at(f, at + 2) != p.ETHERTYPE_IPV4 or f.data[at + 4] != 6 or f.data[at + 5] != 4:
        return k.OTHER
    f.rows[base + k.FAMILY] = 4
    f.rows[base + k.SOURCE] = at + 14
    f.rows[base + k.DESTINATION] = at + 24
    f.rows[base + k.BODY] = at
    return k.ARP


def decode(f: Frames, count: int) -> None:
    """Decode the first ``count`` rows, whose OFFSET, CAPTURED, LENGTH and LINK ``records`` has filled."""
    for row in range(count):
        base = row * k.WIDTH
        for column in range(k.KIND, k.WIDTH):
            f.rows[base + column] = -1
        f.rows[base + k.KIND] = k.OTHER
        f.rows[base + k.PROTOCOL] = 0
        f.rows[base + k.FAMILY] = 0
        f.rows[base + k.PAYLOAD] = 0
        f.rows[base + k.MSS] = 0
        at = link_header(f, base)
        if at < 0:
            f.rows[base + k.KIND] = k.BROKEN
            continue
        start = f.rows[base + k.OFFSET]
        stop = start + f.rows[base + k.CAPTURED]
        wire_stop = start + f.rows[base + k.LENGTH]
        if wire_stop < stop:
            wire_stop = stop
        protocol = f.rows[base + k.PROTOCOL]
        if protocol == p.ETHERTYPE_IPV4:
            f.rows[base + k.KIND] = ipv4(f, base, at, stop, wire_stop)
        elif protocol == p.ETHERTYPE_IPV6:
            f.rows[base + k.KIND] = ipv6(f, base, at, stop, wire_stop)
        elif protocol == p.ETHERTYPE_ARP:
            f.rows[base + k.KIND] = arp(f, base, at, stop)


def tally(f: Frames, count: int, totals: array[int], lookups: array[int]) -> int:
    """Add the first ``count`` rows to the totals; ``lookups`` gets those that carry ARP, ICMP, DNS or DHCP.

    Returns how many rows ``lookups`` lists; it has room for ``count``.
    """
    listed = 0
    for row in range(count):
        base = row * k.WIDTH
        kind = f.rows[base + k.KIND]
        moment = f.rows[base + k.TIME]
        if totals[k.A_FRAMES] == 0 or moment < totals[k.A_STARTED]:
            totals[k.A_STARTED] = moment
        if totals[k.A_FRAMES] == 0 or moment > totals[k.A_ENDED]:
            totals[k.A_ENDED] = moment
        totals[k.A_FRAMES] += 1
        if f.rows[base + k.CAPTURED] < f.rows[base + k.LENGTH]:
            totals[k.A_TRUNCATED] += 1
        if kind == k.WIRELESS:
            totals[k.A_WIRELESS] += 1
        elif kind == k.BROKEN:
            totals[k.A_BROKEN] += 1
        elif kind == k.FRAGMENT:
            totals[k.A_FRAGMENTS] += 1
        wanted = kind in (k.ARP, k.ICMP, k.UNREACHABLE)
        if kind == k.UDP:
            sport = f.rows[base + k.SPORT]
            dport = f.rows[base + k.DPORT]
            wanted = (
                sport == p.PORT_DNS
                or dport == p.PORT_DNS
                or (sport == p.PORT_DHCP_CLIENT and dport == p.PORT_DHCP_SERVER)
                or (sport == p.PORT_DHCP_SERVER and dport in (p.PORT_DHCP_CLIENT, p.PORT_DHCP_SERVER))
            )
        if wanted:
            lookups[listed] = row
            listed += 1
    return listed
