"""From the bytes of a pcap or pcapng, in pieces of any size, to rows of the kernel's frame table.

The hot loop over records is the kernel's; here is what happens rarely: file headers, sections, interfaces,
damage. Only the record that is not whole yet is kept between pieces.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

from halfopen.formats import capture as c
from halfopen.kernel import layout as k
from halfopen.kernel.frames import Frames
from halfopen.kernel.records import Walk, walk_pcap, walk_pcapng

#: Frames handed on at once; their table is about half a megabyte.
BATCH = 2048
#: Bytes taken at once, so that a whole file given in one piece is not copied whole.
PIECE = 1 << 20
#: Longest pcapng block that is read (Wireshark's MAX_BLOCK_SIZE).
BLOCK_MAX = 1 << 24
#: Interfaces of one section; no writer makes so many, and each costs memory.
INTERFACES_MAX = 1024
#: Times are held inside this many nanoseconds around the epoch, whatever if_tsoffset says.
OFFSET_MAX_NS = 1 << 61
TICKS_MAX_NS = 1 << 62
NS = 1_000_000_000

DAMAGES = {
    k.DAMAGE_LENGTH: "length {} is impossible",
    k.DAMAGE_TRAILER: "the length at a block's end is {}, not the one at its beginning",
    k.DAMAGE_CAPTURED: "a block claims {} captured bytes, more than it holds",
    k.DAMAGE_INTERFACE: "a block names interface {}, which was not described",
}
LITTLE_MAGIC = c.BYTE_ORDER_MAGIC.to_bytes(4, "little")
BIG_MAGIC = c.BYTE_ORDER_MAGIC.to_bytes(4, "big")

#: Takes the buffer, the frame table over it and the number of its rows. Both are reused afterwards.
Taker = Callable[[bytearray, "array[int]", int], None]


class CaptureError(ValueError):
    """The bytes are no capture file at all: neither a pcap nor a pcapng begins like this."""


def _number(raw: bytes | bytearray, order: str) -> int:
    return int.from_bytes(raw, "big" if order == ">" else "little")


def _clock(interface: c.Interface) -> list[int]:
    """How the kernel turns an interface's ticks into nanoseconds: mode, factor, limit, shift."""
    digits = interface.resolution & 0x7F
    shift = max(-OFFSET_MAX_NS, min(OFFSET_MAX_NS, interface.offset * NS))
    if interface.resolution & 0x80 and digits <= 62:
        return [k.TICKS_BINARY, digits, TICKS_MAX_NS // NS - 1, shift]
    if interface.resolution & 0x80:
        return [k.TICKS_DIVIDED, TICKS_MAX_NS, 0, shift]
    if digits <= 9:
        factor: int = 10 ** (9 - digits)
        return [k.TICKS_TIMES, factor, TICKS_MAX_NS // factor, shift]
    return [k.TICKS_DIVIDED, min(10 ** (digits - 9), TICKS_MAX_NS), 0, shift]


class Framing:
    """Reads one capture file and hands its frames to ``take``.

    ``damage`` is ``""``, or says what is wrong and at which byte of the file; nothing after it is read.
    ``links`` are the LINKTYPE_ numbers in order of appearance.
    """

    def __init__(self, name: str, take: Taker) -> None:
        self.name = name
        self.damage = ""
        self.links: dict[int, None] = {}
        self._take = take
        self._pending = bytearray()
        self._offset = 0  # of _pending in the file
        self._needed = 4
        self._order = ""
        self._sectioned = False
        self._interfaces: array[int] = array("q")
        self._rows: array[int] = array("q", bytes(8 * k.WIDTH * BATCH))
        self._frames = Frames()
        self._at = Walk()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file.

        Raises:
            CaptureError: the first four bytes belong to no capture.
        """
        for start in range(0, len(data), PIECE):
            if self.damage:
                return
            self._pending += data[start : start + PIECE]
            if not self._order and len(self._pending) >= self._needed:
                self._begin()
            if self._order and len(self._pending) >= self._needed:
                self._walk()

    def end(self) -> None:
        """The file is over: what is still pending is damage."""
        if self._pending and not self.damage:
            what = "block" if self._sectioned else "record" if self._interfaces else "file header"
            self._stop(0, f"the file ends inside a {what}")

    def _stop(self, at: int, why: str) -> None:
        self.damage = f"byte {self._offset + at}: {why}"
        self._pending.clear()

    def _begin(self) -> None:
        """Learn from the first bytes what kind of file this is."""
        order = c.byte_order(bytes(self._pending[:4]))
        if not order:
            head = bytes(self._pending[:4]).hex(" ")
            raise CaptureError(f"{self.name}: {head} begins neither a pcap nor a pcapng")
        self._order = order
        self._sectioned = order == "="
        self._needed = 12 if self._sectioned else c.PCAP_HEADER_SIZE

    def _walk(self) -> None:
        """Hand on every whole record that is pending."""
        at, pending = self._at, self._pending
        at.position = 0
        if not self._sectioned and not self._interfaces:
            self._read_pcap_header()
        walk = walk_pcapng if self._sectioned else walk_pcap
        going = True
        while going:
            at.count = 0
            self._frames.hold(pending, self._rows)
            at.hold(self._interfaces, self._order == ">")
            stop = walk(self._frames, at, len(pending))
            at.release()
            self._frames.release()
            if at.count:
                self._take(pending, self._rows, at.count)
            going = stop == k.STOP_FULL
            if stop == k.STOP_BLOCK:
                going = self._read_block(at.position)
            elif stop == k.STOP_DAMAGE:
                self._stop(at.position, DAMAGES[at.damage].format(at.culprit))
        if not self.damage:
            self._needed = at.needed
            self._offset += at.position
            del pending[: at.position]

    def _read_pcap_header(self) -> None:
        head = self._pending[: c.PCAP_HEADER_SIZE]
        link = _number(head[20:24], self._order) & 0xFFFF  # the upper half tells of a frame check sequence
        factor = 1 if _number(head[:4], self._order) == c.PCAP_NANOSECONDS else 1000
        self._interfaces.extend([link, 0, k.TICKS_TIMES, factor, 0, 0])
        self.links[link] = None
        self._at.position = c.PCAP_HEADER_SIZE

    def _read_block(self, at: int) -> bool:
        """Read a section or interface block; ``False`` when it is not whole, or the file is damaged here."""
        pending = self._pending
        section = pending[at : at + 4] == b"\n\r\r\n"
        order = self._order
        if section:
            magic = bytes(pending[at + 8 : at + 12])
            if magic not in (LITTLE_MAGIC, BIG_MAGIC):
                self._stop(at, f"{magic.hex(' ')} is no byte order")
                return False
            order = "<" if magic == LITTLE_MAGIC else ">"
        length = _number(pending[at + 4 : at + 8], order)
        if length < 20 or length % 4 or length > BLOCK_MAX:
            self._stop(at, DAMAGES[k.DAMAGE_LENGTH].format(length))
            return False
        if len(pending) - at < length:
            self._at.needed = length
            return False
        block = bytes(pending[at : at + length])
        if block[-4:] != block[4:8]:
            self._stop(at, DAMAGES[k.DAMAGE_TRAILER].format(_number(block[-4:], order)))
            return False
        if section:
            self._order = order
            del self._interfaces[:]
        elif len(self._interfaces) >= INTERFACES_MAX * k.I_WIDTH:
            self._stop(at, f"more than {INTERFACES_MAX} interfaces")
            return False
        else:
            interface = c.read_interface(block, order)
            self._interfaces.extend([interface.link, interface.snap, *_clock(interface)])
            self.links[interface.link] = None
        self._at.position = at + length
        return True
