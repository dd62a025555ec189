"""Idle connections in closed form: keepalive probes that both ends answer cost nothing until something changes.

A probe and its answer repeat with a period that follows from the timers and the path, so nobody has to play them. The
connection dozes: it has no timer, and whoever touches it, its peer or the path between wakes it first. ``wake`` then
sets what the rounds played meanwhile would have left behind; a probe that is under way at that moment is put under
way. Nobody dozes where a recorder listens or where the path is not the same for every packet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.lwip import pcb as state
from halfopen.twin.lwip import receiving, sending
from halfopen.twin.lwip.pcb import Pcb
from halfopen.twin.packets import Frame, Packet
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.lwip.tcp import TcpLayer
    from halfopen.twin.network import Partner, Way


class Doze:
    """One connection's sleep: when its first probe would go, how long a round is, when in it the answer comes."""

    __slots__ = (
        "_answer_ns",
        "_first",
        "_first_tick",
        "_late_ticks",
        "_period_ns",
        "_period_ticks",
        "partner",
        "way",
    )

    def __init__(self, partner: Partner, way: Way, first: int, first_tick: int) -> None:
        self.partner = partner
        self.way = way
        self._first = first
        self._first_tick = first_tick
        self._answer_ns = self._late_ticks = self._period_ticks = self._period_ns = 0

    def time(self, idle_ticks: int, answer_ns: int, tick_ns: int) -> None:
        """A probe goes ``idle_ticks`` after an answer, which is taken ``answer_ns`` after its probe."""
        self._answer_ns = answer_ns
        self._late_ticks = answer_ns // tick_ns
        self._period_ticks = idle_ticks + self._late_ticks
        self._period_ns = self._period_ticks * tick_ns

    def rounds(self, now: int) -> tuple[int, int]:
        """Probes sent and answers received until ``now``."""
        if now < self._first:
            return 0, 0
        sent = (now - self._first) // self._period_ns + 1
        answered = sent if now >= self.answered_at(sent) else sent - 1
        return sent, answered

    def answered_at(self, number: int) -> int:
        """When the answer to a probe (from 1) is taken (ns)."""
        return self._first + (number - 1) * self._period_ns + self._answer_ns

    def sent_at(self, number: int) -> int:
        """When a probe (from 1) goes (ns)."""
        return self._first + (number - 1) * self._period_ns

    def last_passed(self, sent: int, now: int) -> int:
        """When a probe or an answer last crossed the device's link (ns), after ``sent`` probes."""
        probe, before = self.sent_at(sent), self.sent_at(sent - 1)
        return max(
            when for when in (before + self.way.returns, probe, probe + self.way.returns) if when <= now
        )

    def tick_of_answer(self, number: int) -> int:
        """The slow tick at which that is."""
        return self._first_tick + (number - 1) * self._period_ticks + self._late_ticks


def is_idle(pcb: Pcb) -> bool:
    """Whether keepalive is all that a connection waits for."""
    return (
        pcb.keepalive
        and pcb.state == state.ESTABLISHED
        and not pcb.keep_sent
        and not pcb.unacked
        and not pcb.unsent
        and not pcb.persist_backoff
        and not pcb.ack_delayed
        and not pcb.ack_now
        and pcb.refused is None
        and not pcb.rx_closed
        and (pcb.conn is None or not pcb.conn.wants_poll)
    )


def begin(tcp: TcpLayer, pcb: Pcb) -> bool:
    """Let an idle connection doze, if its peer and the path agree; whether it does."""
    stack = tcp.stack
    if stack.link.tap is not None or tcp.input_pcb is pcb:
        return False
    if not stack.arp.knows(stack.network.next_hop(pcb.remote_ip)):
        return False
    timers = tcp.timers
    slow_ns = timers.slow_ms * MS
    idle_ticks = pcb.keep_idle_ms // timers.slow_ms + 1
    quiet_ns = (idle_ticks + 1) * slow_ns
    agreed = stack.network.idle_partner(stack.link, pcb.remote_ip, pcb.remote_port, pcb.local_port, quiet_ns)
    if agreed is None:
        return False
    partner, way = agreed
    first_tick = pcb.tmr + idle_ticks
    if first_tick <= timers.ticks():
        return False
    first = timers.time_of(2 * first_tick - 1)
    answer_ns = stack.taken_at(first + way.back) - first
    if answer_ns >= min(pcb.keep_interval_ms, pcb.keep_idle_ms) * MS or slow_ns % stack.options.tick_ns:
        return False
    made = pcb.doze = Doze(partner, way, first, first_tick)
    made.time(idle_ticks, answer_ns, slow_ns)
    partner.doze(lambda: timers.wake(pcb))
    return True


def wake(tcp: TcpLayer, pcb: Pcb) -> None:
    """Set what the rounds of the doze left behind."""
    doze, pcb.doze = pcb.doze, None
    if not isinstance(doze, Doze):
        return
    stack = tcp.stack
    now = stack.world.now
    sent, answered = doze.rounds(now)
    stack.probes_in_closed_form += sent
    next_hop = stack.network.next_hop(pcb.remote_ip)
    if answered:
        pcb.tmr = doze.tick_of_answer(answered)
        stack.count_packets(answered)
        stack.arp.refresh(next_hop)
    if sent:
        last = doze.last_passed(sent, now)
        stack.network.passed(stack.link, pcb.remote_ip, pcb.remote_port, pcb.local_port, last)
        if stack.link.radio is not None:
            stack.link.radio.passed(sent, last)
    heard = sent if sent and now >= doze.sent_at(sent) + doze.way.answers else answered
    answer = doze.partner.awake(heard, doze.sent_at(heard) + doze.way.arrives if heard else 0)
    if sent > answered:
        _resume(tcp, pcb, doze, sent, answer)


def _resume(tcp: TcpLayer, pcb: Pcb, doze: Doze, number: int, answer: Packet) -> None:
    """A probe is under way: it, or its answer, goes on as a packet."""
    stack = tcp.stack
    pcb.keep_sent = 1
    mac = stack.arp.mac_of(stack.network.next_hop(pcb.remote_ip))
    probe = Frame(mac, stack.mac, sending.keepalive_probe(pcb, stack.count_packets(1)))
    came_back = doze.sent_at(number) + doze.way.back
    if came_back <= stack.world.now:
        # It is in the driver already.
        stack.world.at(doze.answered_at(number), receiving.receive, tcp, answer)
    else:
        doze.way.resume(doze.sent_at(number), probe, Frame(stack.mac, mac, answer))
