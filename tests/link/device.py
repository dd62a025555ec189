"""Programs on MicroPython's Unix port, with what ``make device`` built and the stand-ins for Wi-Fi and heap."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

BOARD = Path(__file__).parent / "board"


class Board:
    """A simulated board: an interpreter, a radio and a heap that the test can change while the program runs."""

    def __init__(self, micropython: str, device_files: Path, folder: Path) -> None:
        self._micropython, self._files, self._folder = micropython, device_files, folder
        self._program: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.said: list[str] = []
        self.radio()
        self.heap()

    def radio(
        self, address: str = "127.0.0.1", resolver: str = "127.0.0.1", status: int = 1010, rssi: str = "-50"
    ) -> None:
        """What the radio says from now on; ``rssi`` "-" where it is not associated."""
        self._write("radio", f"{address} {resolver} {status} {rssi}")

    def heap(self, free: int = 120000, largest: int = 65536) -> None:
        """What the heap's internal region has from now on."""
        self._write("heap", f"270000 {free} {largest} {free}\n4194304 4000000 4000000 4000000")

    def _write(self, name: str, text: str) -> None:
        fresh = self._folder / f"{name}.new"
        fresh.write_text(text)
        fresh.replace(self._folder / name)

    def start(self, program: str, *arguments: str, heap: str = "1m") -> Board:
        """Run ``program``; use the result with ``with``."""
        path = self._folder / "main.py"
        path.write_text(
            f"import sys\nsys.path[:0] = [{str(self._files)!r}, {str(BOARD)!r}]\n{program}", encoding="utf-8"
        )
        self._program = subprocess.Popen(
            [self._micropython, "-X", f"heapsize={heap}", str(path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "HALFOPEN_RADIO": str(self._folder / "radio"),
                "HALFOPEN_HEAP": str(self._folder / "heap"),
            },
        )
        threading.Thread(target=self._listen, args=(self._program,), daemon=True).start()
        return self

    def _listen(self, program: subprocess.Popen[str]) -> None:
        assert program.stdout is not None
        with contextlib.suppress(ValueError):
            for line in program.stdout:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._program is not None
        self._program.kill()
        self._program.wait()
        assert self._program.stdout is not None
        self._program.stdout.close()

    def until(self, text: str, limit_s: float = 10) -> str:
        """The next line that contains ``text``; what was said instead is in the error."""
        until = time.monotonic() + limit_s
        while (left := until - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                line = self._lines.get(timeout=left)
                if line is None:
                    break
                self.said.append(line)
                if text in line:
                    return line
        raise AssertionError(f"{text!r} was not said; last:\n" + "\n".join(self.said[-15:]))

    def rest(self, limit_s: float = 20) -> list[str]:
        """Every line until the program ended by itself, which it must in order."""
        assert self._program is not None
        code = self._program.wait(limit_s)
        while (line := self._lines.get(timeout=5)) is not None:
            self.said.append(line)
        assert code == 0, "\n".join(self.said[-15:])
        return self.said


@contextlib.contextmanager
def peer(answer: Callable[[Any], None], context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A peer on loopback that gives each connection to ``answer``; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                sock = self.request
                if context is not None:
                    sock = stack.enter_context(context.wrap_socket(sock, server_side=True))
                answer(sock)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = False  # every handler ends with its client, and is waited for

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients may do here what they like."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def echo(sock: socket.socket) -> None:
    """Answers everything with itself."""
    while data := sock.recv(65536):
        sock.sendall(data)


def mute(sock: socket.socket) -> None:
    """Takes everything, never answers."""
    while sock.recv(65536):
        pass
