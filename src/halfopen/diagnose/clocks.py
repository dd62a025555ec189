"""Which events of a log and a capture are the same event, and the clocks that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from halfopen.diagnose.alignment import Alignment, Sighting, align
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


def alignments(console: Sequence[Event], capture: Sequence[Event]) -> dict[int, Alignment]:
    """The alignment of each boot (epoch) of a log with a capture, for the boots that can be aligned."""
    seen = list(_in_capture(capture))
    if not seen:
        return {}
    found: dict[int, Alignment] = {}
    for epoch in sorted({event.at.epoch for event in console}):
        told = list(_in_log(event for event in console if event.at.epoch == epoch))
        fit = align(told, seen)
        if fit is not None:
            found[epoch] = fit
    return found


def _in_log(events: Iterable[Event]) -> Iterator[Sighting]:
    """What a log tells that a capture can show, on the boot clock."""
    for event in events:
        at = event.at.boot
        if at is None:
            continue
        if isinstance(event, ConnectStarted) and event.port:
            yield f"syn to {event.host}:{event.port}", at
        elif isinstance(event, Connected) and event.local_port:
            yield f"established from {event.local_port}", at
        elif isinstance(event, SocketOpened) and event.peer_port:
            yield f"established from {event.peer_port}", at
        elif isinstance(event, CallFailed) and event.errno == 104:
            yield "reset", at
        elif isinstance(event, AddressGot):
            yield "lease", at
        elif isinstance(event, LinkStateChanged) and event.new == "run":
            yield "association", at
        elif isinstance(event, WifiDropped):
            yield "farewell", at


def _in_capture(events: Iterable[Event]) -> Iterator[Sighting]:
    """The same as a capture shows it, on the capture's clock."""
    for event in events:
        if isinstance(event, FlowObserved):
            if event.from_client.syn is not None:
                yield f"syn to {event.server.ip}:{event.server.port}", event.from_client.syn.time
            if event.established is not None:
                yield f"established from {event.client.port}", event.established.time
            if event.from_server.rst is not None:
                yield "reset", event.from_server.rst.time
        elif isinstance(event, LeaseObserved):
            yield from (("lease", ack.time) for ack in event.acks)
        elif isinstance(event, JoinStepSeen) and event.step.endswith("assoc-response") and event.status == 0:
            yield "association", event.ref.time
        elif isinstance(event, FarewellSeen):
            yield "farewell", event.ref.time
