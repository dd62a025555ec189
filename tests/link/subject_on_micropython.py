"""The MicroPython driver as a program under test: the same settings, words and commands as ``subject_on_asyncio.py``.

Runs on MicroPython's Unix port. Arguments: a file with settings (JSON), then folders for ``sys.path``.
"""

import sys

sys.path[:0] = sys.argv[2:]

import json
import os
import select
import time

from halfopen.link.on_micropython import Link, Lost, Policy
from halfopen.link.wlan import Wlan

CAUSES = ("idle", "unacked", "full-buffer", "zero-window")


def say(what, **more):
    more["what"], more["at"] = what, time.ticks_ms() / 1000
    print(json.dumps(more))


def descriptors():
    return len(os.listdir("/proc/self/fd")) - 1  # without the one that lists


def tell(line):
    """A line of the journal as the change it tells: the words are all that a device says."""
    level, _, _, line = line.split(" ", 3)
    words = line.split()
    if "->" not in words:
        return
    said = dict([word.split("=", 1) for word in words if "=" in word])
    cause = "" if said["cause"] == "-" else said["cause"]
    if words[0] != words[2]:
        say("change", before=words[0], state=words[2], event=words[4], cause=cause, loss=level == "W")


class Commands:
    """Lines on standard input, taken without waiting."""

    def __init__(self):
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def next(self):
        return sys.stdin.readline().strip() if self._poll.poll(0) else None


class Work:
    """What the program does with its link, a little at a time."""

    def __init__(self, link):
        self.link = link
        self.connection = None
        self.to_send = 0
        self.hogged = []
        self.accepted = -1
        self.progressed = 0
        self.chunk = b"x" * 1048575 + b"\n"  # one write of more than a slow peer takes in time

    def turn(self):
        self.link.step(20)
        connection = self.connection
        if connection is None or connection.lost is not None:
            self.connection = self.link.try_next()
            return
        try:
            if self.to_send and connection.accepted_bytes >= self.sent_to:
                data = self.chunk[-self.to_send :]
                self.to_send -= len(data)
                self.sent_to = connection.start_write(data)
            if connection.accepted_bytes != self.accepted:
                self.accepted, self.progressed = connection.accepted_bytes, time.ticks_ms() / 1000
            if connection.unread_bytes:
                connection.read()
        except Lost:
            self.to_send = 0

    def obey(self, command):
        words = command.split()
        verb = words[0]
        if verb == "send":
            self.to_send, self.sent_to = int(words[1]), 0
        elif verb == "drop" and self.connection is not None:
            self.connection.close()
        elif verb == "hog":
            try:
                while True:
                    self.hogged.append(open("/dev/null"))
            except OSError:
                say("hogged", size=len(self.hogged))
        elif verb == "release":
            while self.hogged:
                self.hogged.pop().close()
        elif verb == "progress":
            say("progress", last=self.progressed)
        elif verb == "fds":
            say("fds", open=descriptors(), held=len(self.link.ledger))


def main(settings):
    before = descriptors()
    context = None
    if settings.get("tls"):
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_NONE
    limits = settings.get("policy", {})
    for name in limits:
        if limits[name] == "NEVER":
            limits[name] = float("inf")
    beat = settings.get("heartbeat")
    link = Link(
        settings["host"],
        settings["port"],
        policy=Policy(**limits),
        heartbeat=None if beat is None else beat.encode(),
        tls=context,
        radio=Wlan("lab", "a key that nobody reads"),
        say=tell,
    )
    with link:
        say("bounds", bounds={cause: min(link.bound(cause), 1e9) for cause in CAUSES})
        work, commands = Work(link), Commands()
        while True:
            work.turn()
            command = commands.next()
            if command == "quit":
                break
            if command:
                work.obey(command)
    say(
        "ended", before=before, after=descriptors(), held=len(link.ledger), swept=link.ledger.swept, errors=[]
    )


# Python's json writes Infinity, which is no JSON and which MicroPython's does not read.
with open(sys.argv[1]) as written:
    settings = json.loads(written.read().replace("Infinity", '"NEVER"'))
main(settings)
