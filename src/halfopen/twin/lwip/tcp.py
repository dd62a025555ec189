"""lwIP's TCP (``tcp.c``): which connections there are, how they begin and how they end.

Lists are newest first, as lwIP links them; a connection that gets a segment moves to the front. That order is the order
in which timers serve them, so it shows in captures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.lwip import names, sending
from halfopen.twin.lwip import pcb as state
from halfopen.twin.lwip.pcb import Pcb, Segment
from halfopen.twin.lwip.timers import TcpTimers
from halfopen.twin.packets import SYN

if TYPE_CHECKING:
    from halfopen.twin.lwip.stack import Stack

#: Local ports of outgoing connections, and the size of their range (TCP_LOCAL_PORT_RANGE of tcp.c).
_PORT_LOW, _PORTS = 0xC000, 0x4000


class TcpLayer:
    """The TCP module of one stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.active: list[Pcb] = []
        self.time_wait: list[Pcb] = []
        self.listening: list[Pcb] = []
        #: The connection whose segment is being processed: it sends only when that is done.
        self.input_pcb: Pcb | None = None
        self.timers = TcpTimers(self)
        self._chance = stack.world.chance(f"{stack.name} tcp")
        self._port = _PORT_LOW + self._chance.between(0, _PORTS - 1)

    # Memory ------------------------------------------------------------------------------------------------

    def allocate(self, priority: int = state.PRIORITY_NORMAL) -> Pcb | None:
        """``tcp_alloc``: a new block; for want of memory others die for it, in lwIP's order."""
        options = self.stack.options
        take = self.stack.heap.take
        address = take(options.sizes.pcb, "tcp_pcb")
        if address is None:
            for kill in (self._kill_time_wait, self._kill_last_ack, self._kill_closing, self._kill_lower):
                kill(priority)
                address = take(options.sizes.pcb, "tcp_pcb")
                if address is not None:
                    break
        if address is None:
            self.note("heap-refused", what_for="tcp_pcb")
            return None
        rto = max(1, options.rto_ms // self.timers.slow_ms)
        pcb = Pcb(address, options.mss, options.window, options.send_buffer, rto)
        pcb.priority = priority
        pcb.tmr = self.timers.ticks()
        pcb.born_at = self.stack.world.now
        return pcb

    def _kill_time_wait(self, _priority: int) -> None:
        if self.time_wait:
            self.abort(self._oldest(self.time_wait), "killed-for-memory")

    def _kill_last_ack(self, _priority: int) -> None:
        self._kill_state(state.LAST_ACK)

    def _kill_closing(self, _priority: int) -> None:
        self._kill_state(state.CLOSING)

    def _kill_state(self, wanted: str) -> None:
        found = [pcb for pcb in self.active if pcb.state == wanted]
        if found:
            self.abort(self._oldest(found), "killed-for-memory", send_reset=False)

    def _kill_lower(self, priority: int) -> None:
        lower = [pcb for pcb in self.active if pcb.priority < priority]
        if lower:
            least = min(pcb.priority for pcb in lower)
            self.abort(self._oldest([pcb for pcb in lower if pcb.priority == least]), "killed-for-memory")

    def _oldest(self, pcbs: list[Pcb]) -> Pcb:
        """The one that was silent for longest; of several the last in the list."""
        now = self.timers.ticks()
        return max(enumerate(pcbs), key=lambda entry: (now - entry[1].tmr, entry[0]))[1]

    def take_segment(self, room: int) -> int | None:
        """Heap for a segment with ``room`` bytes of data."""
        sizes = self.stack.options.sizes
        return self.stack.heap.take(sizes.segment + sizes.pbuf + room, "tcp_seg")

    def free_segment(self, segment: Segment) -> None:
        """Give a segment's memory back."""
        if segment.address is not None:
            self.stack.heap.give(segment.address)
            segment.address = None

    # Lists -------------------------------------------------------------------------------------------------

    def find(self, flow: tuple[str, int, str, int]) -> Pcb | None:
        """The active connection of a flow, moved to the front of the list."""
        _, local, remote_ip, remote = flow
        for at, pcb in enumerate(self.active):
            if pcb.remote_port == remote and pcb.local_port == local and pcb.remote_ip == remote_ip:
                if at:
                    del self.active[at]
                    self.active.insert(0, pcb)
                return pcb
        return None

    def register(self, pcb: Pcb) -> None:
        """``TCP_REG_ACTIVE``."""
        self.active.insert(0, pcb)
        self.timers.need()

    def initial_sequence(self) -> int:
        """Where a new connection's sequence numbers start."""
        return self._chance.between(1, 0xFFFFFFFF)

    def note(self, what: str, **facts: object) -> None:
        """One fact more in the truth."""
        self.stack.note(what, **facts)

    # Beginning ---------------------------------------------------------------------------------------------

    def connect(self, pcb: Pcb, ip: str, port: int) -> str:
        """``tcp_connect``: queue and send the SYN."""
        if pcb.state != state.CLOSED:
            return names.IS_CONN
        if not self.stack.routes(ip):
            return names.RTE
        pcb.remote_ip, pcb.remote_port = ip, port
        pcb.local_ip = self.stack.ip
        if not pcb.local_port:
            pcb.local_port = self._new_port()
        first = self.initial_sequence()
        pcb.rcv_nxt = 0
        pcb.snd_nxt = first
        pcb.last_ack = first - 1
        pcb.snd_wl2 = first - 1
        pcb.snd_lbb = first - 1
        pcb.rcv_ann_edge = pcb.rcv_nxt
        pcb.snd_wnd = self.stack.options.window
        pcb.cwnd = 1
        if sending.enqueue_flags(self, pcb, SYN) != names.OK:
            return names.MEM
        pcb.move("connect")
        self.register(pcb)
        sending.output(self, pcb)
        self.timers.touch(pcb)
        return names.OK

    def _new_port(self) -> int:
        used = {pcb.local_port for pcb in (*self.active, *self.time_wait, *self.listening)}
        for _ in range(_PORTS):
            self._port = _PORT_LOW + (self._port + 1 - _PORT_LOW) % _PORTS
            if self._port not in used:
                break
        return self._port

    def bind(self, pcb: Pcb, port: int, reuse: bool) -> str:
        """``tcp_bind``: taken when listening there, and by TIME_WAIT too unless SO_REUSEADDR is set."""
        others = (*self.listening, *(() if reuse else (*self.active, *self.time_wait)))
        if port and any(other.local_port == port for other in others):
            return names.USE
        pcb.local_port = port or self._new_port()
        return names.OK

    def listen(self, pcb: Pcb, backlog: int) -> str:
        """``tcp_listen_with_backlog``: the block becomes a smaller one, as lwIP's does."""
        if pcb.state != state.CLOSED:
            return names.ALREADY
        if pcb.address is not None:
            self.stack.heap.give(pcb.address)
        pcb.address = self.stack.heap.take(self.stack.options.sizes.listening_pcb, "tcp_pcb_listen")
        pcb.state = state.LISTEN
        pcb.backlog = max(1, min(backlog, 255))
        self.listening.insert(0, pcb)
        return names.OK

    def backlog_accepted(self, pcb: Pcb) -> None:
        """``tcp_backlog_accepted``: one place in the listener's backlog is free again."""
        if pcb.backlog_pending and pcb.listener is not None:
            pcb.listener.pending_accepts -= 1
            pcb.backlog_pending = False

    def backlog_delayed(self, pcb: Pcb) -> None:
        """``tcp_backlog_delayed``: until the application accepts, it counts."""
        if not pcb.backlog_pending and pcb.listener is not None:
            pcb.backlog_pending = True
            pcb.listener.pending_accepts += 1

    # Receiving ---------------------------------------------------------------------------------------------

    def announce_window(self, pcb: Pcb) -> int:
        """``tcp_update_rcv_ann_wnd``: by how much the announced right edge moves; small steps are kept back."""
        edge = pcb.rcv_nxt + pcb.rcv_wnd
        if edge >= pcb.rcv_ann_edge + min(self.stack.options.window // 2, pcb.mss):
            pcb.rcv_ann_wnd = pcb.rcv_wnd
            return edge - pcb.rcv_ann_edge
        pcb.rcv_ann_wnd = max(0, pcb.rcv_ann_edge - pcb.rcv_nxt)
        return 0

    def received(self, pcb: Pcb, length: int) -> None:
        """``tcp_recved``: the application took ``length`` bytes."""
        options = self.stack.options
        pcb.rcv_wnd = min(pcb.rcv_wnd + length, options.window)
        owed = pcb.ack_delayed or pcb.ack_now
        if self.announce_window(pcb) >= min(options.window // 4, options.mss * 4):
            pcb.ack_now = True
            sending.output(self, pcb, "" if owed else "window-update")
        self.timers.touch(pcb)

    def offer_refused(self, pcb: Pcb) -> None:
        """``tcp_process_refused_data``: offer what the full mailbox did not take."""
        data, pcb.refused = pcb.refused, None
        if data is None:
            return
        if pcb.on_receive is None or not pcb.on_receive(data):
            if pcb.on_receive is None:
                self.received(pcb, len(data))
            else:
                pcb.refused = data
            return
        if pcb.refused_fin:
            pcb.refused_fin = False
            pcb.rcv_wnd = min(pcb.rcv_wnd + 1, self.stack.options.window)
            pcb.on_receive(None)

    # Ending ------------------------------------------------------------------------------------------------

    def close(self, pcb: Pcb) -> str:
        """``tcp_close``: FIN after what is queued; RST when received data was never read."""
        if pcb.state != state.LISTEN:
            pcb.rx_closed = True
        return self._close(pcb, reset_when_unread=True)

    def shutdown(self, pcb: Pcb, receiving: bool, transmitting: bool) -> str:
        """``tcp_shutdown``."""
        if pcb.state == state.LISTEN:
            return names.CONN
        if receiving:
            pcb.rx_closed = True
            if transmitting:
                return self._close(pcb, reset_when_unread=True)
            pcb.refused = None
        if transmitting:
            if pcb.state not in (state.SYN_RCVD, state.ESTABLISHED, state.CLOSE_WAIT):
                return names.CONN
            return self._close(pcb, reset_when_unread=receiving)
        self.timers.touch(pcb)
        return names.OK

    def _close(self, pcb: Pcb, reset_when_unread: bool) -> str:
        """``tcp_close_shutdown``."""
        unread = pcb.refused is not None or pcb.rcv_wnd != self.stack.options.window
        if reset_when_unread and pcb.state in state.PROBING and unread:
            sending.reset(self, pcb.flow, pcb.snd_nxt, pcb.rcv_nxt, "closed-with-unread-data")
            self._purge(pcb)
            self.ended(pcb, None, "closed-with-unread-data")
            return names.OK
        if pcb.state in (state.CLOSED, state.SYN_SENT):
            self.ended(pcb, None, "closed")
        elif pcb.state == state.LISTEN:
            self.listening.remove(pcb)
            for other in self.active:
                if other.listener is pcb:
                    other.listener = None
            self.ended(pcb, None, "closed")
        elif (pcb.state, "close") in state.TRANSITIONS:
            self.finish(pcb)
        return names.OK

    def finish(self, pcb: Pcb) -> None:
        """``tcp_close_shutdown_fin``: queue the FIN; without memory for it the fast timer tries again."""
        if sending.send_fin(self, pcb) != names.OK:
            pcb.close_pending = True
        else:
            pcb.move("close")
            self.backlog_accepted(pcb)
            sending.output(self, pcb)
        self.timers.touch(pcb)

    def abort(self, pcb: Pcb, why: str, send_reset: bool = True) -> None:
        """``tcp_abandon``: drop everything; the owner hears ERR_ABRT."""
        if pcb.state == state.TIME_WAIT:
            self.ended(pcb, None, why)
            return
        flow, seq, ack, was = pcb.flow, pcb.snd_nxt, pcb.rcv_nxt, pcb.state
        if was in (state.LISTEN,):
            return
        self._purge(pcb)
        self._remove(pcb)
        if send_reset and was != state.CLOSED:
            sending.reset(self, flow, seq, ack, why)
        self.ended(pcb, names.ABRT, why)

    def rest(self, pcb: Pcb) -> None:
        """Enter TIME_WAIT: nothing but the block itself is kept."""
        self._purge(pcb)
        if pcb in self.active:
            self.active.remove(pcb)
        self.time_wait.insert(0, pcb)
        self.timers.touch(pcb)

    def forget(self, pcb: Pcb, why: str) -> None:
        """End without a packet: the device lost its memory, or never had enough."""
        self.ended(pcb, None, why)

    def ended(self, pcb: Pcb, error: str | None, why: str) -> None:
        """The block is gone; ``error`` is what its owner is told, ``None``: nothing."""
        was = pcb.state
        if pcb.doze is not None:
            self.timers.wake(pcb)
        self._purge(pcb)
        self._remove(pcb)
        pcb.state = state.CLOSED
        pcb.ended_why = why
        self.backlog_accepted(pcb)
        if pcb.address is not None:
            self.stack.heap.give(pcb.address)
            pcb.address = None
        if was not in (state.CLOSED, state.LISTEN):
            self.note(
                "pcb-ended",
                port=pcb.local_port,
                peer=f"{pcb.remote_ip}:{pcb.remote_port}",
                state=was,
                why=why,
            )
        if error is not None and pcb.on_error is not None:
            pcb.on_error(error)

    def _purge(self, pcb: Pcb) -> None:
        """``tcp_pcb_purge``: free the queues, stop the timers."""
        for segment in (*pcb.unsent, *pcb.unacked):
            self.free_segment(segment)
        pcb.unsent, pcb.unacked = [], []
        pcb.out_of_order.clear()
        pcb.refused = None
        pcb.rtx_from = None
        pcb.persist_backoff = 0
        pcb.snd_queue = 0

    def _remove(self, pcb: Pcb) -> None:
        for pcbs in (self.active, self.time_wait):
            if pcb in pcbs:
                pcbs.remove(pcb)
        pcb.due = None
        if not self.active and not self.time_wait:
            self.timers.need_no_more()
