"""What a contender on MicroPython says and hears, and the few bytes of MQTT 3.1.1 that two of them speak."""

import json
import select
import sys
import time

CONNECT, PUBLISH_QOS1, PINGREQ = 0x10, 0x32, b"\xc0\x00"
KEEP_ALIVE_S = 15


def settings():
    with open(sys.argv[1]) as written:
        return json.loads(written.read())


def say(what):
    print(json.dumps({"what": what, "at": time.ticks_ms() / 1000}))


class Commands:
    """``send N`` on standard input, taken without waiting."""

    def __init__(self):
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def size(self):
        """How many bytes to send now, 0 when nothing was asked."""
        if not self._poll.poll(0):
            return 0
        words = sys.stdin.readline().split()
        return int(words[1]) if words and words[0] == "send" else 0


def packet(kind, body):
    size, length = len(body), b""
    while True:
        digit, size = size & 127, size >> 7
        length += bytes([digit | (128 if size else 0)])
        if not size:
            return bytes([kind]) + length + body


def text(words):
    return bytes([len(words) >> 8, len(words) & 255]) + words


def connect(keep_alive_s):
    return packet(
        CONNECT, text(b"MQTT") + bytes([4, 2, keep_alive_s >> 8, keep_alive_s & 255]) + text(b"contender")
    )


def publish(size):
    return packet(PUBLISH_QOS1, text(b"t") + b"\x00\x01" + b"x" * size)
