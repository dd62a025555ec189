"""HO414: the firmware believes in a connection that is gone."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import CallFailed, Event, HeartbeatMissed, ResolveFailed, StatusClaimed
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding

#: One claim may have been on its way when the link fell.
_CLAIMS_MIN = 2


def stale_status(timeline: Timeline) -> Iterator[Finding]:
    """`connected` printed again and again after a disconnect, with no join between."""
    believed = [e for e in timeline.of(StatusClaimed) if e.connected]
    if len(believed) < _CLAIMS_MIN:
        return
    joins = frozenset(timeline.joins)
    for outage in timeline.outages:
        fell = outage.drops[0].events[-1]
        claims: list[StatusClaimed] = []
        for event in timeline.between(fell):
            if isinstance(event, StatusClaimed):
                if not event.connected:
                    break
                claims.append(event)
            elif event in joins:
                break
        if len(claims) >= _CLAIMS_MIN:
            summary = (
                f"the firmware reported itself connected {len(claims)} times after"
                " the disconnect, with no join in between: its flag is stale."
            )
            yield prove(timeline, "HO414", summary, [fell, *spread(claims)], confidence=0.9)
            return
    errors: list[Event] = [e for e in timeline.of(CallFailed, HeartbeatMissed, ResolveFailed) if _dead(e)]
    first, last = timeline.position(believed[0]), timeline.position(believed[-1])
    between = [e for e in errors if first < timeline.position(e) < last]
    if len(between) >= 3 and not any(True for e in timeline.of(StatusClaimed) if not e.connected):
        proof: list[Proof] = [*spread(between, 2), *spread(believed, 2)]
        summary = f"the firmware kept reporting itself connected while {len(between)} calls failed as on a dead link: its flag is stale."
        yield prove(timeline, "HO414", summary, proof, confidence=0.7)


def _dead(event: Event) -> bool:
    return not isinstance(event, CallFailed) or event.errno in (113, 118, 128, 116)
