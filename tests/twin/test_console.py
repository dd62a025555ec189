"""What devices print: every line in a shape that its firmware's own tools know, in the order of its clock."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from halfopen import prove
from halfopen.twin.console import Console, strerror
from halfopen.twin.firmware import PROGRAMS
from halfopen.twin.scenario import load
from halfopen.twin.simulation import Simulation
from halfopen.twin.world import SECOND, World

SCENARIOS = sorted((Path(prove.__file__).parent / "scenarios").glob("*.toml"))
#: What stands in a log without a level: the ROM's lines, a panic's, and what a program prints by itself.
BARE = (
    r"ets [A-Z][a-z]{2} \d+ \d{4} \d\d:\d\d:\d\d",
    r"rst:0x[0-9a-f]+ \(\w+\),boot:0x[0-9a-f]+ \(\w+\)",
    r"configsip: 0, SPIWP:0xee|mode:DIO, clock div:\d|entry 0x[0-9a-f]{8}",
    r"|abort\(\) was called at PC 0x[0-9a-f]{8} on core \d|Backtrace:( ?0x[0-9a-f]{8}:0x[0-9a-f]{8})+|Rebooting\.\.\.",
)
SHAPES = {
    # esp_log's V1: level, milliseconds since boot, tag; the Wi-Fi library leaves the blank out.
    "esp-idf": r"[EWIDV] \(\d+\) [\w -]{1,48}: {0,2}\S.*",
    # esp32-hal-log.h of the cores 2 and 3; and what a sketch prints.
    "arduino": r"\[ *\d+\]\[[EWIDV]\]\[\w+\.cpp:\d+\] \w+\(\): .+|Connecting to .+|WiFi connected, .+|DHCP timeout.*|status: heap=\d+ .+",
    # ESPHome's logger with the host's time; what ESP-IDF itself prints passes as it is.
    "esphome": r"\[\d\d:\d\d:\d\d\.\d{3}\]\[[EWICDV]{1,2}\]\[[\w.]+:\d{3,}\]: .+|[EWI] \(\d+\) \w+: .+",
    # print(), tracebacks, the prompt, and the journal of link, which has ESP-IDF's shape.
    "micropython": r"[EWI] \(\d+\) (halfopen|MEM|wifi): .+|network config: \(.+\)|connecting to network\.\.\.|get \d+ .+|uplink connected, fd=\d+|Traceback.*"
    r'|  File "\w+\.py", line \d+, in .+|OSError: .+|MicroPython v1\.\S+ on .+|Type "help\(\)".+|>>> ',
}


@cache
def consoles(path: Path) -> list[Console]:
    """The consoles of both runs of a scenario."""
    found: list[Console] = []
    for scenario in (load(path), load(path).cured()):
        simulation = Simulation(scenario)
        simulation.run()
        found += [device.console for device in simulation.devices.values()]
    return found


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_line_has_the_shape_of_its_firmware(path: Path) -> None:
    for console in consoles(path):
        shape = re.compile("|".join((SHAPES[console.dialect], *BARE)))
        for line in console.text().splitlines():
            assert shape.fullmatch(line), f"{console.dialect}: {line!r}"


def test_every_program_is_heard_somewhere() -> None:
    heard = {
        device.firmware.NAME
        for path in SCENARIOS
        for scenario in (load(path), load(path).cured())
        for device in scenario.devices
    }
    assert set(PROGRAMS) - heard <= {"careful-client"}
    assert {kind.SPEAKS for kind in PROGRAMS.values()} == set(SHAPES)


def test_the_clock_of_a_log_runs_forward_and_starts_anew_at_a_reset() -> None:
    (path,) = [path for path in SCENARIOS if path.name.startswith("HO205")]
    failing = consoles(path)[0].text()
    boots = failing.split("ets Jul 29 2019")[1:]
    assert len(boots) == 2
    for boot in boots:
        times = [int(found) for found in re.findall(r"^[EWI] \((\d+)\)", boot, re.MULTILINE)]
        assert times == sorted(times)
        assert times[0] < 100


def test_errors_are_spelled_as_newlib_does() -> None:
    assert strerror(113) == "errno 113 (Software caused connection abort)"
    assert strerror(11) == "errno 11 (No more processes)"
    assert strerror(999) == "errno 999 (Unknown error)"


def test_dialects_write_their_clocks() -> None:
    world = World(1)
    console = Console(world, "arduino")
    world.run(until=62 * SECOND + 5_000_000)
    console.idf("E", "app", "x")
    console.wifi("I", "state: run -> init (c800)")
    console.arduino("W", "STA.cpp:150", "_onStaArduinoEvent", "Reason: 200 - BEACON_TIMEOUT")
    console.esphome("D", "sensor", 7, "x")
    assert console.text().splitlines() == [
        "E (62005) app: x",
        "I (62005) wifi:state: run -> init (c800)",
        "[ 62005][W][STA.cpp:150] _onStaArduinoEvent(): Reason: 200 - BEACON_TIMEOUT",
        "[00:01:02.005][D][sensor:007]: x",
    ]
