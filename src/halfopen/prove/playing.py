"""One run: a scenario played in the twin, and what :mod:`halfopen.diagnose` says of the log and capture it left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from halfopen.diagnose import judged, read
from halfopen.diagnose.events import Event
from halfopen.diagnose.report import LINES_AROUND, Excerpts, Report
from halfopen.diagnose.sources.excerpt import LineExcerpt
from halfopen.findings import Finding
from halfopen.ports.files import Input
from halfopen.prove.figures import Figures, figures
from halfopen.twin.scenario import Scenario
from halfopen.twin.simulation import Sample, Simulation

_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``files`` are what a bench would have given, by name; the report quotes them as ``name/file``."""

    name: str
    scenario: Scenario
    files: dict[str, bytes]
    report: Report
    excerpts: Excerpts
    figures: tuple[Figures, ...]
    samples: dict[str, list[Sample]]

    @property
    def ills(self) -> tuple[Finding, ...]:
        """Errors and warnings."""
        return tuple(finding for finding in self.report.findings if finding.severity != "info")

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all findings."""
        return frozenset(finding.code for finding in self.report.findings)


class _Held(Input, frozen=True):
    """An input that lies in memory."""

    content: bytes = b""

    def chunks(self, notes: list[str]) -> Iterator[bytes]:
        """Its bytes in chunks."""
        for start in range(0, len(self.content), _CHUNK_BYTES):
            yield self.content[start : start + _CHUNK_BYTES]


def play(scenario: Scenario, seed: int, name: str, progress: Callable[[int], None] | None = None) -> Run:
    """Play ``scenario`` with ``seed`` and diagnose what it left."""
    simulation = Simulation(scenario, seed)
    simulation.run(progress)
    files = simulation.files()
    report = judged(
        *told({f"{name}/{file}": content for file, content in files.items() if not file.endswith(".json")})
    )
    excerpts = _excerpts({f"{name}/{file}": content for file, content in files.items()}, report)
    return Run(name, scenario, files, report, excerpts, figures(simulation), simulation.samples)


def told(files: Mapping[str, bytes]) -> tuple[list[tuple[str, list[Event]]], list[str]]:
    """What files that lie in memory tell, as :func:`halfopen.diagnose.judged` takes it: events by name, and notes."""
    notes: list[str] = []
    sources: list[tuple[str, list[Event]]] = []
    for name, content in files.items():
        events = read(_Held(name, None, named=True, content=content), notes)
        if events is not None:
            sources.append((name, events))
    return sources, notes


def _excerpts(files: dict[str, bytes], report: Report) -> Excerpts:
    """The lines around those that ``report`` quotes."""
    wanted: dict[str, set[int]] = {}
    for finding in report.findings:
        for quote in finding.evidence:
            if quote.line is not None:
                wanted.setdefault(quote.source, set()).add(quote.line)
    found: dict[str, dict[int, str]] = {}
    for source, lines in wanted.items():
        excerpt = LineExcerpt(lines, LINES_AROUND)
        excerpt.feed(files[source])
        excerpt.end()
        found[source] = excerpt.lines
    return found
