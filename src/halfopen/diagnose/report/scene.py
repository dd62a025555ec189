"""A device's timeline as a picture: its lanes, and its findings pinned to the moment of their strongest evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from halfopen.diagnose.report.axis import Axis
from halfopen.diagnose.report.lane_air import air_lane
from halfopen.diagnose.report.lane_device import boot_rules, device_lane
from halfopen.diagnose.report.lane_link import link_lane
from halfopen.diagnose.report.lane_memory import memory_lanes
from halfopen.diagnose.report.lane_wifi import wifi_lanes
from halfopen.diagnose.report.lane_wire import wire_lanes
from halfopen.diagnose.report.quoting import of_evidence
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Evidence, Finding, Severity
from halfopen.pages.picture import Kind, Lane, Mark, Picture, Pin, Row, Tone
from halfopen.pages.thinning import Quoted, quoted

#: Something that proves a finding and belongs to no other lane.
QUOTED = Kind("line or frame that proves a finding", "dot", "calm")

_TONES: dict[Severity, Tone] = {"error": "bad", "warning": "warn", "info": "info"}


def scene(
    timeline: Timeline,
    findings: Sequence[Finding],
    anchors: Mapping[str, str],
    spans: Sequence[tuple[float, float]] = (),
) -> Picture | None:
    """The picture of one device, ``None`` when nothing of it has a place on an axis.

    ``anchors`` names the element of the page that tells of a finding, by its key; its evidence is quoted in elements
    numbered from there (``f1-1``, ``f1-2``, …). ``spans`` widen the axis; see :class:`Axis`.
    """
    axis = Axis(timeline, spans)
    if not axis.sections:
        return None
    lanes = [lane for lane in _lanes(timeline, axis, findings) if lane.rows or lane.series]
    quotes = _quotes(lanes, axis, findings)
    if quotes is not None:
        lanes.append(quotes)
    if not lanes:
        return None
    pins = [pin for finding in findings if (pin := _pin(finding, anchors[finding.key], axis)) is not None]
    return Picture(
        title=f"Timeline of {timeline.device.name}",
        sections=axis.sections,
        lanes=lanes,
        pins=pins,
        rules=boot_rules(timeline, axis),
        notes=list(_notes(axis)),
    )


def evidence_anchor(anchor: str, number: int) -> str:
    """The element that quotes evidence ``number`` (from 1) of the finding told at ``anchor``."""
    return f"{anchor}-{number}"


def _lanes(timeline: Timeline, axis: Axis, findings: Sequence[Finding]) -> Iterator[Lane]:
    proof = {quoted(of_evidence(quote)) for finding in findings for quote in finding.evidence}
    yield from memory_lanes(timeline, axis)
    yield from wifi_lanes(timeline, axis)
    yield from link_lane(timeline, axis)
    yield from device_lane(timeline, axis)
    yield from wire_lanes(timeline, axis, proof)
    yield from air_lane(timeline, axis)


def _quotes(lanes: Sequence[Lane], axis: Axis, findings: Sequence[Finding]) -> Lane | None:
    """What findings quote and no other lane shows: each thread ends on something that can be pointed at."""
    drawn: set[Quoted] = set()
    for lane in lanes:
        drawn.update(quoted(sample.place) for series in lane.series for sample in series.samples)
        drawn.update(quoted(mark.place) for mark in lane.marks)
        for row in lane.rows:
            drawn.update(quoted(mark.place) for mark in row.marks)
            drawn.update(quoted(span.place) for span in row.spans)
    marks: dict[Quoted, Mark] = {}
    for finding in findings:
        for quote in finding.evidence:
            place, x = of_evidence(quote), _where(quote, axis)
            if x is not None and quoted(place) not in drawn:
                marks.setdefault(quoted(place), Mark(x, QUOTED, place))
    return Lane("Proof", rows=[Row("quoted", marks=sorted(marks.values(), key=_position))]) if marks else None


def _position(mark: Mark) -> float:
    return mark.x


def _notes(axis: Axis) -> Iterator[str]:
    """What a reader must know of the axis before he compares two things on it."""
    if axis.apart:
        yield (
            "The clocks of log and capture could not be aligned here: their sections stand side by side,"
            " and a place in one says nothing of a place in the other."
        )
    elif len(axis.sections) > 1:
        yield "Each section has a clock of its own; lengths of different sections do not compare."
    if any(section.clock == "line" for section in axis.sections):
        yield "Where the log carries no times, the axis counts lines: distances are not durations."


def _pin(finding: Finding, anchor: str, axis: Axis) -> Pin | None:
    threads = [
        (x, of_evidence(quote), evidence_anchor(anchor, number))
        for number, quote in enumerate(finding.evidence, 1)
        if (x := _where(quote, axis)) is not None
    ]
    if not threads:
        return None
    return Pin(threads[0][0], finding.code, finding.summary, _TONES[finding.severity], anchor, threads)


def _where(quote: Evidence, axis: Axis) -> float | None:
    if quote.line is not None:
        return axis.of_line(quote.source, quote.line)
    return axis.of_capture(quote.time) if quote.time is not None else None
