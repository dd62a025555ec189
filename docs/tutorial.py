"""Writes the journal and the diagnosis of docs/tutorial.md: ``python docs/tutorial.py`` (``make tutorial``, three minutes).

The program of the page runs on MicroPython's Unix port against a collector on loopback, with the stand-ins of
``tests/docs/board``. The tests run the same scene in a hurry and compare what happened, in its order.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "tutorial.md"
#: Where modules come from: what mip installs, the board's stand-ins, and what is frozen into the interpreter.
MODULES = (
    ROOT / "device" / "mpy",
    ROOT / "tests" / "docs" / "board",
    ROOT / "tests" / "link" / "board",
)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WRITTEN = r"(<!-- {name}: [^\n]*-->\n```\n)(.*?)(^```\n<!-- end -->)"


def blocks(language: str, page: Path = PAGE) -> list[str]:
    """The code blocks of the page in ``language``, in their order; "" for plain ones."""
    return [code for said, code in _BLOCK.findall(page.read_text(encoding="utf-8")) if said == language]


class Collector:
    """Answers lines on loopback until it hangs: then it neither answers nor listens, until it is started anew."""

    def __init__(self) -> None:
        self.port = 0
        #: Set once a line was answered, and so a connection accepted.
        self.answered = threading.Event()
        self._hangs = threading.Event()
        self._held: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.restart()

    def restart(self) -> None:
        """Listen, on the same port as before."""
        self._hangs.clear()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._begin(self._accept, self._listener)

    def _begin(self, work: Callable[[socket.socket], None], sock: socket.socket) -> None:
        def to_its_end() -> None:
            with sock, contextlib.suppress(OSError):
                work(sock)

        thread = threading.Thread(target=to_its_end, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            self._held.append(connection)
            self._begin(self._answer, connection)

    def _answer(self, connection: socket.socket) -> None:
        while got := connection.recv(4096):
            if not self._hangs.is_set():
                connection.sendall(got)
                self.answered.set()

    def hang(self) -> None:
        """Go on acknowledging, and no more."""
        self._hangs.set()
        self._wake(self._listener)

    def end(self) -> None:
        """Close everything."""
        self._wake(self._listener)
        for connection in self._held:
            self._wake(connection)
        for thread in self._threads:
            thread.join()

    @staticmethod
    def _wake(sock: socket.socket) -> None:
        """End the call that waits for ``sock``; its thread closes it."""
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


class Board:
    """A main.py under way on the Unix port, with a router that can be unplugged."""

    def __init__(self, micropython: str, folder: Path, main: str, hurry: int) -> None:
        self._router = folder / "router"
        self.plug(True)
        (folder / "main.py").write_text(main)
        paths = ":".join(str(path) for path in (folder, *MODULES, ".frozen"))
        self.lines: list[str] = []
        self._seen = 0
        self._told = threading.Condition()
        self._process = subprocess.Popen(
            [micropython, str(folder / "main.py")],
            env={**os.environ, "MICROPYPATH": paths, "HALFOPEN_ROUTER": str(self._router), "HALFOPEN_HURRY": str(hurry)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def plug(self, on: bool) -> None:
        """Plug the router in, or unplug it."""
        written = self._router.with_suffix(".new")
        written.write_text("on" if on else "off")
        written.replace(self._router)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._told:
                self.lines.append(line.rstrip("\n"))
                self._told.notify()

    def wait_for(self, text: str, limit_s: float) -> None:
        """Until a line after the last one waited for holds ``text``; raises :class:`TimeoutError`."""
        until = time.monotonic() + limit_s
        with self._told:
            while True:
                while self._seen < len(self.lines):
                    self._seen += 1
                    if text in self.lines[self._seen - 1]:
                        return
                if not self._told.wait(until - time.monotonic()):
                    raise TimeoutError(f"{text!r} was not printed: {self.lines[-8:]}")

    def end(self) -> None:
        """Switch it off."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextlib.contextmanager
def running(micropython: str, hurry: int, limits: dict[str, int]) -> Iterator[tuple[Board, Collector]]:
    """The program and its collector, both ended with the block."""
    collector = Collector()
    config, main = [code for code in blocks("python") if "EVERY_MS" in code]
    spoken = f"HOST, PORT, LIMITS = '127.0.0.1', {collector.port}, {limits}\nEVERY_MS //= {hurry}\n"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.py").write_text(config + spoken)
        board = Board(micropython, Path(folder), main, hurry)
        try:
            yield board, collector
        finally:
            board.end()
            collector.end()


def play(micropython: str, hurry: int = 1, limits: dict[str, int] | None = None, limit_s: float = 120) -> list[str]:
    """The lines of the scene: power-on, the router away and back, the collector hanging and back."""
    with running(micropython, hurry, limits or {}) as (board, collector):
        board.wait_for("delivered", limit_s)
        board.plug(False)
        board.wait_for("RETRY_WIFI", limit_s)
        board.wait_for("measured", limit_s)
        board.plug(True)
        board.wait_for("delivered", limit_s)
        board.wait_for("measured", limit_s)  # the next is far: until then the heartbeat is all that speaks
        board.wait_for("by HEARD", limit_s)
        collector.hang()
        board.wait_for("cause=refused", limit_s)
        collector.restart()
        board.wait_for("delivered", limit_s)
        return list(board.lines)


def steps(lines: list[str]) -> list[str]:
    """The journal's lines, each once, in the order in which they first came: times, figures and repetitions aside.

    Whether a retry asks for the name anew depends on how many joins had failed, and so on chance.
    """
    found = [re.sub(r"\(\d+\)|[\d.]+s\b", "…", re.sub(r" fd=.*(cause=\S+).*", r" \1", line)) for line in lines]
    found = [line.replace("RETRY_NAME", "RETRY_SOCKET") for line in found]
    return list(dict.fromkeys(line for line in found if " halfopen: " in line))


def diagnosis(lines: list[str]) -> str:
    """What ``halfopen diagnose`` says of the journal in 80 columns, up to the code that mends it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "journal.log").write_text("\n".join(lines) + "\n")
        done = subprocess.run(
            [sys.executable, "-m", "halfopen", "diagnose", "journal.log", "--firmware", "micropython"],
            cwd=folder,
            env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    found, _, _ = done.stdout.partition("\nFix for")
    return "\n".join(line.rstrip() for line in found.strip().splitlines()) + "\n…\n"


def written(name: str) -> str:
    """The block of the page that is written for ``name``."""
    found = re.search(_WRITTEN.format(name=name), PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[2]


def write(name: str, text: str) -> None:
    """Put ``text`` into the block of the page that is written for ``name``."""
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(_WRITTEN.format(name=name), re.MULTILINE | re.DOTALL)
    PAGE.write_text(pattern.sub(lambda found: found[1] + text + found[3], page), encoding="utf-8")


def main() -> int:
    """Play the scene at its own pace and write what came of it; the exit status."""
    parser = argparse.ArgumentParser(description="write the journal and the diagnosis of docs/tutorial.md")
    parser.add_argument("--diagnosis", action="store_true", help="keep the journal and diagnose it again")
    if not parser.parse_args().diagnosis:
        lines = play(str(Path(sys.executable).with_name("micropython")))
        write("journal", "\n".join(lines) + "\n")
    write("diagnosis", diagnosis(written("journal").splitlines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
