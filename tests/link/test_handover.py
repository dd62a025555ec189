"""Libraries with sockets of their own, over a kept connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from tests.link.test_examples import free_port, running, wait_listening
from tests.link.test_on_asyncio import make, run, serving

from halfopen.link.handover import local_path, local_socket
from halfopen.link.on_asyncio import Connection, Lost


def test_a_stream_over_a_kept_connection() -> None:
    async def main() -> None:
        async with serving() as port, make(port) as link:
            async for connection in link:
                async with connection, local_socket(connection) as sock:
                    reader, writer = await asyncio.open_connection(sock=sock)
                    block = bytes(range(256)) * 2000
                    writer.write(block)
                    assert await reader.readexactly(len(block)) == block
                    writer.close()
                    await writer.wait_closed()
                assert len(link.ledger) == 0
                return

    run(main())


def test_a_dead_peer_ends_what_the_library_waits_for_and_the_reason_is_the_links() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def wait_as_a_library_does(connection: Connection) -> None:
        async with local_socket(connection) as sock:
            reader, writer = await asyncio.open_connection(sock=sock)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
            raise EOFError("what a library says")

    async def main() -> list[str | None]:
        reasons = []
        limits = {"silence_ms": 100, "answer_ms": 50}
        async with serving(mute) as port, make(port, heartbeat=b"", limits=limits) as link:
            async for connection in link:
                with pytest.raises(Lost):
                    await wait_as_a_library_does(connection)
                reasons.append(connection.lost)
                if len(reasons) == 2:
                    break
        return reasons

    assert run(main()) == ["silent", "silent"]


def test_an_error_that_is_the_users_own_stays_his() -> None:
    async def main() -> None:
        async with serving() as port, make(port) as link:
            async for connection in link:
                async with connection, local_path(connection):
                    raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(main())


def test_an_error_of_the_users_own_stays_his_even_when_the_connection_ended() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pass

    async def main(error: Exception) -> None:
        async with serving(hang_up) as port, make(port) as link:
            async for connection in link:
                async with connection, local_socket(connection, errors=(LookupError,)):
                    while connection.lost is None:
                        await asyncio.sleep(0.01)
                    raise error

    with pytest.raises(ZeroDivisionError):
        run(main(ZeroDivisionError("mine")))
    with pytest.raises(TimeoutError):  # a library's error is told as the loss, and the loop goes on
        run(main(KeyError("the library's")), limit_s=0.5)


def test_a_library_that_is_slower_than_the_next_dial_keeps_its_socket() -> None:
    """The peer sends much and closes; the library reads on while the link already dials anew."""
    size = 3_000_000

    async def send_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * size)
        await writer.drain()
        writer.close()

    async def main() -> int:
        got = 0
        async with serving(send_and_close) as port, make(port, limits={"pause_ms": 1}) as link:
            async for connection in link:
                async with connection, local_socket(connection) as sock:
                    reader, writer = await asyncio.open_connection(sock=sock)
                    while data := await reader.read(65536):
                        got += len(data)
                        await asyncio.sleep(0.01)
                    writer.close()
                    await writer.wait_closed()
                assert link.ledger.swept == 0
                return got
        raise AssertionError

    assert (
        run(main()) >= size - 300_000
    )  # what the kernel had not delivered when the peer closed is the peer's


@pytest.mark.parametrize("way", [local_socket, local_path])
def test_a_second_cancellation_leaves_nothing_open(way: Any) -> None:
    async def main() -> None:
        async with serving() as port, make(port) as link:
            for turns in range(6):
                connection = await anext(link)
                entered = asyncio.Event()

                async def use(connection: Connection = connection, entered: asyncio.Event = entered) -> None:
                    async with way(connection):
                        entered.set()
                        await asyncio.sleep(10)

                task = asyncio.ensure_future(use())
                await entered.wait()
                task.cancel()
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                assert "handover" not in link.ledger.purposes()

    run(main())


def test_a_path_that_nobody_uses_is_cleaned_up() -> None:
    async def main() -> Path:
        async with serving() as port, make(port) as link:
            async for connection in link:
                async with connection, local_path(connection) as path:
                    assert Path(path).is_socket()
                    assert Path(path).parent.stat().st_mode & 0o077 == 0
                return Path(path)
        raise AssertionError

    assert not run(main()).parent.exists()


def test_a_link_that_sends_heartbeats_of_its_own_is_not_handed_over() -> None:
    async def main() -> None:
        async with serving() as port, make(port, heartbeat=b"\n") as link:
            async for connection in link:
                async with connection, local_socket(connection):
                    pass

    with pytest.raises(ValueError, match="heartbeats of its own"):
        run(main())


def test_paho_over_a_kept_connection(require_tool: Callable[[str], str], tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")

    async def main() -> None:
        async with make(port, heartbeat=b"") as link:
            async for connection in link:
                async with connection, local_path(connection) as path:
                    client = paho.Client(paho.CallbackAPIVersion.VERSION2, transport="unix")
                    client.connect(path, keepalive=10)
                    client.loop_start()
                    try:
                        sent = client.publish("home/temperature", "21.5", qos=1)
                        await asyncio.to_thread(sent.wait_for_publish, 10)
                        assert sent.is_published()
                    finally:
                        client.disconnect()
                        await asyncio.to_thread(client.loop_stop)
                return

    with running(require_tool("mosquitto"), "-c", str(config)):
        wait_listening(port)
        run(main())


def test_the_local_socket_is_the_callers_to_close() -> None:
    async def main() -> None:
        async with serving() as port, make(port) as link:
            async for connection in link:
                async with connection, local_socket(connection) as sock:
                    assert isinstance(sock, socket.socket)
                    sock.close()
                    while connection.lost is None:
                        await asyncio.sleep(0.01)
                    assert connection.lost == "released"
                return

    run(main())
