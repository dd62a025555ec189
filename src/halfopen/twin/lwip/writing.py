"""One ``send`` of a netconn (``lwip_netconn_do_write``, ``…_do_writemore``): how much fits, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.lwip import names, sending
from halfopen.twin.lwip.pcb import Pcb

if TYPE_CHECKING:
    from halfopen.twin.lwip.netconn import Netconn

#: What a netconn is in while a send is under way, and before and after.
WRITING, IDLE = "writing", "idle"


class Write:
    """A ``send`` that is under way; ``patient``: it may go on after the call that began it."""

    __slots__ = ("data", "error", "finished", "offset", "patient", "started")

    def __init__(self, data: bytes, patient: bool, started: int) -> None:
        self.data = data
        self.patient = patient
        self.started = started
        self.offset = 0
        self.error = names.OK
        self.finished = False


def begin(conn: Netconn, data: bytes, patient: bool) -> Write:
    """``lwip_netconn_do_write``: the pending error comes first, then what fits is queued."""
    write = Write(data, patient, conn.stack.world.now)
    error = conn.take_error()
    if error == names.OK and conn.state != IDLE:
        error = names.IN_PROGRESS
    if error == names.OK and conn.pcb is None:
        error = names.CONN
    if error != names.OK or not data:
        write.error, write.finished = error, True
        return write
    conn.write = write
    conn.state = WRITING
    go_on(conn)
    if not write.finished and conn.pcb is not None:
        conn.stack.tcp.timers.touch(conn.pcb)
    return write


def go_on(conn: Netconn) -> None:
    """``lwip_netconn_do_writemore``: now, when something was acknowledged, and at every poll.

    SO_SNDTIMEO is looked at here only: this is why five seconds become 5.6.
    """
    write, pcb = conn.write, conn.pcb
    if write is None or pcb is None:
        return
    waited = conn.stack.world.now - write.started
    if conn.send_timeout_ns and waited >= conn.send_timeout_ns:
        end(conn, write, names.OK if write.offset else names.WOULD_BLOCK)
        return
    error = _queue(conn, write, pcb)
    if error not in (names.OK, names.MEM):
        end(conn, write, error)
        return
    _judge_space(conn, pcb, blocked=not write.patient and write.offset < len(write.data))
    if sending.output(conn.stack.tcp, pcb) == names.RTE:
        end(conn, write, names.RTE)
    elif not write.patient:
        end(conn, write, names.OK if write.offset else names.WOULD_BLOCK)
    elif error == names.OK and write.offset == len(write.data):
        end(conn, write, names.OK)


def _queue(conn: Netconn, write: Write, pcb: Pcb) -> str:
    """Queue what the send buffer takes; ``MEM`` when that is nothing, or no memory was left."""
    left = len(write.data) - write.offset
    length = min(left, pcb.snd_buf)
    if not length and not write.patient:
        return names.MEM
    piece = write.data[write.offset : write.offset + length]
    error = sending.write(conn.stack.tcp, pcb, piece, more=length < left and write.patient)
    if error == names.OK:
        write.offset += length
    return error


def _judge_space(conn: Netconn, pcb: Pcb, blocked: bool) -> None:
    """Whether ``select`` still calls it writable."""
    if blocked:
        conn.send_event = False
        conn.check_space = True
    elif not roomy(conn, pcb):
        conn.send_event = False


def roomy(conn: Netconn, pcb: Pcb) -> bool:
    """lwIP's low-water marks (TCP_SNDLOWAT, TCP_SNDQUEUELOWAT)."""
    options = conn.stack.options
    low = min(max(options.send_buffer // 2, 2 * options.mss + 1), options.send_buffer - 1)
    return pcb.snd_buf > low and pcb.snd_queue < max(sending.queue_limit(conn.stack.tcp) // 2, 5)


def end(conn: Netconn, write: Write, error: str) -> None:
    """The send is over; whoever waits for it goes on."""
    write.error = error
    write.finished = True
    conn.write = None
    if conn.state == WRITING:
        conn.state = IDLE
    conn.changed.notify()
