"""Every example runs against a local peer, loses it, and comes back."""

from __future__ import annotations

import contextlib
import http.client
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "link"

ECHO = """
import socketserver, sys
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile: self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
Server(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Program:
    """A process whose lines can be waited for."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self.seen: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in self.process.stdout:
                self._lines.put(line.rstrip())

    def wait_for(self, text: str, limit_s: float = 15) -> None:
        until = time.monotonic() + limit_s
        while (left := until - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                self.seen.append(self._lines.get(timeout=left))
                if text in self.seen[-1]:
                    return
        raise AssertionError(f"{text!r} was not printed: {self.seen[-12:]}")

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def running(*command: str) -> Iterator[Program]:
    program = Program(*command)
    try:
        yield program
    finally:
        program.end()


def wait_listening(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError(f"nobody listens on {port}")


@pytest.fixture
def peers(require_tool: Callable[[str], str], tmp_path: Path) -> dict[str, Callable[[int], list[str]]]:
    """The command of each kind of peer by port."""

    def broker(port: int) -> list[str]:
        config = tmp_path / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        return [require_tool("mosquitto"), "-c", str(config)]

    return {
        "echo": lambda port: [sys.executable, "-c", ECHO, str(port)],
        "http": lambda port: [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(tmp_path)],
        "mqtt": broker,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("example", "peer", "arguments", "success"),
    [
        ("tcp_sensor.py", "echo", [], "stored: 21.5 C"),
        ("http_poller.py", "http", ["/"], "200"),
        ("mqtt_sensor.py", "mqtt", [], "published"),
        ("with_aiomqtt.py", "mqtt", [], "published"),
    ],
)
def test_it_works_loses_its_peer_and_comes_back(
    example: str,
    peer: str,
    arguments: list[str],
    success: str,
    peers: dict[str, Callable[[int], list[str]]],
) -> None:
    port = free_port()
    with running(sys.executable, str(EXAMPLES / example), "127.0.0.1", str(port), *arguments) as program:
        program.wait_for("cause=refused")
        with running(*peers[peer](port)):
            program.wait_for(success)
        program.wait_for("DIAL_FAILED")
        with running(*peers[peer](port)):
            wait_listening(port)
            program.wait_for(success)
    assert not any("Traceback" in line for line in program.seen)


SERVERS = ["guarded_server.py", "guarded_server_micropython.py"]


@pytest.mark.parametrize("example", SERVERS)
def test_a_server_answers_though_it_is_full_of_silent_clients(
    example: str, require_tool: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROPYPATH", str(EXAMPLES.parents[1] / "src"))
    interpreter = require_tool("micropython") if "micropython" in example else sys.executable
    port = free_port()
    with (
        running(interpreter, str(EXAMPLES / example), "127.0.0.1", str(port)) as program,
        contextlib.ExitStack() as held,
    ):
        wait_listening(port)
        for _ in range(6):
            held.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            time.sleep(0.02)  # a backlog of five drops the sixth SYN of a burst
        told = []
        while len(told) < 30 and 200 not in told:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            answer = connection.getresponse()
            told.append(answer.status)
            if answer.status == 503:
                assert answer.read() == b"busy\n"
                time.sleep(0.1)
            else:
                assert b" of 6 sessions" in answer.read()
            connection.close()
        assert told[0] == 503
        assert told[-1] == 200
    assert not any("Traceback" in line for line in program.seen)


def test_every_example_is_run() -> None:
    tried = {"tcp_sensor.py", "http_poller.py", "mqtt_sensor.py", "with_aiomqtt.py", *SERVERS}
    assert {path.name for path in EXAMPLES.glob("*.py")} == tried
