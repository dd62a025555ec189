"""The core runs on MicroPython as on CPython: the same life, the same lines, and errors by the port's own numbers."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from halfopen.link.options import probe
from halfopen.link.policy import NEVER, Policy

ROOT = Path(__file__).parents[2]
VECTORS = Path(__file__).parent / "device_vectors.py"
#: Words are twice as wide here as on an ESP32, which has about half of this for MicroPython.
HEAP = "256k"

ERRORS = """
import sys
sys.path.insert(0, sys.argv[1])
from halfopen.link import capability
print(capability.event_of_refusal(23), capability.event_of_refusal(24), capability.event_of_refusal(105))
able = capability.Capability(stack="lwip")
print(able.cause_of(104), able.cause_of(9999))
"""


class LyingPort:
    """A socket module as the ESP32's MicroPython has it, with options that are taken and forgotten."""

    SOL_SOCKET, SO_KEEPALIVE, SO_LINGER = 1, 9, 13
    IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT = 6, 4, 5, 6, 18

    class Socket:
        closed = False

        def setsockopt(self, level: int, option: int, value: object) -> None:
            """Success, whatever was asked."""

        def getsockopt(self, level: int, option: int, size: int = 0) -> int | bytes:
            return bytes(size) if size else 0

        def close(self) -> None:
            LyingPort.Socket.closed = True

    @staticmethod
    def socket() -> Socket:
        return LyingPort.Socket()


def test_an_option_that_is_taken_and_forgotten_does_not_count() -> None:
    able = probe(LyingPort, object(), "lwip", wifi=True, reboot=True)  # type: ignore[arg-type]
    assert repr(able).startswith("stack=lwip keepalive=none user_timeout=no linger=no shutdown=no pollhup=no")
    assert LyingPort.Socket.closed
    assert able.notices_ms("idle", Policy(), False) == NEVER
    assert able.notices_ms("idle", Policy(), True) == 20000


def run(interpreter: str, *arguments: str, program: Path, heap: bool = False) -> str:
    options = ["-X", f"heapsize={HEAP}"] if heap else []
    done = subprocess.run(
        [interpreter, *options, str(program), str(ROOT / "src"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 6])
def test_the_same_life_on_both(seed: int, require_tool: Callable[[str], str]) -> None:
    device = run(require_tool("micropython"), str(seed), "400", program=VECTORS)
    host = run(sys.executable, str(seed), "400", program=VECTORS)
    assert device == host
    assert "ONLINE" in host


def test_it_fits_a_small_heap(require_tool: Callable[[str], str]) -> None:
    run(require_tool("micropython"), "7", "40", program=VECTORS, heap=True)


def test_errors_have_the_names_of_the_port_they_came_from(
    require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    program = tmp_path / "errors.py"
    program.write_text(ERRORS)
    said = run(require_tool("micropython"), program=program)
    assert said.splitlines() == [
        "DESCRIPTORS_EXHAUSTED DESCRIPTORS_EXHAUSTED PCBS_EXHAUSTED",
        "reset E9999",
    ]
    assert run(sys.executable, program=program) == said


def test_what_this_computer_can_do_was_tried() -> None:
    able = probe(socket, select, "linux", wifi=False, reboot=False)
    if sys.platform == "linux":
        assert repr(able).startswith(
            "stack=linux keepalive=tuned user_timeout=yes linger=yes shutdown=yes pollhup=yes"
        )
