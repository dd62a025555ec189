# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Walk the records of a pcap or the blocks of a pcapng: bytes of a chunk in, rows of the frame table out.

Frames are numbered as in Wireshark, except that Wireshark also numbers custom and journal blocks.
"""

from __future__ import annotations

from array import array

from halfopen.kernel import layout as k
from halfopen.kernel import octets
from halfopen.kernel import protocol as p
from halfopen.kernel.frames import NO_ROWS, Frames


class Walk:
    """Where the walk through a file stands.

    ``position`` is the offset in the chunk, ``count`` how many rows are filled, ``needed`` how many bytes from
    ``position`` on it takes to go on. What is impossible there is told by ``damage`` (``DAMAGE_*``) and the number that
    is, ``culprit``. ``last_time`` is for simple packet blocks, which carry no time.
    """

    def __init__(self) -> None:
        self.big = 0
        self.position = 0
        self.count = 0
        self.needed = 0
        self.damage = 0
        self.culprit = 0
        self.last_time = 0
        self.interfaces: array[int] = NO_ROWS

    def hold(self, interfaces: array[int], big: int) -> None:
        """Work on these interfaces (``I_WIDTH`` numbers each), in big-endian order or not, until :meth:`release`."""
        self.interfaces = interfaces
        self.big = big

    def release(self) -> None:
        """Let go of the memory."""
        self.interfaces = NO_ROWS


def word(f: Frames, at: int, big: int) -> int:
    """The 32-bit number at ``at``."""
    return octets.quad_at(f, at) if big else octets.little_quad_at(f, at)


def nanoseconds(high: int, low: int, w: Walk, base: int) -> int:
    """Ticks of an interface as nanoseconds since the epoch, held inside 62 bits whatever the file claims."""
    ticks = (high & 0x7FFFFFFF) << 32 | low
    mode = w.interfaces[base + k.I_MODE]
    factor = w.interfaces[base + k.I_FACTOR]
    limit = w.interfaces[base + k.I_LIMIT]
    if mode == k.TICKS_TIMES:
        if ticks > limit:
            ticks = limit
        ticks = ticks * factor
    elif mode == k.TICKS_BINARY:
        whole = ticks >> factor
        if whole > limit:
            whole = limit
        fraction = ticks - (ticks >> factor << factor)
        if factor > 33:  # 33 bits resolve 0.12 ns, and the product below stays inside 63 bits
            fraction = fraction >> (factor - 33)
            factor = 33
        ticks = whole * 1000000000 + (fraction * 1000000000 >> factor)
    else:
        ticks = ticks // factor
    return ticks + w.interfaces[base + k.I_SHIFT]


def damaged(w: Walk, kind: int, culprit: int) -> int:
    """Note what is impossible where the walk stands."""
    w.damage = kind
    w.culprit = culprit
    return k.STOP_DAMAGE


def walk_pcap(f: Frames, w: Walk, end: int) -> int:
    """Read pcap records from ``w.position`` up to ``end`` into the frame table; says why it stopped."""
    capacity = len(f.rows) // k.WIDTH
    at = w.position
    count = w.count
    big = w.big
    stop = k.STOP_FULL
    factor = w.interfaces[k.I_FACTOR]
    link = w.interfaces[k.I_LINK]
    while count < capacity:
        if end - at < 16:
            w.needed = 16
            stop = k.STOP_MORE
            break
        captured = word(f, at + 8, big)
        if captured > p.CAPTURED_MAX:
            stop = damaged(w, k.DAMAGE_LENGTH, captured)
            break
        if end - at < 16 + captured:
            w.needed = 16 + captured
            stop = k.STOP_MORE
            break
        base = count * k.WIDTH
        f.rows[base + k.OFFSET] = at + 16
        f.rows[base + k.CAPTURED] = captured
        f.rows[base + k.LENGTH] = word(f, at + 12, big)
        f.rows[base + k.TIME] = word(f, at, big) * 1000000000 + word(f, at + 4, big) * factor
        f.rows[base + k.LINK] = link
        count += 1
        at += 16 + captured
    w.position = at
    w.count = count
    return stop


def packet_block(f: Frames, w: Walk, at: int, kind: int, base: int) -> int:
    """Read one whole packet block into the row at ``base``; ``STOP_DAMAGE``, or ``STOP_MORE`` to go on."""
    big = w.big
    room = word(f, at + 4, big) - (16 if kind == p.BLOCK_SIMPLE else 32)
    if room < 0:
        return damaged(w, k.DAMAGE_LENGTH, room + (16 if kind == p.BLOCK_SIMPLE else 32))
    number = 0
    if kind == p.BLOCK_ENHANCED:
        number = word(f, at + 8, big)
    elif kind == p.BLOCK_PACKET:
        number = octets.pair_at(f, at + 8) if big else f.data[at + 9] << 8 | f.data[at + 8]
    interface = number * k.I_WIDTH
    if interface >= len(w.interfaces):
        return damaged(w, k.DAMAGE_INTERFACE, number)
    if kind == p.BLOCK_SIMPLE:
        length = word(f, at + 8, big)
        captured = length
        if 0 < w.interfaces[interface + k.I_SNAP] < captured:
            captured = w.interfaces[interface + k.I_SNAP]
        if captured > room:
            return damaged(w, k.DAMAGE_CAPTURED, captured)
        f.rows[base + k.OFFSET] = at + 12
    else:
        captured = word(f, at + 20, big)
        length = word(f, at + 24, big)
        if captured > room:
            return damaged(w, k.DAMAGE_CAPTURED, captured)
        f.rows[base + k.OFFSET] = at + 28
        w.last_time = nanoseconds(word(f, at + 12, big), word(f, at + 16, big), w, interface)
    f.rows[base + k.TIME] = w.last_time
    f.rows[base + k.CAPTURED] = captured
    f.rows[base + k.LENGTH] = length
    f.rows[base + k.LINK] = w.interfaces[interface + k.I_LINK]
    return k.STOP_MORE


def walk_pcapng(f: Frames, w: Walk, end: int) -> int:
    """Read pcapng blocks from ``w.position`` up to ``end``; says why it stopped (``STOP_*``).

    Blocks that carry no packet are skipped; sections and interfaces stop the walk (``STOP_BLOCK``), because
    they change how what follows is read. Any other block is only taken whole.
    """
    capacity = len(f.rows) // k.WIDTH
    at = w.position
    count = w.count
    big = w.big
    stop = k.STOP_FULL
    while count < capacity:
        if end - at < 12:
            w.needed = 12
            stop = k.STOP_MORE
            break
        kind = word(f, at, big)
        if kind == p.BLOCK_SECTION:  # its own byte order is not known yet
            stop = k.STOP_BLOCK
            break
        length = word(f, at + 4, big)
        if length < 12 or length & 3 or length > p.BLOCK_MAX:
            stop = damaged(w, k.DAMAGE_LENGTH, length)
            break
        if end - at < length:
            w.needed = length
            stop = k.STOP_MORE
            break
        if word(f, at + length - 4, big) != length:
            stop = damaged(w, k.DAMAGE_TRAILER, word(f, at + length - 4, big))
            break
        if kind == p.BLOCK_INTERFACE:
            stop = k.STOP_BLOCK
            break
        if kind in (p.BLOCK_ENHANCED, p.BLOCK_SIMPLE, p.BLOCK_PACKET):
            if packet_block(f, w, at, kind, count * k.WIDTH) == k.STOP_DAMAGE:
                stop = k.STOP_DAMAGE
                break
            count += 1
        at += length
    w.position = at
    w.count = count
    return stop
