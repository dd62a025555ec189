"""Conversations that no stack would hold: a random walk over everything that the analysis distinguishes."""

from __future__ import annotations

import random

from halfopen.formats.capture import Interface, PcapngWriter
from halfopen.formats.packet import ACK, FIN, PSH, RST, SYN, ethernet, tcp

STEPS_NS = (400_000, 2_000_000, 4_000_000, 15_000_000, 300_000_000, 5_000_000_000)
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")


class Side:
    """One end: what it would send next, and what it would acknowledge."""

    def __init__(self, ip: str, port: int, isn: int) -> None:
        self.ip, self.port = ip, port
        self.next = isn
        self.ack = 0
        self.window = 5760
        self.sent: list[tuple[int, int]] = []


def walk(seed: int, conversations: int, steps: int) -> bytes:
    """A pcapng with ``conversations`` random walks of ``steps`` frames each, one after the other."""
    dice = random.Random(seed)  # noqa: S311 (a test that repeats)
    writer = PcapngWriter([Interface(resolution=9)])
    out = [writer.header()]
    now = 1_700_000_000_000_000_000
    for number in range(conversations):
        wraps = number % 5 == 0
        ends = [
            Side("10.0.0.1", 40000 + number, 0xFFFFFF00 if wraps else dice.randrange(1000, 2**32)),
            Side("10.0.0.2", 80, dice.randrange(1000, 2**32 - 10**6)),
        ]
        for step in range(steps):
            who = dice.randrange(2) if step > 2 else step % 2
            now += dice.choice(STEPS_NS)
            a, b = ends[who], ends[1 - who]
            flags, seq, ack, payload, window, options = _action(dice, a, b, step)
            frame = tcp(a.ip, a.port, b.ip, b.port, flags, seq, ack, window, bytes(payload), **options)
            out.append(writer.record(now, ethernet(MACS[1 - who], MACS[who], frame)))
    return b"".join(out)


def _action(
    dice: random.Random, a: Side, b: Side, step: int
) -> tuple[int, int, int, int, int, dict[str, int]]:
    """The next frame of ``a``: flags, seq, ack, payload length, window, options."""
    if step < 2:  # the handshake, with window scaling in some conversations
        seq, a.next = a.next, (a.next + 1) % 2**32
        scaling = {"scale": 2} if a.port % 2 or b.port % 2 else {}
        b.ack = a.next
        return (SYN | ACK if step else SYN), seq, a.ack, 0, a.window, {"mss": 1440, **scaling}
    kind = dice.choice(
        "data data data ack ack again again part probe probe1 zero open wprobe dup dup dup fin rst jump syn".split()
        if step > 2
        else ["ack"]
    )
    seq, payload, flags = a.next, 0, ACK
    if kind == "data":
        payload, flags = dice.choice((1, 2, 40, 1440)), ACK | PSH
        a.sent.append((seq, payload))
        a.next = (seq + payload) % 2**32
    elif kind in ("again", "part") and a.sent:
        seq, payload = dice.choice(a.sent[-4:])
        if kind == "part":
            payload += dice.choice((-1, 1)) if payload > 1 else 0
    elif kind in ("probe", "probe1"):
        seq, payload = (a.next - 1) % 2**32, int(kind == "probe1")
    elif kind == "zero":
        a.window = 0
    elif kind == "open":
        a.window = dice.choice((100, 1440, 5760))
    elif kind == "wprobe":
        payload = 1
    elif kind == "fin":
        flags |= FIN
        a.next = (seq + 1) % 2**32
    elif kind == "rst":
        flags |= RST
    elif kind == "jump":
        seq, payload = (a.next + 500) % 2**32, 10
    elif kind == "syn":
        flags = SYN
        seq = (a.next + 100_000) % 2**32 if dice.random() < 0.3 else a.next
        a.next = (seq + 1) % 2**32
        return flags, seq, 0, 0, a.window, {}
    if kind != "dup":
        a.ack = dice.choice((a.ack, b.next, b.next))
    return flags, seq, a.ack, payload, a.window, {}
