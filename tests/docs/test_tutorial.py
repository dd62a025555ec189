"""The tutorial does what it says: its code runs, its journal and its diagnosis are what comes of it."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shlex
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
#: Twenty times as fast as the board would be, and silences to match.
HURRY = 20
LIMITS = {"silence_ms": 500, "answer_ms": 400, "backoff_ms": 50, "pause_ms": 200}
#: What wants a board on a cable, so that no test can run it.
WITH_A_BOARD = ("esptool.py", "mpremote", "pip")


@pytest.fixture(scope="module")
def tutorial(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("docs/tutorial.py")


@pytest.fixture
def micropython(
    require_tool: Callable[[str], str], tutorial: ModuleType, tmp_path: Path
) -> Callable[[str], str]:
    """Runs a block of the page with what is on the board; what it prints."""

    def run(code: str) -> str:
        router = tmp_path / "router"
        router.write_text("off")
        paths = ":".join(str(path) for path in (*tutorial.MODULES, ".frozen"))
        (tmp_path / "block.py").write_text(code)
        done = subprocess.run(
            [require_tool("micropython"), str(tmp_path / "block.py")],
            env={**os.environ, "MICROPYPATH": paths, "HALFOPEN_ROUTER": str(router)},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_journal_on_the_page_is_what_happens(
    tutorial: ModuleType, require_tool: Callable[[str], str]
) -> None:
    lines = tutorial.play(require_tool("micropython"), HURRY, LIMITS, limit_s=40)
    assert not [line for line in lines if "Traceback" in line or "reset" in line], lines
    # a busy computer may see more happen, but nothing else and in no other order
    happened = iter(tutorial.steps(lines))
    missed = [
        step for step in tutorial.steps(tutorial.written("journal").splitlines()) if step not in happened
    ]
    assert not missed, "make tutorial, after\n" + "\n".join(lines)


def test_the_diagnosis_on_the_page_is_what_halfopen_says(tutorial: ModuleType) -> None:
    lines = tutorial.written("journal").splitlines()
    assert tutorial.diagnosis(lines) == tutorial.written("diagnosis"), "make tutorial"


def test_every_block_is_run(tutorial: ModuleType, micropython: Callable[[str], str], tmp_path: Path) -> None:
    """main.py and config.py are run by the scene above; here is all the rest."""
    seen = []
    for code in tutorial.blocks("python"):
        if "EVERY_MS" in code:
            seen.append("scene")
        elif "mip.install" in code:
            assert "github:OWNER/halfopen" in code
            seen.append("install")
            install(code, micropython, tmp_path)
        elif "link.bound" in code:
            seen.append("bound")
            assert micropython(code) in tutorial.blocks("")
        else:
            seen.append("run")
            assert micropython(code) == ""
    assert seen == ["install", "scene", "scene", "bound", "run"]


def install(code: str, micropython: Callable[[str], str], folder: Path) -> None:
    """Has the interpreter's own mip fetch the package from this computer instead of from the address on the page."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *said: object) -> None:
            """Nobody listens."""

    handler = functools.partial(Quiet, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = code.replace("github:OWNER/halfopen", f"http://127.0.0.1:{server.server_address[1]}/")
        said = micropython("import sys\nsys.path.append(" + repr(f"{folder}/lib") + ")\n" + here)
        server.shutdown()
    assert said.endswith("Done\n")
    urls = json.loads((ROOT / "package.json").read_text())["urls"]
    for target, place in urls:
        assert (folder / "lib" / target).read_bytes() == (ROOT / place).read_bytes()


def test_the_readme_runs_too(
    tutorial: ModuleType, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    [code] = [code for code in tutorial.blocks("python", ROOT / "README.md") if "on_micropython" in code]
    assert '"collector.lan", 7007' in code
    collector = tutorial.Collector()
    spoken = code.replace('"collector.lan", 7007', f'"127.0.0.1", {collector.port}')
    board = tutorial.Board(require_tool("micropython"), tmp_path, spoken, HURRY)
    try:
        assert collector.answered.wait(30)
        collector.hang()
        board.wait_for("cause=unanswered", 30)
        collector.restart()
        board.wait_for("ONLINE by CONNECTED", 30)
    finally:
        board.end()
        collector.end()
    assert not [line for line in board.lines if "Traceback" in line], board.lines


def test_commands_are_ours_or_want_a_board(tutorial: ModuleType) -> None:
    commands = [shlex.split(line) for code in tutorial.blocks("sh") for line in code.splitlines() if line]
    ours = [words for words in commands if words[0] not in WITH_A_BOARD]
    assert ours == [
        ["halfopen", "diagnose", "journal.log", "--firmware", "micropython"]
    ]  # run by diagnosis()
