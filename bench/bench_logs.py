"""How fast logs are read, beside a plain loop with ``re`` and ripgrep on the same file in the same run.

    python bench/bench_logs.py [--megabytes N] [--picture docs/pictures/logs-growth.svg]

Whole processes, CPU seconds (wall where a peer has threads), median of three, in turn. The loop searches each line for what
a drop's line would hold, one pattern of few words: the least that a script for logs does. Logs are seeded
(``long_logs.py``): 1 %, 10 % and all of the lines say something. With ``--picture`` the growth of time and memory from 1 MB
to 1 GB is measured and drawn.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

RUNS = 3
MEGABYTE = 1_000_000
GROWTH_MB = (1, 4, 16, 64, 250, 1000)
#: A plain script: every line, one pattern.
LOOP = """
import re, sys
pattern = re.compile(r"errno|reason|state:|heap|disconnect|bcn_time", re.IGNORECASE)
found = 0
with open(sys.argv[1], encoding="utf-8", errors="replace") as lines:
    for line in lines:
        if pattern.search(line):
            found += 1
print(found)
"""
sys.path.insert(0, str(Path(__file__).parent))
from long_logs import FORMATS  # noqa: E402

ROOT = Path(__file__).parents[1]
HALFOPEN = [sys.executable, "-m", "halfopen"]


def once(command: Sequence[str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak memory (MiB) of one run."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    _, _, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = 0
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / (1 if sys.platform == "darwin" else 1024)


def written(path: Path, megabytes: int, share: float = 0.01, name: str = "") -> Path:
    """``path`` with a log in it, written by another process: what this one holds in memory would count for its children."""
    subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("long_logs.py")),
            str(path),
            str(megabytes * MEGABYTE),
            str(share),
            name,
        ],
        check=True,
    )
    return path


def medians(commands: Sequence[Sequence[str]], runs: int = RUNS) -> list[tuple[float, float, float]]:
    """Of each command the medians of what :func:`once` measures, run in turn."""
    rounds = [[once(command) for command in commands] for _ in range(runs)]
    return [
        tuple(statistics.median(figures) for figures in zip(*column, strict=True))  # type: ignore[misc]
        for column in zip(*rounds, strict=True)
    ]


def side_by_side(folder: Path, megabytes: int) -> None:
    """halfopen and its peers on logs of which little, some and everything says something."""
    for share in (0.01, 0.1, 1.0):
        log = written(folder / "bench.log", megabytes, share)
        commands = {
            "halfopen": [*HALFOPEN, "diagnose", "--format", "json", str(log)],
            "re line loop": [sys.executable, "-c", LOOP, str(log)],
        }
        if ripgrep := shutil.which("rg"):
            commands["ripgrep"] = [
                ripgrep,
                "-c",
                "-i",
                "errno|reason|state:|heap|disconnect|bcn_time",
                str(log),
            ]
        print(f"{megabytes} MB, {share:.0%} of the lines say something")
        found = dict(zip(commands, medians(list(commands.values())), strict=True))
        for name, (wall, cpu, memory) in found.items():
            ratio = found["re line loop"][1] / cpu
            print(
                f"  {name:<14}{wall:8.2f} s {cpu:8.2f} s CPU {megabytes / cpu:8.0f} MB/s {memory:6.0f} MiB   loop × {ratio:.1f}"
            )
        if "ripgrep" not in commands:
            print("  ripgrep is not installed: skipped")


def every_format(folder: Path, megabytes: int) -> None:
    """halfopen beside the loop on logs of one format each, of which one line in a hundred says something."""
    print(f"{megabytes} MB of one format, 1% of the lines say something")
    for name in FORMATS:
        log = written(folder / "bench.log", megabytes, name=name)
        ours, loop = medians(
            [[*HALFOPEN, "diagnose", "--format", "json", str(log)], [sys.executable, "-c", LOOP, str(log)]]
        )
        print(
            f"  {name:<22}{ours[1]:8.2f} s CPU {megabytes / ours[1]:8.0f} MB/s {ours[2]:6.0f} MiB"
            f"   loop × {loop[1] / ours[1]:.1f}"
        )


def growth(folder: Path, picture: Path) -> None:
    """Time and memory by size, as a picture."""
    points = []
    for megabytes in GROWTH_MB:
        log = written(folder / "bench.log", megabytes)
        _, cpu, memory = medians([[*HALFOPEN, "diagnose", "--format", "json", str(log)]])[0]
        points.append((megabytes, cpu, memory))
        print(f"{megabytes:5} MB {cpu:8.2f} s CPU {memory:6.0f} MiB")
    picture.write_text(drawn(points), encoding="utf-8")


def drawn(points: Sequence[tuple[float, float, float]]) -> str:
    """Two small charts on logarithmic axes of size: seconds and peak memory."""
    from math import log10

    width, height, left, gap = 340, 220, 52, 60
    size_max = log10(points[-1][0])

    def chart(
        x0: float, title: str, values: Sequence[float], low: float, high: float, ticks: Sequence[float]
    ) -> str:
        def place(size: float, value: float) -> tuple[float, float]:
            share = (log10(value) - log10(low)) / (log10(high) - log10(low))
            return x0 + log10(size) / size_max * width, 30 + height - share * height

        line = " ".join(
            f"{x:.1f},{y:.1f}" for x, y in (place(p[0], v) for p, v in zip(points, values, strict=True))
        )
        marks = "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/><text x="{x:.1f}" y="{y - 9:.1f}" class="v">{value:.3g}</text>'
            for (x, y), value in ((place(p[0], v), v) for p, v in zip(points, values, strict=True))
        )
        grid = "".join(
            f'<path class="g" d="M{x0} {place(1, tick)[1]:.1f}h{width}"/>'
            f'<text class="t" x="{x0 - 8}" y="{place(1, tick)[1] + 4:.1f}">{tick:g}</text>'
            for tick in ticks
        )
        sizes = "".join(
            f'<text class="x" x="{place(p[0], low)[0]:.1f}" y="{height + 50}">{p[0]:g} MB</text>'
            for p in points
        )
        return (
            f'<text x="{x0}" y="16" class="h">{title}</text>{grid}<polyline points="{line}"/>{marks}{sizes}'
        )

    seconds, memory = [p[1] for p in points], [p[2] for p in points]
    right = left + width + gap + left
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + width + 30} {height + 66}" role="img">'
        "<title>CPU seconds and peak memory of halfopen diagnose by the size of a log</title>"
        "<style>text{font:12px system-ui,sans-serif;fill:#334}.h{font-weight:600;font-size:13px}.v,.x{text-anchor:middle}"
        ".t{text-anchor:end}.g{stroke:#ccd;fill:none}polyline{fill:none;stroke:#2563eb;stroke-width:2}circle{fill:#2563eb}"
        "@media(prefers-color-scheme:dark){text{fill:#dde}.g{stroke:#445}}</style>"
        + chart(left, "CPU seconds, whole process", seconds, 0.1, 20, (0.1, 1, 10))
        + chart(right, "Peak memory, MiB", memory, 10, 400, (10, 50, 100, 200))
        + "</svg>\n"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="How fast logs are read.")
    parser.add_argument("--megabytes", type=int, default=250)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.picture is not None:
            growth(Path(name), options.picture)
            return
        side_by_side(Path(name), options.megabytes)
        every_format(Path(name), max(options.megabytes // 5, 1))


if __name__ == "__main__":
    main()
