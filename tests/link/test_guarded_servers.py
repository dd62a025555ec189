"""Clients of every bad kind against both drivers, each a program of its own with few descriptors, on loopback."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.link.guarded import DRIVERS, Loopback, Server
from tests.link.test_examples import free_port

TOLERANCE = 1.1
Start = Callable[..., Server]


@pytest.fixture(params=DRIVERS)
def start(request: pytest.FixtureRequest, require_tool: Callable[[str], str]) -> Iterator[Start]:
    """Start a guarded server; at the end it must have given back every descriptor."""
    servers: list[Server] = []
    micropython = require_tool("micropython")
    with Loopback() as here:

        def begin(**settings: Any) -> Server:
            server = Server(here, request.param, micropython, port=free_port(), guarded=True, **settings)
            servers.append(server)
            return server

        yield begin
        for server in servers:
            ended = server.quit()
            assert (ended["after"], ended["held"], ended["errors"]) == (ended["before"], 0, [])


class Client:
    """A client that does one thing after the other."""

    def __init__(self, server: Server, receive_bytes: int = 0) -> None:
        self.sock = socket.socket()
        if receive_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.sock.settimeout(5)
        self.sock.connect(("127.0.0.1", server.port))

    def ask(self, line: bytes = b"hello\n") -> bytes:
        self.sock.sendall(line)
        return self.line()

    def line(self) -> bytes:
        data = b""
        while not data.endswith(b"\n"):
            piece = self.sock.recv(1000)
            if not piece:
                break
            data += piece
        return data

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def changes(server: Server, event: str) -> list[dict[str, Any]]:
    return [said for said in server.said if said["what"] == "change" and said["event"] == event]


def fill(server: Server, stack: ExitStack, count: int = 6) -> list[Client]:
    clients = [stack.enter_context(Client(server)) for _ in range(count)]
    for client in clients:
        assert client.ask() == b"got hello\n"
    return clients


class TestRefusal:
    def test_it_can_be_read_whenever_the_request_comes(self, start: Start) -> None:
        """Before the request, and after a request so long that it is still coming when the server has hung up."""
        server = start(patient=True, options={"patience_ms": 60_000})
        with ExitStack() as stack:
            fill(server, stack)
            with Client(server) as at_once:
                assert at_once.ask() == b"crowded\n"
            with Client(server) as late:
                time.sleep(0.2)
                late.sock.sendall(b"x" * 3000 + b"\n")
                time.sleep(0.1)
                assert late.line() == b"crowded\n"
                assert late.sock.recv(10) == b""  # FIN: an RST could have overtaken the farewell
            with Client(server) as eager:
                eager.sock.sendall(b"y" * 4000)
                assert eager.line() == b"crowded\n"
                eager.sock.sendall(b"z" * 1000)
                assert eager.sock.recv(10) == b""

    def test_a_storm_of_newcomers_hears_it_too(self, start: Start) -> None:
        server = start(patient=True, options={"patience_ms": 60_000})
        with ExitStack() as stack:
            served = fill(server, stack)
            newcomers = []
            for _ in range(30):
                newcomers.append(stack.enter_context(Client(server)))
                time.sleep(0.003)  # a full backlog drops SYNs, which are repeated only after 1 s
            assert [client.line() for client in newcomers] == [b"crowded\n"] * 30
            assert [client.ask() for client in served] == [b"got hello\n"] * 6

    def test_who_was_idle_longest_makes_way(self, start: Start) -> None:
        server = start(patient=True, options={"patience_ms": 100})
        with ExitStack() as stack:
            clients = fill(server, stack)
            time.sleep(0.15)
            for client in (clients[0], *clients[2:]):
                assert client.ask() == b"got hello\n"
            with Client(server) as newest:
                assert newest.ask() == b"got hello\n"
            assert clients[1].sock.recv(10) == b""
            server.must(5, what="change", event="EVICTED", session=2, cause="evicted")


class TestBadClients:
    def test_slow_loris_does_not_starve_the_server(self, start: Start) -> None:
        """A byte now and then keeps a session from being idle; the handler's deadline ends it."""
        server = start()
        with ExitStack() as stack:
            loris = [stack.enter_context(Client(server)) for _ in range(6)]
            began = time.monotonic()
            answer = b""
            while answer != b"got hello\n" and time.monotonic() < began + 2:
                for client in loris:
                    with contextlib.suppress(OSError):  # some were thrown out
                        client.sock.send(b"x")
                with Client(server) as good:
                    answer = good.ask()
                time.sleep(0.05)
            assert answer == b"got hello\n"
            assert 0.4 < time.monotonic() - began < 2
        server.must(5, what="change", state="CLOSING", cause="unanswered")

    def test_one_that_never_reads_is_gone_within_the_bound(self, start: Start) -> None:
        server = start(policy={"progress_ms": 800})
        with Client(server, receive_bytes=4096) as deaf:
            deaf.sock.sendall(b"big 6000000\n")
            stalled = server.must(10, what="change", state="CLOSING")
            assert stalled["event"] == "SEND_STALLED"
            taken = [said["heard_at"] for said in server.said if said["what"] == "progress"]
            bound = server.listening["bounds"]["zero-window"]
            assert bound == pytest.approx(0.84)
            assert 0.7 < stalled["heard_at"] - taken[-1] <= bound * TOLERANCE
            with Client(server) as next_one:
                assert next_one.ask() == b"got hello\n"

    def test_one_that_reads_slowly_is_not_taken_for_one_that_never_reads(self, start: Start) -> None:
        """Stacks call a socket writable late: it must be offered its bytes all the same."""
        server = start(policy={"progress_ms": 800})
        with Client(server, receive_bytes=65536) as slow:
            slow.sock.sendall(b"big 6000000\n")
            for _ in range(30):
                assert slow.sock.recv(16384)
                time.sleep(0.05)
            server.tell("fds")
            server.must(5, what="fds")  # and with it everything that was said before
            assert changes(server, "SEND_STALLED") == []

    def test_one_that_resets_frees_its_session(self, start: Start) -> None:
        server = start(patient=True)
        with Client(server) as rude:
            assert rude.ask() == b"got hello\n"
            rude.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert server.must(5, what="change", state="CLOSING")["cause"] == "reset"
        server.must(5, what="change", state="GONE")


class TestHandlers:
    def test_one_that_fails_ends_its_client_alone(self, start: Start) -> None:
        server = start()
        with Client(server) as other, Client(server) as client:
            assert other.ask() == b"got hello\n"
            assert client.ask(b"fail\n") == b""
            server.must(5, what="change", event="RELEASED", cause="handler-failed")
            assert other.ask() == b"got hello\n"

    def test_its_last_words_arrive_though_the_client_still_talks(self, start: Start) -> None:
        """Closing with data unread would send RST, and the answer would be lost with it."""
        server = start()
        for size in (0, 500, 3000):
            with Client(server) as client:
                assert client.ask(b"bye\n" + b"x" * size) == b"bye\n"
                assert client.sock.recv(10) == b""


class TestDescriptors:
    def test_when_others_took_them_it_goes_on(self, start: Start) -> None:
        """ENFILE at accept() although the cap is not reached: whoever may go makes way, and it does not spin."""
        server = start(patient=True, sockets=5, options={"sockets": 30, "cap": 20})
        with ExitStack() as stack:
            clients = fill(server, stack, 4)
            with Client(server) as newest:
                began = time.monotonic()
                assert newest.ask() == b"got hello\n"
                assert 0.3 < time.monotonic() - began < 3
            assert clients[0].sock.recv(10) == b""
        server.must(5, what="change", event="EVICTED", cause="descriptors-exhausted")
        assert 1 <= len(changes(server, "DESCRIPTORS_EXHAUSTED")) <= 6

    def test_it_goes_on_when_nobody_can_go(self, start: Start) -> None:
        server = start(patient=True, sockets=1, options={"sockets": 30, "cap": 20})
        client = Client(server)
        for _ in range(3):
            server.must(3, what="change", state="PAUSED", cause="descriptors-exhausted")
            server.must(3, what="change", state="LISTENING", event="RETRY_SOCKET")
        paused = [said["heard_at"] for said in changes(server, "DESCRIPTORS_EXHAUSTED")]
        assert paused[2] - paused[0] >= 0.9  # two pauses of 500 ms
        client.sock.close()
