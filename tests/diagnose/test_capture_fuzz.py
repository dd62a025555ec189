"""A short, repeatable part of ``fuzz/fuzz_captures.py``, and bytes that are nothing at all."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from types import ModuleType

from hypothesis import given, settings
from hypothesis import strategies as st

from halfopen.diagnose.sources.capture import CaptureError, CaptureSource
from halfopen.diagnose.sources.conversations import Conversations
from halfopen.formats.capture import PcapngWriter, PcapWriter
from halfopen.formats.packet import ARP, IPV4, IPV6, ethernet

RUNS = 150


def test_damaged_captures(load_script: Callable[[str], ModuleType]) -> None:
    fuzz = load_script("fuzz/fuzz_captures.py")
    faults = {seed: fault for seed in range(RUNS) if (fault := fuzz.run(seed))}
    assert faults == {}, "repeat with: python fuzz/fuzz_captures.py --seed N --runs 1"


def finish(data: bytes, size: int) -> tuple[list[object], list[str]]:
    source = CaptureSource("any")
    events: list[object] = []
    for at in range(0, len(data), size):
        events += source.feed(data[at : at + size])
    return [*events, *source.end()], source.notes


@given(st.binary(max_size=400), st.sampled_from([b"", b"\n\r\r\n", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d"]))
def test_any_bytes(data: bytes, magic: bytes) -> None:
    try:
        whole = finish(magic + data, 10**6)
    except CaptureError:
        return
    assert repr(finish(magic + data, 5)) == repr(whole)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from([IPV4, IPV6, ARP, 0x8100]), st.binary(max_size=120)), max_size=8))
def test_any_packets(bodies: list[tuple[int, bytes]]) -> None:
    writer = PcapngWriter()
    frames = [ethernet("02:00:00:00:00:01", "02:00:00:00:00:02", body, kind) for kind, body in bodies]
    _, notes = finish(writer.header() + b"".join(writer.record(10**18, frame) for frame in frames), 10**6)
    assert notes == []


def test_memory_does_not_grow_with_the_file(load_script: Callable[[str], ModuleType]) -> None:
    """The same nonsense again and again, each time new conversations: the peak stays where it was."""
    walk = load_script("fuzz/fuzz_captures.py").walk(7, 20, 60)
    source = CaptureSource("long")
    source._conversations = Conversations("long", slots_max=256, quoted_max=2000)
    peaks = []
    tracemalloc.start()
    for times in (50, 80):
        for _ in range(times):
            list(source.feed(walk))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
    tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.05


def test_a_stream_without_end_of_one_record_is_not_kept(load_script: Callable[[str], ModuleType]) -> None:
    """A record may claim a quarter of a megabyte at most; more is damage, not a reason to wait."""
    source = CaptureSource("endless")
    list(source.feed(PcapWriter().header() + b"\0" * 8 + b"\xff\xff\x03\0" * 2))
    for _ in range(64):
        list(source.feed(bytes(8192)))
    assert len(source._framing._pending) < 300_000
