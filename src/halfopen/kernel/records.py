# cython: language_level=3, annotation_typing=False, wraparound=False
"""Walk the records of a pcap or the blocks of a pcapng: bytes of a chunk in, rows of the frame table out.

Frames are numbered as in Wireshark, except that Wireshark also numbers custom and journal blocks.
"""

from __future__ import annotations

from array import array

from halfopen.kernel.layout import (
    CAPTURED,
    CULPRIT,
    DAMAGE,
    DAMAGE_CAPTURED,
    DAMAGE_INTERFACE,
    DAMAGE_LENGTH,
    DAMAGE_TRAILER,
    I_FACTOR,
    I_LIMIT,
    I_LINK,
    I_MODE,
    I_SHIFT,
    I_SNAP,
    I_WIDTH,
    LAST_TIME,
    LENGTH,
    LINK,
    NEEDED,
    OFFSET,
    POSITION,
    ROWS,
    STOP_BLOCK,
    STOP_DAMAGE,
    STOP_FULL,
    STOP_MORE,
    TICKS_BINARY,
    TICKS_TIMES,
    TIME,
    WIDTH,
)

#: Longest capture of one frame that libpcap writes (MAXIMUM_SNAPLEN); more means damage.
CAPTURED_MAX = 262144
#: Longest pcapng block that is read or skipped (Wireshark's MAX_BLOCK_SIZE); more means damage.
BLOCK_MAX = 16777216
BLOCK_SECTION = 0x0A0D0D0A
BLOCK_INTERFACE = 1
BLOCK_PACKET = 2
BLOCK_SIMPLE = 3
BLOCK_ENHANCED = 6


def word(data: bytes | bytearray, at: int, big: int) -> int:
    """The 32-bit number at ``at``."""
    # Through a variable: compiled, a byte shifted by 24 is a C int, and its top bit a sign.
    number = 0
    for index in range(4):
        number = number << 8 | data[at + index if big else at + 3 - index]
    return number


def nanoseconds(high: int, low: int, interfaces: array[int], base: int) -> int:
    """Ticks of an interface as nanoseconds since the epoch, held inside 62 bits whatever the file claims."""
    ticks = (high & 0x7FFFFFFF) << 32 | low
    mode = interfaces[base + I_MODE]
    factor = interfaces[base + I_FACTOR]
    limit = interfaces[base + I_LIMIT]
    if mode == TICKS_TIMES:
        if ticks > limit:
            ticks = limit
        ticks = ticks * factor
    elif mode == TICKS_BINARY:
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
    return ticks + interfaces[base + I_SHIFT]


def damaged(cursor: array[int], kind: int, culprit: int) -> int:
    """Note what is impossible at the cursor."""
    cursor[DAMAGE] = kind
    cursor[CULPRIT] = culprit
    return STOP_DAMAGE


def walk_pcap(
    data: bytes | bytearray, end: int, big: int, interfaces: array[int], rows: array[int], cursor: array[int]
) -> int:
    """Read pcap records from ``cursor[POSITION]`` up to ``end`` into ``rows``; says why it stopped."""
    capacity = len(rows) // WIDTH
    at = cursor[POSITION]
    count = cursor[ROWS]
    stop = STOP_FULL
    while count < capacity:
        if end - at < 16:
            cursor[NEEDED] = 16
            stop = STOP_MORE
            break
        captured = word(data, at + 8, big)
        if captured > CAPTURED_MAX:
            stop = damaged(cursor, DAMAGE_LENGTH, captured)
            break
        if end - at < 16 + captured:
            cursor[NEEDED] = 16 + captured
            stop = STOP_MORE
            break
        base = count * WIDTH
        rows[base + OFFSET] = at + 16
        rows[base + CAPTURED] = captured
        rows[base + LENGTH] = word(data, at + 12, big)
        rows[base + TIME] = word(data, at, big) * 1000000000 + word(data, at + 4, big) * interfaces[I_FACTOR]
        rows[base + LINK] = interfaces[I_LINK]
        count += 1
        at += 16 + captured
    cursor[POSITION] = at
    cursor[ROWS] = count
    return stop


def packet_block(
    data: bytes | bytearray,
    at: int,
    kind: int,
    big: int,
    interfaces: array[int],
    rows: array[int],
    cursor: array[int],
    base: int,
) -> int:
    """Read one whole packet block into the row at ``base``; ``STOP_DAMAGE``, or ``STOP_MORE`` to go on."""
    room = word(data, at + 4, big) - (16 if kind == BLOCK_SIMPLE else 32)
    if room < 0:
        return damaged(cursor, DAMAGE_LENGTH, room + (16 if kind == BLOCK_SIMPLE else 32))
    number = 0
    if kind == BLOCK_ENHANCED:
        number = word(data, at + 8, big)
    elif kind == BLOCK_PACKET:
        number = data[at + 8] << 8 | data[at + 9] if big else data[at + 9] << 8 | data[at + 8]
    if number >= len(interfaces) // I_WIDTH:
        return damaged(cursor, DAMAGE_INTERFACE, number)
    interface = number * I_WIDTH
    if kind == BLOCK_SIMPLE:
        length = word(data, at + 8, big)
        captured = length
        if 0 < interfaces[interface + I_SNAP] < captured:
            captured = interfaces[interface + I_SNAP]
        if captured > room:
            return damaged(cursor, DAMAGE_CAPTURED, captured)
        rows[base + OFFSET] = at + 12
        rows[base + TIME] = cursor[LAST_TIME]
    else:
        captured = word(data, at + 20, big)
        length = word(data, at + 24, big)
        if captured > room:
            return damaged(cursor, DAMAGE_CAPTURED, captured)
        rows[base + OFFSET] = at + 28
        cursor[LAST_TIME] = nanoseconds(
            word(data, at + 12, big), word(data, at + 16, big), interfaces, interface
        )
        rows[base + TIME] = cursor[LAST_TIME]
    rows[base + CAPTURED] = captured
    rows[base + LENGTH] = length
    rows[base + LINK] = interfaces[interface + I_LINK]
    return STOP_MORE


def walk_pcapng(
    data: bytes | bytearray, end: int, big: int, interfaces: array[int], rows: array[int], cursor: array[int]
) -> int:
    """Read pcapng blocks from ``cursor[POSITION]`` up to ``end``; says why it stopped (``STOP_*``).

    Blocks that carry no packet are skipped; sections and interfaces stop the walk (``STOP_BLOCK``), because
    they change how what follows is read. Any other block is only taken whole.
    """
    capacity = len(rows) // WIDTH
    at = cursor[POSITION]
    count = cursor[ROWS]
    stop = STOP_FULL
    while count < capacity:
        if end - at < 12:
            cursor[NEEDED] = 12
            stop = STOP_MORE
            break
        kind = word(data, at, big)
        if kind == BLOCK_SECTION:  # its own byte order is not known yet
            stop = STOP_BLOCK
            break
        length = word(data, at + 4, big)
        if length < 12 or length & 3 or length > BLOCK_MAX:
            stop = damaged(cursor, DAMAGE_LENGTH, length)
            break
        if end - at < length:
            cursor[NEEDED] = length
            stop = STOP_MORE
            break
        if word(data, at + length - 4, big) != length:
            stop = damaged(cursor, DAMAGE_TRAILER, word(data, at + length - 4, big))
            break
        if kind == BLOCK_INTERFACE:
            stop = STOP_BLOCK
            break
        if kind in (BLOCK_ENHANCED, BLOCK_SIMPLE, BLOCK_PACKET):
            if packet_block(data, at, kind, big, interfaces, rows, cursor, count * WIDTH) == STOP_DAMAGE:
                stop = STOP_DAMAGE
                break
            count += 1
        at += length
    cursor[POSITION] = at
    cursor[ROWS] = count
    return stop
