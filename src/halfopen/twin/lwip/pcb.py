"""One TCP connection as lwIP keeps it: the protocol control block, and the state diagram as a table.

Sequence numbers grow without bound in here (they start at a 32-bit number and are never wrapped), so that comparing
them is comparing integers; ``packets.unwrapped`` brings a number from the wire near one that is known.

Counters that lwIP increments at every slow tick are kept as the tick at which they were zero: an idle connection then
costs nothing, and when something is due follows from a subtraction (``timers.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from halfopen.twin.lwip.netconn import Netconn

CLOSED = "CLOSED"
LISTEN = "LISTEN"
SYN_SENT = "SYN_SENT"
SYN_RCVD = "SYN_RCVD"
ESTABLISHED = "ESTABLISHED"
FIN_WAIT_1 = "FIN_WAIT_1"
FIN_WAIT_2 = "FIN_WAIT_2"
CLOSE_WAIT = "CLOSE_WAIT"
CLOSING = "CLOSING"
LAST_ACK = "LAST_ACK"
TIME_WAIT = "TIME_WAIT"

#: (state, what happened) → state. ``close`` is our FIN queued, ``fin`` the peer's, ``fin-acked`` the peer's ACK of ours.
#: "gone" means that the block is removed.
TRANSITIONS: dict[tuple[str, str], str] = {
    (CLOSED, "connect"): SYN_SENT,
    (CLOSED, "syn"): SYN_RCVD,
    (SYN_SENT, "syn-acked"): ESTABLISHED,
    (SYN_RCVD, "syn-acked"): ESTABLISHED,
    (SYN_RCVD, "close"): FIN_WAIT_1,
    (ESTABLISHED, "close"): FIN_WAIT_1,
    (ESTABLISHED, "fin"): CLOSE_WAIT,
    (FIN_WAIT_1, "fin-acked"): FIN_WAIT_2,
    (FIN_WAIT_1, "fin"): CLOSING,
    (FIN_WAIT_1, "fin and fin-acked"): TIME_WAIT,
    (FIN_WAIT_2, "fin"): TIME_WAIT,
    (CLOSING, "fin-acked"): TIME_WAIT,
    (CLOSE_WAIT, "close"): LAST_ACK,
    (LAST_ACK, "fin-acked"): "gone",
}

#: States from ESTABLISHED on, in lwIP's order (``state >= ESTABLISHED``).
SYNCHRONIZED = frozenset({ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT})
#: States in which data from the peer is still taken (``state < CLOSE_WAIT``).
RECEIVING = frozenset({SYN_RCVD, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2})
#: States in which keepalive probes run.
PROBING = frozenset({ESTABLISHED, CLOSE_WAIT})

#: lwIP's default priority of a connection, and of those a kill may take (opt.h, tcp.h).
PRIORITY_NORMAL = 64


class Segment:
    """A piece of the send queue: data, or SYN or FIN without any. ``held_by_arp``: it waits for an address."""

    __slots__ = ("address", "data", "flags", "held_by_arp", "mss_option", "room", "sent", "seq")

    def __init__(self, seq: int, data: bytes, flags: int, address: int | None, room: int = 0) -> None:
        self.seq = seq
        self.data = data
        self.flags = flags
        #: Where in the heap it lives; ``None`` where nothing was taken.
        self.address = address
        #: Bytes that can still be appended (TCP_OVERSIZE).
        self.room = room
        self.mss_option = 0
        self.held_by_arp = False
        self.sent = 0

    @property
    def length(self) -> int:
        """What it takes from the sequence space (SYN and FIN count one)."""
        return len(self.data) + (1 if self.flags & 0x03 else 0)


class Pcb:
    """A TCP protocol control block. Ticks are slow-timer ticks (500 ms); windows and buffers bytes."""

    __slots__ = (
        "accepting",
        "ack_delayed",
        "ack_now",
        "address",
        "backlog",
        "backlog_pending",
        "born_at",
        "bytes_acked",
        "close_pending",
        "conn",
        "cwnd",
        "doze",
        "due",
        "dupacks",
        "ended_why",
        "in_fast_recovery",
        "keep_count",
        "keep_idle_ms",
        "keep_interval_ms",
        "keep_sent",
        "keepalive",
        "last_ack",
        "listener",
        "local_ip",
        "local_port",
        "mss",
        "nagle_memory_error",
        "no_delay",
        "nrtx",
        "on_accept",
        "on_connected",
        "on_error",
        "on_poll",
        "on_receive",
        "on_sent",
        "out_of_order",
        "pending_accepts",
        "persist_backoff",
        "persist_from",
        "persist_probes",
        "poll_from",
        "priority",
        "rcv_ann_edge",
        "rcv_ann_wnd",
        "rcv_nxt",
        "rcv_wnd",
        "refused",
        "refused_fin",
        "remote_ip",
        "remote_port",
        "rto",
        "rto_end",
        "rto_running",
        "rtt_seq",
        "rtt_tick",
        "rtx_from",
        "rx_closed",
        "sa",
        "snd_buf",
        "snd_lbb",
        "snd_nxt",
        "snd_queue",
        "snd_wl1",
        "snd_wl2",
        "snd_wnd",
        "snd_wnd_max",
        "ssthresh",
        "state",
        "sv",
        "tmr",
        "unacked",
        "unsent",
    )

    def __init__(self, address: int | None, mss: int, window: int, send_buffer: int, rto_ticks: int) -> None:
        #: Where in the heap it lives.
        self.address = address
        self.state = CLOSED
        self.born_at = 0
        self.ended_why = ""
        self.priority = PRIORITY_NORMAL
        self.local_ip = ""
        self.local_port = 0
        self.remote_ip = ""
        self.remote_port = 0
        self.conn: Netconn | None = None
        # Listening
        self.listener: Pcb | None = None
        self.accepting = False
        self.backlog = 0
        self.pending_accepts = 0
        self.backlog_pending = False
        self._begin_receiving(window)
        self._begin_sending(mss, window, send_buffer)
        self._begin_timing(rto_ticks)
        # Whoever owns it
        self.on_accept: Callable[[Pcb], str] | None = None
        self.on_connected: Callable[[], None] | None = None
        self.on_receive: Callable[[bytes | None], bool] | None = None
        self.on_sent: Callable[[int], None] | None = None
        self.on_poll: Callable[[], None] | None = None
        self.on_error: Callable[[str], None] | None = None

    def _begin_receiving(self, window: int) -> None:
        self.rcv_nxt = 0
        self.rcv_wnd = window
        self.rcv_ann_wnd = window
        self.rcv_ann_edge = 0
        self.refused: bytes | None = None
        self.refused_fin = False
        self.out_of_order: list[tuple[int, bytes, bool]] = []
        self.rx_closed = False
        self.ack_delayed = False
        self.ack_now = False

    def _begin_sending(self, mss: int, window: int, send_buffer: int) -> None:
        self.mss = mss
        self.snd_nxt = 0
        self.snd_wl1 = 0
        self.snd_wl2 = 0
        self.snd_lbb = 0
        self.snd_wnd = window
        self.snd_wnd_max = window
        self.snd_buf = send_buffer
        #: pbufs on both queues.
        self.snd_queue = 0
        self.last_ack = 0
        self.unsent: list[Segment] = []
        self.unacked: list[Segment] = []
        self.no_delay = False
        self.nagle_memory_error = False
        self.close_pending = False
        # Congestion
        self.cwnd = 1
        self.ssthresh = send_buffer
        self.bytes_acked = 0
        self.dupacks = 0
        self.in_fast_recovery = False
        self.rto_running = False
        self.rto_end = 0

    def _begin_timing(self, rto_ticks: int) -> None:
        """Everything here is in slow ticks."""
        self.tmr = 0
        self.rtt_tick = 0
        self.rtt_seq = 0
        self.sa = 0
        self.sv = rto_ticks
        self.rto = rto_ticks
        self.nrtx = 0
        #: The tick at which the retransmission timer was zero; ``None``: it does not run.
        self.rtx_from: int | None = None
        self.persist_backoff = 0
        self.persist_from = 0
        self.persist_probes = 0
        self.poll_from = 0
        self.keepalive = False
        self.keep_idle_ms = 7_200_000
        self.keep_interval_ms = 75_000
        self.keep_count = 9
        self.keep_sent = 0
        #: The fast tick at which something is due; ``None``: never.
        self.due: int | None = None
        #: Keepalive rounds that both ends play in closed form (``doze.py``).
        self.doze: object | None = None

    def move(self, happened: str) -> None:
        """Change state by the table.

        Raises:
            KeyError: the diagram has no such arrow: a defect of the twin.
        """
        self.state = TRANSITIONS[self.state, happened]

    @property
    def flow(self) -> tuple[str, int, str, int]:
        """Local and remote address and port."""
        return self.local_ip, self.local_port, self.remote_ip, self.remote_port

    def __repr__(self) -> str:
        return f"<{self.state} {self.local_port}→{self.remote_ip}:{self.remote_port}>"
