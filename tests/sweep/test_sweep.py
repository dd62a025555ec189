"""``halfopen sweep``: answers that follow from what is varied, the same for every number of processes, kept and continued."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sweep.interrupting import interrupted_at

from halfopen.cli import cli
from halfopen.shards import in_shards, map_shards
from halfopen.sweep.cells import CellSums, cells_of, played, played_all
from halfopen.sweep.measures import Sums, airtime_us, measured
from halfopen.sweep.variations import KNOBS, VariationError, axis
from halfopen.twin.scenario import loads
from halfopen.twin.simulation import Simulation

SCENARIO = """
title = "Two valves behind one router"
duration_s = 600
[[peers]]
name = "server"
ip = "192.168.5.2"
services = [{ port = 8080, kind = "sink" }]
[[access_points]]
name = "ap"
[[devices]]
name = "valve"
count = 2
firmware = "link-client"
options = { host = "192.168.5.2", listens = true }
[[impairments]]
at = "server"
kind = "flows-lost"
begin_ms = 300000
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "valves.toml").write_text(SCENARIO)
    return tmp_path


def sweep(*args: str) -> Result:
    return CliRunner().invoke(cli, ["sweep", *args, "--jobs", "1"])


def answers(*args: str) -> list[dict[str, Any]]:
    done = sweep(*args, "--format", "json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["version"] == 1
    assert told["complete"]
    return list(told["answers"])


@pytest.mark.usefixtures("here")
def test_a_death_is_noticed_as_late_as_keepalive_says_and_probes_cost_airtime() -> None:
    found = answers("valves.toml", "--vary", "policy.keepalive.idle=5,20,60", "--devices", "2")
    assert [one["settings"] for one in found] == [{"policy.keepalive.idle": idle} for idle in (5, 20, 60)]
    for one, idle in zip(found, (5, 20, 60), strict=True):
        assert one["deaths"] == 2
        assert one["unnoticed"] == 0
        assert 9 <= one["notice_95_s"] <= idle + 9.6, "3 probes, 3 s apart, from the last answer on"
        assert one["reconnects_a_day"] == pytest.approx(144), "once in ten minutes"
        lost = one["notice_median_s"] + 2
        assert 100 - one["availability"] == pytest.approx(100 * lost / 600, abs=0.6)
    airtime = [one["airtime_ms_an_hour"] for one in found]
    assert airtime == sorted(airtime, reverse=True)
    assert airtime[0] > 3 * airtime[2]


@pytest.mark.usefixtures("here")
def test_a_radio_that_dozes_is_on_more_seldom() -> None:
    found = answers("valves.toml", "--vary", "power_save=none,min", "--vary", "dtim=1,10")
    on = {(one["settings"]["power_save"], one["settings"]["dtim"]): one["radio_on"] for one in found}
    assert on["none", 1] == on["none", 10] == 100
    assert on["min", 10] < on["min", 1] < 20


@pytest.mark.usefixtures("here")
def test_what_nobody_could_notice_is_said_to_be_unnoticed() -> None:
    never = answers("valves.toml", "--vary", "keepalive=true,false")
    assert [(one["deaths"], one["unnoticed"]) for one in never] == [(6, 0), (6, 6)]
    assert never[1]["notice_median_s"] is None
    assert never[1]["availability"] < 51, "dead from half time on, and believed alive"


def test_table_csv_and_page_tell_the_same(here: Path) -> None:
    args = (
        "valves.toml",
        "--vary",
        "policy.keepalive.idle=5,20",
        "--vary",
        "path.delay=0,300",
        "--impairments",
        "24",
    )
    told = {
        form: sweep(*args, "--format", form, "--html", "page.html").stdout for form in ("text", "json", "csv")
    }
    found = json.loads(told["json"])["answers"]
    rows = list(csv.DictReader(io.StringIO(told["csv"])))
    assert len(rows) == len(found) == 4
    for row, one in zip(rows, found, strict=True):
        assert float(row["availability"]) == one["availability"]
        assert int(row["path.delay"]) == one["settings"]["path.delay"]
        assert f"{one['availability']:.3f}" in told["text"]
    page = (here / "page.html").read_text()
    assert page.count('<svg class="chart" viewBox') == 8
    assert page.count("delay [ms]") >= 2
    assert "fingerprint" in told["text"]
    repeat = told["text"].partition("repeat: halfopen ")[2].split()
    again = CliRunner().invoke(cli, [*repeat, "--jobs", "1"])
    assert again.stdout == told["text"]


def tables(count: int = 4) -> dict[str, Any]:
    return {
        "title": "t",
        "duration_s": 3600,
        "peers": [{"name": "server", "ip": "192.168.5.2", "services": [{"port": 8080, "kind": "sink"}]}],
        "access_points": [{"name": "ap"}],
        "devices": [
            {
                "name": "node",
                "count": count,
                "firmware": "link-client",
                "options": {"host": "192.168.5.2", "listens": True},
            }
        ],
    }


def sums_of(cells: list[CellSums]) -> dict[str, Any]:
    whole = Sums()
    for cell in cells:
        whole.add(cell.sums)
    return whole.as_dict()


def test_a_fleet_is_the_same_for_any_number_of_shards_and_processes() -> None:
    cells = cells_of(tables(), 0, 7, 18, 24.0)
    assert [len(cell.tables["devices"]) for cell in cells] == [1] * 5
    assert [cell.tables["devices"][0]["count"] for cell in cells] == [4, 4, 4, 4, 2]
    alone = sums_of([played(cell) for cell in cells])
    assert alone["devices"] == 18
    assert alone["deaths"] > 0
    for size, jobs in ((1, 2), (2, 1), (5, 2)):
        mapped = map_shards(played_all, in_shards(cells, size), jobs=jobs)
        assert sums_of([one for shard in mapped.results for one in shard]) == alone
    backwards = sums_of([played(cell) for cell in reversed(cells)])
    assert backwards == alone
    assert sums_of([played(cell) for cell in cells_of(tables(), 0, 8, 18, 24.0)]) != alone


def test_a_cell_has_the_same_luck_in_every_variation_and_whatever_other_cells_there_are() -> None:
    few, many = cells_of(tables(), 0, 7, 8, 24.0), cells_of(tables(), 3, 7, 80, 24.0)
    assert [(cell.name, cell.seed) for cell in few] == [(cell.name, cell.seed) for cell in many[:2]]
    assert len({cell.seed for cell in many}) == 20


def test_sums_are_those_of_the_truth() -> None:
    simulation = Simulation(loads(SCENARIO, "x"), records=False)
    simulation.run()
    sums = measured(simulation)
    for name in simulation.devices:
        stays = simulation.truth.of("connected", name)
        closed = simulation.truth.of("socket-closed", name)
        assert len(stays) == 2
        assert len(closed) == 1
    noticed = [event["at_ms"] - 300_000 for event in simulation.truth.of("socket-closed")]
    assert sums.deaths == 2
    assert sorted(sums.notice.elements()) == sorted(round(one / 100) for one in noticed)
    dark = sum(noticed) + sum(
        simulation.truth.of("connected", name)[0]["at_ms"]
        + simulation.truth.of("connected", name)[1]["at_ms"]
        - simulation.truth.of("socket-closed", name)[0]["at_ms"]
        for name in simulation.devices
    )
    assert sums.lived_ms - sums.served_ms == pytest.approx(dark, abs=4)
    assert Sums.of_dict(json.loads(json.dumps(sums.as_dict()))) == sums


def test_airtime_of_a_frame_is_what_the_standard_says() -> None:
    # 54 bytes as 802.11 data at 24 Mbit/s: 94 bytes are 774 bits with SERVICE and tail, 9 symbols of 4 us
    assert airtime_us(2, 2 * 54) == pytest.approx(2 * (34 + 67 + 20 + 9 * 4 + 16 + 28), abs=8)


# Asking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("dtim=1,3,10", (1, 3, 10)),
        ("policy.keepalive.idle=5..60", (5, 15, 25, 35, 45, 55, 60)),
        ("policy.keepalive.idle=5..20/5", (5, 10, 15, 20)),
        ("path.loss=0..0.1/0.05", (0.0, 0.05, 0.1)),
        ("keepalive=true,false", (True, False)),
        ("power_save=none,min", ("none", "min")),
        ("option.request_bytes=1,1,2", (1, 2)),
        ("sockets=4..4", (4,)),
    ],
)
def test_values_are_read(text: str, values: tuple[object, ...]) -> None:
    assert axis(text).values == values


@given(st.text(max_size=30))
@settings(max_examples=200)
def test_whatever_is_asked_is_understood_or_refused_in_one_line(text: str) -> None:
    for asked in (text, f"dtim={text}"):
        said = ""
        try:
            assert axis(asked).values
        except VariationError as error:
            said = str(error)
        assert said.isprintable()
        assert len(said) < 300


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ["--vary", "policy.keepalive.idel=5"],
            "--vary policy.keepalive.idel: unknown; policy.keepalive.idle is near",
        ),
        (["--vary", "dtmi=5"], "--vary dtmi: unknown; dtim is near"),
        (["--vary", "colour=red"], "--vary colour: unknown; 'halfopen sweep --names' lists them"),
        (["--vary", "dtim"], "--vary dtim: NAME=VALUES expected"),
        (["--vary", "dtim=9..3"], "--vary dtim: 9..3: from low to high expected"),
        (["--vary", "dtim=1..9/0"], "--vary dtim: 1..9/0: from low to high expected, and a step above 0"),
        (["--vary", "dtim=a..b"], "--vary dtim: a..b: numbers expected"),
        (["--vary", "dtim=0,1"], "dtim=0: access_points[0].dtim: is 0"),
        (
            ["--vary", "policy.keepalive.count=500"],
            "policy.keepalive.count=500: devices[0].options: keep_count",
        ),
        (["--vary", "dtim=1..3", "--vary", "dtim=4"], "--vary dtim: given twice"),
        (
            ["--vary", "sockets=1..16/1", "--vary", "heap=1..1000/1"],
            "--vary: 16,000 variations; 2,000 at most",
        ),
        (["wired.toml", "--vary", "dtim=1"], "--vary dtim: this scenario has no place for it"),
        (["nope.toml"], "nope.toml: No such file or directory"),
        (["--resume"], "sweep: --resume goes with --out"),
        (["valves.toml", "--html", "valves.toml"], "--html valves.toml: is an input; nothing was written"),
    ],
)
def test_what_cannot_be_swept_is_one_line_and_exit_2(here: Path, args: list[str], said: str) -> None:
    (here / "wired.toml").write_text(SCENARIO.replace('[[access_points]]\nname = "ap"\n', ""))
    done = sweep(*args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"halfopen: {said}"), done.stderr
    assert done.stderr.count("\n") == 1


def test_every_name_is_listed_has_words_and_takes_a_value() -> None:
    listed = CliRunner().invoke(cli, ["sweep", "--names"])
    assert listed.exit_code == 0
    for name, knob in KNOBS.items():
        assert f"{name} " in listed.stdout
        assert knob.about in listed.stdout


def test_the_shell_completes_names() -> None:
    done = CliRunner().invoke(
        cli,
        [],
        prog_name="halfopen",
        env={
            "_HALFOPEN_COMPLETE": "bash_complete",
            "COMP_WORDS": "halfopen sweep --vary policy.k",
            "COMP_CWORD": "3",
        },
    )
    assert "plain,policy.keepalive.idle=" in done.stdout


def test_an_interrupted_sweep_keeps_its_cells_and_goes_on(here: Path) -> None:
    command = [sys.executable, "-m", "halfopen", "sweep", "--vary", "policy.keepalive.idle=5..60/5"]
    command += ["--hours", "2", "--jobs", "2", "--out", "night", "--format", "json"]
    kept = here / "night/cells.jsonl"
    status, out, err = interrupted_at(command, here, kept, 4)
    assert status == 130, err
    assert (
        "go on: halfopen sweep --vary policy.keepalive.idle=5..60/5 --hours 2 --seed 1 --out night --resume"
        in err
    )
    assert not json.loads(out)["complete"]
    before = kept.read_bytes()
    assert 3 <= before.count(b"\n") - 1 < 36
    again = subprocess.run(
        [*command, "--resume"], cwd=here, capture_output=True, text=True, timeout=120, check=False
    )
    assert (again.returncode, again.stderr) == (0, "")
    told = json.loads(again.stdout)
    assert told["complete"]
    assert len(told["answers"]) == 12
    assert kept.read_bytes().startswith(before)
