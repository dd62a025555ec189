"""``halfopen simulate`` as a user meets it: files, the same bytes for the same seed, and nothing overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.twin.test_world import SOURCE, other_pythons

SCENARIOS = sorted((SOURCE / "halfopen/prove/scenarios").glob("HO*.toml"))
SCENARIO = """
title = "A fleet of three behind one bad path"
duration_s = 90
[network]
delay_ms = 3
jitter_ms = 4
[[peers]]
name = "server"
ip = "192.168.5.2"
domain = "server.example"
services = [{ port = 8080, kind = "responder" }]
[[devices]]
name = "node"
count = 3
lease = true
firmware = "link-client"
options = { host = "server.example" }
[[impairments]]
at = "node"
kind = "loss"
begin_ms = 10000
probability = 0.2
[[impairments]]
at = "node-2"
kind = "link-down"
begin_ms = 30000
end_ms = 40000
"""


def halfopen(*args: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "halfopen", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**os.environ, **env},
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fleet.toml").write_text(SCENARIO)
    return tmp_path


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed(folder: Path) -> None:
    for out, hashes in (("a", "1"), ("b", "2")):
        done = halfopen(
            "simulate", "fleet.toml", "--seed", "7", "--out", out, cwd=folder, PYTHONHASHSEED=hashes
        )
        assert (done.returncode, done.stderr) == (0, "")
    names = sorted(path.name for path in (folder / "a").iterdir())
    assert names == sorted(
        [*(f"node-{n}{end}" for n in (1, 2, 3) for end in (".log", ".pcapng")), "truth.json"]
    )
    for name in names:
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes(), name
    other = halfopen("simulate", "fleet.toml", "--seed", "8", "--out", "c", cwd=folder)
    assert other.returncode == 0
    assert (folder / "c/node-1.pcapng").read_bytes() != (folder / "a/node-1.pcapng").read_bytes()


def test_it_says_what_to_do_next_and_how_to_repeat_it(folder: Path) -> None:
    done = halfopen("simulate", "fleet.toml", "--out", "bench", cwd=folder)
    repeat = next(line for line in done.stdout.splitlines() if line.startswith("repeat it: "))
    assert "now try:   halfopen diagnose bench" in done.stdout
    before = {path.name: path.read_bytes() for path in (folder / "bench").iterdir()}
    again = halfopen(*repeat.removeprefix("repeat it: halfopen ").split(), cwd=folder)
    assert again.returncode == 0
    assert before == {path.name: path.read_bytes() for path in (folder / "bench").iterdir()}
    report = json.loads(halfopen("diagnose", "bench", "--format", "json", cwd=folder).stdout)
    assert len(report["devices"]) == 3
    truth = json.loads((folder / "bench/truth.json").read_text())
    assert truth["seed"] == 1
    assert any(event["what"] == "impairment-began" for event in truth["events"])


def test_every_capture_is_sound_for_tshark(folder: Path, require_tool: Callable[[str], str]) -> None:
    tshark = require_tool("tshark")
    halfopen("simulate", "fleet.toml", "--out", "bench", cwd=folder)
    for capture in (folder / "bench").glob("*.pcapng"):
        checks = ("ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE")
        options = [word for check in checks for word in ("-o", check)]
        bad = '_ws.malformed or ip.checksum.status == "Bad" or tcp.checksum.status == "Bad" or udp.checksum.status == "Bad"'
        done = subprocess.run(
            [tshark, "-r", str(capture), *options, "-Y", bad], capture_output=True, text=True, check=True
        )
        assert done.stdout == ""


def test_nothing_is_overwritten_that_is_not_its_own(folder: Path) -> None:
    (folder / "full").mkdir()
    (folder / "full/notes.txt").write_text("mine")
    done = halfopen("simulate", "fleet.toml", "--out", "full", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "halfopen: full: holds notes.txt, which is not of this run; choose another folder\n"
    (folder / "in").mkdir()
    (folder / "in/truth.json").write_text(SCENARIO)
    (folder / "in/truth.json").rename(folder / "in/node-1.log")
    (folder / "in/node-1.log").rename(folder / "in/truth.toml")
    done = halfopen("simulate", "in/truth.toml", "--out", "in", cwd=folder)
    assert done.returncode == 0, "a scenario beside its results is no obstacle"
    done = halfopen("simulate", "fleet.toml", "--out", "fleet.toml", cwd=folder)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["simulate", "nope.toml", "--out", "x"], "nope.toml: No such file or directory"),
        (["simulate", "HO999", "--out", "x"], "HO999: neither a fault with a scenario"),
        (["simulate", "HO409", "--out", "x"], "HO409: no scenario makes this fault yet"),
        (["simulate", "broken.toml", "--out", "x"], "broken.toml: duration_s: missing"),
        (
            ["simulate", "misspelt.toml", "--out", "x"],
            "misspelt.toml: devices[0].sdkconfig.CONFIG_LWIP_MAX_SOKETS: unknown; CONFIG_LWIP_MAX_SOCKETS is near",
        ),
        (["simulate", "fleet.toml", "--out", "x", "--cured"], "fleet.toml: devices: none of them has a cure"),
        (
            ["simulate", "fleet.toml", "--out", "x", "--sdkconfig", "sdk"],
            "sdk:1: CONFIG_LWIP_MAX_SOCKETS=900",
        ),
        (["simulate", "fleet.toml", "--out", "x", "--sdkconfig", "none"], "none: No such file or directory"),
        (
            ["prove", "HO101", "--sdkconfig", "fleet.toml"],
            "fleet.toml: sets no limit that the twin knows, such as CONFIG_LWIP_MAX_SOCKETS=16",
        ),
        (["prove", "fleet.toml"], "fleet.toml: code: is ''"),
        (["prove"], "prove: name one fault or scenario, or give --all"),
        (["prove", "HO101", "--all"], "prove: name one fault or scenario, or give --all"),
        (["prove", "--all", "--html", "x.html"], "prove: --html and --out go with one fault"),
        (["prove", "HO101", "--sdkconfig", "sdk"], "sdk:1: CONFIG_LWIP_MAX_SOCKETS=900"),
        (
            ["prove", "HO101", "--html", "sdk2", "--sdkconfig", "sdk2"],
            "--html sdk2: is an input; nothing was written",
        ),
    ],
)
def test_what_cannot_be_played_is_one_line_and_exit_2(folder: Path, args: list[str], said: str) -> None:
    (folder / "broken.toml").write_text('title = "x"\n')
    (folder / "misspelt.toml").write_text(
        'title = "x"\nduration_s = 1\n[[devices]]\nname = "d"\nfirmware = "leaky-client"\n'
        "sdkconfig = { CONFIG_LWIP_MAX_SOKETS = 5 }\n"
    )
    (folder / "sdk").write_text("CONFIG_LWIP_MAX_SOCKETS=900\n")
    (folder / "sdk2").write_text("CONFIG_LWIP_MAX_SOCKETS=9\n")
    done = halfopen(*args, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"halfopen: {said}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert not (folder / "x").exists()


def test_a_users_limits_are_played(folder: Path) -> None:
    (folder / "sdk").write_text("CONFIG_LWIP_MAX_SOCKETS=5\n")
    done = halfopen("simulate", "HO101", "--out", "small", "--sdkconfig", "sdk", cwd=folder)
    assert done.returncode == 0
    log = (folder / "small/sensor.log").read_text()
    assert "Socket created, fd=59" in log
    assert "fd=63" in log
    assert "errno 23" in log
    assert "fd=54" not in log


RUN = """
import hashlib, sys
from pathlib import Path
from halfopen.twin.scenario import load
from halfopen.twin.simulation import Simulation
for name in sys.argv[1:]:
    for scenario in (load(Path(name)), load(Path(name)).cured()):
        simulation = Simulation(scenario)
        simulation.run()
        files = simulation.files()
        print(Path(name).name, hashlib.sha256(b"".join(files[key] for key in sorted(files))).hexdigest())
"""


def digests(python: str, hash_seed: str) -> str:
    done = subprocess.run(
        [python, "-c", RUN, *map(str, SCENARIOS)],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_bundled_scenario_gives_the_same_bytes_under_other_hash_seeds_and_pythons() -> None:
    here = digests(sys.executable, "0")
    assert len(set(here.splitlines())) == 2 * len(SCENARIOS), "failing and cured differ"
    assert digests(sys.executable, "4711") == here
    assert all(digests(other, "1") == here for other in other_pythons()[:1])
