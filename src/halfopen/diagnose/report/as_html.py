"""The report as one HTML file: for each device its verdict, its picture, its story, then cause, proof and fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from halfopen import __version__
from halfopen import findings as catalogue
from halfopen.diagnose.report import LINES_AROUND, Excerpts, Report
from halfopen.diagnose.report.languages import TITLES, speaks
from halfopen.diagnose.report.quoting import place, utc
from halfopen.diagnose.report.scene import evidence_anchor, scene
from halfopen.diagnose.report.story import Story, doubt, story
from halfopen.diagnose.timeline import Device, Timeline
from halfopen.findings import Evidence, Finding, Firmware, Severity
from halfopen.pages.drawing import drawing
from halfopen.pages.moments import Moment, moments
from halfopen.pages.picture import Kind, Picture
from halfopen.pages.shapes import PATHS
from halfopen.pages.sheet import rendered

#: From so many devices on each is folded, and an overview stands first.
_FOLDED_FROM = 3
#: A quoted line longer than this is cut in the middle; the file has the rest.
_QUOTE_MAX = 600


@dataclass(frozen=True, slots=True)
class _Quote:
    """One piece of evidence; ``when`` is the capture's time, a line carries its own."""

    anchor: str
    where: str
    when: str
    text: str
    strongest: bool


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines of a log that follow each other: (number, text, whether it is quoted)."""

    source: str
    lines: tuple[tuple[int, str, bool], ...]


@dataclass(frozen=True, slots=True)
class _Fix:
    """A remedy in one language."""

    anchor: str
    title: str
    code: str


@dataclass(frozen=True, slots=True)
class _Told:
    """A finding as the page tells it."""

    anchor: str
    code: str
    title: str
    severity: Severity
    sure: str
    summary: str
    why: str
    cause: tuple[str, str] | None
    quotes: tuple[_Quote, ...]
    blocks: tuple[_Block, ...]
    remedy: str
    fix: _Fix | None
    others: tuple[_Fix, ...]
    elsewhere: str
    folded: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """One device as the page shows it."""

    anchor: str
    device: Device
    story: Story
    picture: Picture | None
    drawing: dict[str, Any] | None
    legend: tuple[Kind, ...]
    moments: tuple[Moment, ...]
    told: tuple[_Told, ...]
    clocks: tuple[str, ...]
    guessed: bool


def as_html(
    report: Report, excerpts: Excerpts | None = None, *, firmware: str | None = None, made: str = ""
) -> str:
    """``report`` as a document that needs nothing but itself.

    ``excerpts`` are the lines around quoted ones; ``firmware`` overrides the recognised family for the fixes; ``made``
    says when or from what the page was made, and is left out when empty, so that the same input gives the same bytes.
    """
    fixed: dict[tuple[str, Firmware], str] = {}
    anchors = {finding.key: f"f{number}" for number, finding in enumerate(report.findings, 1)}
    by_name = {timeline.device.name: timeline for timeline in report.timelines}
    shown = [
        _device(
            f"d{number}", device, by_name.get(device.name), report, anchors, excerpts or {}, firmware, fixed
        )
        for number, device in enumerate(_worst_first(report), 1)
    ]
    return rendered(
        "report.html.j2",
        title=_title(shown),
        devices=shown,
        folded=len(shown) >= _FOLDED_FROM,
        undecided=[(_names(doubt.faults), doubt.next) for doubt in report.undecided],
        notes=report.notes,
        shapes=PATHS,
        version=__version__,
        made=made,
    )


def _worst_first(report: Report) -> list[Device]:
    """The devices in the order of their findings, those without any last."""
    order = list(dict.fromkeys(finding.device for finding in report.findings))
    return sorted(report.devices, key=lambda d: order.index(d.name) if d.name in order else len(order))


def _title(shown: Sequence[_Shown]) -> str:
    if len(shown) == 1:
        return f"{shown[0].device.name}: {shown[0].story.verdict}"
    ill = sum(device.story.severity in ("error", "warning") for device in shown)
    return f"{ill} of {len(shown)} devices need attention"


def _names(codes: Sequence[str]) -> list[tuple[str, str]]:
    return [(code, catalogue.fault(code).title) for code in codes]


def _device(
    anchor: str,
    device: Device,
    timeline: Timeline | None,
    report: Report,
    anchors: Mapping[str, str],
    excerpts: Excerpts,
    firmware: str | None,
    fixed: dict[tuple[str, Firmware], str],
) -> _Shown:
    own = [finding for finding in report.findings if finding.device == device.name]
    language = speaks(firmware or device.firmware)
    picture = scene(timeline, own, anchors) if timeline is not None else None
    told = tuple(
        _told(finding, report, anchors, excerpts, language, fixed, first=n == 0)
        for n, finding in enumerate(own)
    )
    return _Shown(
        anchor,
        device,
        story(device, own, timeline),
        picture,
        drawing(picture) if picture is not None else None,
        tuple(picture.kinds()) if picture is not None else (),
        tuple(moments(picture)) if picture is not None else (),
        told,
        tuple(str(clock) for clock in report.clocks if clock.device == device.name),
        guessed=not (firmware or device.firmware),
    )


def _told(
    finding: Finding,
    report: Report,
    anchors: Mapping[str, str],
    excerpts: Excerpts,
    language: Firmware,
    fixed: dict[tuple[str, Firmware], str],
    *,
    first: bool,
) -> _Told:
    anchor = anchors[finding.key]
    cause = next((f for f in report.findings if f.key == finding.caused_by), None)
    entry = catalogue.fault(finding.code)
    elsewhere = fixed.get((finding.code, language), "")
    fixes: list[_Fix] = []
    if not elsewhere:
        fixed[finding.code, language] = anchor
        fixes = [
            _Fix(f"{anchor}-{name}", TITLES[name], code)
            for name, code in sorted(finding.remedy.code.items(), key=lambda item: item[0] != language)
        ]
    return _Told(
        anchor=anchor,
        code=finding.code,
        title=entry.title,
        severity=finding.severity,
        sure=f"{doubt(finding.confidence)}: {finding.confidence:.0%} sure",
        summary=finding.summary,
        why=entry.why,
        cause=(cause.code, anchors[cause.key]) if cause is not None else None,
        quotes=tuple(
            _quote(evidence_anchor(anchor, number), quote, strongest=number == 1)
            for number, quote in enumerate(finding.evidence, 1)
        ),
        blocks=tuple(_blocks(finding.evidence, excerpts)),
        remedy=finding.remedy.summary,
        fix=fixes[0] if fixes else None,
        others=tuple(fixes[1:]),
        elsewhere=elsewhere,
        folded=not first and (finding.severity == "info" or cause is not None),
    )


def _quote(anchor: str, quote: Evidence, *, strongest: bool) -> _Quote:
    when = ""
    if quote.time is not None:
        when = utc(quote.time) if quote.frame is not None else ""
    text = quote.text.strip()
    if len(text) > _QUOTE_MAX:
        text = f"{text[: _QUOTE_MAX * 3 // 4]} … {text[-_QUOTE_MAX // 4 :]}"
    return _Quote(anchor, place(quote), when, text, strongest)


def _blocks(evidence: Sequence[Evidence], excerpts: Excerpts) -> Iterator[_Block]:
    """The lines around the quoted ones, those that touch joined."""
    for source in dict.fromkeys(quote.source for quote in evidence):
        hits = {quote.line for quote in evidence if quote.source == source and quote.line is not None}
        known = excerpts.get(source, {})
        near = [n for n in sorted(known) if any(abs(n - hit) <= LINES_AROUND for hit in hits)]
        block: list[tuple[int, str, bool]] = []
        for number in near:
            if block and number != block[-1][0] + 1:
                yield _Block(source, tuple(block))
                block = []
            block.append((number, known[number], number in hits))
        if block:
            yield _Block(source, tuple(block))
