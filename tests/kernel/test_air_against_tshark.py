"""802.11 and radiotap headers are what tshark says they are."""

from __future__ import annotations

import subprocess
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from halfopen.diagnose.sources.framing import BATCH, Framing
from halfopen.formats.packet_text import mac_text
from halfopen.kernel import layout as k
from halfopen.kernel.air import read_air
from halfopen.kernel.frames import Frames

RECORDINGS = Path(__file__).parents[1] / "recordings"
CAPTURES = sorted(RECORDINGS.glob("air/*.pcapng"))
#: tshark's fields beside the columns that must agree with them.
FIELDS = (
    ("wlan.fc.type_subtype", k.W_KIND),
    ("wlan.flags", k.W_FLAGS),
    ("wlan.ra", k.W_RA),
    ("wlan.ta", k.W_TA),
    ("wlan.seq", k.W_SEQ),
    ("wlan.qos.tid", k.W_TID),
    ("llc.type", k.W_ETHERTYPE),
    ("radiotap.channel.freq", k.W_CHANNEL),
    ("radiotap.dbm_antsignal", k.W_RSSI),
    ("wlan.fixed.timestamp", k.W_TSF),
    ("wlan.fixed.beacon", k.W_INTERVAL),
)
ABSENT = {k.W_TID: k.W_NO_TID, k.W_ETHERTYPE: 0, k.W_RSSI: k.W_NO_RSSI}


def columns(data: bytes) -> list[list[int]]:
    """The row of the air table of each frame."""
    found: list[list[int]] = []
    memory = array("q", bytes(8 * k.MEMORY_WIDTH))
    air = array("q", bytes(8 * k.AIR_WIDTH * BATCH))
    held = Frames()

    def take(buffer: bytearray, rows: array[int], count: int) -> None:
        held.hold(buffer, rows)
        held.hold_air(air, memory)
        read_air(held, count)
        held.release()
        found.extend(list(air[row * k.AIR_WIDTH : (row + 1) * k.AIR_WIDTH]) for row in range(count))

    framing = Framing("test", take)
    framing.feed(data)
    framing.end()
    return found


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_recordings_agree(path: Path, require_tool: Callable[[str], str]) -> None:
    command = [require_tool("tshark"), "-n", "-r", str(path), "-T", "fields"]
    for name, _ in FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = columns(path.read_bytes())
    lines = done.stdout.splitlines()
    assert len(rows) == len(lines)
    for frame, (row, line) in enumerate(zip(rows, lines, strict=True), 1):
        for (name, column), theirs in zip(FIELDS, line.split("\t"), strict=True):
            ours = row[column]
            if column in (k.W_RA, k.W_TA):
                assert theirs == (mac_text(ours.to_bytes(6, "big")) if ours >= 0 else ""), (frame, name)
            elif theirs == "":
                assert ours == ABSENT.get(column, -1), (frame, name)
            else:
                assert ours == int(theirs.split(",")[0], 0), (frame, name)
