"""Polls a page: one connection per poll, every answer with a deadline, every descriptor closed.

python http_poller.py localhost 8000 /
"""

import asyncio
import logging
import sys

from halfopen.link.on_asyncio import Link, Policy


async def main(host: str, port: int, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    async with Link(host, port, policy=Policy(dial_ms=5000, write_ms=5000)) as link:
        async for connection in link:
            async with connection:
                await connection.write(request)
                status = await connection.read_until(b"\r\n", within_ms=5000)
                print(status.decode(errors="replace").strip(), flush=True)
            if connection.lost != "released":
                print("lost:", connection.lost, flush=True)
            await asyncio.sleep(1)


logging.basicConfig(level=logging.INFO, format="%(message)s")
asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
