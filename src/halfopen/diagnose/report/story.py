"""What happened to one device, told so that a reader who knows no networks understands it.

A story is made of what the rules found and of nothing else: what failed first, what followed from it, what else was
wrong, and whether the device came back. It is pure, so that every report can tell the same one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from halfopen import findings as catalogue
from halfopen.diagnose.timeline import Device, Timeline
from halfopen.findings import Finding, Severity

#: From this confidence on nothing is said of doubt.
_SURE = 0.9
_LIKELY = 0.75
#: Consequences told by name; more are counted.
_TOLD_MAX = 3


@dataclass(frozen=True, slots=True)
class Story:
    """One device's story: ``verdict`` in a sentence, ``sentences`` for the paragraph, ``severity`` of the worst finding
    (``None`` when nothing is wrong); ``shared`` when it fell together with others."""

    verdict: str
    sentences: tuple[str, ...]
    severity: Severity | None
    shared: bool = False


def story(
    device: Device,
    findings: Sequence[Finding],
    timeline: Timeline | None = None,
    all_by_key: Mapping[str, Finding] | None = None,
) -> Story:
    """The story of ``device`` from its ``findings``, ranked as a report ranks them.

    ``all_by_key`` are the findings of every device: what befell several at once has its cause with one of them.
    """
    if device.firmware == "esp8266":
        return Story(
            "This is a log of an ESP8266, which halfopen does not judge.",
            ("Its error numbers mean other things than those of an ESP32, so nothing was concluded.",),
            None,
        )
    if not findings:
        return Story(
            "Nothing wrong was found.",
            (
                "In what was recorded the device behaved as it should. That says nothing of times not recorded.",
            ),
            None,
        )
    root = findings[0]
    shared = (all_by_key or {}).get(root.caused_by or "")
    if shared is not None and shared.device != device.name:
        return Story(
            f"Lost together with others: {_lowered(_plain(shared))}",
            (f"What failed is what they share: {_lowered(_plain(shared))}", *_outcome(timeline)),
            root.severity,
            shared=True,
        )
    if all(finding.severity == "info" for finding in findings):
        return Story(
            f"Nothing that needs action: {_lowered(_plain(root))}",
            tuple(_mild(findings)),
            "info",
        )
    followed = [f for f in findings[1:] if f.caused_by is not None]
    apart = [
        f for f in findings[1:] if f.caused_by is None and f.severity != "info" and f.fault != root.fault
    ]
    sentences = [_opening(root), *_consequences(followed, root), *_others(apart), *_outcome(timeline)]
    worst = min(findings, key=lambda f: catalogue.SEVERITIES.index(f.severity)).severity
    return Story(_plain(root), tuple(sentences), worst)


def doubt(confidence: float) -> str:
    """How sure a finding is, in words."""
    if confidence >= _SURE:
        return "The evidence is clear"
    return "The evidence makes this likely" if confidence >= _LIKELY else "This is possible, not certain"


def _plain(finding: Finding) -> str:
    return catalogue.fault(finding.code).plain


def _opening(root: Finding) -> str:
    return f"What failed first: {_lowered(_plain(root))} {doubt(root.confidence)} ({root.confidence:.0%})."


def _consequences(followed: Sequence[Finding], root: Finding) -> Iterator[str]:
    faults = _unique(f for f in followed if f.fault != root.fault)
    if not faults:
        return
    told = [_lowered(_plain(f)).rstrip(".") for f in faults[:_TOLD_MAX]]
    more = len(faults) - len(told)
    tail = f"; and {more} more {'consequence' if more == 1 else 'consequences'}" if more else ""
    yield f"What followed from it: {'; '.join(told)}{tail}. {'This goes' if len(faults) == 1 else 'These go'} away with the first."


def _others(apart: Sequence[Finding]) -> Iterator[str]:
    faults = _unique(apart)
    if faults:
        told = "; ".join(_lowered(_plain(f)).rstrip(".") for f in faults[:_TOLD_MAX])
        yield f"Besides, and not because of it: {told}."


def _mild(findings: Sequence[Finding]) -> Iterator[str]:
    told = "; ".join(_lowered(_plain(f)).rstrip(".") for f in _unique(findings)[:_TOLD_MAX])
    yield f"What was noticed: {told}. The device got over it within the time that is to be expected."


def _outcome(timeline: Timeline | None) -> Iterator[str]:
    """Whether the Wi-Fi link was back in the end, where the log tells."""
    outages = timeline.outages if timeline is not None else ()
    if not outages:
        return
    lost = "once" if len(outages) == 1 else f"{len(outages)} times"
    if outages[-1].recovered:
        yield f"The Wi-Fi link was lost {lost} and came back."
    else:
        yield f"The Wi-Fi link was lost {lost} and was still down when the log ended."


def _unique(findings: Iterator[Finding] | Sequence[Finding]) -> list[Finding]:
    """One finding of each fault."""
    return list({f.fault: f for f in reversed(list(findings))}.values())[::-1]


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
