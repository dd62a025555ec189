"""Damage console logs at random and watch the whole pipeline take it.

    python fuzz/fuzz_logs.py [--seed N] [--runs N]

Each run splices and mutates recorded logs, reads the result line by line and, in random pieces, through the sieve, judges
it, and demands: no exception but ``ConsoleError``, the same events and notes either way, evidence that stands in the input,
and an end within ``SECONDS_MAX``. A failure prints the one command that repeats it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from msgspec.structs import astuple

from halfopen.diagnose import judged
from halfopen.diagnose.events import Event
from halfopen.diagnose.sources.console import ConsoleError, ConsoleSource

#: A log of some hundred lines is read and judged in milliseconds; a pattern that backtracks takes this long.
SECONDS_MAX = 5.0
INPUT_MAX = 64 * 1024
RECORDINGS = Path(__file__).parents[1] / "tests" / "recordings"
LOGS = sorted(RECORDINGS.rglob("*.log"))


def mutated(chance: random.Random) -> bytes:
    """Lines of a few recordings, shuffled a little and damaged a lot."""
    lines: list[bytes] = []
    for log in chance.sample(LOGS, chance.randint(1, 3)):
        lines += log.read_bytes().split(b"\n")
    if chance.random() < 0.3:
        chance.shuffle(lines)
    data = bytearray(b"\n".join(lines)[:INPUT_MAX])
    for _ in range(chance.randint(0, 60)):
        if not data:
            break
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randrange(1, 200)]
            case 2:
                data[at:at] = data[max(0, at - chance.randrange(1, 200)) : at]
            case 3:
                data[at:at] = chance.choice((b" ", b"(", b"0", b"-1", b":", b"\x1b[")) * chance.randrange(
                    1, 400
                )
            case _:
                data[at:at] = str(chance.randrange(1 << 70)).encode()
    if chance.random() < 0.5:  # the same again with other figures: lines of shapes that are known by then
        data += b"\n" + bytes(
            48 + chance.randrange(10) if 48 <= byte <= 57 and chance.random() < 0.4 else byte for byte in data
        )
    return bytes(data[: INPUT_MAX * 2])


def read(data: bytes, pieces: list[int], sieved_bytes_min: int) -> tuple[list[Event], list[str]]:
    """The events and notes of ``data``, fed in pieces that end at ``pieces``, sieved from so many bytes on."""
    source = ConsoleSource("fuzz.log", sieved_bytes_min)
    events: list[Event] = []
    start = 0
    for end in [*sorted(pieces), len(data)]:
        events += source.feed(data[start:end])
        start = max(start, end)
    return source.with_recorded([*events, *source.end()]), source.notes


def told(events: list[Event]) -> list[tuple[object, ...]]:
    """What can be compared of events, which compare by identity."""
    return [(type(e).__name__, *astuple(e)) for e in events]


def run(seed: int) -> None:
    """One run; raises ``AssertionError`` with what went wrong."""
    chance = random.Random(seed)
    data = mutated(chance)
    pieces = [chance.randrange(len(data) + 1) for _ in range(chance.randrange(8))]
    began = time.monotonic()
    try:
        events, notes = read(data, [], len(data) + 1)
    except ConsoleError:
        return
    sieved, sieved_notes = read(data, pieces, chance.choice((0, 0, 5000)))
    assert told(sieved) == told(events), "the sieve or the split of the bytes changes the events"
    assert sieved_notes == notes, "the sieve or the split of the bytes changes the notes"
    lines = data.count(b"\n") + 1
    for finding in judged([("fuzz.log", events)]).findings:
        assert finding.evidence, f"{finding.code} without evidence"
        assert all(q.line is not None and 1 <= q.line <= lines for q in finding.evidence), (
            f"{finding.code} quotes a line that is not there"
        )
    took = time.monotonic() - began
    assert took < SECONDS_MAX, f"took {took:.1f} s"


def main() -> int:
    """Run until the count is reached or something fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=time.time_ns() & 0xFFFFFFFF)
    parser.add_argument("--runs", type=int, default=1000)
    options = parser.parse_args()
    for number in range(options.runs):
        seed = options.seed + number
        try:
            run(seed)
        except Exception as error:
            print(
                f"failed: {error!r}\nrepeat with: python fuzz/fuzz_logs.py --seed {seed} --runs 1",
                file=sys.stderr,
            )
            raise
        if number % 100 == 99:
            print(f"\r{number + 1} of {options.runs} logs", end="", flush=True)
    print(f"\n{options.runs} logs, seeds from {options.seed}: nothing broke")
    return 0


if __name__ == "__main__":
    sys.exit(main())
