"""The guard on the twin's lwIP: vanished clients cannot starve it, nobody waits unheard, nothing is lost."""

from __future__ import annotations

from halfopen.link import guard
from halfopen.twin.device import Device
from halfopen.twin.firmware import program
from halfopen.twin.guard_on_lwip import Client, GuardedServer
from halfopen.twin.linux.host import Host
from halfopen.twin.linux.services import Caller
from halfopen.twin.network import Network
from halfopen.twin.truth import Truth
from halfopen.twin.world import MS, SECOND, World

CAP = 6  # ten sockets, two in reserve, one listening, one for who is refused


class House:
    """A guarded device and as many callers as wanted."""

    def __init__(self) -> None:
        self.world = World(3)
        self.network = Network(self.world, Truth(self.world))
        self.device = Device(
            self.network, "device", program("guard-server", {}), mac="24:6f:28:a0:00:01", ip="192.168.5.100"
        )
        self.device.stack.netif_up()
        self.server = GuardedServer(self.device, 80, self._answer, farewell=b"HTTP/1.1 503 Busy\r\n\r\n")
        self.server.start()
        self.hosts = [Host(self.network, f"host{n}", ip=f"192.168.5.{n}") for n in range(10, 40)]

    def _answer(self, client: Client, data: bytes) -> None:
        if data:
            client.send(b"hello " + data)

    def call(self, host: int, greeting: bytes = b"x", repeat_ms: int = 0) -> Caller:
        caller = Caller(greeting, repeat_ns=repeat_ms * MS)
        self.hosts[host].connect("192.168.5.100", 80, caller)
        return caller

    def wait(self, seconds: float) -> None:
        self.world.run(until=self.world.now + int(seconds * SECOND))

    @property
    def open(self) -> int:
        return len(self.device.stack.sockets.open_descriptors())


def test_vanished_clients_give_way_and_are_cleared() -> None:
    house = House()
    for number in range(20):
        caller = house.call(number)
        house.wait(2)
        assert caller.heard == b"hello x"
        house.hosts[number].vanish()
        assert house.open <= CAP + 2
    house.wait(30)
    assert house.open == 1, "keepalive has cleared the rest"
    assert house.call(25) is not None
    house.wait(1)
    assert house.server.core.held == 1


def test_who_is_busy_is_not_put_out_and_who_is_refused_hears_it() -> None:
    house = House()
    busy = [house.call(number, repeat_ms=300) for number in range(CAP)]
    house.wait(1.5)
    late = house.call(20)
    house.wait(3)
    assert late.heard == b"HTTP/1.1 503 Busy\r\n\r\n"
    assert all(caller.outcome == "connected" for caller in busy)
    assert house.server.core.held == CAP
    house.server.stop()
    house.wait(1)
    assert (house.open, len(house.server.ledger), house.server.ledger.swept) == (0, 0, 0)
    assert house.server.core.state == "IDLE"
    assert not house.server.core.sessions


def test_descriptors_that_others_hold_are_survived() -> None:
    house = House()
    taken = [house.device.stack.sockets.socket() for _ in range(9)]
    caller = house.call(0)
    house.wait(2)
    assert caller.heard == b""
    assert "DESCRIPTORS_EXHAUSTED" in house.device.console.text()
    for fd in taken:
        house.device.stack.sockets.close(fd)
    later = house.call(1)
    house.wait(3)
    assert later.heard == b"hello x"
    assert house.server.core.state == guard.LISTENING


def test_a_peer_that_closes_is_answered_and_forgotten() -> None:
    house = House()
    connection = house.hosts[0].connect("192.168.5.100", 80, Caller(b"x"))
    house.wait(1)
    connection.close()
    house.wait(2)
    assert house.open == 1
    assert connection.state in ("TIME_WAIT", "CLOSED")
