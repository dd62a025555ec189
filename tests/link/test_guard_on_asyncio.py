"""The guarded server in the program's own loop: handlers, cancellation, what a user sees."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import pytest
from tests.link.test_on_asyncio import cancelled_at, open_descriptors, run

from halfopen.link import journal
from halfopen.link.guard_on_asyncio import Connection, Guard, Lost, Policy
from halfopen.link.on_asyncio import Link

Handler = Callable[[Connection], Awaitable[None]]

UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 5\r\n\r\nbusy\n"


async def echo(session: Connection) -> None:
    while True:
        await session.write(await session.read())


def make(handler: Handler = echo, said: list[str] | None = None, **options: Any) -> Guard:
    lines: list[str] = [] if said is None else said
    return Guard("127.0.0.1", 0, handler, say=lines.append, **options)


async def ask(port: int, data: bytes = b"hello", answer: int | None = None) -> bytes:
    """What a client hears, until the end where no size is given."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, data)
        heard = b""
        while answer is None or len(heard) < answer:
            piece = await loop.sock_recv(sock, 65536)
            if not piece:
                break
            heard += piece
        return heard


async def settled(guard: Guard) -> None:
    """Wait until every session is over."""
    for _ in range(200):
        if len(guard.ledger) == 1:  # the listening socket
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"still held: {guard.ledger.purposes()}")


class TestUse:
    def test_it_serves_and_counts(self) -> None:
        async def main() -> None:
            said: list[str] = []
            async with make(said=said, sockets=10, reserve=3) as guard:
                assert guard.cap == 5
                assert await ask(guard.port, answer=5) == b"hello"
                await settled(guard)
                assert guard.counts["ACCEPTED"] == guard.counts["SOCKET_CLOSED"] == 1
                assert guard.bound("idle") < 45
            entries = [journal.read(journal.TAG, line.split(": ", 1)[1]) for line in said]
            told = [(e.session, e.event, e.state) for e in entries if e]
            assert told == [
                (0, "STARTED", "LISTENING"),
                (1, "ACCEPTED", "ONLINE"),
                (1, "PEER_CLOSED", "CLOSING"),
                (1, "SOCKET_CLOSED", "GONE"),
                (0, "STOPPED", "IDLE"),
            ]

        run(main())

    def test_a_block_of_data_both_ways_and_the_end_of_the_handler_is_a_fin(self) -> None:
        block = bytes(range(256)) * 4000

        async def twice(session: Connection) -> None:
            data = await session.read_exactly(100_000)
            await session.write(data)
            await session.write(block)

        async def main() -> bytes:
            async with make(twice) as guard:
                heard = await ask(guard.port, block[:100_000])
                await settled(guard)
                return heard

        assert run(main()) == block[:100_000] + block

    def test_a_client_that_talks_after_the_answer_gets_no_reset(self) -> None:
        """An RST would throw away what the client's stack has not handed to it yet."""

        async def once(session: Connection) -> None:
            await session.write(await session.read_until())

        def talk_on(port: int) -> bytes:
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                sock.sendall(b"question\n")
                time.sleep(0.1)
                for _ in range(3):
                    sock.sendall(b"x" * 1000)
                    time.sleep(0.02)
                return sock.recv(100) + sock.recv(100)

        async def main() -> bytes:
            async with make(once) as guard:
                return await asyncio.to_thread(talk_on, guard.port)

        assert run(main()) == b"question\n"

    def test_a_refused_browser_reads_its_503(self) -> None:
        def browse(port: int) -> tuple[int, str | None, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("POST", "/", body=b"x" * 100_000)
            answer = connection.getresponse()
            told = answer.status, answer.getheader("Retry-After"), answer.read()
            connection.close()
            return told

        async def main() -> None:
            async with make(cap=1, farewell=UNAVAILABLE, patience_ms=60_000) as guard:
                first = asyncio.ensure_future(ask(guard.port, answer=6))  # one byte more than it gets
                await asyncio.sleep(0.05)
                assert await asyncio.to_thread(browse, guard.port) == (503, "1", b"busy\n")
                first.cancel()

        run(main())

    def test_a_closed_heap_gate_refuses(self) -> None:
        async def main() -> list[str]:
            said: list[str] = []
            async with make(said=said, memory=lambda: (20_000, 9_000), farewell=b"no memory") as guard:
                assert await ask(guard.port) == b"no memory"
            return said

        assert any("REFUSED" in line and "cause=heap-low" in line for line in run(main()))

    def test_a_client_that_talks_to_a_handler_that_does_not_read_is_stopped(self) -> None:
        async def deaf(session: Connection) -> None:
            await asyncio.sleep(0.4)
            assert len(await session.read_exactly(200_000)) == 200_000
            await session.write(b"read")

        async def main() -> bytes:
            async with make(deaf, heartbeat=b"", policy=Policy(silence_ms=100, answer_ms=100)) as guard:
                return await ask(guard.port, b"x" * 600_000, answer=4)

        assert run(main()) == b"read"

    def test_a_link_and_a_guard_keep_each_other(self) -> None:
        async def main() -> None:
            async with (
                make(heartbeat=b"") as guard,
                Link("127.0.0.1", guard.port, heartbeat=b"\n", say=lambda line: None) as link,
            ):
                async for connection in link:
                    async with connection:
                        await connection.write(b"21.5\n")
                        assert await connection.read_until(within_ms=2000) == b"21.5\n"
                        assert [session.peer for session in guard.sessions] == [connection.local]
                    break

        run(main())

    @pytest.mark.parametrize("wrong", [{"sockets": 3}, {"cap": 0}, {"reserve": -1}, {"patience_ms": -1}])
    def test_numbers_that_leave_no_session_are_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"session|cap"):
            make(**wrong)

    def test_a_port_that_is_taken_is_said_at_once(self) -> None:
        async def main() -> None:
            async with make() as guard:
                with pytest.raises(OSError, match="Address already in use"):
                    async with Guard("127.0.0.1", guard.port, echo):
                        pass

        run(main())


class TestHandlers:
    def test_an_error_ends_its_session_and_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        async def broken(session: Connection) -> None:
            await session.read()
            raise ZeroDivisionError("a handler's mistake")

        async def main() -> None:
            said: list[str] = []
            async with make(broken, said) as guard:
                with caplog.at_level(logging.ERROR, "halfopen.link"):
                    assert await ask(guard.port) == b""
                    assert await ask(guard.port) == b""
            assert sum("cause=handler-failed" in line for line in said) == 2

        run(main())
        assert "a handler's mistake" in caplog.text

    def test_one_that_waits_for_something_else_is_ended_after_its_client(self) -> None:
        ended: list[str | None] = []

        async def elsewhere(session: Connection) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(session.lost)

        async def main() -> None:
            async with make(elsewhere, policy=Policy(parting_ms=50)) as guard:
                await ask(guard.port, answer=0)
                await settled(guard)
                await asyncio.sleep(0.15)
                assert ended == ["peer-closed"]

        run(main())

    def test_what_came_can_be_read_after_the_end(self) -> None:
        heard: list[bytes] = []

        async def late(session: Connection) -> None:
            await asyncio.sleep(0.05)
            heard.append(await session.read())
            with pytest.raises(Lost) as lost:
                await session.write(b"x")
            heard.append(lost.value.cause.encode())

        async def main() -> None:
            async with make(late) as guard:
                await ask(guard.port, b"last words", answer=0)
                await asyncio.sleep(0.1)
                await settled(guard)

        run(main())
        assert heard == [b"last words", b"peer-closed"]


class TestCancellation:
    """Whoever is cancelled, wherever: nothing is left, and the next client is served."""

    clients: ClassVar[set[asyncio.Task[bytes]]] = set()

    async def client(self, port: int) -> None:
        """A task of its own: what is cancelled here is the server."""
        asked = asyncio.ensure_future(ask(port, b"a" * 3000, answer=3000))
        self.clients.add(asked)
        await asyncio.wait({asked})
        assert asked.result() == b"a" * 3000

    async def scenario(self) -> None:
        async with make(cap=2, farewell=b"busy", patience_ms=10) as guard:
            await self.client(guard.port)
            await self.client(guard.port)
            await asyncio.sleep(0.02)
            await self.client(guard.port)

    def test_the_server_at_every_await(self) -> None:
        async def main() -> int:
            suspension = 0
            while True:
                suspension += 1
                before = open_descriptors()
                came = await cancelled_at(self.scenario(), suspension)
                await asyncio.wait_for(asyncio.gather(*self.clients, return_exceptions=True), 5)
                self.clients.clear()
                for _ in range(100):
                    if open_descriptors() <= before:
                        break
                    await asyncio.sleep(0.01)
                else:
                    raise AssertionError(f"descriptors are left after a cancel at await {suspension}")
                if not came:
                    return suspension

        assert run(main(), 60) > 5

    def test_a_handler_at_every_await(self) -> None:
        cancelled: list[bool] = []

        async def handler(session: Connection) -> None:
            await session.write(b"b" * 300_000)
            await session.read_until(within_ms=2000)
            await session.read_exactly(3)
            await asyncio.sleep(0)
            await session.write(b"ok")

        async def once(session: Connection) -> None:
            cancelled.append(await cancelled_at(handler(session), len(cancelled) + 1))
            if cancelled[-1]:
                raise asyncio.CancelledError

        async def main() -> None:
            async with make(once) as guard:
                while not cancelled or cancelled[-1]:
                    await ask(guard.port, b"line\nabc")
                    await settled(guard)

        run(main())
        assert len(cancelled) > 3

    def test_a_handler_that_ignores_the_end_holds_nobody_up(self) -> None:
        async def main() -> float:
            loop, freed = asyncio.get_running_loop(), asyncio.Event()

            async def stubborn(session: Connection) -> None:
                while not freed.is_set():
                    with contextlib.suppress(asyncio.CancelledError):
                        await freed.wait()

            async with make(stubborn, policy=Policy(parting_ms=100)) as guard:
                await ask(guard.port, answer=0)
                began = loop.time()
            took = loop.time() - began
            freed.set()
            await asyncio.sleep(0.01)
            return took

        assert 0.1 <= run(main()) < 2
