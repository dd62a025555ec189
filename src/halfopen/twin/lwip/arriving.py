"""What a segment brings (``tcp_receive``): its ACK, its window, its data in order or out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.lwip import pcb as state
from halfopen.twin.lwip import sending
from halfopen.twin.lwip.pcb import Pcb
from halfopen.twin.packets import ACK, FIN, Tcp

if TYPE_CHECKING:
    from halfopen.twin.lwip.tcp import TcpLayer


class Arrived:
    """A segment as its PCB sees it: sequence numbers unwrapped, and what came of it."""

    __slots__ = ("ack", "acked", "closed", "data", "fin", "got_fin", "length", "packet", "reset", "seq")

    def __init__(self, packet: Tcp, seq: int, ack: int) -> None:
        self.packet = packet
        self.seq = seq
        self.ack = ack
        self.data = packet.data
        self.fin = bool(packet.flags & FIN)
        self.length = packet.length
        # What came of it
        self.acked = 0
        self.got_fin = False
        self.reset = False
        self.closed = False


def take(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> None:
    """``tcp_receive``: first the ACK and the window of a segment, then its data."""
    if arrived.packet.flags & ACK:
        _take_ack(tcp, pcb, arrived)
    if arrived.length and pcb.state in state.RECEIVING:
        _take_data(tcp, pcb, arrived)
        return
    if not pcb.rcv_nxt <= arrived.seq < pcb.rcv_nxt + pcb.rcv_wnd:
        pcb.ack_now = True
    arrived.data = b""


def _take_ack(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> None:
    window, ack = arrived.packet.window, arrived.ack
    right_edge = pcb.snd_wnd + pcb.snd_wl2
    if (
        pcb.snd_wl1 < arrived.seq
        or (pcb.snd_wl1 == arrived.seq and pcb.snd_wl2 < ack)
        or (pcb.snd_wl2 == ack and window > pcb.snd_wnd)
    ):
        pcb.snd_wnd = window
        pcb.snd_wnd_max = max(pcb.snd_wnd_max, window)
        pcb.snd_wl1, pcb.snd_wl2 = arrived.seq, ack
    if ack <= pcb.last_ack:
        duplicate = (
            not arrived.length
            and pcb.snd_wl2 + pcb.snd_wnd == right_edge
            and pcb.rtx_from is not None
            and pcb.last_ack == ack
        )
        if not duplicate:
            pcb.dupacks = 0
        else:
            pcb.dupacks = min(pcb.dupacks + 1, 255)
            if pcb.dupacks > 3:
                pcb.cwnd += pcb.mss
            if pcb.dupacks >= 3:
                sending.retransmit_fast(tcp, pcb)
    elif ack <= pcb.snd_nxt:
        _take_new_ack(tcp, pcb, arrived)
    else:
        sending.send_empty_ack(tcp, pcb)
    if pcb.rtt_tick and pcb.rtt_seq < ack:
        _measure(pcb, tcp.timers.ticks() - pcb.rtt_tick)


def _measure(pcb: Pcb, ticks: int) -> None:
    """Van Jacobson's estimator in slow ticks: ``sa`` is eight times the mean, ``sv`` four times the deviation."""
    error = ticks - (pcb.sa >> 3)
    pcb.sa += error
    pcb.sv += abs(error) - (pcb.sv >> 2)
    pcb.rto = (pcb.sa >> 3) + pcb.sv
    pcb.rtt_tick = 0


def _take_new_ack(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> None:
    if pcb.in_fast_recovery:
        pcb.in_fast_recovery = False
        pcb.cwnd = pcb.ssthresh
        pcb.bytes_acked = 0
    pcb.nrtx = 0
    pcb.rto = (pcb.sa >> 3) + pcb.sv
    acked = arrived.ack - pcb.last_ack
    pcb.dupacks = 0
    pcb.last_ack = arrived.ack
    if pcb.state in state.SYNCHRONIZED:
        _grow(pcb, acked)
    for queue in (pcb.unacked, pcb.unsent):
        while queue and queue[0].seq + queue[0].length <= arrived.ack:
            segment = queue.pop(0)
            if segment.flags & FIN:
                acked -= 1
            pcb.snd_queue -= 1
            tcp.free_segment(segment)
    arrived.acked = acked
    pcb.rtx_from = tcp.timers.ticks() if pcb.unacked else None
    pcb.poll_from = tcp.timers.ticks()
    pcb.snd_buf = min(pcb.snd_buf + acked, tcp.stack.options.send_buffer)
    if pcb.rto_running:
        left = pcb.unacked or pcb.unsent
        if not left or pcb.rto_end <= left[0].seq:
            pcb.rto_running = False


def _grow(pcb: Pcb, acked: int) -> None:
    """Slow start and congestion avoidance (RFC 3465)."""
    if pcb.cwnd < pcb.ssthresh:
        pcb.cwnd += min(acked, (1 if pcb.rto_running else 2) * pcb.mss)
        return
    pcb.bytes_acked += acked
    if pcb.bytes_acked >= pcb.cwnd:
        pcb.bytes_acked -= pcb.cwnd
        pcb.cwnd += pcb.mss


def _take_data(tcp: TcpLayer, pcb: Pcb, arrived: Arrived) -> None:
    seq, data = arrived.seq, arrived.data
    arrived.data = b""
    if seq < pcb.rcv_nxt < seq + arrived.length:
        data = data[pcb.rcv_nxt - seq :]
        seq = pcb.rcv_nxt
    elif seq < pcb.rcv_nxt:
        pcb.ack_now = True  # All of it was received before
    if not pcb.rcv_nxt <= seq < pcb.rcv_nxt + pcb.rcv_wnd:
        sending.send_empty_ack(tcp, pcb)
        return
    if seq != pcb.rcv_nxt:
        if tcp.stack.options.queue_out_of_order:
            _queue_out_of_order(pcb, seq, data, arrived.fin)
        sending.send_empty_ack(tcp, pcb)
        return
    fin = arrived.fin
    if len(data) + fin > pcb.rcv_wnd:
        data, fin = data[: pcb.rcv_wnd], False
    whole = data
    _advance(tcp, pcb, len(data) + fin)
    while pcb.out_of_order and not fin and pcb.out_of_order[0][0] <= pcb.rcv_nxt:
        at, piece, ends = pcb.out_of_order.pop(0)
        end = at + len(piece)
        if end < pcb.rcv_nxt or (end == pcb.rcv_nxt and not ends):
            continue
        piece = piece[pcb.rcv_nxt - at :]
        whole += piece
        fin = ends
        _advance(tcp, pcb, len(piece) + fin)
    if fin:
        pcb.out_of_order.clear()
    arrived.data = whole
    arrived.got_fin = fin
    if pcb.ack_delayed:
        pcb.ack_delayed, pcb.ack_now = False, True
    else:
        pcb.ack_delayed = True


def _advance(tcp: TcpLayer, pcb: Pcb, length: int) -> None:
    pcb.rcv_nxt += length
    pcb.rcv_wnd -= length
    tcp.announce_window(pcb)


def _queue_out_of_order(pcb: Pcb, seq: int, data: bytes, fin: bool) -> None:
    """Keep it sorted and without overlap; what lies beyond the window is cut away."""
    edge = pcb.rcv_nxt + pcb.rcv_wnd
    if seq + len(data) + fin > edge:
        data, fin = data[: max(0, edge - seq)], False
    for at, piece, _ in pcb.out_of_order:
        if at <= seq and seq + len(data) <= at + len(piece):
            return
    pcb.out_of_order.append((seq, data, fin))
    pcb.out_of_order.sort(key=lambda entry: entry[0])
