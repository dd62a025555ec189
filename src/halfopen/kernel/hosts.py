# cython: language_level=3, annotation_typing=False, wraparound=False
"""Count frames per sending host: a hardware address together with an IP address it used."""

from __future__ import annotations

from array import array

from halfopen.kernel.layout import (
    FAMILY,
    H_ADDRESS,
    H_CHAIN,
    H_FAMILY,
    H_FRAME,
    H_MAC,
    H_PACKETS,
    H_TIME,
    H_WIDTH,
    KIND,
    MAC,
    SOURCE,
    TIME,
    WIDTH,
    WIRELESS,
)

# Register of the host table: how many hosts it holds, and how many frames found no room.
USED = 0
LOST = 1


def part(data: bytes | bytearray, at: int, size: int) -> int:
    """The number of ``size`` bytes in network order at ``at``."""
    number = 0
    for index in range(size):
        number = number << 8 | data[at + index]
    return number


def entry(
    table: array[int], heads: array[int], registers: array[int], mac: int, family: int, words: array[int]
) -> int:
    """The row of a host, made if there is room, else -1; ``words`` are its address."""
    mixed = (mac ^ words[0] ^ words[1] << 1 ^ words[2] << 2 ^ words[3] << 3) & 0xFFFFFFFFFFFF
    bucket = (mixed ^ mixed >> 12 ^ mixed >> 24) & (len(heads) - 1)
    host = heads[bucket]
    while host >= 0:
        base = host * H_WIDTH
        if (
            table[base + H_MAC] == mac
            and table[base + H_FAMILY] == family
            and table[base + H_ADDRESS] == words[0]
            and table[base + H_ADDRESS + 1] == words[1]
            and table[base + H_ADDRESS + 2] == words[2]
            and table[base + H_ADDRESS + 3] == words[3]
        ):
            return host
        host = table[base + H_CHAIN]
    host = registers[USED]
    base = host * H_WIDTH
    if base >= len(table):
        return -1
    registers[USED] = host + 1
    table[base + H_CHAIN] = heads[bucket]
    heads[bucket] = host
    table[base + H_MAC] = mac
    table[base + H_FAMILY] = family
    for index in range(4):
        table[base + H_ADDRESS + index] = words[index]
    table[base + H_PACKETS] = 0
    return host


def count_hosts(
    data: bytes | bytearray,
    rows: array[int],
    count: int,
    frame: int,
    table: array[int],
    heads: array[int],
    registers: array[int],
    words: array[int],
) -> None:
    """Count the senders of the first ``count`` rows; ``frame`` is the number of the first one.

    ``heads`` (a power of two long, filled with -1) and ``registers`` (two numbers) belong to the table;
    ``words`` is room for four numbers.
    """
    for row in range(count):
        base = row * WIDTH
        mac = -1
        if rows[base + MAC] >= 0:
            mac = part(data, rows[base + MAC], 6)
        family = rows[base + FAMILY]
        if rows[base + KIND] == WIRELESS or (mac < 0 and family == 0):
            continue
        for index in range(4):
            words[index] = 0
        if family == 4:
            words[0] = part(data, rows[base + SOURCE], 4)
        elif family == 6:
            for index in range(4):
                words[index] = part(data, rows[base + SOURCE] + index * 4, 4)
        host = entry(table, heads, registers, mac, family, words)
        if host < 0:
            registers[LOST] += 1
            continue
        at = host * H_WIDTH
        if table[at + H_PACKETS] == 0:
            table[at + H_FRAME] = frame + row
            table[at + H_TIME] = rows[base + TIME]
        table[at + H_PACKETS] += 1
