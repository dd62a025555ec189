"""Frames, conversations, retransmissions, keepalives and windows are what tshark says they are.

Differences by design stand at the end, each with its reason.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from halfopen.diagnose.sources.capture import CaptureSource
from halfopen.diagnose.traffic import CaptureObserved
from halfopen.formats.capture import PcapngWriter
from halfopen.formats.packet import ACK, SYN, ethernet, ip, tcp
from halfopen.kernel import layout as k

RECORDINGS = Path(__file__).parents[1] / "recordings"
CAPTURES = sorted([*RECORDINGS.glob("lwip/*.pcapng"), *RECORDINGS.glob("wifi/*.peer_eth.pcapng")])
Disagreements = Callable[[Path], list[str]]
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
FAST_ONLY_THERE = "tcp.analysis.fast_retransmission 1, ours False"


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_recordings_agree(path: Path, disagreements: Disagreements) -> None:
    assert disagreements(path) == []


def test_frames_agree(require_tool: Callable[[str], str]) -> None:
    for path in CAPTURES:
        command = [require_tool("tshark"), "-r", str(path), "-T", "fields", "-e", "frame.time_epoch"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        source = CaptureSource(path.name)
        list(source.feed(path.read_bytes()))
        observed = next(source.end())
        assert isinstance(observed, CaptureObserved)
        assert observed.frames == len(told)
        assert observed.started == pytest.approx(min(map(float, told)), abs=1e-6)
        assert observed.ended == pytest.approx(max(map(float, told)), abs=1e-6)


@pytest.mark.parametrize("seed", [1, 2])
def test_random_walks_agree(
    seed: int,
    disagreements: Disagreements,
    tmp_path: Path,
    load_script: Callable[[str], ModuleType],
    require_tool: Callable[[str], str],
) -> None:
    version = subprocess.run(
        [require_tool("tshark"), "--version"], capture_output=True, text=True, check=True
    )
    if " 4.0." not in version.stdout:
        pytest.skip("nonsense conversations are compared with tshark 4.0 only: releases differ on them")
    path = tmp_path / "walk.pcapng"
    path.write_bytes(load_script("fuzz/fuzz_captures.py").walk(seed, 40, 60))
    # Wireshark 4.0 calls a retransmission fast that follows an ACK of what was not captured; walks are full
    # of those. Here it follows two duplicate ACKs, as RFC 5681 has it; both call it a retransmission.
    assert [line for line in disagreements(path) if FAST_ONLY_THERE not in line] == []


def written(tmp_path: Path, *frames: bytes) -> Path:
    """A capture of IP packets between two hosts, a second apart."""
    writer = PcapngWriter()
    records = [
        writer.record((1_700_000_000 + n) * 10**9, ethernet(B, A, frame)) for n, frame in enumerate(frames)
    ]
    path = tmp_path / "written.pcapng"
    path.write_bytes(writer.header() + b"".join(records))
    return path


def there(seq: int, payload: bytes = b"", flags: int = ACK, window: int = 1000) -> bytes:
    return tcp("10.0.0.1", 5000, "10.0.0.2", 80, flags, seq, 1, window, payload)


def back(ack: int, window: int = 1000) -> bytes:
    return tcp("10.0.0.2", 80, "10.0.0.1", 5000, ACK, 1, ack, window)


def test_difference_a_keepalive_into_a_zero_window_is_also_a_window_probe(
    disagreements: Disagreements, tmp_path: Path, analyse: Callable[[bytes], list]
) -> None:
    path = written(
        tmp_path, there(100, b"x" * 10), back(110), back(110, window=0), there(109), back(110, window=0)
    )
    assert disagreements(path) == []
    bits = analyse(path.read_bytes())[3].bits
    assert bits & k.B_KEEPALIVE
    assert bits & k.B_PROBES_ZERO


def test_difference_sequence_number_zero_is_known(disagreements: Disagreements, tmp_path: Path) -> None:
    last = there(2**32 - 10, b"x" * 10)
    assert disagreements(written(tmp_path, last, back(0), last)) == [
        "frame 3: tcp.analysis.retransmission no, ours True"
    ]


def test_difference_the_first_fragment_is_followed_at_once(
    require_tool: Callable[[str], str], tmp_path: Path, analyse: Callable[[bytes], list]
) -> None:
    whole = there(100, b"x" * 64)[20:]
    first = ip("10.0.0.1", "10.0.0.2", whole[:40], 6, more=True)
    second = ip("10.0.0.1", "10.0.0.2", whole[40:], 6, fragment=40)
    path = written(tmp_path, tcp("10.0.0.1", 5000, "10.0.0.2", 80, SYN, 99), first, second)
    command = [require_tool("tshark"), "-r", str(path), "-Y", "tcp", "-T", "fields", "-e", "frame.number"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["1", "3"]
    assert [seen.frame for seen in analyse(path.read_bytes())] == [1, 2]
