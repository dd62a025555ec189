"""The MicroPython driver as it is shipped, on real loopback sockets; Wi-Fi and heap are stand-ins."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.link.device import Board, echo, mute, peer
from tests.link.netlab import PEER_IP, PEER_NAME, Lab, Subject, missing

LINK = """
from halfopen.link.on_micropython import Link, Lost, Policy
from halfopen.link.wlan import Wlan
import os, time
def descriptors():
    return len(os.listdir("/proc/self/fd"))
QUICK = dict(pause_ms=50, backoff_ms=50, backoff_max_ms=100)
port = int(sys.argv[1])
"""
FOR_EVER = """
    for connection in link:
        with connection:
            while True:
                connection.read()
"""


@pytest.fixture
def board(require_tool: Callable[[str], str], device_files: Path, tmp_path: Path) -> Board:
    return Board(require_tool("micropython"), device_files, tmp_path)


@pytest.fixture(scope="module")
def certificate(require_tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    for name in ("right", "wrong"):
        subprocess.run(
            [
                *(
                    require_tool("openssl"),
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                ),
                *(
                    "-keyout",
                    f"{name}.key",
                    "-out",
                    f"{name}.pem",
                    "-days",
                    "2",
                    "-nodes",
                    "-subj",
                    "/CN=peer.test",
                ),
                *("-addext", "subjectAltName=DNS:peer.test"),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        der = ssl.PEM_cert_to_DER_cert((folder / f"{name}.pem").read_text())
        (folder / f"{name}.der").write_bytes(der)
    return folder


class TestTheSameLines:
    PROGRAM = (
        LINK
        + """
before = descriptors()
with Link("127.0.0.1", port, heartbeat=b"\\n", say=lambda line: None) as link:
    for connection in link:
        with connection:
            connection.write(b"one\\n")
            print(connection.read_until(within_ms=1000))
            connection.write(b"two and three")
            print(connection.read_exactly(3), connection.read_exactly(10))
            if connection.local == "":
                connection.read(within_ms=50)
        print("lost", connection.lost, repr(connection.peer))
        break
    print(link.state, len(link.ledger))
print(descriptors() - before, link.state)
"""
    )

    def test_a_connection_is_read_and_written_and_ends_with_its_reason(self, board: Board) -> None:
        with peer(echo) as port, board.start(self.PROGRAM, str(port)):
            said = board.rest()
        assert said == [
            "b'one\\n'",
            "b'two' b' and three'",
            f"lost unanswered '127.0.0.1:{port}'",
            "PAUSED 0",
            "0 IDLE",
        ]

    ASYNC = (
        LINK.replace("on_micropython", "awaiting")
        + """
import asyncio
async def main():
    before = descriptors()
    async with Link("127.0.0.1", port, say=lambda line: None, policy=Policy(**QUICK)) as link:
        rounds = 0
        async for connection in link:
            async with connection:
                await connection.write(b"one\\n")
                print(await connection.read_until(within_ms=1000))
                reading = asyncio.create_task(connection.read())
                await asyncio.sleep_ms(30)
                reading.cancel()
                try:
                    await reading
                except asyncio.CancelledError:
                    print("cancelled", descriptors() - before)
                if rounds:
                    raise KeyError("the user's own")
                await connection.read(within_ms=40)
            rounds += 1
            print("lost", connection.lost)
try:
    asyncio.run(main())
except KeyError:
    print("out", descriptors())
"""
    )

    def test_with_asyncio_too_and_neither_cancellation_nor_an_error_leaks(self, board: Board) -> None:
        with (
            peer(echo) as port,
            board.start("import os\nprint(len(os.listdir('/proc/self/fd')))\n" + self.ASYNC, str(port)),
        ):
            before, *said, out = board.rest()
        assert said == ["b'one\\n'", "cancelled 1", "lost unanswered", "b'one\\n'", "cancelled 1"]
        assert out == f"out {before}"

    def test_an_error_of_the_users_own_goes_through_and_closes_everything(self, board: Board) -> None:
        program = (
            LINK
            + """
before = descriptors()
try:
    with Link("127.0.0.1", port, say=lambda line: 1 // 0, policy=Policy(**QUICK)) as link:
        for connection in link:
            with connection:
                connection.write(b"x")
                raise KeyError("mine")
except KeyError as error:
    print(repr(error), descriptors() - before, connection.lost)
"""
        )
        with peer(echo) as port, board.start(program, str(port)):
            said = board.rest()
        assert said[-1] == "KeyError('mine',) 0 released"
        assert "ZeroDivisionError" in "\n".join(said)  # say()'s own errors are shown and stop nothing


class TestRadio:
    PROGRAM = (
        LINK
        + """
with Link("127.0.0.1", port, radio=Wlan("home", "secret of the house"),
          policy=Policy(join_ms=400, lease_ms=400, doze_troubles=2, **QUICK)) as link:
"""
        + FOR_EVER
    )

    def test_it_joins_waits_for_an_address_and_starts_over_when_either_goes(self, board: Board) -> None:
        board.radio("0.0.0.0", status=1001, rssi="-")
        with peer(echo) as port, board.start(self.PROGRAM, str(port)):
            board.until("JOINING -> PAUSED by JOIN_EXPIRED")
            board.radio("0.0.0.0", status=201, rssi="-")
            board.until("JOINING -> PAUSED by JOIN_FAILED")
            board.radio("0.0.0.0", status=1001, rssi="-60")
            board.until("JOINING -> LEASING by JOINED")
            board.until("LEASING -> PAUSED by LEASE_EXPIRED")
            board.radio("127.0.0.1")
            board.until("LEASING -> GATED by LEASE_OBTAINED")
            board.until("-> ONLINE")
            for trouble in (False, True):
                board.radio("0.0.0.0", status=200, rssi="-")  # beacons lost
                if trouble:
                    board.until("DOZE_FORBIDDEN")
                assert "reason=200" in board.until("ONLINE -> CLOSING by WIFI_LOST")
                board.radio("127.0.0.1")
                board.until("-> ONLINE")
        assert "secret of the house" not in "\n".join(board.said)

    def test_a_changed_address_closes_and_the_same_one_keeps(self, board: Board) -> None:
        with peer(echo) as port, board.start(self.PROGRAM, str(port)):
            board.until("-> ONLINE")
            board.radio("127.0.0.1", rssi="-80")
            with pytest.raises(AssertionError):
                board.until("CLOSING", limit_s=0.6)
            board.radio("127.0.0.5")
            board.until("ONLINE -> CLOSING by ADDRESS_CHANGED")
            board.until("-> ONLINE")


class TestHeap:
    def test_the_gate_waits_for_heap_and_for_one_block(self, board: Board) -> None:
        program = (
            LINK
            + """
with Link("127.0.0.1", port, policy=Policy(gate_poll_ms=50, gate_ms=600, **QUICK)) as link:
"""
            + FOR_EVER
        )
        board.heap(free=30000)
        with peer(echo) as port, board.start(program, str(port)):
            board.until("GATED -> GATED by HEAP_SHORT fd=- heap=30000 block=65536")
            board.heap(free=90000, largest=2000)
            board.until("GATED -> PAUSED by HEAP_STARVED")
            board.until("heap=90000 block=2000")
            board.heap(free=90000, largest=5000)
            board.until("-> RESOLVING by HEAP_ENOUGH fd=- heap=90000 block=5000")
            board.until("-> ONLINE")


class TestTls:
    PROGRAM = (
        LINK
        + """
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.verify_mode = ssl.CERT_REQUIRED
with open(sys.argv[2], "rb") as file:
    context.load_verify_locations(cadata=file.read())
before = descriptors()
with Link("127.0.0.1", port, tls=context, server_name="peer.test", policy=Policy(**QUICK)) as link:
    for connection in link:
        with connection:
            for size in (1, 1023, 1024, 1025, 5000):
                connection.write(bytes([size & 255]) * size)
                left = size
                while left:
                    left -= len(connection.read())
            print("echoed")
        break
print("left", descriptors() - before)
"""
    )

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
    def test_bytes_go_through_and_the_handshakes_end_is_seen(
        self, board: Board, certificate: Path, version: ssl.TLSVersion
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "right.pem", certificate / "right.key")
        context.maximum_version = version
        with (
            peer(echo, context) as port,
            board.start(self.PROGRAM, str(port), str(certificate / "right.der")),
        ):
            board.until("SECURING -> ONLINE by SECURED")
            board.until("echoed")
            assert board.rest()[-1] == "left 0"

    def test_a_certificate_of_somebody_else_is_refused(self, board: Board, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "right.pem", certificate / "right.key")
        with (
            peer(echo, context) as port,
            board.start(self.PROGRAM, str(port), str(certificate / "wrong.der")),
        ):
            assert "cause=tls-failed" in board.until("SECURING -> CLOSING by SECURE_FAILED")
            board.until("PAUSED -> GATED")


class TestSleep:
    def test_the_peer_sees_the_end_before_the_board_sleeps(self, board: Board) -> None:
        ends: list[float] = []

        def until_end(sock: socket.socket) -> None:
            while sock.recv(100):
                pass
            ends.append(time.monotonic())

        program = (
            LINK
            + """
with Link("127.0.0.1", port, policy=Policy(**QUICK)) as link:
    next(link)
    link.prepare_sleep()
    print("may sleep", link.state, len(link.ledger))
    time.sleep_ms(300)
    link.wake()
    next(link)
"""
        )
        with peer(until_end) as port, board.start(program, str(port)):
            board.until("may sleep ASLEEP 0")
            slept_at = time.monotonic()
            board.until("ASLEEP -> JOINING by WOKE")
            assert "epoch=1" in board.until("-> ONLINE")
        assert ends[0] <= slept_at


def test_a_watchdog_is_fed_while_the_link_waits(board: Board) -> None:
    program = (
        LINK
        + """
fed = [time.ticks_ms()]
with Link("127.0.0.1", port, say=lambda line: None, feed=lambda: fed.append(time.ticks_ms()),
          policy=Policy(**QUICK)) as link:
    for connection in link:
        with connection:
            connection.read(within_ms=1500)
        break
print(max([b - a for a, b in zip(fed, fed[1:])]))
"""
    )
    with peer(mute) as port, board.start(program, str(port)):
        assert int(board.rest()[-1]) < 500


def test_it_is_the_last_address_that_counts_when_names_are_dead(device_files: Path) -> None:
    """DNS dies after a name was known; the connection drops again and again; the address known last still serves."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    from tests.link.test_conformance import DRIVERS, HERE

    settings = {
        "host": PEER_NAME, "port": 7001, "heartbeat": "\n",
        "policy": {"silence_ms": 300, "answer_ms": 200, "dial_ms": 300, "resolve_ms": 400, "pause_ms": 10, "backoff_ms": 10, "backoff_max_ms": 20, "socket_tries": 2},
    }  # fmt: skip
    with Lab() as lab:
        subject = Subject(lab, DRIVERS["on_micropython"], settings, device_files, HERE / "board")
        assert subject.must(10, what="change", state="OPENING")["event"] == "NAME_RESOLVED"
        subject.must(10, what="change", state="ONLINE")
        lab.blackhole("meta l4proto { tcp, udp }")
        subject.must(20, what="change", event="NAME_EXPIRED")
        assert subject.must(20, what="change", state="OPENING")["event"] == "NAME_KNOWN"
        lab.heal()
        lab.blackhole("udp dport 53")
        subject.must(20, what="change", state="ONLINE")
        ended = subject.quit()
    assert ended["after"] == ended["before"]
    assert PEER_IP  # the lab's own name server answers with it


def test_what_the_journal_prints_can_be_diagnosed(board: Board, tmp_path: Path) -> None:
    from halfopen.diagnose import diagnose

    program = (
        LINK
        + """
with Link("127.0.0.1", port, heartbeat=b"\\n", policy=Policy(silence_ms=150, answer_ms=100, **QUICK)) as link:
    for _ in range(2):
        with next(link) as connection:
            connection.read()
"""
    )
    with peer(mute) as port, board.start(program, str(port)):
        lines = board.rest()
    log = tmp_path / "board.log"
    log.write_text("\n".join(lines))
    found = diagnose(log)
    assert [re.sub(r"\d", "#", finding.code) for finding in found.findings]


def test_a_day_with_a_fault_each_minute_leaves_the_heap_as_it_was(
    require_tool: Callable[[str], str], device_files: Path
) -> None:
    """Virtual time, the shipped files; dead, resetting, closing and refusing peers, no descriptors, no Wi-Fi, no names …"""
    program = Path(__file__).parent / "day_on_micropython.py"
    done = subprocess.run(
        [require_tool("micropython"), str(program), "24", "1", str(device_files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    heap, counts, lost, after = done.stdout.splitlines()
    _, warm, _, end = heap.split()
    assert abs(int(end) - int(warm)) <= int(warm) / 100
    assert counts == "faults 1439 held 1 sockets 1 swept 0"
    assert int(lost.split()[1]) > 500
    assert after == "after 0 0"
