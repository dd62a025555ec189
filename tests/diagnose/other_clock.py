"""The same recording as another machine would have written it: a pcapng with its clock set off and drifting."""

from __future__ import annotations

import struct

from halfopen.formats.capture import BLOCK_ENHANCED, BLOCK_INTERFACE, read_interface


def on_another_clock(data: bytes, offset_s: float, drift: float = 0.0) -> bytes:
    """``data`` (little-endian pcapng with enhanced packet blocks) with ``offset_s`` added to the first time stamp, and
    every second after it counted as ``1 + drift`` seconds."""
    out = bytearray(data)
    at, rate, began = 0, 10**6, None
    while at < len(out):
        kind, length = struct.unpack_from("<II", out, at)
        if kind == BLOCK_INTERFACE:
            rate = 10 ** read_interface(bytes(out[at : at + length]), "<").resolution
        elif kind == BLOCK_ENHANCED:
            high, low = struct.unpack_from("<II", out, at + 12)
            ticks = high << 32 | low
            began = ticks if began is None else began
            ticks += round(offset_s * rate + (ticks - began) * drift)
            struct.pack_into("<II", out, at + 12, ticks >> 32, ticks & 0xFFFFFFFF)
        at += length
    return bytes(out)
