"""A status page over HTTP that vanished, slow and greedy clients cannot take down.

Six clients at a time, as on an ESP32 with ten sockets and two in reserve; the seventh is told to come back, or takes the
place of one that was silent for a second. Try it with a browser, and with many of them:

    python guarded_server.py 127.0.0.1 8080
"""

import asyncio
import contextlib
import logging
import sys

from halfopen.link.guard_on_asyncio import Connection, Guard

FAREWELL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 5\r\n\r\nbusy\n"


async def main(host: str, port: int) -> None:
    async def status(session: Connection) -> None:
        while True:
            request = await session.read_until(b"\r\n\r\n", within_ms=5000)
            said = ", ".join(f"{event.lower()} {count}" for event, count in sorted(guard.counts.items()))
            page = f"{len(guard.sessions)} of {guard.cap} sessions; {said}\n".encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(page)}\r\n\r\n"
            await session.write(head.encode() + page)
            if b"connection: close" in request.lower():
                return

    async with Guard(host, port, status, farewell=FAREWELL, heartbeat=b"") as guard:
        print("a dead client's session is free within", guard.bound("idle"), "s", flush=True)
        await asyncio.Event().wait()


logging.basicConfig(level=logging.INFO, format="%(message)s")
with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
