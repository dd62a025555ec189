"""A bench to test on: one device, one Linux peer, a cable; and firmware written as generators."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from halfopen.impairments import Impairment
from halfopen.impairments.blackhole import Blackhole
from halfopen.twin.heap import Heap
from halfopen.twin.linux.host import Host
from halfopen.twin.linux.services import Responder, Service
from halfopen.twin.lwip import names
from halfopen.twin.lwip.calls import Calls
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.lwip.options import Options
from halfopen.twin.lwip.stack import Stack
from halfopen.twin.network import Network
from halfopen.twin.recorder import Recorder
from halfopen.twin.tasks import Task, Tasks, sleep
from halfopen.twin.world import MS, SECOND, World

PEER, PORT = "192.168.5.1", 8080


class Bench:
    """One device and one peer. ``said`` collects (seconds, what, result) of calls made through ``call``."""

    def __init__(
        self,
        service: Service | None = None,
        *,
        seed: int = 1,
        options: Options | None = None,
        heap: int = 200_000,
        recorded: bool = True,
    ) -> None:
        self.world = World(seed)
        self.network = Network(self.world)
        self.peer = Host(self.network, "peer", PEER)
        self.peer.listen(PORT, service or Responder(40))
        self.device = Stack(self.network, "device", options=options, heap=Heap(heap), ip="192.168.5.100")
        self.recorder = Recorder(self.world)
        if recorded:
            self.recorder.tap(self.device.link)
        self.tasks = Tasks(self.world)
        self.calls = Calls(self.device)
        self.said: list[tuple[float, str, Any]] = []
        self.device.netif_up()

    def now(self) -> float:
        """Seconds since the world began."""
        return self.world.now / SECOND

    def run(self, firmware: Generator[Any, Any, Any], seconds: float) -> Task:
        """Start a task and let ``seconds`` pass."""
        task = self.tasks.start("app", firmware)
        self.world.run(int(seconds * SECOND))
        return task

    def call(self, what: str, made: Generator[Any, Any, Any] | Callable[[], Any]) -> Generator[Any, Any, Any]:
        """Make a call and keep what came of it: its value or its errno."""
        try:
            result = made() if callable(made) else (yield from made)
        except SocketError as error:
            result = -(error.errno or 0)
        yield from ()
        self.said.append((self.now(), what, result))
        return result

    def connected(
        self, options: dict[int, int] | None = None, exchanges: int = 3
    ) -> Generator[Any, Any, int]:
        """A connection that has exchanged something."""
        calls = self.calls
        fd = calls.socket()
        for option, value in (options or {}).items():
            calls.setsockopt(fd, option, value)
        yield from calls.connect(fd, PEER, PORT)
        for _ in range(exchanges):
            yield from calls.send(fd, b"x" * 40)
            yield from calls.recv(fd, 200)
            yield from sleep(10 * MS)
        return fd

    def impair(self, kind: type[Impairment] = Blackhole, **values: Any) -> None:
        """Something begins now, on the device's link."""
        self.network.impair(kind(begin_ms=self.world.now / MS, **values), self.device)

    def results(self) -> list[tuple[str, Any]]:
        """What was called and what came of it."""
        return [(what, result) for _, what, result in self.said]

    def sent(self, why: str) -> list[float]:
        """When (s) frames were sent for a reason."""
        return [when / SECOND for when, _, _, reason in self.recorder.frames if reason == why]


def keepalive(idle: int, interval: int, count: int) -> dict[int, int]:
    """Options that switch keepalive on."""
    return {
        names.SO_KEEPALIVE: 1,
        names.TCP_KEEPIDLE: idle,
        names.TCP_KEEPINTVL: interval,
        names.TCP_KEEPCNT: count,
    }


def near(measured: float, expected: float) -> bool:
    """Within 5 % or one tick of lwIP's slow timer, which is what the twin promises."""
    return abs(measured - expected) <= max(0.5, 0.05 * expected)
