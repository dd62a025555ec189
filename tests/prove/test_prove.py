"""Every proof holds: the fault shows, the cure leaves nothing of it. What is read is the JSON, not an exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from halfopen import findings, prove
from halfopen.prove.as_html import as_html
from halfopen.prove.as_json import as_json
from halfopen.prove.as_text import bars
from halfopen.twin.scenario import loads
from halfopen.twin.tables import ScenarioError

CODES = list(prove.bundled())
#: What sockets, TCP, blocking and memory can make.
EXPECTED = {
    *("HO101", "HO102", "HO103", "HO104"),
    *("HO201", "HO202", "HO203", "HO204", "HO205", "HO206", "HO207", "HO208"),
    *(
        "HO401",
        "HO402",
        "HO403",
        "HO404",
        "HO405",
        "HO406",
        "HO407",
        "HO408",
        "HO410",
        "HO411",
        "HO413",
        "HO414",
    ),
    *("HO702",),
    *("HO301", "HO501", "HO502", "HO601", "HO602", "HO603", "HO604"),
}


@cache
def told(code: str) -> dict[str, Any]:
    """The JSON of one proof."""
    told: dict[str, Any] = json.loads(as_json(proof(code)))
    return told


@cache
def proof(code: str) -> prove.Proof:
    return prove.prove(prove.scenario_of(code))


def codes(report: dict[str, Any], *severities: str) -> set[str]:
    return {f["code"] for f in report["findings"] if not severities or f["severity"] in severities}


def test_there_is_a_proof_for_every_fault_that_the_twin_can_make() -> None:
    assert set(CODES) == EXPECTED


@pytest.mark.parametrize("code", CODES)
def test_it_holds(code: str) -> None:
    report = told(code)
    assert report["code"] == code
    assert code in codes(report["failing"])
    assert codes(report["failing"], "error", "warning")
    assert not codes(report["cured"], "error", "warning")
    if code == "HO208":  # comes from outside: noticed and survived
        assert code in codes(report["cured"])
    (cured,) = report["figures"]["cured"]
    assert cured["descriptors_end"] <= cured["descriptors_before"]
    assert cured["heap_end"] >= 0.9 * cured["heap_before"]
    assert cured["recovered_s"] is not None
    assert cured["boots"] == 1
    if cured["died"]:
        assert cured["let_go_s"] <= 20.5  # 10 + 3 x 3 s, a tick of lwIP's slow timer, and the close
    assert report["held"] is True, [check for check in report["checks"] if not check["held"]]


@pytest.mark.parametrize("code", CODES)
def test_both_runs_suffered_the_same(code: str) -> None:
    runs = (proof(code).failing, proof(code).cured)
    truths = [json.loads(run.files["truth.json"]) for run in runs]
    done = [[e for e in truth["events"] if e["what"].startswith("impairment-")] for truth in truths]
    assert done[0] == done[1]
    assert truths[0]["seed"] == truths[1]["seed"]


@pytest.mark.parametrize("code", CODES)
def test_evidence_stands_in_the_files_it_names(code: str) -> None:
    for run in (proof(code).failing, proof(code).cured):
        for finding in run.report.findings:
            for quote in finding.evidence:
                folder, _, name = quote.source.partition("/")
                assert folder == run.name
                if quote.line is not None:
                    line = run.files[name].decode().split("\n")[quote.line - 1]
                    assert quote.text.strip() in line


@pytest.mark.parametrize("code", CODES)
def test_a_cured_board_is_not_taken_for_a_computer(code: str) -> None:
    for run in (proof(code).failing, proof(code).cured):
        assert {device.firmware for device in run.report.devices}.isdisjoint({"cpython", "host"})


def test_without_the_cure_it_does_not_hold() -> None:
    path = Path(prove.__file__).parent / "scenarios" / prove.bundled()["HO101"]
    text = path.read_text().replace('firmware = "link-client"', 'firmware = "leaky-client"')
    report = json.loads(as_json(prove.prove(loads(text, "uncured.toml"))))
    assert report["held"] is False
    failed = {check["name"] for check in report["checks"] if not check["held"]}
    assert {"cured-is-well", "recovered", "descriptors-back"} <= failed


def test_a_cure_of_what_is_not_ill_does_not_hold() -> None:
    path = Path(prove.__file__).parent / "scenarios" / prove.bundled()["HO101"]
    text = path.read_text().partition("# Every eight seconds")[0]
    report = json.loads(as_json(prove.prove(loads(text, "calm.toml"))))
    assert report["held"] is False
    assert {check["name"] for check in report["checks"] if not check["held"]} == {
        "fault-shown",
        "failing-is-ill",
    }


def test_a_users_limits_change_the_figures() -> None:
    limited = prove.prove(prove.scenario_of("HO101"), sdkconfig="CONFIG_LWIP_MAX_SOCKETS=5\n")
    assert limited.failing.figures[0].descriptors_most == 5
    assert proof("HO101").failing.figures[0].descriptors_most == 10


def test_scenarios_without_a_fault_or_a_cure_are_refused() -> None:
    path = Path(prove.__file__).parent / "scenarios" / prove.bundled()["HO604"]
    text = path.read_text()
    with pytest.raises(ScenarioError, match=r"x.toml: code: is 'HO999'"):
        prove.prove(loads(text.replace('"HO604"', '"HO999"'), "x.toml"))
    with pytest.raises(ScenarioError, match=r"x.toml: devices: none of them has a cure"):
        prove.prove(loads(text.partition("[devices.cure]")[0], "x.toml"))


def test_the_page_has_both_pictures_on_one_axis_and_is_the_same_twice() -> None:
    page = as_html(proof("HO202"))
    assert page == as_html(prove.prove(prove.scenario_of("HO202")))
    assert page.count('class="timeline"') == 2
    assert "Failing: quiet-client" in page
    assert "Cured: quiet-client" in page
    assert "http://" not in page
    spans = [
        (section["start"], section["end"])
        for part in page.split('<script type="application/json" class="data">')[1:]
        for section in json.loads(part.partition("</script>")[0])["sections"]
    ]
    assert spans[0] == spans[1]


def test_bars_keep_extremes() -> None:
    assert bars([0, 0, 10, 0, 0, 0, 0, 0], 0, 10, wide=4) == "▁█▁▁"
    assert bars([5], 0, 10, wide=4) == "▅"
    assert bars([], 0, 1) == ""


def test_the_command_prints_json_and_exits_by_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "halfopen", "prove", "HO604", "--format", "json", "--out", "bench"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)
    report = json.loads(done.stdout)
    assert {"code", "failing", "cured", "held"} <= report.keys()
    assert report["held"] is True
    assert done.returncode == 0
    assert (tmp_path / "bench/failing/sensor.log").read_bytes() == proof("HO604").failing.files["sensor.log"]
    uncured = tmp_path / "mine.toml"
    path = Path(prove.__file__).parent / "scenarios" / prove.bundled()["HO604"]
    uncured.write_text(path.read_text().replace("dynamic = true", "dynamic = false"))
    command = [sys.executable, "-m", "halfopen", "prove", "mine.toml", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)
    assert (done.returncode, json.loads(done.stdout)["held"]) == (1, False)


def test_diagnose_offers_the_proof_of_its_first_finding(tmp_path: Path) -> None:
    (tmp_path / "sensor.log").write_bytes(proof("HO604").failing.files["sensor.log"])
    command = [sys.executable, "-m", "halfopen", "diagnose", "sensor.log", "--prove", "--html", "r.html"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "HO604 tls-memory: Two TLS sessions in memory for one" in done.stdout
    assert "Held." in done.stdout
    assert "wrote r.html" in done.stderr
    assert "Two TLS sessions in memory for one" in (tmp_path / "r.proof.html").read_text(encoding="utf-8")


def test_the_summary_fits_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from halfopen.diagnose.report.as_text import show
    from halfopen.prove.as_text import proof_text, summary_text

    proofs = [proof(code) for code in CODES]
    show(lambda console: summary_text(console, proofs))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CODES) + 5, (
        "a line each, a heading, and four at the end: count, meaning, what next"
    )
    for code, line in zip(CODES, lines[1:], strict=False):
        assert line.startswith(("✔", "✖"))
        assert f" {code} {findings.fault(code).fault} " in line
    show(lambda console: proof_text(console, proof("HO604")))
    told = capsys.readouterr().out
    assert max(map(len, (told + "\n".join(lines)).splitlines())) <= 80
    for words in (
        "failing",
        "cured",
        "tls-client",
        "10 at the end",
        "Cure: CONFIG_MBEDTLS_DYNAMIC_BUFFER",
        "Held.",
    ):
        assert words in told


def test_the_shell_completes_codes_and_files() -> None:
    from click.shell_completion import ShellComplete

    from halfopen.cli import cli

    complete = ShellComplete(cli, {}, "halfopen", "_HALFOPEN_COMPLETE")
    assert {"HO101", "HO102"} <= {item.value for item in complete.get_completions(["prove"], "ho1")}
    (item,) = complete.get_completions(["simulate"], "mine")
    assert item.type == "file"
