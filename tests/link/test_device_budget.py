"""What the link costs a device: bytes to fetch and load, heap after import, and no growth over 10,000 cycles.

Measured on the 64-bit Unix port with the .mpy files that ``make device`` builds. Words there are twice as wide as on an
ESP32, so that the heap figures are an upper bound for it. Core and driver have 12 KB of .mpy and 36 KB of heap; what not
every program needs is in files of its own, and USUAL says what programs load together.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BOARD = Path(__file__).parent / "board"

#: Bytes of each .mpy: what was asked of core and driver, for the others what was measured on 2026-11-26 and 1 % more.
#: A file without a limit here fails.
MPY_BYTES_MAX = {
    "on_micropython": 12 * 1024,
    "bounds": 1_180,
    "limits": 1_350,
    "names": 1_330,
    "budget": 590,
    "station": 640,
    "sealing": 910,
    "asked": 730,
    "wlan": 670,
    "tls_on_micropython": 1_400,
    "awaiting": 1_710,
    "delivery": 920,
    "recorder": 2_740,
    "rtc": 480,
    "flash": 730,
    "guard": 3_790,
    "guard_on_micropython": 4_930,
}
#: Bytes of heap that an import keeps after gc.collect() on the 64-bit port, beside the core (measured, and a little more).
#: The first of them that is large pays for the interpreter's table of names, which grows by leaps.
HEAP_BYTES_MAX = {
    "on_micropython": 36 * 1024,
    "bounds": 2_600,
    "limits": 3_200,
    "names": 2_600,
    "budget": 1_550,
    "station": 1_450,
    "sealing": 1_750,
    "asked": 1_700,
    "wlan": 1_700,
    "tls_on_micropython": 3_250,
    "awaiting": 4_400,
    "delivery": 2_250,
    "recorder": 12_700,
    "rtc": 1_800,
    "flash": 1_650,
    "guard": 13_300,
    "guard_on_micropython": 22_000,  # guard with it
}
#: What programs load, and the bytes of .mpy and of heap that it comes to; ``bounds`` is every program's, at its start.
STARTED = ("on_micropython", "bounds")
NAMED = (*STARTED, "names", "station", "budget", "wlan")
USUAL = {
    "an address, Wi-Fi is the program's": (STARTED, 13_500, 31_300),
    "a name, Wi-Fi is the link's": (NAMED, 16_800, 41_600),
    "limits of its own, TLS": ((*NAMED, "limits", "sealing", "tls_on_micropython"), 20_400, 49_500),
}
CYCLES, SETTLED = 10_000, 2_000
#: Bytes by which two collected heaps may differ without anything having grown: a few blocks of 32 bytes.
GROWTH_BYTES_MAX = 256

IMPORTED = """
import gc, sys
sys.path[:] = sys.argv[1:] + [".frozen"]
import asyncio, binascii, errno, network, random, select, socket, ssl, struct, time
for name in NAMES:
    gc.collect()
    before = gc.mem_alloc()
    __import__("halfopen.link." + name)
    gc.collect()
    print(name, gc.mem_alloc() - before)
"""

CYCLED = """
import gc, sys
sys.path[:] = sys.argv[4:] + [".frozen"]
from halfopen.link.on_micropython import Link
cycles, settled = int(sys.argv[2]), int(sys.argv[3])
line = b"21.5 C\\n"
with Link("127.0.0.1", int(sys.argv[1]), heartbeat=b"\\n", say=lambda text: None) as link:
    for connection in link:
        with connection:
            for cycle in range(1, cycles + 1):
                connection.write(line)
                if connection.read_until(within_ms=5000) != line:
                    raise ValueError("another answer")
                if cycle in (settled, cycles):
                    gc.collect()
                    print(cycle, gc.mem_alloc())
        break
"""


def run(interpreter: str, program: str, *arguments: str, folder: Path) -> list[tuple[str, int]]:
    """The lines ``NAME FIGURE`` that ``program`` prints."""
    written = folder / "program.py"
    written.write_text(program)
    done = subprocess.run(
        [interpreter, str(written), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    pairs = [line.split() for line in done.stdout.splitlines()]
    return [(name, int(figure)) for name, figure in pairs]


def test_what_a_device_fetches(device_files: Path) -> None:
    sizes = {path.stem: path.stat().st_size for path in device_files.rglob("*.mpy")}
    assert sizes.keys() == MPY_BYTES_MAX.keys()
    over = {name: size for name, size in sizes.items() if size > MPY_BYTES_MAX[name]}
    assert not over


@pytest.mark.parametrize("name", HEAP_BYTES_MAX)
def test_what_an_import_keeps(
    name: str, device_files: Path, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    """Beside the core and nothing else: one import more may be the one that makes the interpreter's table of names grow."""
    program = IMPORTED.replace("NAMES", repr(list(dict.fromkeys(["on_micropython", name]))))
    kept = run(require_tool("micropython"), program, str(device_files), str(BOARD), folder=tmp_path)
    assert kept[-1][0] == name
    assert kept[-1][1] <= HEAP_BYTES_MAX[name]


@pytest.mark.parametrize("what", USUAL)
def test_what_usual_programs_come_to(
    what: str, device_files: Path, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    names, bytes_max, heap_max = USUAL[what]
    sizes = {path.stem: path.stat().st_size for path in device_files.rglob("*.mpy")}
    assert sum(sizes[name] for name in names) <= bytes_max
    program = IMPORTED.replace("NAMES", repr(list(names)))
    kept = run(require_tool("micropython"), program, str(device_files), str(BOARD), folder=tmp_path)
    assert sum(size for _, size in kept) <= heap_max


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A peer on loopback that answers with what it got, for one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while got := connection.recv(65536):
                connection.sendall(got)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join(timeout=5)


def test_ten_thousand_cycles_leave_nothing_behind(
    device_files: Path, echo_port: int, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    arguments = [str(number) for number in (echo_port, CYCLES, SETTLED)]
    figures = run(require_tool("micropython"), CYCLED, *arguments, str(device_files), folder=tmp_path)
    (_, settled), (_, end) = figures
    assert abs(end - settled) <= GROWTH_BYTES_MAX, figures
