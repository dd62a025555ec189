"""How fast a capture is read: compiled kernel, interpreted kernel, and tshark on the same file in the same run.

    python bench/bench_capture.py [--packets N]

Each reader is a fresh process, so that starting counts. The interpreted kernel and tshark read a shorter file
(a tenth); the table gives packets per second, and each reader's share of tshark's.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path

from halfopen.formats.capture import Interface, PcapngWriter
from halfopen.formats.packet import ACK, FIN, PSH, SYN, ethernet, tcp

MODULES = ("records", "packets", "flows", "hosts")
CHUNK = 1 << 20
MACS = ("24:6f:28:aa:bb:cc", "02:00:00:00:00:01")
KERNEL = Path(__file__).parents[1] / "src" / "halfopen" / "kernel"


def conversation(number: int, exchanges: int) -> list[tuple[int, bytes]]:
    """Frames of one healthy conversation, each with the microseconds before it."""
    device, server, port = f"10.0.{number // 200 % 200}.{number % 200 + 1}", "10.1.0.1", 1024 + number % 60000
    up, down = 1000 + number, 9000 + number

    def there(flags: int, payload: bytes = b"", mss: int | None = None) -> bytes:
        return ethernet(
            MACS[1], MACS[0], tcp(device, port, server, 1883, flags, up, down, 5760, payload, mss)
        )

    def back(flags: int, payload: bytes = b"", mss: int | None = None) -> bytes:
        return ethernet(
            MACS[0], MACS[1], tcp(server, 1883, device, port, flags, down, up, 64240, payload, mss)
        )

    frames = [(1000, there(SYN, mss=1440))]
    up += 1
    frames.append((300, back(SYN | ACK, mss=1460)))
    down += 1
    frames.append((5000, there(ACK)))
    for _ in range(exchanges):
        frames.append((9000, there(PSH | ACK, bytes(120))))
        up += 120
        frames.append((400, back(PSH | ACK, bytes(40))))
        down += 40
        frames.append((3000, there(ACK)))
    frames.append((2000, there(FIN | ACK)))
    up += 1
    frames.append((400, back(FIN | ACK)))
    return frames


def write(path: Path, packets: int) -> int:
    """A capture of about that many packets in conversations of a thousand; returns how many it holds."""
    writer = PcapngWriter([Interface(resolution=9)])
    now, written, number = 1_700_000_000 * 10**9, 0, 0
    with path.open("wb") as out:
        out.write(writer.header())
        while written < packets:
            for wait_us, frame in conversation(number, min(332, packets // 3)):
                now += wait_us * 1000
                out.write(writer.record(now, frame))
                written += 1
            number += 1
    return written


def interpret() -> None:
    """Put the kernel's sources in the place of what was compiled from them."""
    for name in MODULES:
        full = f"halfopen.kernel.{name}"
        loader = SourceFileLoader(full, str(KERNEL / f"{name}.py"))
        spec = importlib.util.spec_from_file_location(full, KERNEL / f"{name}.py", loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        loader.exec_module(module)


def read(path: Path) -> None:
    """Read a capture in chunks, as the ports do, and say how much memory it took."""
    from halfopen.diagnose.sources.capture import CaptureSource

    source = CaptureSource(path.name)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            list(source.feed(chunk))
    facts = sum(1 for _ in source.end())
    print(facts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds that a process took, and what it said."""
    began = time.perf_counter()
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return time.perf_counter() - began, said


def main() -> None:
    """Write the captures, time the readers, print the table."""
    parser = argparse.ArgumentParser(description="packets per second of each reader")
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--interpreted", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        if options.interpreted:
            interpret()
        read(options.read)
        return
    with tempfile.TemporaryDirectory() as folder:
        long, short, tiny = (Path(folder) / name for name in ("long.pcapng", "short.pcapng", "tiny.pcapng"))
        many, few, thousand = (
            write(long, options.packets),
            write(short, options.packets // 10),
            write(tiny, 1000),
        )
        me = [sys.executable, __file__, "--read"]
        runs = [
            ("compiled kernel", many, [*me, str(long)]),
            ("compiled kernel", few, [*me, str(short)]),
            ("interpreted kernel", few, [*me, str(short), "--interpreted"]),
            ("compiled kernel", thousand, [*me, str(tiny)]),
            ("interpreted kernel", thousand, [*me, str(tiny), "--interpreted"]),
        ]
        if tshark := shutil.which("tshark"):
            runs.insert(
                0,
                ("tshark", few, [tshark, "-n", "-r", str(short), "-q", "-z", "io,stat,0,tcp.analysis.flags"]),
            )
        base = 0.0
        print(f"{'reader':20} {'packets':>9} {'seconds':>8} {'packets/s':>10} {'of tshark':>9} {'MB':>5}")
        for name, packets, command in runs:
            seconds, said = timed(command)
            rate = packets / seconds
            base = base or (rate if name == "tshark" else 0.0)
            memory = "" if name == "tshark" else said.split()[1]
            share = f"{rate / base:9.1f}" if base else " " * 9
            print(f"{name:20} {packets:9} {seconds:8.2f} {rate:10.0f} {share} {memory:>5}")


if __name__ == "__main__":
    main()
