"""The peer of the lab: one well-behaved service and several bad ones, and a name server. Prints ``ready``."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from netlab import ECHO, MUTE, PEER_IP, SINK, SLOW, TALK, TRICKLE

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers everything with itself."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything, never answers."""
    while await reader.read(65536):
        pass


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Talks all the time and takes nothing: alive, with its window at zero."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    while True:
        writer.write(b"still here\n")
        await writer.drain()
        await asyncio.sleep(0.1)


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a little at a time, for ever."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    sock = writer.get_extra_info("socket")
    while True:
        await asyncio.sleep(0.1)
        with contextlib.suppress(BlockingIOError):
            socket.socket.recv(sock._sock, 4096)


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts and says nothing: a TLS handshake that stalls."""
    await reader.read()
    await asyncio.sleep(3600)


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begins a TLS record of 16 KB and sends a byte of it now and then."""
    writer.write(b"\x16\x03\x03\x40\x00")
    while True:
        await asyncio.sleep(0.2)
        writer.write(b"\x00")
        await writer.drain()


class NameServer(asyncio.DatagramProtocol):
    """Answers every question for an IPv4 address with the peer's own."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, client: tuple[str, int]) -> None:
        end = data.index(0, 12) + 5
        asks_ipv4 = data[end - 4 : end - 2] == b"\x00\x01"
        answer = b"\xc0\x0c\x00\x01\x00\x01" + struct.pack(">IH", 1, 4) + socket.inet_aton(PEER_IP)
        header = data[:2] + b"\x81\x80\x00\x01" + struct.pack(">H", asks_ipv4) + bytes(4)
        self.transport.sendto(header + data[12:end] + (answer if asks_ipv4 else b""), client)  # type: ignore[attr-defined]


async def main() -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # clients vanish here: that is what this is for
    await loop.create_datagram_endpoint(NameServer, local_addr=(PEER_IP, 53))
    services = {ECHO: echo, SINK: sink, TALK: talk, SLOW: slow, MUTE: mute, TRICKLE: trickle}
    for port, service in services.items():
        listener = socket.create_server((PEER_IP, port))
        if service in (talk, slow):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        await asyncio.start_server(service, sock=listener)
    print("ready", flush=True)
    await asyncio.sleep(3600)


asyncio.run(main())
