"""What the asyncio driver promises where a defect would show to nobody at once: each was found untested by a mutation."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.link.test_on_asyncio import (
    QUICK,
    cancelled_at,
    free_port,
    make,
    open_descriptors,
    resolver_says,
    run,
    serving,
)

from halfopen.link.handover import local_path, local_socket
from halfopen.link.on_asyncio import Link, Lost, Policy

EXHAUSTED = """
import asyncio, gc, json, resource, socket, sys
from halfopen.link.on_asyncio import Link, Policy

class Forgotten:
    def __init__(self):
        self.sock = socket.socket()
        self.me = self  # only a collection of cycles frees it

async def main():
    gc.disable()
    said = []
    limits = dict(pause_ms=10, backoff_ms=10, backoff_max_ms=20)
    link = Link("127.0.0.1", int(sys.argv[1]), policy=Policy(**limits), say=said.append)
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    try:
        while True:
            Forgotten()
    except OSError:
        pass
    async with link:
        await asyncio.wait_for(anext(link), 5)
    print(json.dumps([line for line in said if "DESCRIPTORS_EXHAUSTED" in line or "ONLINE" in line][:2]))

asyncio.run(main())
"""


def told(
    handler: Callable[[socket.socket], Any], context: ssl.SSLContext | None = None
) -> tuple[int, list[Any]]:
    """A peer in a thread for one connection; its port and what ``handler`` returned or raised."""
    listener = socket.create_server(("127.0.0.1", 0))
    outcome: list[Any] = []

    def serve() -> None:
        with listener:
            sock, _ = listener.accept()
        with sock:
            try:
                if context is not None:
                    with context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False) as wrapped:
                        outcome.append(handler(wrapped))
                else:
                    outcome.append(handler(sock))
            except OSError as error:
                outcome.append(error)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], outcome


async def outcome_of(outcome: list[Any]) -> Any:
    """What the peer's thread came to."""
    for _ in range(500):
        if outcome:
            return outcome[0]
        await asyncio.sleep(0.01)
    raise AssertionError("the peer came to nothing")


def until_the_end(sock: socket.socket) -> bytes:
    data = b""
    while more := sock.recv(65536):
        data += more
    return data


class TestCloses:
    def test_towards_a_dead_peer_a_close_aborts_and_leaves_no_pcb_that_retransmits(self) -> None:
        async def main() -> None:
            port, outcome = told(until_the_end)
            async with make(port, heartbeat=b"", limits={"silence_ms": 50, "answer_ms": 50}) as link:
                await anext(link)
                assert isinstance(await outcome_of(outcome), ConnectionResetError)

        run(main())

    def test_an_orderly_close_flushes_and_says_fin(self) -> None:
        async def main() -> None:
            port, outcome = told(until_the_end)
            async with make(port) as link:
                connection = await anext(link)
                await connection.write(b"x" * 20000)
                connection.close()
                assert await outcome_of(outcome) == b"x" * 20000

        run(main())

    def test_the_connection_of_the_last_round_is_closed_by_the_next(self) -> None:
        async def main() -> None:
            async with serving() as port, make(port) as link:
                first = await anext(link)
                second = await asyncio.wait_for(anext(link), 5)
                assert (first.lost, second.lost) == ("released", None)

        run(main())


class TestTlsToTheLetter:
    def context(self, certificate: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context

    def test_goodbye_is_said_and_what_the_peer_says_first_is_not_lost(self, certificate: Path) -> None:
        def greet(sock: socket.socket) -> bytes:
            sock.sendall(b"welcome\n")
            return until_the_end(sock)

        async def main() -> None:
            port, outcome = told(greet, self.context(certificate))
            trusting = ssl.create_default_context(cafile=str(certificate))
            async with make(port, tls=trusting) as link:
                connection = await anext(link)
                assert await connection.read_until(within_ms=2000) == b"welcome\n"
                await connection.write(b"bye\n")
                connection.close()
                assert await outcome_of(outcome) == b"bye\n"  # a ragged end would have raised

        run(main())

    def test_what_comes_with_the_last_flight_of_the_handshake_is_not_lost(self, certificate: Path) -> None:
        context = self.context(certificate)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # there the server's Finished comes last

        def greet_at_once(sock: socket.socket) -> None:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = context.wrap_bio(incoming, outgoing, server_side=True)
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(65536))
            session.write(b"welcome\n")
            sock.sendall(outgoing.read())
            until_the_end(sock)

        async def main() -> None:
            port, _ = told(greet_at_once)
            trusting = ssl.create_default_context(cafile=str(certificate))
            async with make(port, tls=trusting) as link:
                connection = await anext(link)
                assert await connection.read_until(within_ms=1000) == b"welcome\n"

        run(main())

    def test_a_goodbye_of_the_peer_is_its_end(self, certificate: Path) -> None:
        def leave(sock: socket.socket) -> None:
            sock.sendall(b"last words")
            sock.unwrap()  # type: ignore[attr-defined]

        async def main() -> None:
            port, _ = told(leave, self.context(certificate))
            trusting = ssl.create_default_context(cafile=str(certificate))
            async with make(port, tls=trusting) as link:
                connection = await anext(link)
                assert await connection.read_exactly(10, within_ms=2000) == b"last words"
                with pytest.raises(Lost):
                    await connection.read(within_ms=2000)
                assert connection.lost == "peer-closed"

        run(main())

    def test_the_peer_is_told_why_its_certificate_was_refused(self, certificate: Path) -> None:
        async def main() -> None:
            port, outcome = told(until_the_end, self.context(certificate))
            async with make(port, tls=ssl.create_default_context()):
                error = await outcome_of(outcome)
            assert isinstance(error, ssl.SSLError)
            assert "unknown ca" in str(error).lower().replace("_", " ")

        run(main())

    def test_the_name_on_the_certificate_counts(self, certificate: Path) -> None:
        async def main() -> list[str]:
            said: list[str] = []
            trusting = ssl.create_default_context(cafile=str(certificate))
            port, outcome = told(until_the_end, self.context(certificate))
            async with make(port, tls=trusting, server_name="somebody.else", said=said):
                await outcome_of(outcome)
            return said

        said = run(main())
        assert any("cause=tls-failed" in line for line in said)

    def test_a_context_that_no_client_can_use_is_refused_at_once(self, certificate: Path) -> None:
        with pytest.raises(ValueError, match="TLS"):
            make(9, tls=self.context(certificate))
        with pytest.raises(ValueError, match="server_name"):
            make(9, tls=ssl.create_default_context(), server_name="")


class TestNames:
    def asked_of(
        self, monkeypatch: pytest.MonkeyPatch, port: int, hangs: threading.Event | None
    ) -> list[str]:
        """The names asked for from now on; lookups hang until ``hangs`` is set."""
        asked: list[str] = []
        resolver_says(monkeypatch, [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))])
        quick = socket.getaddrinfo

        def counted(host: str, *args: Any, **more: Any) -> list[Any]:
            if host == "peer.test" and not more.get("flags"):
                asked.append(host)
                if hangs is not None:
                    hangs.wait(5)
            return quick(host, *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", counted)
        return asked

    def test_a_new_epoch_asks_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def main() -> None:
            async with serving() as port:
                asked = self.asked_of(monkeypatch, port, None)
                async with make(port, host="peer.test") as link:
                    await anext(link)
                    await anext(link)
                    assert len(asked) == 1
                    await link.prepare_sleep()
                    link.wake()
                    await asyncio.wait_for(anext(link), 5)
                    assert len(asked) == 2

        run(main())

    def test_a_lookup_that_hangs_is_asked_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def main() -> None:
            async with serving() as port:
                hangs = threading.Event()
                asked = self.asked_of(monkeypatch, port, hangs)
                limits = {"resolve_ms": 30, "pause_ms": 10, "name_tries": 100}
                async with make(port, host="peer.test", limits=limits) as link:
                    await asyncio.sleep(0.4)
                    assert link._keeper.attempt > 3  # several attempts, all waiting for the same lookup
                    assert len(asked) == 1
                    hangs.set()
                    await asyncio.wait_for(anext(link), 5)

        run(main())


class TestDescriptors:
    def test_an_orphan_is_swept_before_the_next_dial(self) -> None:
        async def main() -> None:
            said: list[str] = []
            async with serving() as port, make(port, said=said) as link:
                connection = await anext(link)
                orphan = socket.socket()
                link.ledger.enter(orphan, "somebody forgot")
                connection.close()
                await anext(link)
                assert orphan.fileno() == -1
                assert any("swept 1 orphaned" in line for line in said)

        run(main())

    def test_sockets_that_the_program_forgot_are_collected_when_no_descriptor_is_left(
        self, tmp_path: Path
    ) -> None:
        program = tmp_path / "exhausted.py"
        program.write_text(EXHAUSTED)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            done = subprocess.run(
                [sys.executable, str(program), str(listener.getsockname()[1])],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        exhausted, online = json.loads(done.stdout)
        assert "cause=descriptors-exhausted" in exhausted
        assert "ONLINE" in online


def test_a_slow_peer_is_offered_bytes_long_before_the_deadline() -> None:
    """Linux calls a socket writable when a third of its buffer is free: who waits for that sees no progress for long."""

    def sip(sock: socket.socket) -> None:
        for _ in range(40):
            sock.recv(20000)
            sock.sendall(b"still here\n")  # what is heard must not put the next offer off
            time.sleep(0.05)

    async def main() -> float:
        listener_port, _ = told(sip)
        limits = {"progress_ms": 2000, "write_ms": 60000, "unacked_ms": float("inf")}
        longest = 0.0
        async with make(listener_port, limits=limits) as link:
            connection = await anext(link)
            connection.discard()
            link._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            writing = asyncio.ensure_future(connection.write(b"x" * 60_000_000))
            accepted, since = 0, time.monotonic()
            while time.monotonic() - since < 1.5 and connection.lost is None:
                await asyncio.sleep(0.005)
                if connection.accepted_bytes != accepted:
                    if accepted > 4_000_000:
                        longest = max(longest, time.monotonic() - since)
                    accepted, since = connection.accepted_bytes, time.monotonic()
            writing.cancel()
            await asyncio.wait([writing])
        return longest

    assert run(main()) < 1.0


class TestCancelledEverywhere:
    """Cancel at each await of a life with TLS, and with sockets handed over; nothing may be left."""

    async def with_tls(self, port: int, context: ssl.SSLContext) -> None:
        async with make(port, host="localhost", tls=context, heartbeat=b"\n") as link:
            async for connection in link:
                async with connection:
                    await connection.write(b"a" * 50_000 + b"\n")
                    await connection.read_exactly(50_001, within_ms=2000)
                await link.prepare_sleep()
                return

    async def handed_over(self, port: int, way: Any) -> None:
        async with make(port) as link:
            async for connection in link:
                async with connection, way(connection) as given:
                    if isinstance(given, socket.socket):
                        reader, writer = await asyncio.open_connection(sock=given)
                    else:
                        reader, writer = await asyncio.open_unix_connection(given)
                    try:
                        writer.write(b"hello\n")
                        await reader.readexactly(6)
                    finally:
                        writer.transport.abort()
                return

    async def everywhere(self, life: Callable[[], Any]) -> int:
        suspension = 0
        while True:
            suspension += 1
            gc.collect()
            before = open_descriptors()
            came = await cancelled_at(life(), suspension)
            for _ in range(200):  # the peer's own end closes a moment later
                if open_descriptors() <= before:
                    break
                await asyncio.sleep(0.01)
            else:
                raise AssertionError(f"descriptors are left after a cancel at await {suspension}")
            if not came:
                return suspension

    def test_with_tls(self, certificate: Path) -> None:
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        served.load_cert_chain(certificate)
        trusting = ssl.create_default_context(cafile=str(certificate))

        async def main() -> int:
            async with serving(ssl=served) as port:
                return await self.everywhere(lambda: self.with_tls(port, trusting))

        assert run(main(), 60) > 5

    @pytest.mark.parametrize("way", [local_socket, local_path])
    def test_with_a_socket_handed_over(self, way: Any) -> None:
        async def main() -> int:
            async with serving() as port:
                return await self.everywhere(lambda: self.handed_over(port, way))

        assert run(main(), 60) > 4


def test_a_link_and_its_limits_can_be_told_apart_from_the_start() -> None:
    assert Link("127.0.0.1", free_port(), policy=Policy(**QUICK)).policy.pause_ms == QUICK["pause_ms"]
