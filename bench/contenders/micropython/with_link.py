"""halfopen.link on MicroPython with the policy's defaults; its heartbeat is a line that the peer echoes."""

import sys

sys.path[:0] = sys.argv[2:]

import ssl

import words

from halfopen.link.on_micropython import Link, Lost


class Telling(Link):
    def _observe(self, change):
        super()._observe(change)
        if change.is_loss:
            words.say("down" if change.before in ("ONLINE", "DOUBTED") else "failed")


def main(settings):
    tls = None
    if settings["tls"]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.verify_mode = ssl.CERT_NONE
    commands = words.Commands()
    words.say("started")
    with Telling(
        settings["host"],
        settings["port"],
        heartbeat=b"\n",
        tls=tls,
        say=lambda line: None,
        resolver="10.77.0.1",
    ) as link:
        connection = None
        while True:
            link.step(50)
            if connection is None or connection.lost is not None:
                connection = link.try_next()
                if connection is not None:
                    words.say("up")
                continue
            try:
                connection.discard()
                size = commands.size()
                if size:
                    connection.start_write(b"x" * size + b"\n")
            except Lost:
                pass


main(words.settings())
