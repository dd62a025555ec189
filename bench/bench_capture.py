"""How fast a capture is read: compiled kernel, interpreted kernel, and tshark on the same file in the same run.

    python bench/bench_capture.py [--packets N] [--link ethernet|air|wpa2]

The same conversations on a wire, on the air (radiotap, an acknowledgement after each frame, beacons), and on the air under
WPA2 with the key given. Each reader is a fresh process, so that starting counts. The interpreted kernel and tshark read
a shorter file (a tenth); the table gives packets per second, and each reader's share of tshark's.
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

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.diagnose.airwaves import AP, STATION, ack, beacon, radiotap  # noqa: E402
from tests.diagnose.wpa2 import PASSPHRASE, SSID, Wpa2  # noqa: E402

from halfopen.formats.capture import LINK_ETHERNET, LINK_RADIOTAP, Interface, PcapngWriter  # noqa: E402
from halfopen.formats.packet import ACK, FIN, PSH, SYN, ethernet, tcp  # noqa: E402

MODULES = ("frames", "records", "packets", "flows", "hosts", "air", "radio", "hearing")
CHUNK = 1 << 20
MACS = ("24:6f:28:aa:bb:cc", "02:00:00:00:00:01")
KERNEL = ROOT / "src" / "halfopen" / "kernel"
LINKS = {"ethernet": 1_000_000, "air": 500_000, "wpa2": 200_000}
BEACON_NS = 102_400_000


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


def write(path: Path, packets: int, link: str) -> int:
    """A capture of about that many packets in conversations of a thousand; returns how many it holds."""
    writer = PcapngWriter(
        [Interface(link=LINK_ETHERNET if link == "ethernet" else LINK_RADIOTAP, resolution=9)]
    )
    now, written, number = 1_700_000_000 * 10**9, 0, 0
    sky = Sky(sealed=link == "wpa2")
    with path.open("wb") as out:
        out.write(writer.header())
        while written < packets:
            for wait_us, frame in conversation(number, min(332, packets // 3)):
                now += wait_us * 1000
                heard = [frame] if link == "ethernet" else sky.heard(frame, now)
                for late, each in enumerate(heard):
                    out.write(writer.record(now + late * 50_000, each))
                written += len(heard)
            number += 1
    return written


class Sky:
    """One station and its access point, as a sniffer hears what Ethernet frames become between them."""

    def __init__(self, *, sealed: bool) -> None:
        self._sealed = sealed
        self._net = Wpa2()
        self._head = radiotap(rssi=-50)
        self._sequence = 0
        self._next_beacon = 0

    def heard(self, frame: bytes, now: int) -> list[bytes]:
        """The frame and its acknowledgement, before it the handshake or a beacon where one is due."""
        self._sequence = (self._sequence + 1) % 4096
        heard = self._net.handshake() if self._sealed and not self._next_beacon else []
        if now >= self._next_beacon:
            self._next_beacon = now + BEACON_NS
            heard.append(beacon(self._sequence, now // 1000))
        by_ap = frame[:6] == bytes.fromhex(MACS[0].replace(":", ""))
        heard.append(
            self._net.data(frame[14:], by_ap=by_ap, sequence=self._sequence, tid=0, sealed=self._sealed)
        )
        heard.append(ack(AP if by_ap else STATION))
        return [self._head + each for each in heard]


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
    from halfopen.formats.wifi_key import wifi_keys

    source = CaptureSource(path.name, wifi_keys(f"{SSID}:{PASSPHRASE}"))
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
    """Print a table for each link."""
    parser = argparse.ArgumentParser(description="packets per second of each reader")
    parser.add_argument("--packets", type=int)
    parser.add_argument("--link", choices=LINKS)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--interpreted", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        if options.interpreted:
            interpret()
        read(options.read)
        return
    for link in [options.link] if options.link else LINKS:
        print(f"{link}:")
        compare(link, options.packets or LINKS[link])


def compare(link: str, wanted: int) -> None:
    """Write the captures, time the readers, print the table."""
    with tempfile.TemporaryDirectory() as folder:
        long, short, tiny = (Path(folder) / name for name in ("long.pcapng", "short.pcapng", "tiny.pcapng"))
        many, few, thousand = (
            write(path, packets, link)
            for path, packets in ((long, wanted), (short, wanted // 10), (tiny, 1000))
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
            keys = ["-o", "wlan.enable_decryption:TRUE"] if link == "wpa2" else []
            keys += ["-o", f'uat:80211_keys:"wpa-pwd","{PASSPHRASE}:{SSID}"'] if keys else []
            told = ["-q", "-z", "io,stat,0,tcp.analysis.flags"]
            runs.insert(0, ("tshark", few, [tshark, "-n", *keys, "-r", str(short), *told]))
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
