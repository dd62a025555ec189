"""Hands a kept connection to a library that wants a socket of its own: paho, aiomqtt, asyncio streams (CPython).

The library gets a local socket; what passes through it is carried over the kept connection, so the deadlines, the
liveness and the ledger of the link hold for it, too. When the link notices that the peer is dead the local socket
closes, and the library sees an end instead of waiting.

A heartbeat of the link's own would fall between the library's bytes: give the link ``heartbeat=b""`` where the library
keeps the peer talking, ``None`` where it does not. With any other both functions raise :class:`ValueError`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from halfopen.link.connection import Connection, Lost
from halfopen.link.policy import WANTED

_CHUNK_BYTES = 65536


@contextlib.asynccontextmanager
async def local_socket(
    connection: Connection, *, errors: tuple[type[Exception], ...] = ()
) -> AsyncIterator[socket.socket]:
    """A connected, non-blocking socket that leads to the peer of ``connection``; the caller closes it.

    What the library raises inside the block because the connection ended is raised as :class:`Lost`: OSError, EOFError
    and the library's own ``errors``.
    """
    _refuse_injection(connection)
    ours, theirs = socket.socketpair()
    ledger = connection.ledger
    ticket, given = ledger.enter(ours, "handover", True), ledger.enter(theirs, "handover", True)
    ours.setblocking(False)
    theirs.setblocking(False)
    carrying = asyncio.ensure_future(_carry(connection, ours))
    try:
        with _said_as_loss(connection, errors):
            yield theirs
    finally:
        try:
            await _stop(carrying)
        finally:  # a second cancellation must not keep them
            ledger.close(ticket)
            ledger.close(given)


@contextlib.asynccontextmanager
async def local_path(
    connection: Connection, *, errors: tuple[type[Exception], ...] = ()
) -> AsyncIterator[str]:
    """The path of a Unix socket that leads to the peer of ``connection``, for one client, in a folder of ours alone.

    For libraries that take a path where they take a host: ``aiomqtt.Client(path, transport="unix")`` with
    ``errors=(aiomqtt.MqttError,)``, or paho's ``Client(transport="unix").connect(path)``. What the library raises inside
    the block because the connection ended is raised as :class:`Lost`: OSError, EOFError and the library's own ``errors``.
    """
    _refuse_injection(connection)
    with tempfile.TemporaryDirectory(prefix="halfopen-") as folder:
        path = str(Path(folder) / "peer")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        ticket = connection.ledger.enter(listener, "handover", True)
        carrying: asyncio.Future[None] | None = None
        try:
            listener.setblocking(False)
            listener.bind(path)
            listener.listen(1)
            carrying = asyncio.ensure_future(_accept_and_carry(connection, listener))
            with _said_as_loss(connection, errors):
                yield path
        finally:
            try:
                if carrying is not None:
                    await _stop(carrying)
            finally:  # a second cancellation must not keep it
                connection.ledger.close(ticket)


def _refuse_injection(connection: Connection) -> None:
    if connection.injects:
        raise ValueError('this link sends heartbeats of its own; hand over one with heartbeat=b"" or None')


@contextlib.contextmanager
def _said_as_loss(connection: Connection, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    ends: tuple[type[Exception], ...] = (OSError, EOFError, *errors)
    try:
        yield
    except Lost:
        raise
    except ends as error:
        # aiomqtt says "Disconnected", paho a number: the link knows why
        if connection.lost is not None and connection.lost not in WANTED:
            raise Lost(connection) from error
        raise


async def _stop(carrying: asyncio.Future[None]) -> None:
    carrying.cancel()
    await asyncio.wait([carrying])


async def _accept_and_carry(connection: Connection, listener: socket.socket) -> None:
    client, _ = await asyncio.get_running_loop().sock_accept(listener)
    ticket = connection.ledger.enter(client, "handover", True)
    try:
        client.setblocking(False)
        await _carry(connection, client)
    finally:
        connection.ledger.close(ticket)


async def _carry(connection: Connection, local: socket.socket) -> None:
    """Carry bytes both ways until either side ends; then both have ended."""
    loop = asyncio.get_running_loop()

    async def outwards() -> None:
        while data := await loop.sock_recv(local, _CHUNK_BYTES):
            await connection.write(data)

    async def inwards() -> None:
        while True:
            await loop.sock_sendall(local, await connection.read(_CHUNK_BYTES))

    ways = [asyncio.ensure_future(outwards()), asyncio.ensure_future(inwards())]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        with contextlib.suppress(OSError):
            local.shutdown(socket.SHUT_RDWR)
        connection.close()
