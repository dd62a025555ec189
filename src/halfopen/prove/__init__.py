"""Shows a failure and its cure on the same impairments, both diagnosed: ``prove(scenario_of("HO101"))``.

A proof is a scenario with a device and its cure (``scenarios/HO101-leaked-sockets.toml``). It is played twice in the twin,
the two runs are given to :mod:`halfopen.diagnose` as a user would give it a log and a capture, and :mod:`checks` decides
whether the proof holds. The twin knows nothing of diagnosis; only this package knows both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from halfopen import findings
from halfopen.twin.scenario import Scenario, load, loads
from halfopen.twin.tables import ScenarioError

if TYPE_CHECKING:
    from halfopen.prove.checks import Check
    from halfopen.prove.playing import Run

_SCENARIOS = Path(__file__).with_name("scenarios")

#: Told which run is under way (``failing`` or ``cured``) and how many seconds of virtual time have passed.
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it; ``command`` repeats it."""

    scenario: Scenario
    seed: int
    failing: Run
    cured: Run
    checks: tuple[Check, ...]
    command: str

    @property
    def code(self) -> str:
        """The fault that was proved."""
        return self.scenario.code

    @property
    def held(self) -> bool:
        """Whether every check does."""
        return all(check.held for check in self.checks)

    @property
    def cures(self) -> tuple[str, ...]:
        """Why it helps, in the scenario's words."""
        return tuple(
            dict.fromkeys(device.cure.why for device in self.scenario.devices if device.cure is not None)
        )


def bundled() -> dict[str, str]:
    """The scenarios that come with the program to prove a fault: code → file name. There are others beside them."""
    names = sorted(entry.name for entry in _SCENARIOS.iterdir())
    return {
        name.partition("-")[0]: name for name in names if name.startswith("HO") and name.endswith(".toml")
    }


def scenario_of(which: str) -> Scenario:
    """The scenario of a fault by its code or name (``HO101``, ``leaked-sockets``), or the one in a file.

    Raises:
        ScenarioError: there is none, or it cannot be played; one line.
    """
    known = bundled()
    entry = findings.named(which)
    if entry is not None and entry.code in known:
        name = known[entry.code]
        return loads((_SCENARIOS / name).read_text(encoding="utf-8"), name)
    if entry is not None:
        raise ScenarioError(f"{entry.code}: no scenario makes this fault yet; there are {', '.join(known)}")
    if which.strip().lower().endswith(".toml"):
        return load(Path(which))
    raise ScenarioError(f"{which}: neither a fault with a scenario ({', '.join(known)}) nor a .toml file")


def prove(
    scenario: Scenario,
    *,
    seed: int | None = None,
    sdkconfig: str = "",
    sdkconfig_name: str = "",
    progress: Progress | None = None,
) -> Proof:
    """Play ``scenario`` failing and cured, diagnose both, and judge.

    ``sdkconfig`` is the text of a user's limits, ``sdkconfig_name`` its file for the command that repeats the proof.

    Raises:
        ScenarioError: it names no fault or no cure, or cannot be played.
        ValueError: the ``sdkconfig`` cannot be used; one line.
    """
    from halfopen.prove.checks import checks  # who only asks for a scenario needs no diagnosis

    if scenario.code not in findings.codes():
        raise ScenarioError(
            f"{scenario.file}: code: is {scenario.code!r}: the code of a fault expected (HO101)"
        )
    if not scenario.curable:
        raise ScenarioError(f"{scenario.file}: devices: none of them has a cure")
    failing, cured = scenario.limited(sdkconfig), scenario.cured().limited(sdkconfig)
    chosen = scenario.seed if seed is None else seed
    runs = [
        _played(one, chosen, name, None if progress is None else _named(progress, name))
        for name, one in (("failing", failing), ("cured", cured))
    ]
    which = scenario.code if scenario.file in bundled().values() else scenario.file
    limits = f" --sdkconfig {sdkconfig_name}" if sdkconfig_name else ""
    command = f"halfopen prove {which} --seed {chosen}{limits}"
    return Proof(scenario, chosen, runs[0], runs[1], checks(scenario, runs[0], runs[1]), command)


def _played(scenario: Scenario, seed: int, name: str, progress: Callable[[int], None] | None) -> Run:
    from halfopen.prove.playing import play

    try:
        return play(scenario, seed, name, progress)
    except ScenarioError:
        raise
    except ValueError as error:  # a program that the limits leave no room for
        raise ScenarioError(f"{scenario.file}: {name} run: {error}") from None


def _named(progress: Progress, name: str) -> Callable[[int], None]:
    return lambda seconds: progress(name, seconds)


__all__ = ["Proof", "ScenarioError", "bundled", "prove", "scenario_of"]
