"""Damage captures at random and watch the capture source take it.

    python fuzz/fuzz_captures.py [--seed N] [--runs N]

Each run mutates a recording or a random conversation, on a wire or sealed on the air, reads it whole and in random pieces,
judges it, and demands: no exception but ``CaptureError``, the same events either way, and an end within ``SECONDS_MAX``. A
failure prints the one command that repeats it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.captures import written  # noqa: E402

from halfopen.diagnose import judged  # noqa: E402
from halfopen.diagnose.events import Event  # noqa: E402
from halfopen.diagnose.sources.capture import CaptureError, CaptureSource  # noqa: E402
from halfopen.formats.capture import Interface, PcapngWriter, PcapWriter  # noqa: E402
from halfopen.formats.packet import ACK, FIN, PSH, RST, SYN, ethernet, tcp  # noqa: E402
from halfopen.formats.wifi_key import wifi_keys  # noqa: E402

#: One run reads at most a few thousand frames; even interpreted that takes a fraction of this.
SECONDS_MAX = 10.0
INPUT_MAX = 64 * 1024
RECORDINGS = ROOT / "tests" / "recordings"
KEYS = wifi_keys("home:correct horse")  # of what the benchmark seals
STEPS_NS = (400_000, 2_000_000, 4_000_000, 15_000_000, 300_000_000, 5_000_000_000)
KINDS = (
    *("data", "data", "data", "ack", "ack", "again", "again", "part", "probe", "probe1"),
    *("zero", "open", "wprobe", "dup", "dup", "dup", "fin", "rst", "jump", "syn"),
)
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
    dice = random.Random(seed)
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
    kind = dice.choice(KINDS if step > 2 else ("ack",))
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


def mutate(dice: random.Random, data: bytes) -> bytes:
    """``data`` with up to eight small damages: bytes changed, cut, repeated, inserted, lengths blown up."""
    damaged = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        if not damaged:
            break
        at = dice.randrange(len(damaged))
        size = dice.choice((1, 1, 1, 2, 4, 16, 200))
        kind = dice.choice(("change", "change", "change", "length", "cut", "repeat", "insert", "end"))
        if kind == "change":
            damaged[at : at + size] = dice.randbytes(min(size, len(damaged) - at))
        elif kind == "length":
            at &= ~3
            damaged[at : at + 4] = dice.choice((b"\xff" * 4, bytes(4), b"\x0c\0\0\0", b"\0\0\xff\x7f"))
        elif kind == "cut":
            del damaged[at : at + size]
        elif kind == "repeat":
            damaged[at:at] = damaged[at : at + size]
        elif kind == "insert":
            damaged[at:at] = dice.randbytes(size)
        elif dice.random() < 0.2:
            del damaged[at:]
    return bytes(damaged[:INPUT_MAX])


def read(data: bytes, dice: random.Random | None = None) -> tuple[list[Event], list[str]] | str:
    """Events and notes of a capture, fed whole or in random pieces; the message when it is no capture."""
    source = CaptureSource("fuzzed", KEYS)
    events: list[Event] = []
    try:
        at = 0
        while at < len(data):
            size = len(data) if dice is None else dice.choice((1, 2, 3, 7, 50, 1000, 9000))
            events += source.feed(data[at : at + size])
            at += size
        events += source.end()
    except CaptureError as error:
        return str(error)
    return events, source.notes


def subject(dice: random.Random) -> bytes:
    """Something to damage: a recording, a random conversation, a sealed one on the air, or one in a plain pcap."""
    paths = sorted(RECORDINGS.glob("*/*.pcapng"))
    kind = dice.randrange(5)
    if kind < 2 and paths:
        return dice.choice(paths).read_bytes()[:INPUT_MAX]
    if kind == 2:
        return walk(dice.randrange(2**32), 4, dice.choice((40, 40, 150)))
    if kind == 3:
        return b"".join(written("wpa2", 200, dice.randrange(2**32)))
    writer = PcapWriter(
        nanosecond=dice.random() < 0.5, order=dice.choice("<>"), snap=dice.choice((40, 96, 65535))
    )
    return writer.header() + b"".join(
        writer.record(
            10**18 + number * 10**7,
            ethernet(*MACS, tcp("10.0.0.1", 1000, "10.0.0.2", 80, dice.randrange(64))),
        )
        for number in range(60)
    )


def run(seed: int) -> str:
    """One run; ``""``, or what went wrong."""
    dice = random.Random(seed)
    data = mutate(dice, subject(dice))
    began = time.monotonic()
    whole = read(data)
    if not isinstance(whole, str):
        judged([("fuzzed", whole[0])], whole[1])
    pieces = read(data, dice)
    took = time.monotonic() - began
    if took > SECONDS_MAX:
        return f"took {took:.1f} s for {len(data)} bytes"
    return "" if repr(whole) == repr(pieces) else "the split changed the events"


def main() -> int:
    """Run until the number of runs is done or one fails."""
    parser = argparse.ArgumentParser(description="damage captures at random and read them")
    parser.add_argument("--seed", type=int, default=time.time_ns() & 0xFFFFFFFF)
    parser.add_argument("--runs", type=int, default=1000)
    options = parser.parse_args()
    print(f"python fuzz/fuzz_captures.py --seed {options.seed} --runs {options.runs}")
    for seed in range(options.seed, options.seed + options.runs):
        try:
            fault = run(seed)
        except Exception as error:
            fault = repr(error)
        if fault:
            print(
                f"{fault}; repeat with: python fuzz/fuzz_captures.py --seed {seed} --runs 1", file=sys.stderr
            )
            return 1
    print(f"{options.runs} runs without a fault")
    return 0


if __name__ == "__main__":
    sys.exit(main())
