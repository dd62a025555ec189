"""The MicroPython remedies run under the Unix port, with real sockets and a stand-in for the board."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from halfopen import findings

FIRMWARE = "micropython"
STAND_INS = Path(__file__).parent / "stand_ins"

#: About what a board has free, twice as much because words here are 64 bits wide.
HEAP = "256k"

#: The remedy between what the board offers and the trial that calls it.
PROGRAM = """
import os, sys, time
sys.path.insert(0, {stand_ins!r})
import board
from board import script
PORT = int(sys.argv[1])
HOST = "127.0.0.1"
{remedy}
import network, socket
wlan = network.WLAN(0)
ADDRESS = socket.getaddrinfo(HOST, PORT)[0][-1]

def connected(send_buffer=None):
    sock = socket.socket()
    sock.connect(ADDRESS)
    if send_buffer:
        sock.setsockopt(1, 7, send_buffer)
    return sock

def say(*what):
    print("say", *what)

BEFORE = len(os.listdir("/proc/self/fd"))
def trial():
{does}
trial()
say("leaked", len(os.listdir("/proc/self/fd")) - BEFORE)
"""


def test_every_remedy_is_tried(trials: list[Any]) -> None:
    assert {trial.code for trial in trials} == set(findings.codes())


def test_does_what_it_promises(
    trial: Any, require_tool: Callable[[str], str], peer: Any, tmp_path: Path
) -> None:
    program = tmp_path / "main.py"
    remedy = findings.fault(trial.code).remedy.code[FIRMWARE]
    does = textwrap.indent(trial.does, "    ")
    program.write_text(PROGRAM.format(stand_ins=str(STAND_INS), remedy=remedy, does=does))
    with peer(trial.peer) as it:
        command = [require_tool("micropython"), "-X", f"heapsize={HEAP}", str(program), str(it.port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.removeprefix("say ") for line in done.stdout.splitlines() if line.startswith("say ")]
    assert said == [*trial.says, "leaked 0"], done.stdout + done.stderr
