"""The report as one HTML file: for each device its verdict, its picture, its story, then cause, proof and fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from halfopen import __version__
from halfopen import findings as catalogue
from halfopen.diagnose.report import LINES_AROUND, Excerpts, Report
from halfopen.diagnose.report.languages import TITLES, speaks
from halfopen.diagnose.report.quoting import place, utc
from halfopen.diagnose.report.redaction import Redaction
from halfopen.diagnose.report.scene import evidence_anchor, scene
from halfopen.diagnose.report.story import Story, doubt, story
from halfopen.diagnose.timeline import Device, Timeline
from halfopen.findings import Evidence, Finding, Firmware, Severity
from halfopen.pages.drawing import Spelling, drawing
from halfopen.pages.moments import Moment, moments
from halfopen.pages.picture import Kind, Picture
from halfopen.pages.shapes import PATHS
from halfopen.pages.sheet import rendered

#: From so many devices on each is folded, and an overview stands first.
_FOLDED_FROM = 3
#: A quoted line longer than this is cut in the middle; the file has the rest.
_QUOTE_MAX = 600
#: A line around a quoted one is cut here, after names and addresses in it were replaced.
_LINE_MAX = 400


class _Quote(Struct, frozen=True):
    """One piece of evidence; ``when`` is the capture's time, a line carries its own."""

    anchor: str
    where: str
    when: str
    text: str
    strongest: bool


class _Block(Struct, frozen=True):
    """Lines of a log that follow each other: (number, text, whether it is quoted)."""

    source: str
    lines: tuple[tuple[int, str, bool], ...]


class _Fix(Struct, frozen=True):
    """A remedy in one language."""

    anchor: str
    title: str
    code: str


class _Told(Struct, frozen=True):
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


class Drawn(Struct, frozen=True):
    """A picture with what the page needs to draw it; ``caption`` names what stands on a clock of its own."""

    anchor: str
    caption: str
    picture: Picture
    drawing: dict[str, Any]
    legend: tuple[Kind, ...]
    moments: tuple[Moment, ...]


class Shown(Struct, frozen=True):
    """One device as the page shows it."""

    anchor: str
    device: Device
    story: Story
    pictures: tuple[Drawn, ...]
    told: tuple[_Told, ...]
    clocks: tuple[str, ...]
    guessed: bool


def as_html(
    report: Report,
    excerpts: Excerpts | None = None,
    *,
    firmware: str | None = None,
    redaction: Redaction | None = None,
    made: str = "",
) -> str:
    """``report`` as a document that needs nothing but itself.

    ``excerpts`` are the lines around quoted ones; ``firmware`` overrides the recognised family for the fixes;
    ``redaction`` replaces names, addresses and secrets. ``made`` says when or from what the page was made, and is left
    out when empty, so that the same input gives the same bytes.
    """
    page = Page(report, excerpts or {}, firmware, redaction)
    shown = [page.device(f"d{number}", index) for number, index in enumerate(_worst_first(report), 1)]
    return rendered(
        "report.html.j2",
        title=_title(shown),
        devices=shown,
        folded=len(shown) >= _FOLDED_FROM,
        undecided=[(_names(doubt.faults), doubt.next) for doubt in page.said.undecided],
        notes=page.said.notes,
        clocks=tuple(map(str, page.said.capture_clocks)),
        shapes=PATHS,
        version=__version__,
        made=made,
    )


class Page:
    """What all devices of a page share: the report as it may be shown, anchors, and which fixes were told.

    Pictures are drawn from ``report`` itself, because places are found by the names of sources; only what is written
    is spelled by the redaction.
    """

    def __init__(
        self,
        report: Report,
        excerpts: Excerpts,
        firmware: str | None = None,
        redaction: Redaction | None = None,
        prefix: str = "f",
    ) -> None:
        """``prefix`` begins the anchors of the findings, so that one sheet can tell two reports."""
        self.report = report
        self.said = redaction.report(report) if redaction is not None else report
        self._excerpts = redaction.excerpts(excerpts) if redaction is not None else excerpts
        self._spell: Spelling = redaction.text if redaction is not None else str
        self._name: Spelling = redaction.source if redaction is not None else _short_names(report)
        self._firmware = firmware
        self._fixed: dict[tuple[str, Firmware], str] = {}
        self._anchors = {
            finding.key: f"{prefix}{number}" for number, finding in enumerate(report.findings, 1)
        }
        self._by_key = {finding.key: finding for finding in report.findings}
        self._undecided = {code for doubt in report.undecided for code in doubt.faults}

    def device(self, anchor: str, index: int, spans: Sequence[tuple[float, float]] = ()) -> Shown:
        """The device number ``index`` of the report; ``spans`` widen the axis of its picture (:class:`Axis`)."""
        device, said = self.report.devices[index], self.said.devices[index]
        timeline = self.report.timelines[index] if self.report.timelines else None
        own = [n for n, finding in enumerate(self.report.findings) if finding.device == device.name]
        found = [self.report.findings[n] for n in own]
        return Shown(
            anchor,
            said,
            story(device, found, timeline, self._by_key, self._undecided),
            tuple(self._pictures(anchor, timeline, found, spans)) if timeline is not None else (),
            tuple(self._told(n, device, first=place == 0) for place, n in enumerate(own)),
            tuple(str(clock) for clock in self.said.clocks if clock.device == said.name),
            guessed=not (self._firmware or device.firmware),
        )

    def _pictures(
        self,
        anchor: str,
        timeline: Timeline,
        found: Sequence[Finding],
        spans: Sequence[tuple[float, float]],
    ) -> Iterator[Drawn]:
        """One picture for each clock; what stands apart is captioned."""
        parts = (timeline, *timeline.apart)
        for number, part in enumerate(parts):
            sources = {event.where.source for event in part.events}
            own = [f for f in found if len(parts) == 1 or any(q.source in sources for q in f.evidence)]
            picture = scene(part, own, self._anchors, spans if len(parts) == 1 else ())
            if picture is None:
                continue
            names = ", ".join(
                self._name(source) for source in dict.fromkeys(e.where.source for e in part.events)
            )
            yield Drawn(
                f"{anchor}-{number}" if number else anchor,
                f"{names}: on a clock of its own" if len(parts) > 1 else "",
                picture,
                drawing(picture, self._spell, self._name),
                tuple(picture.kinds()),
                tuple(moments(picture, self._spell, self._name)),
            )

    def _told(self, number: int, device: Device, *, first: bool) -> _Told:
        original, finding = self.report.findings[number], self.said.findings[number]
        language = speaks(self._firmware or device.firmware)
        anchor = self._anchors[original.key]
        cause = self._by_key.get(original.caused_by or "")
        entry = catalogue.fault(finding.code)
        fixes: list[_Fix] = []
        elsewhere = self._fixed.setdefault((finding.code, language), anchor)
        if elsewhere == anchor:
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
            summary=finding.summary[:1].upper() + finding.summary[1:],
            why=entry.why,
            cause=(cause.code, self._anchors[cause.key]) if cause is not None else None,
            quotes=tuple(
                self._quote(evidence_anchor(anchor, place), quote, strongest=place == 1)
                for place, quote in enumerate(finding.evidence, 1)
            ),
            blocks=tuple(_blocks(finding.evidence, self._excerpts, self._name)),
            remedy=finding.remedy.summary,
            fix=fixes[0] if fixes else None,
            others=tuple(fixes[1:]),
            elsewhere="" if elsewhere == anchor else elsewhere,
            folded=not first and (finding.severity == "info" or cause is not None),
        )

    def _quote(self, anchor: str, quote: Evidence, *, strongest: bool) -> _Quote:
        when = utc(quote.time) if quote.frame is not None and quote.time is not None else ""
        text = quote.text.strip()
        if len(text) > _QUOTE_MAX:
            text = f"{text[: _QUOTE_MAX * 3 // 4]} … {text[-_QUOTE_MAX // 4 :]}"
        return _Quote(anchor, place(replace(quote, source=self._name(quote.source))), when, text, strongest)


def _short_names(report: Report) -> Spelling:
    """Files by their base names where that tells them apart: a page is for people who have other folders."""
    sources = {source for device in report.devices for source in device.sources}
    sources |= {quote.source for finding in report.findings for quote in finding.evidence}
    bases = Counter(PurePath(source).name for source in sources)
    return lambda source: base if bases[base := PurePath(source).name] == 1 else source


def _worst_first(report: Report) -> list[int]:
    """The devices, by number, in the order of their findings; those without any last."""
    order = list(dict.fromkeys(finding.device for finding in report.findings))
    names = [device.name for device in report.devices]
    return sorted(range(len(names)), key=lambda n: order.index(names[n]) if names[n] in order else len(order))


def _title(shown: Sequence[Shown]) -> str:
    if len(shown) == 1:
        return f"{shown[0].device.name}: {shown[0].story.verdict}"
    ill = sum(device.story.severity in ("error", "warning") for device in shown)
    together = sum(device.story.shared for device in shown) + 1
    if together > 1 and ill <= 1:
        return f"{together} of {len(shown)} devices were lost together"
    need = f"{ill} of {len(shown)} devices {'needs' if ill == 1 else 'need'} attention"
    return f"{need}, {together} were lost together" if together > 1 else need


def _names(codes: Sequence[str]) -> list[tuple[str, str]]:
    return [(code, catalogue.fault(code).title) for code in codes]


def _blocks(evidence: Sequence[Evidence], excerpts: Excerpts, name: Spelling) -> Iterator[_Block]:
    """The lines around the quoted ones, those that touch joined."""
    for source in dict.fromkeys(quote.source for quote in evidence):
        hits = {quote.line for quote in evidence if quote.source == source and quote.line is not None}
        known = excerpts.get(source, {})
        near = [n for n in sorted(known) if any(abs(n - hit) <= LINES_AROUND for hit in hits)]
        block: list[tuple[int, str, bool]] = []
        for number in near:
            if block and number != block[-1][0] + 1:
                yield _Block(name(source), tuple(block))
                block = []
            block.append((number, known[number][:_LINE_MAX], number in hits))
        if block:
            yield _Block(name(source), tuple(block))
