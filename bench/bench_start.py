"""What every verb costs from a cold start on the smallest there is to do, beside ``python -c pass``.

    python bench/bench_start.py [--runs N]

Whole processes with byte code present, in turn, so that a busy machine is shared fairly; medians of wall and CPU
milliseconds and of peak memory, and the least CPU, which is nearest to what an idle machine shows.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = "examples/running-out-of-sockets"
LOG, CAPTURE, AIR = (
    f"{EXAMPLE}/uart.log",
    f"{EXAMPLE}/capture.pcapng",
    "tests/recordings/air/s6_no_ap.hwsim0.pcapng",
)
VERBS = (
    ("--help",),
    ("--version",),
    ("explain",),
    ("explain", "HO101"),
    ("diagnose", "--format", "json", CAPTURE),
    ("diagnose", "--format", "json", AIR),
    ("diagnose", "--format", "json", LOG),
    ("diagnose", "--format", "json", LOG, CAPTURE),
    ("diagnose", LOG),
    ("diagnose", LOG, "--html", "report.html"),
    ("simulate", "HO102", "--out", "bench"),
    ("prove", "HO102"),
    ("sweep", "--names"),
)


def once(command: Sequence[str], folder: Path) -> tuple[float, float, float]:
    """Wall and CPU milliseconds and peak memory (MiB) of one run in ``folder``."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=environment
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return wall * 1000, (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / scale


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What every verb costs from a cold start.")
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    commands = {"python -c pass": [sys.executable, "-c", "pass"]}
    commands |= {f"halfopen {' '.join(verb)}": [sys.executable, "-m", "halfopen", *verb] for verb in VERBS}
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for inputs in ("examples", "tests"):
            (folder / inputs).symlink_to(ROOT / inputs)
        for number in range(options.runs + 1):
            for title, command in commands.items():
                figures = once(command, folder)
                if number:  # the first run writes the byte code
                    found[title].append(figures)
    print(f"{'':<78}   wall    CPU  least CPU  memory")
    for title, rows in found.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*rows, strict=True))
        least = min(row[1] for row in rows)
        print(f"{title:<78}{wall:4.0f} ms {cpu:3.0f} ms {least:7.0f} ms {memory:3.0f} MiB")


if __name__ == "__main__":
    main()
