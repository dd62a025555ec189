"""What the writers write, an independent reader reads; what interface blocks say is understood."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from halfopen.formats import capture as c
from halfopen.formats.packet import ACK, ethernet, tcp

NOW = 1_700_000_000_123_456_789
FRAME = ethernet("02:00:00:00:00:01", "02:00:00:00:00:02", tcp("10.0.0.1", 1, "10.0.0.2", 2, ACK))
Told = Callable[[bytes], list[str]]


@pytest.fixture
def told(require_tool: Callable[[str], str], tmp_path: Path) -> Told:
    """``told(data)``: time, captured and original length of each frame, by tshark."""

    def read(data: bytes) -> list[str]:
        path = tmp_path / "written"
        path.write_bytes(data)
        command = [require_tool("tshark"), "-r", str(path), "-T", "fields"]
        command += ["-e", "frame.time_epoch", "-e", "frame.cap_len", "-e", "frame.len"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]

    return read


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanosecond", [False, True])
def test_pcap(order: str, nanosecond: bool, told: Told) -> None:
    writer = c.PcapWriter(nanosecond=nanosecond, order=order, snap=40)
    digits = "123456789" if nanosecond else "123456000"
    assert told(writer.header() + writer.record(NOW, FRAME)) == [f"1700000000.{digits}\t40\t54"]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("resolution", "offset", "digits"),
    [
        (6, 0, "123456000"),
        (9, 0, "123456789"),
        (3, 0, "123000000"),
        (6, 3600, "123456000"),
        (0x80 | 20, 0, None),
    ],
)
def test_pcapng_clocks(order: str, resolution: int, offset: int, digits: str | None, told: Told) -> None:
    writer = c.PcapngWriter([c.Interface(resolution=resolution, offset=offset)], order)
    line = told(writer.header() + writer.record(NOW, FRAME))[0]
    if digits is None:
        assert abs(float(line.split("\t")[0]) - NOW / 1e9) < 2e-6
    else:
        assert line == f"1700000000.{digits}\t54\t54"


def test_other_blocks(told: Told) -> None:
    writer = c.PcapngWriter([c.Interface(snap=40), c.Interface(link=c.LINK_RAW)])
    data = (
        writer.header()
        + writer.simple(FRAME)
        + writer.obsolete(NOW, FRAME, 1)
        + writer.block(0x77, b"skipped")
    )
    assert [line.split("\t")[1:] for line in told(data)] == [["40", "54"], ["54", "54"]]


def test_interface_round_trip() -> None:
    for interface in (c.Interface(), c.Interface(c.LINK_SLL2, 96, 0x8A, -7200)):
        for order in "<>":
            assert c.read_interface(c.PcapngWriter(order=order).interface(interface), order) == interface


def test_damaged_interface() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        c.read_interface(bytes(16), "<")
    cut = c.PcapngWriter().interface(c.Interface(resolution=9))[:-12] + bytes(4)
    assert c.read_interface(cut, "<").link == c.LINK_ETHERNET
