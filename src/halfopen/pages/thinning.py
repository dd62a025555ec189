"""Fewer points that tell the same: what a picture of bounded size can hold of any number of events.

Nothing that stands out is lost. Of a series each bucket keeps its first, lowest, highest and last sample; of marks each
bucket keeps one of each kind with their number; of stretches the short ones of a bucket become one of the worst kind.
What findings quote (``kept``) always stays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from halfopen.pages.picture import Kind, Mark, Place, Sample, Span, Tone

#: Buckets across the axis: more than a screen has columns to show when nothing is zoomed.
BUCKETS = 1200
_WORST: tuple[Tone, ...] = ("bad", "warn", "info", "calm", "good", "mute")

#: A source and its line or frame: how quoted places are remembered.
Quoted = tuple[str, int | None, int | None]


def quoted(place: Place) -> Quoted:
    """What tells ``place`` from every other."""
    return place.source, place.line, place.frame


def thin_samples(
    samples: Sequence[Sample], start: float, end: float, kept: Collection[Quoted] = (), buckets: int = BUCKETS
) -> list[Sample]:
    """At most four samples a bucket: the first, the lowest, the highest and the last, in their order."""
    if len(samples) <= 4 * buckets:
        return list(samples)
    found: list[Sample] = []
    for bucket in _buckets(samples, start, end, buckets):
        values = [sample.y for sample in bucket]
        lowest, highest = values.index(min(values)), values.index(max(values))
        chosen = {0, lowest, highest, len(bucket) - 1}
        if kept:
            chosen |= {n for n, sample in enumerate(bucket) if quoted(sample.place) in kept}
        found += [bucket[number] for number in sorted(chosen)]
    return found


def thin_marks(
    marks: Sequence[Mark], start: float, end: float, kept: Collection[Quoted] = (), buckets: int = BUCKETS
) -> list[Mark]:
    """At most one mark of each kind a bucket, counting those it stands for."""
    if len(marks) <= buckets:
        return list(marks)
    width = _width(start, end, buckets)
    found: list[Mark] = []
    standing: dict[tuple[Kind, int], int] = {}
    for mark in marks:
        if quoted(mark.place) in kept:
            found.append(mark)
            continue
        spot = (mark.kind, int((mark.x - start) / width))
        if spot in standing:
            first = found[standing[spot]]
            found[standing[spot]] = replace(first, count=first.count + mark.count)
        else:
            standing[spot] = len(found)
            found.append(mark)
    return found


def thin_spans(
    spans: Sequence[Span], start: float, end: float, kept: Collection[Quoted] = (), buckets: int = BUCKETS
) -> list[Span]:
    """Stretches shorter than a bucket that lie in the same one become one, of the worst kind among them."""
    if len(spans) <= buckets:
        return list(spans)
    width = _width(start, end, buckets)
    found: list[Span] = []
    joined: tuple[int, int] | None = None  # the bucket that is being filled, and how many lie in it
    for span in spans:
        bucket = int((span.start - start) / width)
        short = span.end - span.start < width and quoted(span.place) not in kept
        if short and joined is not None and joined[0] == bucket:
            last = found[-1]
            worse = min(last, span, key=lambda s: _WORST.index(s.kind.tone))
            joined = bucket, joined[1] + 1
            found[-1] = replace(
                worse, start=last.start, end=max(last.end, span.end), detail=f"{joined[1]} short ones here"
            )
        else:
            found.append(span)
            joined = (bucket, 1) if short else None
    return found


def _width(start: float, end: float, buckets: int) -> float:
    return (end - start) / buckets or 1.0


def _buckets(samples: Sequence[Sample], start: float, end: float, buckets: int) -> list[list[Sample]]:
    width = _width(start, end, buckets)
    found: list[list[Sample]] = []
    current: int | None = None
    for sample in samples:
        number = int((sample.x - start) / width)
        if number != current:
            found.append([])
            current = number
        found[-1].append(sample)
    return found
