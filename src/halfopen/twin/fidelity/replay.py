"""Plays a recorded test again: the same calls with the same pauses, and records what comes of it.

The lab's ``truth.json`` lists every call with its end (``t``), its duration (``ms``) and its outcome. A call is made
again when it was made in the lab; where calls before it took longer or shorter in the twin, as long after the end of
the one before as it was: what a call takes is the twin's answer, not its input. Calls happen on the device's ticks, as
the lab's did.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from halfopen.formats import newlib_errno
from halfopen.twin.fidelity.wire import Seen
from halfopen.twin.linux.host import Host
from halfopen.twin.linux.services import Service
from halfopen.twin.lwip import names
from halfopen.twin.lwip.calls import Calls
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.lwip.options import LINUX_TARGET
from halfopen.twin.lwip.stack import Stack
from halfopen.twin.network import Network
from halfopen.twin.packets import UNREACHABLE, Icmp, Packet, Tcp
from halfopen.twin.recorder import Recorder
from halfopen.twin.tasks import Tasks, Wait, sleep
from halfopen.twin.world import MS, SECOND, US, World

#: What the lab's peer and device have in common with all recordings.
PEER, DEVICE, DEVICE_MAC = "192.168.5.1", "192.168.5.100", "02:12:34:56:78:ab"
#: A call is made this long after the tick that woke its task (data/lwip).
_AFTER_TICK_NS = 150 * US
#: Up to so far (s) from the lab's times the lab's times are kept.
_ASTRAY_S = 0.1

#: One entry of a truth file: ``t``, ``what``, ``ret``, ``err``, ``ms``.
Event = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What became of one call: what it was, its value, its error's name (``OK``), how long it took (s)."""

    what: str
    value: int | None
    error: str
    seconds: float
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a recording does not say of itself: what the peer serves and which options the firmware set.

    ``options`` are set on every new TCP socket. ``before`` maps the index of an event to what is done to the network
    right before it. ``also`` runs beside the calls (a second task, clients that come).
    """

    title: str
    serves: Callable[[], Mapping[int, Service]]
    options: tuple[tuple[int, int], ...] = ()
    before: Mapping[int, Callable[[Lab], object]] = field(default_factory=dict)
    also: Callable[[Lab, list[Event], list[Seen]], object] | None = None
    #: Why it does not hold, where it does not.
    gap: str = ""


class Lab:
    """The lab as the recordings used it: one device on the ``linux`` target, one Linux peer, a TAP between them."""

    def __init__(self, situation: Situation, seed: int) -> None:
        self.world = World(seed)
        self.network = Network(self.world)
        self.peer = Host(self.network, "peer", PEER)
        # Chance of the lab's machine; f1 and f3 say that it was 31 to 41 s.
        self.peer.neighbours.reachable_ns = 36 * SECOND
        for port, service in situation.serves().items():
            self.peer.listen(port, service)
        self.device = Stack(self.network, "device", options=LINUX_TARGET, ip=DEVICE, mac=DEVICE_MAC)
        self.recorder = Recorder(self.world)
        self.recorder.tap(self.device.link)
        self.tasks = Tasks(self.world)
        self.calls = Calls(self.device)
        self.situation = situation
        self.outcomes: list[Outcome] = []
        self._lost: set[int] = set()

    # What was done to the network --------------------------------------------------------------------------

    def blackhole(self) -> None:
        """``nft`` drops everything but ARP on the peer from now on, both ways."""
        self.peer.drops = lambda packet: True

    def clear(self) -> None:
        """Nothing is dropped any more."""
        self.peer.drops = None

    def lose_flows(self) -> None:
        """``nft`` drops the ports of every connection that exists."""
        self._lost |= {pcb.local_port for pcb in self.device.tcp.active}
        self.peer.drops = self._is_lost

    def lose_port(self, port: int) -> None:
        """``nft`` drops one port of the peer."""
        self._lost.add(port)
        self.peer.drops = self._is_lost

    def reject(self) -> None:
        """``nft`` answers every packet with ICMP host unreachable."""
        self.peer.drops = self._is_rejected

    def _is_rejected(self, packet: Packet) -> bool:
        if isinstance(packet, Icmp):
            return False
        self.peer.send(Icmp(PEER, packet.source, UNREACHABLE, 1, b"", packet, why="unreachable"))
        return True

    def close_at_peer(self, number: int) -> None:
        """The peer's program closes its connection with this number (from 1), or ends and the kernel closes it."""
        for connection in list(self.peer.connections.values()):
            if connection.number == number:
                connection.close()

    def _is_lost(self, packet: Packet) -> bool:
        return isinstance(packet, Tcp) and bool({packet.sport, packet.dport} & self._lost)

    # Playing -----------------------------------------------------------------------------------------------

    def play(self, events: list[Event], first_at: float) -> Generator[Wait, bool, None]:
        """The firmware's task: ``events`` of a truth file, the first call ``first_at`` seconds after the start."""
        zero = events[0]["t"] - first_at
        ended = zero
        for index, event in enumerate(events):
            issued = event["t"] - (event.get("ms") or 0) / 1000
            before = self.situation.before.get(index)
            if before is not None:
                before(self)
            astray = self.world.now / SECOND - (ended - zero)
            due = (
                issued - zero
                if abs(astray) < _ASTRAY_S
                else self.world.now / SECOND + max(0.0, issued - ended)
            )
            yield from self._until(int(due * SECOND))
            ended = event["t"]
            outcome = yield from self._call(event)
            if outcome is not None:
                self.outcomes.append(outcome)

    def _until(self, when: int) -> Generator[Wait, bool, None]:
        """Wait for the tick that is nearest to ``when``."""
        tick = self.device.options.tick_ns
        floor = self.device.tick_floor()
        ticks = (when - floor + tick // 2) // tick
        due = floor + ticks * tick + _AFTER_TICK_NS
        if due > self.world.now:
            yield from sleep(due - self.world.now)

    def _call(self, event: Event) -> Generator[Wait, bool, Outcome | None]:
        words = str(event["what"]).split()
        control = CONTROLS.get(event["what"])
        if control is not None:
            control(self)
            return None
        call = _CALLS.get(words[0])
        if call is None:
            return None
        started = self.world.now
        value: int | None
        try:
            value, extra = yield from call(
                self, [int(word) if word.isdigit() else word for word in words[1:]]
            )
            error = "OK"
        except SocketError as failure:
            value, extra, error = -1, "", newlib_errno.NAMES.get(failure.errno or 0, str(failure.errno))
        return Outcome(event["what"], value, error, (self.world.now - started) / SECOND, extra)


_Answer = Generator[Wait, bool, tuple[int | None, str]]


def _socket(lab: Lab, words: list[Any]) -> _Answer:
    yield from ()
    fd = lab.calls.socket(names.DGRAM if words else names.STREAM)
    if not words:
        for option, value in lab.situation.options:
            lab.calls.setsockopt(fd, option, value)
    return fd, ""


def _connect(lab: Lab, words: list[Any]) -> _Answer:
    yield from lab.calls.connect(words[0], words[1], words[2])
    return 0, ""


def _send(lab: Lab, words: list[Any]) -> _Answer:
    return (yield from lab.calls.send(words[0], b"x" * words[1])), ""


def _recv(lab: Lab, words: list[Any]) -> _Answer:
    return len((yield from lab.calls.recv(words[0], words[1]))), ""


def _close(lab: Lab, words: list[Any]) -> _Answer:
    yield from lab.calls.close(words[0])
    return 0, ""


def _soerr(lab: Lab, words: list[Any]) -> _Answer:
    yield from ()
    error = lab.calls.getsockopt(words[0], names.SO_ERROR)
    return 0, f"so_error={newlib_errno.NAMES.get(error, 'OK')}"


def _nonblock(lab: Lab, words: list[Any]) -> _Answer:
    yield from ()
    lab.calls.set_nonblocking(words[0])
    return 0, ""


def _select(lab: Lab, words: list[Any]) -> _Answer:
    fds = [words[0]]
    reading, writing, failing = yield from lab.calls.select(fds, fds, fds, words[1] * MS)
    return len(reading) + len(writing) + len(failing), f"r={len(reading)} w={len(writing)} x={len(failing)}"


def _listen(lab: Lab, words: list[Any]) -> _Answer:
    yield from ()
    lab.calls.bind(words[0], words[1])
    lab.calls.listen(words[0], words[2])
    return 0, ""


def _accept(lab: Lab, words: list[Any]) -> _Answer:
    listening = min(lab.device.sockets.open_descriptors())
    fd, _ = yield from lab.calls.accept(listening)
    return fd, ""


def _shutdown(lab: Lab, words: list[Any]) -> _Answer:
    yield from ()
    lab.calls.shutdown(words[0], words[1] if len(words) > 1 else names.SHUT_RDWR)
    return 0, ""


_CALLS: dict[str, Callable[[Lab, list[Any]], _Answer]] = {
    "socket": _socket,
    "connect": _connect,
    "send": _send,
    "recv": _recv,
    "close": _close,
    "soerr": _soerr,
    "nonblock": _nonblock,
    "select": _select,
    "listen": _listen,
    "accept": _accept,
    "shutdown": _shutdown,
}

#: Events that are done to the world rather than by the firmware.
CONTROLS: dict[str, Callable[[Lab], object]] = {
    "BLACKHOLE": Lab.blackhole,
    "HALFOPEN": Lab.lose_flows,
    "PEER REBOOTED": lambda lab: lab.peer.reboot(),
    "netdown": lambda lab: lab.device.netif_down(),
    "netup": lambda lab: lab.device.netif_up(),
}
