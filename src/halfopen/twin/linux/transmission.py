"""The sending half of a Linux connection: what may go when, what is in flight, and the timers over it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from halfopen.twin.linux.rtt import RTO_INIT_NS, RTO_MAX_NS, RoundTrip
from halfopen.twin.linux.window import MSS
from halfopen.twin.packets import ACK, FIN, PSH, SYN, Tcp
from halfopen.twin.world import Timer

if TYPE_CHECKING:
    from halfopen.twin.linux.connection import Connection

#: tcp_syn_retries, tcp_synack_retries, tcp_syn_linear_timeouts, tcp_retries2, what is left to a socket that its program
#: has closed (tcp_orphan_retries), and the initial window in segments.
SYN_RETRIES, SYNACK_RETRIES, LINEAR_TIMEOUTS, RETRIES, ORPHAN_RETRIES, INITIAL_WINDOW = 6, 5, 4, 15, 8, 10
#: MSS of a peer that names none (RFC 9293).
_MSS_UNNAMED = 536


class Sent:
    """A segment in flight."""

    __slots__ = ("at", "data", "flags", "resent", "seq")

    def __init__(self, seq: int, data: bytes, flags: int, at: int) -> None:
        self.seq = seq
        self.data = data
        self.flags = flags
        self.at = at
        self.resent = False

    @property
    def end(self) -> int:
        """The sequence number after it."""
        return self.seq + len(self.data) + (1 if self.flags & (SYN | FIN) else 0)


class Transmission:
    """Send queue, flight and timers of one connection."""

    def __init__(self, connection: Connection, first: int) -> None:
        self._connection = connection
        self._world = connection.world
        self.una = self.nxt = first
        self.wnd = 0
        self._wl1 = 0
        self.mss = MSS
        self.rtt = RoundTrip()
        self.queue = bytearray()
        self.flight: deque[Sent] = deque()
        self.fin_wanted = False
        self._fin_sent = False
        #: Where the last segment smaller than a whole one ended.
        self._small_end = first
        self._cwnd = INITIAL_WINDOW
        self._timer: Timer | None = None
        self._probing = False
        self._backoff = 0
        self._timeouts = 0
        self._probes = 0
        self._dupacks = 0

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight and nothing waits."""
        return not self.flight and not self.queue

    # The handshake -----------------------------------------------------------------------------------------

    def greet(self, flags: int) -> None:
        """Send SYN, or SYN and ACK."""
        self._launch(Sent(self.nxt, b"", flags, self._world.now))
        self._start(RTO_INIT_NS)

    def greet_again(self) -> None:
        """The SYN came once more."""
        self._connection.transmit(SYN | ACK, self.flight[0].seq, b"", "retransmission")

    def learn(self, packet: Tcp) -> None:
        """What the other side's SYN says: window and MSS."""
        self.wnd = packet.window
        self._wl1 = packet.seq
        self.mss = min(packet.mss or _MSS_UNNAMED, MSS)

    def greeted(self, ack: int) -> None:
        """The SYN was acknowledged by one."""
        sent = self.flight.popleft()
        if not sent.resent:
            self.rtt.measure(self._world.now - sent.at, self.nxt, self.nxt)
        self.stop()
        self._backoff = self._timeouts = 0
        self.una = ack

    # Sending -----------------------------------------------------------------------------------------------

    def _launch(self, sent: Sent) -> None:
        self.flight.append(sent)
        self.nxt = max(self.nxt, sent.end)
        self._connection.transmit(sent.flags, sent.seq, sent.data)

    def push(self) -> None:
        """``tcp_write_xmit``: send what may go, then the FIN."""
        while self.queue:
            size = self._sendable()
            if not size:
                break
            self._send_run(size)
        if self.fin_wanted and not self._fin_sent and not self.queue:
            self._finish()
            self._launch(Sent(self.nxt, b"", FIN | ACK, self._world.now))
        self._watch()

    def _send_run(self, size: int) -> None:
        """``size`` bytes as one super-segment is cut: PSH on the last piece of several, and where the queue ends."""
        several = size > self.mss
        at_end = size == len(self.queue)
        for start in range(0, size, self.mss):
            piece = bytes(self.queue[start : min(start + self.mss, size)])
            last = start + len(piece) == size
            flags = ACK | (PSH if last and (several or at_end) else 0)
            if last and at_end and self.fin_wanted:
                flags |= FIN
                self._finish()
            if len(piece) < self.mss:
                self._small_end = self.nxt + len(piece)
            self._launch(Sent(self.nxt, piece, flags, self._world.now))
        del self.queue[:size]

    def _finish(self) -> None:
        self._fin_sent = True
        self._connection.fin_sent()

    def _sendable(self) -> int:
        """How many bytes may go now: the peer's window, the congestion window, and Nagle with Minshall's variation."""
        queued = len(self.queue)
        window = self.una + self.wnd - self.nxt
        room = (self._cwnd - len(self.flight)) * self.mss
        small_outstanding = self.una < self._small_end <= self.nxt and bool(self.flight)
        if room <= 0:
            return 0
        if queued <= self.mss:
            blocked = queued < self.mss and small_outstanding and not self.fin_wanted
            return 0 if blocked or queued > window else queued
        if window < self.mss:
            return 0
        size = min(queued, window, room)
        partial = size % self.mss
        return size - partial if partial and small_outstanding else size

    # Timers ------------------------------------------------------------------------------------------------

    def _start(self, delay: int, probing: bool = False) -> None:
        self.stop()
        self._probing = probing
        self._timer = self._connection.host.jiffies.after(delay, self._expired)

    def stop(self) -> None:
        """No timer runs any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        """See that a timer runs which fits what is outstanding."""
        if self.idle:
            self.stop()
            return
        probing = not self.flight
        if self._timer is None or self._probing != probing:
            self._start(self._backed_off(), probing)

    def _backed_off(self) -> int:
        return min(self.rtt.rto_ns << self._backoff, RTO_MAX_NS)

    def _expired(self) -> None:
        self._timer = None
        if self._probing:
            self._probe()
        else:
            self._retransmit_late()

    def _retransmit_late(self) -> None:
        self._timeouts += 1
        state = self._connection.state
        if self._timeouts > self._patience(state):
            self._connection.give_up("retransmissions")
            return
        sent = self.flight[0]
        sent.resent = True
        if state != "SYN_SENT" or self._timeouts > LINEAR_TIMEOUTS:
            self._backoff += 1
        if not sent.flags & SYN:
            self._cwnd = 1
        self._connection.transmit(sent.flags, sent.seq, sent.data, "retransmission")
        self._start(self._backed_off())

    def _patience(self, state: str) -> int:
        """How many times it is sent again before it is given up."""
        if state == "SYN_SENT":
            return SYN_RETRIES + LINEAR_TIMEOUTS
        if state == "SYN_RECV":
            return SYNACK_RETRIES
        return ORPHAN_RETRIES if self._connection.closed_by_us else RETRIES

    def _probe(self) -> None:
        """``tcp_send_probe0``: what the window still takes, or the byte before it."""
        window = self.una + self.wnd - self.nxt
        if window > 0:
            piece = bytes(self.queue[: min(window, self.mss)])
            del self.queue[: len(piece)]
            if len(piece) < self.mss:
                self._small_end = self.nxt + len(piece)
            self._backoff = 0
            self._launch(Sent(self.nxt, piece, ACK | PSH, self._world.now))
            self._watch()
            return
        self._probes += 1
        if self._probes > self._patience(self._connection.state):
            self._connection.give_up("zero-window-probes")
            return
        self._connection.transmit(ACK, self.una - 1, b"", "zero-window-probe")
        self._backoff = min(self._backoff + 1, RETRIES)
        self._start(self._backed_off(), probing=True)

    # What comes back ---------------------------------------------------------------------------------------

    def take_ack(self, packet: Tcp, seq: int, ack: int) -> bool:
        """An ACK came: whether it acknowledged our FIN. ``push`` is the caller's next step."""
        if ack > self.nxt:
            return False
        if ack > self.una or seq >= self._wl1:
            self.wnd = packet.window
            self._wl1 = max(self._wl1, seq)
        self._probes = 0
        finished = False
        if ack > self.una:
            finished = self._advance(ack)
        elif self.flight and not packet.length:
            self._dupacks += 1
            if self._dupacks == 3:
                self._retransmit_early()
        if self._probing:
            # An answered window probe: the next counts from its answer.
            self.stop()
        return finished

    def _advance(self, ack: int) -> bool:
        measured = False
        self.una = ack
        self._dupacks = 0
        while self.flight and self.flight[0].end <= ack:
            sent = self.flight.popleft()
            if not sent.flags & SYN:
                self._connection.confirms = True
            if not sent.resent and not measured:
                measured = True
                self.rtt.measure(self._world.now - sent.at, ack, self.nxt)
        self._cwnd = min(self._cwnd + 1, 4 * INITIAL_WINDOW)
        self._timeouts = self._backoff = 0
        self.stop()
        return self._fin_sent and not self.flight and ack == self.nxt

    def _retransmit_early(self) -> None:
        """Fast retransmit; the device knows no SACK, so the first segment it is."""
        sent = self.flight[0]
        sent.resent = True
        self._cwnd = max(2, self._cwnd // 2)
        self._connection.transmit(sent.flags, sent.seq, sent.data, "retransmission")
        self._start(self._backed_off())

    def clear(self) -> None:
        """The connection is over."""
        self.stop()
        self.flight.clear()
        self.queue.clear()
