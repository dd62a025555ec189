"""What a link does to the frames that cross it: impairments of the path, interpreted.

Chance is drawn only where something is uncertain, from the link's own stream, so that an impairment that is not there
changes no other's luck.
"""

from __future__ import annotations

from typing import Protocol

from halfopen.impairments.blackhole import Blackhole
from halfopen.impairments.delay import Delay
from halfopen.impairments.flows_lost import FlowsLost
from halfopen.impairments.loss import Loss
from halfopen.impairments.nat_expiry import NatExpiry
from halfopen.impairments.span import BOTH, TO_PEER, Impairment
from halfopen.impairments.unreachable import Unreachable
from halfopen.twin.packets import ACK, RST, SYN, UNREACHABLE, Arp, Frame, Icmp, Tcp
from halfopen.twin.world import MS, World

#: A flow by the device's side of it: its address and port, the peer's address and port.
Flow = tuple[str, int, str, int]


class Crossing(Protocol):
    """The link that a frame crosses."""

    gateway: str

    def send_back(self, frame: Frame, direction: str) -> None:
        """Take ``frame`` to where one that went in ``direction`` came from."""


class Conditions:
    """The impairments active on one link. ``quiet`` says that there is nothing to judge."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._chance = world.chance(f"{name} link")
        #: What is in force now.
        self.active: list[Impairment] = []
        #: When a flow's last packet passed (ns), as far as anybody counts; flows that a box forgot, and what they get.
        self._seen: dict[Flow, int] = {}
        self._lost: dict[Flow, str] = {}
        #: What flows get that began before all were forgotten; those that began since.
        self._forgotten: str | None = None
        self._fresh: set[Flow] = set()
        self.quiet = True

    def steady(self, flow: Flow) -> bool:
        """Whether every packet of a flow passes with nothing but a fixed delay: what closed forms may rely on."""
        if flow in self._lost or (self._forgotten is not None and flow not in self._fresh):
            return False
        return all(
            (isinstance(active, Delay) and not active.jitter_ms) or isinstance(active, NatExpiry)
            for active in self.active
        )

    @property
    def nat_idle_ns(self) -> int | None:
        """The shortest silence after which a box forgets a flow."""
        idle = [int(active.idle_ms * MS) for active in self.active if isinstance(active, NatExpiry)]
        return min(idle, default=None)

    def fixed_delay(self, direction: str) -> int:
        """The delay (ns) that every packet in ``direction`` has, jitter left out."""
        return sum(
            int(active.delay_ms * MS)
            for active in self.active
            if isinstance(active, Delay) and active.direction in (BOTH, direction)
        )

    def begin(self, impairment: Impairment) -> None:
        """An impairment begins."""
        if isinstance(impairment, FlowsLost):
            self._forgotten = impairment.answer
            self._fresh.clear()
        else:  # forgetting is a moment; what lasts is what was forgotten
            self.active.append(impairment)
        self._judge_quiet()

    def end(self, impairment: Impairment) -> None:
        """An impairment ends. What a box forgot it does not remember again."""
        if impairment in self.active:
            self.active.remove(impairment)
        self._judge_quiet()

    def _judge_quiet(self) -> None:
        self.quiet = not self.active and not self._lost and self._forgotten is None

    def keep_alive(self, flow: Flow, last: int) -> None:
        """Packets of a flow passed until ``last`` (ns), in closed form."""
        self._seen[flow] = last

    def judge(self, link: Crossing, frame: Frame, direction: str) -> int | None:
        """How long ``frame`` takes (ns), or ``None`` when it does not pass."""
        if isinstance(frame.packet, Tcp) and not self._flow_passes(link, frame, frame.packet, direction):
            return None
        delay = 0
        for active in self.active:
            if isinstance(active, Blackhole):
                if active.direction in (BOTH, direction) and not (
                    active.arp_answers and isinstance(frame.packet, Arp)
                ):
                    return None
            elif isinstance(active, Loss):
                if active.direction in (BOTH, direction) and self._chance.happens(active.probability):
                    return None
            elif isinstance(active, Delay):
                if active.direction in (BOTH, direction):
                    delay += int(active.delay_ms * MS)
                    if active.jitter_ms:
                        delay += self._chance.between(0, int(active.jitter_ms * MS))
            elif isinstance(active, Unreachable) and self._unreachable(link, frame, direction, active.ip):
                return None
        return delay

    def _flow_passes(self, link: Crossing, frame: Frame, packet: Tcp, direction: str) -> bool:
        """Whether the boxes on the way still know the flow of a segment."""
        if direction == TO_PEER:
            flow = (packet.source, packet.sport, packet.destination, packet.dport)
        else:
            flow = (packet.destination, packet.dport, packet.source, packet.sport)
        now = self._world.now
        if packet.flags & (SYN | ACK) == SYN:
            self._lost.pop(flow, None)
            self._fresh.add(flow)
        else:
            for active in self.active:
                if isinstance(active, NatExpiry) and now - self._seen.get(flow, now) > active.idle_ms * MS:
                    self._lost[flow] = active.answer
        answer = self._lost.get(flow)
        if answer is None and flow not in self._fresh:
            answer = self._forgotten
        if answer is None:
            self._seen[flow] = now
            return True
        if answer == "reset" and not packet.flags & RST:
            self._refuse(link, frame, packet, direction)
        return False

    def _refuse(self, link: Crossing, frame: Frame, packet: Tcp, direction: str) -> None:
        """A box resets what it does not know, in the name of the other end."""
        reset = Tcp(
            packet.destination,
            packet.dport,
            packet.source,
            packet.sport,
            RST | ACK,
            packet.ack,
            packet.seq + packet.length,
            0,
            why="reset-by-a-box-in-between",
        )
        self._answer(link, frame, reset, direction)

    def _answer(self, link: Crossing, frame: Frame, packet: Tcp | Icmp, direction: str) -> None:
        """Send ``packet`` back to where ``frame`` came from."""
        link.send_back(Frame(frame.source, frame.destination, packet), direction)

    def _unreachable(self, link: Crossing, frame: Frame, direction: str, ip: str) -> bool:
        packet = frame.packet
        if isinstance(packet, Arp) or direction != TO_PEER or (ip and packet.destination != ip):
            return False
        answer = Icmp(link.gateway, packet.source, UNREACHABLE, 1, b"", packet, why="unreachable")
        self._answer(link, frame, answer, direction)
        return True
