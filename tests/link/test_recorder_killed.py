"""The interpreter is killed at a thousand seeded moments; the ring stays readable, ordered, and is delivered once.

Each chain is one ring that lives through many processes, every one of them killed by SIGKILL within a write, before or
after a delivery, or whenever a timer says; at the end of a chain one process is left alone. Moments of the
same chain meet what earlier kills left behind.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from halfopen.link.delivery import Receiver
from halfopen.link.flash import FlashFiles
from halfopen.link.recorder import BATCH, Recorder
from halfopen.link.rtc import RtcMemory

ROOT = Path(__file__).parents[2]
LIFE = Path(__file__).parent / "recorder_life.py"
RTC_BYTES = 2048
LINES = 6
#: Writes and deliveries of a process that finds nothing to deliver: a moment beyond them kills nobody.
MOMENTS = 17
#: Kills in each of twenty chains; make soak asks for more.
KILLS = int(os.environ.get("HALFOPEN_KILLS", "50"))
_NAME = re.compile(r"#(\d+)\.([0-9a-f]{8})\.(\d+) (.*)", re.DOTALL)


class FrozenRtc:
    """The bytes of a memory, to be looked at."""

    def __init__(self, held: bytes) -> None:
        self.held = held

    def memory(self, data: bytes | None = None) -> bytes:
        if data is not None:
            self.held = bytes(data)
        return self.held


def pending_in(folder: Path, kind: str, scratch: Path) -> list[str]:
    """What a recorder that starts now would deliver, without its own first line; the storage is left as it is."""
    storage: RtcMemory | FlashFiles
    if kind == "rtc":
        ring = folder / "rtc"
        storage = RtcMemory(FrozenRtc(ring.read_bytes() if ring.exists() else b""), RTC_BYTES)
    else:
        scratch.mkdir(exist_ok=True)
        for bank in folder.glob("ring.*"):
            (scratch / bank.name).write_bytes(bank.read_bytes())
        storage = FlashFiles(str(scratch / "ring"))
    return [line for _, line in Recorder(storage, 0).pending(10_000)][:-1]


class Chain:
    """One ring, the processes it lives through, and the laws it must keep."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self.scratch = folder / "scratch"
        self.run = 0
        self.begun: list[str] = []
        self.kept: list[str] = []
        self.received: list[str] = []
        self.receiver = Receiver(lambda _, line: self.received.append(line))
        self.ended = False
        self.kills = 0

    def live(
        self,
        interpreter: str,
        moment: int = -1,
        share: int = 0,
        lines: int = LINES,
        kill_after_s: float | None = None,
    ) -> None:
        """One process, and the laws after it."""
        words = (self.kind, str(self.folder), str(RTC_BYTES), self.run, lines, moment, share)
        process = subprocess.Popen(
            [interpreter, str(LIFE), str(ROOT / "src"), *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert process.stdout is not None
        said = b""
        if kill_after_s is not None:
            said = process.stdout.readline()  # it runs
            time.sleep(kill_after_s)
            process.kill()
        rest, errors = process.communicate(timeout=60)
        said += rest
        assert process.returncode in (0, -9), errors.decode()[-2000:]
        self.kills += process.returncode == -9
        self.ended = process.returncode == 0
        self.check(said.decode().split("\n")[:-1])
        self.run += 1

    def check(self, said: list[str]) -> None:
        before = [_NAME.sub(r"\4", line) for line in self.received]
        known = list(self.received)
        repeats: list[str] = []
        for line in said:
            what, _, text = line.partition(" ")
            if what == "B":
                self.begun.append(text)
            elif what == "K":
                self.kept.append(text)
            elif what == "S" and not self.receiver("sensor", text):
                repeats.append(text)
        # repeated is only what was in flight when the process before died, in its order, and it comes first
        tail = known[-BATCH:]
        assert repeats == [line for line in tail if line in repeats]
        assert repeats == [line[2:] for line in said if line.startswith("S ")][: len(repeats)]
        # readable, in order, and nothing that was delivered before the last batch is offered again
        waiting = pending_in(self.folder, self.kind, self.scratch)
        assert not [line for line in waiting if "lost" in line]
        offered = [line for line in waiting if line not in self.received[-BATCH:]]
        names = [_NAME.fullmatch(line) for line in (*self.received, *offered)]
        order = [(int(name[1]), int(name[3])) for name in names if name]
        assert len(order) == len(names)
        assert order == sorted(set(order))
        texts = [name[4] for name in names if name]
        assert len(texts) == len(set(texts)), "a line was delivered twice under two names"
        assert texts[: len(before)] == before
        missing = self.durable() - set(texts)
        assert not missing, missing
        assert {text for text in texts if " run " in text} <= set(self.begun)

    def durable(self) -> set[str]:
        """What must not be lost any more: in RTC memory all that was kept, in flash what a warning took with it."""
        if self.kind == "rtc":
            return set(self.kept)
        found: set[str] = set()
        batch: list[str] = []
        for text in self.kept:
            batch = [text] if " boot " in text else [*batch, text]
            if text.startswith("W"):
                found.update(batch)
        return found


def chain_of_kills(chain: Chain, interpreter: str, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    while chain.kills < kills:
        chain.live(interpreter, chance.randrange(MOMENTS), chance.randrange(256))
    chain.live(interpreter)
    assert chain.ended
    assert chain.durable() <= {_NAME.sub(r"\4", line) for line in chain.received}
    assert chain.receiver.repeats > 0, "no kill fell between a delivery and its mark"


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", ["rtc", "flash"])
def test_killed_within_writes_and_deliveries(
    kind: str, seed: int, tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    chain_of_kills(Chain(tmp_path, kind), require_tool("micropython"), KILLS, seed)


@pytest.mark.parametrize("kind", ["rtc", "flash"])
def test_killed_on_cpython(kind: str, tmp_path: Path) -> None:
    chain_of_kills(Chain(tmp_path, kind), sys.executable, 15, 100)


@pytest.mark.parametrize("kind", ["rtc", "flash"])
def test_killed_by_the_clock(kind: str, tmp_path: Path, require_tool: Callable[[str], str]) -> None:
    """Wherever the processor happened to be; the program goes on for longer than the clock lets it."""
    chance = random.Random(7)
    chain = Chain(tmp_path, kind)
    for _ in range(30):
        chain.live(require_tool("micropython"), lines=100_000, kill_after_s=chance.uniform(0, 0.012))
    chain.live(require_tool("micropython"))
    assert chain.kills == 30
    assert len(chain.received) > 100
    assert chain.durable() <= {_NAME.sub(r"\4", line) for line in chain.received}
