"""The asyncio driver on loopback: what a user sees, and that no way out leaves a descriptor behind."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import threading
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.diagnose.conftest import events_of

from halfopen.diagnose.events import Connected, HeapSampled, SocketClosed, SocketOpened
from halfopen.link import machine as m
from halfopen.link.on_asyncio import Connection, Link, Lost, Policy

QUICK: dict[str, Any] = {
    "pause_ms": 10,
    "backoff_ms": 10,
    "backoff_max_ms": 20,
    "dial_ms": 500,
    "resolve_ms": 2000,
}

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def open_descriptors() -> int:
    with os.scandir("/proc/self/fd") as listed:
        return len(list(listed)) - 1


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


class Remembering(asyncio.StreamReaderProtocol):
    """A peer's end that can be aborted even when its handler never came to run."""

    def __init__(self, handler: Handler, ends: set[asyncio.BaseTransport]) -> None:
        super().__init__(asyncio.StreamReader(), self._handle)
        self._handler, self._ends = handler, ends

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._ends.add(transport)
        super().connection_made(transport)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._handler(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def serving(handler: Handler = echo, **options: Any) -> AsyncIterator[int]:
    """A local peer; its port."""
    ends: set[asyncio.BaseTransport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Remembering(handler, ends), "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        # asyncio loses a connection that was accepted just before the server closed: let those come up first
        for _ in range(5):
            await asyncio.sleep(0.002)
        server.close()
        for _ in range(20):  # what was accepted a moment ago takes some turns of the loop to come up
            await asyncio.sleep(0.002)
            for end in ends:
                end.abort()  # type: ignore[attr-defined]
        await server.wait_closed()


def make(port: int, host: str = "127.0.0.1", said: list[str] | None = None, **options: Any) -> Link:
    limits = {**QUICK, **options.pop("limits", {})}
    lines: list[str] = [] if said is None else said
    return Link(host, port, policy=Policy(**limits), say=lines.append, **options)


def run(main: Coroutine[Any, Any, Any], limit_s: float = 20) -> Any:
    """Run ``main`` and see that it left no descriptor and raised nothing behind the user's back."""
    failed: list[str] = []

    async def watched() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(repr(context)))
        return await asyncio.wait_for(main, limit_s)

    gc.collect()
    before = open_descriptors()
    result = asyncio.run(watched())
    gc.collect()
    assert open_descriptors() == before
    assert failed == []
    return result


class TestUse:
    def test_one_connection_per_success_and_a_reason_for_each_loss(self) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"bye\n")
            await writer.drain()

        async def main() -> list[tuple[bytes, str | None]]:
            seen = []
            async with serving(hang_up) as port, make(port) as link:
                async for connection in link:
                    async with connection:
                        line = await connection.read_until()
                        await connection.read()
                    seen.append((line, connection.lost))
                    if len(seen) == 3:
                        break
            return seen

        assert run(main()) == [(b"bye\n", "peer-closed")] * 3

    def test_what_had_come_before_the_end_can_still_be_read(self) -> None:
        async def main() -> bytes:
            async def last_words(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(b"x" * 5000)
                await writer.drain()

            async with serving(last_words) as port, make(port) as link:
                async for connection in link:
                    await asyncio.sleep(0.1)
                    assert connection.lost == "peer-closed"
                    return await connection.read_exactly(5000)
            raise AssertionError

        assert run(main()) == b"x" * 5000

    def test_an_error_in_the_users_code_closes_and_goes_through(self) -> None:
        async def main() -> None:
            async with serving() as port, make(port) as link:
                async for connection in link:
                    async with connection:
                        raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            run(main())

    def test_an_answer_that_does_not_come_is_a_loss(self) -> None:
        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        async def main() -> str | None:
            async with serving(mute) as port, make(port) as link:
                async for connection in link:
                    async with connection:
                        await connection.write(b"GET")
                        await connection.read(within_ms=100)
                    return connection.lost
            return None

        assert run(main()) == "unanswered"

    def test_much_data_both_ways_while_heartbeats_go_on(self) -> None:
        async def main() -> None:
            block = bytes(range(256)) * 4096
            async with serving() as port, make(port, heartbeat=b"", limits={"silence_ms": 2000}) as link:
                async for connection in link:
                    async with connection:
                        for _ in range(8):
                            writing = asyncio.ensure_future(connection.write(block))
                            read = bytearray()
                            while len(read) < len(block):
                                read += await connection.read(within_ms=5000)
                            await writing
                            assert bytes(read) == block
                    assert connection.lost == "released"
                    return

        run(main())

    def test_a_user_who_does_not_read_stops_the_reader_and_silence_proves_nothing(self) -> None:
        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(100):
                writer.write(b"y" * 65536)
                await writer.drain()
            await reader.read()

        async def main() -> int:
            limits = {"silence_ms": 100, "answer_ms": 50}
            async with serving(flood) as port, make(port, heartbeat=b"\n", limits=limits) as link:
                async for connection in link:
                    await asyncio.sleep(0.5)
                    assert connection.lost is None
                    return sum([len(await connection.read_exactly(65536)) for _ in range(100)])
            raise AssertionError

        assert run(main()) == 100 * 65536

    def test_bounds_are_said_and_known(self) -> None:
        async def main() -> list[str]:
            said: list[str] = []
            async with (
                serving() as port,
                make(port, said=said, limits={"progress_ms": float("inf"), "write_ms": float("inf")}) as link,
            ):
                assert link.bound("zero-window") == float("inf")
                with pytest.raises(ValueError, match="no such cause"):
                    link.bound("weather")
            return said

        assert any("zero-window=infinite" in line and line.startswith("W") for line in run(main()))

    def test_its_journal_is_evidence_for_diagnose(self) -> None:
        async def main() -> list[str]:
            said: list[str] = []
            async with serving() as port, make(port, said=said) as link:
                async for connection in link:
                    async with connection:
                        await connection.write(b"hello\n")
                        await connection.read_until()
                    break
            return said

        events = events_of("\n".join(run(main())) + "\n")
        for kind in (SocketOpened, Connected, SocketClosed, HeapSampled):
            assert any(isinstance(event, kind) for event in events), kind

    def test_changes_tell_every_transition_until_the_end(self) -> None:
        async def main() -> list[str]:
            states = []
            async with serving() as port:
                link = make(port)

                async def watch() -> None:
                    async for change in link.changes():
                        states.append(change.state)

                watching = asyncio.ensure_future(watch())
                await asyncio.sleep(0)
                async with link:
                    async for connection in link:
                        connection.close()
                        break
                await watching
            return states

        states = run(main())
        way = [
            m.JOINING,
            m.LEASING,
            m.GATED,
            m.RESOLVING,
            m.OPENING,
            m.DIALING,
            m.ONLINE,
            m.CLOSING,
            m.PAUSED,
            m.IDLE,
        ]
        assert states == way

    @pytest.mark.parametrize("port", [0, -1, 65536])
    def test_a_port_that_is_none_is_refused(self, port: int) -> None:
        with pytest.raises(ValueError, match="no such port"):
            make(port)

    def test_a_link_that_was_not_entered_says_so(self) -> None:
        async def main() -> None:
            async for _ in make(9):
                pass

        with pytest.raises(RuntimeError, match="async with"):
            run(main())


class TestGateAndEscalation:
    def test_errors_in_the_users_callbacks_stop_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        def broken(*_: Any) -> Any:
            raise RuntimeError("mine")

        async def main() -> None:
            async with serving() as port:
                link = Link("127.0.0.1", port, policy=Policy(**QUICK), say=broken, memory=broken)
                async with link:
                    async for connection in link:
                        async with connection:
                            await connection.write(b"x\n")
                            assert await connection.read_until() == b"x\n"
                        break
                assert (len(link.ledger), link.ledger.swept) == (0, 0)

        run(main())
        assert "the link goes on" in caplog.text

    def test_nothing_is_opened_below_32_kilobytes(self) -> None:
        async def main() -> list[str]:
            said: list[str] = []
            free = [30000]
            link = make(9, said=said, memory=lambda: (free[0], 20000), limits={"gate_poll_ms": 50})
            async with link:
                await asyncio.sleep(0.2)
                assert link.state == m.GATED
                free[0] = 33000
                await asyncio.sleep(0.1)
                assert link.state != m.GATED
            return said

        said = run(main())
        opened = next(i for i, line in enumerate(said) if "SOCKET_OPENED" in line)
        assert not [line for line in said[:opened] if "SOCKET" in line]

    def test_names_that_never_answer_bounce_the_radio_and_then_reboot(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        resolver_says(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "no name server answered"))

        class Wifi:
            async def join(self) -> None:
                asked.append("join")
                await asyncio.sleep(0.001)

            async def lease(self) -> None:
                asked.append("lease")

            async def leave(self) -> None:
                asked.append("leave")

            async def disable_power_save(self) -> None:
                asked.append("power save off")

        async def main() -> None:
            rebooted = asyncio.Event()
            limits = {"name_tries": 1, "wifi_budget": 2, "pause_ms": 1, "backoff_ms": 0, "backoff_max_ms": 0}
            limits["reboot_after_ms"] = 0
            link = make(9, host="nobody.invalid", radio=Wifi(), reboot=rebooted.set, limits=limits)
            async with link:
                link.power_save_off()
                await rebooted.wait()

        run(main())
        assert asked.count("leave") == 2
        assert asked.index("leave") < [i for i, a in enumerate(asked) if a == "join"][1]
        assert "power save off" in asked

    def test_a_name_that_does_not_exist_bounces_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The name server answered, so the way to it is sound."""
        resolver_says(monkeypatch, socket.gaierror(socket.EAI_NONAME, "no such name"))
        radio = Radio()

        async def main() -> None:
            limits = {"name_tries": 1, "wifi_tries": 1, "pause_ms": 1, "backoff_ms": 0, "backoff_max_ms": 0}
            async with make(9, host="nobody.test", radio=radio, limits=limits) as link:
                async for change in link.changes():
                    if change.attempt == 20:
                        return

        run(main())
        assert radio.asked == ["join"]

    def test_an_address_without_a_way_to_it_accuses_nobodys_wifi(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A peer with an IPv6 address where there is no IPv6, and nobody listening on the other."""
        port = free_port()
        there = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        nowhere = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("240.0.0.1", port))
        resolver_says(monkeypatch, [nowhere, there])
        radio = Radio()

        async def main() -> set[str]:
            limits = {"wifi_tries": 1, "pause_ms": 1, "backoff_ms": 0, "backoff_max_ms": 0, "dial_ms": 100}
            causes = set()
            async with make(port, host="peer.test", radio=radio, limits=limits) as link:
                async for change in link.changes():
                    causes.add(change.cause)
                    if change.attempt == 20:
                        break
            return causes

        assert "refused" in run(main())
        assert radio.asked == ["join"]

    def test_wifi_lost_in_the_pause_is_joined_again(self) -> None:
        """The order in which it comes: the socket fails, a moment later the radio tells why."""
        radio = Radio()

        async def main() -> None:
            async with serving() as port, make(port, radio=radio, limits={"pause_ms": 50}) as link:
                async for connection in link:
                    connection.close()
                    break
                assert link.state == m.PAUSED
                link.wifi_lost()
                async for _ in link:
                    break

        run(main())
        assert radio.asked == ["join", "join"]

    def test_a_reboot_comes_only_after_trouble_that_lasted_and_its_budget_outlives_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolver_says(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "no name server answered"))

        def boot(kept: tuple[int, ...], lasts_ms: int) -> tuple[int, ...] | None:
            """One boot: what it stored when it rebooted, ``None`` if it did not within 0.5 s."""

            async def main() -> tuple[int, ...] | None:
                stored: list[tuple[int, ...]] = []
                limits = {"name_tries": 1, "pause_ms": 1, "backoff_ms": 0, "backoff_max_ms": 0}
                link = make(
                    9,
                    host="nobody.test",
                    limits={**limits, "reboot_after_ms": lasts_ms},
                    reboot=lambda: stored.append(link.reboots_ago_ms),
                    reboots_ago_ms=kept,
                )
                async with link:
                    for _ in range(50):
                        await asyncio.sleep(0.01)
                        if stored:
                            return stored[0]
                return None

            return run(main())

        assert boot((), 60000) is None
        stored = boot((), 100)
        assert stored is not None
        assert boot(stored, 100) is None
        assert boot((3_600_001,), 100) is not None
        with pytest.raises(ValueError, match="negative"):
            Link("127.0.0.1", 9, reboots_ago_ms=(-5,))

    def test_a_radio_that_fails_is_tried_again(self) -> None:
        tries: list[int] = []

        class Wifi:
            async def join(self) -> None:
                tries.append(1)
                if len(tries) < 3:
                    raise OSError(5, "no access point")

            async def lease(self) -> None:
                pass

            async def leave(self) -> None:
                pass

            async def disable_power_save(self) -> None:
                pass

        async def main() -> None:
            async with serving() as port, make(port, radio=Wifi()) as link:
                async for _ in link:
                    break

        run(main())
        assert len(tries) == 3


class Radio:
    """A radio that always succeeds, and what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def join(self) -> None:
        self.asked.append("join")

    async def lease(self) -> None:
        pass

    async def leave(self) -> None:
        self.asked.append("leave")

    async def disable_power_save(self) -> None:
        self.asked.append("power save off")


def resolver_says(monkeypatch: pytest.MonkeyPatch, answer: list[Any] | OSError) -> None:
    """What the system's resolver answers for names; addresses stay what they are."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: Any, flags: int = 0, **more: Any) -> list[Any]:
        if flags & socket.AI_NUMERICHOST or host[0].isdigit():
            return real(host, port, *args, flags=flags, **more)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class TestCallbacksAndErrors:
    """Whatever is called back from within, and whatever an effect raises, the link goes on."""

    def test_a_connection_closed_while_its_loss_is_told(self) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()

        async def main() -> None:
            held: list[Connection] = []

            def say(line: str) -> None:
                if "PEER_CLOSED" in line:
                    held[-1].close()
                    link.wake()

            async with serving(hang_up) as port:
                link = Link("127.0.0.1", port, policy=Policy(**QUICK), say=say)
                async with link:
                    async for connection in link:
                        held.append(connection)
                        await connection.write(b"x\n")
                        with pytest.raises(Lost):
                            await connection.read()
                        if len(held) == 3:
                            break

        run(main())

    def test_a_lookup_for_which_there_is_no_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def main() -> None:
            refusals = [2]
            real = threading.Thread.start

            def start(thread: threading.Thread) -> None:
                if thread.name.startswith("lookup") and refusals[0]:
                    refusals[0] -= 1
                    raise RuntimeError("can't start new thread")
                real(thread)

            monkeypatch.setattr(threading.Thread, "start", start)
            async with serving() as port, make(port, host="localhost") as link:
                async for _ in link:
                    break
            assert refusals == [0]

        run(main())

    def test_an_effect_that_raises_fails_the_attempt_and_is_said(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def main() -> list[str]:
            said: list[str] = []
            async with serving() as port:
                link = make(port, said=said)
                real = link._connect_socket
                failing = [RuntimeError("out of\x1b[31m luck\nI (1) halfopen: A -> B by C")]

                def connect() -> None:
                    if failing:
                        raise failing.pop()
                    real()

                monkeypatch.setattr(link, "_connect_socket", connect)
                async with link:
                    async for _ in link:
                        break
            return said

        said = run(main())
        assert [line for line in said if "cause=driver-error" in line]
        told = next(line for line in said if "CONNECT_SOCKET: RuntimeError" in line)
        assert "\x1b" not in told
        assert "\n" not in told

    def test_what_a_radio_says_cannot_forge_a_line(self) -> None:
        class Hostile(Radio):
            async def join(self) -> None:
                raise OSError(5, "no\nW (5) halfopen: ONLINE -> CLOSING by PEER_CLOSED\x1b[2J")

        async def main() -> list[str]:
            said: list[str] = []
            async with make(9, radio=Hostile(), said=said):
                await asyncio.sleep(0.05)
            return said

        said = run(main())
        assert [line for line in said if "radio: no?W (5)" in line]
        assert not [line for line in said if "\n" in line or "\x1b" in line]

    def test_a_task_group_whose_tasks_meet_the_same_end_is_no_error(self) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()

        async def main() -> None:
            rounds = 0
            async with serving(hang_up) as port, make(port) as link:
                async for connection in link:
                    async with connection, asyncio.TaskGroup() as group:
                        group.create_task(connection.read())
                        group.create_task(connection.read_until(b"!"))
                        await connection.write(b"x\n")
                    rounds += 1
                    if rounds == 2:
                        break
                async for connection in link:
                    async with connection, asyncio.TaskGroup() as group:
                        group.create_task(connection.read())
                        group.create_task(fail_when_lost(connection))
                        await connection.write(b"x\n")

        async def fail_when_lost(connection: Connection) -> None:
            try:
                await connection.read_until(b"!")
            except Lost:
                raise KeyError("mine") from None

        with pytest.raises(ExceptionGroup) as raised:
            run(main())
        assert raised.group_contains(KeyError, match="mine")
        assert not raised.group_contains(Lost)


class TestReading:
    def test_a_limit_below_one_is_refused(self) -> None:
        async def main() -> None:
            async with serving() as port, make(port) as link:
                async for connection in link:
                    for limit in (0, -1):
                        with pytest.raises(ValueError, match="limit"):
                            await connection.read(limit)
                    break

        run(main())

    def test_readers_are_served_in_turn(self) -> None:
        async def main() -> list[tuple[int, bytes]]:
            got: list[tuple[int, bytes]] = []

            async def read(connection: Connection, number: int) -> None:
                got.append((number, await connection.read_exactly(3)))

            async with serving() as port, make(port) as link:
                async for connection in link:
                    readers = [asyncio.ensure_future(read(connection, n)) for n in range(5)]
                    await asyncio.sleep(0)
                    await connection.write(b"abcdefghijklmno")
                    await asyncio.gather(*readers)
                    break
            return got

        assert run(main()) == [(0, b"abc"), (1, b"def"), (2, b"ghi"), (3, b"jkl"), (4, b"mno")]

    def test_who_only_writes_can_say_so_and_a_dead_peer_is_noticed_all_the_same(self) -> None:
        async def flood_then_freeze(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(b"x" * 400_000)
            await reader.read()

        async def main(discards: bool) -> str | None:
            said: list[str] = []
            limits = {"silence_ms": 100, "answer_ms": 50}
            async with (
                serving(flood_then_freeze) as port,
                make(port, heartbeat=b"\n", limits=limits, said=said) as link,
            ):
                async for connection in link:
                    if discards:
                        connection.discard()
                    await connection.write(b"go\n")
                    for _ in range(60):
                        await asyncio.sleep(0 if connection.lost else 0.01)
                    assert bool([line for line in said if "silence proves nothing" in line]) != discards
                    return connection.lost
            raise AssertionError

        assert run(main(True)) == "silent"
        assert run(main(False)) is None


class TestSleepAndRoam:
    def test_sleep_leaves_no_half_open_session_at_the_peer(self) -> None:
        async def main() -> None:
            peers: list[str] = []

            async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                peers.append("open")
                await reader.read()
                peers.append("saw FIN")

            async with serving(note) as port, make(port) as link:
                async for connection in link:
                    await link.prepare_sleep()
                    assert (link.state, connection.lost) == (m.ASLEEP, "sleeping")
                    assert peers == ["open", "saw FIN"]
                    assert len(link.ledger) == 0
                    break
                link.wake()
                async for connection in link:
                    assert connection.lost is None
                    link.roamed("10.0.0.5", "10.0.0.5")
                    assert connection.lost is None
                    link.roamed("10.0.0.5", "10.0.0.6")
                    assert connection.lost == "address-changed"
                    return

        run(main())


class TestTls:
    def served(self, certificate: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context

    def test_data_both_ways(self, certificate: Path) -> None:
        async def main() -> None:
            trusting = ssl.create_default_context(cafile=str(certificate))
            block = bytes(range(256)) * 2000
            async with (
                serving(ssl=self.served(certificate)) as port,
                make(port, tls=trusting, heartbeat=b"\n") as link,
            ):
                async for connection in link:
                    async with connection:
                        writing = asyncio.ensure_future(connection.write(block))
                        read = bytearray()
                        while len(read) < len(block):
                            read += await connection.read(within_ms=5000)
                        await writing
                        assert bytes(read) == block
                    return

        run(main())

    def test_a_certificate_that_does_not_hold_is_no_connection(self, certificate: Path) -> None:
        async def main() -> list[str]:
            said: list[str] = []
            untrusting = ssl.create_default_context()
            async with serving(ssl=self.served(certificate)) as port, make(port, tls=untrusting, said=said):
                await asyncio.sleep(0.2)
            return said

        said = run(main())
        assert any("cause=tls-failed" in line for line in said)
        assert not any("ONLINE" in line for line in said)


@types.coroutine
def cancelled_at(main: Coroutine[Any, Any, Any], suspension: int) -> Generator[Any, Any, bool]:
    """Run ``main`` and cancel it when it waits for the ``suspension``-th time; whether it came that far."""
    count = 0
    sent: Any = None
    error: BaseException | None = None
    while True:
        try:
            waits_for = main.send(sent) if error is None else main.throw(error)
        except StopIteration:
            return False
        except asyncio.CancelledError:
            return True
        count += 1
        if count == suspension:
            if waits_for is not None:
                waits_for._asyncio_future_blocking = False
                waits_for.cancel()
            error = asyncio.CancelledError()
            continue
        error = None
        try:
            sent = yield waits_for
        except BaseException as thrown:
            error = thrown


class TestCancellation:
    async def scenario(self, port: int, tls: ssl.SSLContext | None) -> None:
        async with make(port, host="localhost", tls=tls, heartbeat=b"\n", limits={"silence_ms": 20}) as link:
            rounds = 0
            async for connection in link:
                async with connection:
                    await connection.write(b"a" * 300_000 + b"\n")
                    await connection.read_exactly(1000)
                    while not (await connection.read(within_ms=2000)).endswith(b"\n"):
                        pass
                    await connection.write(b"short\n")
                    await connection.read_until(within_ms=2000)
                    await asyncio.sleep(0.03)
                rounds += 1
                if rounds == 2:
                    await link.prepare_sleep()
                    return

    def test_at_every_await_nothing_is_lost(self) -> None:
        async def main() -> int:
            suspension = 0
            async with serving() as port:
                await asyncio.sleep(0.05)
                while True:
                    suspension += 1
                    if not await self.counted(port, suspension):
                        return suspension

        assert run(main(), 60) > 8

    async def counted(self, port: int, suspension: int) -> bool:
        """Cancel at one await; what is left is looked at before the loop ends, which would hide a leak."""
        before = open_descriptors()
        came = await cancelled_at(self.scenario(port, None), suspension)
        for _ in range(100):  # the peer's own end closes a moment later
            if open_descriptors() <= before:
                return came
            await asyncio.sleep(0.01)
        raise AssertionError(f"descriptors are left after a cancel at await {suspension}")

    def test_cancelled_users_free_everything_in_the_end(self) -> None:
        async def main() -> None:
            async with serving() as port:
                for delay in range(12):
                    task = asyncio.ensure_future(self.scenario(port, None))
                    await asyncio.sleep(delay * 0.004)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task

        run(main())


def test_a_lost_connection_says_why_and_to_whom() -> None:
    async def main() -> str:
        async with serving() as port, make(port) as link:
            async for connection in link:
                connection.close()
                with pytest.raises(Lost) as lost:
                    await connection.write(b"x")
                assert lost.value.cause == "released"
                return str(lost.value)
        return ""

    assert run(main()).endswith("lost: released")


def test_a_server_that_is_gone_is_not_found_in_ourselves() -> None:
    """Linux connects a socket to itself when the port dialed, in the range for clients, happens to be its own."""

    async def main() -> list[str]:
        causes = []
        port = free_port()
        limits = {"pause_ms": 1, "backoff_ms": 0, "backoff_max_ms": 0}
        link = make(port, limits=limits)

        def own_port() -> None:
            link._sock.bind(("127.0.0.1", port))
            real()

        real, link._connect_socket = link._connect_socket, own_port  # type: ignore[method-assign]
        async with link:
            async for change in link.changes():
                if change.is_loss:
                    causes.append(change.cause)
                    break
                assert change.state != m.ONLINE
        return causes

    assert run(main()) == ["refused"]


def test_the_next_address_is_tried_after_any_failure_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is mute to TLS, one has no family here, one resets at once: the sound one is found."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def main() -> str:
        async with serving() as good, serving(reset) as bad:
            resolver_says(
                monkeypatch,
                [
                    (99, socket.SOCK_STREAM, 6, "", ("127.0.0.1", good)),  # EAFNOSUPPORT
                    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", bad)),
                    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", good)),
                ],
            )
            async with make(good, host="peer.test") as link:
                async for connection in link:
                    async with connection:
                        await connection.write(b"x\n")
                        await connection.read_until()
                        return "found"
        raise AssertionError

    assert run(main()) == "found"


def test_every_address_of_a_name_is_tried() -> None:
    """The peer listens on one of the addresses that ``localhost`` has; a refusal by the other is no end."""

    async def main() -> None:
        async with serving() as port, make(port, host="localhost") as link:
            async for _ in link:
                return

    run(main())
