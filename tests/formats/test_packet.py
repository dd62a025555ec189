"""Packets that we build are what tshark dissects, and read in one line as Wireshark shows them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from halfopen.formats import dhcp, dns
from halfopen.formats import packet as p
from halfopen.formats.capture import PcapngWriter
from halfopen.formats.packet_text import arp_text, endpoint_text, flags_text, ip_text, tcp_text

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
ONE, TWO = "192.168.5.100", "192.168.5.1"
UNSPECIFIED = dhcp.UNSPECIFIED
LEASE = dhcp.DhcpMessage(A, dhcp.REQUEST, 0x1234, requested_ip=ONE, hostname="sensor")


def test_tshark_finds_nothing_wrong(require_tool: Callable[[str], str], tmp_path: Path) -> None:
    packets = [
        p.ethernet(B, A, p.tcp(ONE, 1000, TWO, 80, p.SYN, 1, mss=1440, scale=2)),
        p.ethernet(B, A, p.tcp("fe80::1", 1000, "fe80::2", 80, p.PSH | p.ACK, 1, 2, payload=b"odd"), p.IPV6),
        p.ethernet(B, A, p.udp(ONE, 1000, TWO, 53, dns.dns(7, "broker.local")), vlans=(5,)),
        p.ethernet(B, A, p.echo(ONE, TWO, 3)),
        p.ethernet(B, A, p.echo("fe80::1", "fe80::2", 3, reply=True), p.IPV6),
        p.ethernet(B, A, p.unreachable(TWO, ONE, p.tcp(ONE, 1000, TWO, 80, p.SYN, 1))),
        p.ethernet(p.BROADCAST, A, p.arp(A, ONE, TWO), p.ARP),
        p.ethernet(p.BROADCAST, A, p.udp(UNSPECIFIED, 68, "255.255.255.255", 67, dhcp.dhcp(LEASE))),
    ]
    writer = PcapngWriter()
    path = tmp_path / "built.pcapng"
    path.write_bytes(writer.header() + b"".join(writer.record(10**18, packet) for packet in packets))
    checks = [f"-o{name}.check_checksum:TRUE" for name in ("tcp", "udp", "ip")]
    command = [require_tool("tshark"), "-n", "-r", str(path), *checks, "-T", "fields"]
    command += ["-e", "_ws.col.Protocol", "-e", "_ws.malformed", "-e", "_ws.expert.severity"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        "TCP",
        "TCP",
        "DNS",
        "ICMP",
        "ICMPv6",
        "ICMP",
        "ARP",
        "DHCP",
    ]
    for line in lines:
        _, malformed, severities = line.split("\t")
        assert malformed == ""
        assert not {"8388608"} & set(severities.split(",")), "an expert error, such as a bad checksum"


def test_tcp_text() -> None:
    ends = ("192.168.5.100:62916", "192.168.5.1:8080")
    assert tcp_text(*ends, p.SYN, 0, 0, 5760, 0, mss=1440) == (
        "192.168.5.100:62916 → 192.168.5.1:8080 [SYN] Seq=0 Win=5760 Len=0 MSS=1440"
    )
    assert tcp_text(*ends, p.PSH | p.ACK, 41, 41, 5720, 40, marks=["TCP Retransmission"]) == (
        "192.168.5.100:62916 → 192.168.5.1:8080 [TCP Retransmission] [PSH, ACK] Seq=41 Ack=41 Win=5720 Len=40"
    )
    assert tcp_text(*ends, p.SYN | p.ACK, 0, 1, 100, 0, scale=7).endswith("WS=128")
    assert flags_text(0) == "<None>"


def test_arp_text() -> None:
    assert arp_text(p.arp(A, ONE, TWO)) == f"ARP Who has {TWO}? Tell {ONE}"
    assert arp_text(p.arp(A, ONE, TWO, B, reply=True)) == f"ARP {ONE} is at {A}"
    assert arp_text(p.arp(A, ONE, ONE)) == f"ARP Announcement for {ONE}"
    assert arp_text(p.arp(A, UNSPECIFIED, ONE)) == f"ARP Who has {ONE}? (ARP probe)"


@given(st.integers(0, 2**128 - 1))
@example(0)
@example(1 << 112)
@example(0x20010DB8_00000000_00010000_00000001)
def test_ipv6_text_is_the_usual_one(number: int) -> None:
    address = IPv6Address(number)
    if address.ipv4_mapped is None:
        assert ip_text(address.packed) == str(address)
    assert p.ip_bytes(str(address)) == address.packed


@given(st.binary(min_size=4, max_size=4))
def test_ipv4_text(raw: bytes) -> None:
    assert ip_text(raw) == str(ip_address(raw))
    assert p.ip_bytes(ip_text(raw)) == raw
    assert endpoint_text(ip_text(raw), 80) == f"{ip_address(raw)}:80"


@pytest.mark.parametrize("text", ["1.2.3", "1:2", "1:2:3:4:5:6:7:8:9", "x"])
def test_no_address(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (int() words some of them)
        p.ip_bytes(text)


def test_dns() -> None:
    query = dns.read_dns(dns.dns(7, "broker.local", dns.TYPE_AAAA))
    assert query == dns.DnsMessage(7, False, 0, "broker.local", dns.TYPE_AAAA)
    answer = dns.read_dns(dns.dns(7, "broker.local", response=True, rcode=3))
    assert answer is not None
    assert answer.text == "DNS response 0x0007 no such name A broker.local"
    assert dns.read_dns(b"short") is None
    cut = dns.read_dns(dns.dns(7, "broker.local")[:20])
    assert cut is not None
    assert cut.name == ""


def test_dhcp() -> None:
    assert dhcp.read_dhcp(dhcp.dhcp(LEASE)) == LEASE
    assert LEASE.text == f"DHCP Request 0x00001234 {A} {ONE} (sensor)"
    assert dhcp.read_dhcp(dhcp.dhcp(LEASE)[:239]) is None
    cut = dhcp.read_dhcp(dhcp.dhcp(LEASE)[:246])
    assert cut is not None
    assert (cut.kind, cut.hostname) == (dhcp.REQUEST, "")


@given(st.binary(max_size=300))
def test_readers_never_raise(body: bytes) -> None:
    dns.read_dns(body)
    dhcp.read_dhcp(body)
    dhcp.read_dhcp(dhcp.dhcp(LEASE)[:240] + body)
    message = dns.read_dns(dns.dns(1, "a")[:12] + body)
    assert message is not None
    assert message.text.isprintable()
