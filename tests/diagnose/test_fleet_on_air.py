"""Forty stations of one access point in one capture: a timeline and a cause for each, what they share said once."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.diagnose.airwaves import ALL, AP, FROM_DS, ack, beacon, capture, frame
from tests.diagnose.wpa2 import Wpa2

from halfopen.diagnose import diagnose
from halfopen.diagnose.report import Report
from halfopen.formats import packet as p

SECOND = 1_000_000
INTERVAL = 102_400
STATIONS = [f"24:6f:28:00:00:{n:02x}" for n in range(40)]
Timed = tuple[int, bytes]


def acked(at: int, content: bytes, sender: str) -> list[Timed]:
    return [(at, content), (at + 60, ack(sender))]


def cell(until: int, silent: range = range(0)) -> list[Timed]:
    """The access point's beacons; after a silence its timer begins anew and it deauthenticates all."""
    frames: list[Timed] = []
    for n, at in enumerate(range(0, until, INTERVAL)):
        if at not in silent:
            began = silent.stop if silent and at >= silent.stop else 0
            frames.append((at, beacon(n % 4096, at - began)))
    if silent:
        frames.append((silent.stop + 10, frame(0x0C, ALL, AP, AP, b"\x02\x00", sequence=4000)))
    return frames


def join(n: int, at: int) -> list[Timed]:
    """Station ``n`` joins and gets its keys."""
    net = Wpa2(STATIONS[n], salt=bytes([n]))
    return [(at + 300 * k, each) for k, each in enumerate([*net.joining(), *net.handshake()])]


def alive(n: int, at: int) -> list[Timed]:
    """Station ``n`` says something, and the access point acknowledges it."""
    packet = p.udp(f"10.0.0.{n + 1}", 4000, "10.0.0.254", 4000, b"alive")
    content = Wpa2(STATIONS[n], salt=bytes([n])).data(packet, sequence=at // SECOND % 4096)
    return acked(at, content, STATIONS[n])


def inactive(n: int, at: int) -> list[Timed]:
    """Polled without an answer, disassociated with reason 4, and back later."""
    mac = STATIONS[n]
    poll = frame(0x24, mac, AP, AP, b"", FROM_DS, 3000 + n)
    kick = frame(0x0A, mac, AP, AP, b"\x04\x00", 0, 3100 + n)
    return [(at, poll), (at + 3 * SECOND, kick), *join(n, at + 9 * SECOND)]


def refused(n: int, at: int) -> list[Timed]:
    """Authentication answered with status 17, three times."""
    frames: list[Timed] = []
    for k in range(3):
        ask = frame(0x0B, AP, STATIONS[n], AP, struct.pack("<HHH", 0, 1, 0), sequence=10 + k)
        no = frame(0x0B, STATIONS[n], AP, AP, struct.pack("<HHH", 0, 2, 17), sequence=2000 + 3 * n + k)
        frames += [*acked(at + k * SECOND, ask, STATIONS[n]), *acked(at + k * SECOND + 500, no, AP)]
    return frames


def mistyped(n: int, at: int) -> list[Timed]:
    """Four M1 and M2 a second apart, every M2 acknowledged, then deauthentication 15."""
    net = Wpa2(STATIONS[n], passphrase="wrong horse", salt=bytes([n]))  # noqa: S106
    frames = [(at + 300 * k, each) for k, each in enumerate(net.joining())]
    for k in range(4):
        for number, sender in ((1, AP), (2, STATIONS[n])):
            content = net.data(
                net.message(number), 0x888E, by_ap=number == 1, sequence=50 + 2 * k + number, sealed=False
            )
            frames += acked(at + 10_000 + k * SECOND + number * 900, content, sender)
    kick = frame(0x0C, STATIONS[n], AP, AP, b"\x0f\x00", 0, 3200 + n)
    return [*frames, *acked(at + 5 * SECOND, kick, AP)]


def report(frames: list[Timed], folder: Path) -> Report:
    path = folder / "air.pcap"
    path.write_bytes(capture(*sorted(frames)))
    return diagnose(str(path))


def worst(found: Report, mac: str) -> list[str]:
    return [f.fault for f in found.findings if f.device == mac and f.severity != "info"]


def test_each_of_forty_has_its_own_timeline_and_cause(tmp_path: Path) -> None:
    frames = cell(160 * SECOND)
    expected: dict[str, list[str]] = {}
    for n, mac in enumerate(STATIONS):
        at = SECOND + n * 150_000
        case = n % 4
        if case == 0:
            frames += refused(n, at)
        elif case == 1:
            frames += mistyped(n, at)
        else:
            frames += join(n, at) + alive(n, at + 2 * SECOND)
            frames += inactive(n, (15 + 3 * n) * SECOND) if case == 2 else alive(n, 20 * SECOND + at)
        expected[mac] = [["association-denied"], ["wrong-credentials"], ["assoc-expired"], []][case]
    found = report(frames, tmp_path)
    assert {device.name for device in found.devices} == set(STATIONS)
    assert {mac: worst(found, mac) for mac in STATIONS} == expected
    for finding in found.findings:  # each proves itself by frames of its own station
        assert all(finding.device in quote.text for quote in finding.evidence)


def test_a_restart_of_the_access_point_is_said_once(tmp_path: Path) -> None:
    silent = range(100 * INTERVAL, 180 * INTERVAL)
    frames = cell(300 * INTERVAL, silent)
    for n in range(40):
        at = SECOND + n * 100_000
        frames += join(n, at) + alive(n, at + SECOND)
        frames += join(n, silent.stop + SECOND + n * 100_000)
        frames += alive(n, silent.stop + 3 * SECOND + n * 100_000)
    found = report(frames, tmp_path)
    assert {device.name for device in found.devices} == set(STATIONS)
    serious = [f for f in found.findings if f.severity != "info"]
    assert [f.code for f in serious] == ["HO412"]
    assert "It took 40 stations along" in serious[0].summary
    assert serious[0].device == STATIONS[0]
    for mac in STATIONS[1:]:
        own = [f for f in found.findings if f.device == mac and f.severity == "info"]
        assert [f.caused_by for f in own if f.code == "HO412"] == [serious[0].key]


def test_one_inactive_station_beside_a_restart_keeps_its_own_cause(tmp_path: Path) -> None:
    silent = range(200 * INTERVAL, 260 * INTERVAL)
    frames = cell(340 * INTERVAL, silent)
    for n in range(5):
        at = SECOND + n * 100_000
        frames += join(n, at) + alive(n, at + SECOND) + join(n, silent.stop + SECOND + n * 100_000)
    frames += inactive(4, 5 * SECOND)
    found = report(frames, tmp_path)
    assert "assoc-expired" in worst(found, STATIONS[4])
    assert [f.code for f in found.findings if f.severity != "info" and f.device != STATIONS[4]] == ["HO412"]


def kicked(n: int, at: int, reason: int, ap: str = AP) -> list[Timed]:
    return acked(at, frame(0x0C, STATIONS[n], ap, ap, struct.pack("<H", reason), 0, 3300 + n), ap)


def test_different_access_points_share_no_fate(tmp_path: Path) -> None:
    """Three networks, three reasons, within seconds of each other."""
    frames: list[Timed] = []
    for n, reason in enumerate((5, 34, 3)):
        ap = f"02:00:00:00:00:b{n}"
        net = Wpa2(STATIONS[n], ap=ap, salt=bytes([n]))
        frames += [(SECOND + n * 50_000 + 300 * k, each) for k, each in enumerate(net.joining())]
        frames += kicked(n, 20 * SECOND + n * SECOND // 2, reason, ap)
    found = report(frames, tmp_path)
    assert [f.code for f in found.findings if f.severity != "info"] == ["HO403"] * 3


def test_three_of_many_with_reasons_of_their_own_share_no_fate(tmp_path: Path) -> None:
    frames = cell(40 * SECOND)
    for n in range(10):
        frames += join(n, SECOND + n * 100_000) + alive(n, 30 * SECOND + n * 100_000)
    for n, reason in enumerate((5, 34, 3)):
        frames += kicked(n, 20 * SECOND + n * 600_000, reason) + join(n, 25 * SECOND + n * 100_000)
    found = report(frames, tmp_path)
    assert [f.code for f in found.findings if f.severity != "info"] == ["HO403"] * 3


def test_what_comes_long_after_a_shared_loss_has_a_cause_of_its_own(tmp_path: Path) -> None:
    frames = cell(1000 * SECOND)
    for n in range(5):
        frames += join(n, SECOND + n * 50_000) + kicked(n, 20 * SECOND + n * 30_000, 3)
        frames += join(n, 30 * SECOND + n * 50_000) + alive(n, 40 * SECOND + n * 50_000)
    for k in range(3):
        frames += kicked(4, (800 + 20 * k) * SECOND, 7) + join(4, (804 + 20 * k) * SECOND)
    found = report(frames, tmp_path)
    serious = [(f.code, f.device) for f in found.findings if f.severity != "info"]
    assert sorted(serious) == [("HO404", STATIONS[4]), ("HO412", STATIONS[0])]
