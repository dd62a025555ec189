"""The lab of ``tests/link/netlab`` in virtual time: the same faults, done to a simulated device and a simulated peer."""

from __future__ import annotations

import ssl
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.link import netlab

from halfopen.impairments.blackhole import Blackhole
from halfopen.link.capability import CAUSES
from halfopen.link.journal import Change
from halfopen.link.machine import ONLINE
from halfopen.link.policy import Policy
from halfopen.twin.device import Device
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.linux.connection import Connection as PeerConnection
from halfopen.twin.linux.host import Host
from halfopen.twin.linux.services import Echo, Mute, Service, Sink
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.lwip.options import Options
from halfopen.twin.network import Network
from halfopen.twin.on_lwip import Connection, Link, Lost
from halfopen.twin.truth import Truth
from halfopen.twin.world import MS, SECOND, World

#: As the lab's peer sets it on the sockets that are meant to fill.
_SMALL_BUFFER = 16384


class Talk(Service):
    """Talks all the time and takes nothing: alive, with its window at zero."""

    receive_buffer = _SMALL_BUFFER

    def connected(self, connection: PeerConnection) -> None:
        connection.stall(True)
        self._say(connection)

    def _say(self, connection: PeerConnection) -> None:
        if connection.state == "ESTABLISHED":
            connection.send(b"still here\n")
            connection.world.after(100 * MS, self._say, connection)


class Slow(Service):
    """Takes a little at a time, for ever."""

    receive_buffer = _SMALL_BUFFER

    def connected(self, connection: PeerConnection) -> None:
        connection.stall(True)
        connection.world.after(100 * MS, self._take, connection)

    def received(self, connection: PeerConnection, data: bytes) -> None:
        connection.stall(True)

    def _take(self, connection: PeerConnection) -> None:
        if connection.state == "ESTABLISHED":
            connection.stall(False)
            connection.world.after(100 * MS, self._take, connection)


class Trickle(Service):
    """Begins a TLS record of 16 KB and sends a byte of it now and then."""

    def connected(self, connection: PeerConnection) -> None:
        connection.send(b"\x16\x03\x03\x40\x00")
        connection.world.after(200 * MS, self._drip, connection)

    def _drip(self, connection: PeerConnection) -> None:
        if connection.state == "ESTABLISHED":
            connection.send(b"\x00")
            connection.world.after(200 * MS, self._drip, connection)


class TwinLab:
    """One device, one peer, and what ``netlab.Lab`` can do to them."""

    def __init__(self, seed: int = 1) -> None:
        self.world = World(seed)
        self.network = Network(
            self.world,
            Truth(self.world),
            gateway=netlab.PEER_IP,
            prefix=netlab.PEER_IP.rpartition(".")[0] + ".",
        )
        self.peer = Host(self.network, "peer", netlab.PEER_IP)
        services = {
            netlab.ECHO: Echo(),
            netlab.SINK: Sink(),
            netlab.TALK: Talk(),
            netlab.SLOW: Slow(),
            netlab.MUTE: Mute(),
            netlab.TRICKLE: Trickle(),
        }
        for port, service in services.items():
            self.peer.listen(port, service)
        self.peer.name_server.names[netlab.PEER_NAME] = netlab.PEER_IP
        self._hole: Blackhole | None = None

    def now(self) -> float:
        return self.world.now / SECOND

    def wait(self, seconds: float) -> None:
        self.world.run(until=self.world.now + int(seconds * SECOND))

    def blackhole(self, what: str = "meta l4proto tcp") -> None:
        self.network.settle()
        if "udp" in what:
            self.peer.silence("dns", True)
        else:
            self._hole = Blackhole()
            self.peer.link.conditions.begin(self._hole)

    def heal(self) -> None:
        self.network.settle()
        self.peer.silence("dns", False)
        if self._hole is not None:
            self.peer.link.conditions.end(self._hole)
            self._hole = None

    def freeze(self) -> None:
        self.network.settle()
        self.peer.stall(True)

    def thaw(self) -> None:
        self.network.settle()
        self.peer.stall(False)

    def crash_peer(self) -> None:
        self.network.settle()
        self.peer.reboot(up=False)

    def start_peer(self) -> None:
        self.peer.return_()


class WatchedConnection(Connection):
    """Notes when the socket last took a byte."""

    progressed = 0.0

    def accepted_up_to(self, end: int) -> None:
        link = self._carrier
        assert isinstance(link, WatchedLink)
        type(self).progressed = link.seconds()
        super().accepted_up_to(end)


class WatchedLink(Link):
    """A link whose connections are watched."""

    def seconds(self) -> float:
        return self._world.now / SECOND

    def _make_connection(self) -> Connection:
        return WatchedConnection(self, f"{self._host}:{self._port}", self._device.stack.ip)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bare(Firmware):
    """Starts nothing by itself."""

    NAME: ClassVar[str] = ""

    def start(self, device: Device) -> None:
        pass


class TwinSubject:
    """The third driver as a program under test: what it said, and the commands of ``subject_on_asyncio``."""

    def __init__(
        self,
        lab: TwinLab,
        settings: dict[str, Any],
        *,
        link_class: type[WatchedLink] = WatchedLink,
        keepalive: bool = True,
        options: Options | None = None,
    ) -> None:
        self._lab, self._world = lab, lab.world
        self.said: list[dict[str, Any]] = []
        self._heard = 0
        self.errors: list[str] = []
        self.device = Device(
            lab.network,
            "device",
            _Bare(),
            mac="02:00:00:00:00:02",
            ip=netlab.DEVICE_IP,
            options=options or Options(),
        )
        self.device.tasks.on_crash = lambda task, error: self.errors.append(repr(error))
        self.device.stack.netif_up()
        self._before = self._open()
        context = None
        if settings.get("tls"):
            context = ssl.create_default_context()
        beat = settings.get("heartbeat")
        self.link = link_class(
            self.device,
            settings["host"],
            settings["port"],
            policy=Policy(**settings.get("policy", {})),
            heartbeat=None if beat is None else beat.encode(),
            tls=context,
            keepalive=keepalive,
        )
        self.link.observers.append(self._changed)
        self.connection: Connection | None = None
        self._hogged: list[int] = []
        self._say("bounds", bounds={cause: self.link.bound(cause) for cause in CAUSES})
        self.link.begin()
        self.device.start("reader", self._read())

    def _open(self) -> int:
        return len(self.device.stack.sockets.open_descriptors())

    def _say(self, what: str, **more: Any) -> None:
        self.said.append({"what": what, "at": self._lab.now(), **more})

    def _changed(self, change: Change) -> None:
        if change.state != change.before:
            self._say(
                "change",
                state=change.state,
                before=change.before,
                event=change.event,
                cause=change.cause,
                loss=change.is_loss,
            )

    def _read(self) -> Generator[Any, Any, None]:
        while True:
            self.connection = yield from self.link.connection()
            with suppress(Lost):
                while True:
                    yield from self.connection.read()
            self.connection = None

    def _send(self, size: int) -> Generator[Any, Any, None]:
        assert self.connection is not None
        with suppress(Lost):
            yield from self.connection.write(b"x" * (size - 1) + b"\n")

    def tell(self, command: str) -> float:
        """Obey ``command`` at once; the time of it."""
        while self.link.state == ONLINE and self.connection is None:
            self._world.run(
                until=self._world.next_event()
            )  # the state is told before the connection is handed out
        verb, _, rest = command.partition(" ")
        if verb == "send":
            self.device.start("sender", self._send(int(rest)))
        elif verb == "drop" and self.connection is not None:
            self.connection.close()
        elif verb == "hog":
            try:
                while True:
                    self._hogged.append(self.device.stack.sockets.socket())
            except SocketError:
                self._say("hogged", size=len(self._hogged))
        elif verb == "release":
            while self._hogged:
                self.device.stack.sockets.close(self._hogged.pop())
        elif verb == "progress":
            self._say("progress", last=WatchedConnection.progressed)
        elif verb == "fds":
            self._say("fds", open=self._open(), held=len(self.link.ledger))
        return self._lab.now()

    def wait_for(self, limit_s: float, **wanted: Any) -> dict[str, Any] | None:
        """The next thing said that has all of ``wanted``; ``None`` when it was not said in time."""
        until = self._world.now + int(limit_s * SECOND)
        while True:
            while self._heard < len(self.said):
                said = self.said[self._heard]
                self._heard += 1
                if all(said.get(key) == value for key, value in wanted.items()):
                    return said
            following = self._world.next_event()
            if following is None or following > until:
                self._world.run(until=until)
                return None
            self._world.run(until=following)

    def must(self, limit_s: float, **wanted: Any) -> dict[str, Any]:
        """As :meth:`wait_for`; raises :class:`AssertionError` with what was said instead."""
        found = self.wait_for(limit_s, **wanted)
        assert found is not None, f"{wanted} was not said in {limit_s} s; last: {self.said[-8:]}"
        return found

    def quit(self) -> dict[str, Any]:
        """End it in order; what it says last."""
        self.link.stop()
        self.tell("release")
        return {
            "before": self._before,
            "after": self._open(),
            "held": len(self.link.ledger),
            "swept": self.link.ledger.swept,
            "errors": self.errors,
        }
