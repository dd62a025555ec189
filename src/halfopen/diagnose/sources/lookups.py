"""What hosts ask the network before they can talk: ARP, ping, DHCP and DNS, with the answers."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.sources.frame_text import ECHO_REPLIES, ECHO_REQUESTS, Kept
from halfopen.diagnose.traffic import ArpObserved, FrameRef, LeaseObserved, LookupObserved, PingObserved
from halfopen.formats import dhcp
from halfopen.formats.dns import PORT as DNS_PORT
from halfopen.formats.dns import DnsMessage, read_dns
from halfopen.formats.packet_text import ip_text, mac_text
from halfopen.kernel import layout as k
from halfopen.kernel.quoting import Bounded, Quota

#: Pairs of asker and asked that are told apart, of each kind.
PAIRS_MAX = 1024
#: Questions of one pair that may wait for an answer at once.
OPEN_MAX = 64
NAMES_MAX = 16
#: Questions quoted of a stretch without an answer: the first ones and the last.
MUTE_KEPT = 4
#: DNS messages whose reading is remembered: hosts ask the same again and again.
READ_MAX = 512
READ_SIZE_MAX = 512
#: Frames quoted of all pairs together, about 300 bytes each.
QUOTED_MAX = 50_000

Refs = Bounded


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
        self.last_answer: Kept | None = None
        self.waiting: deque[int] = deque(maxlen=OPEN_MAX)
        #: Questions since the last answer, and the longest such stretch: how many, the first of them and the last.
        self.stretch: list[Kept] = []
        self.stretch_count = 0
        self.mute: tuple[Kept, ...] = ()
        self.mute_count = 0

    def ask(self, number: int, ref: Kept) -> None:
        """A question was sent."""
        self.asked += 1
        self.waiting.append(number)
        self.frames.add(ref)
        self.stretch_count += 1
        self.stretch[MUTE_KEPT - 1 :] = [ref]
        if self.stretch_count > self.mute_count:
            self.mute, self.mute_count = tuple(self.stretch), self.stretch_count

    def answer(self, number: int, ref: Kept) -> bool:
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
        self._read: dict[bytes, DnsMessage | None] = {}  # by all but the number

    def see(self, data: bytearray, rows: array[int], base: int, frame: int) -> None:
        """Take one row that carries ARP, ICMP, DNS or DHCP; ``frame`` is its number."""
        kind, time = rows[base + k.KIND], rows[base + k.TIME]
        at = rows[base + k.BODY]
        if kind == k.ARP:
            content = bytes(data[at : at + 28])
            self._see_arp(content, Kept(frame, time, (content, b"", b"", kind, 0, 0, 0, None)))
            return
        if kind not in (k.ICMP, k.UDP):
            return
        content = bytes(data[at : rows[base + k.OFFSET] + rows[base + k.CAPTURED]])
        size = 4 if rows[base + k.FAMILY] == 4 else 16
        at, to = rows[base + k.SOURCE], rows[base + k.DESTINATION]
        source, destination = bytes(data[at : at + size]), bytes(data[to : to + size])
        if kind == k.ICMP:
            ref = Kept(frame, time, (content[:8], source, destination, kind, 0, 0, 0, None))
            self._see_echo(content, source, destination, ref)
            return
        sport, dport = rows[base + k.SPORT], rows[base + k.DPORT]
        at = rows[base + k.MAC]
        mac = mac_text(bytes(data[at : at + 6])) if at >= 0 else ""
        message: DnsMessage | dhcp.DhcpMessage | None
        leased = not {sport, dport}.isdisjoint((dhcp.SERVER_PORT, dhcp.CLIENT_PORT))
        message = dhcp.read_dhcp(content) if leased else self._dns(content)
        ref = Kept(
            frame, time, (b"", source, destination, kind, sport, dport, rows[base + k.PAYLOAD], message)
        )
        if DNS_PORT in (sport, dport):
            self._see_dns(content, source, destination, ref)
        else:
            self._see_dhcp(message, mac, ref)

    def _dns(self, content: bytes) -> DnsMessage | None:
        """The message in a payload, which is read once for all that differ only in their number."""
        rest = content[2:]
        if rest in self._read:
            known = self._read[rest]
            return known and replace(known, number=content[0] << 8 | content[1])
        message = read_dns(content)
        if len(rest) <= READ_SIZE_MAX:
            if len(self._read) >= READ_MAX:
                self._read.clear()
            self._read[rest] = message
        return message

    def _pair(self, table: dict[Hashable, Asking], key: Hashable, asker: str, target: str) -> Asking | None:
        """The entry of a pair, made if there is room."""
        asking = table.get(key)
        if asking is None:
            if len(table) >= PAIRS_MAX:
                self._lost += 1
                return None
            asking = table[key] = Asking(asker, target, self._quota)
        return asking

    def _announce(self, mac: str, ref: Kept) -> None:
        if mac in self._announced or len(self._announced) < PAIRS_MAX:
            self._announced.setdefault(mac, Refs(self._quota)).add(ref)
        else:
            self._lost += 1

    def _see_arp(self, content: bytes, ref: Kept) -> None:
        sender, target = content[14:18], content[24:28]
        if sender in (target, b"\0\0\0\0"):  # an ARP probe asks without an address, RFC 5227
            self._announce(mac_text(content[8:14]), ref)
        elif content[7] == 1:
            key = content[8:18] + target
            asking = self._arps.get(key)
            if asking is None:
                asker = f"{mac_text(content[8:14])} {ip_text(sender)}"
                asking = self._pair(self._arps, key, asker, ip_text(target))
            if asking is not None:
                asking.ask(0, ref)
        elif content[7] == 2:
            asking = self._arps.get(content[18:28] + sender)
            if asking is not None:
                asking.answer(0, ref)

    def _see_echo(self, content: bytes, source: bytes, destination: bytes, ref: Kept) -> None:
        number = int.from_bytes(content[4:8], "big")
        if content[0] in ECHO_REQUESTS:
            asking = self._pings.get((source, destination))
            if asking is None:
                ends = ip_text(source), ip_text(destination)
                asking = self._pair(self._pings, (source, destination), *ends)
            if asking is not None:
                asking.ask(number, ref)
        elif content[0] in ECHO_REPLIES and (destination, source) in self._pings:
            self._pings[destination, source].answer(number, ref)

    def _see_dns(self, content: bytes, source: bytes, destination: bytes, ref: Kept) -> None:
        message = self._dns(content)
        if message is None:
            return
        if not message.response:
            asking = self._queries.get((source, destination))
            if asking is None:
                ends = ip_text(source), ip_text(destination)
                asking = self._pair(self._queries, (source, destination), *ends)
            if asking is not None:
                asking.ask(message.number, ref)
                if message.name and len(asking.names) < NAMES_MAX:
                    asking.names[message.name] = None
        elif (destination, source) in self._queries:
            asking = self._queries[destination, source]
            if asking.answer(message.number, ref):
                asking.refused += message.rcode != 0

    def _see_dhcp(self, message: object, mac: str, ref: Kept) -> None:
        if not isinstance(message, dhcp.DhcpMessage):
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
        if message.kind in (dhcp.DISCOVER, dhcp.REQUEST) and message.mac == mac:
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
        return quoted(self._announced.get(mac, ()))

    def observed(self) -> Iterator[Event]:
        """Every pair's questions, as facts."""
        for arp in self._arps.values():
            mac, _, ip = arp.asker.partition(" ")
            refs = quoted(arp.frames)
            yield ArpObserved(
                *self._place(refs),
                mac,
                ip,
                arp.target,
                arp.asked,
                arp.answered,
                refs,
                quoted(arp.mute),
                arp.mute_count,
            )
        for ping in self._pings.values():
            refs = quoted(ping.frames)
            yield PingObserved(
                *self._place(refs),
                ping.asker,
                ping.target,
                ping.asked,
                ping.answered,
                refs,
                ping.last_answer.ref() if ping.last_answer else None,
            )
        for query in self._queries.values():
            refs = quoted(query.frames)
            yield LookupObserved(
                *self._place(refs),
                query.asker,
                query.target,
                query.asked,
                query.answered,
                query.refused,
                tuple(query.names),
                refs,
                quoted(query.mute),
                query.mute_count,
            )
        for mac, leasing in self._leases.items():
            lists = [quoted(kept) for kept in leasing.lists.values()]
            seen = sorted((ref for refs in lists for ref in refs), key=lambda ref: ref.frame)
            if seen:
                yield LeaseObserved(*self._place(seen), mac, leasing.hostname, leasing.ip, *lists)

    def _place(self, refs: Sequence[FrameRef]) -> tuple[Provenance, Moment]:
        """Where and when the first of ``refs`` is."""
        first = refs[0]
        return Provenance(self.source, None, first.frame, first.text), Moment(host=first.time)


def quoted(kept: Iterable[Kept]) -> tuple[FrameRef, ...]:
    """Frames as quotations."""
    return tuple(each.ref() for each in kept)
