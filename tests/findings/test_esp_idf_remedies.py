"""The ESP-IDF remedies compile without a warning, and do what they promise when a real peer misbehaves."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from halfopen import findings

FIRMWARE = "esp-idf"
HERE = Path(__file__).parent
WARNINGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1")
INCLUDES = (f"-I{HERE}", f"-I{HERE / 'shim'}")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")

#: The remedy stands first, as a user would paste it; the trial calls it and counts the descriptors it left.
PROGRAM = """
{before}
{remedy}
#undef setsockopt
#include "trial.h"

static void trial(const char *ip, int port)
{{
(void)ip, (void)port;
{does}
}}
"""


@pytest.mark.parametrize("code", findings.codes())
def test_compiles_without_a_warning(code: str, require_tool: Callable[[str], str], tmp_path: Path) -> None:
    source = tmp_path / f"{code}.c"
    source.write_text(findings.fault(code).remedy.code[FIRMWARE])
    command = [require_tool("gcc"), *WARNINGS, *INCLUDES, "-c", str(source), "-o", str(tmp_path / "out.o")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_remedy_is_tried_and_every_socket_meets_a_peer(trials: list[Any]) -> None:
    assert {trial.code for trial in trials} == set(findings.codes())
    with_peer = {trial.code for trial in trials if "port" in trial.does or "show_life" in trial.does}
    for fault in findings.catalogue():
        if any(call in fault.remedy.code[FIRMWARE] for call in ("send(", "recv(", "connect(fd")):
            assert fault.code in with_peer


def test_does_what_it_promises(
    trial: Any, require_tool: Callable[[str], str], peer: Any, tmp_path: Path
) -> None:
    source, program = tmp_path / "trial.c", tmp_path / "trial"
    remedy = findings.fault(trial.code).remedy.code[FIRMWARE]
    source.write_text(PROGRAM.format(before=trial.before, remedy=remedy, does=trial.does))
    command = [require_tool("gcc"), *WARNINGS, *SANITIZERS, *INCLUDES, str(source), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    with peer(trial.peer) as it:
        done = subprocess.run([str(program), str(it.port)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [*trial.says, "leaked=0"], done.stderr
    assert trial.log in done.stderr
    if trial.saw is not None:
        assert it.saw == trial.saw
