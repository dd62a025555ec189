# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Open frames that CCMP sealed, where they stand (IEEE 802.11-2020 section 12.5.3, RFC 3610).

AES is not done here: a key brings two ciphers, one that encrypts blocks each for itself and one that chains them. All
counter blocks of a frame go to the first in one call, header and content to the second, so that a frame costs two calls
whatever its size. The chain never begins anew: what it gave last is known, and xored into the next frame's first block it
is as good as nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from halfopen.kernel import layout as k
from halfopen.kernel import protocol as p
from halfopen.kernel.frames import Frames


class Key:
    """One CCMP key, pairwise or of a group.

    Both ciphers encrypt with AES under it what they get, into a buffer of at least 15 bytes more: ``blocks`` each block for
    itself (ECB), ``chain`` one after the other (CBC, from zeros on, never ended).
    """

    def __init__(self, blocks: Callable[[Any, Any], Any], chain: Callable[[Any, Any], Any]) -> None:
        self.blocks = blocks
        self.chain = chain
        self.last = bytearray(p.AES_BLOCK)  # what the chain gave last


class Lock:
    """What opens the data between one station and one access point: ``keys``, the newest first. Counted are data that were
    ``opened`` and that stayed ``closed``, and all frames by their header: ``extended`` as of TKIP and everything newer, or as
    of ``wep``."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.opened = 0
        self.closed = 0
        self.extended = 0
        self.wep = 0


class Ring:
    """What opens an access point's frames to groups: its keys by their number, the newest first; ``closed`` counts those
    that stayed so."""

    def __init__(self) -> None:
        self.keys: list[list[Key]] = [[], [], [], []]
        self.closed = 0


class Bench:
    """Room for the blocks of one frame: what goes into a cipher, and what comes out of it."""

    def __init__(self) -> None:
        size = p.AES_BLOCK * (p.SEALED_BLOCKS_MAX + 5)
        room = bytearray(size)
        self.blocks = room
        self.whole = memoryview(room)
        self.parts: list[memoryview | None] = [None] * (p.SEALED_BLOCKS_MAX + 4)
        self.stream_room = bytearray(size)
        self.stream = self.stream_room
        self.chained_room = bytearray(size)
        self.chained = self.chained_room


def part(b: Bench, count: int) -> Any:
    """The first ``count`` blocks of what goes into a cipher."""
    found = b.parts[count]
    if found is None:
        found = b.whole[: count * p.AES_BLOCK]
        b.parts[count] = found
    return found


def open_with(f: Frames, b: Bench, key: Key, base: int, cut: int) -> int:
    """Open the sealed frame of the air row at ``base``, which lacks ``cut`` bytes of its end: how many bytes of content now
    stand between its W_BODY and W_END, ``CLOSED`` when the key does not fit, and nothing has changed.

    The tag of a frame that the snap length cut short cannot be checked, so only data that begins as LLC/SNAP is believed.
    """
    data = f.data
    at = f.air[base + k.W_HEADER]
    body = f.air[base + k.W_BODY] + p.CCMP_HEADER
    size = f.air[base + k.W_END] - body - (p.CCMP_TAG - cut if cut < p.CCMP_TAG else 0)
    if size < 0 or size > p.SEALED_BLOCKS_MAX * p.AES_BLOCK:
        return k.CLOSED
    count = (size + p.AES_BLOCK - 1) // p.AES_BLOCK
    blocks = b.blocks
    stream = b.stream
    write_counters(data, blocks, at, body, count)
    key.blocks(part(b, count + 1), b.stream_room)
    if cut:
        if (
            size < 3
            or data[body] ^ stream[16] != p.SNAP
            or data[body + 1] ^ stream[17] != p.SNAP
            or data[body + 2] ^ stream[18] != p.SNAP_CONTROL
        ):
            return k.CLOSED
        for index in range(size):
            data[body + index] = data[body + index] ^ stream[p.AES_BLOCK + index]
    else:
        last = key.last
        write_authenticated(data, blocks, last, at, size)
        for index in range(size):
            blocks[48 + index] = data[body + index] ^ stream[p.AES_BLOCK + index]
        for index in range(size, count * p.AES_BLOCK):
            blocks[48 + index] = 0
        key.chain(part(b, count + 3), b.chained_room)
        chained = b.chained
        end = (count + 2) * p.AES_BLOCK
        differs = 0
        for index in range(p.CCMP_TAG):
            differs |= chained[end + index] ^ stream[index] ^ data[body + size + index]
        for index in range(p.AES_BLOCK):
            last[index] = chained[end + index]
        if differs:
            return k.CLOSED
        for index in range(size):
            data[body + index] = blocks[48 + index]
    f.air[base + k.W_BODY] = body
    f.air[base + k.W_END] = body + size
    return size


def write_counters(data: bytearray, blocks: bytearray, at: int, body: int, count: int) -> None:
    """Write the counter blocks 0 to ``count`` for the frame whose header stands at ``at`` and its content at ``body``."""
    blocks[0] = 1  # two octets count
    blocks[1] = 0
    if data[at] & 0x0C == 0:
        blocks[1] = 0x10  # management
    elif data[at] & 0x80:
        blocks[1] = data[at + (30 if data[at + 1] & 3 == 3 else 24)] & 15
    for index in range(6):
        blocks[2 + index] = data[at + 10 + index]
    blocks[8] = data[body - 1]  # the packet number, last octet first but for the two that stand apart
    blocks[9] = data[body - 2]
    blocks[10] = data[body - 3]
    blocks[11] = data[body - 4]
    blocks[12] = data[body - 7]
    blocks[13] = data[body - 8]
    blocks[14] = 0
    blocks[15] = 0
    for block in range(1, count + 1):
        to = block * p.AES_BLOCK
        for index in range(14):
            blocks[to + index] = blocks[index]
        blocks[to + 14] = block >> 8
        blocks[to + 15] = block & 0xFF


def write_authenticated(data: bytearray, blocks: bytearray, last: bytearray, at: int, size: int) -> None:
    """Write what the tag covers before the content: over the first counter block the block that names size and nonce,
    xored with what the chain gave last; then the header with everything masked that a retry or a relay may change."""
    management = data[at] & 0x0C == 0
    four = not management and data[at + 1] & 3 == 3
    prioritised = not management and data[at] & 0x80 != 0
    blocks[0] = 0x59  # authenticated data, a tag of eight octets, a size of two
    blocks[14] = size >> 8
    blocks[15] = size & 0xFF
    for index in range(p.AES_BLOCK):
        blocks[index] = blocks[index] ^ last[index]
    for index in range(16, 48):
        blocks[index] = 0
    blocks[17] = 22 + (6 if four else 0) + (2 if prioritised else 0)
    blocks[18] = data[at] if management else data[at] & 0x8F
    blocks[19] = (data[at + 1] & 0xC7 | 0x40) & (0x7F if prioritised else 0xFF)
    for index in range(18):
        blocks[20 + index] = data[at + 4 + index]
    blocks[38] = data[at + 22] & 15
    if four:
        for index in range(6):
            blocks[40 + index] = data[at + 24 + index]
    if prioritised:
        blocks[46 if four else 40] = data[at + (30 if four else 24)] & 15


def open_any(f: Frames, b: Bench, keys: list[Key], base: int, cut: int) -> int:
    """Open a sealed frame with whichever of these keys fits; as :func:`open_with`."""
    for key in keys:
        size = open_with(f, b, key, base, cut)
        if size != k.CLOSED:
            return size
    return k.CLOSED


def lacking(f: Frames, row: int) -> int:
    """How many bytes of a row's end were not captured."""
    cut = f.rows[row * k.WIDTH + k.LENGTH] - f.rows[row * k.WIDTH + k.CAPTURED]
    return cut if cut > 0 else 0


def in_one_piece(f: Frames, base: int) -> int:
    """Whether the sealed frame of an air row is whole enough for the header of its cipher, and no fragment."""
    return (
        f.air[base + k.W_END] - f.air[base + k.W_BODY] >= p.CCMP_HEADER
        and not f.air[base + k.W_FLAGS] & k.FC_MORE_FRAGMENTS
        and not f.data[f.air[base + k.W_HEADER] + 22] & 15
    )


def unlock(f: Frames, b: Bench, lock: Lock, row: int, base: int) -> int:
    """Take a sealed frame between a station and its access point; whether it is open now."""
    data = f.air[base + k.W_KIND] >> 4 == p.DATA
    if f.data[f.air[base + k.W_BODY] + 3] & p.EXTENDED_IV:
        lock.extended += 1
    else:
        lock.wep += 1
    if open_any(f, b, lock.keys, base, lacking(f, row)) == k.CLOSED:
        lock.closed += data
        return 0
    lock.opened += data
    return 1


def unlock_group(f: Frames, b: Bench, ring: Ring, row: int, base: int) -> int:
    """Take a sealed frame of an access point to a group; whether it is open now."""
    keys = ring.keys[f.data[f.air[base + k.W_BODY] + 3] >> 6]
    if open_any(f, b, keys, base, lacking(f, row)) == k.CLOSED:
        ring.closed += 1
        return 0
    return 1
