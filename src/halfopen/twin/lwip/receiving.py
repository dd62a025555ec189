"""The receiving half of lwIP's TCP (``tcp_in.c``): demultiplexing, the state diagram, ACKs and data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.lwip import names, sending
from halfopen.twin.lwip import pcb as state
from halfopen.twin.lwip.arriving import Arrived, take
from halfopen.twin.lwip.pcb import Pcb
from halfopen.twin.packets import ACK, FIN, RST, SYN, Tcp, unwrapped

if TYPE_CHECKING:
    from halfopen.twin.lwip.tcp import TcpLayer


def receive(tcp: TcpLayer, packet: Tcp) -> None:
    """``tcp_input``: a segment for this device."""
    flow = (packet.destination, packet.dport, packet.source, packet.sport)
    pcb = tcp.find(flow)
    if pcb is None:
        for waiting in tcp.time_wait:
            if waiting.flow == flow:
                _in_time_wait(tcp, waiting, packet)
                return
        for listening in tcp.listening:
            if listening.local_port == packet.dport:
                _in_listen(tcp, listening, packet)
                return
        if not packet.flags & RST:
            sending.reset(tcp, flow, packet.ack, packet.seq + packet.length, "unknown-segment")
        return
    if pcb.doze is not None:
        tcp.timers.wake(pcb)
    if pcb.refused is not None:
        tcp.offer_refused(pcb)
        if pcb.refused is not None and packet.length:
            if pcb.rcv_ann_wnd == 0:
                sending.send_empty_ack(tcp, pcb)
            return
    arrived = Arrived(packet, unwrapped(packet.seq, pcb.rcv_nxt), unwrapped(packet.ack, pcb.last_ack))
    tcp.input_pcb = pcb
    alive = _process(tcp, pcb, arrived)
    if alive and arrived.reset:
        tcp.input_pcb = None
        tcp.ended(pcb, names.RST_, "reset-by-peer")
        return
    if not alive:
        tcp.input_pcb = None
        return
    if arrived.closed:
        tcp.input_pcb = None
        tcp.ended(pcb, None, "closed")
        return
    _deliver(tcp, pcb, arrived)


def _deliver(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> None:
    """Tell the owner what came, then send what that allows."""
    if arrived.acked and pcb.on_sent is not None:
        pcb.on_sent(arrived.acked)
    if arrived.data:
        if pcb.rx_closed:
            tcp.input_pcb = None
            tcp.abort(pcb, "data-after-close")
            return
        if pcb.on_receive is not None and not pcb.on_receive(arrived.data):
            pcb.refused = arrived.data
        elif pcb.on_receive is None:
            tcp.received(pcb, len(arrived.data))
    if arrived.got_fin:
        if pcb.refused is not None:
            pcb.refused_fin = True
        else:
            pcb.rcv_wnd = min(pcb.rcv_wnd + 1, tcp.stack.options.window)
            if pcb.on_receive is not None:
                pcb.on_receive(None)
    tcp.input_pcb = None
    if pcb.state != state.CLOSED:
        sending.output(tcp, pcb)
        tcp.timers.touch(pcb)


def _in_listen(tcp: TcpLayer, listening: Pcb, packet: Tcp) -> None:
    """``tcp_listen_input``."""
    flow = (packet.destination, packet.dport, packet.source, packet.sport)
    if packet.flags & RST:
        return
    if packet.flags & ACK:
        sending.reset(tcp, flow, packet.ack, packet.seq + packet.length, "unknown-segment")
        return
    if not packet.flags & SYN or listening.pending_accepts >= listening.backlog:
        return
    pcb = tcp.allocate(listening.priority)
    if pcb is None:
        tcp.note("syn-dropped", why="no memory", port=packet.dport)
        return
    listening.pending_accepts += 1
    pcb.backlog_pending = True
    pcb.listener = listening
    pcb.local_ip, pcb.local_port, pcb.remote_ip, pcb.remote_port = flow
    pcb.keepalive = listening.keepalive
    pcb.move("syn")
    pcb.rcv_nxt = pcb.rcv_ann_edge = packet.seq + 1
    first = tcp.initial_sequence()
    pcb.snd_wl2 = pcb.snd_nxt = pcb.last_ack = pcb.snd_lbb = first
    pcb.snd_wl1 = packet.seq - 1
    tcp.register(pcb)
    _take_mss(tcp, pcb, packet)
    pcb.snd_wnd = pcb.snd_wnd_max = packet.window
    if sending.enqueue_flags(tcp, pcb, SYN | ACK) != names.OK:
        tcp.forget(pcb, "no memory")
        return
    sending.output(tcp, pcb)


def _take_mss(tcp: TcpLayer, pcb: Pcb, packet: Tcp) -> None:
    """The peer's MSS option, never above our own; 536 when it sends none."""
    pcb.mss = min(packet.mss or 536, tcp.stack.options.mss)


def _in_time_wait(tcp: TcpLayer, pcb: Pcb, packet: Tcp) -> None:
    """``tcp_timewait_input``: answer what is no RST, count the wait anew after a FIN."""
    if packet.flags & RST:
        return
    seq = unwrapped(packet.seq, pcb.rcv_nxt)
    if packet.flags & SYN:
        if pcb.rcv_nxt <= seq < pcb.rcv_nxt + pcb.rcv_wnd:
            sending.reset(tcp, pcb.flow, packet.ack, packet.seq + packet.length, "unknown-segment")
            return
    elif packet.flags & FIN:
        pcb.tmr = tcp.timers.ticks()
        tcp.timers.touch(pcb)
    if packet.length:
        pcb.ack_now = True
        sending.output(tcp, pcb)


def _acceptable_reset(pcb: Pcb, arrived: Arrived) -> bool:
    if pcb.state == state.SYN_SENT:
        return arrived.ack == pcb.snd_nxt
    if arrived.seq == pcb.rcv_nxt:
        return True
    if pcb.rcv_nxt <= arrived.seq <= pcb.rcv_nxt + pcb.rcv_wnd:
        pcb.ack_now = True  # A challenge ACK
    return False


def _process(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> bool:
    """``tcp_process``: ``False`` when the PCB is gone."""
    flags = arrived.packet.flags
    if flags & RST:
        if _acceptable_reset(pcb, arrived):
            pcb.ack_delayed = False
            arrived.reset = True
        arrived.data, arrived.fin = b"", False
        return True
    if flags & SYN and pcb.state not in (state.SYN_SENT, state.SYN_RCVD):
        pcb.ack_now = True
        arrived.data, arrived.fin = b"", False
        return True
    if not pcb.rx_closed:
        pcb.tmr = tcp.timers.ticks()
    pcb.keep_sent = 0
    pcb.persist_probes = 0
    if arrived.packet.mss and flags & SYN:
        _take_mss(tcp, pcb, arrived.packet)
    handler = _BY_STATE[pcb.state]
    return handler(tcp, pcb, arrived)


def _in_syn_sent(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> bool:
    flags = arrived.packet.flags
    if flags & ACK and flags & SYN and arrived.ack == pcb.last_ack + 1:
        seq = arrived.packet.seq
        pcb.rcv_nxt = pcb.rcv_ann_edge = seq + 1
        pcb.last_ack = arrived.ack
        pcb.snd_wnd = pcb.snd_wnd_max = arrived.packet.window
        pcb.snd_wl1 = seq - 1
        pcb.move("syn-acked")
        pcb.mss = min(pcb.mss, tcp.stack.options.mss)
        pcb.cwnd = _initial_window(pcb.mss)
        queue = pcb.unacked or pcb.unsent
        tcp.free_segment(queue.pop(0))
        pcb.snd_queue -= 1
        if pcb.unacked:
            pcb.rtx_from, pcb.nrtx = tcp.timers.ticks(), 0
        else:
            pcb.rtx_from = None
        if pcb.on_connected is not None:
            pcb.on_connected()
        pcb.ack_now = True
    elif flags & ACK:
        # Half-open: this end was reset and the other does not know yet.
        sending.reset(tcp, pcb.flow, arrived.ack, arrived.packet.seq + arrived.length, "half-open")
        if pcb.nrtx < tcp.stack.options.synmaxrtx:
            pcb.rtx_from = tcp.timers.ticks()
            tcp.input_pcb = None
            sending.retransmit_timeout(tcp, pcb)
            tcp.input_pcb = pcb
    arrived.data, arrived.fin = b"", False
    return True


def _initial_window(mss: int) -> int:
    return min(4 * mss, max(2 * mss, 4380))


def _in_syn_received(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> bool:
    flags = arrived.packet.flags
    if flags & SYN:
        if arrived.seq == pcb.rcv_nxt - 1:
            sending.retransmit_first(tcp, pcb)
        arrived.data, arrived.fin = b"", False
        return True
    if not flags & ACK:
        return True
    if not pcb.last_ack + 1 <= arrived.ack <= pcb.snd_nxt:
        sending.reset(tcp, pcb.flow, arrived.ack, arrived.packet.seq + arrived.length, "unknown-segment")
        arrived.data, arrived.fin = b"", False
        return True
    pcb.move("syn-acked")
    listener = pcb.listener
    tcp.backlog_accepted(pcb)
    outcome = names.VAL if listener is None or listener.on_accept is None else listener.on_accept(pcb)
    if outcome != names.OK:
        tcp.input_pcb = None
        tcp.abort(pcb, "not-accepted")
        return False
    take(tcp, pcb, arrived)
    arrived.acked = max(0, arrived.acked - 1)
    pcb.cwnd = _initial_window(pcb.mss)
    if arrived.got_fin:
        pcb.ack_now = True
        pcb.move("fin")
    return True


def _in_established(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> bool:
    take(tcp, pcb, arrived)
    if arrived.got_fin:
        pcb.ack_now = True
        pcb.move("fin")
    return True


def _fin_acked(pcb: Pcb, arrived: Arrived) -> bool:
    return bool(arrived.packet.flags & ACK) and arrived.ack == pcb.snd_nxt and not pcb.unsent


def _in_fin_wait_1(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> bool:
    take(tcp, pcb, arrived)
    if arrived.got_fin:
        pcb.ack_now = True
        if _fin_acked(pcb, arrived):
            pcb.move("fin and fin-acked")
            tcp.rest(pcb)
        else:
            pcb.move("fin")
    elif _fin_acked(pcb, arrived):
        pcb.move("fin-acked")
    return True


def _in_fin_wait_2(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> bool:
    take(tcp, pcb, arrived)
    if arrived.got_fin:
        pcb.ack_now = True
        pcb.move("fin")
        tcp.rest(pcb)
    return True


def _in_closing(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> bool:
    take(tcp, pcb, arrived)
    if _fin_acked(pcb, arrived):
        pcb.move("fin-acked")
        tcp.rest(pcb)
    return True


def _in_last_ack(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> bool:
    take(tcp, pcb, arrived)
    arrived.closed = _fin_acked(pcb, arrived)
    return True


_BY_STATE = {
    state.SYN_SENT: _in_syn_sent,
    state.SYN_RCVD: _in_syn_received,
    state.ESTABLISHED: _in_established,
    state.CLOSE_WAIT: _in_established,
    state.FIN_WAIT_1: _in_fin_wait_1,
    state.FIN_WAIT_2: _in_fin_wait_2,
    state.CLOSING: _in_closing,
    state.LAST_ACK: _in_last_ack,
}
