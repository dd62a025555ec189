"""Linux's neighbour table (``net/core/neighbour.c``): why a peer asks for the device's address after five seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.packets import BROADCAST, Arp, Frame, Packet
from halfopen.twin.world import SECOND, Timer

if TYPE_CHECKING:
    from halfopen.twin.linux.host import Host

#: Defaults of /proc/sys/net/ipv4/neigh: delay_first_probe_time, retrans_time, ucast_solicit and mcast_solicit.
_DELAY_NS, _RETRANS_NS, _SOLICITS = 5 * SECOND, SECOND, 3
#: base_reachable_time: an entry stays reachable for half of it to one and a half.
_REACHABLE_NS = 30 * SECOND
INCOMPLETE, REACHABLE, STALE, DELAY, PROBE = "incomplete", "reachable", "stale", "delay", "probe"
#: unres_qlen in packets, about what 64 KiB of small ones make; more than TCP ever queues here.
_QUEUE = 101


class Neighbour:
    """One entry."""

    __slots__ = ("confirmed", "mac", "solicits", "state", "timer", "waiting")

    def __init__(self, mac: str, state: str, now: int) -> None:
        self.mac = mac
        self.state = state
        self.confirmed = now if state == REACHABLE else -(1 << 62)
        self.solicits = 0
        self.timer: Timer | None = None
        self.waiting: list[Packet] = []


class Neighbours:
    """The table of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._world = host.world
        self._entries: dict[str, Neighbour] = {}
        chance = self._world.chance(f"{host.name} neighbours")
        #: How long an entry stays reachable after the last sign of life (ns).
        self.reachable_ns = _REACHABLE_NS // 2 + chance.between(0, _REACHABLE_NS)

    def send(self, ip: str, packet: Packet, *, confirms: bool = False) -> None:
        """Send to a neighbour; ``confirms`` says that TCP has just heard from it."""
        entry = self._entries.get(ip)
        now = self._world.now
        if entry is None:
            entry = self._entries[ip] = Neighbour("", INCOMPLETE, now)
            self._solicit(ip, entry)
        if entry.state == INCOMPLETE:
            entry.waiting.append(packet)
            del entry.waiting[:-_QUEUE]
            return
        if confirms:
            entry.confirmed = now
        if entry.state == REACHABLE and now > entry.confirmed + self.reachable_ns:
            entry.state = STALE
        if entry.state == STALE:
            entry.state = DELAY
            self._set(entry, _DELAY_NS, self._delay_over, ip, entry)
        self._host.link.send(Frame(entry.mac, self._host.mac, packet))

    def _set(self, entry: Neighbour, delay: int, action: object, *arguments: object) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
        entry.timer = self._host.jiffies.after(delay, action, *arguments)  # type: ignore[arg-type]

    def _delay_over(self, ip: str, entry: Neighbour) -> None:
        entry.timer = None
        if self._world.now <= entry.confirmed + _DELAY_NS:
            entry.state = REACHABLE
            return
        entry.state = PROBE
        entry.solicits = 0
        self._solicit(ip, entry)

    def _solicit(self, ip: str, entry: Neighbour) -> None:
        entry.timer = None
        if entry.solicits >= _SOLICITS:
            del self._entries[ip]
            for packet in entry.waiting:
                self._host.undeliverable(packet)
            return
        entry.solicits += 1
        host = self._host
        host.link.send(Frame(entry.mac or BROADCAST, host.mac, Arp(host.mac, host.ip, ip)))
        self._set(entry, _RETRANS_NS, self._solicit, ip, entry)

    def take(self, packet: Arp) -> None:
        """An ARP packet came: learn from it, answer it."""
        host = self._host
        entry = self._entries.get(packet.sender_ip)
        for_us = packet.target_ip == host.ip
        if entry is None:
            if for_us:
                self._entries[packet.sender_ip] = Neighbour(packet.sender_mac, STALE, self._world.now)
        elif packet.reply and for_us:
            self._known(entry, packet.sender_mac, REACHABLE)
        elif entry.state == INCOMPLETE or entry.mac != packet.sender_mac:
            self._known(entry, packet.sender_mac, STALE)
        if for_us and not packet.reply:
            answer = Arp(host.mac, host.ip, packet.sender_ip, packet.sender_mac, reply=True)
            host.link.send(Frame(packet.sender_mac, host.mac, answer))

    def _known(self, entry: Neighbour, mac: str, state: str) -> None:
        entry.mac = mac
        entry.state = state
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        if state == REACHABLE:
            entry.confirmed = self._world.now
        waiting, entry.waiting = entry.waiting, []
        for packet in waiting:
            self._host.link.send(Frame(mac, self._host.mac, packet))

    def confirm(self, ip: str) -> None:
        """What was played in closed form kept this neighbour reachable."""
        entry = self._entries.get(ip)
        if entry is not None and entry.state in (REACHABLE, STALE, DELAY):
            entry.confirmed = self._world.now
            entry.state = REACHABLE

    def forget_all(self) -> None:
        """The host lost its memory."""
        for entry in self._entries.values():
            if entry.timer is not None:
                entry.timer.cancel()
        self._entries.clear()
