"""What window Linux offers (``tcp_select_window``): from the memory that received packets really take.

A small SO_RCVBUF closes after three segments, and a window of 64240 never grows again beyond what was first offered
less what was read in small pieces: both show in the lab's captures (f1_zero_window_live, c1_send_block).
"""

from __future__ import annotations

#: net.ipv4.tcp_rmem[1]; the MSS that Linux announces on Ethernet; TCP_MSS_DEFAULT; TCP_DEFAULT_SCALING_RATIO of 256.
RECEIVE_BUFFER, MSS, MSS_DEFAULT, RATIO, RATIO_WHOLE = 131_072, 1460, 536, 128, 256
#: sizeof(struct sk_buff) and of its shared info, and the alignment of what a TAP delivers.
_SKB, _SHARED, _ALIGN, _PAD = 256, 320, 64, 64 + 54
_WINDOW_MAX = 65_535


def true_size(length: int) -> int:
    """Memory that a received segment with ``length`` bytes of data takes."""
    return (length + _PAD + _ALIGN - 1) // _ALIGN * _ALIGN + _SHARED + _SKB


class ReceiveWindow:
    """The receiving side's memory and the window offered from it; no scaling, since lwIP does not offer it."""

    __slots__ = ("_buffer", "_clamp", "_ratio", "memory", "rcv_mss", "right_edge", "threshold", "window")

    def __init__(self, buffer: int | None = None) -> None:
        # setsockopt doubles what it is given.
        self._buffer = 2 * buffer if buffer is not None else RECEIVE_BUFFER
        self._ratio = RATIO
        space = min(self._space(self._buffer), _WINDOW_MAX)
        #: The window last offered.
        self.window = space // MSS * MSS if space > MSS else space
        whole = self._space(self._buffer)
        self._clamp = min(_WINDOW_MAX, max(2 * MSS, whole - MSS) if whole > 4 * MSS else whole)
        self.threshold = min(self.window, self._clamp) if whole > 4 * MSS else self.window
        self.rcv_mss = max(88, min(MSS_DEFAULT, self.window // 2))
        #: Memory held by what was not read yet.
        self.memory = 0
        self.right_edge = 0

    def _space(self, memory: int) -> int:
        return max(0, memory) * self._ratio // RATIO_WHOLE

    def start(self, rcv_nxt: int) -> None:
        """The first window was offered in the handshake."""
        self.right_edge = rcv_nxt + self.window

    def take(self, length: int) -> None:
        """A segment with ``length`` bytes came (``tcp_measure_rcv_mss``)."""
        self.memory += true_size(length)
        if length >= self.rcv_mss:
            if length != self.rcv_mss:
                self._ratio = max(1, length * RATIO_WHOLE // true_size(length))
                self._clamp = min(_WINDOW_MAX, self._space(self._buffer))
            self.rcv_mss = min(length, MSS)

    def give(self, memory: int) -> None:
        """The application read what took ``memory``."""
        self.memory -= memory

    def offered(self, rcv_nxt: int) -> int:
        """The window still open of what was offered."""
        return max(0, self.right_edge - rcv_nxt)

    def would_offer(self) -> int:
        """``__tcp_select_window``."""
        whole = self._space(self._buffer)
        free = self._space(self._buffer - self.memory)
        full = min(self._clamp, whole)
        mss = min(self.rcv_mss, full)
        if free < full >> 1 and (free < whole >> 4 or free < mss):
            return 0
        free = min(free, self.threshold)
        window = self.window
        if window <= free - mss or window > free:
            return free // mss * mss
        if mss == full and free > window + (full >> 1):
            return free
        return window

    def select(self, rcv_nxt: int) -> int:
        """``tcp_select_window``: what the next segment offers; never less than was promised."""
        self.window = max(self.would_offer(), self.offered(rcv_nxt))
        self.right_edge = rcv_nxt + self.window
        return self.window
