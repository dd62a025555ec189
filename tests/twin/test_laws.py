"""Laws of TCP and of the closed form, over networks of any badness."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.twin.bench import PEER, PORT, Bench, keepalive

from halfopen.impairments import Impairment
from halfopen.impairments.blackhole import Blackhole
from halfopen.impairments.delay import Delay
from halfopen.impairments.flows_lost import FlowsLost
from halfopen.impairments.link_down import LinkDown
from halfopen.impairments.loss import Loss
from halfopen.impairments.nat_expiry import NatExpiry
from halfopen.impairments.peer_rebooted import PeerRebooted
from halfopen.impairments.peer_stalled import PeerStalled
from halfopen.impairments.peer_vanished import PeerVanished
from halfopen.twin.linux.services import Service
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import sleep
from halfopen.twin.world import MS, SECOND

Firmware = Generator[Any, Any, None]
LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
AT_PEER = ("peer-rebooted", "peer-vanished", "peer-stalled")

spans = st.tuples(st.integers(0, 20_000), st.integers(0, 20_000)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)
directions = st.sampled_from(["both", "to-peer", "to-device"])
impairments: st.SearchStrategy[Impairment] = st.one_of(
    st.builds(lambda s, p, d: Loss(*s, probability=p, direction=d), spans, st.floats(0, 0.4), directions),
    st.builds(
        lambda s, a, b, d: Delay(*s, delay_ms=a, jitter_ms=b, direction=d),
        spans,
        st.integers(0, 900),
        st.integers(0, 900),
        directions,
    ),
    st.builds(lambda s, d: Blackhole(*s, direction=d), spans, directions),
    st.builds(lambda s, a: FlowsLost(*s, answer=a), spans, st.sampled_from(["silent", "reset"])),
    st.builds(
        lambda s, i, a: NatExpiry(*s, idle_ms=i, answer=a),
        spans,
        st.integers(100, 5000),
        st.sampled_from(["silent", "reset"]),
    ),
    st.builds(lambda s: LinkDown(*s), spans),
    st.builds(lambda s: PeerRebooted(*s), spans),
    st.builds(lambda s: PeerVanished(*s), spans),
    st.builds(lambda s: PeerStalled(*s), spans),
)


class Mirror(Service):
    """Keeps what each connection delivered, and sends it back."""

    def __init__(self) -> None:
        self.heard: dict[Any, bytes] = {}

    def received(self, connection: Any, data: bytes) -> None:
        self.heard[connection] = self.heard.get(connection, b"") + data
        connection.send(data)


STREAM = bytes(range(256)) * 300


def talk(bench: Bench, size: int, echoes: list[bytes]) -> Firmware:
    """Send a known stream on one connection after the other, read the echo, close on any error."""
    calls = bench.calls
    for _ in range(12):
        fd = calls.socket()
        calls.setsockopt(fd, names.SO_RCVTIMEO, 2 * SECOND)
        calls.setsockopt(fd, names.SO_SNDTIMEO, 2 * SECOND)
        for option, value in keepalive(5, 2, 3).items():
            calls.setsockopt(fd, option, value)
        echoes.append(b"")
        at = 0
        try:
            yield from calls.connect(fd, PEER, PORT)
            for _ in range(10):
                at += yield from calls.send(fd, STREAM[at : at + size])
                echoes[-1] += yield from calls.recv(fd, 4000)
                yield from sleep(100 * MS)
        except SocketError:
            pass
        yield from calls.close(fd)
        yield from sleep(500 * MS)


@LAW
@given(st.integers(0, 1 << 32), st.lists(impairments, max_size=4), st.integers(1, 3000))
def test_bytes_arrive_in_order_once_and_everything_ends(
    seed: int, happening: list[Impairment], size: int
) -> None:
    service = Mirror()
    bench = Bench(service, seed=seed, recorded=False)
    for impairment in happening:
        bench.network.impair(impairment, bench.peer if impairment.KIND in AT_PEER else bench.device)
    echoes: list[bytes] = []
    task = bench.run(talk(bench, size, echoes), 20)
    bench.world.run(4000 * SECOND)
    # What was delivered is a beginning of what was sent, on both sides.
    for heard in (*service.heard.values(), *echoes):
        assert STREAM.startswith(heard)
    # The task got through, whatever happened; no descriptor, connection or byte of heap is left.
    assert task.state == "ended"
    assert task.ended_with is None
    assert bench.device.sockets.open_descriptors() == {}
    assert bench.device.pcbs() == (0, 0, 0)
    assert bench.device.heap.used == 0
    opened, closed = (bench.device.truth.of(what) for what in ("socket-opened", "socket-closed"))
    assert [event["fd"] for event in opened] == [event["fd"] for event in closed]


def outcome(recorded: bool, seed: int, happening: list[Impairment], idle: int) -> tuple[Any, ...]:
    """What an idle connection's life comes to: when it ended, with what, and where its counters stand."""
    bench = Bench(seed=seed, recorded=recorded)
    for impairment in happening:
        bench.network.impair(impairment, bench.peer if impairment.KIND in AT_PEER else bench.device)

    def firmware() -> Firmware:
        fd = yield from bench.call("connected", bench.connected(keepalive(idle, 2, 3)))
        if fd > 0:
            yield from bench.call("recv", bench.calls.recv(fd, 100))

    bench.run(firmware(), 300)
    bench.network.settle()
    left = [
        (pcb.state, pcb.tmr, pcb.keep_sent, pcb.snd_nxt - pcb.last_ack) for pcb in bench.device.tcp.active
    ]
    ended = [{**event, "who": ""} for event in bench.device.truth.of("pcb-ended")]
    return bench.said, left, ended, bench.device.probes_in_closed_form > 0


@LAW
@given(
    st.integers(0, 1 << 32),
    st.lists(
        st.one_of(
            st.builds(lambda s, d: Blackhole(s[0] * 10, s[1] * 10, direction=d), spans, directions),
            st.builds(lambda s: PeerRebooted(s[0] * 10), spans),
            st.builds(lambda s: LinkDown(s[0] * 10), spans),
            st.builds(lambda s, i: NatExpiry(s[0] * 10, idle_ms=i), spans, st.integers(1000, 20_000)),
            st.builds(lambda d: Delay(delay_ms=d), st.integers(0, 400)),
        ),
        max_size=2,
    ),
    st.integers(3, 12),
)
def test_what_is_played_in_closed_form_ends_as_if_it_had_been_played(
    seed: int, happening: list[Impairment], idle: int
) -> None:
    played, dozed = outcome(True, seed, happening, idle), outcome(False, seed, happening, idle)
    assert dozed[:3] == played[:3]
    assert not played[3]


def test_an_idle_hour_costs_no_events() -> None:
    bench = Bench(recorded=False)

    def firmware() -> Firmware:
        fd = yield from bench.connected(keepalive(10, 3, 3))
        yield from bench.calls.recv(fd, 100)

    bench.run(firmware(), 10)
    before = bench.world.events
    bench.world.run(3600 * SECOND)
    bench.network.settle()
    assert bench.world.events - before < 10
    assert bench.device.probes_in_closed_form == pytest.approx(3600 / 10.5, abs=2)


def test_a_recorder_that_comes_later_sees_probes() -> None:
    bench = Bench(recorded=False)

    def firmware() -> Firmware:
        fd = yield from bench.connected(keepalive(10, 3, 3))
        yield from bench.calls.recv(fd, 100)

    bench.run(firmware(), 100)
    bench.recorder.tap(bench.device.link)
    bench.world.run(200 * SECOND)
    assert len(bench.sent("keep-alive")) in (9, 10)
