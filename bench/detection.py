"""Measures how long the link and others take to notice what went wrong, and writes docs/internals/detection.md.

Every cell is one lab of its own (network namespaces, real sockets; needs root, nft and mosquitto); all of a table come
from one run. Fault × contender takes about eight minutes:

    python bench/detection.py docs/internals/detection.md
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.link import netlab  # noqa: E402
from tests.link.faults import reboot  # noqa: E402
from tests.link.netlab import Lab, Subject  # noqa: E402

CUT_OFF_S = 60
LABS = 10
MUCH = 16_000_000
HERE = ROOT / "bench" / "contenders"


def on_board(program: str) -> tuple[str, ...]:
    """``program`` on MicroPython, with heap for the largest write."""
    interpreter = str(Path(sys.executable).with_name("micropython"))
    return (interpreter, "-X", "heapsize=80m", str(HERE / "micropython" / program))


#: Interpreter and program of each.
CONTENDERS = {
    "halfopen link": (sys.executable, str(HERE / "with_link.py")),
    "asyncio streams": (sys.executable, str(HERE / "with_asyncio.py")),
    "paho-mqtt": (sys.executable, str(HERE / "with_paho.py")),
    "aiomqtt": (sys.executable, str(HERE / "with_aiomqtt.py")),
    "halfopen link, MicroPython": on_board("with_link.py"),
    "umqtt.robust-style": on_board("umqtt_robust_style.py"),
    "mqtt_as-style": on_board("mqtt_as_style.py"),
}
MQTT = ("paho-mqtt", "aiomqtt", "umqtt.robust-style", "mqtt_as-style")


@dataclass(frozen=True)
class Row:
    """One fault: ``inject`` returns when the clock starts, ``None`` when it runs from the program's start."""

    name: str
    inject: Callable[[Lab, Subject], float] | None = None
    before: Callable[[Lab], None] | None = None
    port: int | None = None
    host: str = netlab.PEER_IP
    tls: bool = False
    only_streams: bool = False


def silence(lab: Lab, subject: Subject) -> float:
    lab.blackhole()
    return time.monotonic()


def silence_and_send(size: int) -> Callable[[Lab, Subject], float]:
    def inject(lab: Lab, subject: Subject) -> float:
        lab.blackhole()
        return subject.tell(f"send {size}")

    return inject


def freeze_and_send(lab: Lab, subject: Subject) -> float:
    lab.freeze()
    return subject.tell(f"send {MUCH}")


def send_much(lab: Lab, subject: Subject) -> float:
    return subject.tell(f"send {MUCH}")


ROWS = (
    Row("idle, packets dropped", silence),
    Row("unacked data, packets dropped", silence_and_send(100)),
    Row("full send buffer, packets dropped", silence_and_send(MUCH)),
    Row("peer rebooted, idle", reboot),
    Row("peer alive, window zero", freeze_and_send),
    Row("peer talks, window zero", send_much, port=netlab.TALK, only_streams=True),
    Row("peer takes a trickle", send_much, port=netlab.SLOW, only_streams=True),
    Row("SYN blackholed", before=lambda lab: lab.blackhole()),
    Row("refused", port=netlab.CLOSED),
    Row("DNS dead", before=lambda lab: lab.blackhole("meta l4proto udp"), host=netlab.PEER_NAME),
    Row("TLS handshake stalled", port=netlab.MUTE, tls=True),
    Row("TLS handshake trickles", port=netlab.TRICKLE, tls=True),
)


def measure(row: Row, contender: str, device: Path) -> str:
    """One cell: seconds until the contender said that something is wrong."""
    if row.only_streams and contender in MQTT:
        return "–"
    port = row.port or (netlab.BROKER if contender in MQTT else netlab.ECHO)
    settings = {"host": row.host, "port": port, "tls": row.tls}
    with Lab(broker=contender in MQTT) as lab:
        if row.before is not None:
            row.before(lab)
        subject = Subject(lab, CONTENDERS[contender], settings, device, HERE / "micropython")
        began = subject.must(15, what="started")["at"]
        if row.inject is not None:
            subject.must(15, what="up")
            time.sleep(0.5)
            began = row.inject(lab, subject)
        until = time.monotonic() + CUT_OFF_S
        while (left := until - time.monotonic()) > 0:
            said = subject.wait_for(left)
            if said is not None and said["what"] in ("down", "failed"):
                return f"{max(said['at'] - began, 0.0):.1f} s"
    return f"> {CUT_OFF_S} s"


def table() -> str:
    """The page."""
    with tempfile.TemporaryDirectory() as built, ThreadPoolExecutor(LABS) as pool:
        subprocess.run(
            [sys.executable, str(ROOT / "device" / "build.py"), built], check=True, capture_output=True
        )
        cells = {
            (row, name): pool.submit(measure, row, name, Path(built)) for row in ROWS for name in CONTENDERS
        }
        lines = [f"| fault | {' | '.join(CONTENDERS)} |", f"|---|{'---|' * len(CONTENDERS)}"]
        for row in ROWS:
            lines.append(f"| {row.name} | {' | '.join(cells[row, name].result() for name in CONTENDERS)} |")
    versions = (
        f"Python {platform.python_version()}, paho-mqtt {version('paho-mqtt')}, aiomqtt {version('aiomqtt')}"
    )
    measured = (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on Linux {platform.release().split('-')[0]}, {versions}"
    )
    return PAGE.format(table="\n".join(lines), measured=measured, cut=CUT_OFF_S)


PAGE = """# How long until somebody notices

Seconds from the fault until the program is told, every cell on real sockets in network namespaces of its own, all in
one run. `> {cut} s`: nothing was noticed when the run was cut off.

{table}

{measured}. Made by `python bench/detection.py docs/internals/detection.md`.

- Packets are dropped at the peer's end without FIN or RST; ARP is still answered.
- *halfopen link*: the default `Policy` and a heartbeat that the peer echoes. Its bounds: 20 s (15 s silence, 5 s to
  answer), 21 s for a zero window, 10 s for a dial or a name, 15 s for TLS, 30 s for one write.
- *asyncio streams*: the reader and writer of the standard library in a reconnecting loop, no option set.
- *paho-mqtt*, *aiomqtt*: a real mosquitto, and keepalive 15 s instead of their default of 60 s, so that they are asked
  the same as the link. `–`: mosquitto cannot be made to behave so.
- *halfopen link, MicroPython*: the built files of `make device` on MicroPython's Unix port, the same policy and heartbeat.
- *umqtt.robust-style*, *mqtt_as-style*: neither can be installed from a package registry, so these are minimal clients
  of our own in their manner (`bench/contenders/micropython`): the first blocks on its socket and reconnects on an
  error, the second pings four times in a keepalive of 15 s and gives every response ten seconds.
- *DNS dead*: the system's resolver was told to give up after 3 s, so whoever asks it learns it then; the link would not
  wait longer than 10 s for any resolver, and on MicroPython it asks the name server itself.
- *peer takes a trickle* (40 KB/s): Linux's TCP_USER_TIMEOUT (17.5 s here) ends a connection whose window stays too small
  for the next segment, before the 30 s for one write are over.
- Exhausted descriptors are told at once by `socket()` itself, and cancellation has nothing to notice: what counts there
  is that nothing is lost, which the tests of the link show.
- The detectors of the link one by one, and its recovery, are tested by `tests/link/test_conformance.py`.
"""


def main() -> int:
    """Write the page to the path given; the exit status."""
    parser = argparse.ArgumentParser(description="how long until somebody notices; five minutes, as root")
    parser.add_argument("page", type=Path, help="where to write it, as docs/internals/detection.md")
    target: Path = parser.parse_args().page
    reason = netlab.missing()
    if reason:
        print(f"nothing measured: {reason}")
        return 2
    page = table()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
