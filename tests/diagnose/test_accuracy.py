"""A short, repeatable piece of fuzz/score_diagnose.py: one scenario of each fault and a few healthy ones."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from halfopen.diagnose.report import Report
from halfopen.sweep.faults import FAULTS, HEALTHY


@pytest.fixture(scope="module")
def score(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("fuzz/score_diagnose.py")


@pytest.mark.parametrize("code", FAULTS)
def test_a_drawn_fault_is_named_by_every_witness_that_can_show_it(code: str, score: ModuleType) -> None:
    case = score.scored((code, 1))
    assert case.seed is not None
    for witness in score.WITNESSES:
        said = case.by(witness)
        assert said is None or said.unshown or said.how in score.NAMED, (witness, said, case.command)
        assert said is None or said.strays == (), (witness, said, case.command)


@pytest.mark.parametrize("number", range(4))
def test_a_healthy_scenario_is_silent(number: int, score: ModuleType) -> None:
    case = score.scored((HEALTHY, number))
    assert {said.how for said in case.said} == {"silent"}, case


def test_the_score_counts_what_is_missed_and_what_a_witness_cannot_show(score: ModuleType) -> None:
    _, simulation, seed = score.played("HO204", 0)
    nothing = Report((), (), (), ())
    log, capture = (score.judgement("HO204", w, nothing, simulation) for w in ("log", "capture"))
    assert (log.how, bool(log.unshown)) == ("missed", True)
    assert (capture.how, bool(capture.unshown)) == ("missed", False)
    case = score.Case("HO204", 0, seed, (log, capture))
    of_log, of_capture = (score.Figures.of([case], w) for w in ("log", "capture"))
    assert (of_log.able, of_log.all, of_log.named_of_all) == (0, 1, 0)
    assert (of_capture.able, of_capture.named) == (1, 0)
    assert [(witness, what) for witness, what, _ in score.wrong([case])] == [
        ("capture", "missed, said nothing")
    ]


def test_a_finding_about_something_else_is_a_stray_and_in_a_healthy_scenario_an_alarm(
    score: ModuleType,
) -> None:
    _, simulation, _ = score.played("HO204", 0)
    told = score.reports("HO204", simulation)["capture"]
    assert score.judgement("HO204", "capture", told, simulation).how == "told"
    other = score.judgement("HO502", "capture", told, simulation)
    assert (other.how, other.leads) == ("missed", False)
    assert "HO204" in other.strays
    assert score.judgement(HEALTHY, "capture", told, simulation).how == "alarm"
