"""What devices fetch and firmware freezes is what the sources give, installs with MicroPython's own mip, and connects."""

from __future__ import annotations

import functools
import http.server
import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "tests" / "link" / "board"
#: Where firmware's makemanifest.py would look for what ``device/manifest.py`` names.
DEVICE = ROOT / "device"

INSTALL = """
import mip, sys
mip.install(sys.argv[1], target=sys.argv[2])
"""

SPEAK = """
import sys
sys.path[:] = sys.argv[2:]
from halfopen.link.on_micropython import Link
from halfopen.link.wlan import Wlan
with Link("127.0.0.1", int(sys.argv[1]), heartbeat=b"\\n", radio=Wlan("lab")) as link:
    for connection in link:
        with connection:
            connection.write(b"21.5 C\\n")
            print("stored:", connection.read_until(within_ms=5000).decode().strip())
        print("lost:", connection.lost)
        break
print("held:", len(link.ledger))
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and tells nobody; what was asked for stays with the server."""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        self.server.asked.append((self.path, int(str(code))))  # type: ignore[attr-defined]


class Echo(socketserver.StreamRequestHandler):
    """Answers every line with itself."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    """A server on loopback, in a thread of its own until the block ends."""

    daemon_threads = True

    def __init__(self, handler: Any) -> None:
        self.asked: list[tuple[str, int]] = []
        super().__init__(("127.0.0.1", 0), handler)
        self.port: int = self.server_address[1]

    def __enter__(self) -> Server:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *ended: object) -> None:
        self.shutdown()
        self.server_close()


def run(interpreter: str, program: str, *arguments: str, folder: Path) -> str:
    written = folder / "program.py"
    written.write_text(program)
    done = subprocess.run(
        [interpreter, str(written), *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def files_below(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def shipped(require_tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that ``make device`` writes."""
    require_tool("mpy-cross")
    folder = tmp_path_factory.mktemp("shipped")
    command = [sys.executable, str(DEVICE / "ship.py"), "--root", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_what_is_committed_is_what_the_sources_give(shipped: Path) -> None:
    stale = "run `make device` and commit device/mpy, device/names.json and package.json"
    assert (ROOT / "package.json").read_text() == (shipped / "package.json").read_text(), stale
    assert (DEVICE / "names.json").read_text() == (shipped / "device" / "names.json").read_text(), stale
    committed, made = files_below(DEVICE / "mpy"), files_below(shipped / "device" / "mpy")
    assert committed.keys() == made.keys(), stale
    for name, content in made.items():
        assert committed[name] == content, f"{name}: {stale}"


def test_a_device_of_any_kind_can_load_it() -> None:
    for name, content in files_below(DEVICE / "mpy").items():
        # version 6 is read since MicroPython 1.19; no flag means bytecode alone; small integers of 31 bits fit all
        assert content[:4] == b"M\x06\x00\x1f", name


@pytest.fixture
def installed(require_tool: Callable[[str], str], tmp_path: Path) -> Path:
    """A folder into which MicroPython's own mip has installed the package from a copy of the repository."""
    handler = functools.partial(Quiet, directory=str(ROOT))
    with Server(handler) as server:
        address = f"http://127.0.0.1:{server.port}/"
        said = run(require_tool("micropython"), INSTALL, address, str(tmp_path / "lib"), folder=tmp_path)
        assert said.splitlines()[-1] == "Done"
        urls = json.loads((ROOT / "package.json").read_text())["urls"]
        assert server.asked == [("/package.json", 200), *((f"/{place}", 200) for _, place in urls)]
    return tmp_path / "lib"


def test_mip_installs_it_and_it_connects(
    installed: Path, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    assert files_below(installed) == files_below(DEVICE / "mpy")
    with Server(Echo) as peer:
        said = run(
            require_tool("micropython"), SPEAK, str(peer.port), str(installed), str(BOARD), folder=tmp_path
        )
    assert [line for line in said.splitlines() if ") " not in line] == [
        "stored: 21.5 C",
        "lost: released",
        "held: 0",
    ]
    assert "CONNECTED" in said


def test_the_version_on_a_device_is_the_packages_own() -> None:
    from halfopen import __version__

    assert json.loads((ROOT / "package.json").read_text())["version"] == __version__


class Manifest:
    """Stands in for MicroPython's makemanifest.py: ``package`` resolves paths and misses files as that one does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.frozen: dict[str, tuple[Path, int]] = {}

    def package(
        self, package_path: str, files: tuple[str, ...] | None = None, base_path: str = ".", opt: int = 0
    ) -> None:
        assert files is not None  # a folder that is missing would freeze nothing, without a word
        for file in files:
            target = f"{package_path}/{file}"
            found = self.folder / base_path / target
            if not found.is_file():
                raise FileNotFoundError(f"Cannot stat {found}")
            self.frozen[target] = (found.resolve(), opt)

    def evaluate(self, manifest: Path) -> None:
        exec(manifest.read_text(), {"package": self.package})  # noqa: S102  what makemanifest.py does


def test_firmware_freezes_what_mip_installs(
    shipped: Path, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    manifest = Manifest(shipped / "device")
    manifest.evaluate(DEVICE / "manifest.py")
    assert {Path(name).with_suffix(".mpy").as_posix() for name in manifest.frozen} == set(
        files_below(DEVICE / "mpy")
    )
    for name, (source, opt) in manifest.frozen.items():
        made = (tmp_path / name).with_suffix(".mpy")
        made.parent.mkdir(parents=True, exist_ok=True)
        command = [require_tool("mpy-cross"), f"-O{opt}", "-s", name, "-o", str(made), str(source)]
        subprocess.run(command, check=True, timeout=30)
    with Server(Echo) as peer:
        said = run(
            require_tool("micropython"), SPEAK, str(peer.port), str(tmp_path), str(BOARD), folder=tmp_path
        )
    assert "stored: 21.5 C" in said


def test_nothing_is_frozen_that_was_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"build/device/halfopen/link/on_micropython\.py"):
        Manifest(tmp_path).evaluate(DEVICE / "manifest.py")
