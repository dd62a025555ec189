"""The sockets without waiting: readiness callbacks in virtual time, as a driver of ``link.machine`` uses them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from tests.twin.bench import PEER, PORT, Bench

from halfopen.twin.linux.services import Echo, Stalled
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import sleep
from halfopen.twin.world import MS, SECOND


def begin(bench: Bench, port: int = PORT) -> int:
    sockets = bench.device.sockets
    fd = sockets.socket()
    with pytest.raises(SocketError) as busy:
        sockets.connect(fd, PEER, port)
    assert busy.value.errno == names.EINPROGRESS
    return fd


def test_a_connection_driven_by_callbacks() -> None:
    bench = Bench(Echo())
    sockets = bench.device.sockets
    fd = begin(bench)
    seen: list[tuple[int, bytes]] = []

    def ready(of: int) -> None:
        mask = sockets.ready(of)
        if mask & names.POLLIN:
            seen.append((mask, sockets.recv(of, 100)))
        elif mask & names.POLLOUT and not seen:
            seen.append((mask, b""))
            assert sockets.getsockopt(of, names.SO_ERROR) == 0
            sockets.send(of, b"hello")

    assert sockets.ready(fd) == 0
    sockets.when_ready(fd, ready)
    bench.world.run(SECOND)
    assert seen == [(names.POLLOUT, b""), (names.POLLIN | names.POLLOUT, b"hello")]
    with pytest.raises(SocketError, match="errno 11"):
        sockets.recv(fd, 10)
    sockets.when_ready(fd, None)
    sockets.close(fd)
    bench.world.run(2 * SECOND)
    assert len(seen) == 2


def test_a_refused_connection_is_readable_writable_and_in_error() -> None:
    bench = Bench()
    fd = begin(bench, 9999)
    bench.world.run(SECOND)
    assert bench.device.sockets.ready(fd) == names.POLLIN | names.POLLOUT | names.POLLERR
    assert bench.device.sockets.getsockopt(fd, names.SO_ERROR) == names.ECONNRESET
    assert bench.device.sockets.getsockopt(fd, names.SO_ERROR) == 0
    with pytest.raises(SocketError, match="errno 104"):
        bench.device.sockets.recv(fd, 1)  # the message in the mailbox
    with pytest.raises(SocketError, match="errno 128"):
        bench.device.sockets.recv(fd, 1)


def test_a_full_send_buffer_is_not_writable_until_the_peer_reads() -> None:
    service = Stalled(4096)
    bench = Bench(service)
    sockets = bench.device.sockets
    fd = begin(bench)
    bench.world.run(SECOND)
    sent = 0
    for _ in range(5):
        try:
            while True:
                sent += sockets.send(fd, b"x" * 1000)
        except SocketError as error:
            full = error.errno
        bench.world.run(bench.world.now + 2 * SECOND)
    assert full == names.EAGAIN
    assert 5760 < sent <= 5760 + 4928
    assert not sockets.ready(fd) & names.POLLOUT
    bench.peer.stall(False)
    bench.world.run(120 * SECOND)
    assert sockets.ready(fd) & names.POLLOUT


def test_select_poll_peek_and_dontwait() -> None:
    bench = Bench(Echo())
    calls = bench.calls
    heard: list[Any] = []

    def firmware() -> Generator[Any, Any, None]:
        fd = yield from bench.connected(exchanges=0)
        heard.append((yield from calls.select([fd], [fd], [fd], SECOND)))
        begun = bench.now()
        heard.append((yield from calls.select([fd], [], [], SECOND)))
        heard.append(round(bench.now() - begun))
        yield from calls.send(fd, b"hello")
        heard.append((yield from calls.poll({fd: names.POLLIN}, SECOND)))
        heard.append((yield from calls.recv(fd, 10, names.MSG_PEEK)))
        heard.append((yield from calls.recv(fd, 3)))
        heard.append((yield from calls.recv(fd, 10)))
        yield from bench.call("recv", calls.recv(fd, 10, names.MSG_DONTWAIT))
        calls.set_nonblocking(fd)
        yield from bench.call("recv", calls.recv(fd, 10))
        calls.shutdown(fd, names.SHUT_WR)
        yield from sleep(100 * MS)
        yield from bench.call("recv", calls.recv(fd, 10))
        heard.append((calls.getpeername(fd), calls.getsockname(fd)[0]))
        yield from calls.close(fd)
        yield from bench.call("closed", lambda: calls.getsockname(fd))

    assert bench.run(firmware(), 10).state == "ended"
    assert heard == [
        ([], [54], []),
        ([], [], []),
        1,
        {54: names.POLLIN},
        b"hello",
        b"hel",
        b"lo",
        ((PEER, PORT), "192.168.5.100"),
    ]
    assert bench.results() == [("recv", -names.EAGAIN)] * 2 + [("recv", b""), ("closed", -names.EBADF)]


def test_closing_wakes_whoever_waits_on_the_descriptor() -> None:
    bench = Bench()

    def reader() -> Generator[Any, Any, None]:
        fd = yield from bench.connected()
        yield from bench.call("recv", bench.calls.recv(fd, 10))

    task = bench.tasks.start("reader", reader())
    bench.world.run(SECOND)
    assert task.waiting_for == "recv(54)"
    bench.device.sockets.close(54)
    assert bench.device.sockets.socket() == 54
    bench.world.run(2 * SECOND)
    assert task.state == "ended"
    assert bench.results() == [("recv", -names.ENOTCONN)]


def test_a_reboot_forgets_without_a_word() -> None:
    bench = Bench()
    begin(bench)
    bench.world.run(SECOND)
    frames = len(bench.recorder.frames)
    bench.tasks.reset()
    bench.device.reboot()
    bench.world.run(2 * SECOND)
    assert len(bench.recorder.frames) == frames
    assert bench.device.heap.used == 0
    assert bench.device.pcbs() == (0, 0, 0)
    assert bench.device.sockets.open_descriptors() == {}
    bench.device.netif_up()
    # The peer still believes in the connection; a new one from another port is none of its business.
    assert begin(bench) == 54
    bench.world.run(3 * SECOND)
    assert bench.device.sockets.ready(54) & names.POLLOUT
