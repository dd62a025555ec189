# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""Count frames per sending host: a hardware address together with an IP address it used."""

from __future__ import annotations

from array import array

from halfopen.kernel import layout as k
from halfopen.kernel import octets
from halfopen.kernel.frames import NO_ROWS, Frames


class Crowd:
    """The host table as the loop sees it: ``used`` of its rows hold hosts, ``lost`` frames found no room in it."""

    def __init__(self) -> None:
        self.used = 0
        self.lost = 0
        self.table: array[int] = NO_ROWS
        self.heads: array[int] = NO_ROWS

    def hold(self, table: array[int], heads: array[int]) -> None:
        """Work on these until :meth:`release`; ``heads`` is a power of two long and was filled with -1."""
        self.table = table
        self.heads = heads

    def release(self) -> None:
        """Let go of the memory."""
        self.table = NO_ROWS
        self.heads = NO_ROWS


def entry(c: Crowd, mac: int, family: int, first: int, second: int, third: int, fourth: int) -> int:
    """Where the host begins in the table, made if there is room, else -1; the last four are its address's words."""
    # Neighbours differ in the last bits of both addresses alike: they are spread before they meet.
    mixed = (first ^ second << 1 ^ third << 2 ^ fourth << 3) * 1000003 ^ mac
    bucket = (mixed ^ mixed >> 12 ^ mixed >> 24) & (len(c.heads) - 1)
    host = c.heads[bucket]
    while host >= 0:
        base = host * k.H_WIDTH
        if (
            c.table[base + k.H_MAC] == mac
            and c.table[base + k.H_FAMILY] == family
            and c.table[base + k.H_ADDRESS] == first
            and c.table[base + k.H_ADDRESS + 1] == second
            and c.table[base + k.H_ADDRESS + 2] == third
            and c.table[base + k.H_ADDRESS + 3] == fourth
        ):
            return base
        host = c.table[base + k.H_CHAIN]
    host = c.used
    base = host * k.H_WIDTH
    if base >= len(c.table):
        return -1
    c.used = host + 1
    c.table[base + k.H_CHAIN] = c.heads[bucket]
    c.heads[bucket] = host
    c.table[base + k.H_MAC] = mac
    c.table[base + k.H_FAMILY] = family
    c.table[base + k.H_ADDRESS] = first
    c.table[base + k.H_ADDRESS + 1] = second
    c.table[base + k.H_ADDRESS + 2] = third
    c.table[base + k.H_ADDRESS + 3] = fourth
    c.table[base + k.H_PACKETS] = 0
    return base


def count_hosts(f: Frames, c: Crowd, count: int, frame: int) -> int:
    """Count the senders of the first ``count`` rows; ``frame`` is the number of the first one. Returns how many rows
    had none."""
    silent = 0
    for row in range(count):
        base = row * k.WIDTH
        mac = -1
        at = f.rows[base + k.MAC]
        if at >= 0:
            mac = octets.hardware_at(f, at)
        family = f.rows[base + k.FAMILY]
        if f.rows[base + k.KIND] == k.WIRELESS or (mac < 0 and family == 0):
            silent += 1
            continue
        at = f.rows[base + k.SOURCE]
        if family == 4:
            host = entry(c, mac, family, octets.quad_at(f, at), 0, 0, 0)
        elif family == 6:
            host = entry(
                c,
                mac,
                family,
                octets.quad_at(f, at),
                octets.quad_at(f, at + 4),
                octets.quad_at(f, at + 8),
                octets.quad_at(f, at + 12),
            )
        else:
            host = entry(c, mac, 0, 0, 0, 0, 0)
        if host < 0:
            c.lost += 1
            continue
        if c.table[host + k.H_PACKETS] == 0:
            c.table[host + k.H_FRAME] = frame + row
            c.table[host + k.H_TIME] = f.rows[base + k.TIME]
        c.table[host + k.H_PACKETS] += 1
    return silent
