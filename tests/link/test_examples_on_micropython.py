"""The examples for a board run on MicroPython's Unix port with what mip installs, lose their peer, and come back."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.link.test_examples import ECHO, Program, free_port, running, wait_listening

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "link" / "micropython"
BOARD = Path(__file__).parent / "board"


@contextlib.contextmanager
def on_board(micropython: str, files: Path, example: str, port: int) -> Iterator[Program]:
    """The example under way with nothing but the built files to import."""
    paths = f"MICROPYPATH={files}:.frozen"
    with running("env", paths, micropython, str(EXAMPLES / example), "127.0.0.1", str(port)) as program:
        yield program


def broker(command: str, folder: Path, port: int, *more: str) -> list[str]:
    config = folder / "mosquitto.conf"
    config.write_text("\n".join([f"listener {port} 127.0.0.1", *more]) + "\n")
    return [command, "-c", str(config)]


@pytest.mark.parametrize(
    ("example", "success"), [("tcp_sensor.py", "stored: 21.5 C"), ("mqtt_sensor.py", "published")]
)
def test_it_works_loses_its_peer_and_comes_back(
    example: str, success: str, device_files: Path, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    micropython, port = require_tool("micropython"), free_port()
    if example == "mqtt_sensor.py":
        peer = broker(require_tool("mosquitto"), tmp_path, port, "allow_anonymous true")
    else:
        peer = [sys.executable, "-c", ECHO, str(port)]
    with on_board(micropython, device_files, example, port) as program:
        program.wait_for("cause=refused")
        with running(*peer):
            program.wait_for(success)
        program.wait_for("lost: ")
        program.wait_for("DIAL_FAILED")
        with running(*peer):
            wait_listening(port)
            program.wait_for(success)
    assert not any("Traceback" in line for line in program.seen)


def test_a_broker_that_wants_a_password_is_told_of(
    device_files: Path, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    port = free_port()
    with running(*broker(require_tool("mosquitto"), tmp_path, port, "allow_anonymous false")):
        wait_listening(port)
        with on_board(require_tool("micropython"), device_files, "mqtt_sensor.py", port) as program:
            program.wait_for("the broker refused: 5")  # MQTT 3.1.1, 3.2.2.3: not authorized


def test_without_arguments_wi_fi_is_theirs(
    device_files: Path, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    """As on a board: the example joins by itself. The stand-in gives no address, so that nothing is dialled."""
    radio = tmp_path / "radio"
    radio.write_text("0.0.0.0 0.0.0.0 1001 -50")
    for example in EXAMPLES.glob("*.py"):
        command = [
            *("env", f"HALFOPEN_RADIO={radio}", f"MICROPYPATH={device_files}:{BOARD}:.frozen"),
            *(require_tool("micropython"), str(example)),
        ]
        with running(*command) as program:
            program.wait_for("JOINING -> LEASING by JOINED")
