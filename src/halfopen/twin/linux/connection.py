"""One TCP connection of a Linux host: how it acknowledges, retransmits, probes, and how it ends.

Sequence numbers are unbounded integers here as in the device's PCB.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from halfopen.twin.linux.acknowledging import Acknowledging
from halfopen.twin.linux.rtt import RTO_INIT_NS, RTO_MAX_NS, RoundTrip
from halfopen.twin.linux.window import MSS, ReceiveWindow, true_size
from halfopen.twin.packets import ACK, FIN, PSH, RST, SYN, Tcp, unwrapped
from halfopen.twin.world import SECOND, Timer

if TYPE_CHECKING:
    from halfopen.twin.linux.host import Host
    from halfopen.twin.linux.services import Service

#: tcp_syn_retries, tcp_synack_retries, tcp_syn_linear_timeouts, tcp_retries2; initial window in segments.
SYN_RETRIES, SYNACK_RETRIES, LINEAR_TIMEOUTS, RETRIES, INITIAL_WINDOW = 6, 5, 4, 15, 10
#: TCP_TIMEWAIT_LEN, also what an orphan stays in FIN_WAIT_2 (tcp_fin_timeout).
TIME_WAIT_NS = 60 * SECOND


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


class Connection:
    """A connection. ``service`` hears what happens; applications use ``send``, ``close``, ``abort``, ``stall``."""

    def __init__(self, host: Host, remote_ip: str, remote_port: int, port: int, service: Service) -> None:
        self.host = host
        self.world = host.world
        self.ip = host.ip
        self.port = port
        self.remote_ip = remote_ip
        self.remote_port = remote_port
        self.service = service
        self.state = "CLOSED"
        self.opened_at = host.world.now
        self.reading = True
        self.closed_by_us = False
        self.accepted = False
        chance = host.chance
        first = chance.between(1, 0xFFFFFFFF)
        self.snd_una = self.snd_nxt = first
        self.snd_wnd = 0
        self.snd_wl1 = 0
        self.mss = MSS
        self.rcv_nxt = 0
        self.window = ReceiveWindow(service.receive_buffer)
        self.acks = Acknowledging(self)
        self.rtt = RoundTrip()
        self._queue = bytearray()
        self._fin_wanted = False
        self._fin_sent = False
        self._small_end = first
        self._flight: deque[Sent] = deque()
        self._unread: deque[bytes] = deque()
        self._fin_received = False
        self._out_of_order: list[tuple[int, bytes, bool]] = []
        self._timer: Timer | None = None
        self._timer_kind = ""
        self._backoff = 0
        self._timeouts = 0
        self._probes = 0
        self._dupacks = 0
        self._cwnd = INITIAL_WINDOW
        self._first_timeout: int | None = None
        self._number = chance.between(0, 0xFFFF)
        self._keepalive: Timer | None = None
        self._heard = self.world.now
        self._keep_sent = 0
        self.confirms = False
        self._wake: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<{self.state} {self.port}→{self.remote_ip}:{self.remote_port}>"

    # Opening -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Active open: send the SYN."""
        self.state = "SYN_SENT"
        self._launch(Sent(self.snd_nxt, b"", SYN, self.world.now))
        self._start("rto", RTO_INIT_NS)

    def opened_by(self, packet: Tcp) -> None:
        """Passive open: a SYN came."""
        self.state = "SYN_RECV"
        self.rcv_nxt = packet.seq + 1
        self.snd_wnd = packet.window
        self.snd_wl1 = packet.seq
        self.mss = min(packet.mss or 536, MSS)
        self.window.start(self.rcv_nxt)
        self._launch(Sent(self.snd_nxt, b"", SYN | ACK, self.world.now))
        self._start("rto", RTO_INIT_NS)

    def _establish(self) -> None:
        self.state = "ESTABLISHED"
        self._arm_keepalive()
        self.service.connected(self)

    # What applications do ----------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Write: sent as windows, Nagle and the congestion window allow."""
        if self.state in ("ESTABLISHED", "CLOSE_WAIT", "SYN_RECV", "SYN_SENT") and not self._fin_wanted:
            self._queue += data
            self._push()

    @property
    def unsent(self) -> int:
        """Bytes written and not yet sent."""
        return len(self._queue)

    def close(self) -> None:
        """``close()``: FIN after what was written; RST when something was never read."""
        if self.state in ("CLOSED", "TIME_WAIT") or self.closed_by_us:
            return
        self.closed_by_us = True
        if self._unread:
            self._unread.clear()
            self.window.memory = 0
            self.abort("closed-with-unread-data")
            return
        self._fin_wanted = True
        self._push()

    def abort(self, why: str = "aborted") -> None:
        """Reset the connection."""
        if self.state not in ("CLOSED", "TIME_WAIT"):
            self.transmit(RST | ACK, self.snd_nxt, b"", why)
        self.end(why)

    def stall(self, stalled: bool) -> None:
        """Stop reading, or read on what has come meanwhile."""
        self.reading = not stalled
        if self.reading:
            self._read()

    def _read(self) -> None:
        """The application reads all there is."""
        while self._unread and self.reading and self.state != "CLOSED":
            data = self._unread.popleft()
            self.window.give(true_size(len(data)))
            self.acks.copied(len(data), emptied=not self._unread)
            self.service.received(self, data)
        if self._fin_received and not self._unread and self.reading and self.state != "CLOSED":
            self._fin_received = False
            self.service.ended(self)

    # Dozing ------------------------------------------------------------------------------------------------

    def is_quiet(self) -> bool:
        """Whether a keepalive probe would be answered and nothing else is going on here."""
        return (
            self.state == "ESTABLISHED"
            and not self._flight
            and not self._queue
            and self._keepalive is None
            and not self.acks.pending
        )

    def doze(self, wake: Callable[[], None]) -> None:
        """Probes are answered in closed form; ``wake`` is called before anything changes here."""
        self._wake = wake

    def awake(self, probes: int, last_at: int) -> Tcp:
        """``probes`` were answered so; the answer to one more."""
        self._wake = None
        if probes:
            self._heard = max(self._heard, last_at)
            self._number = (self._number + probes) & 0xFFFF
        return Tcp(
            self.ip,
            self.port,
            self.remote_ip,
            self.remote_port,
            ACK,
            self.snd_nxt,
            self.rcv_nxt,
            self.window.select(self.rcv_nxt),
        )

    def _rouse(self) -> None:
        if self._wake is not None:
            self._wake()

    # Sending -----------------------------------------------------------------------------------------------

    def transmit(self, flags: int, seq: int, data: bytes, why: str = "") -> None:
        """Build and send one segment."""
        self._rouse()
        offered = self.window.select(self.rcv_nxt) if flags & ACK and not flags & SYN else self.window.window
        packet = Tcp(
            self.ip,
            self.port,
            self.remote_ip,
            self.remote_port,
            flags,
            seq,
            self.rcv_nxt if flags & ACK else 0,
            offered,
            data,
            MSS if flags & SYN else 0,
            why,
        )
        if flags & SYN:
            if not flags & ACK:
                packet.options = self.host.syn_options()
                packet.number = self._take_number()
        else:
            packet.number = self._take_number()
        if flags & ACK:
            self.acks.sent(bool(data))
        confirms, self.confirms = self.confirms or flags == SYN | ACK, False
        self.host.send(packet, confirms=confirms)

    def _take_number(self) -> int:
        self._number = (self._number + 1) & 0xFFFF
        return self._number

    def _launch(self, sent: Sent, why: str = "") -> None:
        self._flight.append(sent)
        self.snd_nxt = max(self.snd_nxt, sent.end)
        self.transmit(sent.flags, sent.seq, sent.data, why)

    def _push(self) -> None:
        """``tcp_write_xmit``: send what may go, then the FIN."""
        if self.state in ("CLOSED", "SYN_SENT", "SYN_RECV", "TIME_WAIT"):
            return
        while self._queue:
            size = self._sendable()
            if not size:
                break
            several = size > self.mss
            at_end = size == len(self._queue)
            for start in range(0, size, self.mss):
                piece = bytes(self._queue[start : min(start + self.mss, size)])
                last = start + len(piece) == size
                flags = ACK | (PSH if last and (several or at_end) else 0)
                if last and at_end and self._fin_wanted:
                    flags |= FIN
                    self._note_fin()
                if len(piece) < self.mss:
                    self._small_end = self.snd_nxt + len(piece)
                self._launch(Sent(self.snd_nxt, piece, flags, self.world.now))
            del self._queue[:size]
        if self._fin_wanted and not self._fin_sent and not self._queue:
            self._note_fin()
            self._launch(Sent(self.snd_nxt, b"", FIN | ACK, self.world.now))
        self._watch()

    def _note_fin(self) -> None:
        self._fin_sent = True
        self.state = "FIN_WAIT_1" if self.state == "ESTABLISHED" else "LAST_ACK"

    def _sendable(self) -> int:
        """How many bytes may go now: the peer's window, the congestion window, and Nagle with Minshall's variation."""
        queued = len(self._queue)
        window = self.snd_una + self.snd_wnd - self.snd_nxt
        room = (self._cwnd - len(self._flight)) * self.mss
        small_outstanding = self.snd_una < self._small_end <= self.snd_nxt and bool(self._flight)
        if room <= 0:
            return 0
        if queued <= self.mss:
            blocked = queued < self.mss and small_outstanding and not self._fin_wanted
            return 0 if blocked or queued > window else queued
        if window < self.mss:
            return 0
        size = min(queued, window, room)
        partial = size % self.mss
        return size - partial if partial and small_outstanding else size

    # Timers ------------------------------------------------------------------------------------------------

    def _start(self, kind: str, delay: int) -> None:
        self._stop()
        self._timer_kind = kind
        self._timer = self.host.jiffies.after(delay, self._expired)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        """See that a timer runs which fits what is outstanding."""
        if self._flight:
            if self._timer is None or self._timer_kind != "rto":
                self._start("rto", self._backed_off())
        elif self._queue:
            if self._timer is None or self._timer_kind != "probe":
                self._start("probe", self._backed_off())
        elif self._timer_kind in ("rto", "probe"):
            self._stop()

    def _backed_off(self) -> int:
        return min(self.rtt.rto_ns << self._backoff, RTO_MAX_NS)

    def _expired(self) -> None:
        self._timer = None
        if self._timer_kind == "rto":
            self._retransmit_late()
        elif self._timer_kind == "probe":
            self._probe()
        else:
            self.end("time-wait-over")

    def _retransmit_late(self) -> None:
        self._timeouts += 1
        if self._first_timeout is None:
            self._first_timeout = self.world.now
        if self._given_up():
            self.service.failed(self, "timeout")
            self.end("retransmissions")
            return
        sent = self._flight[0]
        sent.resent = True
        linear = self.state == "SYN_SENT" and self._timeouts <= LINEAR_TIMEOUTS
        if not linear:
            self._backoff += 1
        if not sent.flags & SYN:
            self._cwnd = 1
        self.transmit(sent.flags, sent.seq, sent.data, "retransmission")
        self._start("rto", self._backed_off())

    def _given_up(self) -> bool:
        if self.state == "SYN_SENT":
            return self._timeouts > SYN_RETRIES + LINEAR_TIMEOUTS
        if self.state == "SYN_RECV":
            return self._timeouts > SYNACK_RETRIES
        return self._timeouts > RETRIES

    def _probe(self) -> None:
        """``tcp_send_probe0``: what the window still takes, or the byte before it."""
        if self._flight or not self._queue:
            return
        window = self.snd_una + self.snd_wnd - self.snd_nxt
        if window > 0:
            piece = bytes(self._queue[: min(window, self.mss)])
            del self._queue[: len(piece)]
            if len(piece) < self.mss:
                self._small_end = self.snd_nxt + len(piece)
            self._backoff = 0
            self._launch(Sent(self.snd_nxt, piece, ACK | PSH, self.world.now))
            self._watch()
            return
        self._probes += 1
        if self._probes > RETRIES:
            self.service.failed(self, "timeout")
            self.end("zero-window-probes")
            return
        self.transmit(ACK, self.snd_una - 1, b"", "zero-window-probe")
        self._backoff = min(self._backoff + 1, RETRIES)
        self._start("probe", self._backed_off())

    # Keepalive ---------------------------------------------------------------------------------------------

    def _arm_keepalive(self) -> None:
        setting = self.service.keepalive
        if setting is None or self._keepalive is not None:
            return
        self._keepalive = self.host.jiffies.after(setting[0] * SECOND, self._keep)

    def _keep(self) -> None:
        self._keepalive = None
        setting = self.service.keepalive
        if setting is None or self.state not in ("ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_1", "FIN_WAIT_2"):
            return
        idle_s, interval_s, count = setting
        # Linux leaves the question to retransmission while anything is unacknowledged.
        elapsed = self.world.now - self._heard
        if self._flight or self._queue or elapsed < idle_s * SECOND:
            again = idle_s * SECOND if self._flight or self._queue else idle_s * SECOND - elapsed
            self._keepalive = self.host.jiffies.after(again, self._keep)
            return
        if self._keep_sent >= count:
            self.service.failed(self, "timeout")
            self.abort("keepalive")
            return
        self._keep_sent += 1
        self.transmit(ACK, self.snd_nxt - 1, b"", "keep-alive")
        self._keepalive = self.host.jiffies.after(interval_s * SECOND, self._keep)

    # Receiving ---------------------------------------------------------------------------------------------

    def receive(self, packet: Tcp) -> None:
        """A segment of this connection."""
        seq = unwrapped(packet.seq, self.rcv_nxt)
        ack = unwrapped(packet.ack, self.snd_una)
        if self.state == "SYN_SENT":
            self._in_syn_sent(packet, ack)
            return
        if packet.flags & RST:
            if seq == self.rcv_nxt:
                self.service.failed(self, "reset")
                self.end("reset-by-peer")
            return
        self._heard = self.world.now
        self._keep_sent = 0
        if packet.flags & SYN:
            if self.state == "SYN_RECV" and seq == self.rcv_nxt - 1:
                self.transmit(SYN | ACK, self._flight[0].seq, b"", "retransmission")
            else:
                self.acks.now()
            return
        end = seq + packet.length
        if seq > self.window.right_edge or (end < self.rcv_nxt) or (not packet.length and seq < self.rcv_nxt):
            # Outside the window, an old duplicate, or a probe: tell where we are.
            if packet.flags & ACK:
                self._take_ack(packet, seq, ack)
            if self.state != "CLOSED":
                self.acks.now()
            return
        if packet.flags & ACK:
            if self.state == "SYN_RECV":
                if ack != self.snd_nxt:
                    self.host.refuse_segment(packet)
                    return
                self.snd_wl1 = seq
                self._take_ack(packet, seq, ack)
                self._establish()
            else:
                self._take_ack(packet, seq, ack)
        if self.closed_by_us and packet.data and seq + len(packet.data) > self.rcv_nxt:
            # Nobody will ever read it (TCPABORTONDATA).
            self.host.refuse_segment(packet)
            self.end("data-after-close")
        elif self.state != "CLOSED" and packet.length:
            self._take_data(packet, seq)

    def _in_syn_sent(self, packet: Tcp, ack: int) -> None:
        acceptable = packet.flags & ACK and ack == self.snd_nxt
        if packet.flags & RST:
            if acceptable:
                self.service.failed(self, "refused")
                self.end("refused")
            return
        if packet.flags & ACK and not acceptable:
            self.host.refuse_segment(packet)
            return
        if not packet.flags & SYN:
            return
        sent = self._flight.popleft()
        if not sent.resent:
            self.rtt.measure(self.world.now - sent.at, self.snd_nxt, self.snd_nxt)
        self._stop()
        self._backoff = self._timeouts = 0
        self._first_timeout = None
        self.snd_una = ack
        self.snd_wnd = packet.window
        self.rcv_nxt = packet.seq + 1
        self.snd_wl1 = packet.seq
        self.mss = min(packet.mss or 536, MSS)
        self.window.start(self.rcv_nxt)
        self.confirms = True
        self.transmit(ACK, self.snd_nxt, b"")
        self._establish()

    def _take_ack(self, packet: Tcp, seq: int, ack: int) -> None:
        if ack > self.snd_nxt:
            return
        if ack > self.snd_una or seq > self.snd_wl1 or (seq == self.snd_wl1 and packet.window > self.snd_wnd):
            self.snd_wnd = packet.window
            self.snd_wl1 = seq
        elif seq == self.snd_wl1 and ack == self.snd_una:
            self.snd_wnd = packet.window
        self._probes = 0
        if ack > self.snd_una:
            self._advance(ack)
        elif ack == self.snd_una and self._flight and not packet.length:
            self._dupacks += 1
            if self._dupacks == 3:
                self._retransmit_early()
        if self.state == "CLOSED":
            return
        self._after_ack()

    def _advance(self, ack: int) -> None:
        had_data = False
        measured = False
        self.snd_una = ack
        self._dupacks = 0
        while self._flight and self._flight[0].end <= ack:
            sent = self._flight.popleft()
            had_data = had_data or not sent.flags & SYN
            if not sent.resent and not measured:
                measured = True
                self.rtt.measure(self.world.now - sent.at, ack, self.snd_nxt)
        self._cwnd = min(self._cwnd + 1, 4 * INITIAL_WINDOW)
        self._timeouts = self._backoff = 0
        self._first_timeout = None
        if had_data:
            self.confirms = True
        self._stop()
        if self._fin_sent and not self._flight and ack == self.snd_nxt:
            self._fin_acknowledged()

    def _fin_acknowledged(self) -> None:
        if self.state == "FIN_WAIT_1":
            self.state = "FIN_WAIT_2"
            self._start("time-wait", TIME_WAIT_NS)
        elif self.state == "CLOSING":
            self._rest()
        elif self.state == "LAST_ACK":
            self.end("closed")

    def _after_ack(self) -> None:
        """Send on, and see to the timers; an answered window probe counts from its answer."""
        if self._timer_kind == "probe" and self._timer is not None:
            self._stop()
        self.service.writable(self)
        self._push()

    def _retransmit_early(self) -> None:
        """Fast retransmit; the device knows no SACK, so the first segment it is."""
        sent = self._flight[0]
        sent.resent = True
        self._cwnd = max(2, self._cwnd // 2)
        self.transmit(sent.flags, sent.seq, sent.data, "retransmission")
        self._start("rto", self._backed_off())

    def _take_data(self, packet: Tcp, seq: int) -> None:
        if seq > self.rcv_nxt:
            self._out_of_order.append((seq, packet.data, bool(packet.flags & FIN)))
            self._out_of_order.sort(key=lambda entry: entry[0])
            self.acks.now()
            return
        data = packet.data[self.rcv_nxt - seq :]
        room = self.window.right_edge - self.rcv_nxt
        if data and room <= 0:
            # A zero-window probe: one byte beyond what was offered.
            self.acks.now()
            return
        if data:
            data = data[:room]
            self._queue_up(data)
        fin = bool(packet.flags & FIN) and len(data) == len(packet.data[self.rcv_nxt - seq - len(data) :])
        while self._out_of_order and self._out_of_order[0][0] <= self.rcv_nxt and not fin:
            at, piece, ends = self._out_of_order.pop(0)
            end = at + len(piece)
            if end > self.rcv_nxt:
                self._queue_up(piece[self.rcv_nxt - at :])
            fin = ends and end == self.rcv_nxt
        if fin:
            self._take_fin()
        elif data:
            self.acks.decide()
        if self.state != "CLOSED":
            self.host.wake_reader(self)

    def _queue_up(self, data: bytes) -> None:
        self.rcv_nxt += len(data)
        self.window.take(len(data))
        self.acks.arrived(len(data))
        self._unread.append(data)

    def _take_fin(self) -> None:
        self.rcv_nxt += 1
        self._fin_received = True
        self.acks.fin_came()
        if self.state == "ESTABLISHED":
            self.state = "CLOSE_WAIT"
            self.acks.decide()
        elif self.state == "FIN_WAIT_1":
            self.state = "CLOSING"
            self.acks.now()
        elif self.state == "FIN_WAIT_2":
            self.acks.now()
            self._rest()
        elif self.state == "TIME_WAIT":
            self.acks.now()

    def read_now(self) -> None:
        """The application's turn."""
        if self.reading and self.state != "CLOSED":
            self._read()

    # Ending ------------------------------------------------------------------------------------------------

    def _rest(self) -> None:
        self.state = "TIME_WAIT"
        self._start("time-wait", TIME_WAIT_NS)

    def end(self, why: str) -> None:
        """Nothing of it is left."""
        if self.state == "CLOSED":
            return
        self._rouse()
        self.state = "CLOSED"
        self._stop()
        self.acks.stop()
        if self._keepalive is not None:
            self._keepalive.cancel()
            self._keepalive = None
        self._flight.clear()
        self._queue.clear()
        self._unread.clear()
        self.host.forget(self, why)
