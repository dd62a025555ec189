"""What the kernel tests share: the analysis of a capture frame by frame, and tshark's opinion of it."""

from __future__ import annotations

import subprocess
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from halfopen.diagnose.sources.framing import BATCH, Framing
from halfopen.kernel import layout as k
from halfopen.kernel.flow_table import FlowTable
from halfopen.kernel.frames import Frames
from halfopen.kernel.packets import decode


class Seen(NamedTuple):
    """One TCP frame: number from 1, ordinal of its conversation from 0, analysis bits, TCP flags."""

    frame: int
    flow: int
    bits: int
    flags: int


def analyse_bytes(data: bytes) -> list[Seen]:
    """Every TCP frame of a capture as the kernel sees it."""
    seen: list[Seen] = []
    flows: dict[int, int] = {}
    table = FlowTable()
    held = Frames()
    notable = array("q", bytes(8 * BATCH))
    frames = 0

    def take(buffer: bytearray, rows: array[int], count: int) -> None:
        nonlocal frames
        held.hold(buffer, rows)
        decode(held, count)
        at = 0
        while at < count:
            at, _ = table.analyse(held, at, count, frames + 1, notable)
        held.release()
        for row in range(count):
            base = row * k.WIDTH
            if rows[base + k.KIND] != k.TCP:
                continue
            slot = rows[base + k.SLOT]
            if rows[base + k.BITS] & k.B_NEW:
                flows[slot] = len(flows)
            seen.append(Seen(frames + row + 1, flows[slot], rows[base + k.BITS], rows[base + k.FLAGS]))
        frames += count

    framing = Framing("test", take)
    framing.feed(data)
    framing.end()
    assert framing.damage == ""
    return seen


#: tshark's fields beside the bits that must agree with them.
FIELDS = (
    ("tcp.analysis.retransmission", k.B_RESENT),
    ("tcp.analysis.fast_retransmission", k.B_FAST),
    ("tcp.analysis.spurious_retransmission", k.B_SPURIOUS),
    ("tcp.analysis.out_of_order", k.B_OUT_OF_ORDER),
    ("tcp.analysis.keep_alive", k.B_KEEPALIVE),
    ("tcp.analysis.keep_alive_ack", k.B_KEEPALIVE_ACK),
    ("tcp.analysis.zero_window", k.B_ZERO_WINDOW),
    ("tcp.analysis.zero_window_probe", k.B_WINDOW_PROBE),
    ("tcp.analysis.zero_window_probe_ack", k.B_WINDOW_PROBE_ACK),
    ("tcp.analysis.window_update", k.B_WINDOW_UPDATE),
    ("tcp.analysis.window_full", k.B_WINDOW_FULL),
    ("tcp.analysis.duplicate_ack", k.B_DUPLICATE_ACK),
)


@pytest.fixture(scope="session")
def analyse() -> Callable[[bytes], list[Seen]]:
    """``analyse(data)``: every TCP frame of a capture as the kernel sees it."""
    return analyse_bytes


@pytest.fixture(scope="session")
def disagreements(require_tool: Callable[[str], str]) -> Callable[[Path], list[str]]:
    """``disagreements(path)``: one line for each TCP frame on which tshark and the kernel differ."""
    tshark = require_tool("tshark")

    def compare(path: Path) -> list[str]:
        # Reassembly of fragments is off because the kernel follows first fragments (a difference by design).
        command = [tshark, "-n", "-r", str(path), "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]
        command += ["-Y", "tcp && !icmp && !icmpv6", "-T", "fields"]
        command += ["-e", "frame.number", "-e", "tcp.stream", "-e", "tcp.flags"]
        for name, _ in FIELDS:
            command += ["-e", name]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        theirs = {int(line.split("\t")[0]): line.split("\t")[1:] for line in told}
        ours = {seen.frame: seen for seen in analyse_bytes(path.read_bytes())}
        lines = [f"frame {frame} is TCP for one only" for frame in sorted(theirs.keys() ^ ours.keys())]
        for frame in sorted(theirs.keys() & ours.keys()):
            stream, header, *marks = theirs[frame]
            if int(header, 16) & 0xFF != ours[frame].flags:
                lines.append(f"frame {frame}: TCP flags {header}, ours {ours[frame].flags:#x}")
            if int(stream) != ours[frame].flow:
                lines.append(f"frame {frame}: stream {stream}, ours {ours[frame].flow}")
            for (name, bit), mark in zip(FIELDS, marks, strict=True):
                if (mark != "") != bool(ours[frame].bits & bit):
                    lines.append(f"frame {frame}: {name} {mark or 'no'}, ours {ours[frame].bits & bit != 0}")
        return lines

    return compare
