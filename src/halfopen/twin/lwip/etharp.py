"""lwIP's ARP table (``etharp.c``): who has which address, and packets that wait for the answer.

A packet that waits is still the driver's, so TCP may not send its segment again: this is why a host on the link that
does not answer takes 60.5 s to fail instead of 19 (FACTS "Connecting").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.lwip.pcb import Segment
from halfopen.twin.packets import BROADCAST, Arp, Frame, Packet
from halfopen.twin.world import SECOND, US, Timer

if TYPE_CHECKING:
    from halfopen.twin.lwip.stack import Stack

#: etharp.h and opt.h: seconds an entry lives, from which age on its use asks again (unicast, then broadcast), how long
#: a request stays open, and how many packets wait for one answer (ARP_QUEUE_LEN).
MAX_AGE_S, ASK_AGAIN_S, ASK_AGAIN_ALL_S, MAX_PENDING_S = 300, 270, 285, 5
QUEUE_LENGTH = 3
#: The table's timer runs in the TCP/IP task behind TCP's.
_LATENCY_NS = 15 * US


class Entry:
    """One neighbour: ``mac`` is empty while the request is open."""

    __slots__ = ("asked_again", "mac", "since", "waiting")

    def __init__(self, since: int) -> None:
        self.mac = ""
        #: The ARP tick (seconds) at which its age was zero.
        self.since = since
        self.asked_again = -2
        self.waiting: list[tuple[Packet, Segment | None]] = []


class ArpTable:
    """The ARP table of one interface; its clock counts seconds from the interface's birth."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._world = stack.world
        self._born = stack.tick_floor()
        self._entries: dict[str, Entry] = {}
        self._timer: Timer | None = None

    def _tick(self) -> int:
        return max(0, self._world.now - self._born - _LATENCY_NS) // SECOND

    def announce(self) -> None:
        """``etharp_gratuitous``: tell everybody who we are."""
        stack = self._stack
        self._send(BROADCAST, Arp(stack.mac, stack.ip, stack.ip, why="announcement"))

    def send(self, next_hop: str, packet: Packet, segment: Segment | None) -> None:
        """Send ``packet`` to ``next_hop``, now or when its address is known."""
        entry = self._entries.get(next_hop)
        if entry is not None and entry.mac and self._tick() - entry.since >= MAX_AGE_S:
            entry = None
        if entry is None:
            entry = self._entries[next_hop] = Entry(self._tick())
            self._wait(entry, packet, segment)
            self._ask(next_hop)
            self._arm()
        elif not entry.mac:
            self._wait(entry, packet, segment)
        else:
            self._ask_again(next_hop, entry)
            self._stack.link.send(Frame(entry.mac, self._stack.mac, packet))

    def _wait(self, entry: Entry, packet: Packet, segment: Segment | None) -> None:
        if segment is not None:
            segment.held_by_arp = True
        entry.waiting.append((packet, segment))
        if len(entry.waiting) > QUEUE_LENGTH:
            _, dropped = entry.waiting.pop(0)
            if dropped is not None:
                dropped.held_by_arp = False

    def _ask_again(self, ip: str, entry: Entry) -> None:
        """Before an entry that is used grows too old: ask, first its owner alone, then all."""
        tick = self._tick()
        age = tick - entry.since
        if age < ASK_AGAIN_S or tick - entry.asked_again < 2:
            return
        entry.asked_again = tick
        self._ask(ip, BROADCAST if age >= ASK_AGAIN_ALL_S else entry.mac)

    def _ask(self, ip: str, to: str = BROADCAST) -> None:
        self._send(to, Arp(self._stack.mac, self._stack.ip, ip))

    def _send(self, to: str, packet: Arp) -> None:
        self._stack.link.send(Frame(to, self._stack.mac, packet))

    def take(self, packet: Arp) -> None:
        """``etharp_input``: learn, answer, and let go what waited."""
        stack = self._stack
        for_us = packet.target_ip == stack.ip
        entry = self._entries.get(packet.sender_ip)
        if entry is None and for_us and packet.sender_ip != stack.ip:
            entry = self._entries[packet.sender_ip] = Entry(self._tick())
        if entry is not None:
            entry.mac = packet.sender_mac
            entry.since = self._tick()
        if for_us and not packet.reply:
            answer = Arp(stack.mac, stack.ip, packet.sender_ip, packet.sender_mac, reply=True)
            self._send(packet.sender_mac, answer)
        if entry is not None and entry.waiting:
            waiting, entry.waiting = entry.waiting, []
            for held, segment in waiting:
                if segment is not None:
                    segment.held_by_arp = False
                stack.link.send(Frame(entry.mac, stack.mac, held))

    def has(self, ip: str) -> bool:
        """Whether there is an entry for ``ip``, be its request still open."""
        return ip in self._entries

    def knows(self, ip: str) -> bool:
        """Whether ``ip`` can be sent to without asking."""
        entry = self._entries.get(ip)
        return entry is not None and bool(entry.mac) and self._tick() - entry.since < ASK_AGAIN_S

    def mac_of(self, ip: str) -> str:
        """The address of a neighbour that is known; empty for one that is not."""
        entry = self._entries.get(ip)
        return entry.mac if entry is not None else ""

    def refresh(self, ip: str) -> None:
        """A connection that was played in closed form kept this entry young."""
        entry = self._entries.get(ip)
        if entry is not None and entry.mac:
            entry.since = self._tick()

    def clear(self) -> None:
        """The interface went down: forget everybody, drop what waited."""
        for entry in self._entries.values():
            for _, segment in entry.waiting:
                if segment is not None:
                    segment.held_by_arp = False
        self._entries.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is None:
            when = self._born + (self._tick() + 1) * SECOND + _LATENCY_NS
            self._timer = self._world.at(when, self._run)

    def _run(self) -> None:
        """``etharp_tmr``: ask again for what is open, give up after five seconds."""
        self._timer = None
        tick = self._tick()
        for ip, entry in list(self._entries.items()):
            if entry.mac:
                continue
            if tick - entry.since >= MAX_PENDING_S:
                del self._entries[ip]
                for _, segment in entry.waiting:
                    if segment is not None:
                        segment.held_by_arp = False
            else:
                self._ask(ip)
        if any(not entry.mac for entry in self._entries.values()):
            self._arm()
