"""How fast captures are diagnosed: whole processes, side by side in one run, on seeded captures (``captures.py``).

    python bench/bench_capture.py [--packets N] [--kinds ethernet cooked air wpa2] [--runs N] [--full]

Each command starts anew, the contenders in turn, so that a machine that is busy for a while is so for all of them. The
table gives medians: seconds, packets per second, how many times as fast as tshark, seconds of the processor (which others do not
stretch), and the peak of memory.

* ``halfopen``: ``halfopen diagnose FILE --format json``, from its start to the report.
* ``interpreted``: the same with the kernel's sources in place of what was compiled from them, on a tenth of the packets.
* ``tshark``: ``-T fields`` with ``tcp.analysis`` (on the air also type and retry), on a tenth of the packets, or on all with
  ``--full``; ``tcptrace``: one line a conversation, where it is installed and the link is Ethernet.

``--full`` takes two million packets and lets Ethernet grow from 10,000 to 20 million; the picture goes to
``docs/pictures/growth.svg``. Without it growth ends at a million, and no picture is written. What is not installed is named.
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
PICTURE = ROOT / "docs" / "pictures" / "growth.svg"


@dataclass(slots=True)
class Contender:
    """One command and what was measured of it."""

    name: str
    packets: int
    command: list[str]
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)  # of the processor
    peak_mb: float = 0.0

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
        self.peak_mb = max(self.peak_mb, usage.ru_maxrss / 1024)

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


def table(title: str, contenders: list[Contender]) -> None:
    """Print what was measured."""
    base = next((each.rate for each in contenders if each.name == "tshark"), 0.0)
    print(f"\n{title}")
    print(f"{'':14}{'packets':>10} {'seconds':>8} {'packets/s':>11} {'× tshark':>9} {'CPU s':>8} {'MB':>6}")
    for each in contenders:
        share = f"{each.rate / base:9.1f}" if base else " " * 9
        busy = statistics.median(each.busy)
        print(
            f"{each.name:14}{each.packets:>10} {each.median:8.3f} {each.rate:11.0f} {share} {busy:8.3f} {each.peak_mb:6.0f}"
        )


def compare(kind: str, packets: int, runs: int, folder: Path, *, full: bool) -> None:
    """Measure one kind of capture and print its table."""
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
    if shutil.which("tcptrace") and kind == "ethernet":
        contenders.append(Contender("tcptrace", packets, ["tcptrace", "-n", str(long)]))
    measured(contenders, runs)
    table(f"{kind}, {long.stat().st_size / 1e6:.0f} MB", contenders)
    long.unlink()
    short.unlink()


def grow(sizes: tuple[int, ...], runs: int, folder: Path, *, full: bool) -> None:
    """Measure captures of growing size, and with ``full`` draw what comes out."""
    curves: dict[str, Curve] = {}
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
        table(f"growth, {file.stat().st_size / 1e6:.0f} MB", contenders)
        for each in contenders:
            curves.setdefault(each.name, []).append((packets, statistics.median(each.busy), each.peak_mb))
        mine = contenders[0]
        if first is None or packets <= 2_000_000:
            first = mine
        else:
            rate = (packets - first.packets) / (mine.median - first.median)
            print(f"each packet beyond {first.packets}: {rate / 1e6:.1f} million a second")
        file.unlink()
    if full:
        PICTURE.write_text(picture(curves))
        print(f"wrote {PICTURE}")


def main() -> None:
    """Print a table for each kind of capture, and one for each size."""
    parser = argparse.ArgumentParser(description="how fast captures are diagnosed, beside others")
    parser.add_argument("--packets", type=int)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="two million packets, growth to 20 million")
    options = parser.parse_args()
    for name in ("tshark", "tcptrace"):
        if not shutil.which(name):
            print(f"{name} is not installed and is left out")
    with tempfile.TemporaryDirectory() as folder:
        packets = options.packets or (PACKETS_FULL if options.full else PACKETS)
        for kind in options.kinds:
            compare(kind, packets, options.runs, Path(folder), full=options.full)
        if not options.packets:
            grow(SIZES_FULL if options.full else SIZES, options.runs, Path(folder), full=options.full)


if __name__ == "__main__":
    main()
