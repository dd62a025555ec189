"""Sealed frames of every shape are opened to what was sealed, by the compiled kernel and by the interpreted one, and nothing
else is: compared with CCMP as the cryptography package has it, which seals them here."""

from __future__ import annotations

import random
from array import array
from types import ModuleType
from typing import Any

import pytest
from tests.diagnose.airwaves import FROM_DS, TO_DS
from tests.diagnose.wpa2 import Wpa2
from tests.kernel.test_one_source import compiled, interpreted

from halfopen.formats.capture import LINK_80211
from halfopen.formats.ccmp import ciphers
from halfopen.kernel import layout as k
from halfopen.kernel import protocol as p

ROOM = 64  # before a frame, for the addresses that are written there


@pytest.fixture(params=[compiled, interpreted], ids=["compiled", "interpreted"])
def kernel(request: pytest.FixtureRequest) -> dict[str, ModuleType]:
    found: dict[str, ModuleType] = request.param()
    return found


class Opened:
    """One key tried on frame after frame."""

    def __init__(self, kernel: dict[str, Any], key: bytes) -> None:
        self.kernel = kernel
        self.lock = kernel["unsealing"].Lock()
        self.lock.keys = [kernel["unsealing"].Key(*ciphers(key))]
        self.bench = kernel["unsealing"].Bench()
        self.memory = array("q", bytes(8 * k.MEMORY_WIDTH))

    def content(self, frame: bytes, missing: int = 0) -> bytes | None:
        """What the frame holds, all but the last ``missing`` bytes of which were captured; ``None``: it stays closed."""
        data = bytearray(ROOM) + frame[: len(frame) - missing]
        rows, cells = array("q", bytes(8 * k.WIDTH)), array("q", bytes(8 * k.AIR_WIDTH))
        rows[: k.LINK + 1] = array("q", [ROOM, len(frame) - missing, len(frame), 0, LINK_80211])
        frames = self.kernel["frames"].Frames()
        frames.hold(data, rows)
        frames.hold_air(cells, self.memory)
        self.kernel["air"].read_air(frames, 1)
        before = bytes(data), cells[:]
        opened = self.kernel["unsealing"].unlock(frames, self.bench, self.lock, 0, 0)
        frames.release()
        if not opened:
            assert (bytes(data), cells) == before
            return None
        return bytes(data[cells[k.W_BODY] : cells[k.W_END]])


def test_every_size_and_shape_opens_and_a_damaged_frame_does_not(kernel: dict[str, ModuleType]) -> None:
    net, chance = Wpa2(), random.Random(5)
    with_key = Opened(kernel, net.tk)
    sizes = [*range(70), 255, 256, 257, 1500, 16 * p.SEALED_BLOCKS_MAX]
    for size in sizes:
        content = chance.randbytes(size)
        frame = net.frame_of(
            content,
            by_ap=chance.random() < 0.5,
            sequence=size & 0xFFF,
            tid=chance.choice((None, 0, 5)),
            order=chance.random() < 0.3,
        )
        assert with_key.content(frame) == content, size
        damaged = bytearray(frame)
        # Header fields that a relay may change are not covered; the addresses and all that follows the CCMP header are.
        damaged[chance.choice((4, 10, 16, len(frame) - 1, len(frame) - 8 - size // 2))] ^= (
            1 << chance.randrange(8)
        )
        assert with_key.content(bytes(damaged)) is None, size
    assert (with_key.lock.opened, with_key.lock.closed) == (len(sizes), len(sizes))


def test_frames_between_access_points_open(kernel: dict[str, ModuleType]) -> None:
    net, content = Wpa2(), b"\xaa\xaa\x03 and so on"
    whole = bytearray(net.frame_of(content, by_ap=True, sequence=7, tid=3, sealed=False))
    whole[1] |= TO_DS | FROM_DS | 0x40
    head = bytes(whole[:24]) + b"\x02\x00\x00\x00\x00\x99"
    masked = (
        bytes([head[0] & 0x8F, head[1] & 0x47])
        + head[4:22]
        + bytes([head[22] & 15, 0])
        + head[24:30]
        + b"\3\0"
    )
    sealed = head + b"\3\0" + net.seal(content, net.ap, masked, net.tk, 3, 0)
    assert Opened(kernel, net.tk).content(sealed) == content


def test_another_key_opens_nothing_and_of_several_the_right_one_does(kernel: dict[str, ModuleType]) -> None:
    net = Wpa2()
    with_keys = Opened(kernel, bytes(16))
    frame = net.frame_of(b"content", by_ap=False, sequence=7)
    assert with_keys.content(frame) is None
    with_keys.lock.keys.append(Opened(kernel, net.tk).lock.keys[0])
    assert with_keys.content(frame) == b"content"


@pytest.mark.parametrize("missing", [1, 5, 8, 9, 30])
def test_what_the_snap_length_left_opens_when_it_begins_as_data(
    kernel: dict[str, ModuleType], missing: int
) -> None:
    net = Wpa2()
    with_key = Opened(kernel, net.tk)
    content = b"\xaa\xaa\x03\0\0\0\x08\0" + bytes(range(40))
    assert (
        with_key.content(net.frame_of(content, by_ap=True, sequence=7), missing)
        == content[: 48 - max(missing - 8, 0)]
    )
    assert with_key.content(net.frame_of(content[1:], by_ap=True, sequence=7), missing) is None
    assert with_key.content(net.frame_of(content[:2], by_ap=True, sequence=7), 9) is None


def test_a_frame_longer_than_the_standard_has_stays_closed(kernel: dict[str, ModuleType]) -> None:
    net = Wpa2()
    assert Opened(kernel, net.tk).content(net.frame_of(bytes(60_000), by_ap=True, sequence=7)) is None
