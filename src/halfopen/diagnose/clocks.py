"""Which events of a log and a capture are the same event, and the clocks that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from halfopen.diagnose.alignment import NAMED, Alignment, Sighting, align
from halfopen.diagnose.events import (
    AddressGot,
    CallFailed,
    Connected,
    ConnectStarted,
    Event,
    LinkStateChanged,
    SocketOpened,
    WifiDropped,
)
from halfopen.diagnose.radio import FarewellSeen, JoinStepSeen
from halfopen.diagnose.traffic import FlowObserved, LeaseObserved

#: Between two boots whose clocks are known few places are left, so fewer events that agree carry a third.
_SHARE_BETWEEN = 0.25
#: What lies this close to an event of another boot belongs to that one.
_NEAR_S = 0.1


def alignments(console: Sequence[Event], capture: Sequence[Event]) -> dict[int, Alignment]:
    """The alignment of each boot (epoch) of a log with a capture, for the boots that can be aligned."""
    seen = list(_in_capture(capture))
    if not seen:
        return {}
    told: dict[int, list[Sighting]] = {}
    for event in console:
        told.setdefault(event.at.epoch, []).extend(_in_log((event,)))
    return aligned_boots(told, seen)


def aligned_boots(told: Mapping[int, Sequence[Sighting]], seen: Sequence[Sighting]) -> dict[int, Alignment]:
    """The alignment of each boot in ``told`` (epoch → sightings) that can be aligned with ``seen``.

    A boot with too little of its own is looked for between its neighbours, among what those do not explain.
    """
    found = {epoch: fit for epoch, log in sorted(told.items()) if (fit := align(log, seen)) is not None}
    for epoch, log in told.items():
        if epoch in found or not found:
            continue
        after = max((found[e].to_capture(_last(told[e])) for e in found if e < epoch), default=float("-inf"))
        before = min((found[e].offset for e in found if e > epoch), default=float("inf"))
        explained = {(kind, round(found[e].to_capture(at), 1)) for e in found for kind, at in told[e]}
        rest = [
            (kind, at)
            for kind, at in seen
            if after < at < before
            and not any((kind, round(at + near, 1)) in explained for near in (-_NEAR_S, 0.0, _NEAR_S))
        ]
        fit = align(log, rest, share=_SHARE_BETWEEN)
        if fit is not None:
            found[epoch] = fit
    return dict(sorted(found.items()))


def _last(log: Sequence[Sighting]) -> float:
    return max((at for _, at in log), default=0.0)


def _in_log(events: Iterable[Event]) -> Iterator[Sighting]:
    """What a log tells that a capture can show, on the boot clock."""
    for event in events:
        at = event.at.boot
        if at is None:
            continue
        if isinstance(event, ConnectStarted) and event.port:
            yield f"syn to {event.host}:{event.port}", at
        elif isinstance(event, Connected) and event.local_port:
            yield f"{NAMED}{event.local_port}", at
        elif isinstance(event, SocketOpened) and event.peer_port:
            yield f"{NAMED}{event.peer_port}", at
        elif isinstance(event, CallFailed) and event.errno == 104:
            yield "reset", at
        elif isinstance(event, AddressGot):
            yield "lease", at
        elif isinstance(event, LinkStateChanged) and event.new == "run":
            yield "association", at
        elif isinstance(event, WifiDropped) and not event.joining:
            yield "farewell", at


def _in_capture(events: Iterable[Event]) -> Iterator[Sighting]:
    """The same as a capture shows it, on the capture's clock."""
    for event in events:
        if isinstance(event, FlowObserved):
            if event.from_client.syn is not None:
                yield f"syn to {event.server.ip}:{event.server.port}", event.from_client.syn.time
            if event.established is not None:
                yield f"{NAMED}{event.client.port}", event.established.time
            if event.from_server.rst is not None:
                yield "reset", event.from_server.rst.time
        elif isinstance(event, LeaseObserved):
            yield from (("lease", ack.time) for ack in event.acks)
        elif isinstance(event, JoinStepSeen) and event.step.endswith("assoc-response") and event.status == 0:
            yield "association", event.ref.time
        elif isinstance(event, FarewellSeen):
            yield "farewell", event.ref.time
