# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Questions of hosts and their answers, matched as they pass; those in ARP without asking Python for anything.

ARP is by far the most of it: lwIP asks for its gateway every five minutes, and everybody hears it.
"""

from __future__ import annotations

from array import array
from typing import Any

from halfopen.kernel import layout as k
from halfopen.kernel.quoting import Bounded, Quota


class Kept:
    """A frame that may be quoted: its number, its nanoseconds, and what its line is made of. Most of what is kept is
    dropped again, so that the line is written only for what stays.

    ``content`` is an ARP message or the first bytes of an ICMP message, ``message`` what a UDP datagram of ``payload`` bytes
    carries; ``kind`` of the row.
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
        self.message: Any = None


class Asking:
    """Questions of one host to another, matched with their answers by number; both are raw addresses.

    ``frames`` are those of both. ``stretch`` are the questions since the last answer, ``mute`` the longest such stretch: the
    first of them and the last, and how many there were.
    """

    def __init__(self, asker: bytes, target: bytes, quota: Quota) -> None:
        self.asker = asker
        self.target = target
        self.asked = 0
        self.answered = 0
        self.refused = 0
        self.frames = Bounded(quota)
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
    """Pairs of asker and asked by a key of bytes, and who announced itself by its hardware address.

    ``lost`` counts questions and announcements beyond ``most`` pairs, which are not followed.
    """

    def __init__(self, quota: Quota, most: int) -> None:
        self.quota = quota
        self.most = most
        self.lost = 0
        self.pairs: dict[bytes, Asking] = {}
        self.announced: dict[bytes, Bounded] = {}

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


def ask(
    questions: Questions,
    data: bytearray,
    rows: array[int],
    picked: array[int],
    begin: int,
    end: int,
    frame: int,
) -> int:
    """Take the rows that ``picked`` lists from ``begin`` up to the first that is no ARP, or to ``end``; where that is.

    ``rows`` are the frame table over ``data``, ``frame`` is the number of row 0.
    """
    at = begin
    while at < end:
        row = picked[at]
        base = row * k.WIDTH
        if rows[base + k.KIND] != k.ARP:
            break
        start = rows[base + k.BODY]
        content = bytes(data[start : start + 28])
        see_arp(questions, content, Kept(frame + row, rows[base + k.TIME], k.ARP, content))
        at += 1
    return at
