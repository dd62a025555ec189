"""The swarm: promises kept on drawn situations, planted defects found, failures repeated, cut down, continued."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.sweep.interrupting import interrupted_at

from halfopen.cli import cli
from halfopen.link import machine
from halfopen.link.policy import NEVER, Policy
from halfopen.link.vitals import Vitals
from halfopen.sweep import swarm
from halfopen.sweep.drawing import drawn
from halfopen.sweep.promises import broken_promises
from halfopen.sweep.shrinking import shrunk
from halfopen.twin.on_lwip import Link, Socket
from halfopen.twin.scenario import loads
from halfopen.twin.simulation import Simulation

#: As many situations as fit into seconds; ``make soak`` plays 10,000.
SITUATIONS = 12
#: So many at most until a planted defect must have broken a promise.
SEEDS_MAX = 200


@pytest.mark.parametrize("first", range(0, SITUATIONS, 4))
def test_no_promise_is_broken(first: int) -> None:
    for verdict in swarm.verdicts(range(first, first + 4)):
        assert verdict.broken == (), verdict
        assert verdict.links >= 1


def test_a_verdict_is_the_same_for_one_seed_and_goes_through_json() -> None:
    first = swarm.verdict(3)
    assert first == swarm.verdict(3)
    assert swarm.Verdict.of_dict(json.loads(json.dumps(first.as_dict()))) == first


# Planted defects ------------------------------------------------------------------------------------------------


def _forgets_to_close_after_a_failed_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    close, dialed = Socket.close, Link._dialed

    def connected(link: Link) -> None:
        link._sock.stood = True
        dialed(link)

    def forgetful(sock: Any) -> None:
        if getattr(sock, "stood", False):
            close(sock)

    monkeypatch.setattr(Link, "_dialed", connected)
    monkeypatch.setattr(Socket, "close", forgetful)


def _has_no_deadline_for_a_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline, run = Policy.deadline_ms, Simulation.run

    def patient(policy: Policy, state: str) -> tuple[float, str]:
        return (NEVER, "") if state == machine.DIALING else deadline(policy, state)

    def run_patiently(simulation: Simulation, progress: Any = None) -> None:
        with pytest.MonkeyPatch.context() as within:  # what is demanded stays
            within.setattr(Policy, "deadline_ms", patient)
            run(simulation, progress)

    monkeypatch.setattr(Simulation, "run", run_patiently)


def _does_not_watch_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vitals, "next_clock", _clock_without("_writes", []))


def _never_asks_a_silent_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vitals, "next_clock", _clock_without("_expects_answers", False))


def _clock_without(name: str, blind: object) -> Callable[[Vitals], tuple[float, str]]:
    """The clock that runs out first for one who takes what vitals keep in ``name`` for ``blind``."""
    next_clock = Vitals.next_clock

    def clock(vitals: Vitals) -> tuple[float, str]:
        with pytest.MonkeyPatch.context() as within:
            within.setattr(vitals, name, blind)
            return next_clock(vitals)

    return clock


def _sets_no_keepalive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Socket, "set", lambda sock, option, value: None)


def _never_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Policy, "pause_before", lambda policy, failures, chance, draining: 86_400_000)


#: A defect → the promises that it may break.
DEFECTS: dict[Callable[[pytest.MonkeyPatch], None], tuple[str, ...]] = {
    _forgets_to_close_after_a_failed_dial: ("descriptors",),
    _has_no_deadline_for_a_dial: ("deadlines",),
    _does_not_watch_progress: ("progress",),
    _never_asks_a_silent_peer: ("dead peer", "back"),
    _sets_no_keepalive: ("dead peer", "back"),
    _never_tries_again: ("back",),
}


@pytest.mark.parametrize("plant", DEFECTS, ids=lambda plant: plant.__name__.strip("_"))
def test_planted_defects_are_found_and_cut_down(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    seed, promise = next(
        (
            (seed, one.promise)
            for seed in range(SEEDS_MAX)
            for one in swarm.verdict(seed).broken
            if one.promise in DEFECTS[plant]
        ),
        (-1, ""),
    )
    assert promise, f"not found in {SEEDS_MAX} situations"
    whole = drawn(seed)
    small = shrunk(whole, lambda tables: swarm.breaks(tables, promise), tries_max=16)
    assert swarm.breaks(small, promise)
    assert len(small["impairments"]) <= min(2, len(whole["impairments"]))
    assert len(small["devices"]) == 1


def test_cutting_down_finds_the_two_impairments_that_matter() -> None:
    whole = {
        **drawn(1),
        "impairments": [{"at": "x", "kind": "k", "begin_ms": n, "end_ms": n + 9000} for n in range(12)],
    }
    seen = []

    def breaks(tables: dict[str, Any]) -> bool:
        seen.append(tables)
        begins = {one["begin_ms"]: one["end_ms"] - one["begin_ms"] for one in tables["impairments"]}
        return {3, 8} <= begins.keys() and begins[3] > 4000

    small = shrunk(whole, breaks)
    assert [one["begin_ms"] for one in small["impairments"]] == [3, 8]
    assert 4000 < small["impairments"][0]["end_ms"] - 3 <= 9000
    assert small["impairments"][1]["end_ms"] - 8 < 2000
    assert len(seen) < 120


def test_what_the_world_raises_is_a_broken_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    def falls(link: Link) -> None:
        raise machine.ImpossibleEvent(machine.CONNECTED, machine.IDLE)

    monkeypatch.setattr(Link, "_connect_socket", falls)
    broken = swarm.verdict(0).broken
    assert [one.promise for one in broken] == [swarm.CRASH]
    assert "ImpossibleEvent" in broken[0].said
    assert "\n" not in broken[0].said


# The command ----------------------------------------------------------------------------------------------------


def test_a_failure_is_told_repeated_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _never_tries_again(monkeypatch)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["simulate", "--seeds", "3", "--jobs", "1"])
    assert done.exit_code == 1, done.output
    repeat = next(
        line.split("repeat: halfopen ")[1] for line in done.output.splitlines() if "repeat: " in line
    )
    again = CliRunner().invoke(cli, repeat.split())
    assert again.exit_code == 1
    first = next(line for line in done.output.splitlines() if line.startswith("✖"))
    assert first in again.output
    check = next(line.split(": halfopen ")[1] for line in done.output.splitlines() if "cut down to" in line)
    small = tomllib.loads((tmp_path / check.split()[1]).read_text())
    assert 1 <= len(small["impairments"]) <= 2
    checked = CliRunner().invoke(cli, check.split())
    assert (checked.exit_code, checked.output[:7]) == (1, "✖ back:")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    repaired = CliRunner().invoke(cli, check.split())
    assert (repaired.exit_code, repaired.output[:7]) == (0, "✔ 1 lin"), repaired.output


def test_the_results_do_not_depend_on_the_processes(tmp_path: Path) -> None:
    for jobs in ("1", "2"):
        command = [
            sys.executable,
            "-m",
            "halfopen",
            "simulate",
            "--seeds",
            "10..17",
            "--jobs",
            jobs,
            "--out",
            jobs,
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "every promise was kept" in done.stdout
    assert (tmp_path / "1/seeds.jsonl").read_bytes() == (tmp_path / "2/seeds.jsonl").read_bytes()


def test_an_interrupted_swarm_keeps_its_results_and_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "halfopen", "simulate", "--seeds", "0..59", "--jobs", "2"]
    store = tmp_path / "swarm/seeds.jsonl"
    status, out, err = interrupted_at(command, tmp_path, store, 5)
    assert (status, err) == (130, ""), out
    assert "go on: halfopen simulate --seeds 0..59 --jobs 2 --out swarm --resume" in out
    before = store.read_bytes()
    kept = before.count(b"\n") - 1
    assert 4 <= kept < 60
    store.write_bytes(before + b'{"seed":59')  # as if the power had gone
    again = subprocess.run(
        [*command, "--resume"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith("60 seeds, ")
    assert store.read_bytes().startswith(before)
    assert sorted(json.loads(line)["seed"] for line in store.read_text().splitlines()[1:]) == list(range(60))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--seeds", "x"], "--seeds is 'x': a number of seeds, or FIRST..LAST expected"),
        (["--seeds", "9..3"], "--seeds is '9..3': at least one seed from 0 on expected"),
        (["--seeds", "0"], "--seeds is '0': at least one seed from 0 on expected"),
        (
            ["--seeds", "3", "HO101"],
            "simulate: --seeds draws the situations; only --out, --jobs and --resume go with it",
        ),
        (
            ["--seeds", "3", "--out", "taken"],
            "taken/seeds.jsonl: holds an earlier run; --resume continues it",
        ),
        (
            ["--seeds", "3", "--out", "taken", "--resume"],
            "taken/seeds.jsonl: is of another run: halfopen swarm, seeds 0..4",
        ),
        (["--seeds", "3", "--out", "file/below"], "file/below: "),
        (["HO101", "--jobs", "2", "--out", "x"], "simulate: --jobs and --resume go with --seeds"),
        ([], "simulate: name a scenario, or give --seeds"),
        (["HO101"], "simulate: --out is missing: the folder to write to"),
        (["HO101", "--check"], "--check: no device of the scenario runs link-client, so nothing is promised"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    args: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/seeds.jsonl").write_text(
        '{"halfopen":"swarm","seeds":"0..4"}\n{"seed":0,"links":1,"broken":[]}\n'
    )
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(cli, ["simulate", *args])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"halfopen: {said}"), done.stderr
    assert done.stderr.count("\n") == 1


def test_a_cured_proof_keeps_its_promises_too() -> None:
    done = CliRunner().invoke(cli, ["simulate", "HO101", "--cured", "--check"])
    assert (done.exit_code, done.output) == (
        0,
        "✔ 1 links kept their promises: descriptors, deadlines, dead peer, progress, back, heap\n",
    )


# What the swarm found, and stays repaired -----------------------------------------------------------------------


def _played(text: str) -> Simulation:
    simulation = Simulation(loads(text, "found"), records=False)
    simulation.run()
    return simulation


LISTENING = """
title = "A valve that waits for commands"
duration_s = 60
network = { delay_ms = 80 }
[[peers]]
name = "server"
ip = "192.168.5.2"
services = [{ port = 8080, kind = "talker", chunk_bytes = 100, pause_ms = 1000 }]
[[devices]]
name = "valve"
firmware = "link-client"
options = { host = "192.168.5.2", listens = true, keep_idle_s = 5 }
"""


def test_a_probe_completes_no_handshake_on_the_peer() -> None:
    """The device's last ACK of the handshake was lost, its keepalive probe was taken for it, and the peer never began to
    talk. Linux answers a probe and goes on sending its SYN-ACK (tcp_check_req)."""
    lost = '[[impairments]]\nat = "valve"\nkind = "blackhole"\nbegin_ms = 2250\nend_ms = 12000\ndirection = "to-peer"\n'
    simulation = _played(LISTENING + lost)
    assert simulation.truth.of("connected", "valve")[0]["at_ms"] < 2500
    assert simulation.truth.of("exchanged", "valve"), "the peer begins to talk when a repeated ACK reaches it"
    assert broken_promises(simulation) == []


def test_outages_of_a_peer_that_overlap_end_with_the_last() -> None:
    """A second, short outage within a long one brought the peer back before its time."""
    outage = '[[impairments]]\nat = "server"\nkind = "{}"\nbegin_ms = {}\nend_ms = {}\n'
    for long, short in (("peer-vanished", "peer-rebooted"), ("peer-vanished", "peer-vanished")):
        simulation = _played(
            LISTENING + outage.format(long, 10_000, 40_000) + outage.format(short, 15_000, 16_000)
        )
        heard = [event["at_ms"] for event in simulation.truth.of("exchanged", "valve")]
        assert not [at for at in heard if 10_500 < at < 40_000]
        assert [at for at in heard if at > 40_000]
