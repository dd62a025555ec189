"""lwIP's DNS client (``dns.c``): one datagram, then again after one, one, two and three seconds, then EAI_FAIL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.formats.dns import PORT, answered_addresses, dns, read_dns
from halfopen.twin.lwip import names
from halfopen.twin.lwip.udp import UdpPcb
from halfopen.twin.packets import Udp
from halfopen.twin.tasks import Condition
from halfopen.twin.world import SECOND, Timer

if TYPE_CHECKING:
    from halfopen.twin.lwip.stack import Stack

#: Seconds after which it asks again (DNS_MAX_RETRIES=4; the pause is the number of retries so far, at least one).
_PAUSES = (1, 1, 2, 3)


class Lookup:
    """One question: ``done`` when there is an answer or none will come; ``failed`` is an EAI number then, or 0."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.done = False
        self.failed = 0
        self.addresses: list[str] = []
        self.changed = Condition()

    def end(self, addresses: list[str], failed: int = 0) -> None:
        """There is an answer, or there will be none."""
        self.addresses, self.failed, self.done = addresses, failed, True
        self.changed.notify()


class Resolver:
    """The DNS client of one stack. Every question takes a UDP block, but no descriptor."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._chance = stack.world.chance(f"{stack.name} dns")

    def ask(self, name: str) -> Lookup:
        """Begin to look ``name`` up."""
        lookup = Lookup(name)
        if name.replace(".", "").isdigit():
            lookup.end([name])
            return lookup
        pcb = UdpPcb.allocate(self._stack)
        if pcb is None:
            lookup.end([], names.EAI_MEMORY)
            return lookup
        pcb.connect(self._stack.resolver, PORT)
        question = Question(self._stack, pcb, lookup, self._chance.between(0, 0xFFFF))
        pcb.on_receive = question.take
        question.send(0)
        return lookup


class Question:
    """A lookup on its way."""

    def __init__(self, stack: Stack, pcb: UdpPcb, lookup: Lookup, number: int) -> None:
        self._world = stack.world
        self._pcb = pcb
        self._lookup = lookup
        self._number = number
        self._timer: Timer | None = None

    def send(self, attempt: int) -> None:
        """Ask, and see to the next attempt."""
        if attempt == len(_PAUSES):
            self._end([], names.EAI_FAIL)
            return
        self._pcb.send(dns(self._number, self._lookup.name))
        self._timer = self._world.after(_PAUSES[attempt] * SECOND, self.send, attempt + 1)

    def take(self, packet: Udp) -> None:
        """A datagram from the server."""
        answer = read_dns(packet.data)
        if answer is None or not answer.response or answer.number != self._number:
            return
        addresses = answered_addresses(packet.data)
        # lwIP's getaddrinfo says 202 for a name that does not exist, too: dns.c knows only "no address".
        self._end(addresses, 0 if addresses else names.EAI_FAIL)

    def _end(self, addresses: list[str], failed: int = 0) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._pcb.remove()
        self._lookup.end(addresses, failed)
