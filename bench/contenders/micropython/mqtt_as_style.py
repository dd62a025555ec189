"""A minimal client in the style of mqtt_as, which no registry has: asyncio, non-blocking sockets, ten seconds for each
response, four pings in a keepalive, and the broker is given up when nothing came for that long.
"""

import sys

sys.path[:0] = sys.argv[2:]

import asyncio
import errno
import socket
import ssl
import time

import words

RESPONSE_MS = 10000
BUSY = (errno.EAGAIN, errno.EINPROGRESS)


class Client:
    def __init__(self, settings):
        self._settings = settings
        self._sock = None
        self._heard = 0

    async def connect(self):
        host = socket.getaddrinfo(self._settings["host"], self._settings["port"])[0][-1]
        self._sock = socket.socket()
        self._sock.setblocking(False)
        try:
            self._sock.connect(host)
        except OSError as error:
            if error.errno not in BUSY:
                raise
        if self._settings["tls"]:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.verify_mode = ssl.CERT_NONE
            self._sock = context.wrap_socket(self._sock, do_handshake_on_connect=False)
        await self._write(words.connect(words.KEEP_ALIVE_S))
        if await self._read(4) != b"\x20\x02\x00\x00":
            raise OSError(-1)

    async def _read(self, size):
        data, began = b"", time.ticks_ms()
        while len(data) < size:
            more = self._sock.read(size - len(data))
            if more == b"" or time.ticks_diff(time.ticks_ms(), began) > RESPONSE_MS:
                raise OSError(-1)
            if more:
                data += more
                self._heard = time.ticks_ms()
            else:
                await asyncio.sleep_ms(20)
        return data

    async def _write(self, data):
        rest, began = memoryview(data), time.ticks_ms()
        while rest:
            try:
                size = self._sock.write(rest)
            except OSError as error:
                if error.errno not in BUSY:
                    raise
                size = None
            if size:
                rest, began = rest[size:], time.ticks_ms()
            elif time.ticks_diff(time.ticks_ms(), began) > RESPONSE_MS:
                raise OSError(-1)
            await asyncio.sleep_ms(20)

    async def listen(self):
        while True:
            data = self._sock.read(1)
            if data == b"":
                raise OSError(-1)
            if data:
                self._heard = time.ticks_ms()
            await asyncio.sleep_ms(20)

    async def keep_alive(self):
        asked = self._heard
        while True:
            silent = time.ticks_diff(time.ticks_ms(), self._heard)
            if silent >= words.KEEP_ALIVE_S * 1000:
                raise OSError(-1)
            if (
                silent >= words.KEEP_ALIVE_S * 250
                and time.ticks_diff(time.ticks_ms(), asked) >= words.KEEP_ALIVE_S * 250
            ):
                asked = time.ticks_ms()
                await self._write(words.PINGREQ)
            await asyncio.sleep_ms(100)

    async def publish(self, commands):
        while True:
            size = commands.size()
            if size:
                await self._write(words.publish(size))
            await asyncio.sleep_ms(50)

    def close(self):
        if self._sock is not None:
            self._sock.close()
        self._sock = None


async def main(settings):
    client, commands = Client(settings), words.Commands()
    words.say("started")
    while True:
        up = False
        try:
            await client.connect()
            up = True
            words.say("up")
            await asyncio.gather(client.listen(), client.keep_alive(), client.publish(commands))
        except OSError:
            words.say("down" if up else "failed")
        client.close()
        await asyncio.sleep(1)


asyncio.run(main(words.settings()))
