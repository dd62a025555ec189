"""halfopen.link with the policy's defaults; its heartbeat is a line that the peer echoes."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path

from speaking import obey, say

from halfopen.link.on_asyncio import Connection, Link


async def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    tls = ssl.create_default_context() if settings["tls"] else None
    loop = asyncio.get_running_loop()
    standing: list[Connection] = []
    writing: set[asyncio.Task[None]] = set()

    async def write(size: int) -> None:
        await standing[-1].write(b"x" * size + b"\n")

    def send(size: int) -> None:
        loop.call_soon_threadsafe(lambda: writing.add(loop.create_task(write(size))))

    async with Link(
        settings["host"], settings["port"], heartbeat=b"\n", tls=tls, say=lambda line: None
    ) as link:

        async def watch() -> None:
            async for change in link.changes():
                if change.is_loss:
                    say("down" if change.before in ("ONLINE", "DOUBTED") else "failed")

        watching = asyncio.ensure_future(watch())
        await asyncio.sleep(0)
        say("started")
        obey(send)
        async for connection in link:
            standing.append(connection)
            say("up")
            async with connection:
                while True:
                    await connection.read()
        watching.cancel()


asyncio.run(main())
