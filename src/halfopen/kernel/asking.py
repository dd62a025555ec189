# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Questions of hosts and their answers, matched as they pass.

ARP is by far the most of it: lwIP asks for its gateway every five minutes, and everybody hears it. DNS comes next, and hosts
ask the same again and again: what was read once is known by all of its bytes but the number.
"""

from __future__ import annotations

from array import array
from typing import Any

from halfopen.kernel import layout as k
from halfopen.kernel import protocol as p
from halfopen.kernel.quoting import Bounded, Quota


class Kept:
    """A frame that may be quoted: its number, its nanoseconds, and what its line is made of. Most of what is kept is
    dropped again, so that the line is written only for what stays.

    ``content`` is an ARP message or the first bytes of an ICMP message, ``message`` what a UDP datagram of ``payload`` bytes
    carries, whose number is not that of ``message`` but ``number``; ``kind`` of the row.
    """

    def __init__(self, frame: int, time: int, kind: int, content: bytes) -> None:
        self.frame = frame
        self.time = time
        self.kind = kind
        self.content = content
        self.source = b""
        self.destination = b""
        self.sport = 0
        self.dport = 0
        self.payload = 0
        self.number = 0
        self.message: Any = None


class Read:
    """What a DNS message says, whatever its number: ``message`` as the caller read it, ``None`` when it is none; the name
    that it asks for, ``""`` when that was cut."""

    def __init__(self, message: Any, response: bool, refused: bool, name: str) -> None:
        self.message = message
        self.response = response
        self.refused = refused
        self.name = name


class Asking:
    """Questions of one host to another, matched with their answers by number; both are raw addresses.

    ``frames`` are those of both. ``stretch`` are the questions since the last answer, ``mute`` the longest such stretch: the
    first of them and the last, and how many there were. ``names`` are the first that were asked for.
    """

    def __init__(self, asker: bytes, target: bytes, quota: Quota) -> None:
        self.asker = asker
        self.target = target
        self.asked = 0
        self.answered = 0
        self.refused = 0
        self.frames = Bounded(quota)
        self.names: dict[str, None] = {}
        self.last_answer: Kept | None = None
        self.waiting: list[int] = []
        self.stretch: list[Kept] = []
        self.stretch_count = 0
        self.mute: list[Kept] = []
        self.mute_count = 0

    def ask(self, number: int, kept: Kept) -> None:
        """A question was sent; of those that wait for an answer the newest ``WAITING`` are remembered."""
        self.asked += 1
        if len(self.waiting) == k.WAITING:
            del self.waiting[0]
        self.waiting.append(number)
        self.frames.add(kept)
        self.stretch_count += 1
        if len(self.stretch) == k.MUTE_KEPT:
            self.stretch.pop()
        self.stretch.append(kept)
        if self.stretch_count > self.mute_count:
            self.mute = self.stretch  # it goes on as that until an answer ends it
            self.mute_count = self.stretch_count

    def answer(self, number: int, kept: Kept) -> bool:
        """An answer came; ``False`` when no question of this number was waiting for it."""
        if number not in self.waiting:
            return False
        while number in self.waiting:  # one answer settles a repeated question
            self.waiting.remove(number)
        self.answered += 1
        self.stretch = []
        self.stretch_count = 0
        self.last_answer = kept
        self.frames.add(kept)
        return True


class Questions:
    """Pairs of asker and asked by a key of bytes, who announced itself by its hardware address, and DNS messages that were
    read, by all of their bytes but the number.

    ``lost`` counts questions and announcements beyond ``most`` pairs, which are not followed.
    """

    def __init__(self, quota: Quota, most: int) -> None:
        self.quota = quota
        self.most = most
        self.lost = 0
        self.pairs: dict[bytes, Asking] = {}
        self.announced: dict[bytes, Bounded] = {}
        self.read: dict[bytes, Read] = {}

    def asking(self, key: bytes, asker: bytes, target: bytes) -> Asking | None:
        """The entry of a pair, made if there is room."""
        found = self.pairs.get(key)
        if found is None:
            if len(self.pairs) >= self.most:
                self.lost += 1
                return None
            found = Asking(asker, target, self.quota)
            self.pairs[key] = found
        return found

    def announce(self, mac: bytes, kept: Kept) -> None:
        """A host announced itself."""
        frames = self.announced.get(mac)
        if frames is None:
            if len(self.announced) >= self.most:
                self.lost += 1
                return
            frames = Bounded(self.quota)
            self.announced[mac] = frames
        frames.add(kept)


def see_arp(questions: Questions, content: bytes, kept: Kept) -> None:
    """Take one ARP message of 28 bytes (RFC 826); ``kept`` is its frame."""
    sender = content[14:18]
    target = content[24:28]
    if sender == target or sender == b"\0\0\0\0":  # an ARP probe asks without an address, RFC 5227
        questions.announce(content[8:14], kept)
    elif content[7] == 1:
        asking = questions.asking(content[8:18] + target, content[8:18], target)
        if asking is not None:
            asking.ask(0, kept)
    elif content[7] == 2:
        asking = questions.pairs.get(content[18:28] + sender)
        if asking is not None:
            asking.answer(0, kept)


def see_dns(questions: Questions, read: Read, kept: Kept) -> None:
    """Take a DNS message of which ``read`` says what it is; ``kept`` is its frame."""
    kept.message = read.message
    if read.response:
        asking = questions.pairs.get(kept.destination + kept.source)
        if asking is not None and asking.answer(kept.number, kept):
            asking.refused += read.refused
        return
    asking = questions.asking(kept.source + kept.destination, kept.source, kept.destination)
    if asking is not None:
        asking.ask(kept.number, kept)
        if read.name and len(asking.names) < k.NAMES_MAX:
            asking.names[read.name] = None


def datagram(data: bytearray, rows: array[int], row: int, frame: int) -> Kept:
    """The frame of a row that carries UDP or ICMP, with its ends; without its content."""
    base = row * k.WIDTH
    size = 4 if rows[base + k.FAMILY] == 4 else 16
    kept = Kept(frame, rows[base + k.TIME], rows[base + k.KIND], b"")
    kept.source = bytes(data[rows[base + k.SOURCE] : rows[base + k.SOURCE] + size])
    kept.destination = bytes(data[rows[base + k.DESTINATION] : rows[base + k.DESTINATION] + size])
    kept.sport = rows[base + k.SPORT]
    kept.dport = rows[base + k.DPORT]
    kept.payload = rows[base + k.PAYLOAD]
    return kept


def known(questions: Questions, data: bytearray, rows: array[int], row: int) -> Read | None:
    """What the UDP datagram in a row says, if it is a DNS message that was read before but for its number."""
    base = row * k.WIDTH
    if rows[base + k.SPORT] != p.PORT_DNS and rows[base + k.DPORT] != p.PORT_DNS:
        return None
    start = rows[base + k.BODY]
    return questions.read.get(bytes(data[start + 2 : rows[base + k.OFFSET] + rows[base + k.CAPTURED]]))


def ask(
    arps: Questions,
    queries: Questions,
    data: bytearray,
    rows: array[int],
    picked: array[int],
    begin: int,
    end: int,
    frame: int,
) -> int:
    """Take the rows that ``picked`` lists from ``begin`` up to the first that is neither ARP nor a DNS message known but for
    its number, or to ``end``; where that is. ``rows`` are the frame table over ``data``, ``frame`` is the number of row 0."""
    at = begin
    while at < end:
        row = picked[at]
        base = row * k.WIDTH
        start = rows[base + k.BODY]
        if rows[base + k.KIND] == k.ARP:
            content = bytes(data[start : start + 28])
            see_arp(arps, content, Kept(frame + row, rows[base + k.TIME], k.ARP, content))
        elif rows[base + k.KIND] == k.UDP:
            read = known(queries, data, rows, row)
            if read is None:
                break
            if read.message is not None:
                kept = datagram(data, rows, row, frame + row)
                kept.number = data[start] << 8 | data[start + 1]
                see_dns(queries, read, kept)
        else:
            break
        at += 1
    return at
