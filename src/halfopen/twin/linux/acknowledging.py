"""When Linux acknowledges: quick ACKs at the start, delayed ones of 40 ms and more later, none where an answer goes.

Source: tcp_input.c and tcp_output.c (``tcp_event_data_recv``, ``__tcp_ack_snd_check``, ``tcp_send_delayed_ack``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.packets import ACK
from halfopen.twin.world import MS, Timer

if TYPE_CHECKING:
    from halfopen.twin.linux.connection import Connection

#: TCP_ATO_MIN and TCP_DELACK_MIN, TCP_DELACK_MAX, TCP_MAX_QUICKACKS.
_ATO_MIN, _DELAY_MAX, _QUICK_MAX = 40 * MS, 200 * MS, 16


class Acknowledging:
    """The ACK side of one connection."""

    __slots__ = (
        "_ato",
        "_connection",
        "_last",
        "_pending",
        "_pingpong",
        "_pushed",
        "_pushed_twice",
        "_quick",
        "_timer",
        "_unread",
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ato = 0
        self._quick = 0
        self._pingpong = False
        self._last = 0
        self._pending = False
        self._pushed = self._pushed_twice = False
        self._unread = 0
        self._timer: Timer | None = None

    @property
    def pending(self) -> bool:
        """Whether something is to be acknowledged yet."""
        return self._pending

    def arrived(self, length: int) -> None:
        """Data came in order (``tcp_event_data_recv``)."""
        connection = self._connection
        now = connection.world.now
        self._pending = True
        self._unread += length
        if length < connection.window.rcv_mss:
            self._pushed_twice = self._pushed_twice or self._pushed
            self._pushed = True
        if not self._ato:
            self._go_quick()
            self._ato = _ATO_MIN
        else:
            gap = now - self._last
            if gap <= _ATO_MIN // 2:
                self._ato = (self._ato >> 1) + _ATO_MIN // 2
            elif gap < self._ato:
                self._ato = min((self._ato >> 1) + gap, connection.out.rtt.rto_ns)
            elif gap > connection.out.rtt.rto_ns:
                self._go_quick()
        self._last = now

    def _go_quick(self) -> None:
        window = self._connection.window
        quick = window.window // (2 * window.rcv_mss) or 2
        self._quick = max(self._quick, min(quick, _QUICK_MAX))

    def fin_came(self) -> None:
        """The peer's FIN: an answer will likely follow (``tcp_fin``)."""
        self._pending = True
        self._pingpong = True
        self._ato = self._ato or _ATO_MIN

    def decide(self) -> None:
        """``__tcp_ack_snd_check``: at once, or later."""
        connection = self._connection
        window = connection.window
        rcv_wup = window.right_edge - window.window
        more_than_one = connection.rcv_nxt - rcv_wup > window.rcv_mss and (
            not self._unread or window.would_offer() >= window.window
        )
        if more_than_one or (self._quick and not self._pingpong):
            self.now()
            return
        if self._timer is not None:
            return
        delay = self._ato
        if delay > _ATO_MIN:
            longest = _DELAY_MAX if self._pingpong or self._pushed else 500 * MS
            if connection.out.rtt.smooth_ns:
                longest = min(longest, max(connection.out.rtt.smooth_ns, _ATO_MIN))
            delay = min(delay, longest)
        self._timer = connection.host.jiffies.after(min(delay, _DELAY_MAX), self._late)

    def _late(self) -> None:
        self._timer = None
        if not self._pending:
            return
        if self._pingpong:
            self._pingpong = False
            self._ato = _ATO_MIN
        else:
            self._ato = min(self._ato << 1, self._connection.out.rtt.rto_ns)
        self.now()

    def now(self) -> None:
        """Send an ACK."""
        connection = self._connection
        connection.transmit(ACK, connection.out.nxt, b"")

    def sent(self, with_data: bool) -> None:
        """A segment with an ACK has gone."""
        connection = self._connection
        if with_data and connection.world.now - self._last < self._ato:
            self._pingpong = True
        if self._quick:
            self._quick -= 1 if self._pending else 0
            if not self._quick:
                self._ato = _ATO_MIN
        self._pending = self._pushed = self._pushed_twice = False
        self.stop()

    def copied(self, length: int, emptied: bool) -> None:
        """The application read ``length`` bytes (``tcp_cleanup_rbuf``)."""
        connection = self._connection
        window = connection.window
        self._unread -= length
        if self._pending:
            rcv_wup = window.right_edge - window.window
            small = self._pushed_twice or (self._pushed and not self._pingpong)
            if connection.rcv_nxt - rcv_wup > window.rcv_mss or (small and emptied):
                self.now()
                return
        offered = window.offered(connection.rcv_nxt)
        if 2 * offered <= 65_535:
            fresh = window.would_offer()
            if fresh and fresh >= 2 * offered:
                self.now()

    def stop(self) -> None:
        """No delayed ACK is wanted any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
