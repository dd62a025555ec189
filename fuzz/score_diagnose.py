"""How often diagnose names the fault of a scenario drawn from a seed: from the log alone, the capture alone, and both.

    python fuzz/score_diagnose.py [--cases N] [--healthy N] [--jobs N] [--page FILE]
    python fuzz/score_diagnose.py --code HO101 --case 7 [--out FOLDER]

Truth is the scenario's own ``code``, asked only where the fault showed in the world (``sweep.witnesses``); the twin and
diagnose share nothing but ``formats``. The second form plays one case and tells what was said of it; with ``--out`` it
leaves the scenario and its files, for ``halfopen diagnose`` to be asked by hand.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from halfopen.diagnose import judged
from halfopen.diagnose.report import Report
from halfopen.findings import Finding, fault
from halfopen.prove.playing import told
from halfopen.shards import in_shards, map_shards
from halfopen.sweep.as_toml import as_toml
from halfopen.sweep.faults import FAULTS, HEALTHY, drawn_fault
from halfopen.sweep.witnesses import showed
from halfopen.twin.scenario import Scenario, of_tables
from halfopen.twin.simulation import Simulation

WITNESSES = ("log", "capture", "both")
#: A draw whose fault did not come about is drawn again with a seed so much higher, so often.
_AGAIN, _DRAWS_MAX = 100_000, 8
_SHARD = 10

#: Fault → witness → why it cannot show it, by the evidence column of the catalogue, never by what diagnose makes of it.
UNSHOWN: dict[str, dict[str, str]] = {
    "HO104": {"capture": "nothing is sent on a descriptor whose connection is gone: the errors are the device's own"},
    "HO204": {"log": "a program that does not read does not know that its window is closed"},
    "HO601": {"capture": "the heap is not on the wire"},
    "HO602": {"capture": "the heap is not on the wire"},
    "HO603": {"capture": "the heap is not on the wire"},
    "HO604": {"capture": "the error of the TLS library is the device's own"},
}


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of one case from one witness.

    ``how``: ``named`` (an error or warning, or info where the catalogue says so), ``consequence`` (info that names its
    cause), ``survived`` (info: the device noticed and recovered), ``undecided``, ``missed``; of a healthy case
    ``silent`` or ``alarm``. ``leads``: the first finding is the truth, or the truth is told as following from it.
    """

    how: str
    leads: bool
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario and what was said of it, by witness; ``seed`` is the one it showed with (``None``: it never did)."""

    code: str
    number: int
    seed: int | None
    said: tuple[Said, ...] = ()

    def by(self, witness: str) -> Said:
        """What was said from ``witness``."""
        return self.said[WITNESSES.index(witness)]


def played(code: str, number: int) -> tuple[Scenario, Simulation, int] | None:
    """The case ``number`` of ``code``, played: the first draw whose fault showed; ``None`` when none did."""
    for draw in range(_DRAWS_MAX):
        seed = number + draw * _AGAIN
        scenario = of_tables(drawn_fault(code, seed), f"{code}-{seed}")
        simulation = Simulation(scenario)
        simulation.run()
        if code == HEALTHY or showed(code, simulation):
            return scenario, simulation, seed
    return None


def reports(simulation: Simulation) -> dict[str, Report]:
    """What diagnose says by witness."""
    files = {name: content for name, content in simulation.files().items() if not name.endswith(".json")}
    sources, notes = told(files)
    logs = [(name, events) for name, events in sources if name.endswith(".log")]
    captures = [(name, events) for name, events in sources if not name.endswith(".log")]
    return {"log": judged(logs, notes), "capture": judged(captures, notes), "both": judged(sources, notes)}


def scored(task: tuple[str, int]) -> Case:
    """Play one case and judge what is said of it."""
    code, number = task
    found = played(code, number)
    if found is None:
        return Case(code, number, None)
    _, simulation, seed = found
    said = reports(simulation)
    return Case(code, number, seed, tuple(_judged(code, said[witness], simulation) for witness in WITNESSES))


def scored_many(tasks: Sequence[tuple[str, int]]) -> list[Case]:
    """A shard."""
    return [scored(task) for task in tasks]


def _judged(code: str, report: Report, simulation: Simulation) -> Said:
    mine = [f for f in report.findings if _of_device(f, report, simulation)]
    names = tuple(f"{f.code}{'' if f.severity != 'info' else '/info'}" for f in report.findings)
    if code == HEALTHY:
        alarm = any(f.severity != "info" for f in report.findings)
        return Said("alarm" if alarm else "silent", not alarm, names)
    hits = [f for f in mine if f.code == code]
    leads = bool(hits) and _root(hits[0], mine) == mine[0].key
    leads = leads or any(f.key == mine[0].key for f in hits)
    if any(f.severity != "info" for f in hits) or (hits and fault(code).severity == "info"):
        return Said("named", leads, names)
    if hits:
        return Said("consequence" if any(f.caused_by for f in hits) else "survived", leads, names)
    doubted = any(code in doubt.faults for doubt in report.undecided)
    return Said("undecided" if doubted else "missed", False, names)


def _of_device(finding: Finding, report: Report, simulation: Simulation) -> bool:
    """Whether a finding is about the device of the scenario, not its peer: a log is its own, a capture has addresses."""
    device = next(d for d in report.devices if d.name == finding.device)
    stacks = [one.stack for one in simulation.devices.values()]
    if device.mac:
        return any(device.mac.lower() == stack.mac.lower() for stack in stacks)
    return any(source.endswith(".log") for source in device.sources) or any(s.ip in device.ips for s in stacks)


def _root(finding: Finding, findings: Iterable[Finding]) -> str:
    by_key = {f.key: f for f in findings}
    at = finding
    while at.caused_by in by_key:
        at = by_key[at.caused_by]  # type: ignore[index]
    return at.key


# Telling --------------------------------------------------------------------------------------------------------


GOOD = ("named", "consequence", "survived")


def tasks(cases: int, healthy: int, first: int = 0) -> list[tuple[str, int]]:
    """``cases`` spread evenly over all codes, and ``healthy`` ones."""
    codes = list(FAULTS)
    drawn = [(codes[n % len(codes)], first + n // len(codes)) for n in range(cases)]
    return [*drawn, *((HEALTHY, first + n) for n in range(healthy))]


def figures(cases: Sequence[Case]) -> Iterator[str]:
    """The figures, a line each."""
    for witness in WITNESSES:
        ill = [c for c in cases if c.code != HEALTHY and c.seed is not None]
        able = [c for c in ill if witness not in UNSHOWN.get(c.code, {})]
        named = [c for c in able if c.by(witness).how in GOOD]
        whole = [c for c in ill if c.by(witness).how in GOOD]
        leads = [c for c in able if c.by(witness).leads]
        doubts = sum(c.by(witness).how == "undecided" for c in able)
        well = [c for c in cases if c.code == HEALTHY]
        silent = sum(c.by(witness).how == "silent" for c in well)
        yield (
            f"{witness:8} named {_share(len(named), len(able))} of what it can show, {_share(len(whole), len(ill))} of all;"
            f" undecided {doubts}; leading {_share(len(leads), len(able))}; silent on {_share(silent, len(well))} healthy"
        )


def per_code(cases: Sequence[Case]) -> Iterator[str]:
    """A line for each code."""
    for code in (*FAULTS, HEALTHY):
        mine = [c for c in cases if c.code == code]
        shown = [c for c in mine if c.seed is not None]
        cells = []
        for witness in WITNESSES:
            counts = Counter(c.by(witness).how for c in shown)
            leads = sum(c.by(witness).leads for c in shown)
            cells.append(f"{witness} " + " ".join(f"{how} {n}" for how, n in counts.most_common()) + f" leads {leads}")
        yield f"{code:8} {len(shown)}/{len(mine)} showed | " + " | ".join(cells)


def misses(cases: Sequence[Case]) -> Iterator[str]:
    """What was not named, or not first, and the command that shows it."""
    for case in cases:
        for witness, said in zip(WITNESSES, case.said, strict=False):
            if witness in UNSHOWN.get(case.code, {}):
                continue
            if said.how in ("missed", "undecided", "alarm") or not said.leads:
                yield f"{case.code} {witness:8} {said.how:11} said {' '.join(said.told) or 'nothing'}: {command(case)}"


def command(case: Case) -> str:
    """What reproduces a case."""
    return f"python fuzz/score_diagnose.py --code {case.code} --case {case.number}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % ({part}/{whole})" if whole else "–"


def show(code: str, number: int, out: str | None) -> None:
    """Play one case and tell what is said of it."""
    found = played(code, number)
    if found is None:
        sys.exit(f"{code} did not show in any of {_DRAWS_MAX} draws")
    scenario, simulation, seed = found
    print(f"{scenario.title} (seed {seed})")
    for witness, report in reports(simulation).items():
        print(f"{witness}: {_judged(code, report, simulation)}")
        for f in report.findings:
            print(f"    {f.code} {f.severity} {f.device} {f.confidence}: {f.summary} <- {f.caused_by}")
        for doubt in report.undecided:
            print(f"    undecided {doubt.faults}: {doubt.next}")
    if out:
        simulation.write(Path(out))
        (Path(out) / "scenario.toml").write_text(as_toml(drawn_fault(code, seed)))
        print(f"wrote {out}")


def main() -> None:
    """Score, or show one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--healthy", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--code")
    parser.add_argument("--case", type=int)
    parser.add_argument("--out")
    given = parser.parse_args()
    if given.code:
        show(given.code, given.case, given.out)
        return
    wanted = [t for t in tasks(given.cases, given.healthy, given.first) if not given.only or t[0] in given.only]
    mapped = map_shards(scored_many, in_shards(wanted, _SHARD), jobs=given.jobs)
    cases = [case for shard in mapped.results for case in shard]
    for line in (*misses(cases), *per_code(cases), *figures(cases)):
        print(line)


if __name__ == "__main__":
    main()
