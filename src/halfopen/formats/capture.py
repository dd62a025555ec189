"""The framing of capture files: pcap and pcapng constants, what their headers say, and writers of both.

Formats: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/ and …/draft-ietf-opsawg-pcapng/.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

# LINKTYPE_ numbers, https://www.tcpdump.org/linktypes.html
LINK_NULL = 0
LINK_ETHERNET = 1
LINK_RAW_DLT = 12
LINK_RAW_OPENBSD = 14
LINK_RAW = 101
LINK_80211 = 105
LINK_LOOP = 108
LINK_SLL = 113
LINK_PRISM = 119
LINK_RADIOTAP = 127
LINK_IPV4 = 228
LINK_IPV6 = 229
LINK_SLL2 = 276

LINK_NAMES = {
    LINK_NULL: "NULL",
    LINK_ETHERNET: "ETHERNET",
    LINK_RAW_DLT: "RAW",
    LINK_RAW_OPENBSD: "RAW",
    LINK_RAW: "RAW",
    LINK_80211: "IEEE802_11",
    LINK_LOOP: "LOOP",
    LINK_SLL: "LINUX_SLL",
    LINK_PRISM: "IEEE802_11_PRISM",
    LINK_RADIOTAP: "IEEE802_11_RADIOTAP",
    LINK_IPV4: "IPV4",
    LINK_IPV6: "IPV6",
    LINK_SLL2: "LINUX_SLL2",
}
WIRELESS_LINKS = frozenset({LINK_80211, LINK_PRISM, LINK_RADIOTAP})

PCAP_MICROSECONDS = 0xA1B2C3D4
PCAP_NANOSECONDS = 0xA1B23C4D
PCAP_HEADER_SIZE = 24
BLOCK_SECTION = 0x0A0D0D0A
BLOCK_INTERFACE = 1
BLOCK_PACKET = 2
BLOCK_SIMPLE = 3
BLOCK_ENHANCED = 6
BYTE_ORDER_MAGIC = 0x1A2B3C4D
OPTION_RESOLUTION = 9
OPTION_OFFSET = 14


def is_capture(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (four bytes are enough) is a pcap or a pcapng."""
    return byte_order(head[:4]) != ""


def byte_order(magic: bytes) -> str:
    """``<`` or ``>`` for a pcap's magic number, ``=`` for a pcapng, ``""`` for neither."""
    if len(magic) < 4:
        return ""
    if int.from_bytes(magic, "big") == BLOCK_SECTION:
        return "="
    if int.from_bytes(magic, "little") in (PCAP_MICROSECONDS, PCAP_NANOSECONDS):
        return "<"
    return ">" if int.from_bytes(magic, "big") in (PCAP_MICROSECONDS, PCAP_NANOSECONDS) else ""


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface: LINKTYPE_ number, snap length in bytes (0: none), how its clock counts.

    ``resolution`` is if_tsresol: seconds are 10^-n, or 2^-(n & 127) when the top bit is set. ``offset`` is
    if_tsoffset in seconds.
    """

    link: int = LINK_ETHERNET
    snap: int = 0
    resolution: int = 6
    offset: int = 0

    def ticks(self, nanoseconds: int) -> int:
        """A time since the epoch in this interface's ticks."""
        nanoseconds -= self.offset * 10**9
        if self.resolution & 0x80:
            return (nanoseconds << (self.resolution & 0x7F)) // 10**9
        ticks: int = nanoseconds * 10**self.resolution // 10**9
        return ticks


def read_interface(block: bytes, order: str) -> Interface:
    """The interface that a whole interface description block tells; ``order`` is ``<`` or ``>``.

    Raises:
        ValueError: the block is shorter than its fixed part.
    """
    if len(block) < 20:
        raise ValueError(f"interface block of {len(block)} bytes")
    link, snap = struct.unpack_from(f"{order}H2xI", block, 8)
    resolution, offset = 6, 0
    at, end = 16, len(block) - 4
    while at + 4 <= end:
        code, size = struct.unpack_from(f"{order}HH", block, at)
        at += 4
        if code == 0 or at + size > end:
            break
        if code == OPTION_RESOLUTION and size >= 1:
            resolution = block[at]
        elif code == OPTION_OFFSET and size >= 8:
            (offset,) = struct.unpack_from(f"{order}q", block, at)
        at += (size + 3) & ~3
    return Interface(link, snap, resolution, offset)


@dataclass(slots=True)
class PcapWriter:
    """Writes a pcap: ``header()`` once, then ``record()`` per frame."""

    link: int = LINK_ETHERNET
    snap: int = 262144
    nanosecond: bool = False
    order: str = "<"

    def header(self) -> bytes:
        """The file header."""
        magic = PCAP_NANOSECONDS if self.nanosecond else PCAP_MICROSECONDS
        return struct.pack(f"{self.order}IHHiIII", magic, 2, 4, 0, 0, self.snap, self.link)

    def record(self, time_ns: int, frame: bytes) -> bytes:
        """One frame, cut to the snap length."""
        seconds, rest = divmod(time_ns, 10**9)
        part = rest if self.nanosecond else rest // 1000
        kept = frame[: self.snap]
        return struct.pack(f"{self.order}IIII", seconds, part, len(kept), len(frame)) + kept


@dataclass(slots=True)
class PcapngWriter:
    """Writes a pcapng section: ``header()``, then blocks in any order; a second header begins another."""

    interfaces: list[Interface] = field(default_factory=lambda: [Interface()])
    order: str = "<"

    def block(self, kind: int, body: bytes) -> bytes:
        """Any block: type, length, padded body, length."""
        body += bytes(-len(body) % 4)
        length = 12 + len(body)
        return struct.pack(f"{self.order}II", kind, length) + body + struct.pack(f"{self.order}I", length)

    def header(self) -> bytes:
        """The section header and the interface descriptions."""
        section = struct.pack(f"{self.order}IHHq", BYTE_ORDER_MAGIC, 1, 0, -1)
        return self.block(BLOCK_SECTION, section) + b"".join(map(self.interface, self.interfaces))

    def interface(self, interface: Interface) -> bytes:
        """One interface description block."""
        body = struct.pack(f"{self.order}HHI", interface.link, 0, interface.snap)
        if interface.resolution != 6:
            body += struct.pack(f"{self.order}HHBxxx", OPTION_RESOLUTION, 1, interface.resolution)
        if interface.offset:
            body += struct.pack(f"{self.order}HHq", OPTION_OFFSET, 8, interface.offset)
        if len(body) > 8:
            body += bytes(4)
        return self.block(BLOCK_INTERFACE, body)

    def _cut(self, frame: bytes, interface: int) -> bytes:
        snap = self.interfaces[interface].snap
        return frame[:snap] if snap else frame

    def record(self, time_ns: int, frame: bytes, interface: int = 0) -> bytes:
        """One frame as an enhanced packet block."""
        ticks = self.interfaces[interface].ticks(time_ns)
        kept = self._cut(frame, interface)
        head = struct.pack(
            f"{self.order}IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(kept), len(frame)
        )
        return self.block(BLOCK_ENHANCED, head + kept)

    def simple(self, frame: bytes) -> bytes:
        """One frame as a simple packet block: first interface, no time."""
        return self.block(BLOCK_SIMPLE, struct.pack(f"{self.order}I", len(frame)) + self._cut(frame, 0))

    def obsolete(self, time_ns: int, frame: bytes, interface: int = 0) -> bytes:
        """One frame as the packet block that old writers used."""
        ticks = self.interfaces[interface].ticks(time_ns)
        kept = self._cut(frame, interface)
        head = struct.pack(
            f"{self.order}HHIIII", interface, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(kept), len(frame)
        )
        return self.block(BLOCK_PACKET, head + kept)
