"""The asyncio driver as a program under test: JSON lines out, commands in. A later driver has a program like it.

Settings (JSON in a file, the first argument): host, port, heartbeat, policy, tls. Commands: ``send N``,
``drop``, ``hog``, ``release``, ``fds``, ``progress`` (when the socket last took a byte), ``quit``.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from halfopen.link.capability import CAUSES
from halfopen.link.on_asyncio import Connection, Link, Policy


def say(what: str, **more: Any) -> None:
    print(json.dumps({"what": what, "at": time.monotonic(), **more}), flush=True)


def descriptors() -> int:
    with os.scandir("/proc/self/fd") as listed:
        return len(list(listed)) - 1  # without the one that lists


async def commands() -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[str] = asyncio.Queue()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(told.put_nowait, line.strip())

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield await told.get()


class Work:
    """What the program does with its link."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.connection: Connection | None = None
        self.hogged: list[int] = []
        self.progressed = 0.0
        self.tasks: set[asyncio.Task[None]] = set()

    async def watch(self) -> None:
        async for change in self.link.changes():
            if change.state != change.before:
                say(
                    "change",
                    state=change.state,
                    before=change.before,
                    event=change.event,
                    cause=change.cause,
                    loss=change.is_loss,
                )

    async def run(self) -> None:
        async for connection in self.link:
            self.connection = connection
            async with connection:
                while True:
                    await connection.read()
            self.connection = None

    async def send(self, size: int) -> None:
        while self.connection is None:  # the state is told before the connection is handed out
            await asyncio.sleep(0.001)
        watch = asyncio.ensure_future(self.watch_progress(self.connection))
        try:
            await self.connection.write(b"x" * (size - 1) + b"\n")
        except ConnectionError as error:
            say("write failed", cause=str(error))
        finally:
            watch.cancel()

    async def watch_progress(self, connection: Connection) -> None:
        accepted = -1
        while True:
            if connection.accepted_bytes != accepted:
                accepted, self.progressed = connection.accepted_bytes, time.monotonic()
            await asyncio.sleep(0.005)

    def obey(self, command: str) -> None:
        verb, _, rest = command.partition(" ")
        if verb == "send":
            task = asyncio.ensure_future(self.send(int(rest)))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        elif verb == "drop" and self.connection is not None:
            self.connection.close()
        elif verb == "hog":
            try:
                while True:
                    self.hogged.append(os.dup(0))
            except OSError:
                say("hogged", size=len(self.hogged))
        elif verb == "release":
            while self.hogged:
                os.close(self.hogged.pop())
        elif verb == "progress":
            say("progress", last=self.progressed)
        elif verb == "fds":
            say("fds", open=descriptors(), held=len(self.link.ledger))


async def main(settings: dict[str, Any]) -> None:
    errors: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(repr(context)))
    before = descriptors()
    context = None
    if settings.get("tls"):
        context = ssl.create_default_context()
    beat = settings.get("heartbeat")
    link = Link(
        settings["host"],
        settings["port"],
        policy=Policy(**settings.get("policy", {})),
        heartbeat=None if beat is None else beat.encode(),
        tls=context,
        say=lambda line: None,
    )
    async with link:
        say("bounds", bounds={cause: link.bound(cause) for cause in CAUSES})
        work = Work(link)
        running = [asyncio.ensure_future(work.watch()), asyncio.ensure_future(work.run())]
        async for command in commands():
            if command == "quit":
                break
            work.obey(command)
        for task in (*running, *work.tasks):
            task.cancel()
        done = await asyncio.gather(*running, *work.tasks, return_exceptions=True)
        errors += [repr(e) for e in done if isinstance(e, Exception)]
    say(
        "ended",
        before=before,
        after=descriptors(),
        held=len(link.ledger),
        swept=link.ledger.swept,
        errors=errors,
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
    os._exit(0)  # the thread on standard input never ends
