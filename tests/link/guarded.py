"""Servers under test as processes of their own, in a lab or on loopback, with few descriptors."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.link.netlab import HERE, Lab, Subject

from halfopen.link.guard import ESP32_SOCKETS

SOURCE = HERE.parents[1] / "src"
DRIVERS = ("asyncio", "micropython")
#: Descriptors that the interpreter itself holds before the first socket.
INTERPRETER = {"asyncio": 6, "micropython": 3}


class Loopback:
    """Where a program runs when it needs no lab; what it started ends with it."""

    device = ""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Loopback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()

    def spawn(self, _: str, *command: str) -> subprocess.Popen[str]:
        """A process here."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1)
        self._processes.append(process)
        return process


class Server(Subject):
    """A server with as many descriptors for sockets as an ESP32 has, or as ``sockets`` says."""

    def __init__(
        self,
        lab: Lab | Loopback,
        driver: str,
        micropython: str,
        *,
        sockets: int = ESP32_SOCKETS,
        **settings: Any,
    ) -> None:
        self._micropython = micropython if driver == "micropython" else ""
        super().__init__(lab, HERE / f"guarded_on_{driver}.py", settings)
        self.port = settings["port"]
        self.listening = self.must(10, what="listening")
        limit = INTERPRETER[driver] + sockets
        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (limit, limit))

    def command(self, program: Path, settings: dict[str, Any]) -> list[str]:
        words = [sys.executable, str(program), json.dumps(settings)]
        if self._micropython:
            words = [self._micropython, "-X", "heapsize=16m", *words[1:], str(SOURCE)]
        return words
