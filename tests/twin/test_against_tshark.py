"""An independent reader on what the twin writes: nothing malformed, checksums right, and the same story."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from tests.twin.bench import PEER, PORT, Bench, keepalive

from halfopen.impairments.blackhole import Blackhole
from halfopen.impairments.loss import Loss
from halfopen.impairments.nat_expiry import NatExpiry
from halfopen.impairments.unreachable import Unreachable
from halfopen.twin.linux.host import Host
from halfopen.twin.linux.services import Caller, Echo, Stalled, Talker
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import sleep
from halfopen.twin.world import MS, SECOND

Firmware = Generator[Any, Any, None]
STRICT = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
#: Why a frame was sent → the filter that tshark's own analysis must agree with.
FLAGS = {
    "keep-alive": "tcp.analysis.keep_alive",
    "retransmission": "tcp.analysis.retransmission",
    "zero-window-probe": "tcp.analysis.zero_window_probe or tcp.analysis.keep_alive",
    "window-update": "tcp.analysis.window_update",
}


def exchange(bench: Bench, size: int = 40, count: int = 30) -> Firmware:
    fd = yield from bench.connected(keepalive(10, 3, 3), exchanges=0)
    for _ in range(count):
        yield from bench.calls.send(fd, b"x" * size)
        yield from bench.calls.recv(fd, 2000)
        yield from sleep(50 * MS)
    yield from bench.calls.close(fd)


def lossy() -> Bench:
    bench = Bench(Echo(), seed=3)
    bench.network.impair(Loss(begin_ms=500, probability=0.1), bench.device)
    bench.run(exchange(bench, 1200), 120)
    return bench


def dead_peer() -> Bench:
    bench = Bench()

    def firmware() -> Firmware:
        fd = yield from bench.connected(keepalive(10, 3, 3))
        bench.impair(Blackhole)
        with pytest.raises(SocketError):
            yield from bench.calls.recv(fd, 10)
        yield from bench.calls.close(fd)
        with pytest.raises(SocketError):
            yield from bench.calls.connect(bench.calls.socket(), PEER, PORT)

    bench.run(firmware(), 60)
    return bench


def unacknowledged() -> Bench:
    bench = Bench()

    def firmware() -> Firmware:
        fd = yield from bench.connected()
        bench.impair(Blackhole)
        yield from bench.calls.send(fd, b"x" * 3000)
        yield from bench.calls.close(fd)

    bench.run(firmware(), 120)
    return bench


def closed_window() -> Bench:
    bench = Bench(Stalled(4096))

    def firmware() -> Firmware:
        fd = yield from bench.connected(exchanges=0)
        while True:
            yield from bench.calls.send(fd, b"x" * 1024)

    bench.run(firmware(), 200)
    return bench


def device_not_reading() -> Bench:
    bench = Bench(Talker(700, on_request=True))

    def firmware() -> Firmware:
        fd = yield from bench.connected(exchanges=0)
        yield from bench.calls.send(fd, b"go")
        yield from sleep(40 * SECOND)
        for _ in range(20):
            yield from bench.calls.recv(fd, 1460)
        yield from bench.calls.close(fd)

    bench.run(firmware(), 60)
    return bench


def server() -> Bench:
    bench = Bench()

    def firmware() -> Firmware:
        fd = bench.calls.socket()
        bench.calls.bind(fd, 80)
        bench.calls.listen(fd, 5)
        while True:
            try:
                yield from bench.calls.accept(fd)
            except SocketError:
                yield from sleep(MS)

    for index in range(12):
        bench.world.at(SECOND + index * SECOND, bench.peer.connect, bench.device.ip, 80, Caller(b"HELLO"))
    bench.run(firmware(), 30)
    return bench


def names_and_addresses() -> Bench:
    bench = Bench()
    bench.peer.name_server.names["broker.example"] = PEER
    bench.peer.lease_server.leases[bench.device.mac] = "192.168.5.100"
    bench.device.netif_down()
    bench.device.link_up()

    def firmware() -> Firmware:
        yield from sleep(SECOND)
        yield from bench.calls.getaddrinfo("broker.example")
        fd = bench.calls.socket(names.DGRAM)
        yield from bench.calls.sendto(fd, b"hello", PEER, 9)
        bench.peer.ping(bench.device.ip)
        yield from sleep(SECOND)
        bench.impair(Unreachable)
        with pytest.raises(SocketError):
            yield from bench.calls.connect(bench.calls.socket(), PEER, PORT)

    bench.run(firmware(), 60)
    return bench


CLOUD = "203.0.113.20"


def behind_the_gateway() -> Bench:
    bench = Bench()
    cloud = Host(bench.network, "cloud", CLOUD)
    cloud.listen(PORT, Echo())
    bench.network.impair(NatExpiry(idle_ms=30_000, answer="reset"), cloud)

    def firmware() -> Firmware:
        fd = bench.calls.socket()
        yield from bench.calls.connect(fd, CLOUD, PORT)
        for _ in range(10):
            yield from bench.calls.send(fd, b"x" * 40)
            yield from bench.calls.recv(fd, 200)
            yield from sleep(SECOND)
        cloud.ping(bench.device.ip)
        yield from sleep(60 * SECOND)
        yield from bench.calls.send(fd, b"x" * 40)  # the router forgot it
        yield from bench.call("recv", bench.calls.recv(fd, 200))

    bench.run(firmware(), 120)
    return bench


def test_a_peer_behind_the_gateway_is_heard_through_it_alone(
    require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    bench = behind_the_gateway()
    tshark, path = require_tool("tshark"), tmp_path / "wire.pcapng"
    path.write_bytes(bench.recorder.pcapng())
    assert bench.results() == [("recv", -names.ECONNRESET)]
    from_cloud = frames(tshark, path, f"ip.src == {CLOUD}")
    assert len(from_cloud) > 12
    assert frames(tshark, path, f"ip.src == {CLOUD} and eth.src == {bench.peer.mac} and ip.ttl == 63") == [
        number for number in from_cloud if number in frames(tshark, path, "not tcp.flags.reset == 1")
    ]
    to_cloud = frames(tshark, path, f"ip.dst == {CLOUD}")
    assert to_cloud == frames(tshark, path, f"ip.dst == {CLOUD} and eth.dst == {bench.peer.mac}")
    assert len(to_cloud) > 12
    assert frames(tshark, path, f"arp.src.proto_ipv4 == {CLOUD} or arp.dst.proto_ipv4 == {CLOUD}") == []
    assert frames(tshark, path, f"arp.src.proto_ipv4 == {PEER}")


SITUATIONS = [
    lossy,
    dead_peer,
    unacknowledged,
    closed_window,
    device_not_reading,
    server,
    names_and_addresses,
    behind_the_gateway,
]


@pytest.fixture(scope="module", params=SITUATIONS, ids=lambda made: made.__name__)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Path]:
    bench = request.param()
    path = tmp_path_factory.mktemp("twin") / "wire.pcapng"
    path.write_bytes(bench.recorder.pcapng())
    return bench, path


def frames(tshark: str, path: Path, display_filter: str) -> list[int]:
    command = [
        tshark,
        "-n",
        *STRICT,
        "-r",
        str(path),
        "-Y",
        display_filter,
        "-T",
        "fields",
        "-e",
        "frame.number",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [int(number) for number in done.stdout.split()]


def test_nothing_is_malformed_and_every_checksum_is_right(
    recorded: tuple[Bench, Path], require_tool: Callable[[str], str]
) -> None:
    bench, path = recorded
    tshark = require_tool("tshark")
    assert len(frames(tshark, path, "frame")) == len(bench.recorder.frames) > 10
    bad = "_ws.malformed or ip.checksum.status == 0 or tcp.checksum.status == 0 or udp.checksum.status == 0"
    assert frames(tshark, path, f"{bad} or icmp.checksum.status == 0 or _ws.expert.severity == error") == []


def test_its_analysis_agrees_with_the_truth(
    recorded: tuple[Bench, Path], require_tool: Callable[[str], str]
) -> None:
    bench, path = recorded
    tshark = require_tool("tshark")
    said: dict[str, list[int]] = {}
    device = bytes.fromhex(bench.device.mac.replace(":", ""))
    for entry in bench.recorder.reasons():
        from_device = bench.recorder.frames[entry["number"] - 1][2][6:12] == device
        # What the peer sends again was lost before this recorder could see it the first time.
        if from_device or entry["why"] != "retransmission":
            said.setdefault(entry["why"], []).append(entry["number"])
    for why, display_filter in FLAGS.items():
        missing = set(said.get(why, [])) - set(frames(tshark, path, display_filter))
        assert not missing, (why, missing)
    again = {entry["number"] for entry in bench.recorder.reasons() if entry["why"] == "retransmission"}
    # And nothing is called a retransmission or a probe that its sender did not mean as one.
    seen = set(
        frames(
            tshark,
            path,
            "tcp.analysis.retransmission or tcp.analysis.keep_alive or tcp.analysis.zero_window_probe",
        )
    )
    meant = {number for why in FLAGS for number in said.get(why, [])}
    assert seen <= meant | again
    resets = frames(tshark, path, "tcp.flags.reset == 1")
    reasons = {number for numbers in said.values() for number in numbers}
    assert set(resets) <= reasons, "every RST has a reason"
