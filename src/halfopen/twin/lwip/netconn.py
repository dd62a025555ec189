"""lwIP's netconn: what stands between a descriptor and a PCB (``api_lib.c``, ``api_msg.c``).

Mailboxes, the pending error, and the events that ``select`` counts live here. Which error a call gets first, and which
after it, follows from the order in which lwIP looks at these: it is the order in which this module looks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from halfopen.twin.lwip import names, writing
from halfopen.twin.lwip.pcb import Pcb
from halfopen.twin.lwip.udp import UdpPcb
from halfopen.twin.lwip.writing import IDLE, Write
from halfopen.twin.packets import Udp
from halfopen.twin.tasks import Condition

if TYPE_CHECKING:
    from halfopen.twin.lwip.stack import Stack

#: What a netconn is in the middle of, beside ``WRITING``.
CONNECTING, LISTENING = "connecting", "listening"


class Message:
    """What a mailbox holds: data, the peer's FIN, a datagram, or an error."""

    __slots__ = ("address", "data", "error", "fin", "packet")

    def __init__(
        self,
        data: bytes = b"",
        address: int | None = None,
        *,
        fin: bool = False,
        error: str = "",
        packet: Udp | None = None,
    ) -> None:
        self.data = data
        self.address = address
        self.fin = fin
        self.error = error
        self.packet = packet


class Netconn:
    """One end of a connection as the API sees it. ``changed`` is notified whenever a blocked call may go on."""

    def __init__(self, stack: Stack, kind: int, addresses: list[int]) -> None:
        self.stack = stack
        self.kind = kind
        self._addresses = addresses
        self.pcb: Pcb | None = None
        self.udp: UdpPcb | None = None
        self.state = IDLE
        self.pending_error = names.OK
        self.received: deque[Message] = deque()
        self.receives = True
        self.mailbox_closed = False
        self.fin_pending = False
        self.accepted: deque[Netconn | None] = deque()
        self.accepts = False
        self.write: Write | None = None
        self.send_timeout_ns = 0
        self.receive_timeout_ns = 0
        #: SO_LINGER in seconds, negative: off.
        self.linger_s = -1
        #: ``close()`` waits for the last acknowledgement.
        self.lingers = False
        self.check_space = False
        self.connect_error = names.OK
        # What select() counts
        self.receive_events = 0
        self.send_event = True
        self.error_event = False
        #: Data taken from the mailbox and not yet by the application.
        self.rest = Message()
        self.changed = Condition()
        self.on_ready: Callable[[], None] | None = None

    @classmethod
    def allocate(cls, stack: Stack, kind: int, pcb: Pcb | None = None) -> Netconn | None:
        """``netconn_new``: the structure, its mailbox and its PCB; ``None`` when the heap refuses one of them."""
        sizes, options = stack.options.sizes, stack.options
        slots = options.tcp_mailbox if kind == names.STREAM else options.udp_mailbox
        taken: list[int] = []
        for size, what in ((sizes.netconn, "netconn"), (sizes.mailbox + slots * sizes.mailbox_slot, "mbox")):
            address = stack.heap.take(size, what)
            if address is None:
                stack.note("heap-refused", what_for=what)
                for earlier in taken:
                    stack.heap.give(earlier)
                return None
            taken.append(address)
        conn = cls(stack, kind, taken)
        if kind == names.DGRAM:
            conn.udp = UdpPcb.allocate(stack)
            if conn.udp is not None:
                conn.udp.on_receive = conn._take_datagram
        else:
            conn.send_event = pcb is not None
            conn.pcb = pcb or stack.tcp.allocate()
        if conn.pcb is None and conn.udp is None:
            conn._free()
            return None
        if conn.pcb is not None:
            conn._own(conn.pcb)
        return conn

    def _own(self, pcb: Pcb) -> None:
        """``setup_tcp``."""
        pcb.conn = self
        pcb.on_receive = self._take
        pcb.on_sent = self._sent
        pcb.on_poll = self._polled
        pcb.on_error = self._failed
        pcb.on_connected = self._connected

    def _free(self) -> None:
        for message in (self.rest, *self.received):
            self._release(message)
        self.received.clear()
        for address in self._addresses:
            self.stack.heap.give(address)
        self._addresses = []

    def _release(self, message: Message) -> None:
        if message.address is not None:
            self.stack.heap.give(message.address)
            message.address = None

    def _event(self) -> None:
        self.changed.notify()
        if self.on_ready is not None:
            self.on_ready()

    @property
    def wants_poll(self) -> bool:
        """Whether TCP's poll timer has something to do here."""
        return self.check_space or self.lingers or self.write is not None

    def take_error(self) -> str:
        """``netconn_err``: the pending error, which is consumed."""
        error, self.pending_error = self.pending_error, names.OK
        return error

    # Connecting and accepting ------------------------------------------------------------------------------

    def connect(self, ip: str, port: int) -> str:
        """``lwip_netconn_do_connect``: ``IN_PROGRESS`` once the SYN is on its way."""
        if self.pcb is None:
            return names.CLSD
        if self.state == CONNECTING:
            return names.ALREADY
        if self.state != IDLE:
            return names.IS_CONN
        error = self.stack.tcp.connect(self.pcb, ip, port)
        if error != names.OK:
            return error
        self.state = CONNECTING
        return names.IN_PROGRESS

    def _connected(self) -> None:
        self.state = IDLE
        self.connect_error = names.OK
        self.send_event = True
        pcb = self.pcb
        if pcb is not None:
            self.stack.note("connected", fd=self.stack.sockets.of(self), port=pcb.local_port)
        self._event()

    def listen(self, backlog: int) -> str:
        """``lwip_netconn_do_listen``: the receive mailbox makes place for one of connections."""
        if self.pcb is None:
            return names.CONN
        if self.state == LISTENING:
            self.pcb.backlog = max(1, min(backlog, 255))
            return names.OK
        error = self.stack.tcp.listen(self.pcb, backlog)
        if error == names.OK:
            self.state = LISTENING
            self.receives, self.accepts = False, True
            self.pcb.on_accept = self._offer
        return error

    def _offer(self, pcb: Pcb) -> str:
        """``accept_function``: a handshake was completed."""
        if not self.accepts:
            return names.VAL
        conn = Netconn.allocate(self.stack, self.kind, pcb)
        if conn is None:
            self.accepted.append(None)
            self.receive_events += 1
            self._event()
            return names.MEM
        self.stack.tcp.backlog_delayed(pcb)
        if len(self.accepted) >= self.stack.options.accept_mailbox:
            conn.pcb = None
            pcb.on_error = pcb.on_receive = None
            conn._free()
            return names.MEM
        self.accepted.append(conn)
        self.receive_events += 1
        self._event()
        return names.OK

    def accept(self) -> tuple[str, Netconn | None]:
        """``netconn_accept`` without waiting."""
        if not self.accepts:
            return names.CONN, None
        if not self.accepted:
            error = self.take_error()
            return (error if error != names.OK else names.WOULD_BLOCK), None
        conn = self.accepted.popleft()
        self.receive_events -= 1
        if conn is None:
            return names.ABRT, None
        if conn.pcb is not None:
            self.stack.tcp.backlog_accepted(conn.pcb)
        return names.OK, conn

    # Receiving ---------------------------------------------------------------------------------------------

    def _take(self, data: bytes | None) -> bool:
        """``recv_tcp``: ``None`` is the peer's FIN; ``False``: the mailbox is full."""
        if not self.receives:
            if data is not None and self.pcb is not None:
                self.stack.tcp.received(self.pcb, len(data))
            return True
        if len(self.received) >= self.stack.options.tcp_mailbox:
            return False
        if data is None:
            self.received.append(Message(fin=True))
        else:
            address = self.stack.heap.take(self.stack.options.sizes.pbuf + len(data), "pbuf")
            self.received.append(Message(data, address))
        self.receive_events += 1
        self._event()
        return True

    def _take_datagram(self, packet: Udp) -> None:
        if len(self.received) >= self.stack.options.udp_mailbox:
            return
        address = self.stack.heap.take(self.stack.options.sizes.pbuf + len(packet.data), "pbuf")
        if address is None:
            return
        self.received.append(Message(packet.data, address, packet=packet))
        self.receive_events += 1
        self._event()

    def receive(self, no_fin: bool) -> tuple[str, Message | None]:
        """``netconn_recv_data_tcp`` without waiting: a message, or why there is none; ``CLSD`` is the end of data."""
        if not self.receives:
            return names.CONN, None
        if self.fin_pending:
            self.fin_pending = False
            return self._finish(), None
        if not self.received:
            error = self.take_error()
            if error != names.OK:
                return error, None
            return (names.CONN if self.mailbox_closed else names.WOULD_BLOCK), None
        message = self.received.popleft()
        if message.error:
            if message.error == names.CLSD:
                return self._finish(), None
            return message.error, None
        if message.fin:
            if no_fin:
                self.fin_pending = True
                return names.WOULD_BLOCK, None
            return self._finish(), None
        self.receive_events -= 1
        return names.OK, message

    def _finish(self) -> str:
        """``handle_fin``: the receiving side is closed; its mailbox goes."""
        self.receive_events -= 1
        if self.pcb is None:
            error = self.take_error()
            return error if error != names.OK else names.RST_
        self.stack.tcp.shutdown(self.pcb, True, False)
        self.receives = False
        return names.CLSD

    def took(self, length: int) -> None:
        """``netconn_tcp_recvd``: the application has copied ``length`` bytes."""
        if self.pcb is not None:
            self.stack.tcp.received(self.pcb, length)

    def release(self, message: Message) -> None:
        """Give a message's memory back."""
        self._release(message)

    # Sending -----------------------------------------------------------------------------------------------

    def _sent(self, _length: int) -> None:
        writing.go_on(self)
        self._writable_again()
        if self.lingers:
            self.changed.notify()

    def _polled(self) -> None:
        writing.go_on(self)
        if self.check_space:
            self._writable_again()
        if self.lingers:
            self.changed.notify()

    def _writable_again(self) -> None:
        if self.pcb is not None and writing.roomy(self, self.pcb):
            self.check_space = False
            self.send_event = True
            self._event()

    # Ending ------------------------------------------------------------------------------------------------

    def _failed(self, error: str) -> None:
        """``err_tcp``: the PCB is gone."""
        self.pcb = None
        self.pending_error = error
        self.mailbox_closed = True
        state, self.state = self.state, IDLE
        self.error_event = True
        self.receive_events += 1
        self.send_event = True
        if self.receives:
            self.received.append(Message(error=error))
        if state == CONNECTING:
            self.connect_error = error
        write = self.write
        if write is not None:
            writing.end(self, write, error)
        self._event()

    def shutdown(self, receiving: bool, transmitting: bool) -> str:
        """``netconn_shutdown``; both directions are a close that never waits, whatever SO_LINGER says."""
        if self.pcb is None:
            return names.CONN
        if self.state == LISTENING:
            return names.CONN
        both = receiving and transmitting
        error = self._close(self.pcb) if both else self.stack.tcp.shutdown(self.pcb, receiving, transmitting)
        if error == names.OK:
            if receiving:
                self.receives = False
            if both:
                self._disown()
            self._event()
        return error

    @property
    def holds_close(self) -> bool:
        """Whether SO_LINGER keeps ``close()`` waiting: there is time for it, and something that was not acknowledged."""
        return self.linger_s > 0 and self.pcb is not None and _owes(self.pcb)

    def begin_lingering(self) -> None:
        """``close()`` that waits: the FIN is queued, and every ACK and every poll look whether it is over."""
        if self.pcb is not None:
            self.receives = False
            self.lingers = True
            self.stack.tcp.close(self.pcb)

    def _close(self, pcb: Pcb) -> str:
        """``lwip_netconn_do_close_internal``: SO_LINGER 0 aborts, but only what has not acknowledged everything."""
        if self.linger_s == 0 and _owes(pcb):
            pcb.on_error = None
            self.stack.tcp.abort(pcb, "linger")
            return names.OK
        return self.stack.tcp.close(pcb)

    def delete(self) -> None:
        """``netconn_delete``: close what is open and free everything; blocked calls fail."""
        self.receives = self.accepts = False
        write = self.write
        if write is not None:
            writing.end(self, write, names.CLSD)
        for conn in self.accepted:
            if conn is not None and conn.pcb is not None:
                self.stack.tcp.abort(conn.pcb, "never-accepted")
            if conn is not None:
                conn._free()
        self.accepted.clear()
        pcb = self.pcb
        if pcb is not None:
            self._disown()
            self._close(pcb)
        if self.udp is not None:
            self.udp.remove()
            self.udp = None
        self._free()
        self.mailbox_closed = True
        self._event()
        self.on_ready = None

    def _disown(self) -> None:
        """The PCB goes on alone: nobody hears of it any more."""
        pcb, self.pcb = self.pcb, None
        if pcb is not None:
            pcb.conn = None
            pcb.on_receive = pcb.on_sent = pcb.on_poll = pcb.on_error = pcb.on_connected = pcb.on_accept = (
                None
            )


def _owes(pcb: Pcb) -> bool:
    """Whether something is left that the peer has not acknowledged, a FIN among it."""
    return bool(pcb.unsent or pcb.unacked)
