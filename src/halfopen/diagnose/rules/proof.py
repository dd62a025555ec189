"""From facts to a finding: the evidence quoted, the remedy attached, the key stable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halfopen import findings
from halfopen.diagnose.events import Event
from halfopen.diagnose.timeline import Timeline
from halfopen.diagnose.traffic import FlowObserved, FrameRef
from halfopen.diagnose.witnesses import counterpart
from halfopen.findings import Evidence, Finding, Remedy, Severity

#: As many quoted lines and frames as a reader takes in at once.
EVIDENCE_MAX = 6
#: Of these, so many may be the same frames in another capture.
SECONDED_MAX = 2

#: What proves a finding: an event, or a frame of the flow (or other capture fact) that holds it.
Proof = Event | tuple[Event, FrameRef | None]


def evidence(proof: Iterable[Proof]) -> tuple[Evidence, ...]:
    """Quote ``proof`` in order, each place once, at most ``EVIDENCE_MAX``."""
    quoted: dict[tuple[str, int | None, int | None], Evidence] = {}
    for item in proof:
        if isinstance(item, tuple):
            event, ref = item
            if ref is None:
                continue
            quote = Evidence(event.where.source, None, ref.frame, ref.time, ref.text)
        else:
            where = item.where
            quote = Evidence(where.source, where.line, where.frame, item.at.seconds, where.text)
        quoted.setdefault((quote.source, quote.line, quote.frame), quote)
        if len(quoted) == EVIDENCE_MAX:
            break
    return tuple(quoted.values())


def seconded(timeline: Timeline, proof: Sequence[Proof]) -> tuple[Evidence, ...]:
    """``proof`` quoted, with the first of its frames quoted from the other captures that hold them too.

    Each quotation names the frame of its own file; its time is on the clock of the first capture.
    """
    quotes = evidence(proof)
    same: list[Proof] = []
    for item in proof:
        event, ref = item if isinstance(item, tuple) else (item, None)
        for other in timeline.elsewhere(event):
            if not isinstance(item, tuple):
                same.append(other)
            elif ref is not None:
                same.append((other, counterpart(event, ref, other)))
    more = [quote for quote in evidence(same) if quote not in quotes][:SECONDED_MAX]
    return (*quotes[: EVIDENCE_MAX - len(more)], *more)


def prove(
    timeline: Timeline,
    code: str,
    summary: str,
    proof: Sequence[Proof],
    *,
    confidence: float,
    severity: Severity | None = None,
    about: str = "",
) -> Finding:
    """A finding of fault ``code`` on the timeline's device.

    ``proof`` gives the strongest first; ``about`` tells findings of one code on one device apart (a peer, a boot).
    Raises ``ValueError`` when there is no evidence: without it there is no finding.
    """
    quotes = seconded(timeline, proof)
    if not quotes:
        raise ValueError(f"{code} without evidence")
    entry = findings.fault(code)
    return Finding(
        code=code,
        fault=entry.fault,
        severity=severity or entry.severity,
        confidence=round(min(confidence, 0.99), 2),
        key="/".join(part for part in (code, timeline.device.name, about) if part),
        device=timeline.device.name,
        summary=summary,
        evidence=quotes,
        remedy=Remedy(entry.for_link) if entry.for_link and timeline.link.told else entry.remedy,
    )


def frames(flow: FlowObserved, *refs: FrameRef | None) -> list[Proof]:
    """Frames of a conversation as proof, the missing ones left out."""
    return [(flow, ref) for ref in refs if ref is not None]


def spread(items: Sequence[Event], most: int = 3) -> list[Proof]:
    """The first, the last and a few between of many alike: enough to see the pattern."""
    if len(items) <= most:
        return list(items)
    step = (len(items) - 1) / (most - 1)
    return [items[round(i * step)] for i in range(most)]
