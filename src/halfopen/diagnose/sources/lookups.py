"""What hosts ask the network before they can talk: ARP, ping, DHCP and DNS, with the answers."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Hashable, Iterator

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.sources.bounded import Bounded, Quota
from halfopen.diagnose.sources.frame_text import (
    ECHO_REPLIES,
    ECHO_REQUESTS,
    body,
    destination_ip,
    frame_text,
    source_ip,
    source_mac,
)
from halfopen.diagnose.traffic import ArpObserved, FrameRef, LeaseObserved, LookupObserved, PingObserved
from halfopen.formats import dhcp
from halfopen.formats.dns import PORT as DNS_PORT
from halfopen.formats.dns import read_dns
from halfopen.formats.packet_text import mac_text
from halfopen.kernel import layout as k

#: Pairs of asker and asked that are told apart, of each kind.
PAIRS_MAX = 1024
#: Questions of one pair that may wait for an answer at once.
OPEN_MAX = 64
NAMES_MAX = 16
#: Questions quoted of a stretch without an answer: the first ones and the last.
MUTE_KEPT = 4
#: Frames quoted of all pairs together, about 300 bytes each.
QUOTED_MAX = 50_000
NS = 1_000_000_000

Refs = Bounded[FrameRef]


class Asking:
    """Questions of one host to another, matched with their answers by ``number``."""

    __slots__ = (
        "answered",
        "asked",
        "asker",
        "frames",
        "last_answer",
        "mute",
        "mute_count",
        "names",
        "refused",
        "stretch",
        "stretch_count",
        "target",
        "waiting",
    )

    def __init__(self, asker: str, target: str, quota: Quota) -> None:
        self.asker = asker
        self.target = target
        self.asked = 0
        self.answered = 0
        self.refused = 0
        self.names: dict[str, None] = {}
        self.frames = Refs(quota)
        self.last_answer: FrameRef | None = None
        self.waiting: deque[int] = deque(maxlen=OPEN_MAX)
        #: Questions since the last answer, and the longest such stretch: how many, the first of them and the last.
        self.stretch: list[FrameRef] = []
        self.stretch_count = 0
        self.mute: tuple[FrameRef, ...] = ()
        self.mute_count = 0

    def ask(self, number: int, ref: FrameRef) -> None:
        """A question was sent."""
        self.asked += 1
        self.waiting.append(number)
        self.frames.add(ref)
        self.stretch_count += 1
        self.stretch[MUTE_KEPT - 1 :] = [ref]
        if self.stretch_count > self.mute_count:
            self.mute, self.mute_count = tuple(self.stretch), self.stretch_count

    def answer(self, number: int, ref: FrameRef) -> bool:
        """An answer came; ``False`` when no question of this number was waiting for it."""
        if number not in self.waiting:
            return False
        while number in self.waiting:  # one answer settles a repeated question
            self.waiting.remove(number)
        self.answered += 1
        self.stretch, self.stretch_count = [], 0
        self.last_answer = ref
        self.frames.add(ref)
        return True


class Leasing:
    """The DHCP messages of one client, by type."""

    __slots__ = ("hostname", "ip", "lists", "time")

    def __init__(self, quota: Quota) -> None:
        self.hostname = ""
        self.ip = ""
        self.lists = {
            kind: Refs(quota) for kind in (dhcp.DISCOVER, dhcp.OFFER, dhcp.REQUEST, dhcp.ACK, dhcp.NAK)
        }


class Lookups:
    """Collects the questions of one capture."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._arps: dict[Hashable, Asking] = {}
        self._pings: dict[Hashable, Asking] = {}
        self._queries: dict[Hashable, Asking] = {}
        self._leases: dict[str, Leasing] = {}
        self._announced: dict[str, Refs] = {}
        self._quota = Quota(QUOTED_MAX)
        self._lost = 0

    def see(self, data: bytearray, rows: array[int], base: int, frame: int) -> None:
        """Take one row that carries ARP, ICMP, DNS or DHCP; ``frame`` is its number."""
        ref = FrameRef(frame, rows[base + k.TIME] / NS, frame_text(data, rows, base))
        kind = rows[base + k.KIND]
        if kind == k.ARP:
            self._see_arp(data, rows, base, ref)
        elif kind == k.ICMP:
            self._see_echo(data, rows, base, ref)
        elif kind == k.UDP and DNS_PORT in (rows[base + k.SPORT], rows[base + k.DPORT]):
            self._see_dns(data, rows, base, ref)
        elif kind == k.UDP:
            self._see_dhcp(data, rows, base, ref)

    def _pair(self, table: dict[Hashable, Asking], key: Hashable, asker: str, target: str) -> Asking | None:
        """The entry of a pair, made if there is room."""
        asking = table.get(key)
        if asking is None:
            if len(table) >= PAIRS_MAX:
                self._lost += 1
                return None
            asking = table[key] = Asking(asker, target, self._quota)
        return asking

    def _announce(self, mac: str, ref: FrameRef) -> None:
        if mac in self._announced or len(self._announced) < PAIRS_MAX:
            self._announced.setdefault(mac, Refs(self._quota)).add(ref)
        else:
            self._lost += 1

    def _see_arp(self, data: bytearray, rows: array[int], base: int, ref: FrameRef) -> None:
        content = body(data, rows, base)
        sender, target = source_ip(data, rows, base), destination_ip(data, rows, base)
        sender_mac, target_mac = mac_text(content[8:14]), mac_text(content[18:24])
        if sender in (target, "0.0.0.0"):  # noqa: S104 (an ARP probe asks without an address, RFC 5227)
            self._announce(sender_mac, ref)
        elif content[7] == 1:
            asking = self._pair(self._arps, (sender_mac, sender, target), sender_mac + " " + sender, target)
            if asking is not None:
                asking.ask(0, ref)
        elif content[7] == 2:
            asking = self._arps.get((target_mac, target, sender))
            if asking is not None:
                asking.answer(0, ref)

    def _see_echo(self, data: bytearray, rows: array[int], base: int, ref: FrameRef) -> None:
        content = body(data, rows, base)
        source, destination = source_ip(data, rows, base), destination_ip(data, rows, base)
        number = int.from_bytes(content[4:8], "big")
        if content[0] in ECHO_REQUESTS:
            asking = self._pair(self._pings, (source, destination), source, destination)
            if asking is not None:
                asking.ask(number, ref)
        elif content[0] in ECHO_REPLIES and (destination, source) in self._pings:
            self._pings[destination, source].answer(number, ref)

    def _see_dns(self, data: bytearray, rows: array[int], base: int, ref: FrameRef) -> None:
        message = read_dns(body(data, rows, base))
        if message is None:
            return
        source, destination = source_ip(data, rows, base), destination_ip(data, rows, base)
        if not message.response:
            asking = self._pair(self._queries, (source, destination), source, destination)
            if asking is not None:
                asking.ask(message.number, ref)
                if message.name and len(asking.names) < NAMES_MAX:
                    asking.names[message.name] = None
        elif (destination, source) in self._queries:
            asking = self._queries[destination, source]
            if asking.answer(message.number, ref):
                asking.refused += message.rcode != 0

    def _see_dhcp(self, data: bytearray, rows: array[int], base: int, ref: FrameRef) -> None:
        message = dhcp.read_dhcp(body(data, rows, base))
        if message is None:
            return
        if message.mac not in self._leases and len(self._leases) >= PAIRS_MAX:
            self._lost += 1
            return
        leasing = self._leases.setdefault(message.mac, Leasing(self._quota))
        leasing.hostname = message.hostname or leasing.hostname
        if message.kind == dhcp.ACK and message.given_ip:
            leasing.ip = message.given_ip
        if message.kind in leasing.lists:
            leasing.lists[message.kind].add(ref)
        if message.kind in (dhcp.DISCOVER, dhcp.REQUEST) and message.mac == source_mac(data, rows, base):
            self._announce(message.mac, ref)

    def losses(self) -> list[str]:
        """What was not followed, one line each."""
        lines = []
        if self._lost:
            lines.append(
                f"{self._lost} questions (ARP, ping, DNS, DHCP) of pairs beyond {PAIRS_MAX} were not followed"
            )
        if self._quota.refused:
            lines.append(
                f"{self._quota.refused} questions and answers were only counted: there were too many"
            )
        return lines

    def hostname(self, mac: str) -> str:
        """The name that a host gave itself in DHCP, ``""`` when none."""
        return self._leases[mac].hostname if mac in self._leases else ""

    def announced(self, mac: str) -> tuple[FrameRef, ...]:
        """The frames with which a host announced itself: ARP announcements, DHCP."""
        return tuple(self._announced.get(mac, ()))

    def observed(self) -> Iterator[Event]:
        """Every pair's questions, as facts."""
        for arp in self._arps.values():
            mac, _, ip = arp.asker.partition(" ")
            yield ArpObserved(
                *self._place(arp.frames),
                mac,
                ip,
                arp.target,
                arp.asked,
                arp.answered,
                tuple(arp.frames),
                arp.mute,
                arp.mute_count,
            )
        for ping in self._pings.values():
            yield PingObserved(
                *self._place(ping.frames),
                ping.asker,
                ping.target,
                ping.asked,
                ping.answered,
                tuple(ping.frames),
                ping.last_answer,
            )
        for query in self._queries.values():
            yield LookupObserved(
                *self._place(query.frames),
                query.asker,
                query.target,
                query.asked,
                query.answered,
                query.refused,
                tuple(query.names),
                tuple(query.frames),
                query.mute,
                query.mute_count,
            )
        for mac, leasing in self._leases.items():
            lists = [tuple(refs) for refs in leasing.lists.values()]
            seen = sorted((ref for refs in lists for ref in refs), key=lambda ref: ref.frame)
            if seen:
                yield LeaseObserved(*self._place(seen), mac, leasing.hostname, leasing.ip, *lists)

    def _place(self, refs: Refs | list[FrameRef]) -> tuple[Provenance, Moment]:
        """Where and when the first of ``refs`` is."""
        first = next(iter(refs))
        return Provenance(self.source, None, first.frame, first.text), Moment(host=first.time)
