"""How long the command takes, beside a peer that reads the same files in the same run.

    python bench/bench_diagnose.py

Peers: ``grep -c`` for the log (reads every line once, understands nothing) and ``tshark -z conv,tcp`` for the capture
(follows every conversation). Whole processes from a cold interpreter, median of five, in turn.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOGS = sorted((ROOT / "tests/recordings/lwip").glob("*.log"))
CAPTURE = ROOT / "tests/recordings/lwip/h_timewait.pcapng"
RUNS = 5


def long_log(size: int) -> bytes:
    """At least ``size`` bytes of recorded lines."""
    once = b"".join(log.read_bytes() for log in LOGS)
    return once * (size // len(once) + 1)


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def compare(title: str, ours: list[str], peer: list[str]) -> None:
    """Print both medians and their ratio."""
    mine, theirs = [], []
    for _ in range(RUNS):
        mine.append(seconds(ours))
        theirs.append(seconds(peer))
    a, b = statistics.median(mine), statistics.median(theirs)
    print(f"{title:<44} {a:7.2f} s   {Path(peer[0]).name:<7} {b:7.2f} s   ratio {a / b:6.1f}")


def main() -> None:
    """Print the table."""
    halfopen = [sys.executable, "-m", "halfopen", "diagnose"]
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "100k.log", Path(folder) / "2m.log"
        small.write_bytes(long_log(100_000)[:100_000])
        large.write_bytes(long_log(2_000_000)[:2_000_000])
        compare("--help", [sys.executable, "-m", "halfopen", "--help"], [sys.executable, "-c", "pass"])
        compare("100 KB log", [*halfopen, str(small)], ["grep", "-c", "errno", str(small)])
        compare(
            "2 MB log, JSON", [*halfopen, "--format", "json", str(large)], ["grep", "-c", "errno", str(large)]
        )
        if tshark := shutil.which("tshark"):
            peer = [tshark, "-q", "-z", "conv,tcp", "-r", str(CAPTURE)]
            compare("capture of 40 connections", [*halfopen, str(CAPTURE)], peer)
            compare("100 KB log and the capture", [*halfopen, str(small), str(CAPTURE)], peer)
        else:
            print("tshark is not installed: no peer for captures")


if __name__ == "__main__":
    main()
