"""A traceback from a board says the names of the sources again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]

FAILS = """
import sys
sys.path[:] = sys.argv[1:]
from halfopen.link.on_micropython import Link
def broken():
    raise ValueError("a policy of the program's own")
link = Link("127.0.0.1", 9, say=lambda line: None)
link._poll = None
link.now = broken
link.step()
"""


def test_a_boards_traceback_is_read_back(require_tool: Callable[[str], str], tmp_path: Path) -> None:
    program = tmp_path / "main.py"
    program.write_text(FAILS)
    folders = [str(ROOT / "device" / "mpy"), str(ROOT / "tests" / "link" / "board")]
    command = [require_tool("micropython"), str(program), *folders]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    said = done.stdout + done.stderr
    assert "_time_came" not in said
    assert "ValueError: a policy of the program's own" in said
    (tmp_path / "traceback.txt").write_text(said)
    read = subprocess.run(
        [sys.executable, str(ROOT / "device" / "readback.py"), str(tmp_path / "traceback.txt")],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout
    assert "in step\n" in read
    assert "in _time_came\n" in read
    assert "in broken\n" in read


def test_a_file_that_is_missing_is_one_line(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "device" / "readback.py"), str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
