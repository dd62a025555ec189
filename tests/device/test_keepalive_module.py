"""The C module that gives MicroPython keepalive: compiled against stand-ins for its headers, run on real sockets."""

from __future__ import annotations

import errno
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
MODULE = ROOT / "device" / "halfopen_keepalive"
STRICT = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fsanitize=address,undefined")

SET_AS_TOLD = ["keepalive=1", "idle=10", "interval=3", "count=4"]
SAID = [
    "set raised ValueError 0",
    "set raised TypeError 0",
    "set raised ValueError 0",
    "keepalive=0",  # what was refused changed nothing
    "set returned",
    *SET_AS_TOLD,
    f"set raised OSError {errno.EBADF}",
]


def run_against_peer(program: Path) -> tuple[list[str], str]:
    """What the program says, and how its peer saw the connection end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        done = subprocess.run([str(program), port], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            try:
                ended = "fin" if connection.recv(1) == b"" else "data"
            except ConnectionResetError:
                ended = "reset"
    return done.stdout.splitlines(), ended


@pytest.mark.parametrize(
    ("linger", "said", "ended"),
    [
        (0, ["linger is not built in", *SET_AS_TOLD, "linger is not built in"], "fin"),
        (1, [f"linger raised OSError {errno.EBADF}", *SET_AS_TOLD, "linger returned"], "reset"),
    ],
    ids=["as ESP-IDF builds lwIP", "CONFIG_LWIP_SO_LINGER"],
)
def test_the_numbers_reach_the_socket(
    linger: int, said: list[str], ended: str, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    program = tmp_path / "calls"
    command = [
        require_tool("gcc"),
        *STRICT,
        f"-DLWIP_SO_LINGER={linger}",
        f"-I{HERE / 'shim'}",
        f"-I{MODULE}",
    ]
    built = subprocess.run(
        [*command, str(HERE / "calls.c"), "-o", str(program)], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    assert run_against_peer(program) == ([*SAID, *said], ended)


def test_both_ways_to_build_firmware_name_the_source() -> None:
    for recipe in ("micropython.cmake", "micropython.mk"):
        assert "/halfopen_keepalive.c" in (MODULE / recipe).read_text()
    assert (MODULE / "halfopen_keepalive.c").is_file()
