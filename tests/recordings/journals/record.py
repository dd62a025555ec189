"""Records the journals in this folder: real links on loopback, with peers that fail in one way each (two minutes).

``.venv/bin/python -m tests.recordings.journals.record`` from the root; names of recordings after it limit the run. The
asyncio driver runs here, the MicroPython driver in the Unix port with ``make device``'s files and the stand-ins of
``tests/link/board`` for Wi-Fi and heap.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.link.device import Board, echo, peer

from halfopen.link.on_asyncio import Link, Policy

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
#: SO_LINGER on, no time: close() sends RST.
_ABORT = struct.pack("ii", 1, 0)


class Peer:
    """A peer whose n-th connection is served by the n-th of ``acts`` (the last one serves all that follow)."""

    def __init__(self) -> None:
        self.acts: list[Callable[[socket.socket], None]] = []
        self.ended = threading.Event()

    def __call__(self, sock: socket.socket) -> None:
        """Serve one connection."""
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        act(sock)

    def then_silent(self, answers: int) -> Callable[[socket.socket], None]:
        """Answers so often, and never again: the connection stands, as with a peer that lost its power."""

        def act(sock: socket.socket) -> None:
            for _ in range(answers):
                sock.sendall(sock.recv(65536))
            self.ended.wait(90)

        return act

    def deaf(self, sock: socket.socket) -> None:
        """Takes what its buffers take and reads nothing."""
        self.ended.wait(90)


def resets(sock: socket.socket) -> None:
    """Loses its state after a moment."""
    time.sleep(1.5)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    sock.close()


def on_asyncio(
    name: str,
    port: int,
    seconds: float,
    *,
    heartbeat: bytes | None = b"\n",
    flood: bool = False,
    **limits: float,
) -> None:
    """Record a link to ``port`` for ``seconds``; ``flood`` sends without a pause."""
    lines: list[str] = []

    async def live() -> None:
        async with Link(
            "127.0.0.1",
            port,
            heartbeat=heartbeat,
            policy=Policy(**limits),
            say=lines.append,
            memory=lambda: (None, None),
            chance=random.Random(1).random,
        ) as link:
            async for connection in link:
                with contextlib.suppress(Exception):
                    async with connection:
                        while True:
                            if flood:
                                await connection.write(b"x" * 65536)
                            else:
                                await connection.read()

    async def bounded() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(live(), seconds)

    asyncio.run(bounded())
    keep(name, lines)


def keep(name: str, lines: list[str]) -> None:
    """Write the recording."""
    (FOLDER / f"{name}.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(lines)} lines")


@contextlib.contextmanager
def board() -> Iterator[Board]:
    """A board with the files that ``make device`` builds."""
    with tempfile.TemporaryDirectory() as folder:
        spec = importlib.util.spec_from_file_location("build", ROOT / "device/build.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        files = Path(folder) / "device"
        module.build(files)
        bench = Path(folder) / "board"
        bench.mkdir()
        yield Board(str(ROOT / ".venv/bin/micropython"), files, bench)


_PROGRAM = """
from halfopen.link.on_micropython import Link, Policy
from halfopen.link.wlan import Wlan
import network, random, time
random.seed(1)
port = int(sys.argv[1])
def rebooted():
    print("rebooting")
    sys.exit(0)
with Link({host!r}, port, {settings}) as link:
    for connection in link:
        with connection:
            while True:
                {work}
"""


def on_micropython(
    name: str,
    port: int,
    act: Callable[[Board], Any],
    settings: str,
    host: str = "127.0.0.1",
    prepare: Callable[[Board], Any] = lambda _: None,
    work: str = "connection.read()",
) -> None:
    """Record a board's link to ``port`` until ``act`` returns."""
    with board() as one:
        prepare(one)
        with one.start(_PROGRAM.format(host=host, settings=settings, work=work), str(port)):
            act(one)
        keep(name, [line for line in one.said if line])


def noticed_and_recovered(name: str) -> None:
    """The peer vanishes once; default policy."""
    server = Peer()
    server.acts = [server.then_silent(1), echo]
    with peer(server) as port:
        on_asyncio(name, port, 45)
        server.ended.set()


def stalled_and_recovered(name: str) -> None:
    """The peer stops reading once; nobody answers heartbeats."""
    server = Peer()
    server.acts = [server.deaf, echo]
    with peer(server) as port:
        on_asyncio(name, port, 25, heartbeat=None, flood=True)
        server.ended.set()


def board_stalled_and_recovered(name: str) -> None:
    """The peer stops reading once, and the port has no other detector than the send deadline."""
    server = Peer()
    server.acts = [server.deaf, echo]
    with peer(server) as port:
        on_micropython(
            name,
            port,
            lambda one: (one.until("by SEND_STALLED", 60), one.until("-> ONLINE", 30)),
            "heartbeat=None",
            work="connection.write(b'x' * 16384)",
        )
        server.ended.set()


def slept_and_woke(name: str) -> None:
    """The board sleeps twice, its peer told each time."""
    with peer(echo) as port:
        on_micropython(
            name,
            port,
            lambda one: [one.until("-> ONLINE", 10) for _ in range(3)],
            r'heartbeat=b"\n"',
            work="link.prepare_sleep(); time.sleep_ms(1500); link.wake(); break",
        )


def never_back(name: str) -> None:
    """The peer vanishes, and nothing listens any more."""
    server = Peer()
    server.acts = [server.then_silent(1)]
    gone = contextlib.ExitStack()
    port = gone.enter_context(peer(server))
    threading.Timer(12, gone.close).start()
    on_asyncio(name, port, 60)
    server.ended.set()


def again_and_again(name: str) -> None:
    """The peer vanishes after each answer."""
    server = Peer()
    server.acts = [server.then_silent(1)]
    with peer(server) as port:
        on_asyncio(name, port, 45, silence_ms=2000, answer_ms=1000, backoff_max_ms=1000)
        server.ended.set()


def server_restarts(name: str) -> None:
    """The peer resets, refuses for some seconds, and is back."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()

    def serve() -> None:
        sock, _ = listener.accept()
        listener.close()
        resets(sock)
        time.sleep(6)
        with socket.create_server(address) as again:
            again.settimeout(20)
            with contextlib.suppress(OSError):
                echo(again.accept()[0])

    threading.Thread(target=serve, daemon=True).start()
    on_asyncio(name, address[1], 22)


def board_noticed_and_recovered(name: str) -> None:
    """As :func:`noticed_and_recovered`, on a board."""
    server = Peer()
    server.acts = [server.then_silent(1), echo]
    with peer(server) as port:
        on_micropython(
            name,
            port,
            lambda one: (
                one.until("by SILENCE_EXPIRED", 60),
                one.until("-> ONLINE", 10),
                one.until("-> ONLINE", 30),
            ),
            r'heartbeat=b"\n"',
        )
        server.ended.set()


def wifi_lost_often(name: str) -> None:
    """The radio is lost again and again and joins fail in between."""

    def act(one: Board) -> None:
        one.until("-> ONLINE")
        for status in (200, 2, 200, 4, 2, 200):
            time.sleep(0.7)
            one.radio("0.0.0.0", status=status, rssi="-")
            one.until("by WIFI_LOST")
            one.until("by JOIN_FAILED")
            one.radio("127.0.0.1")
            one.until("-> ONLINE", 30)

    with peer(echo) as port:
        on_micropython(
            name,
            port,
            act,
            r'heartbeat=b"\n", radio=Wlan("iot", "secret"), policy=Policy(backoff_max_ms=1000)',
        )


def wifi_lost_with_reasons(name: str) -> None:
    """Beacons are lost twice; the program prints the driver's status behind each line of the journal."""

    def act(one: Board) -> None:
        one.until("-> ONLINE")
        for _ in range(2):
            time.sleep(0.7)
            one.radio("0.0.0.0", status=200, rssi="-")
            one.until("by WIFI_LOST")
            one.radio("127.0.0.1")
            one.until("-> ONLINE", 30)

    status = 'f"reason={network.WLAN(network.STA_IF).status()}"'
    with peer(echo) as port:
        on_micropython(
            name,
            port,
            act,
            rf'heartbeat=b"\n", radio=Wlan("iot", "secret"), say=lambda line: print(line, {status})',
        )


def heap_starved(name: str) -> None:
    """20 KB are free, for good."""
    with peer(echo) as port:
        on_micropython(
            name,
            port,
            lambda one: [one.until("by HEAP_STARVED", 20) for _ in range(4)],
            r'heartbeat=b"\n", policy=Policy(gate_ms=3000, backoff_max_ms=1000)',
            prepare=lambda one: one.heap(free=20000, largest=9000),
        )


def block_short(name: str) -> None:
    """Plenty is free, in small pieces."""
    with peer(echo) as port:
        on_micropython(
            name,
            port,
            lambda one: [one.until("by HEAP_STARVED", 20) for _ in range(3)],
            r'heartbeat=b"\n", policy=Policy(gate_ms=3000, backoff_max_ms=1000)',
            prepare=lambda one: one.heap(free=90000, largest=2000),
        )


def heap_short_once(name: str) -> None:
    """The gate waits for some seconds, then opens."""

    def act(one: Board) -> None:
        one.until("by HEAP_SHORT")
        time.sleep(2.5)
        one.heap()
        one.until("-> ONLINE", 20)
        time.sleep(1)
        one.radio()

    with peer(echo) as port:
        on_micropython(
            name, port, act, r'heartbeat=b"\n"', prepare=lambda one: one.heap(free=20000, largest=9000)
        )


def blind(name: str) -> None:
    """Nobody answers heartbeats, and the port has no keepalive."""
    with peer(echo) as port:
        on_micropython(name, port, lambda one: one.until("-> ONLINE"), "heartbeat=None")


def no_lease(name: str) -> None:
    """The radio joins and no address comes."""
    with peer(echo) as port:
        on_micropython(
            name,
            port,
            lambda one: [one.until("by LEASE_EXPIRED", 20) for _ in range(3)],
            r'heartbeat=b"\n", radio=Wlan("iot", "secret"), policy=Policy(lease_ms=3000, backoff_max_ms=1000)',
            prepare=lambda one: one.radio("0.0.0.0", status=1001, rssi="-60"),
        )


def names_dead(name: str) -> None:
    """No DNS server answers: the link bounces its radio, then asks for a reboot."""
    on_micropython(
        name,
        9,
        lambda one: one.until("rebooting", 90),
        r'heartbeat=b"\n", radio=Wlan("iot", "secret"), reboot=rebooted,'
        " policy=Policy(resolve_ms=1000, backoff_max_ms=500, wifi_budget=1, reboot_after_ms=0)",
        host="broker.test",
        prepare=lambda one: one.radio(resolver="127.0.0.1"),
    )


RECORDINGS = (
    noticed_and_recovered,
    stalled_and_recovered,
    board_stalled_and_recovered,
    slept_and_woke,
    wifi_lost_with_reasons,
    never_back,
    again_and_again,
    server_restarts,
    board_noticed_and_recovered,
    wifi_lost_often,
    heap_starved,
    block_short,
    heap_short_once,
    blind,
    no_lease,
    names_dead,
)


def main() -> None:
    """Make the recordings named on the command line, or all, side by side."""
    wanted = [
        make for make in RECORDINGS if not sys.argv[1:] or make.__name__.replace("_", "-") in sys.argv[1:]
    ]
    threads = [threading.Thread(target=make, args=(make.__name__.replace("_", "-"),)) for make in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
