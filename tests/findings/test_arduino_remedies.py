"""The Arduino remedies compile against the part of the core 3.x that they use."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from halfopen import findings

HERE = Path(__file__).parent
SHIMS = ("-isystem", str(HERE / "shim_arduino"), "-isystem", str(HERE / "shim"))


@pytest.mark.parametrize("code", findings.codes())
def test_compiles_without_a_warning(code: str, require_tool: Callable[[str], str], tmp_path: Path) -> None:
    source = tmp_path / f"{code}.cpp"
    source.write_text(findings.fault(code).remedy.code["arduino"])
    warnings = ("-std=gnu++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only")
    command = [require_tool("g++"), *warnings, *SHIMS, str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", findings.codes())
def test_every_connect_has_a_deadline(code: str) -> None:
    for line in findings.fault(code).remedy.code["arduino"].splitlines():
        _, connects, arguments = line.partition("lient.connect(")
        if connects:
            assert arguments.split(")")[0].count(",") == 2, f"no deadline: {line.strip()}"
