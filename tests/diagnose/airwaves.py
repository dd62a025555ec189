"""802.11 frames for tests, as a sniffer writes them."""

from __future__ import annotations

import struct
import zlib

from halfopen.formats.capture import LINK_RADIOTAP, PcapWriter

AP, STATION, OTHER, ALL = "02:00:00:00:00:a0", "02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff"
NOW = 1_700_000_000_000_000_000
TO_DS, FROM_DS, RETRY, POWER, PROTECTED, ORDER = 0x01, 0x02, 0x08, 0x10, 0x40, 0x80


def raw(mac: str) -> bytes:
    """Six bytes of an address."""
    return bytes.fromhex(mac.replace(":", ""))


def radiotap(flags: int = 0, rssi: int | None = None, extra: int = 0) -> bytes:
    """A header with timestamp, flags, rate, channel 2412 and perhaps a signal, and ``extra`` present words."""
    present = 0x0F | (0x20 if rssi is not None else 0)
    words = [present | (0x80000000 if extra else 0)]
    words += [0x20000020 | (0x80000000 if left else 0) for left in reversed(range(extra))]
    head = struct.pack(f"<{len(words)}I", *words)
    head += bytes(-(4 + len(head)) % 8) + struct.pack("<QBBHH", 5_000_000, flags, 2, 2412, 0xA0)
    if rssi is not None:
        head += struct.pack("b", rssi)
    head += bytes(3 * extra)  # what the further words announce
    return struct.pack("<BBH", 0, 0, 4 + len(head)) + head


def frame(
    kind: int, to: str, sender: str, third: str, body: bytes = b"", flags: int = 0, sequence: int = 0
) -> bytes:
    """A management or data frame; QoS control and HT control belong to the body."""
    head = bytes([(kind & 0x0F) << 4 | (kind >> 4) << 2, flags, 0, 0])
    return head + raw(to) + raw(sender) + raw(third) + struct.pack("<H", sequence << 4) + body


def ack(to: str) -> bytes:
    """An acknowledgement."""
    return b"\xd4\x00\x00\x00" + raw(to)


def block_ack(to: str, sender: str, start: int, bitmap: int) -> bytes:
    """A compressed block acknowledgement."""
    return b"\x94\x00\x00\x00" + raw(to) + raw(sender) + struct.pack("<HHQ", 4, start << 4, bitmap)


def beacon(sequence: int, tsf: int, tim: bytes = bytes([0, 2, 0, 0]), ssid: bytes = b"home") -> bytes:
    """A beacon of AP on channel 6, every 100 units."""
    body = (
        struct.pack("<QHH", tsf, 100, 1) + bytes([0, len(ssid)]) + ssid + bytes([3, 1, 6, 5, len(tim)]) + tim
    )
    return frame(0x08, ALL, AP, AP, body, sequence=sequence)


def snap(ethertype: int, content: bytes) -> bytes:
    """LLC/SNAP before a packet."""
    return b"\xaa\xaa\x03\x00\x00\x00" + struct.pack(">H", ethertype) + content


def with_fcs(content: bytes, *, good: bool = True) -> bytes:
    """The frame with its check sequence."""
    return content + struct.pack("<I", zlib.crc32(content) ^ (0 if good else 1))


def capture(
    *frames: bytes | tuple[int, bytes], link: int = LINK_RADIOTAP, head: bytes | None = None
) -> bytes:
    """A capture of the frames, each a time in microseconds and the frame, or 100 µs after the one before."""
    writer = PcapWriter(link)
    out, now = bytearray(writer.header()), 0
    for item in frames:
        now, content = item if isinstance(item, tuple) else (now + 100, item)
        out += writer.record(NOW + now * 1000, (radiotap() if head is None else head) + content)
    return bytes(out)
