"""A server on asyncio as a program under test, guarded or (``guarded: false``) as everybody writes it first.

It answers each line with ``got <line>`` and ``big N`` with N bytes. Settings (JSON, first argument): port, guarded,
options of the guard, policy. Commands on standard input: ``fds``, ``quit``. It prints JSON lines.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from halfopen.link import journal
from halfopen.link.capability import CAUSES
from halfopen.link.guard_on_asyncio import Connection, Guard, Policy

CROWDED = b"crowded\n"


def say(what: str, **more: Any) -> None:
    print(json.dumps({"what": what, **more}), flush=True)


def descriptors() -> int:
    with os.scandir("/proc/self/fd") as listed:
        return len(list(listed)) - 1  # without the one that lists


def tell(line: str) -> None:
    """A line of the journal as JSON."""
    entry = journal.read(journal.TAG, line.split(": ", 1)[1])
    if entry is not None:
        say("change", event=entry.event, state=entry.state, session=entry.session, cause=entry.cause)


async def answer(session: Connection) -> None:
    """Answers lines, each of which is due 600 ms after the last."""
    while True:
        line = await session.read_until(b"\n", within_ms=600)
        if line == b"fail\n":
            raise ValueError("a handler that fails")
        if line == b"bye\n":
            await session.write(b"bye\n")
            return
        if line.startswith(b"big "):
            watch = asyncio.ensure_future(progress(session))
            try:
                await session.write(bytes(int(line[4:])))
            finally:
                watch.cancel()
        else:
            await session.write(b"got " + line)


async def answer_for_ever(session: Connection) -> None:
    while True:
        await session.write(b"got " + await session.read_until(b"\n"))


async def progress(session: Connection) -> None:
    """Say when the socket last took a byte."""
    accepted = -1
    while True:
        if session.accepted_bytes != accepted:
            accepted = session.accepted_bytes
            say("progress", accepted=accepted)
        await asyncio.sleep(0.005)


async def unguarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(b"got " + line)
        await writer.drain()
    writer.close()


async def obey() -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Queue[str]()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(told.put_nowait, line.strip())

    threading.Thread(target=listen, daemon=True).start()
    while (command := await told.get()) != "quit":
        if command == "fds":
            say("fds", open=descriptors())


async def main(settings: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    errors: list[str] = []
    loop.set_exception_handler(lambda _, context: errors.append(repr(context.get("exception"))))
    before = descriptors()
    if not settings["guarded"]:
        server = await asyncio.start_server(unguarded, "0.0.0.0", settings["port"])
        say("listening", before=before)
        await obey()
        say("ended", errors=errors)
        server.close()
        return
    beat = settings.get("heartbeat")
    guard = Guard(
        "0.0.0.0",
        settings["port"],
        answer_for_ever if settings.get("patient") else answer,
        farewell=CROWDED,
        heartbeat=None if beat is None else beat.encode(),
        policy=Policy(**settings.get("policy", {})),
        say=tell,
        **settings.get("options", {}),
    )
    async with guard:
        say("listening", before=before, bounds={cause: guard.bound(cause) for cause in CAUSES})
        await obey()
    say("ended", before=before, after=descriptors(), held=len(guard.ledger), errors=errors)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
    os._exit(0)  # the thread on standard input never ends
