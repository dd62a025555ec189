"""The framing: every kind of file, every kind of link, any split; damage costs what follows it, never more."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from halfopen.diagnose.events import Event
from halfopen.diagnose.sources.capture import CaptureError, CaptureSource, is_capture
from halfopen.diagnose.sources.framing import PIECE
from halfopen.diagnose.traffic import CaptureObserved, FlowObserved
from halfopen.formats import capture as c
from halfopen.formats import packet as p

RECORDINGS = Path(__file__).parents[1] / "recordings"
NOW = 1_700_000_000_123_456_000
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
SYN = p.tcp("10.0.0.1", 5000, "10.0.0.2", 80, p.SYN, 1, mss=1440)
FRAME = p.ethernet(B, A, SYN)


def read(data: bytes, size: int | None = None) -> tuple[list[Event], list[str]]:
    source = CaptureSource("x.pcap")
    events = []
    for at in range(0, len(data), size or len(data) or 1):
        events += source.feed(data[at : at + (size or len(data))])
    return events + list(source.end()), source.notes


def summary(data: bytes) -> CaptureObserved:
    event = read(data)[0][0]
    assert isinstance(event, CaptureObserved)
    return event


def flows(data: bytes) -> list[FlowObserved]:
    return [event for event in read(data)[0] if isinstance(event, FlowObserved)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanosecond", [False, True])
def test_pcap(order: str, nanosecond: bool) -> None:
    writer = c.PcapWriter(nanosecond=nanosecond, order=order)
    data = writer.header() + writer.record(NOW, FRAME)
    assert is_capture(data)
    assert flows(data)[0].where.text == "10.0.0.1:5000 → 10.0.0.2:80 [SYN] Seq=0 Win=5760 Len=0 MSS=1440"
    assert summary(data).started == NOW / 1e9


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("resolution", "offset"),
    [(6, 0), (9, 0), (3, 0), (0, 0), (12, 1_699_999_000), (0x80 | 10, 0), (0x80 | 30, 0), (6, -3600)],
)
def test_clocks(order: str, resolution: int, offset: int) -> None:
    writer = c.PcapngWriter([c.Interface(resolution=resolution, offset=offset)], order)
    data = writer.header() + writer.record(NOW, FRAME)
    step = 2.0 ** -(resolution & 0x7F) if resolution & 0x80 else 10.0**-resolution
    assert abs(summary(data).started - NOW / 1e9) <= step + 1e-6


@pytest.mark.parametrize("resolution", [127, 0x80 | 63, 0x80 | 127, 18])
def test_absurd_clocks_are_survived(resolution: int) -> None:
    writer = c.PcapngWriter([c.Interface(resolution=resolution, offset=2**62)])
    head = struct.pack("<IIIII", 0, 0xFFFFFFFF, 0xFFFFFFFF, len(FRAME), len(FRAME))
    assert summary(writer.header() + writer.block(c.BLOCK_ENHANCED, head + FRAME)).frames == 1


def test_sections_interfaces_and_blocks() -> None:
    first = c.PcapngWriter([c.Interface(), c.Interface(c.LINK_RAW, resolution=9)])
    second = c.PcapngWriter([c.Interface(c.LINK_SLL)], ">")
    data = first.header() + first.record(NOW, FRAME) + first.block(5, bytes(12))
    data += first.record(NOW, SYN, 1) + first.simple(FRAME) + first.obsolete(NOW, SYN, 1)
    data += second.header() + second.record(NOW, p.cooked(A, SYN))
    seen = summary(data)
    assert (seen.frames, seen.link_types) == (5, ("ETHERNET", "RAW", "LINUX_SLL"))
    assert flows(data)[0].from_client.syns == 5
    assert read(data)[1] == []


@pytest.mark.parametrize(
    ("link", "frame", "mac"),
    [
        (c.LINK_ETHERNET, FRAME, A),
        (c.LINK_ETHERNET, p.ethernet(B, A, SYN, vlans=(7,)), A),
        (c.LINK_ETHERNET, p.ethernet(B, A, SYN, vlans=(7, 8)), A),
        (c.LINK_SLL, p.cooked(A, SYN), A),
        (c.LINK_SLL2, p.cooked2(A, SYN), A),
        (c.LINK_RAW, SYN, ""),
        (c.LINK_IPV4, SYN, ""),
        (c.LINK_RAW_DLT, SYN, ""),
        (c.LINK_NULL, p.loopback(SYN), ""),
        (c.LINK_NULL, p.loopback(SYN, order=">"), ""),
        (c.LINK_LOOP, p.loopback(SYN, order=">"), ""),
        (c.LINK_IPV6, p.tcp("fe80::1", 5000, "fe80::2", 80, p.SYN, 1), ""),
        (c.LINK_NULL, p.loopback(p.tcp("fe80::1", 5000, "fe80::2", 80, p.SYN, 1), 30), ""),
        (c.LINK_ETHERNET, p.ethernet(B, A, p.tcp("fe80::1", 5000, "fe80::2", 80, p.SYN, 1), p.IPV6), A),
    ],
)
def test_links(link: int, frame: bytes, mac: str) -> None:
    writer = c.PcapWriter(link)
    flow = flows(writer.header() + writer.record(NOW, frame))[0]
    assert (flow.client.port, flow.server.port, flow.client.mac) == (5000, 80, mac)
    assert flow.end == "unanswered"


def test_prism_is_only_counted() -> None:
    writer = c.PcapWriter(c.LINK_PRISM)
    events, notes = read(writer.header() + writer.record(NOW, FRAME) * 3)
    assert len(events) == 1
    assert isinstance(events[0], CaptureObserved)
    assert (events[0].wireless, events[0].frames, notes) == (3, 3, [])


def test_ipv6_extension_headers() -> None:
    plain = p.tcp("fe80::1", 5000, "fe80::2", 80, p.SYN, 1)
    options = bytes([60, 0, 0, 0, 0, 0, 0, 0]) + bytes(
        [6, 0, 0, 0, 0, 0, 0, 0]
    )  # hop-by-hop, then destination
    packet = p.ip("fe80::1", "fe80::2", options + plain[40:], 0)
    writer = c.PcapWriter(c.LINK_IPV6)
    assert flows(writer.header() + writer.record(NOW, packet))[0].server.port == 80


def test_fragments_carry_ports_only_in_front() -> None:
    whole = p.tcp("10.0.0.1", 5000, "10.0.0.2", 80, p.ACK | p.PSH, 1, 1, payload=bytes(64))[20:]
    parts = [
        p.ip("10.0.0.1", "10.0.0.2", whole[:40], 6, more=True),
        p.ip("10.0.0.1", "10.0.0.2", whole[40:], 6, fragment=40),
    ]
    six = p.tcp("fe80::1", 5000, "fe80::2", 80, p.ACK | p.PSH, 1, 1, payload=bytes(64))[40:]
    parts += [
        p.ip("fe80::1", "fe80::2", six[:40], 6, more=True),
        p.ip("fe80::1", "fe80::2", six[40:], 6, fragment=40),
    ]
    writer = c.PcapWriter(c.LINK_RAW)
    data = writer.header() + b"".join(writer.record(NOW, part) for part in parts)
    assert [(flow.from_client.packets, flow.from_client.payload) for flow in flows(data)] == [
        (1, 20),
        (1, 20),
    ]
    assert summary(data).frames == 4


def test_short_snap_length() -> None:
    data_frame = p.ethernet(
        B, A, p.tcp("10.0.0.1", 5000, "10.0.0.2", 80, p.PSH | p.ACK, 2, 1, payload=bytes(500))
    )
    for snap in (14, 20, 34, 40, 53):
        writer = c.PcapWriter(snap=snap)
        assert flows(writer.header() + writer.record(NOW, data_frame)) == []
    writer = c.PcapWriter(snap=54)
    data = writer.header() + writer.record(NOW, data_frame)
    assert flows(data)[0].from_client.payload == 500
    assert summary(data).truncated == 1


def test_ethernet_padding_is_not_payload() -> None:
    writer = c.PcapWriter()
    ack = p.ethernet(B, A, p.tcp("10.0.0.1", 5000, "10.0.0.2", 80, p.ACK, 2, 1)) + bytes(6)
    assert flows(writer.header() + writer.record(NOW, ack))[0].from_client.payload == 0


def test_times_out_of_order() -> None:
    writer = c.PcapWriter()
    data = writer.header() + b"".join(writer.record(NOW + gap * 10**9, FRAME) for gap in (5, 0, 9, 3))
    seen = summary(data)
    assert (seen.started, seen.ended) == (NOW / 1e9, NOW / 1e9 + 9)
    silence = flows(data)[0].longest_silence
    assert silence is not None
    assert (silence[0].frame, silence[1].frame) == (2, 3)


@pytest.mark.parametrize("size", [1, 2, 13, 100, 4096])
def test_any_split_gives_the_same_events(size: int) -> None:
    for path in (RECORDINGS / "lwip").glob("[ad]*.pcapng"):
        # events compare by identity, so what they say is compared
        assert repr(read(path.read_bytes(), size)) == repr(read(path.read_bytes()))


def damages() -> list[tuple[str, bytes, str, int]]:
    writer = c.PcapngWriter()
    good = writer.header() + writer.record(NOW, FRAME)
    at = len(good)
    pcap = c.PcapWriter()
    plain = pcap.header() + pcap.record(NOW, FRAME)
    head = struct.pack("<IIIII", 0, 0, 0, 4000, 4000)
    return [
        ("block length", good + struct.pack("<III", 6, 3, 0), f"byte {at}: length 3 is impossible", 1),
        (
            "huge block",
            good + struct.pack("<III", 6, 1 << 30, 0),
            f"byte {at}: length 1073741824 is impossible",
            1,
        ),
        (
            "trailer",
            good + struct.pack("<III", 9, 12, 16),
            f"byte {at}: the length at a block's end is 16",
            1,
        ),
        ("captured", good + writer.block(6, head), f"byte {at}: a block claims 4000 captured bytes", 1),
        (
            "interface",
            good + writer.record(NOW, FRAME)[:8] + b"\x09" + writer.record(NOW, FRAME)[9:],
            f"byte {at}: a block names interface 9",
            1,
        ),
        ("short block", good + struct.pack("<IIII", 6, 16, 0, 16), f"byte {at}: length 16 is impossible", 1),
        ("section", good + b"\n\r\r\n" + bytes(8), f"byte {at}: 00 00 00 00 is no byte order", 1),
        (
            "section length",
            good + b"\n\r\r\n" + struct.pack("<II", 13, c.BYTE_ORDER_MAGIC),
            f"byte {at}: length 13",
            1,
        ),
        ("block cut", good + good[-20:-4], f"byte {at}: ", 1),
        ("record cut", plain + plain[24:-1], f"byte {len(plain)}: the file ends inside a record", 1),
        (
            "record length",
            plain + struct.pack("<IIII", 0, 0, 1 << 20, 1 << 20),
            f"byte {len(plain)}: length",
            1,
        ),
        ("header cut", plain[:10], "byte 0: the file ends inside a file header", 0),
        ("four bytes", plain[:3], "byte 0: the file ends inside a file header", 0),
    ]


@pytest.mark.parametrize(
    ("data", "note", "frames"), [case[1:] for case in damages()], ids=[case[0] for case in damages()]
)
@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_damage_keeps_what_came_before(data: bytes, note: str, frames: int, size: int) -> None:
    events, notes = read(data, size)
    assert len(notes) == 1
    assert notes[0].startswith(f"x.pcap: {note}")
    assert notes[0].endswith(f"read {frames} frames before it")
    assert isinstance(events[0], CaptureObserved)
    assert events[0].frames == frames
    assert events[0].notes == tuple(notes)


def test_too_many_interfaces() -> None:
    writer = c.PcapngWriter([c.Interface()] * 1025)
    assert "more than 1024 interfaces" in read(writer.header())[1][0]


@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_no_capture(size: int) -> None:
    assert not is_capture(b"I (312) wifi: state")
    assert not is_capture(b"\n\r\r")
    with pytest.raises(CaptureError, match=r"x\.pcap: 49 20 28 33 begins neither"):
        read(b"I (312) wifi: state", size)


def test_empty_input() -> None:
    events, notes = read(b"")
    assert (len(events), notes) == (1, [])


def test_one_big_piece_is_taken_in_smaller_ones() -> None:
    writer = c.PcapWriter()
    data = writer.header() + writer.record(NOW, FRAME) * (PIECE // 60)
    assert len(data) > PIECE
    assert summary(data).frames == PIECE // 60
