"""Captures as the benchmark reads them: flags are tshark's, and the interpreted kernel comes to the same findings."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Disagreements = Callable[[Path], list[str]]
INTERPRETED = Path(__file__).parents[2] / "bench" / "interpreted.py"
PACKETS = 15_000


def written(captures: ModuleType, kind: str, packets: int, file: Path) -> Path:
    captures.write(kind, packets, file)
    return file


@pytest.mark.parametrize("kind", ["ethernet", "polling", "cooked"])
def test_flags_agree(
    kind: str, disagreements: Disagreements, load_script: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    path = written(load_script("bench/captures.py"), kind, PACKETS, tmp_path / "generated.pcapng")
    assert disagreements(path) == []


@pytest.mark.parametrize("kind", ["ethernet", "polling", "air", "wpa2"])
def test_interpreted_and_compiled_report_the_same(
    kind: str, load_script: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    path = written(load_script("bench/captures.py"), kind, 4000, tmp_path / "generated.pcapng")
    asked = ["diagnose", str(path), "--format", "json", "--wifi-key", "home:correct horse"]
    told = [
        subprocess.run([sys.executable, *program, *asked], capture_output=True, text=True, check=True)
        for program in (["-m", "halfopen"], [str(INTERPRETED)])
    ]
    assert len(told[0].stdout) > 500
    assert told[0].stdout == told[1].stdout


@pytest.mark.parametrize("kind", ["ethernet", "polling", "cooked", "air", "wpa2"])
def test_the_same_seed_writes_the_same_bytes(
    kind: str, load_script: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    captures = load_script("bench/captures.py")
    first, second = (written(captures, kind, 500, tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == second
