"""A proof as one HTML file: the failing and the cured timeline on one axis, figures, checks, and every finding."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen import __version__, findings
from halfopen.diagnose.report.as_html import Page, Shown
from halfopen.pages.picture import Picture
from halfopen.pages.shapes import PATHS
from halfopen.pages.sheet import rendered
from halfopen.prove import Proof
from halfopen.prove.as_text import rows
from halfopen.prove.figures import Figures
from halfopen.prove.playing import Run

Spans = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Told:
    """One run as the page tells it."""

    title: str
    devices: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """The figures of one device: label, failing, cured."""

    device: str
    rows: tuple[tuple[str, str, str], ...]


def as_html(proof: Proof) -> str:
    """``proof`` as a document that needs nothing but itself."""
    fault = findings.fault(proof.code)
    spans = [
        _together(failing, cured)
        for failing, cured in zip(_spans(proof.failing), _spans(proof.cured), strict=False)
    ]
    return rendered(
        "proof.html.j2",
        title=f"{proof.code} {fault.fault}: {proof.scenario.title}",
        identity=f"{proof.scenario.file}, seed {proof.seed}: the same impairments twice",
        about=proof.scenario.about,
        held=proof.held,
        failing=_told(proof.failing, "Failing", spans),
        cured=_told(proof.cured, "Cured", spans),
        tables=tuple(
            _table(failing, cured)
            for failing, cured in zip(proof.failing.figures, proof.cured.figures, strict=True)
        ),
        checks=proof.checks,
        cures=proof.cures,
        command=proof.command,
        shapes=PATHS,
        version=__version__,
    )


def _told(run: Run, word: str, spans: list[Spans]) -> _Told:
    page = Page(run.report, run.excerpts, prefix=run.name[0])
    programs = ", ".join(dict.fromkeys(figure.firmware for figure in run.figures))
    devices = tuple(
        page.device(f"{run.name}-{index}", index, spans[index] if index < len(spans) else ())
        for index in range(len(run.report.devices))
    )
    return _Told(f"{word}: {programs}", devices)


def _spans(run: Run) -> list[Spans]:
    """First and last time of each section of each device's picture, drawn by itself."""
    page = Page(run.report, {})
    found: list[Spans] = []
    for index in range(len(run.report.devices)):
        pictures = page.device("x", index).pictures
        found.append(_sections(pictures[0].picture) if len(pictures) == 1 else [])
    return found


def _sections(picture: Picture) -> Spans:
    return [(part.since, part.since + (part.end - part.start) * part.rate) for part in picture.sections]


def _together(failing: Spans, cured: Spans) -> Spans:
    """Sections that hold both runs; none where the two pictures have different ones."""
    if len(failing) != len(cured):
        return []
    pairs = zip(failing, cured, strict=True)
    return [(min(a[0], b[0]), max(a[1], b[1])) for a, b in pairs]


def _table(failing: Figures, cured: Figures) -> _Table:
    told = [
        ("firmware", failing.firmware, cured.firmware),
        ("descriptors at most", _of(failing.descriptors_most, failing), _of(cured.descriptors_most, cured)),
        ("descriptors at the end", _of(failing.descriptors_end, failing), _of(cured.descriptors_end, cured)),
        ("least free heap", f"{failing.heap_least} bytes", f"{cured.heap_least} bytes"),
        ("free heap at the end", f"{failing.heap_end} bytes", f"{cured.heap_end} bytes"),
        ("largest block at the end", f"{failing.largest_end} bytes", f"{cured.largest_end} bytes"),
        *((label, before, after) for label, (before, after) in rows(failing, cured)),
    ]
    return _Table(failing.device, tuple(told))


def _of(count: int, figure: Figures) -> str:
    return f"{count} of {figure.descriptors_max}"
