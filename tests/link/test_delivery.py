"""Recorded lines on their way: as datagrams, as messages, over a kept connection, and repeats dropped where they arrive."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.link import delivery
from halfopen.link.delivery import REMEMBERED, Receiver, mqtt, syslog, to_mqtt, to_syslog
from halfopen.link.on_asyncio import Link, Policy
from halfopen.link.recorder import Recorder
from halfopen.link.rtc import RtcMemory

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to" / "a-log-that-survives-the-outage.md"
#: What the Unix port's module ``machine`` lacks.
ESP32 = """
import sys
sys.path.insert(0, sys.argv[1])
class Rtc:
    held = b""
    def memory(self, data=None):
        if data is None:
            return Rtc.held
        Rtc.held = bytes(data)
class Machine:
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
    RTC = Rtc
    def reset_cause(self):
        return 3
sys.modules["machine"] = Machine()
"""
LINE = "#7.5f3a09c1.123 W (81234) halfopen: ONLINE -> CLOSING by SEND_STALLED fd=54"
#: RFC 5424, section 6: PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP SD SP MSG
RFC5424 = re.compile(
    r"<(?P<pri>0|[1-9]\d{0,2})>1 (?:-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) "
    r"(?P<host>[!-~]{1,255}) [!-~]{1,48} (?:-|[!-~]{1,128}) (?:-|[!-~]{1,32}) - (?P<message>.*)",
    re.DOTALL,
)


class Rtc:
    """What ``machine.RTC()`` has of memory."""

    held = b""

    def memory(self, data: bytes | None = None) -> bytes:
        if data is not None:
            self.held = bytes(data)
        return self.held


@pytest.mark.parametrize(("level", "severity"), [("E", 3), ("W", 4), ("I", 6), ("D", 7), ("V", 7), ("?", 7)])
def test_a_syslog_line_has_the_levels_severity(level: str, severity: int) -> None:
    found = RFC5424.fullmatch(syslog(LINE.replace("W", level, 1), "sensor-7", "2026-11-26T06:49:31Z"))
    assert found
    assert int(found["pri"]) == 16 * 8 + severity
    assert found["host"] == "sensor-7"
    assert found["message"] == LINE.replace("W", level, 1)


@given(st.text())
def test_no_name_of_a_device_breaks_a_header_or_a_topic(device: str) -> None:
    found = RFC5424.fullmatch(syslog(LINE, device))
    assert found
    assert found["message"] == LINE
    topic, payload = mqtt(LINE, device)
    assert topic.count("/") == 2
    assert not set(topic) & set("+#\0 \n")
    assert payload == LINE.encode()


def test_datagrams_arrive_as_they_were_named() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine,
    ):
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        recorder = Recorder(RtcMemory(Rtc()), 0x5F3A09C1, "WDT_RESET")
        assert recorder.deliver(to_syslog(mine.sendto, server.getsockname(), "sensor-7")) == 1
        assert server.recv(2048) == (
            b"<132>1 - sensor-7 halfopen - - - #1.5f3a09c1.1 W (0) halfopen: boot 1 reset=WDT_RESET"
        )


def test_a_publish_that_was_not_acknowledged_marks_nothing() -> None:
    recorder = Recorder(RtcMemory(Rtc()), 1)
    published: list[tuple[str, bytes]] = []
    assert recorder.deliver(to_mqtt(lambda *message: False, "sensor-7")) == 0
    assert recorder.deliver(to_mqtt(lambda *message: published.append(message), "sensor-7")) == 1
    assert published == [("halfopen/sensor-7/journal", b"#1.00000001.1 W (0) halfopen: boot 1 reset=-")]


def test_a_receiver_remembers_a_bounded_past() -> None:
    taken: list[str] = []
    receiver = Receiver(lambda _, line: taken.append(line))
    for round_ in range(2):
        for number in range(REMEMBERED + 1):
            receiver("a", f"#1.00000001.{number} x")
        assert receiver.repeats == 0, round_
    assert not receiver("a", f"#1.00000001.{REMEMBERED} x")
    assert len(taken) == 2 * (REMEMBERED + 1)
    assert delivery.named(1, 1, "5", "x") == "#1.00000001.5 x"


def test_a_link_keeps_its_journal_in_it_and_delivers_it_after_the_outage() -> None:
    """A real link on loopback: its peer goes away, comes back, and is told what happened meanwhile."""
    told: list[str] = []
    passed_on: list[str] = []

    async def outage() -> int:
        goodbye = [True]

        async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if goodbye:
                goodbye.clear()
                writer.close()
                return
            while line := await reader.readline():
                told.append(line.decode().rstrip("\n"))
            writer.close()

        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        recorder = Recorder(RtcMemory(Rtc()), 1, "PWRON_RESET", passed_on.append)
        quick: dict[str, Any] = {"pause_ms": 10, "backoff_ms": 10, "backoff_max_ms": 20}
        delivered = 0
        async with server, Link("127.0.0.1", port, policy=Policy(**quick), say=recorder) as link:
            async for connection in link:
                async with connection:
                    if not goodbye:
                        while batch := recorder.pending():
                            await connection.write("".join(f"{line}\n" for _, line in batch).encode())
                            recorder.mark(batch[-1][0])
                            delivered += len(batch)
                        while len(told) < delivered:
                            await asyncio.sleep(0.01)
                        break
                    await connection.read()
        return delivered

    assert asyncio.run(asyncio.wait_for(outage(), 20)) >= 10
    lines = [line.partition(" ")[2] for line in told]
    assert lines == passed_on[: len(lines)]
    assert len([line for line in lines if "-> ONLINE by CONNECTED" in line]) == 2
    assert any("ONLINE -> CLOSING by PEER_CLOSED" in line for line in lines)


def test_the_how_to_runs_on_micropython(tmp_path: Path, require_tool: Callable[[str], str]) -> None:
    first = HOW_TO.read_text().split("```python\n")[1].split("```")[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        port = server.getsockname()[1]
        assert '("collector.lan", 514)' in first
        program = tmp_path / "main.py"
        program.write_text(
            ESP32
            + first.replace('("collector.lan", 514)', f'("127.0.0.1", {port})')
            + 'recorder("W (81234) app: it is dark")\nprint(deliver(), deliver())\n'
            + "from halfopen.link.delivery import Receiver, mqtt\nreceiver = Receiver(lambda *taken: print(taken))\n"
            + 'print(receiver("a", "#1 x"), receiver("a", "#1 x"), receiver.repeats, mqtt("x", "b/c"))\n'
        )
        done = subprocess.run(
            [require_tool("micropython"), str(program), str(ROOT / "src")],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines() == [
            "W (0) halfopen: boot 1 reset=WDT_RESET",
            "W (81234) app: it is dark",
            "2 0",
            "('a', '#1 x')",
            "True False 1 ('halfopen/bc/journal', b'x')",
        ]
        received = [server.recv(2048).decode() for _ in range(2)]
    assert [re.sub(r"[0-9a-f]{8}", "LIFE", line) for line in received] == [
        "<132>1 - sensor-7 halfopen - - - #1.LIFE.1 W (0) halfopen: boot 1 reset=WDT_RESET",
        "<132>1 - sensor-7 halfopen - - - #1.LIFE.2 W (81234) app: it is dark",
    ]
