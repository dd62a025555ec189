"""One TCP connection of a Linux host: how it acknowledges, retransmits, probes, and how it ends.

Sequence numbers are unbounded integers here as in the device's PCB.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from halfopen.twin.linux.acknowledging import Acknowledging
from halfopen.twin.linux.transmission import Transmission
from halfopen.twin.linux.window import MSS, ReceiveWindow, true_size
from halfopen.twin.packets import ACK, FIN, RST, SYN, Tcp, unwrapped
from halfopen.twin.world import SECOND, Timer

if TYPE_CHECKING:
    from halfopen.twin.linux.host import Host
    from halfopen.twin.linux.services import Service

#: TCP_TIMEWAIT_LEN, also what an orphan stays in FIN_WAIT_2 (tcp_fin_timeout).
TIME_WAIT_NS = 60 * SECOND


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
        host.made += 1
        #: Its place among the connections of this host, from 1.
        self.number = host.made
        self.opened_at = host.world.now
        self.reading = True
        self.closed_by_us = False
        chance = host.chance
        self.out = Transmission(self, chance.between(1, 0xFFFFFFFF))
        self.rcv_nxt = 0
        self.window = ReceiveWindow(service.receive_buffer)
        self.acks = Acknowledging(self)
        self._unread: deque[bytes] = deque()
        self._fin_received = False
        self._out_of_order: list[tuple[int, bytes, bool]] = []
        self._number = chance.between(0, 0xFFFF)
        self._keepalive: Timer | None = None
        self._time_wait: Timer | None = None
        self._heard = self.world.now
        self._keep_sent = 0
        #: The next segment confirms the neighbour: its ACK has just come.
        self.confirms = False
        self._wake: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<{self.state} {self.port}→{self.remote_ip}:{self.remote_port}>"

    # Opening -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Active open: send the SYN."""
        self.state = "SYN_SENT"
        self.out.greet(SYN)

    def opened_by(self, packet: Tcp) -> None:
        """Passive open: a SYN came."""
        self.state = "SYN_RECV"
        self.rcv_nxt = packet.seq + 1
        self.out.learn(packet)
        self.window.start(self.rcv_nxt)
        self.out.greet(SYN | ACK)

    def _establish(self) -> None:
        self.state = "ESTABLISHED"
        self._arm_keepalive()
        self.service.connected(self)
        self._push()

    # What applications do ----------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Write: sent as windows, Nagle and the congestion window allow."""
        if self.state in ("ESTABLISHED", "CLOSE_WAIT", "SYN_RECV", "SYN_SENT") and not self.out.fin_wanted:
            self.out.queue += data
            self._push()

    @property
    def unsent(self) -> int:
        """Bytes written and not yet sent."""
        return len(self.out.queue)

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
        if self.state == "SYN_SENT":
            self.end("closed")
            return
        self.out.fin_wanted = True
        self._push()

    def abort(self, why: str = "aborted") -> None:
        """Reset the connection."""
        if self.state not in ("CLOSED", "TIME_WAIT"):
            self.transmit(RST | ACK, self.out.nxt, b"", why)
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
            and self.out.idle
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
            self.out.nxt,
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

    def _push(self) -> None:
        if self.state not in ("CLOSED", "SYN_SENT", "SYN_RECV", "TIME_WAIT"):
            self.out.push()

    def fin_sent(self) -> None:
        """Our FIN is on its way."""
        self.state = "FIN_WAIT_1" if self.state == "ESTABLISHED" else "LAST_ACK"

    def give_up(self, why: str) -> None:
        """It was sent often enough."""
        self.service.failed(self, "timeout")
        self.end(why)

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
        if not self.out.idle or elapsed < idle_s * SECOND:
            again = idle_s * SECOND - (elapsed if self.out.idle else 0)
            self._keepalive = self.host.jiffies.after(again, self._keep)
            return
        if self._keep_sent >= count:
            self.service.failed(self, "timeout")
            self.abort("keepalive")
            return
        self._keep_sent += 1
        self.transmit(ACK, self.out.nxt - 1, b"", "keep-alive")
        self._keepalive = self.host.jiffies.after(interval_s * SECOND, self._keep)

    # Receiving ---------------------------------------------------------------------------------------------

    def receive(self, packet: Tcp) -> None:
        """A segment of this connection."""
        seq = unwrapped(packet.seq, self.rcv_nxt)
        ack = unwrapped(packet.ack, self.out.una)
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
                self.out.greet_again()
            else:
                self.acks.now()
            return
        end = seq + packet.length
        if seq > self.window.right_edge or (end < self.rcv_nxt) or (not packet.length and seq < self.rcv_nxt):
            # Outside the window, an old duplicate, or a probe: tell where we are. It completes no handshake: the SYN-ACK
            # goes on being sent (tcp_check_req looks at the window first).
            if packet.flags & ACK and self.state != "SYN_RECV":
                self._take_ack(packet, seq, ack)
            if self.state != "CLOSED":
                self.acks.now()
            return
        if packet.flags & ACK:
            if self.state == "SYN_RECV":
                if ack != self.out.nxt:
                    self.host.refuse_segment(packet)
                    return
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
        acceptable = packet.flags & ACK and ack == self.out.nxt
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
        self.out.greeted(ack)
        self.out.learn(packet)
        self.rcv_nxt = packet.seq + 1
        self.window.start(self.rcv_nxt)
        self.confirms = True
        self.transmit(ACK, self.out.nxt, b"")
        self._establish()

    def _take_ack(self, packet: Tcp, seq: int, ack: int) -> None:
        if self.out.take_ack(packet, seq, ack):
            self._fin_acknowledged()
        if self.state not in ("CLOSED", "SYN_RECV"):
            self.service.writable(self)
            self._push()

    def _fin_acknowledged(self) -> None:
        if self.state == "FIN_WAIT_1":
            self.state = "FIN_WAIT_2"
            self._linger()
        elif self.state == "CLOSING":
            self._rest()
        elif self.state == "LAST_ACK":
            self.end("closed")

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
        self.out.stop()
        self._linger()

    def _linger(self) -> None:
        if self._time_wait is not None:
            self._time_wait.cancel()
        self._time_wait = self.host.jiffies.after(TIME_WAIT_NS, self.end, "time-wait-over")

    def end(self, why: str) -> None:
        """Nothing of it is left."""
        if self.state == "CLOSED":
            return
        self._rouse()
        self.state = "CLOSED"
        self.out.clear()
        self.acks.stop()
        if self._time_wait is not None:
            self._time_wait.cancel()
        if self._keepalive is not None:
            self._keepalive.cancel()
            self._keepalive = None
        self._unread.clear()
        self.host.forget(self, why)
