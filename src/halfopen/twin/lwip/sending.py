"""The sending half of lwIP's TCP (``tcp_out.c``): queues, windows, Nagle, retransmission, probes, RST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.lwip import names
from halfopen.twin.lwip import pcb as state
from halfopen.twin.lwip.pcb import Pcb, Segment
from halfopen.twin.packets import ACK, FIN, PSH, RST, SYN, Tcp

if TYPE_CHECKING:
    from halfopen.twin.lwip.tcp import TcpLayer


def queue_limit(tcp: TcpLayer) -> int:
    """``TCP_SND_QUEUELEN``: so many pbufs may wait on both queues."""
    options = tcp.stack.options
    return (4 * options.send_buffer + options.mss - 1) // options.mss


def write(tcp: TcpLayer, pcb: Pcb, data: bytes, more: bool = False) -> str:
    """``tcp_write``: queue all of ``data`` or nothing. ``more`` leaves PSH away."""
    if pcb.state not in (state.ESTABLISHED, state.CLOSE_WAIT, state.SYN_SENT, state.SYN_RCVD):
        return names.CONN
    if not data:
        return names.OK
    if len(data) > pcb.snd_buf or pcb.snd_queue >= queue_limit(tcp):
        pcb.nagle_memory_error = True
        return names.MEM
    # Never more than half the largest window the peer ever offered.
    mss = min(pcb.mss, pcb.snd_wnd_max // 2) or pcb.mss
    last = pcb.unsent[-1] if pcb.unsent else None
    fill = 0
    if last is not None and not last.flags & (SYN | FIN):
        fill = max(0, min(mss - len(last.data), last.room, len(data)))
    fresh: list[Segment] = []
    at = fill
    while at < len(data):
        piece = data[at : at + mss]
        # LWIP_NETIF_TX_SINGLE_PBUF: every pbuf is as large as a full segment.
        address = tcp.take_segment(mss)
        if address is None or pcb.snd_queue + len(fresh) > queue_limit(tcp):
            for segment in [*fresh, Segment(0, b"", 0, address)]:
                tcp.free_segment(segment)
            pcb.nagle_memory_error = True
            return names.MEM
        fresh.append(Segment(pcb.snd_lbb + at, piece, 0, address, mss - len(piece)))
        at += len(piece)
    if fill and last is not None:
        last.data += data[:fill]
        last.room -= fill
    if fresh and not more:
        fresh[-1].flags |= PSH
    pcb.unsent += fresh
    pcb.snd_queue += len(fresh)
    pcb.snd_lbb += len(data)
    pcb.snd_buf -= len(data)
    return names.OK


def enqueue_flags(tcp: TcpLayer, pcb: Pcb, flags: int) -> str:
    """``tcp_enqueue_flags``: a segment of its own for SYN or FIN."""
    address = tcp.take_segment(0) if pcb.snd_queue < queue_limit(tcp) else None
    if address is None:
        return names.MEM
    segment = Segment(pcb.snd_lbb, b"", flags, address)
    if flags & SYN:
        segment.mss_option = tcp.stack.options.mss
    pcb.unsent.append(segment)
    pcb.snd_lbb += 1
    pcb.snd_queue += 1
    return names.OK


def send_fin(tcp: TcpLayer, pcb: Pcb) -> str:
    """``tcp_send_fin``: on the last unsent segment, or on one of its own."""
    if pcb.unsent and not pcb.unsent[-1].flags & (SYN | FIN):
        pcb.unsent[-1].flags |= FIN
        pcb.snd_lbb += 1
        return names.OK
    return enqueue_flags(tcp, pcb, FIN)


def _fin_queued(pcb: Pcb) -> bool:
    return pcb.state in (state.FIN_WAIT_1, state.LAST_ACK, state.CLOSING) or any(
        segment.flags & FIN for segment in pcb.unsent
    )


def _may_send_now(tcp: TcpLayer, pcb: Pcb) -> bool:
    """Nagle: whether the first unsent segment may go although something is unacknowledged."""
    return (
        not pcb.unacked
        or pcb.no_delay
        or pcb.in_fast_recovery
        or len(pcb.unsent) > 1
        or len(pcb.unsent[0].data) >= pcb.mss
        or pcb.snd_buf == 0
        or pcb.snd_queue >= queue_limit(tcp)
        or pcb.nagle_memory_error
        or _fin_queued(pcb)
    )


def output(tcp: TcpLayer, pcb: Pcb, why: str = "") -> str:
    """``tcp_output``: send what the windows allow, or the ACK that is wanted now; ``why`` is a bare ACK's reason."""
    if pcb.doze is not None:
        tcp.timers.wake(pcb)
    if tcp.input_pcb is pcb:
        return names.OK
    if not pcb.unsent:
        return send_empty_ack(tcp, pcb, why) if pcb.ack_now else names.OK
    if not tcp.stack.routes(pcb.remote_ip):
        return names.RTE
    window = min(pcb.snd_wnd, pcb.cwnd)
    first = pcb.unsent[0]
    if first.seq - pcb.last_ack + len(first.data) > window:
        if window == pcb.snd_wnd and not pcb.unacked and not pcb.persist_backoff:
            pcb.persist_from = tcp.timers.ticks()
            pcb.persist_backoff = 1
            pcb.persist_probes = 0
            tcp.timers.touch(pcb)
        if pcb.ack_now:
            return send_empty_ack(tcp, pcb)
        pcb.nagle_memory_error = False
        return names.OK
    pcb.persist_backoff = 0
    while pcb.unsent:
        segment = pcb.unsent[0]
        if segment.seq - pcb.last_ack + len(segment.data) > window or not _may_send_now(tcp, pcb):
            break
        if not _send_segment(tcp, pcb, segment):
            pcb.nagle_memory_error = True
            tcp.timers.touch(pcb)
            return names.MEM
        del pcb.unsent[0]
        if pcb.state != state.SYN_SENT:
            pcb.ack_delayed = pcb.ack_now = False
        pcb.snd_nxt = max(pcb.snd_nxt, segment.seq + segment.length)
        at = len(pcb.unacked)
        while at and pcb.unacked[at - 1].seq > segment.seq:
            at -= 1
        pcb.unacked.insert(at, segment)
    pcb.nagle_memory_error = False
    tcp.timers.touch(pcb)
    return names.OK


def _send_segment(tcp: TcpLayer, pcb: Pcb, segment: Segment) -> bool:
    """``tcp_output_segment``."""
    if segment.held_by_arp:
        return True
    flags = segment.flags | (ACK if pcb.state != state.SYN_SENT else 0)
    pcb.rcv_ann_edge = pcb.rcv_nxt + pcb.rcv_ann_wnd
    now = tcp.timers.ticks()
    if pcb.rtx_from is None:
        pcb.rtx_from = now
    if pcb.rtt_tick == 0:
        pcb.rtt_tick = now
        pcb.rtt_seq = segment.seq
    why = "retransmission" if segment.sent else ""
    packet = Tcp(
        pcb.local_ip,
        pcb.local_port,
        pcb.remote_ip,
        pcb.remote_port,
        flags,
        segment.seq,
        pcb.rcv_nxt if flags & ACK else 0,
        pcb.rcv_ann_wnd,
        segment.data,
        segment.mss_option,
        why,
    )
    segment.sent += 1
    return tcp.stack.send(packet, segment)


def send_empty_ack(tcp: TcpLayer, pcb: Pcb, why: str = "") -> str:
    """``tcp_send_empty_ack``; what cannot be sent is tried again by the fast timer."""
    pcb.rcv_ann_edge = pcb.rcv_nxt + pcb.rcv_ann_wnd
    if _control(tcp, pcb, ACK, pcb.snd_nxt, b"", why):
        pcb.ack_delayed = pcb.ack_now = False
        return names.OK
    pcb.ack_delayed = pcb.ack_now = True
    tcp.timers.touch(pcb)
    return names.BUF


def _control(tcp: TcpLayer, pcb: Pcb, flags: int, seq: int, data: bytes, why: str) -> bool:
    """A segment outside the queues: its pbuf lives only while it is sent."""
    stack = tcp.stack
    address = stack.heap.take(stack.options.sizes.pbuf + len(data), "pbuf")
    if address is None:
        return False
    stack.heap.give(address)
    return stack.send(_bare(pcb, flags, seq, data, why))


def _bare(pcb: Pcb, flags: int, seq: int, data: bytes, why: str) -> Tcp:
    ip, port, remote_ip, remote_port = pcb.flow
    return Tcp(ip, port, remote_ip, remote_port, flags, seq, pcb.rcv_nxt, pcb.rcv_ann_wnd, data, why=why)


def keepalive_probe(pcb: Pcb, number: int) -> Tcp:
    """A probe as a packet with this identification."""
    probe = _bare(pcb, ACK, pcb.snd_nxt - 1, b"", "keep-alive")
    probe.number = number
    return probe


def keepalive(tcp: TcpLayer, pcb: Pcb) -> bool:
    """``tcp_keepalive``: an ACK of the byte before the next; whether it could be sent."""
    return _control(tcp, pcb, ACK, pcb.snd_nxt - 1, b"", "keep-alive")


def zero_window_probe(tcp: TcpLayer, pcb: Pcb) -> bool:
    """``tcp_zero_window_probe``: one byte of the first segment; whether it could be sent."""
    queue = pcb.unacked or pcb.unsent
    if not queue:
        return True
    segment = queue[0]
    pcb.persist_probes += 1
    data = segment.data[:1]
    flags = ACK if data else ACK | FIN
    if not _control(tcp, pcb, flags, segment.seq, data, "zero-window-probe"):
        return False
    pcb.snd_nxt = max(pcb.snd_nxt, segment.seq + 1)
    return True


def split_unsent(tcp: TcpLayer, pcb: Pcb, split: int) -> bool:
    """``tcp_split_unsent_seg``: make the first unsent segment ``split`` bytes long; whether memory was there."""
    if not pcb.unsent or not split:
        return False
    segment = pcb.unsent[0]
    if len(segment.data) <= split:
        return True
    address = tcp.take_segment(len(segment.data) - split)
    if address is None:
        return False
    rest = Segment(segment.seq + split, segment.data[split:], segment.flags, address)
    segment.data = segment.data[:split]
    segment.flags &= ~(PSH | FIN)
    segment.room = 0
    pcb.unsent.insert(1, rest)
    pcb.snd_queue += 1
    return True


def retransmit_all(tcp: TcpLayer, pcb: Pcb) -> bool:
    """``tcp_rexmit_rto_prepare``: what is unacknowledged is unsent again; ``False`` when the driver still holds some."""
    if not pcb.unacked or any(segment.held_by_arp for segment in pcb.unacked):
        return False
    last = pcb.unacked[-1]
    pcb.rto_end = last.seq + last.length
    pcb.unsent = pcb.unacked + pcb.unsent
    pcb.unacked = []
    pcb.rto_running = True
    pcb.rtt_tick = 0
    return True


def retransmit_timeout(tcp: TcpLayer, pcb: Pcb) -> None:
    """``tcp_rexmit_rto``: at once, outside the timer."""
    if retransmit_all(tcp, pcb):
        pcb.nrtx += 1
        output(tcp, pcb)


def retransmit_first(tcp: TcpLayer, pcb: Pcb) -> bool:
    """``tcp_rexmit``: the first unacknowledged segment goes to its place among the unsent."""
    if not pcb.unacked or pcb.unacked[0].held_by_arp:
        return False
    segment = pcb.unacked.pop(0)
    at = 0
    while at < len(pcb.unsent) and pcb.unsent[at].seq < segment.seq:
        at += 1
    pcb.unsent.insert(at, segment)
    pcb.nrtx += 1
    pcb.rtt_tick = 0
    return True


def retransmit_fast(tcp: TcpLayer, pcb: Pcb) -> None:
    """``tcp_rexmit_fast``: after the third duplicate ACK."""
    if not pcb.unacked or pcb.in_fast_recovery or not retransmit_first(tcp, pcb):
        return
    pcb.ssthresh = max(min(pcb.cwnd, pcb.snd_wnd) // 2, 2 * pcb.mss)
    pcb.cwnd = pcb.ssthresh + 3 * pcb.mss
    pcb.in_fast_recovery = True
    pcb.rtx_from = tcp.timers.ticks()


def reset(tcp: TcpLayer, flow: tuple[str, int, str, int], seq: int, ack: int, why: str = "") -> None:
    """``tcp_rst``. Espressif's lwIP swaps the window's bytes twice: 5760 goes out as 32790 (FACTS)."""
    window = tcp.stack.options.window
    swapped = (window & 0xFF) << 8 | window >> 8
    source, sport, destination, dport = flow
    tcp.stack.send(Tcp(source, sport, destination, dport, RST | ACK, seq, ack, swapped, why=why))
