"""How fast captures are diagnosed: whole processes, side by side in one run, on seeded captures (``captures.py``).

    python bench/bench_capture.py [--packets N] [--kinds ethernet polling cooked air wpa2] [--runs N] [--full [--page docs/internals]]

Each command starts anew, the contenders in turn, so that a machine that is busy for a while is so for all of them. The
table gives medians: seconds, packets per second, how many times as fast as tshark, seconds of the processor (which others do not
stretch), and the peak of memory.

* ``halfopen``: ``halfopen diagnose FILE --format json``, from its start to the report.
* ``interpreted``: the same with the kernel's sources in place of what was compiled from them, on a tenth of the packets.
* ``tshark``: ``-T fields`` with ``tcp.analysis`` (on the air also type and retry), on a tenth of the packets, or on all with
  ``--full``; ``tcptrace``: one line a conversation, where it is installed and the link is Ethernet.

``--full`` takes two million packets and lets Ethernet grow from 10,000 to 20 million, which takes about a quarter of an hour;
without it growth ends at a million. ``--page`` writes what was measured to ``captures.md`` with a picture of the growth. What
is not installed is named.
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
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.captures import KINDS, write  # noqa: E402
from bench.growth import Curve, picture  # noqa: E402

PACKETS = 200_000
PACKETS_FULL = 2_000_000
SIZES = (10_000, 100_000, 1_000_000)
SIZES_FULL = (10_000, 100_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000)
#: Larger captures would keep tshark busy for an hour.
TSHARK_MAX = 2_000_000
KEY = "home:correct horse"
INTERPRETED = Path(__file__).with_name("interpreted.py")
PICTURE = "captures.svg"


@dataclass(slots=True)
class Contender:
    """One command and what was measured of it."""

    name: str
    packets: int
    command: list[str]
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)  # of the processor
    peak_mib: float = 0.0

    def run(self) -> None:
        """Run it once as a process of its own."""
        environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        began = time.perf_counter()
        process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds.append(time.perf_counter() - began)
        self.busy.append(usage.ru_utime + usage.ru_stime)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(self.command)} ended with {process.returncode}")
        self.peak_mib = max(self.peak_mib, usage.ru_maxrss / 1024)

    @property
    def median(self) -> float:
        """Seconds of the run in the middle."""
        return statistics.median(self.seconds)

    @property
    def rate(self) -> float:
        """Packets per second."""
        return self.packets / self.median


def halfopen(kind: str, file: Path) -> list[str]:
    """The command that is measured."""
    keys = ["--wifi-key", KEY] if kind == "wpa2" else []
    return [str(Path(sys.executable).with_name("halfopen")), "diagnose", str(file), "--format", "json", *keys]


def tshark(kind: str, file: Path) -> list[str]:
    """What people use to get at the same facts."""
    command = ["tshark", "-n", "-r", str(file), "-T", "fields"]
    for name in ("frame.number", "tcp.stream", "tcp.analysis.flags"):
        command += ["-e", name]
    if kind in ("air", "wpa2"):
        command += ["-e", "wlan.fc.type_subtype", "-e", "wlan.fc.retry"]
    if kind == "wpa2":
        ssid, _, passphrase = KEY.partition(":")
        command += ["-o", "wlan.enable_decryption:TRUE"]
        command += ["-o", f'uat:80211_keys:"wpa-pwd","{passphrase}:{ssid}"']
    return command


def measured(contenders: list[Contender], runs: int) -> None:
    """Run them in turn; those that take long less often."""
    for turn in range(runs):
        for contender in contenders:
            if turn == 0 or contender.median < 20:
                contender.run()


def table(title: str, contenders: list[Contender]) -> list[str]:
    """What was measured, as a table in Markdown; it is printed too."""
    base = next((each.rate for each in contenders if each.name == "tshark"), 0.0)
    lines = [
        f"**{title}**",
        "",
        "| | packets | seconds | packets/s | × tshark | CPU seconds | peak MiB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for each in contenders:
        share = f"{each.rate / base:.1f}" if base else ""
        busy = statistics.median(each.busy)
        figures = (f"{each.median:.3f}", f"{each.rate:,.0f}", share, f"{busy:.3f}", f"{each.peak_mib:.0f}")
        lines.append(f"| {each.name} | {each.packets:,} | {' | '.join(figures)} |")
    print("", *lines, sep="\n", flush=True)
    return [*lines, ""]


def compare(kind: str, packets: int, runs: int, folder: Path, *, full: bool) -> list[str]:
    """Measure one kind of capture; its table."""
    long, short = folder / f"{kind}.pcapng", folder / f"{kind}-short.pcapng"
    few = packets // 10
    write(kind, packets, long)
    write(kind, few, short)
    contenders = [Contender("halfopen", packets, halfopen(kind, long))]
    plain = halfopen(kind, short)
    contenders.append(Contender("interpreted", few, [sys.executable, str(INTERPRETED), *plain[1:]]))
    if shutil.which("tshark"):
        file, count = (long, packets) if full else (short, few)
        contenders.append(Contender("tshark", count, tshark(kind, file)))
    if shutil.which("tcptrace") and kind in ("ethernet", "polling"):
        contenders.append(Contender("tcptrace", packets, ["tcptrace", "-n", str(long)]))
    measured(contenders, runs)
    title = f"{kind}, {long.stat().st_size / 1e6:,.0f} MB"
    long.unlink()
    short.unlink()
    return table(title, contenders)


def grow(
    sizes: tuple[int, ...], runs: int, folder: Path, *, full: bool
) -> tuple[list[str], dict[str, Curve]]:
    """Measure captures of growing size; their tables, and the curve of each contender."""
    curves: dict[str, Curve] = {}
    lines: list[str] = []
    first: Contender | None = None
    for packets in sizes:
        file = folder / "growing.pcapng"
        write("ethernet", packets, file)
        contenders = [Contender("halfopen", packets, halfopen("ethernet", file))]
        if shutil.which("tcptrace"):
            contenders.append(Contender("tcptrace", packets, ["tcptrace", "-n", str(file)]))
        if shutil.which("tshark") and packets <= (TSHARK_MAX if full else TSHARK_MAX // 20):
            contenders.append(Contender("tshark", packets, tshark("ethernet", file)))
        measured(contenders, runs)
        lines += table(f"growth, {file.stat().st_size / 1e6:,.0f} MB", contenders)
        for each in contenders:
            curves.setdefault(each.name, []).append((packets, statistics.median(each.busy), each.peak_mib))
        mine = contenders[0]
        if first is None or packets <= 2_000_000:
            first = mine
        else:
            rate = (packets - first.packets) / (mine.median - first.median)
            lines += [f"Each packet beyond {first.packets:,}: {rate / 1e6:.1f} million a second.", ""]
            print(lines[-2], flush=True)
        file.unlink()
    return lines, curves


def page(lines: list[str]) -> str:
    """What was measured, to be read by people."""
    return "\n".join(
        [
            "# How fast captures are diagnosed",
            "",
            "Whole processes from their start to the report, the contenders in turn in one run on an idle machine with"
            f" {os.cpu_count()} processors; medians. Written by `python bench/bench_capture.py --full --page docs/internals`, which"
            " says what each contender does. tcptrace is C and looks for less: it knows no hosts, no lookups, no air and no causes.",
            "",
            f"![Seconds of the processor by packets in the capture]({PICTURE})",
            "",
            *lines,
        ]
    )


def main() -> None:
    """Print a table for each kind of capture, and one for each size."""
    parser = argparse.ArgumentParser(description="how fast captures are diagnosed, beside others")
    parser.add_argument("--packets", type=int)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="two million packets, growth to 20 million")
    parser.add_argument("--page", type=Path, help="folder for a page and a picture of what was measured")
    options = parser.parse_args()
    for name in ("tshark", "tcptrace"):
        if not shutil.which(name):
            print(f"{name} is not installed and is left out")
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        packets = options.packets or (PACKETS_FULL if options.full else PACKETS)
        for kind in options.kinds:
            lines += compare(kind, packets, options.runs, Path(folder), full=options.full)
        if options.packets:
            return
        sizes = SIZES_FULL if options.full else SIZES
        grown, curves = grow(sizes, options.runs, Path(folder), full=options.full)
    if options.page:
        (options.page / PICTURE).write_text(picture(curves))
        (options.page / "captures.md").write_text(page(lines + grown))
        print(f"wrote {options.page / 'captures.md'}")


if __name__ == "__main__":
    main()
