"""How often diagnose names the fault of a scenario drawn from a seed: from the log alone, the capture alone, and both.

    python fuzz/score_diagnose.py [--cases N] [--healthy N] [--first N] [--only CODE,…] [--jobs N] [--page FILE]
    python fuzz/score_diagnose.py --code HO101 --case 7 [--out FOLDER]

Truth is the scenario's own ``code``, asked only where the fault showed in the world (``sweep.witnesses``); the twin and
diagnose share nothing but ``formats``. The second form plays one case and tells what was said of it; with ``--out`` it
leaves the scenario and its files, for ``halfopen diagnose`` to be asked by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from accuracy_page import page
from what_is_shown import COMPANIONS, unshown

from halfopen.diagnose import judged
from halfopen.diagnose.events import Event
from halfopen.diagnose.report import Report
from halfopen.findings import Finding, fault
from halfopen.prove.playing import told
from halfopen.shards import in_shards, map_shards
from halfopen.sweep.as_toml import Tables, as_toml
from halfopen.sweep.faults import FAULTS, HEALTHY, drawn_fault
from halfopen.sweep.witnesses import showed
from halfopen.twin.scenario import Scenario, of_tables
from halfopen.twin.simulation import Simulation

#: ``capture`` is the wire's, for faults of Wi-Fi the air's, for who is healthy on Wi-Fi both. On Wi-Fi a ``sniffer`` that
#: misses frames is asked alone, too.
WITNESSES = ("log", "capture", "both", "sniffer")
_AIR, _SNIFFER = "air.pcapng", "sniffer.pcapng"
#: What the sniffer hears of everybody, and misses.
_SNIFFS = {"rssi_dbm": -62, "misses": 0.02}
CASES, HEALTHY_CASES = 2000, 1000
#: A draw whose fault did not come about is drawn again, with a seed so much higher.
_AGAIN, _DRAWS_MAX = 100_000, 8
_SHARD = 10

#: What counts as named: an error or warning (or info where the catalogue says so); info that names its cause; info about
#: an episode after which the device worked again, in truth.
NAMED = ("told", "follows", "passed")


class Said(NamedTuple):
    """What was said of one case from one witness.

    ``how``: one of ``NAMED``, ``undecided``, ``missed``; of a healthy case ``silent`` or ``alarm``. ``leads``: the first
    finding is the truth, or the truth is told as following from it. ``strays``: errors and warnings that are neither
    the truth, nor true beside it (``COMPANIONS``), nor told as cause or effect of it. ``unshown``: why this witness
    cannot show it, if it cannot. ``told``: the codes in their order.
    """

    how: str
    leads: bool
    strays: tuple[str, ...]
    unshown: str
    told: tuple[str, ...]


class Case(NamedTuple):
    """One scenario and what was said of it, by witness; ``seed`` is the one it showed with (``None``: it never did)."""

    code: str
    number: int
    seed: int | None
    said: tuple[Said, ...] = ()

    def by(self, witness: str) -> Said | None:
        """What was said from ``witness``; ``None`` where there was none."""
        place = WITNESSES.index(witness)
        return self.said[place] if place < len(self.said) else None

    @property
    def command(self) -> str:
        """What plays it again."""
        return f"python fuzz/score_diagnose.py --code {self.code} --case {self.number}"


# Playing --------------------------------------------------------------------------------------------------------


def played(code: str, number: int) -> tuple[Scenario, Simulation, int] | None:
    """The case ``number`` of ``code``, played: the first draw whose fault showed; ``None`` when none did."""
    for draw in range(_DRAWS_MAX):
        seed = number + draw * _AGAIN
        scenario = of_tables(drawn(code, seed), f"{code}-{seed}")
        simulation = Simulation(scenario)
        simulation.run()
        if code == HEALTHY or showed(code, simulation):
            return scenario, simulation, seed
    return None


def drawn(code: str, seed: int) -> Tables:
    """The scenario of ``seed``, with a sniffer where there is an air."""
    tables = drawn_fault(code, seed)
    return {**tables, "sniffer": _SNIFFS} if "access_points" in tables else tables


def reports(code: str, simulation: Simulation) -> dict[str, Report]:
    """What diagnose says by witness."""
    files = {name: content for name, content in simulation.files().items() if not name.endswith(".json")}
    sources, notes = told(files)
    by_radio = code.startswith("HO4")
    logs = [source for source in sources if source[0].endswith(".log")]
    air = [source for source in sources if source[0] == _AIR and (by_radio or code == HEALTHY)]
    wire = [s for s in sources if s[0] not in (_AIR, _SNIFFER) and s not in logs and not by_radio]
    heard = {"log": logs, "capture": [*wire, *air], "both": [*logs, *wire, *air]}
    if air:
        heard["sniffer"] = [source for source in sources if source[0] == _SNIFFER]
    return {witness: _judged(part, notes) for witness, part in heard.items()}


def _judged(sources: Sequence[tuple[str, list[Event]]], notes: Sequence[str]) -> Report:
    return judged(sources, notes) if sources else Report((), (), (), tuple(notes))


def scored(task: tuple[str, int]) -> Case:
    """Play one case and judge what is said of it."""
    code, number = task
    found = played(code, number)
    if found is None:
        return Case(code, number, None)
    _, simulation, seed = found
    said = reports(code, simulation)
    return Case(code, number, seed, tuple(judgement(code, w, said[w], simulation) for w in said))


def scored_many(tasks: Sequence[tuple[str, int]]) -> list[Case]:
    """A shard."""
    return [scored(task) for task in tasks]


# Judging --------------------------------------------------------------------------------------------------------


def judgement(code: str, witness: str, report: Report, simulation: Simulation) -> Said:
    """What ``report`` is worth, the truth being ``code``."""
    findings = report.findings
    names = tuple(f"{f.code}{'/info' if f.severity == 'info' else ''}" for f in findings)
    loud = [f for f in findings if f.severity != "info"]
    if code == HEALTHY:
        return Said("alarm" if loud else "silent", not loud, tuple(f.code for f in loud), "", names)
    hits = [f for f in findings if f.code == code and _of_device(f, report, simulation)]
    reason = unshown(code, witness, simulation)
    roots = {_root(hit, findings) for hit in hits}
    strays = tuple(
        f.code
        for f in loud
        if f.code != code and f.code not in COMPANIONS.get(code, {}) and _root(f, findings) not in roots
    )
    leads = bool(hits) and (findings[0].key in roots or findings[0] in hits)
    if any(f.severity != "info" for f in hits) or (hits and fault(code).severity == "info"):
        return Said("told", leads, strays, reason, names)
    if any(f.caused_by for f in hits):
        return Said("follows", leads, strays, reason, names)
    if hits and _works_again(simulation):
        return Said("passed", leads, strays, reason, names)
    doubted = any(code in doubt.faults for doubt in report.undecided)
    return Said("undecided" if doubted else "missed", False, strays, reason, names)


def _of_device(finding: Finding, report: Report, simulation: Simulation) -> bool:
    """Whether a finding is about the device of the scenario, not its peer: a log is its own, a capture has addresses."""
    device = next(d for d in report.devices if d.name == finding.device)
    stacks = [one.stack for one in simulation.devices.values()]
    if device.mac:
        return any(device.mac.lower() == stack.mac.lower() for stack in stacks)
    return any(source.endswith(".log") for source in device.sources) or any(
        s.ip in device.ips for s in stacks
    )


def _root(finding: Finding, findings: Iterable[Finding]) -> str:
    by_key = {f.key: f for f in findings}
    at = finding
    while at.caused_by in by_key:
        at = by_key[at.caused_by]
    return at.key


def _works_again(simulation: Simulation) -> bool:
    """Whether the application was served after the last impairment had ended (or begun, where it has no end)."""
    calm = max((one.end_ms or one.begin_ms for _, one in simulation.scenario.impairments), default=0)
    served = simulation.truth.of("exchanged")
    return bool(served) and float(str(served[-1]["at_ms"])) > calm


# Telling --------------------------------------------------------------------------------------------------------


def tasks(cases: int, healthy: int, first: int = 0) -> list[tuple[str, int]]:
    """``cases`` spread evenly over all codes, and ``healthy`` ones; numbers count from ``first``."""
    codes = list(FAULTS)
    drawn = [(codes[n % len(codes)], first + n // len(codes)) for n in range(cases)]
    return [*drawn, *((HEALTHY, first + n) for n in range(healthy))]


class Figures(NamedTuple):
    """The figures of one witness: parts of ``able`` (cases it can show), of ``all`` cases, of ``well`` (healthy) ones."""

    able: int
    named: int
    undecided: int
    leads: int
    strays: int
    all: int
    named_of_all: int
    well: int
    silent: int

    @staticmethod
    def of(cases: Iterable[Case], witness: str) -> Figures:
        """Counted over ``cases``."""
        shown = [c for c in cases if c.seed is not None]
        ill = [said for c in shown if c.code != HEALTHY and (said := c.by(witness)) is not None]
        well = [said for c in shown if c.code == HEALTHY and (said := c.by(witness)) is not None]
        able = [said for said in ill if not said.unshown]
        return Figures(
            able=len(able),
            named=sum(said.how in NAMED for said in able),
            undecided=sum(said.how == "undecided" for said in able),
            leads=sum(said.leads for said in able),
            strays=sum(bool(said.strays) for said in ill),
            all=len(ill),
            named_of_all=sum(said.how in NAMED for said in ill),
            well=len(well),
            silent=sum(said.how == "silent" for said in well),
        )

    @property
    def line(self) -> str:
        """All of them."""
        return (
            f"named {share(self.named, self.able)} of what it can show and {share(self.named_of_all, self.all)} of all,"
            f" undecided {self.undecided}, first {share(self.leads, self.able)}, strays in {share(self.strays, self.all)};"
            f" silent on {share(self.silent, self.well)} healthy"
        )


def share(part: int, whole: int) -> str:
    """``98.5 % (197/200)``."""
    return f"{100 * part / whole:.1f} % ({part}/{whole})" if whole else "–"


def wrong(cases: Iterable[Case]) -> Iterator[tuple[str, str, Case]]:
    """What was not named or not first, false alarms and strays: witness, what, case."""
    for case in cases:
        if case.seed is None:
            yield "–", f"did not show in {_DRAWS_MAX} draws", case
        for witness, said in zip(WITNESSES, case.said, strict=False):
            heard = " ".join(said.told) or "nothing"
            if said.how == "alarm" or (said.how in ("missed", "undecided") and not said.unshown):
                yield witness, f"{said.how}, said {heard}", case
            elif not said.leads and not said.unshown:
                yield witness, f"not first, said {heard}", case
            elif said.strays and case.code != HEALTHY:
                yield witness, f"besides {' '.join(said.strays)}", case


def show(code: str, number: int, out: str | None) -> None:
    """Play one case and tell what is said of it."""
    found = played(code, number)
    if found is None:
        sys.exit(f"{code} did not show in any of {_DRAWS_MAX} draws")
    scenario, simulation, seed = found
    print(f"{scenario.title} (seed {seed})")
    for witness, report in reports(code, simulation).items():
        said = judgement(code, witness, report, simulation)
        print(
            f"{witness}: {said.how}{', first' if said.leads else ''}{f' ({said.unshown})' if said.unshown else ''}"
        )
        for f in report.findings:
            print(
                f"    {f.code} {f.severity} {f.device}: {f.summary}{f' ← {f.caused_by}' if f.caused_by else ''}"
            )
        for doubt in report.undecided:
            print(f"    undecided {' '.join(doubt.faults)}: {doubt.next}")
    if out:
        simulation.write(Path(out))
        (Path(out) / "scenario.toml").write_text(as_toml(drawn(code, seed)), encoding="utf-8")
        print(f"wrote {out}")


def kept(file: Path) -> list[Case]:
    """What ``--keep`` wrote."""
    told_of = json.loads(file.read_text(encoding="utf-8"))
    return [
        Case(code, number, seed, tuple(Said(*said) for said in heard))
        for code, number, seed, heard in told_of
    ]


def main() -> None:
    """Score, or show one case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cases", type=int, default=CASES, help="scenarios with a fault, evenly over all codes"
    )
    parser.add_argument("--healthy", type=int, default=HEALTHY_CASES, help="healthy ones")
    parser.add_argument("--first", type=int, default=0, help="number of the first of each code")
    parser.add_argument("--only", default="", help="these codes alone, with commas")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--page", help="write the figures there")
    parser.add_argument(
        "--gate", type=float, default=0.0, help="exit 1 when a smaller share is named of what can be shown"
    )
    parser.add_argument(
        "--silent", type=float, default=0.0, help="exit 1 when a smaller share of the healthy is silent"
    )
    parser.add_argument("--keep", help="keep what was said of each case there (JSON)")
    parser.add_argument("--kept", help="tell what was kept there, without playing anything")
    parser.add_argument("--code", help="play one case of this code")
    parser.add_argument("--case", type=int, default=0, help="its number")
    parser.add_argument("--out", help="leave its files there")
    given = parser.parse_args()
    if given.code:
        show(given.code, given.case, given.out)
        return
    if given.kept:
        cases = kept(Path(given.kept))
    else:
        only = given.only.split(",") if given.only else [*FAULTS, HEALTHY]
        wanted = [task for task in tasks(given.cases, given.healthy, given.first) if task[0] in only]
        mapped = map_shards(scored_many, in_shards(wanted, _SHARD), jobs=given.jobs)
        cases = [case for shard in mapped.results for case in shard]
    if given.keep:
        Path(given.keep).write_text(json.dumps(cases), encoding="utf-8")
    for witness, what, case in wrong(cases):
        print(f"{case.code} {witness}: {what}: {case.command}")
    for witness in WITNESSES:
        print(f"{witness}: {Figures.of(cases, witness).line}")
    asked = [Figures.of(cases, witness) for witness in WITNESSES]
    if any(f.named < given.gate * f.able or f.silent < given.silent * f.well for f in asked):
        sys.exit(1)
    if given.page:
        lines = [(witness, Figures.of(cases, witness)) for witness in WITNESSES]
        Path(given.page).write_text(page(cases, lines, wrong(cases)), encoding="utf-8")


if __name__ == "__main__":
    main()
