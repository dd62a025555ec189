"""The Arduino remedies compile for the core 3.x, and run on its stand-in with real sockets."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from halfopen import findings

FIRMWARE = "arduino"
HERE = Path(__file__).parent
CORE = HERE / "shim_arduino"
WARNINGS = ("-std=gnu++17", "-Wall", "-Wextra", "-Werror", "-O1")
INCLUDES = ("-isystem", str(CORE), "-isystem", str(HERE / "shim"), "-isystem", str(HERE))

#: The remedy stands first, as a user would paste it; the trial calls it and counts the descriptors it left.
PROGRAM = """
{before}
{remedy}
#include "air.h"
#include "trial.h"

static void trial(const char *ip, int port)
{{
(void)ip, (void)port;
{does}
}}
"""


@pytest.fixture(scope="module")
def core(require_tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for the Arduino core, compiled."""
    made = tmp_path_factory.mktemp("arduino") / "core.o"
    command = [require_tool("g++"), *WARNINGS, *INCLUDES, "-c", str(CORE / "core.cpp"), "-o", str(made)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return made


def test_every_remedy_is_tried(trials: list[Any]) -> None:
    assert {trial.code for trial in trials} == set(findings.codes())


def test_does_what_it_promises(
    trial: Any, require_tool: Callable[[str], str], core: Path, peer: Any, tmp_path: Path
) -> None:
    source, program = tmp_path / "trial.cpp", tmp_path / "trial"
    remedy = findings.fault(trial.code).remedy.code[FIRMWARE]
    source.write_text(PROGRAM.format(before=trial.before, remedy=remedy, does=trial.does))
    command = [require_tool("g++"), *WARNINGS, *INCLUDES, str(source), str(core), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    with peer(trial.peer) as it:
        done = subprocess.run([str(program), str(it.port)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [*trial.says, "leaked=0"], done.stderr
    assert trial.log in done.stderr
    if trial.saw is not None:
        assert it.saw == trial.saw


def test_the_stand_in_writes_as_the_core_does(
    require_tool: Callable[[str], str], core: Path, tmp_path: Path
) -> None:
    """SO_SNDTIMEO set by the program is overwritten and bounds nothing: ten rounds of select() do."""
    source, program = tmp_path / "trial.cpp", tmp_path / "trial"
    does = """
int ends[2];
say("made", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
NetworkClient c(ends[0]);
static uint8_t big[8388608];
struct timeval limit = {60, 0};
say("set", c.setSocketOption(SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
say("a part", c.write(big, sizeof big) < sizeof big);
say("limit", option_of(c.fd(), SOL_SOCKET, SO_SNDTIMEO));
uint32_t start = millis();
say("more", c.write(big, 1000));
say("ten rounds", millis() - start >= 290);
say("open", c.fd() >= 0);
close(ends[1]);
"""
    source.write_text(PROGRAM.format(before="", remedy="#include <WiFi.h>", does=does))
    command = [require_tool("g++"), *WARNINGS, *INCLUDES, str(source), str(core), "-o", str(program)]
    subprocess.run(command, check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=20)
    said = ["made=0", "set=0", "a part=1", "limit=3", "more=0", "ten rounds=1", "open=1", "leaked=0"]
    assert done.stdout.splitlines() == said, done.stderr


@pytest.mark.parametrize("code", findings.codes())
def test_every_connect_has_a_deadline(code: str) -> None:
    for line in findings.fault(code).remedy.code[FIRMWARE].splitlines():
        _, connects, arguments = line.partition("lient.connect(")
        if connects:
            assert arguments.split(")")[0].count(",") == 2, f"no deadline: {line.strip()}"
