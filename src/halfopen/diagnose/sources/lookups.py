"""What hosts ask the network before they can talk: ARP, ping, DHCP and DNS, with the answers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.sources.frame_text import ECHO_REPLIES, ECHO_REQUESTS, reference
from halfopen.diagnose.traffic import (
    ArpObserved,
    FrameRef,
    FrameRefs,
    LeaseObserved,
    LookupObserved,
    PingObserved,
)
from halfopen.formats import dhcp
from halfopen.formats.dns import read_dns
from halfopen.formats.packet_text import ip_text, mac_text
from halfopen.kernel import layout as k
from halfopen.kernel.asking import Kept, Questions, Read, ask, datagram, see_dns
from halfopen.kernel.quoting import Bounded, Quota

#: Pairs of asker and asked that are told apart, of each kind.
PAIRS_MAX = 1024
#: DNS messages whose reading is remembered: hosts ask the same again and again.
READ_MAX = 512
READ_SIZE_MIN, READ_SIZE_MAX = 12, 512
#: Frames quoted of all pairs together, about 300 bytes each.
QUOTED_MAX = 50_000


class Leasing:
    """The DHCP messages of one client, by type."""

    __slots__ = ("hostname", "ip", "lists", "time")

    def __init__(self, quota: Quota) -> None:
        self.hostname = ""
        self.ip = ""
        self.lists = {
            kind: Bounded(quota) for kind in (dhcp.DISCOVER, dhcp.OFFER, dhcp.REQUEST, dhcp.ACK, dhcp.NAK)
        }


class Lookups:
    """Collects the questions of one capture."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._quota = Quota(QUOTED_MAX)
        self._arps = Questions(self._quota, PAIRS_MAX)
        self._pings = Questions(self._quota, PAIRS_MAX)
        self._queries = Questions(self._quota, PAIRS_MAX)
        self._leases: dict[str, Leasing] = {}
        self._lost = 0

    def see(self, data: bytearray, rows: array[int], picked: array[int], listed: int, frame: int) -> None:
        """Take the first ``listed`` of the rows that ``picked`` names, which carry ARP, ICMP, DNS or DHCP; ``frame`` is the
        number of row 0."""
        at = 0
        while (at := ask(self._arps, self._queries, data, rows, picked, at, listed, frame)) < listed:
            self._see(data, rows, picked[at], frame + picked[at])
            at += 1

    def _see(self, data: bytearray, rows: array[int], row: int, frame: int) -> None:
        base = row * k.WIDTH
        if rows[base + k.KIND] not in (k.ICMP, k.UDP):
            return
        content = bytes(data[rows[base + k.BODY] : rows[base + k.OFFSET] + rows[base + k.CAPTURED]])
        kept = datagram(data, rows, row, frame)
        if kept.kind == k.ICMP:
            kept.content = content[:8]
            self._see_echo(content, kept)
        elif dhcp.SERVER_PORT in (kept.sport, kept.dport) or dhcp.CLIENT_PORT in (kept.sport, kept.dport):
            kept.message = message = dhcp.read_dhcp(content)
            if message is not None:
                at = rows[base + k.MAC]
                self._see_dhcp(message, bytes(data[at : at + 6]) if at >= 0 else b"", kept)
        else:
            read = self._dns(content)
            if read.message is not None:
                kept.number = read.message.number
                see_dns(self._queries, read, kept)

    def _dns(self, content: bytes) -> Read:
        """What a payload says; what was read is remembered for all that differ only in their number."""
        message = read_dns(content)
        told = (message.response, message.rcode != 0, message.name) if message else (False, False, "")
        read = Read(message, *told)
        rest, remembered = content[2:], self._queries.read
        if len(content) >= READ_SIZE_MIN and len(rest) <= READ_SIZE_MAX:
            if len(remembered) >= READ_MAX:
                remembered.clear()
            remembered[rest] = read
        return read

    def _see_echo(self, content: bytes, kept: Kept) -> None:
        number = int.from_bytes(content[4:8], "big")
        if content[0] in ECHO_REQUESTS:
            asking = self._pings.asking(kept.source + kept.destination, kept.source, kept.destination)
            if asking is not None:
                asking.ask(number, kept)
        elif content[0] in ECHO_REPLIES:
            asking = self._pings.pairs.get(kept.destination + kept.source)
            if asking is not None:
                asking.answer(number, kept)

    def _see_dhcp(self, message: dhcp.DhcpMessage, mac: bytes, kept: Kept) -> None:
        if message.mac not in self._leases and len(self._leases) >= PAIRS_MAX:
            self._lost += 1
            return
        leasing = self._leases.setdefault(message.mac, Leasing(self._quota))
        leasing.hostname = message.hostname or leasing.hostname
        if message.kind == dhcp.ACK and message.given_ip:
            leasing.ip = message.given_ip
        if message.kind in leasing.lists:
            leasing.lists[message.kind].add(kept)
        if message.kind in (dhcp.DISCOVER, dhcp.REQUEST) and mac and message.mac == mac_text(mac):
            self._arps.announce(mac, kept)

    def losses(self) -> list[str]:
        """What was not followed, one line each."""
        lines = []
        lost = self._lost + self._arps.lost + self._pings.lost + self._queries.lost
        if lost:
            lines.append(
                f"{lost} questions (ARP, ping, DNS, DHCP) of pairs beyond {PAIRS_MAX} were not followed"
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
        frames = self._arps.announced.get(bytes.fromhex(mac.replace(":", "")))
        return tuple(quoted(frames)) if frames is not None else ()

    def observed(self) -> Iterator[Event]:
        """Every pair's questions, as facts."""
        for arp in self._arps.pairs.values():
            yield ArpObserved(
                *self._place(reference(arp.frames.oldest())),
                mac_text(arp.asker[:6]),
                ip_text(arp.asker[6:]),
                ip_text(arp.target),
                arp.asked,
                arp.answered,
                quoted(arp.frames),
                quoted(arp.mute),
                arp.mute_count,
            )
        for ping in self._pings.pairs.values():
            yield PingObserved(
                *self._place(reference(ping.frames.oldest())),
                ip_text(ping.asker),
                ip_text(ping.target),
                ping.asked,
                ping.answered,
                quoted(ping.frames),
                reference(ping.last_answer) if ping.last_answer else None,
            )
        for query in self._queries.pairs.values():
            yield LookupObserved(
                *self._place(reference(query.frames.oldest())),
                ip_text(query.asker),
                ip_text(query.target),
                query.asked,
                query.answered,
                query.refused,
                tuple(query.names),
                quoted(query.frames),
                quoted(query.mute),
                query.mute_count,
            )
        for mac, leasing in self._leases.items():
            lists = [tuple(quoted(kept)) for kept in leasing.lists.values()]
            seen = sorted((ref for refs in lists for ref in refs), key=lambda ref: ref.frame)
            if seen:
                yield LeaseObserved(*self._place(seen[0]), mac, leasing.hostname, leasing.ip, *lists)

    def _place(self, first: FrameRef) -> tuple[Provenance, Moment]:
        """Where and when ``first`` is."""
        return Provenance(self.source, None, first.frame, first.text), Moment(host=first.time)


def quoted(kept: Bounded | list[Kept]) -> FrameRefs:
    """Frames as quotations."""
    return FrameRefs(kept, reference)
