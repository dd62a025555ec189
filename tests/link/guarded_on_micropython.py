"""The program of ``guarded_on_asyncio.py`` for MicroPython; second argument: the folder that holds ``halfopen``."""

import gc
import json
import os
import select
import socket
import sys
import time

sys.path.insert(0, sys.argv[2])

from halfopen.link import capability, journal
from halfopen.link.guard_on_micropython import Guard, Policy

CROWDED = b"crowded\n"
commands = select.poll()
commands.register(sys.stdin, select.POLLIN)


def say(what, **more):
    more["what"] = what
    print(json.dumps(more))


def descriptors():
    return len(os.listdir("/proc/self/fd")) - 1


def tell(line):
    entry = journal.read(journal.TAG, line.split(": ", 1)[1])
    if entry is not None:
        say("change", event=entry.event, state=entry.state, session=entry.session, cause=entry.cause)


class Answering:
    """Answers lines, each of which is due 600 ms after the last."""

    def __init__(self, patient):
        self.patient = patient
        self.big = None
        self.left = -1

    def say_progress(self):
        """Whether a socket took a byte of what is big; the listener notes when it heard so."""
        if self.big is not None and self.big.session.vitals.pending_bytes() != self.left:
            self.left = self.big.session.vitals.pending_bytes()
            say("progress", left=self.left)

    def __call__(self, client, data):
        lines = (client.rest + data).split(b"\n")
        client.rest = lines[-1]
        for line in lines[:-1]:
            if line.startswith(b"big "):
                client.send(bytes(int(line[4:])))
                self.big = client
            elif line == b"fail":
                raise ValueError("a handler that fails")
            elif line == b"bye":
                client.send(b"bye\n")
                client.close()
            else:
                client.send(b"got " + line + b"\n")
        if len(lines) > 1 or not data:  # a line came, or a client: the next line is due
            client.answer_within(float("inf") if self.patient or client is self.big else 600)


def obey():
    if not commands.poll(0):
        return True
    command = sys.stdin.readline().strip()
    if command == "fds":
        say("fds", open=descriptors())
    elif command == "memory":
        gc.collect()
        say("memory", allocated=gc.mem_alloc())
    return command not in ("quit", "")


def guarded(settings):
    before = descriptors()
    beat = settings.get("heartbeat")
    answering = Answering(settings.get("patient", False))
    guard = Guard(
        "0.0.0.0",
        settings["port"],
        answering,
        farewell=CROWDED,
        heartbeat=None if beat is None else beat.encode(),
        policy=Policy(**settings.get("policy", {})),
        say=tell,
        **settings.get("options", {}),
    )
    guard.start()
    bounds = [(cause, guard.core.bound_ms(cause) / 1000) for cause in capability.CAUSES]
    bounds = {cause: bound for cause, bound in bounds if bound != float("inf")}
    say("listening", before=before, bounds=bounds)
    if settings.get("asyncio"):
        beside_other_tasks(guard)
    else:
        while obey():
            guard.serve_once(20)
            answering.say_progress()
        guard.close()
    say("ended", before=before, after=descriptors(), held=len(guard.ledger), errors=[])


def beside_other_tasks(guard):
    import asyncio

    async def main():
        serving = asyncio.create_task(guard.serve())
        while obey():
            await asyncio.sleep(0.01)
        serving.cancel()
        try:  # noqa: SIM105  MicroPython has no contextlib
            await serving
        except asyncio.CancelledError:
            pass

    asyncio.run(main())


def unguarded(settings):
    """What one writes first: accept, poll, answer; and go on when accept() fails."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(socket.getaddrinfo("0.0.0.0", settings["port"])[0][-1])
    listener.listen(5)
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    say("listening")
    while obey():
        for item in poller.poll(20):
            try:
                if item[0] is listener:
                    sock, _ = listener.accept()
                    poller.register(sock, select.POLLIN)
                    continue
                data = item[0].recv(1000)
                if data:
                    item[0].send(b"got " + data)
                else:
                    poller.unregister(item[0])
                    item[0].close()
            except OSError as error:
                say("failed", errno=error.errno)
                time.sleep(0.05)
    say("ended", errors=[])


with open(sys.argv[1]) as written:
    settings = json.loads(written.read())
(guarded if settings["guarded"] else unguarded)(settings)
