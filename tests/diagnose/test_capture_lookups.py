"""ARP, ping, DHCP, DNS and the hosts behind them."""

from __future__ import annotations

import pytest

from halfopen.diagnose.events import Event
from halfopen.diagnose.sources import lookups
from halfopen.diagnose.sources.capture import CaptureSource
from halfopen.diagnose.traffic import (
    ArpObserved,
    HostObserved,
    LeaseObserved,
    LookupObserved,
    PingObserved,
)
from halfopen.formats import dhcp, dns
from halfopen.formats import packet as p
from halfopen.formats.capture import LINK_RAW, PcapWriter

A, B = "24:6f:28:aa:bb:cc", "02:00:00:00:00:0b"
DEVICE, ROUTER = "192.168.1.7", "192.168.1.1"


def read(*frames: bytes, link: int = 1) -> tuple[list[Event], list[str]]:
    source = CaptureSource("made.pcap")
    writer = PcapWriter(link)
    data = writer.header() + b"".join(
        writer.record((10**9 + n) * 10**9, frame) for n, frame in enumerate(frames)
    )
    return [*source.feed(data), *source.end()], source.notes


def only(kind: type[Event], *frames: bytes) -> list[Event]:
    return [event for event in read(*frames)[0] if isinstance(event, kind)]


def up(packet: bytes, kind: int = p.IPV4) -> bytes:
    return p.ethernet(B, A, packet, kind)


def down(packet: bytes, kind: int = p.IPV4) -> bytes:
    return p.ethernet(A, B, packet, kind)


def test_arp() -> None:
    ask = up(p.arp(A, DEVICE, ROUTER), p.ARP)
    (asked,) = only(ArpObserved, ask, ask, down(p.arp(B, ROUTER, DEVICE, A, reply=True), p.ARP), ask)
    assert isinstance(asked, ArpObserved)
    assert (asked.asker_mac, asked.asker_ip, asked.target_ip) == (A, DEVICE, ROUTER)
    assert (asked.asked, asked.answered, [ref.frame for ref in asked.frames]) == (3, 1, [1, 2, 3, 4])
    assert asked.where.text == f"ARP Who has {ROUTER}? Tell {DEVICE}"


def test_arp_announcements_mark_the_host() -> None:
    announce, probe = up(p.arp(A, DEVICE, DEVICE), p.ARP), up(p.arp(A, dhcp.UNSPECIFIED, DEVICE), p.ARP)
    assert only(ArpObserved, announce, probe) == []
    (host,) = only(HostObserved, announce, probe)
    assert isinstance(host, HostObserved)
    assert [ref.frame for ref in host.announced] == [1, 2]
    assert (host.mac, host.ips, host.packets) == (A, (DEVICE,), 2)


@pytest.mark.parametrize("ends", [(DEVICE, ROUTER), ("fe80::7", "fe80::1")])
def test_ping(ends: tuple[str, str]) -> None:
    kind = p.IPV6 if ":" in ends[0] else p.IPV4
    frames = [up(p.echo(*ends, number), kind) for number in range(3)]
    frames.append(down(p.echo(*ends[::-1], 1, reply=True), kind))
    frames.append(down(p.echo(*ends[::-1], 9, reply=True), kind))
    (ping,) = only(PingObserved, *frames)
    assert isinstance(ping, PingObserved)
    assert (ping.asker_ip, ping.target_ip, ping.asked, ping.answered) == (*ends, 3, 1)
    assert ping.last_answer is not None
    assert ping.last_answer.text == f"{ends[1]} → {ends[0]} Echo (ping) reply id=0x0001 seq=1"


def lease(kind: int, given: str = "", hostname: str = "") -> bytes:
    message = dhcp.dhcp(dhcp.DhcpMessage(A, kind, 0x77, given_ip=given, hostname=hostname))
    if kind in (dhcp.OFFER, dhcp.ACK, dhcp.NAK):
        return down(p.udp(ROUTER, 67, "255.255.255.255", 68, message))
    return up(p.udp(dhcp.UNSPECIFIED, 68, "255.255.255.255", 67, message))


def test_lease() -> None:
    frames = [lease(dhcp.DISCOVER, hostname="sensor"), lease(dhcp.DISCOVER), lease(dhcp.OFFER, DEVICE)]
    frames += [lease(dhcp.REQUEST), lease(dhcp.NAK), lease(dhcp.ACK, DEVICE)]
    events, _ = read(*frames)
    (leased,) = [event for event in events if isinstance(event, LeaseObserved)]
    assert (leased.mac, leased.hostname, leased.ip) == (A, "sensor", DEVICE)
    lists = (leased.discovers, leased.offers, leased.requests, leased.naks, leased.acks)
    assert [[ref.frame for ref in refs] for refs in lists] == [[1, 2], [3], [4], [5], [6]]
    host = next(event for event in events if isinstance(event, HostObserved) and event.mac == A)
    assert (host.hostname, [ref.frame for ref in host.announced]) == ("sensor", [1, 2, 4])


def test_dns() -> None:
    def ask(number: int, name: str) -> bytes:
        return up(p.udp(DEVICE, 50000, ROUTER, 53, dns.dns(number, name)))

    def answer(number: int, name: str, rcode: int = 0) -> bytes:
        return down(p.udp(ROUTER, 53, DEVICE, 50000, dns.dns(number, name, response=True, rcode=rcode)))

    (asked,) = only(
        LookupObserved,
        ask(1, "a.b"),
        ask(1, "a.b"),
        answer(1, "a.b"),
        ask(2, "x.y"),
        answer(2, "x.y", 3),
        ask(3, "z"),
    )
    assert isinstance(asked, LookupObserved)
    assert (asked.asker_ip, asked.server_ip) == (DEVICE, ROUTER)
    assert (asked.asked, asked.answered, asked.refused, asked.names) == (4, 2, 1, ("a.b", "x.y", "z"))
    assert asked.where.text == f"{DEVICE}:50000 → {ROUTER}:53 DNS query 0x0001 A a.b"


def test_hosts_without_hardware_addresses() -> None:
    events, _ = read(p.echo(DEVICE, ROUTER, 1), p.echo("fe80::7", "fe80::1", 1), link=LINK_RAW)
    hosts = [event for event in events if isinstance(event, HostObserved)]
    assert [(host.mac, host.ips) for host in hosts] == [("", (DEVICE,)), ("", ("fe80::7",))]


def test_one_host_with_many_addresses() -> None:
    frames = [up(p.echo(f"10.0.0.{n}", ROUTER, n)) for n in range(1, 50)]
    (host,) = only(HostObserved, *frames)
    assert isinstance(host, HostObserved)
    assert (host.packets, len(host.ips)) == (49, 32)


def test_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "PAIRS_MAX", 8)
    frames = [up(p.arp(A, DEVICE, f"192.168.1.{n}"), p.ARP) for n in range(20, 40)]
    events, notes = read(*frames)
    assert len([event for event in events if isinstance(event, ArpObserved)]) == 8
    assert notes == ["made.pcap: 12 questions (ARP, ping, DNS, DHCP) of pairs beyond 8 were not followed"]


def test_too_many_hosts_are_noted() -> None:
    frames = [up(p.echo(f"10.0.{n // 250}.{n % 250 + 1}", ROUTER, 1)) for n in range(2100)]
    _, notes = read(*frames)
    assert notes[0] == "made.pcap: 52 frames of hosts beyond the first 2048 were not counted to any"
