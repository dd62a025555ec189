"""What must be true for a proof to hold: the fault showed, the cure left nothing of it. Computed, never written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from halfopen import findings
from halfopen.prove.figures import Figures

if TYPE_CHECKING:
    from halfopen.prove.playing import Run
    from halfopen.twin.scenario import Scenario

#: The heap counts as back when so much of what was free while it worked is free at the end: a connection that stands and
#: the closed ones of the last two minutes (TIME_WAIT) may hold a little.
HEAP_BACK = 0.9
#: What comes from outside cannot be cured, only noticed and survived: the cured run must show it, too.
_OUTSIDE = frozenset({"HO208"})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be true: its name, whether it is, and that in words with the figures."""

    name: str
    held: bool
    said: str


def checks(scenario: Scenario, failing: Run, cured: Run) -> tuple[Check, ...]:
    """The checks of one proof, those of the failing run first."""
    found = [_shown(scenario, failing), _ill(failing), _well(cured)]
    if scenario.code in _OUTSIDE:
        found.append(_noticed(scenario, cured))
    for figure in cured.figures:
        whose = f"{figure.device}: " if len(cured.figures) > 1 else ""
        found += [_recovered(figure, whose), _descriptors(figure, whose), _heap(figure, whose)]
    return tuple(found)


def _shown(scenario: Scenario, failing: Run) -> Check:
    shown = scenario.code in failing.codes
    others = ", ".join(sorted(failing.codes)) or "nothing"
    said = (
        f"the failing run shows {scenario.code}"
        if shown
        else f"the failing run shows {others}, not {scenario.code}"
    )
    return Check("fault-shown", shown, said)


def _ill(failing: Run) -> Check:
    worst = failing.ills
    said = f"it has {_counted(worst)}" if worst else "it has neither error nor warning: nothing needs a cure"
    return Check("failing-is-ill", bool(worst), said)


def _well(cured: Run) -> Check:
    worst = cured.ills
    said = (
        "the cured run has neither error nor warning"
        if not worst
        else f"the cured run still has {_counted(worst)}"
    )
    return Check("cured-is-well", not worst, said)


def _counted(worst: tuple[findings.Finding, ...]) -> str:
    return ", ".join(dict.fromkeys(f"{finding.severity} {finding.code}" for finding in worst))


def _noticed(scenario: Scenario, cured: Run) -> Check:
    noticed = scenario.code in cured.codes
    said = (
        f"{scenario.code} comes from outside: the cured run {'noticed' if noticed else 'did not notice'} it"
    )
    return Check("outside-event-noticed", noticed, said)


def _recovered(figure: Figures, whose: str) -> Check:
    back = figure.recovered_s is not None
    said = (
        f"back after {figure.recovered_s:.1f} s" if figure.recovered_s is not None else "it never came back"
    )
    return Check("recovered", back, whose + said)


def _descriptors(figure: Figures, whose: str) -> Check:
    back = figure.descriptors_end <= figure.descriptors_before
    said = f"{figure.descriptors_end} descriptors open at the end, {figure.descriptors_before} when it worked"
    return Check("descriptors-back", back, whose + said)


def _heap(figure: Figures, whose: str) -> Check:
    back = figure.heap_end >= HEAP_BACK * figure.heap_before
    said = f"{figure.heap_end} bytes of heap free at the end, {figure.heap_before} when it worked"
    return Check("heap-back", back, whose + said)
