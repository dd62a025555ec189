"""FACTS, "Sockets and memory": every row, on the twin."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from typing import Any

import pytest
from tests.twin.bench import PEER, PORT, Bench, keepalive, near

from halfopen.impairments.flows_lost import FlowsLost
from halfopen.twin.linux.services import Sink, Stalled
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.lwip.options import Options
from halfopen.twin.tasks import sleep
from halfopen.twin.world import MS, SECOND

Firmware = Generator[Any, Any, None]


@pytest.mark.parametrize(("sockets", "first", "last"), [(10, 54, 63), (16, 48, 63), (1, 63, 63), (4, 60, 63)])
def test_descriptors_end_at_63(sockets: int, first: int, last: int) -> None:
    bench = Bench(options=Options.of_sdkconfig(f"CONFIG_LWIP_MAX_SOCKETS={sockets}\n"))
    fds = [bench.calls.socket() for _ in range(sockets)]
    assert fds == list(range(first, last + 1))
    with pytest.raises(SocketError) as full:
        bench.calls.socket()
    assert (full.value.errno, full.value.name) == (23, "ENFILE")


def test_as_many_as_253_sockets_are_understood() -> None:
    bench = Bench(options=Options.of_sdkconfig("CONFIG_LWIP_MAX_SOCKETS=253\n"), heap=1_000_000)
    assert len({bench.calls.socket() for _ in range(253)}) == 253


def test_an_sdkconfig_may_be_wrong() -> None:
    with pytest.raises(ValueError, match=r"^mine:2: CONFIG_LWIP_MAX_SOCKETS=900: out of range, 1 to 253$"):
        Options.of_sdkconfig("CONFIG_X=y\nCONFIG_LWIP_MAX_SOCKETS=900", "mine")
    with pytest.raises(ValueError, match="a whole number"):
        Options.of_sdkconfig("CONFIG_LWIP_TCP_MSS=many")
    with pytest.raises(ValueError, match="y or n"):
        Options.of_sdkconfig("CONFIG_LWIP_SO_LINGER=1")
    options = Options.of_sdkconfig(
        "# CONFIG_LWIP_TCP_MSS=536\nCONFIG_LWIP_TCP_MSL=30000\nCONFIG_FREERTOS_HZ=1000\n"
    )
    assert (options.mss, options.msl_ms, options.tick_ns) == (1440, 30_000, MS)


def test_a_udp_socket_takes_a_slot_and_one_close_frees_one() -> None:
    bench = Bench()
    fds = [bench.calls.socket(names.DGRAM if index % 2 else names.STREAM) for index in range(10)]
    with pytest.raises(SocketError, match="errno 23"):
        bench.calls.socket(names.DGRAM)
    bench.device.sockets.close(fds[3])
    assert bench.calls.socket() == fds[3]


def test_heap_gone_is_105_with_slots_free_and_pools_do_not_limit() -> None:
    bench = Bench(heap=3000)
    while bench.device.heap.free > 600:
        bench.calls.socket()
    assert 0 < len(bench.device.sockets.open_descriptors()) < 10
    with pytest.raises(SocketError) as full:
        bench.calls.socket()
    assert full.value.errno == names.ENOBUFS
    assert bench.device.truth.of("heap-refused")


def test_a_blocking_send_hangs_when_the_heap_is_gone() -> None:
    bench = Bench()

    def firmware() -> Firmware:
        fd = yield from bench.connected()
        while bench.device.heap.take(512, "hog") is not None:
            pass
        yield from bench.call("send", bench.calls.send(fd, b"x" * 1024))

    task = bench.run(firmware(), 120)
    assert task.waiting_for == "send(54)"
    assert bench.said == []


def test_forty_quick_closes_leave_forty_pcbs_for_two_minutes_and_no_descriptor() -> None:
    bench = Bench()
    fds: list[int] = []

    def firmware() -> Firmware:
        for _ in range(40):
            fd = yield from bench.connected(exchanges=1)
            fds.append(fd)
            yield from bench.calls.close(fd)
            yield from sleep(20 * MS)

    bench.run(firmware(), 6)
    assert fds == [54] * 40
    assert bench.device.pcbs() == (0, 40, 0)
    begin = bench.now()
    while bench.device.pcbs()[1]:
        bench.world.run(bench.world.now + SECOND)
    assert near(bench.now() - begin, 120)
    assert bench.device.heap.used == 0


def test_closing_towards_a_dead_peer_frees_the_descriptor_and_keeps_the_heap() -> None:
    bench = Bench()
    heap: list[int] = []
    fds: list[int] = []

    def firmware() -> Firmware:
        for _ in range(5):
            fd = yield from bench.connected({names.SO_RCVTIMEO: 5 * SECOND}, exchanges=1)
            bench.impair(FlowsLost)
            yield from sleep(10 * MS)
            yield from bench.calls.send(fd, b"x" * 40)
            with pytest.raises(SocketError, match="errno 11"):
                yield from bench.calls.recv(fd, 100)
            yield from bench.calls.close(fd)
            fds.append(fd)
            heap.append(bench.device.heap.free)

    bench.run(firmware(), 60)
    assert fds == [54] * 5
    assert all(earlier - later > 1500 for earlier, later in itertools.pairwise(heap)), heap
    assert bench.device.pcbs() == (5, 0, 0)
    bench.world.run(1300 * SECOND)
    assert bench.device.pcbs() == (0, 0, 0)
    assert bench.device.heap.used == 0
    lives = [ended["at_ms"] / 1000 for ended in bench.device.truth.of("pcb-ended")]
    assert near(lives[0], 1160)


def test_linger_and_receive_buffer_are_109_by_default() -> None:
    bench = Bench()
    fd = bench.calls.socket()
    for option in (names.SO_LINGER, names.SO_RCVBUF):
        with pytest.raises(SocketError, match="errno 109"):
            bench.calls.setsockopt(fd, option, 1)


LINGERING = Options(linger=True)


def test_linger_0_aborts_what_a_dead_peer_has_not_acknowledged() -> None:
    bench = Bench(options=LINGERING)

    def firmware() -> Firmware:
        fd = yield from bench.connected()
        bench.impair()
        yield from bench.calls.send(fd, b"x" * 40)
        yield from sleep(5 * SECOND)
        bench.calls.setsockopt(fd, names.SO_LINGER, 0)
        yield from bench.call("close", bench.calls.close(fd))
        yield from bench.call("socket", bench.calls.socket)

    bench.run(firmware(), 10)
    assert bench.results() == [("close", None), ("socket", 54)]
    assert bench.device.pcbs() == (0, 0, 0)
    assert len(bench.sent("linger")) == 1  # the RST
    assert [ended["why"] for ended in bench.device.truth.of("pcb-ended")] == ["linger"]


def test_linger_0_closes_in_order_when_nothing_is_owed() -> None:
    bench = Bench(options=LINGERING)

    def firmware() -> Firmware:
        fd = yield from bench.connected()
        yield from sleep(SECOND)
        bench.calls.setsockopt(fd, names.SO_LINGER, 0)
        yield from bench.calls.close(fd)

    bench.run(firmware(), 10)
    assert bench.sent("linger") == []
    assert [ended["why"] for ended in bench.device.truth.of("pcb-ended")] != ["linger"]


@pytest.mark.parametrize(("dead", "took_s"), [(False, 0.0), (True, 7.0)], ids=["alive", "dead"])
def test_linger_waits_for_the_last_acknowledgement_and_aborts_when_it_does_not_come(
    dead: bool, took_s: float
) -> None:
    bench = Bench(options=LINGERING)
    began: list[float] = []

    def firmware() -> Firmware:
        fd = yield from bench.connected()
        if dead:
            bench.impair()
        bench.calls.setsockopt(fd, names.SO_LINGER, 7)
        assert bench.calls.getsockopt(fd, names.SO_LINGER) == 7
        yield from bench.calls.send(fd, b"x" * 40)
        began.append(bench.now())
        yield from bench.call("close", bench.calls.close(fd))

    bench.run(firmware(), 30)
    [(ended, _, result)] = bench.said
    assert result is None
    assert 0 <= ended - began[0] - took_s <= 1.0  # lwIP looks once a second
    assert len(bench.sent("linger")) == dead
    assert bench.device.sockets.open_descriptors() == {}
    if dead:
        assert bench.device.pcbs() == (0, 0, 0)


def test_linger_with_time_cannot_wait_on_a_nonblocking_descriptor() -> None:
    bench = Bench(options=LINGERING)

    def firmware() -> Firmware:
        fd = yield from bench.connected()
        bench.impair()
        bench.calls.setsockopt(fd, names.SO_LINGER, 7)
        bench.device.sockets.set_nonblocking(fd)
        yield from bench.calls.send(fd, b"x" * 40)
        yield from bench.call("close", bench.calls.close(fd))
        bench.calls.setsockopt(fd, names.SO_LINGER, -1)
        yield from bench.call("close", bench.calls.close(fd))

    bench.run(firmware(), 10)
    assert bench.results() == [("close", -names.EAGAIN), ("close", None)]
    assert bench.device.pcbs() == (1, 0, 0)


def test_closing_with_unread_data_sends_a_reset_and_otherwise_a_fin() -> None:
    bench = Bench()

    def firmware() -> Firmware:
        fd = yield from bench.connected()
        yield from bench.calls.send(fd, b"x" * 40)
        yield from sleep(SECOND)
        yield from bench.calls.close(fd)

    bench.run(firmware(), 5)
    assert len(bench.sent("closed-with-unread-data")) == 1
    assert bench.device.pcbs() == (0, 0, 0)


def test_pcbs_are_killed_in_lwips_order() -> None:
    bench = Bench(Sink())
    tcp = bench.device.tcp
    order: list[str] = []
    states = {}

    def firmware() -> Firmware:
        for index in range(4):
            fd = yield from bench.connected(exchanges=0)
            conn = bench.device.sockets.descriptor(fd).conn
            assert conn.pcb is not None
            states[index] = conn.pcb

    bench.run(firmware(), 2)
    for index, wanted in enumerate(("TIME_WAIT", "LAST_ACK", "CLOSING", "ESTABLISHED")):
        pcb = states[index]
        pcb.state = wanted
        if wanted == "TIME_WAIT":
            tcp.rest(pcb)
        if wanted == "ESTABLISHED":
            pcb.priority = 1
    while bench.device.heap.take(64, "hog") is not None:
        pass
    while bench.device.heap.take(0, "hog") is not None:
        pass
    for _ in range(5):
        before = {id(pcb): pcb.state for pcb in (*tcp.active, *tcp.time_wait)}
        made = tcp.allocate()
        gone = [
            was for pcb, was in before.items() if pcb not in {id(p) for p in (*tcp.active, *tcp.time_wait)}
        ]
        order += gone
        if made is None:
            break
    assert order == ["TIME_WAIT", "LAST_ACK", "CLOSING", "ESTABLISHED"]
    assert made is None


def test_keepalive_is_of_no_use_after_close() -> None:
    bench = Bench()

    def firmware() -> Firmware:
        fd = yield from bench.connected(keepalive(10, 3, 3))
        yield from sleep(SECOND)
        bench.impair()
        yield from bench.calls.send(fd, b"x")
        yield from bench.calls.close(fd)

    bench.run(firmware(), 60)
    assert bench.device.pcbs() == (1, 0, 0)
    assert not bench.sent("keep-alive")
    bench.world.run(1300 * SECOND)
    assert bench.device.pcbs() == (0, 0, 0)
    (ended,) = bench.device.truth.of("pcb-ended")
    assert (ended["state"], ended["why"]) == ("FIN_WAIT_1", "retransmissions")
    assert near(ended["at_ms"] / 1000, 1160)


def test_defaults() -> None:
    bench = Bench()
    fd = bench.calls.socket()
    bench.calls.setsockopt(fd, names.SO_KEEPALIVE, 1)
    settings = [
        bench.calls.getsockopt(fd, option)
        for option in (names.TCP_KEEPIDLE, names.TCP_KEEPINTVL, names.TCP_KEEPCNT)
    ]
    assert settings == [7200, 75, 9]
    options = Options()
    assert (options.mss, options.window, options.send_buffer) == (1440, 5760, 5760)
    assert (options.rto_ms, options.timer_ms, options.maxrtx, options.synmaxrtx) == (1500, 250, 12, 12)
    assert (options.msl_ms, options.fin_wait_ms) == (60_000, 20_000)


def test_the_device_answers_ping_while_its_task_is_blocked() -> None:
    bench = Bench(Stalled(4096))

    def firmware() -> Firmware:
        fd = yield from bench.connected(exchanges=0)
        while True:
            yield from bench.calls.send(fd, b"x" * 1024)

    task = bench.run(firmware(), 30)
    assert task.waiting_for == "send(54)"
    before = len(bench.recorder.frames)
    bench.peer.ping(bench.device.ip)
    bench.world.run(bench.world.now + SECOND)
    kinds = [frame[34] for _, _, frame, _ in bench.recorder.frames[before:] if frame[23] == 1]
    assert kinds == [8, 0]


def test_names_resolve_fail_and_time_out() -> None:
    bench = Bench()
    bench.peer.name_server.names["broker.example"] = PEER
    heard: list[Any] = []

    def firmware() -> Firmware:
        heard.append((yield from bench.calls.getaddrinfo("broker.example")))
        heard.append((yield from bench.calls.getaddrinfo("192.168.5.9")))
        for name in ("nobody.example", "broker.example"):
            begin = bench.now()
            try:
                yield from bench.calls.getaddrinfo(name)
            except names.NameNotFound as error:
                heard.append((error.errno, round(bench.now() - begin)))
            bench.peer.silence("dns", True)

    bench.run(firmware(), 30)
    assert heard == [[PEER], ["192.168.5.9"], (202, 0), (202, 7)]
    assert bench.device.sockets.open_descriptors() == {}


def test_dhcp_gives_an_address_and_asks_again_when_nobody_answers() -> None:
    bench = Bench()
    bench.device.netif_down()
    bench.peer.silence("dhcp", True)
    bench.peer.lease_server.leases[bench.device.mac] = "192.168.5.100"
    bench.device.link_up()
    bench.world.run(5 * SECOND)
    assert bench.device.ip == ""
    bench.peer.silence("dhcp", False)
    bench.world.run(10 * SECOND)
    assert (bench.device.ip, bench.device.dhcp.state) == ("192.168.5.100", "bound")


def test_a_port_is_bound_once() -> None:
    bench = Bench()
    first, second = bench.calls.socket(), bench.calls.socket()
    bench.calls.bind(first, 80)
    bench.calls.listen(first, 5)
    with pytest.raises(SocketError, match="errno 112"):
        bench.calls.bind(second, 80)
    assert PORT != 80
