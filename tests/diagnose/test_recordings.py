"""Every rule on recordings: the logs of tests/recordings/logs and the real lwIP of tests/recordings/lwip."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from halfopen import findings
from halfopen.diagnose import diagnose
from halfopen.diagnose.report import Report
from halfopen.diagnose.rules import RULES

RECORDINGS = Path(__file__).parent.parent / "recordings"
CASES: list[dict[str, Any]] = json.loads((RECORDINGS / "cases.json").read_text())["cases"]

#: What the real stack went through, and what may be said first (FACTS of each run: its truth file).
LWIP = {
    "a_leaky": {"leaked-sockets"},
    "b_close": {"half-open", "lingering-connections"},
    "c1_send_block": {"blocked-call"},
    "c2_recv_unacked": {"blocked-call", "half-open"},
    "d1_ka_before": {"half-open"},
    "d5_ka_rebooted": {"peer-restarted"},
    "e2_httpd_like": {"sessions-exhausted"},
    "f1_zero_window_live": {"zero-window"},
    "f3_device_not_reading": {"zero-window", "blocked-call"},
    "g_connect": {"peer-unreachable"},
    "h_timewait": set(),
    "n_wifi_drop": {"radio-dropout", "leaked-sockets"},
}

#: Faults that only a capture can show: which recording fires, which one stays quiet.
CAPTURE_ONLY = {"HO202": ("c2_recv_unacked", "h_timewait"), "HO204": ("f1_zero_window_live", "h_timewait")}


def serious(report: Report) -> list[str]:
    """The faults told as warning or error, in order."""
    return [f.fault for f in report.findings if f.severity != "info"]


def paths(case: dict[str, Any]) -> list[str]:
    return [str(RECORDINGS / name) for name in case["files"]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].split("/")[-1])
def test_log_is_judged_as_labelled(case: dict[str, Any]) -> None:
    report = diagnose(*paths(case))
    told = serious(report)
    if case["healthy"]:
        assert set(told) <= set(case["also"]), case["why"]
        return
    if not told:  # survived, or a fault that is mere information: then it must lead what is told
        leading = [f.fault for f in report.findings][:1]
        mild = case.get("info_ok") or set(leading) & {"peer-restarted", "crashed"}
        told = leading if mild and leading else case["expected"] if case.get("silence_ok") else []
    assert told, case["why"]
    names = told + [f.fault for f in report.findings if f.severity == "info"]
    assert told[0] in case["expected"] or (told[0] in case["also"] and set(names) & set(case["expected"])), (
        case["why"]
    )


@pytest.mark.parametrize("name", LWIP)
def test_real_stack_is_judged_as_it_was(name: str) -> None:
    report = diagnose(str(RECORDINGS / f"lwip/{name}.uart.log"), str(RECORDINGS / f"lwip/{name}.pcapng"))
    told = serious(report) or [f.fault for f in report.findings]
    assert set(told[:1]) <= LWIP[name]
    assert bool(told) == bool(LWIP[name])
    assert len(report.devices) == 1, "the log and the capture are of one device"


@pytest.mark.parametrize(
    "name", ["a_leaky", "c1_send_block", "e2_httpd_like", "f1_zero_window_live", "h_timewait"]
)
def test_capture_alone_suffices(name: str) -> None:
    told = serious(diagnose(str(RECORDINGS / f"lwip/{name}.pcapng")))
    expected = {"c1_send_block": {"half-open"}}.get(name, LWIP[name])
    assert set(told[:1]) == expected or (not told and not expected)


def test_every_finding_quotes_what_stands_in_its_source() -> None:
    for case in CASES:
        for finding in diagnose(*paths(case)).findings:
            assert finding.evidence
            for quote in finding.evidence:
                assert quote.line is not None
                lines = Path(quote.source).read_bytes().decode(errors="replace").split("\n")
                found = "".join(lines[quote.line - 1 : quote.line + 3])
                assert squeezed(quote.text)[:40] in squeezed(found)


def squeezed(text: str) -> str:
    return re.sub(r"\W+", "", re.sub(r"\x1b\[[0-9;]*m", "", text))


def fires(code: str, report: Report) -> bool:
    return any(f.code == code for f in report.findings)


@pytest.mark.parametrize("code", RULES)
def test_each_rule_fires_and_stays_quiet(code: str) -> None:
    if code in CAPTURE_ONLY:
        firing, quiet = CAPTURE_ONLY[code]
        both = [
            [str(RECORDINGS / f"lwip/{n}.uart.log"), str(RECORDINGS / f"lwip/{n}.pcapng")]
            for n in (firing, quiet)
        ]
        assert fires(code, diagnose(*both[0]))
        assert not fires(code, diagnose(*both[1]))
        return
    firing_cases = [c for c in CASES if f"{code}-fires" in c["name"]]
    quiet_cases = [c for c in CASES if f"{code}-quiet" in c["name"]]
    assert firing_cases
    assert quiet_cases
    assert any(fires(code, diagnose(*paths(case))) for case in firing_cases)
    for case in quiet_cases:
        slug = findings.fault(code).fault
        assert slug not in serious(diagnose(*paths(case))) or slug in case["also"]


def test_rules_and_catalogue_entries_pair_one_to_one() -> None:
    assert tuple(RULES) == findings.codes()
    for code, rule in RULES.items():
        assert rule.__name__ == findings.fault(code).fault.replace("-", "_")
        assert rule.__module__.rsplit(".", 1)[1] == rule.__name__
