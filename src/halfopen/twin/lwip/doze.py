"""Idle connections in closed form: keepalive probes that both ends answer cost nothing until something changes.

A probe and its answer repeat with a period that follows from the timers and the path, so nobody has to play them. The
connection dozes: it has no timer, and whoever touches it, its peer or the path between wakes it first. ``wake`` then
sets what the rounds played meanwhile would have left behind; a probe that is under way at that moment is put under
way. Nobody dozes where a recorder listens or where the path is not the same for every packet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.impairments.span import TO_DEVICE
from halfopen.twin.lwip import pcb as state
from halfopen.twin.lwip import receiving
from halfopen.twin.lwip.pcb import Pcb
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.lwip.tcp import TcpLayer
    from halfopen.twin.network import Partner


class Doze:
    """One connection's sleep: when its first probe would go, how long a round is, when in it the answer comes."""

    __slots__ = (
        "_answer_ns",
        "_first",
        "_first_tick",
        "_late_ticks",
        "_passes_ns",
        "_period_ns",
        "_period_ticks",
        "partner",
    )

    def __init__(self, partner: Partner, first: int, first_tick: int, idle_ticks: int, tick_ns: int) -> None:
        self.partner = partner
        self._first = first
        self._first_tick = first_tick
        self._period_ticks = idle_ticks
        self._period_ns = idle_ticks * tick_ns
        self._answer_ns = self._passes_ns = self._late_ticks = 0

    def time_answers(self, passes_ns: int, answer_ns: int, tick_ns: int) -> None:
        """An answer comes back to the device's link after ``passes_ns`` and is taken after ``answer_ns``."""
        self._passes_ns = passes_ns
        self._answer_ns = answer_ns
        self._late_ticks = answer_ns // tick_ns
        self._period_ticks += self._late_ticks
        self._period_ns += self._late_ticks * tick_ns

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

    def last_passed(self, now: int) -> int:
        """When a probe or an answer last crossed the device's link (ns); not before there was a probe."""
        sent = self._first + (self.rounds(now)[0] - 1) * self._period_ns
        return max(
            when
            for when in (sent - self._period_ns + self._passes_ns, sent, sent + self._passes_ns)
            if when <= now
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
    partner, there_and_back = agreed
    first_tick = pcb.tmr + idle_ticks
    if first_tick <= timers.ticks():
        return False
    first = timers.time_of(2 * first_tick - 1)
    answer_ns = stack.taken_at(first + there_and_back) - first
    if answer_ns >= min(pcb.keep_interval_ms, pcb.keep_idle_ms) * MS or slow_ns % stack.options.tick_ns:
        return False
    made = pcb.doze = Doze(partner, first, first_tick, idle_ticks, slow_ns)
    made.time_answers(there_and_back - stack.link.conditions.fixed_delay(TO_DEVICE), answer_ns, slow_ns)
    partner.doze(lambda: timers.wake(pcb))
    return True


def wake(tcp: TcpLayer, pcb: Pcb) -> None:
    """Set what the rounds of the doze left behind."""
    doze, pcb.doze = pcb.doze, None
    if not isinstance(doze, Doze):
        return
    stack = tcp.stack
    sent, answered = doze.rounds(stack.world.now)
    stack.probes_in_closed_form += sent
    if answered:
        pcb.tmr = doze.tick_of_answer(answered)
        stack.count_packets(answered)
        stack.arp.refresh(stack.network.next_hop(pcb.remote_ip))
    if sent:
        last = doze.last_passed(stack.world.now)
        stack.network.passed(stack.link, pcb.remote_ip, pcb.remote_port, pcb.local_port, last)
    answer = doze.partner.awake(answered, doze.answered_at(answered) if answered else 0)
    if sent > answered:
        stack.count_packets(1)
        pcb.keep_sent = 1
        stack.world.at(doze.answered_at(sent), receiving.receive, tcp, answer)
