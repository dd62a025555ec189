"""Trials of the remedies, and peers on loopback that behave the ways peers do, for remedies to meet.

``trials/HO101.toml`` belongs to the catalogue's ``HO101.toml``. Each of its tables is one trial of the remedy
for one firmware: the ``peer`` it meets, what it ``does`` in the remedy's own language, the lines it ``says``,
and where it matters a part of its ``log`` and how the peer ``saw`` its connections end.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

#: What peers can do. The last two never accept: nobody listens, or the backlog is full.
BEHAVIOURS = ("echo", "silent", "closing", "resetting", "flooding", "resetting-once", "refusing", "full")

ABORT = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Trial:
    """One meeting of a remedy with a peer or a scripted board."""

    code: str
    does: str
    says: list[str]
    peer: str = "refusing"
    before: str = ""
    log: str = ""
    saw: list[str] | None = None


def trials_for(firmware: str) -> list[Trial]:
    return [
        Trial(file.stem, **trial)
        for file in sorted((Path(__file__).parent / "trials").glob("*.toml"))
        for trial in tomllib.loads(file.read_text(encoding="utf-8")).get(firmware, ())
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives ``trial`` each trial of the module's FIRMWARE in turn, ``trials`` all of them at once."""
    if "trial" in metafunc.fixturenames:
        trials = trials_for(metafunc.module.FIRMWARE)
        metafunc.parametrize("trial", trials, ids=[f"{trial.code}-{trial.peer}" for trial in trials])
    if "trials" in metafunc.fixturenames:
        metafunc.parametrize("trials", [trials_for(metafunc.module.FIRMWARE)], ids=[metafunc.module.FIRMWARE])


class Peer:
    """A listener on loopback; ``saw`` says how each of its connections ended: ``"fin"`` or ``"reset"``."""

    def __init__(self, behaviour: str) -> None:
        assert behaviour in BEHAVIOURS
        self.behaviour = behaviour
        self.saw: list[str] = []
        self.accepted = 0
        self.last: object = None  # the address of the connection that ends the accepting
        self.held: list[socket.socket] = []
        self.threads: list[threading.Thread] = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # soon full when nobody reads
        self.listener.bind(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        if behaviour == "full":
            self.listener.listen(0)
            self.fill()
        elif behaviour != "refusing":
            self.listener.listen(16)
            self.start(self.accept)

    def start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def fill(self) -> None:
        """Occupies the backlog, so that the next SYN goes unanswered."""
        for _ in range(2):
            client = socket.socket()
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(("127.0.0.1", self.port))
            self.held.append(client)

    def accept(self) -> None:
        while True:
            connection, address = self.listener.accept()
            self.held.append(connection)
            if address == self.last:
                return
            self.accepted += 1
            if self.behaviour == "resetting" or (self.behaviour == "resetting-once" and self.accepted == 1):
                self.start(self.reset, connection)
            elif self.behaviour == "closing":
                connection.close()
            elif self.behaviour == "flooding":
                self.start(self.flood, connection)
            elif self.behaviour != "silent":
                self.start(self.echo, connection)

    def echo(self, connection: socket.socket) -> None:
        try:
            while got := connection.recv(65536):
                connection.sendall(got)
        except OSError:
            self.saw.append("reset")
        else:
            self.saw.append("fin")
        connection.close()

    def reset(self, connection: socket.socket) -> None:
        time.sleep(0.02)  # the handshake is through on both sides
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        connection.close()

    def flood(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"flood " * 1000)

    def end(self) -> None:
        """Lets every connection of the ended program run out, then says how a silent peer's ended."""
        if self.threads:
            with socket.socket() as final:
                final.bind(("127.0.0.1", 0))
                self.last = final.getsockname()
                final.connect(("127.0.0.1", self.port))
                self.threads[0].join(timeout=5)
        for thread in self.threads:
            thread.join(timeout=5)
        self.listener.close()
        for connection in self.held:
            if self.behaviour == "silent" and connection is not self.held[-1]:
                self.look(connection)
            connection.close()

    def look(self, connection: socket.socket) -> None:
        connection.settimeout(2)
        try:
            while connection.recv(1 << 20):
                pass
        except ConnectionResetError:
            self.saw.append("reset")
        else:
            self.saw.append("fin")


@pytest.fixture(scope="session")
def peer() -> Callable[[str], AbstractContextManager[Peer]]:
    """``with peer("closing") as it:`` a listener at ``it.port`` that behaves so."""

    @contextlib.contextmanager
    def listening(behaviour: str) -> Iterator[Peer]:
        it = Peer(behaviour)
        try:
            yield it
        finally:
            it.end()

    return listening
