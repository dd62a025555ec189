"""FACTS, "Dead peers: how long until the device knows": every row, on the twin."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from typing import Any

import pytest
from tests.twin.bench import PEER, PORT, Bench, keepalive, near

from halfopen.impairments.peer_vanished import PeerVanished
from halfopen.impairments.unreachable import Unreachable
from halfopen.twin.linux.services import Caller, Service, Sink, Stalled
from halfopen.twin.lwip import names
from halfopen.twin.lwip.options import LINUX_TARGET
from halfopen.twin.tasks import sleep
from halfopen.twin.world import MS, SECOND

Firmware = Generator[Any, Any, None]


def blocked_recv(bench: Bench, options: dict[int, int], unacked: bytes = b"") -> Firmware:
    fd = yield from bench.connected(options)
    bench.impair()
    bench.said.append((bench.now(), "blackhole", 0))
    if unacked:
        yield from bench.call("send", bench.calls.send(fd, unacked))
    yield from bench.call("recv", bench.calls.recv(fd, 100))
    yield from bench.call("recv", bench.calls.recv(fd, 100))
    yield from bench.call("send", bench.calls.send(fd, b"x"))
    yield from bench.call("SO_ERROR", lambda: bench.calls.getsockopt(fd, names.SO_ERROR))


def since(bench: Bench, what: str) -> float:
    begin = next(when for when, name, _ in bench.said if name == "blackhole")
    return (
        next(when for when, name, result in bench.said if name == what and when > begin and result != 0)
        - begin
    )


@pytest.mark.parametrize(
    ("setting", "unacked", "expected"),
    [
        ((10, 3, 3), b"", 19.2),
        ((5, 5, 3), b"", 20.2),
        ((10, 3, 3), b"x" * 40, 19.2),
        ((10, 3, 3), b"x" * 4000, 20.0),
    ],
    ids=["idle 10/3/3", "idle 5/5/3", "10/3/3 unacked data", "10/3/3 much unacked data"],
)
def test_keepalive_aborts_with_113_and_a_reset(
    setting: tuple[int, int, int], unacked: bytes, expected: float
) -> None:
    bench = Bench()
    bench.run(blocked_recv(bench, keepalive(*setting), unacked), 60)
    assert near(since(bench, "recv"), expected)
    # The error message in the mailbox, then the pending error, then nothing is left of the connection.
    assert [result for name, result in bench.results() if name == "recv"] == [-names.ECONNABORTED] * 2
    assert bench.results()[-2:] == [("send", -names.ENOTCONN), ("SO_ERROR", 0)]
    probes = bench.sent("keep-alive")
    assert len(probes) == setting[2]
    assert [round(b - a) for a, b in itertools.pairwise(probes)] == [setting[1]] * (setting[2] - 1)
    assert len(bench.sent("keepalive")) == 1  # the RST


def test_setting_keepalive_after_connect_is_the_same() -> None:
    bench = Bench()

    def firmware() -> Firmware:
        fd = yield from bench.connected()
        for option, value in keepalive(10, 3, 3).items():
            bench.calls.setsockopt(fd, option, value)
        bench.impair()
        began = bench.now()
        yield from bench.call("recv", bench.calls.recv(fd, 100))
        assert near(bench.now() - began, 19.2)

    assert bench.run(firmware(), 60).state == "ended"


def test_idle_without_keepalive_is_for_ever_and_silent() -> None:
    bench = Bench()
    task = bench.run(blocked_recv(bench, {}), 1320)
    begin = next(when for when, name, _ in bench.said if name == "blackhole")
    assert (task.state, task.waiting_for) == ("blocked", "recv(54)")
    device, ip = bytes.fromhex("0212345678ab"), b"\x08\x00"
    frames = [
        (when, frame)
        for when, _, frame, _ in bench.recorder.frames
        if frame[6:12] == device and frame[12:14] == ip
    ]
    assert frames
    assert not [when for when, _ in frames if when / SECOND > begin + 1]


def test_unacknowledged_data_takes_1159_seconds() -> None:
    bench = Bench()
    bench.run(blocked_recv(bench, {}, b"x" * 40), 1300)
    assert near(since(bench, "recv"), 1159)
    times = bench.sent("retransmission")
    assert [round(b - a) for a, b in itertools.pairwise(times)] == [
        3,
        6,
        12,
        24,
        48,
        96,
        192,
        192,
        192,
        192,
        192,
    ]
    assert not bench.sent("retransmissions")  # no RST
    assert [result for name, result in bench.results() if name == "recv"] == [-names.ECONNABORTED] * 2


def test_blocking_send_takes_5_kilobytes_and_1208_seconds() -> None:
    bench = Bench()

    def firmware() -> Firmware:
        fd = yield from bench.connected()
        bench.impair()
        bench.said.append((bench.now(), "blackhole", 0))
        while (yield from bench.call("send", bench.calls.send(fd, b"x" * 1024))) > 0:
            yield from sleep(10 * MS)

    bench.run(firmware(), 1300)
    assert [result for name, result in bench.results() if name == "send"] == [1024] * 5 + [
        -names.ECONNABORTED
    ]
    assert near(bench.said[-1][0] - bench.said[0][0], 1208)


def fill(bench: Bench) -> Firmware:
    fd = yield from bench.connected(keepalive(10, 3, 3), exchanges=0)
    while (yield from bench.call("send", bench.calls.send(fd, b"x" * 1024))) > 0:
        yield from sleep(10 * MS)


def test_a_living_peer_with_a_closed_window_holds_for_ever_keepalive_or_not() -> None:
    bench = Bench(Stalled(4096), options=LINUX_TARGET)
    task = bench.run(fill(bench), 900)
    assert task.waiting_for == "send(54)"
    assert sum(result for _, result in bench.results()) == 10_240
    probes = bench.sent("zero-window-probe")
    gaps = [b - a for a, b in itertools.pairwise(probes)]
    assert all(near(gap, wanted) for gap, wanted in zip(gaps, [3, 6, 12, 24, 48] + [60] * 50, strict=False))
    assert not bench.sent("keep-alive")  # every answered probe is a sign of life


def test_zero_window_then_a_dead_peer_takes_616_seconds() -> None:
    bench = Bench(Stalled(4096))

    def firmware() -> Firmware:
        fd = yield from bench.connected(exchanges=0)
        while (yield from bench.call("send", bench.calls.send(fd, b"x" * 1024))) > 0:
            pass

    bench.network.impair(PeerVanished(begin_ms=60_000), bench.peer)
    bench.run(firmware(), 900)
    assert bench.results()[-1] == ("send", -names.ECONNABORTED)
    # Twelve unanswered probes: how far apart they are by then depends on when the peer died.
    assert 550 <= bench.said[-1][0] - 60 <= 700


def test_send_timeout_gives_a_partial_write_and_then_eagain() -> None:
    bench = Bench()

    def firmware() -> Firmware:
        fd = yield from bench.connected({names.SO_SNDTIMEO: 5 * SECOND})
        bench.impair()
        bench.said.append((bench.now(), "blackhole", 0))
        for _ in range(7):
            yield from bench.call("send", bench.calls.send(fd, b"x" * 1024))

    bench.run(firmware(), 60)
    sends = [(when, result) for when, name, result in bench.said if name == "send"]
    assert [result for _, result in sends] == [1024] * 5 + [640, -names.EAGAIN]
    assert near(sends[5][0] - sends[4][0], 5.6)


def test_a_rebooted_peer_answers_the_first_probe_with_a_reset() -> None:
    bench = Bench()

    def firmware() -> Firmware:
        fd = yield from bench.connected(keepalive(10, 3, 3))
        yield from sleep(SECOND)
        bench.peer.reboot()
        yield from bench.call("recv", bench.calls.recv(fd, 100))
        yield from bench.call("recv", bench.calls.recv(fd, 100))
        yield from bench.call("send", bench.calls.send(fd, b"x"))

    bench.run(firmware(), 60)
    assert bench.results() == [("recv", -names.ECONNRESET)] * 2 + [("send", -names.ENOTCONN)]
    assert near(bench.said[0][0], 10.2)


# Connecting ------------------------------------------------------------------------------------------------


def connect(bench: Bench, ip: str = PEER, port: int = PORT) -> Firmware:
    fd = bench.calls.socket()
    yield from bench.call("connect", bench.calls.connect(fd, ip, port))
    yield from bench.call("again", bench.calls.connect(fd, ip, port))


def test_refused_is_104_and_a_second_try_on_the_same_descriptor_128() -> None:
    bench = Bench()
    bench.run(connect(bench, port=9999), 5)
    assert bench.results() == [("connect", -names.ECONNRESET), ("again", -names.ENOTCONN)]


@pytest.mark.parametrize(
    ("prepare", "ip", "errno", "seconds"),
    [
        # The lab measured 19.3 s while its machine lost a second (fidelity.md, g_connect), and 18.7 s twice more.
        (lambda bench: bench.impair(), PEER, names.ECONNABORTED, 18.7),
        (lambda bench: None, "192.168.5.77", names.ECONNABORTED, 60.5),
        (lambda bench: bench.impair(Unreachable), PEER, names.ECONNABORTED, 18.7),
        (lambda bench: bench.device.netif_down(), PEER, names.EHOSTUNREACH, 0.0),
    ],
    ids=["SYN lost", "no ARP answer", "ICMP unreachable is ignored", "netif down"],
)
def test_connect_fails(prepare: Any, ip: str, errno: int, seconds: float) -> None:
    bench = Bench()
    bench.world.run(SECOND)
    prepare(bench)
    bench.run(connect(bench, ip), 90)
    assert bench.results()[0] == ("connect", -errno)
    assert near(bench.said[0][0] - 1, seconds)


# Serving ---------------------------------------------------------------------------------------------------


def clients(bench: Bench, count: int) -> list[Caller]:
    callers = [Caller(b"HELLO") for _ in range(count)]
    for index, caller in enumerate(callers):
        bench.world.at(SECOND + index * SECOND, bench.peer.connect, bench.device.ip, 80, caller)
    return callers


def test_accepting_for_ever_resets_the_tenth_client_after_its_handshake() -> None:
    bench = Bench()
    callers = clients(bench, 12)

    def firmware() -> Firmware:
        fd = bench.calls.socket()
        bench.calls.bind(fd, 80)
        bench.calls.listen(fd, 5)
        while True:
            yield from bench.call("accept", bench.calls.accept(fd))

    bench.run(firmware(), 30)
    accepted = [result for _, result in bench.results()]
    assert [result[0] for result in accepted[:9]] == list(range(55, 64))
    assert accepted[9:] == [-names.ENFILE] * 3
    assert [caller.outcome for caller in callers] == ["connected"] * 9 + ["reset"] * 3


def test_a_server_that_stops_accepting_acknowledges_five_more_and_then_drops_syns() -> None:
    bench = Bench()
    callers = clients(bench, 15)

    def firmware() -> Firmware:
        fd = bench.calls.socket()
        bench.calls.bind(fd, 80)
        bench.calls.listen(fd, 5)
        for _ in range(7):
            yield from bench.call("accept", bench.calls.accept(fd))

    bench.run(firmware(), 20)
    assert [caller.outcome for caller in callers] == ["connected"] * 12 + ["connecting"] * 3
    assert not any(caller.heard for caller in callers)
    assert bench.device.pcbs() == (12, 0, 1)


# Endings ---------------------------------------------------------------------------------------------------


def test_netif_down_aborts_connections_and_leaves_descriptors() -> None:
    bench = Bench()
    noticed: list[float] = []

    def reader() -> Firmware:
        fd = yield from bench.connected()
        yield from bench.call("recv", bench.calls.recv(fd, 100))
        noticed.append(bench.now())

    def firmware() -> Firmware:
        yield from sleep(SECOND)
        other = yield from bench.connected()
        bench.device.netif_down()
        down = bench.now()
        yield from bench.call("send", bench.calls.send(other, b"x"))
        yield from bench.call("send", bench.calls.send(other, b"x"))
        yield from sleep(100 * MS)
        assert noticed[0] - down < 0.011

    bench.tasks.start("reader", reader())
    assert bench.run(firmware(), 5).state == "ended"
    assert sorted(bench.results()) == sorted(
        [("recv", -names.ECONNABORTED), ("send", -names.ECONNABORTED), ("send", -names.ENOTCONN)]
    )
    assert sorted(bench.device.sockets.open_descriptors()) == [54, 55]
    assert bench.device.pcbs() == (0, 0, 0)
    assert not bench.sent("netif-down")  # a radio without an access point sends no RST


def test_after_the_peers_fin() -> None:
    class Closing(Service):
        def received(self, connection: Any, data: bytes) -> None:
            connection.close()

    bench = Bench(Closing())

    def firmware() -> Firmware:
        fd = yield from bench.connected(exchanges=0)
        yield from bench.calls.send(fd, b"bye")
        yield from bench.call("recv", bench.calls.recv(fd, 10))
        for _ in range(3):
            yield from bench.call("send", bench.calls.send(fd, b"x"))
            yield from sleep(100 * MS)

    bench.run(firmware(), 5)
    assert bench.results() == [
        ("recv", b""),
        ("send", 1),
        ("send", -names.ECONNRESET),
        ("send", -names.ENOTCONN),
    ]


def test_a_linux_peer_notices_by_its_own_keepalive_after_19_4_seconds() -> None:
    class Watchful(Sink):
        keepalive = (10, 3, 3)
        ended_at = 0.0

        def failed(self, connection: Any, why: str) -> None:
            assert why == "timeout"
            self.ended_at = connection.world.now / SECOND

    service = Watchful()
    bench = Bench(service)

    def firmware() -> Firmware:
        yield from bench.connected(exchanges=0)
        bench.impair()

    bench.run(firmware(), 60)
    assert near(service.ended_at, 19.4)
