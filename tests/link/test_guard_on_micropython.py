"""The guard on MicroPython: the same decisions as on CPython, beside asyncio, and small enough for a device."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.link.guarded import SOURCE, Loopback, Server
from tests.link.netlab import HERE
from tests.link.test_examples import free_port
from tests.link.test_guarded_servers import Client


def run(interpreter: str, *arguments: str) -> str:
    done = subprocess.run(
        [interpreter, str(HERE / "guard_vectors.py"), str(SOURCE), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_life_on_both(seed: int, require_tool: Callable[[str], str]) -> None:
    device = run(require_tool("micropython"), str(seed), "500")
    assert device == run(sys.executable, str(seed), "500")
    for event in ("EVICTED", "REFUSED", "DESCRIPTORS_EXHAUSTED", "PARTING_EXPIRED"):
        assert event in device


def test_beside_other_tasks_nothing_leaks(require_tool: Callable[[str], str]) -> None:
    """asyncio there keeps the descriptor of a cancelled task; the guard's own way does not."""
    with Loopback() as here:
        server = Server(
            here, "micropython", require_tool("micropython"), port=free_port(), guarded=True, asyncio=True
        )
        with Client(server) as one, Client(server) as other:
            assert one.ask() == other.ask() == b"got hello\n"
        with Client(server):
            ended = server.quit()
    assert (ended["after"], ended["held"]) == (ended["before"], 0)


def test_clients_that_come_and_go_cost_no_memory(require_tool: Callable[[str], str]) -> None:
    with Loopback() as here:
        server = Server(here, "micropython", require_tool("micropython"), port=free_port(), guarded=True)
        allocated = []
        for _ in range(3):
            for _ in range(200):
                with Client(server) as client:
                    assert client.ask() == b"got hello\n"
            server.tell("memory")
            allocated.append(server.must(5, what="memory")["allocated"])
    assert allocated[2] - allocated[1] < 1000


def test_what_is_shipped_serves_and_refuses_a_cap_that_would_take_from_the_reserve(
    require_tool: Callable[[str], str], tmp_path: Path, device_files: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from halfopen.link.guard_on_micropython import Guard\n"
        "print(Guard('0.0.0.0', 80, print, sockets=16, cap=12).core.cap)\n"
        "import socket\n"
        "address = socket.getaddrinfo('127.0.0.1', int(sys.argv[2]))[0][-1]\n"
        "def answer(client, data):\n"
        "    if data:\n"
        "        client.send(b'got ' + data)\n"
        "        client.close()\n"
        "guard = Guard('127.0.0.1', int(sys.argv[2]), answer, say=lambda line: None)\n"
        "guard.start()\n"
        "client = socket.socket()\n"
        "client.connect(address)\n"
        "client.send(b'hello')\n"
        "for _ in range(9): guard.serve_once(20)\n"
        "print(client.recv(100))\n"
        "client.close()\n"
        "guard.close()\n"
        "Guard('0.0.0.0', 80, print, cap=7)\n"
    )
    command = [require_tool("micropython"), str(program), str(device_files), str(free_port())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[:2] == ["12", "b'got hello'"], done.stdout + done.stderr
    assert "ValueError: cap is 7, but 10 sockets with 2 in reserve allow 6" in done.stdout + done.stderr
