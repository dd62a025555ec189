"""What is drawn from seeds: the same for ever, playable, writable as TOML, and of every kind."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfopen.impairments import KINDS
from halfopen.prove import bundled
from halfopen.sweep.as_toml import as_toml
from halfopen.sweep.drawing import drawn
from halfopen.sweep.faults import FAULTS, HEALTHY, drawn_fault
from halfopen.sweep.witnesses import WITNESSES, showed
from halfopen.twin.scenario import loads, of_tables
from halfopen.twin.simulation import Simulation

SEEDS = range(300)


def test_a_situation_is_a_function_of_its_seed() -> None:
    assert drawn(7) == drawn(7)
    assert len({json.dumps(drawn(seed)) for seed in SEEDS}) == len(SEEDS)


def test_every_situation_can_be_played_and_written_as_a_file_that_says_the_same() -> None:
    for seed in SEEDS:
        tables = drawn(seed)
        text = as_toml(tables, "about\nit")
        assert text.startswith("# about\n# it\n")
        assert tomllib.loads(text) == tables
        assert loads(text, "x") == of_tables(tables, "x")


def test_situations_are_of_every_kind() -> None:
    kinds: set[str] = set()
    programs: set[str] = set()
    for seed in SEEDS:
        tables = drawn(seed)
        kinds |= {one["kind"] for one in tables["impairments"]}
        programs |= {one["firmware"] for one in tables["devices"]}
    assert kinds == set(KINDS)
    assert programs >= {"link-client", "careful-client", "leaky-client", "storming-client"}


@given(
    st.recursive(
        st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
@settings(max_examples=80)
def test_any_tables_are_written_so_that_toml_reads_them_back(value: Any) -> None:
    tables = {
        "title": "t",
        "things": [{"one": value, "two": {"deep": {"x": 1}, "flat": 2}}],
        "table": {"inner": value},
        "last": value,
    }
    assert tomllib.loads(as_toml(tables)) == tables


def test_every_fault_that_can_be_proved_can_be_drawn_and_witnessed() -> None:
    assert set(FAULTS) == set(WITNESSES) >= set(bundled())


@pytest.mark.parametrize("code", FAULTS)
def test_a_drawn_fault_shows_in_the_world(code: str) -> None:
    shown = 0
    for seed in range(4):
        scenario = of_tables(drawn_fault(code, seed), f"{code} {seed}")
        assert scenario.code == code
        simulation = Simulation(scenario, records=False)
        simulation.run()
        shown += showed(code, simulation)
    assert shown >= 3
    assert drawn_fault(code, 3) == drawn_fault(code, 3) != drawn_fault(code, 4)


def test_nothing_fails_where_nothing_is_wrong() -> None:
    for seed in range(6):
        simulation = Simulation(of_tables(drawn_fault(HEALTHY, seed), f"healthy {seed}"), records=False)
        simulation.run()
        for name, device in simulation.devices.items():
            assert device.boots == 1 or device.sleep_ns  # who sleeps deeply boots when it wakes
            assert simulation.truth.of("exchanged", name), (seed, name)
            assert not [
                code
                for code in WITNESSES
                if code in ("HO101", "HO203", "HO204", "HO603", "HO604") and showed(code, simulation)
            ]
