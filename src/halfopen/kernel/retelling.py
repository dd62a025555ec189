# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""What stands in the flow table of one side of a conversation, told when the capture is over: of thousands of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from halfopen.kernel import layout as k
from halfopen.kernel import protocol as p
from halfopen.kernel.conversation import reaches

#: In a second. Whole numbers are divided as Python divides them, compiled as well: the result is the nearest that there is.
NANOSECONDS = 1_000_000_000
#: Makes a quotation of a frame's number, its seconds since the Unix epoch, where it is kept and what writes it.
Quote = Callable[[int, float, int, Callable[[int], str]], Any]
Write = Callable[[int], str]


def kept_frame(state: array[int], at: int, quote: Quote, write: Write) -> Any:
    """The quotation of the frame that is kept at ``at``; ``None`` without one."""
    frame = state[at + k.R_FRAME]
    if frame == 0:
        return None
    time = state[at + k.R_TIME]
    return quote(frame, time / NANOSECONDS, at, write)


def unacknowledged(state: array[int], side: int, other: int) -> int:
    """Bytes of payload of the side at ``side`` that the one at ``other`` never acknowledged."""
    if state[side + k.S_HAS_DATA] == 0:
        return 0
    start = state[side + k.S_DATA_START]
    end = state[side + k.S_DATA_END]
    if state[other + k.S_HAS_ACKED] and reaches(state[other + k.S_ACKED], start):
        start = state[other + k.S_ACKED]
    return 0 if reaches(start, end) else (end - start) & p.SEQUENCE_MASK


def side_fields(state: array[int], side: int, other: int, quote: Quote, write: Write) -> list[Any]:
    """The fields of a ``SideSeen``, in its order, of the side at ``side``; the opposite one is at ``other``."""
    windowed = state[side + k.S_WINDOW_FIRST] >= 0
    return [
        state[side + k.S_PACKETS],
        state[side + k.S_PAYLOAD],
        kept_frame(state, side + k.S_FIRST, quote, write),
        kept_frame(state, side + k.S_LAST, quote, write),
        kept_frame(state, side + k.S_LAST_PAYLOAD, quote, write),
        kept_frame(state, side + k.S_SYN, quote, write),
        state[side + k.S_SYNS],
        kept_frame(state, side + k.S_FIN, quote, write),
        kept_frame(state, side + k.S_RST, quote, write),
        state[side + k.S_RSTS],
        state[side + k.S_RST_WINDOW] if state[side + k.S_RSTS] else None,
        state[side + k.S_RETRANSMISSIONS],
        state[side + k.S_KEEPALIVES],
        state[side + k.S_ZEROS],
        state[side + k.S_WINDOW_FIRST] if windowed else None,
        state[side + k.S_WINDOW_LAST] if windowed else None,
        state[side + k.S_WINDOW_MIN] if windowed else None,
        state[side + k.S_WINDOW_MAX] if windowed else None,
        state[side + k.S_MSS] if state[side + k.S_MSS] else None,
        state[side + k.S_SCALE] if state[side + k.S_SCALE] >= 0 else None,
        unacknowledged(state, side, other),
        state[side + k.S_ISN] if state[side + k.S_SYNS] else None,
    ]
