"""What happened to one device, told so that a reader who knows no networks understands it.

A story is made of what the rules found and of nothing else: what failed first, what followed from it, what else was
wrong, and whether the device came back. It is pure, so that every report can tell the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from halfopen import findings as catalogue
from halfopen.diagnose.events import AddressGot, Event, ServerConnected, WifiJoined
from halfopen.diagnose.timeline import Device, Timeline
from halfopen.findings import Finding, Severity

#: From this confidence on nothing is said of doubt.
_SURE = 0.9
_LIKELY = 0.75
#: How what was noticed ended.
_GOT_OVER = "The device got over it within the time that is to be expected."
_DID_ITS_WORK = "Connections end; the link is there to notice it and to make a new one, and it did. Nothing needs to be done."
#: Consequences told by name; more are counted.
_TOLD_MAX = 3


class Story(Struct, frozen=True):
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
    undecided: Collection[str] = (),
) -> Story:
    """The story of ``device`` from its ``findings``, ranked as a report ranks them.

    ``all_by_key`` are the findings of every device: what befell several at once has its cause with one of them;
    ``undecided`` the codes of faults between which the evidence does not decide.
    """
    if device.firmware == "esp8266":
        return Story(
            "This is a log of an ESP8266, which halfopen does not judge.",
            ("Its error numbers mean other things than those of an ESP32, so nothing was concluded.",),
            None,
        )
    if not findings and timeline is not None and (lost := wifi_unexplained(timeline)):
        return Story(
            lost,
            (lost, *_came_back(timeline), "What to record next stands under what is undecided."),
            "warning",
        )
    if timeline is not None and (survived := got_over(timeline, findings)):
        return Story(survived, (survived, *_mild(findings), _DID_ITS_WORK), "info")
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
            (*_mild(findings), _GOT_OVER),
            "info",
        )
    followed = [f for f in findings[1:] if f.caused_by is not None]
    apart = [
        f for f in findings[1:] if f.caused_by is None and f.severity != "info" and f.fault != root.fault
    ]
    first = not any(_before(other, root) for other in apart)
    sentences = [
        _opening(root, first=first),
        *_consequences(followed, root),
        *_others(apart),
        *_outcome(timeline),
    ]
    worst = min(findings, key=lambda f: catalogue.SEVERITIES.index(f.severity)).severity
    open_question = root.confidence < _LIKELY or root.code in undecided
    verdict = f"Possibly: {_lowered(_plain(root))}" if open_question else _plain(root)
    return Story(verdict, tuple(sentences), worst)


def got_over(timeline: Timeline, findings: Sequence[Finding]) -> str:
    """That halfopen's own link got over all that befell it, with the figures; "" where that is not so."""
    link = timeline.link
    if not link.well or any(finding.severity != "info" for finding in findings):
        return ""
    number = len(link.episodes)
    noticed = max((episode.noticed_s or 0.0 for episode in link.episodes), default=0.0)
    back = max(episode.back_s or 0.0 for episode in link.episodes)
    within = "in" if number == 1 else "within"
    waited = f" {within} {noticed:.1f} s" if noticed else ""
    times = {1: "a loss", 2: "both losses"}.get(number, f"all {number} losses")
    return f"The link noticed {times}{waited} and recovered {within} {back:.1f} s."


def wifi_unexplained(timeline: Timeline) -> str:
    """That halfopen's own link lost its Wi-Fi or could not join, where its journal is all there is and tells no reason
    and the loss was no passing one; "" else."""
    drops = [d for d in timeline.drops if d.reason is None and not d.planned] if timeline.link.told else []
    if not drops or timeline.link.well:
        return ""
    lost = sum(drop.stage == "running" for drop in drops)
    failed = len(drops) - lost
    told = [f"the Wi-Fi was lost {_times(lost)}"] if lost else []
    told += [f"joining failed {_times(failed)}"] if failed else []
    sentence = " and ".join(told)
    return f"{sentence[:1].upper()}{sentence[1:]}, and this log cannot say why."


def _came_back(timeline: Timeline) -> Iterator[str]:
    """How the last outage ended."""
    if timeline.outages:
        yield (
            "In the end the Wi-Fi came back."
            if timeline.outages[-1].recovered
            else "It was still down when the log ended."
        )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def doubt(confidence: float) -> str:
    """How sure a finding is, in words."""
    if confidence >= _SURE:
        return "The evidence is clear"
    return "The evidence makes this likely" if confidence >= _LIKELY else "This is possible, not certain"


def _plain(finding: Finding) -> str:
    return catalogue.fault(finding.code).plain


def _opening(root: Finding, *, first: bool) -> str:
    what = "What failed first" if first else "What weighs most"
    return f"{what}: {_lowered(_plain(root))} {doubt(root.confidence)} ({root.confidence:.0%})."


def _before(finding: Finding, other: Finding) -> bool:
    """Whether all that proves a finding stands before all that proves another, where one source shows both."""
    for source in {quote.source for quote in finding.evidence}:
        mine = [q.line or q.frame or 0 for q in finding.evidence if q.source == source]
        theirs = [q.line or q.frame or 0 for q in other.evidence if q.source == source]
        if theirs and max(mine) < min(theirs):
            return True
    return False


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
        yield f"Besides, and not shown to follow from it: {told}."


def _mild(findings: Sequence[Finding]) -> Iterator[str]:
    told = "; ".join(_lowered(_plain(f)).rstrip(".") for f in _unique(findings)[:_TOLD_MAX])
    if told:
        yield f"What was noticed: {told}."


def _outcome(timeline: Timeline | None) -> Iterator[str]:
    """Whether the Wi-Fi link was back in the end, where the log tells; one that never was is not called lost."""
    outages = timeline.outages if timeline is not None else ()
    if timeline is not None and timeline.link.episodes and not outages:
        back = timeline.link.episodes[-1].back is not None
        yield "In the end the link stood again." if back else "The link was still down when the log ended."
    if timeline is None or not outages:
        return
    lost = [
        outage
        for outage in outages
        if outage.drops[0].stage == "running" or _was_up(timeline, outage.drops[0].events[0])
    ]
    if not lost:
        in_the_end = "got in at last" if outages[-1].recovered else "had not got in when the log ended"
        yield f"The device tried to join the Wi-Fi and {in_the_end}."
        return
    times = _times(len(lost))
    state = "came back" if outages[-1].recovered else "was still down when the log ended"
    yield f"The Wi-Fi link was lost {times} and {state}."


def _was_up(timeline: Timeline, event: Event) -> bool:
    """Whether the log shows the link up before an event."""
    return timeline.last_of(event, AddressGot, ServerConnected, WifiJoined) is not None


def _unique(findings: Iterator[Finding] | Sequence[Finding]) -> list[Finding]:
    """One finding of each fault."""
    return list({f.fault: f for f in reversed(list(findings))}.values())[::-1]


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
