"""Captures of IP traffic: bytes of a pcap or pcapng in, traffic facts out.

The bytes may come in any pieces: files, pipes and live streams are read alike, and the split changes nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.sources.conversations import Conversations
from halfopen.diagnose.traffic import CaptureObserved
from halfopen.formats import capture as c
from halfopen.kernel import layout as k
from halfopen.kernel.packets import decode
from halfopen.kernel.records import walk_pcap, walk_pcapng

#: Frames decoded at once; the frame table is about half a megabyte.
BATCH = 2048
#: Bytes taken from one ``feed`` at once, so that a whole file fed in one piece is not copied whole.
PIECE = 1 << 20
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


class CaptureError(ValueError):
    """The bytes are no capture file at all: neither a pcap nor a pcapng begins like this."""


def is_capture(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (four bytes are enough) is a pcap or a pcapng."""
    return _order(head[:4]) != ""


def _order(magic: bytes) -> str:
    """``<`` or ``>`` for a pcap's magic number, ``=`` for a pcapng, ``""`` for neither."""
    if len(magic) < 4:
        return ""
    if int.from_bytes(magic, "big") == c.BLOCK_SECTION:
        return "="
    if int.from_bytes(magic, "little") in (c.PCAP_MICROSECONDS, c.PCAP_NANOSECONDS):
        return "<"
    return ">" if int.from_bytes(magic, "big") in (c.PCAP_MICROSECONDS, c.PCAP_NANOSECONDS) else ""


def _clock(interface: c.Interface) -> list[int]:
    """How the kernel turns an interface's ticks into nanoseconds: mode, factor, limit, shift."""
    digits = interface.resolution & 0x7F
    shift = max(-OFFSET_MAX_NS, min(OFFSET_MAX_NS, interface.offset * NS))
    if interface.resolution & 0x80 and digits <= 62:
        return [k.TICKS_BINARY, digits, TICKS_MAX_NS // NS - 1, shift]
    if interface.resolution & 0x80:
        return [k.TICKS_DIVIDED, TICKS_MAX_NS, 0, shift]
    if digits <= 9:
        factor = 10 ** (9 - digits)
        return [k.TICKS_TIMES, factor, TICKS_MAX_NS // factor, shift]
    return [k.TICKS_DIVIDED, min(10 ** (digits - 9), TICKS_MAX_NS), 0, shift]


class CaptureSource:
    """One capture, named as the user named it.

    ``notes`` says in one line each where and why input was unusable; facts come out of :meth:`end`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.notes: list[str] = []
        self.frames = 0
        self._pending = bytearray()
        self._offset = 0  # of _pending in the file
        self._needed = 4
        self._order = ""
        self._sectioned = False
        self._stopped = False
        self._interfaces: array[int] = array("q")
        self._links: dict[int, None] = {}
        self._rows: array[int] = array("q", bytes(8 * k.WIDTH * BATCH))
        self._notable: array[int] = array("q", bytes(8 * BATCH))
        self._cursor: array[int] = array("q", bytes(8 * k.CURSOR_WIDTH))
        self._started: int | None = None
        self._ended = 0
        self._truncated = 0
        self._wireless = 0
        self._conversations = Conversations(name)

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take the next bytes of the file, in pieces of any size.

        Raises:
            CaptureError: the first four bytes belong to no capture.
        """
        for start in range(0, len(data), PIECE):
            self._take(data[start : start + PIECE])
        return iter(())

    def end(self) -> Iterator[Event]:
        """The file is over: everything that it shows."""
        if self._pending and not self._stopped:
            if not self._order:
                self._stop(0, "the file ends inside its first four bytes")
            else:
                self._stop(0, f"the file ends inside a {'block' if self._sectioned else 'record'}")
        if self._conversations.forgotten:
            self.notes.append(
                f"{self.name}: {self._conversations.forgotten} conversations of more than "
                f"{self._conversations.table.slots_max} were forgotten "
                f"({self._conversations.forgotten_boring} of them had ended in order)"
            )
        yield self._observed()
        yield from self._conversations.observed()

    def _observed(self) -> CaptureObserved:
        started = (self._started or 0) / NS
        return CaptureObserved(
            where=Provenance(self.name, None, 1 if self.frames else None, ""),
            at=Moment(host=started),
            link_types=tuple(c.LINK_NAMES.get(link, f"LINKTYPE_{link}") for link in self._links),
            frames=self.frames,
            started=started,
            ended=self._ended / NS,
            truncated=self._truncated,
            wireless=self._wireless,
            notes=tuple(self.notes),
        )

    def _stop(self, at: int, why: str) -> None:
        """Read no further: the byte at ``at`` of what is pending cannot be."""
        self._stopped = True
        self.notes.append(
            f"{self.name}: byte {self._offset + at}: {why}; read {self.frames} frames before it"
        )
        self._pending.clear()

    def _take(self, data: bytes) -> None:
        if self._stopped:
            return
        self._pending += data
        if len(self._pending) < self._needed:
            return
        if not self._order:
            self._begin()
        if not self._stopped and len(self._pending) >= self._needed:
            self._walk()

    def _begin(self) -> None:
        """Learn from the first bytes what kind of file this is."""
        order = _order(bytes(self._pending[:4]))
        if not order:
            raise CaptureError(
                f"{self.name}: {bytes(self._pending[:4]).hex(' ')} begins neither a pcap nor a pcapng"
            )
        self._order = order
        self._sectioned = order == "="
        self._needed = 12 if self._sectioned else c.PCAP_HEADER_SIZE

    def _walk(self) -> None:
        """Take every whole record that is pending."""
        cursor = self._cursor
        cursor[k.POSITION] = 0
        if not self._sectioned and not self._interfaces:
            self._pcap_header()
            cursor[k.POSITION] = c.PCAP_HEADER_SIZE
        while True:
            cursor[k.ROWS] = 0
            walk = walk_pcapng if self._sectioned else walk_pcap
            stop = walk(
                self._pending, len(self._pending), self._order == ">", self._interfaces, self._rows, cursor
            )
            self._decode(cursor[k.ROWS])
            if stop == k.STOP_MORE:
                break
            if stop == k.STOP_DAMAGE:
                self._stop(cursor[k.POSITION], DAMAGES[cursor[k.DAMAGE]].format(cursor[k.CULPRIT]))
                return
            if stop == k.STOP_BLOCK and not self._read_block(cursor[k.POSITION]):
                if self._stopped:
                    return
                break
        self._needed = cursor[k.NEEDED]
        del self._pending[: cursor[k.POSITION]]
        self._offset += cursor[k.POSITION]

    def _pcap_header(self) -> None:
        order = "little" if self._order == "<" else "big"
        head = bytes(self._pending[: c.PCAP_HEADER_SIZE])
        number = int.from_bytes(head[:4], order)  # type: ignore[arg-type]
        link = int.from_bytes(head[20:24], order) & 0xFFFF  # type: ignore[arg-type]
        factor = 1 if number == c.PCAP_NANOSECONDS else 1000
        self._interfaces.extend([link, 0, k.TICKS_TIMES, factor, 0, 0])
        self._links[link] = None

    def _read_block(self, at: int) -> bool:
        """Read a section or interface block; ``False`` when it is not whole yet, or the file is damaged here."""
        pending = self._pending
        section = bytes(pending[at : at + 4]) == b"\n\r\r\n"
        order = self._order
        if section:
            magic = bytes(pending[at + 8 : at + 12])
            order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
            if order == ">" and magic != b"\x1a\x2b\x3c\x4d":
                self._stop(at, f"byte-order magic {magic.hex(' ')} is none")
                return False
        length = int.from_bytes(pending[at + 4 : at + 8], "little" if order == "<" else "big")
        if length < 20 or length & 3 or length > 16777216:
            self._stop(at, DAMAGES[k.DAMAGE_LENGTH].format(length))
            return False
        if len(pending) - at < length:
            self._cursor[k.NEEDED] = length
            return False
        block = bytes(pending[at : at + length])
        if block[-4:] != block[4:8]:
            trailer = int.from_bytes(block[-4:], "little" if order == "<" else "big")
            self._stop(at, DAMAGES[k.DAMAGE_TRAILER].format(trailer))
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
            self._links[interface.link] = None
        self._cursor[k.POSITION] = at + length
        return True

    def _decode(self, count: int) -> None:
        """Decode the rows that the walk has filled and hand them on."""
        if not count:
            return
        rows, data, frame = self._rows, self._pending, self.frames + 1
        decode(data, rows, count)
        if self._started is None:
            self._started = self._ended = rows[k.TIME]
        for base in range(0, count * k.WIDTH, k.WIDTH):
            self._ended = max(self._ended, rows[base + k.TIME])
            self._truncated += rows[base + k.CAPTURED] < rows[base + k.LENGTH]
            self._wireless += rows[base + k.KIND] == k.WIRELESS
        self._conversations.analyse(data, rows, count, frame, self._notable)
        self.frames += count
