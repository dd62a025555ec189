"""Scenarios: the bundled ones are sound, and whatever is wrong is told in one line with file, place and reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfopen import prove
from halfopen.twin.firmware import PROGRAMS, program
from halfopen.twin.scenario import load, loads
from halfopen.twin.simulation import Simulation
from halfopen.twin.tables import ScenarioError

SCENARIOS = sorted((Path(prove.__file__).parent / "scenarios").glob("*.toml"))
EXAMPLES = Path(__file__).parents[2] / "examples" / "scenarios"
SOUND = """
title = "t"
duration_s = 30
[[peers]]
name = "server"
ip = "192.168.5.2"
services = [{ port = 8080, kind = "responder" }]
[[devices]]
name = "sensor"
count = 2
firmware = "leaky-client"
options = { host = "192.168.5.2" }
sdkconfig = { CONFIG_LWIP_MAX_SOCKETS = 5 }
[devices.cure]
firmware = "link-client"
why = "because"
[[callers]]
name = "phone"
device = "sensor-2"
[[impairments]]
at = "sensor"
kind = "loss"
probability = 0.1
"""


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_bundled_scenarios_say_what_they_show(path: Path) -> None:
    scenario = load(path)
    assert path.name.startswith(f"{scenario.code}-") or not path.name.startswith("HO")
    assert scenario.title
    assert scenario.curable
    assert path.read_text().startswith("# "), "a reader learns first what happens"


def test_the_examples_are_the_bundled_ones() -> None:
    assert sorted(path.name for path in EXAMPLES.glob("*.toml")) == [path.name for path in SCENARIOS]


def test_every_part_of_the_schema_is_read() -> None:
    scenario = loads(SOUND, "sound.toml")
    assert [device.names() for device in scenario.devices] == [["sensor-1", "sensor-2"]]
    assert scenario.devices[0].sdkconfig == "CONFIG_LWIP_MAX_SOCKETS=5"
    assert scenario.cured().devices[0].firmware.NAME == "link-client"
    simulation = Simulation(scenario)
    simulation.run()
    assert set(simulation.files()) == {
        "sensor-1.log",
        "sensor-1.pcapng",
        "sensor-2.log",
        "sensor-2.pcapng",
        "truth.json",
    }
    assert simulation.devices["sensor-1"].stack.sockets.base == 59  # FACTS: 64 - MAX_SOCKETS


@pytest.mark.parametrize(
    ("before", "after", "place", "reason"),
    [
        ('title = "t"', "", "title", "missing"),
        ("duration_s = 30", "duration_s = 0", "duration_s", "1 to 604800"),
        ("duration_s = 30", 'duration_s = "30"', "duration_s", "a whole number"),
        ("duration_s = 30", "duration_s = true", "duration_s", "a whole number"),
        ("duration_s = 30", "duration_s = 30\nspeed = 2", "speed", "unknown"),
        ('"192.168.5.2"\nservices', '"192.168.5.300"\nservices', "peers[0].ip", "an IPv4 address"),
        ('"192.168.5.2"\nservices', '"192.168.5.77"\nservices', "peers[0].ip", "192.168.5.1 to .9"),
        ('kind = "responder"', 'kind = "teapot"', "peers[0].services[0].kind", "one of responder"),
        ('name = "sensor"', 'name = "../etc"', "devices[0].name", "letters"),
        ('name = "sensor"', 'name = "server"', "callers[0].device", "no device"),
        ('name = "phone"', 'name = "server"', "callers[0].name", "another has that name"),
        ("count = 2", "count = 900", "devices[0].count", "1 to 150"),
        ('firmware = "leaky-client"', 'firmware = "blinky"', "devices[0].firmware", "one of blocking-client"),
        ("options = { host", "options = { hots", "devices[0].options", "knows no option 'hots'"),
        ("MAX_SOCKETS = 5", "MAX_SOCKETS = 500", "devices[0].sdkconfig", "1 to 253"),
        ("CONFIG_LWIP_MAX_SOCKETS = 5", "MAX_SOCKETS = 5", "devices[0].sdkconfig.MAX_SOCKETS", "CONFIG_"),
        (
            "MAX_SOCKETS = 5",
            "MAX_SOKETS = 5",
            "devices[0].sdkconfig.CONFIG_LWIP_MAX_SOKETS",
            "MAX_SOCKETS is near",
        ),
        (
            "CONFIG_LWIP_MAX_SOCKETS = 5",
            "CONFIG_Q = 5",
            "devices[0].sdkconfig.CONFIG_Q",
            "unknown to the twin",
        ),
        ('why = "because"', "", "devices[0].cure.why", "missing"),
        ('device = "sensor-2"', 'device = "sensor-3"', "callers[0].device", "no device"),
        ('at = "sensor"', 'at = "moon"', "impairments[0].at", "nobody"),
        ('kind = "loss"', 'kind = "rain"', "impairments[0]", "one of ap-forgets"),
        ("probability = 0.1", "probability = 1.5", "impairments[0]", "0 to 1"),
        (
            "probability = 0.1",
            "probability = 0.1\nbegin_ms = 30000",
            "impairments[0].begin_ms",
            "ends before",
        ),
        ("[[devices]]", "[devices]", "devices", "an array of tables"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(before: str, after: str, place: str, reason: str) -> None:
    assert before in SOUND
    with pytest.raises(ScenarioError) as caught:
        loads(SOUND.replace(before, after, 1), "mine.toml")
    said = str(caught.value)
    assert said.startswith(f"mine.toml: {place}"), said
    assert reason in said
    assert "\n" not in said


def test_what_cannot_be_read_is_told() -> None:
    for text, reason in (("a = ", "not TOML"), ("[[[", "not TOML"), ("a = " + "[" * 5000, "not TOML")):
        with pytest.raises(ScenarioError, match=f"^mine.toml: {reason}") as caught:
            loads(text, "mine.toml")
        assert "\n" not in str(caught.value)


def test_an_impairment_must_fit_whom_it_befalls() -> None:
    text = SOUND.replace('kind = "loss"\nprobability = 0.1', 'kind = "peer-stalled"')
    with pytest.raises(
        ScenarioError, match=r"mine.toml: impairments\[0\]: peer-stalled cannot happen to sensor-1"
    ):
        Simulation(loads(text, "mine.toml"))


_VALUES = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key and index within ``value``."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        return [place]
    return [place, *(found for key, inner in items for found in _places(inner, (*place, key)))]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_values_are_refused_in_one_line_or_can_be_played(data: st.DataObject) -> None:
    from halfopen.twin import scenario as reading

    path = data.draw(st.sampled_from(SCENARIOS))
    values = tomllib.loads(path.read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from([place for place in _places(values) if place]))
        inner: Any = values
        try:
            for key in way:
                inner = inner[key]
            if data.draw(st.booleans()) and isinstance(inner, dict):
                inner[data.draw(st.text(max_size=8))] = data.draw(_VALUES)
            else:
                inner[last] = data.draw(_VALUES)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier damage has removed the place
    try:
        found = reading.of_tables(values, "mine.toml")
        Simulation(found)
    except ScenarioError as error:
        said = str(error)
    else:
        return
    assert re.match(r"mine\.toml: .", said)
    assert said.isprintable()


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SCENARIOS), st.data())
def test_damaged_text_is_refused_in_one_line(path: Path, data: st.DataObject) -> None:
    text = path.read_text()
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 40)))
    damaged = text[:start] + data.draw(st.text(max_size=10)) + text[stop:]
    try:
        loads(damaged, "mine.toml")
    except ScenarioError as error:
        said = str(error)
    else:
        return
    assert said.startswith("mine.toml: ")
    assert said.isprintable()


def test_programs_are_found_by_name_and_tell_their_options() -> None:
    known = PROGRAMS
    assert len(known) >= 12
    for name, kind in known.items():
        assert program(name, {}).NAME == name == kind.NAME
        assert kind.__doc__
    with pytest.raises(ValueError, match="port is 'x': a whole number expected"):
        program("leaky-client", {"port": "x"})
    with pytest.raises(ValueError, match="period_ms is 0"):
        program("leaky-client", {"period_ms": 0})


def test_the_page_tells_the_whole_schema() -> None:
    from dataclasses import fields

    from halfopen.impairments import KINDS
    from halfopen.twin.radio_plans import AccessPointPlan, SnifferPlan, WifiPlan
    from halfopen.twin.scenario import CallerPlan, DevicePlan, PeerPlan, Scenario, ServicePlan

    page = (Path(__file__).parents[2] / "docs/how-to/simulate.md").read_text()
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    for name, kind in PROGRAMS.items():
        told = rows[name] + "`host` `port` `panics`"
        assert all(f"`{option.name}`" in told for option in fields(kind)), name
    for name, kind in KINDS.items():
        told = rows[name] + "`begin_ms` `end_ms`"
        assert all(f"`{option.name}`" in told for option in fields(kind)), name
    for plan in (
        Scenario,
        PeerPlan,
        DevicePlan,
        CallerPlan,
        ServicePlan,
        AccessPointPlan,
        WifiPlan,
        SnifferPlan,
    ):
        for option in fields(plan):
            assert option.name in page or option.name == "file", option.name
    example = page.partition("```toml\n")[2].partition("```")[0]
    scenario = loads(example, "page.toml")
    Simulation(scenario).run()
