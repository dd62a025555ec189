"""The twin beside the real lwIP: every recording of the lab, played again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halfopen.twin.fidelity.__main__ import main
from halfopen.twin.fidelity.comparing import Comparison, compare, replay
from halfopen.twin.fidelity.situations import SITUATIONS
from halfopen.twin.fidelity.wire import read_capture

LWIP = Path(__file__).parents[1] / "recordings" / "lwip"
AIR = LWIP.with_name("air")
PAGE = Path(__file__).parents[2] / "docs" / "internals" / "fidelity.md"


def test_every_recording_is_known() -> None:
    assert sorted(path.name.removesuffix(".pcapng") for path in LWIP.glob("*.pcapng")) == sorted(SITUATIONS)


def compared(name: str, seed: int = 7) -> Comparison:
    return compare(LWIP, name, SITUATIONS[name], seed)


@pytest.mark.parametrize("name", [name for name in SITUATIONS if name != "c1_send_block"])
def test_same_segments_same_order_same_times_same_errors(name: str) -> None:
    one = compared(name)
    assert one.unmatched() == []
    assert one.late() == []
    assert one.wrong_calls() == []
    assert one.windows() == []
    assert one.holds


@pytest.mark.parametrize("name", ["d1_ka_before", "c2_recv_unacked", "n_wifi_drop"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_holds_whatever_the_seed_is(name: str, seed: int) -> None:
    assert compared(name, seed).holds


@pytest.mark.parametrize(
    "name",
    [
        "a_leaky",
        "b_close",
        "c2_recv_unacked",
        "d1_ka_before",
        "d5_ka_rebooted",
        "e2_httpd_like",
        "f1_zero_window_live",
        "f3_device_not_reading",
        "h_timewait",
    ],
)
def test_a_recording_is_understood_by_its_description(name: str) -> None:
    assert compare(LWIP, name).holds


def test_the_named_gap_is_no_larger_than_named() -> None:
    one = compared("c1_send_block")
    assert SITUATIONS["c1_send_block"].gap
    assert one.unmatched() == []
    assert one.wrong_calls() == []
    assert [round(real.time) for real, _ in one.late()] == [404, 606]
    assert all(abs(real.time - twin.time) / real.time < 0.054 for real, twin in one.late())


def test_a_difference_is_found() -> None:
    """The examiner of the twin is examined: another keepalive setting must not hold."""
    situation = SITUATIONS["d1_ka_before"]
    other = type(situation)(situation.title, situation.serves, options=SITUATIONS["a_leaky"].options)
    one = compare(LWIP, "d1_ka_before", other)
    assert not one.holds
    assert one.unmatched()


@pytest.mark.parametrize(("name", "cost"), [("a_leaky", 2240), ("b_close", 2032)])
def test_connections_cost_the_heap_that_was_measured(name: str, cost: int) -> None:
    """The lab: bytes of heap that each further cycle holds, once the first ones have warmed up."""
    truth = json.loads((LWIP / f"{name}.truth.json").read_text())
    real = [entry["free"] for entry in truth["summary"]["mem"]]
    assert real[-2] - real[-1] == cost
    lab, _ = replay(SITUATIONS[name], truth, read_capture((LWIP / f"{name}.pcapng").read_bytes()), 7)
    cycles = len(real) - 1
    held = lab.device.heap.by_caller()
    assert abs(sum(held.values()) / cycles - cost) / cost < 0.05


def test_the_page_is_as_generated(tmp_path: Path) -> None:
    fresh = tmp_path / "fidelity.md"
    assert main([str(LWIP), str(AIR), str(fresh)]) == 0
    assert fresh.read_text() == PAGE.read_text(), "make fidelity"


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert main([]) == 2
    (tmp_path / "d1_ka_before.truth.json").write_text("{")
    assert main([str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
