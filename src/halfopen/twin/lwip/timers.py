"""lwIP's TCP timers without ticking: when something is due follows from the tick at which it began.

The fast timer runs every 250 ms while any connection is active or in TIME_WAIT, and every second run is also the slow
timer's (``tcp_tmr``). It starts with the first connection, so its phase is that connection's. A run is an event here
only when a connection wants something of it; which one that is, ``due_of`` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.lwip import doze, names, sending
from halfopen.twin.lwip import pcb as state
from halfopen.twin.lwip.pcb import Pcb
from halfopen.twin.world import MS, US, Timer

if TYPE_CHECKING:
    from halfopen.twin.lwip.tcp import TcpLayer

#: Shifts of the RTO by the number of retransmissions so far, and the pauses between zero-window probes in slow ticks
#: (``tcp_backoff`` and ``tcp_persist_backoff`` of tcp.c).
BACKOFF = (1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7)
PERSIST = (3, 6, 12, 24, 48, 96, 120)
#: A handshake that the peer never finishes (TCP_SYN_RCVD_TIMEOUT).
SYN_RCVD_MS = 20_000
#: lwIP's timers run in the TCP/IP task, after the first frame that the same tick brought in (stack.py, _HANDOVER_NS).
LATENCY_NS = 10 * US
#: netconn asks to be polled every second slow tick (NETCONN_TCP_POLL_INTERVAL).
POLL_TICKS = 2


class TcpTimers:
    """The timers of one stack. Fast ticks are counted from boot; the slow ones are the odd among them."""

    def __init__(self, tcp: TcpLayer) -> None:
        self._tcp = tcp
        self._world = tcp.stack.world
        self._fast_ns = tcp.stack.options.timer_ms * MS
        #: Milliseconds of a slow tick.
        self.slow_ms = 2 * tcp.stack.options.timer_ms
        self._base = 0
        self._base_count = 0
        #: The fast tick at which the timer stops when nothing needs it; ``None``: it is needed.
        self._stops_at: int | None = 0
        self._armed: Timer | None = None
        self._armed_for = 0
        self._keeps_awake = False

    def fast(self) -> int:
        """Fast ticks so far."""
        count = self._base_count + max(0, self._world.now - self._base - LATENCY_NS) // self._fast_ns
        return count if self._stops_at is None else min(count, self._stops_at)

    def ticks(self) -> int:
        """Slow ticks so far: lwIP's ``tcp_ticks``."""
        return (self.fast() + 1) // 2

    def time_of(self, fast: int) -> int:
        """When a fast tick happens (ns)."""
        return self._base + (fast - self._base_count) * self._fast_ns + LATENCY_NS

    def need(self) -> None:
        """``tcp_timer_needed``: a connection became active."""
        if self._stops_at is None:
            return
        if self.fast() >= self._stops_at:
            self._base_count = self._stops_at
            self._base = self._tcp.stack.tick_floor()
        self._stops_at = None

    def need_no_more(self) -> None:
        """The last connection is gone: the next fast tick is the last one."""
        if self._stops_at is None:
            self._stops_at = self.fast() + 1

    def slip(self, late_ns: int) -> None:
        """The processor lost ticks: everything that is still to come happens ``late_ns`` later."""
        self._base += late_ns
        if self._armed is not None:
            self._armed.cancel()
            self._armed = self._world.at(self.time_of(self._armed_for), self._run, self._armed_for)

    def touch(self, pcb: Pcb) -> None:
        """Something of ``pcb`` changed: find out anew when the timers have to look at it."""
        if pcb.doze is not None:
            doze.wake(self._tcp, pcb)
        pcb.due = due = self.plan(pcb)
        if due is None:
            return
        if self._armed is not None:
            if self._armed_for <= due:
                return
            self._armed.cancel()
        self._armed_for = due
        self._armed = self._world.at(self.time_of(due), self._run, due)

    def wake(self, pcb: Pcb) -> None:
        """Somebody else changes something of a dozing connection: give it its timer back."""
        self._keeps_awake = True
        self.touch(pcb)
        self._keeps_awake = False

    def plan(self, pcb: Pcb) -> int | None:
        """``due_of``, or ``None`` for a connection that may doze from now on."""
        if not self._keeps_awake and doze.is_idle(pcb) and doze.begin(self._tcp, pcb):
            return None
        return self.due_of(pcb)

    def due_of(self, pcb: Pcb) -> int | None:
        """The next fast tick at which ``pcb`` has to be looked at."""
        if pcb.state == state.LISTEN or pcb.state == state.CLOSED or pcb.doze is not None:
            return None
        fast = self.fast()
        if pcb.ack_delayed or pcb.close_pending or pcb.refused is not None:
            return fast + 1
        slow = self._slow_due_of(pcb, (fast + 1) // 2)
        return None if slow is None else max(2 * slow - 1, fast + 1)

    def _slow_due_of(self, pcb: Pcb, now: int) -> int | None:
        """The next slow tick at which ``pcb`` has to be looked at; everything counts from ``now`` + 1."""
        options, slow_ms = self._tcp.stack.options, self.slow_ms
        if pcb.state == state.TIME_WAIT:
            return int(pcb.tmr + 2 * options.msl_ms // slow_ms + 1)
        found: list[int] = []
        if pcb.nrtx >= (options.synmaxrtx if pcb.state == state.SYN_SENT else options.maxrtx):
            found.append(now + 1)
        if pcb.persist_backoff:
            found.append(pcb.persist_from + PERSIST[pcb.persist_backoff - 1])
        elif pcb.rtx_from is not None:
            found.append(pcb.rtx_from + pcb.rto)
        if pcb.state == state.FIN_WAIT_2 and pcb.rx_closed:
            found.append(pcb.tmr + options.fin_wait_ms // slow_ms + 1)
        elif pcb.state == state.SYN_RCVD:
            found.append(pcb.tmr + SYN_RCVD_MS // slow_ms + 1)
        elif pcb.state == state.LAST_ACK:
            found.append(pcb.tmr + 2 * options.msl_ms // slow_ms + 1)
        if self._probes(pcb):
            waited = min(pcb.keep_sent, pcb.keep_count) * pcb.keep_interval_ms
            found.append(pcb.tmr + (pcb.keep_idle_ms + waited) // slow_ms + 1)
        if pcb.unsent or (pcb.conn is not None and pcb.conn.wants_poll):
            found.append(now + POLL_TICKS - (now - pcb.poll_from) % POLL_TICKS)
        return max(min(found), now + 1) if found else None

    def _run(self, fast: int) -> None:
        """One run of ``tcp_tmr``."""
        self._armed = None
        tcp = self._tcp
        for pcb in list(tcp.active):
            if pcb.due is not None and pcb.due <= fast and pcb in tcp.active:
                self._fast_run(pcb)
        if fast % 2:
            for pcb in list(tcp.active):
                if pcb.due is not None and pcb.due <= fast and pcb in tcp.active:
                    self._slow_run(pcb, (fast + 1) // 2)
            for pcb in list(tcp.time_wait):
                if pcb.due is not None and pcb.due <= fast:
                    tcp.ended(pcb, None, "time-wait-over")
        for pcb in (*tcp.active, *tcp.time_wait):
            if pcb.due is not None and pcb.due <= fast:
                pcb.due = self.plan(pcb)
        due = min((pcb.due for pcb in (*tcp.active, *tcp.time_wait) if pcb.due is not None), default=None)
        if due is not None:
            if self._armed is not None:
                if self._armed_for <= due:
                    return
                self._armed.cancel()
            self._armed_for = due
            self._armed = self._world.at(self.time_of(due), self._run, due)

    def _fast_run(self, pcb: Pcb) -> None:
        """``tcp_fasttmr``: delayed ACKs, a FIN that found no memory, data that found the mailbox full."""
        tcp = self._tcp
        if pcb.ack_delayed:
            pcb.ack_now = True
            sending.output(tcp, pcb)
            pcb.ack_delayed = pcb.ack_now = False
        if pcb.close_pending:
            pcb.close_pending = False
            tcp.finish(pcb)
        if pcb.refused is not None:
            tcp.offer_refused(pcb)

    def _slow_run(self, pcb: Pcb, now: int) -> None:
        """``tcp_slowtmr`` for one connection."""
        tcp = self._tcp
        options = tcp.stack.options
        why = ""
        if pcb.nrtx >= (options.synmaxrtx if pcb.state == state.SYN_SENT else options.maxrtx):
            why = "retransmissions"
        elif pcb.persist_backoff:
            why = self._persist(pcb, now)
        elif pcb.rtx_from is not None and now >= pcb.rtx_from + pcb.rto:
            self._retransmit(pcb, now)
        idle = now - pcb.tmr
        send_reset = False
        if pcb.state == state.FIN_WAIT_2 and pcb.rx_closed and idle > options.fin_wait_ms // self.slow_ms:
            why = "fin-wait-2"
        if self._probes(pcb) and not why:
            why = self._probe(pcb, idle)
            send_reset = bool(why)
        if pcb.state == state.SYN_RCVD and idle > SYN_RCVD_MS // self.slow_ms:
            why = "handshake-unfinished"
        if pcb.state == state.LAST_ACK and idle > 2 * options.msl_ms // self.slow_ms:
            why = "last-ack"
        if why:
            if send_reset:
                sending.reset(tcp, pcb.flow, pcb.snd_nxt, pcb.rcv_nxt, why)
            tcp.ended(pcb, names.ABRT, why)
        elif (now - pcb.poll_from) % POLL_TICKS == 0 and now > pcb.poll_from:
            if pcb.on_poll is not None:
                pcb.on_poll()
            if pcb in tcp.active:
                sending.output(tcp, pcb)

    def _persist(self, pcb: Pcb, now: int) -> str:
        """The persist timer: a zero-window probe, or what fits into a window smaller than the first segment."""
        tcp = self._tcp
        if pcb.persist_probes >= tcp.stack.options.maxrtx:
            return "zero-window-probes"
        if now < pcb.persist_from + PERSIST[pcb.persist_backoff - 1]:
            return ""
        if pcb.snd_wnd == 0:
            advance = sending.zero_window_probe(tcp, pcb)
        else:
            advance = True
            if sending.split_unsent(tcp, pcb, pcb.snd_wnd) and sending.output(tcp, pcb) == names.OK:
                advance = False
        if advance:
            pcb.persist_from = now
            pcb.persist_backoff = min(pcb.persist_backoff + 1, len(PERSIST))
        return ""

    def _retransmit(self, pcb: Pcb, now: int) -> None:
        tcp = self._tcp
        if not sending.retransmit_all(tcp, pcb) and (pcb.unacked or not pcb.unsent):
            return
        if pcb.state != state.SYN_SENT:
            shift = BACKOFF[min(pcb.nrtx, len(BACKOFF) - 1)]
            pcb.rto = min(((pcb.sa >> 3) + pcb.sv) << shift, 0x7FFF)
        pcb.rtx_from = now
        pcb.ssthresh = max(min(pcb.cwnd, pcb.snd_wnd) >> 1, 2 * pcb.mss)
        pcb.cwnd = pcb.mss
        pcb.bytes_acked = 0
        pcb.nrtx += 1
        sending.output(tcp, pcb)

    @staticmethod
    def _probes(pcb: Pcb) -> bool:
        """Whether keepalive watches a connection.

        Not while the persist timer does: FACTS, "peer alive, window zero: never; keepalive does not help".
        """
        return bool(pcb.keepalive and pcb.state in state.PROBING and not pcb.persist_backoff)

    def _probe(self, pcb: Pcb, idle: int) -> str:
        """Keepalive: probe, or give up."""
        if idle > (pcb.keep_idle_ms + pcb.keep_count * pcb.keep_interval_ms) // self.slow_ms:
            return "keepalive"
        if idle > (
            pcb.keep_idle_ms + pcb.keep_sent * pcb.keep_interval_ms
        ) // self.slow_ms and sending.keepalive(self._tcp, pcb):
            pcb.keep_sent += 1
        return ""
