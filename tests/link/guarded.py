"""Servers under test as processes of their own, in a lab or on loopback, with few descriptors."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
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
        self.folder = Path(tempfile.mkdtemp(prefix="halfopen-"))

    def __enter__(self) -> Loopback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

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
        program = str(HERE / f"guarded_on_{driver}.py")
        command = (sys.executable, program)
        if driver == "micropython":
            command = (micropython, "-X", "heapsize=16m", program)
        super().__init__(lab, command, settings, SOURCE)
        self.port = settings["port"]
        self.listening = self.must(10, what="listening")
        limit = INTERPRETER[driver] + sockets
        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (limit, limit))
