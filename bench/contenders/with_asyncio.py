"""Plain asyncio streams, as its documentation shows them, with the reconnecting loop that everybody adds."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path

from speaking import obey, say


async def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    tls = ssl.create_default_context() if settings["tls"] else None
    loop = asyncio.get_running_loop()
    standing: list[asyncio.StreamWriter] = []
    failed: asyncio.Queue[Exception] = asyncio.Queue()
    writing: set[asyncio.Task[None]] = set()

    async def write(size: int) -> None:
        try:
            standing[-1].write(b"x" * size + b"\n")
            await standing[-1].drain()
        except OSError as error:
            await failed.put(error)

    def send(size: int) -> None:
        loop.call_soon_threadsafe(lambda: writing.add(loop.create_task(write(size))))

    say("started")
    obey(send)
    while True:
        try:
            reader, writer = await asyncio.open_connection(settings["host"], settings["port"], ssl=tls)
        except OSError:
            say("failed")
            await asyncio.sleep(1)
            continue
        standing.append(writer)
        say("up")
        try:
            while await reader.read(65536):
                pass
        except OSError:
            pass
        say("down")
        writer.close()


asyncio.run(main())
