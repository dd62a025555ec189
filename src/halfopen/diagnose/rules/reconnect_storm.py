"""HO207: reconnects at a fixed short interval, for minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from halfopen.diagnose.events import ConnectFailed, Event, ServerConnected, ServerLost
from halfopen.diagnose.medians import median
from halfopen.diagnose.rules.outage import severity
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.rules.wording import duration
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.findings import Finding

#: So many attempts over so long, closer together than this, with gaps this equal: no backoff at work.
_ATTEMPTS_MIN = 12
_SPAN_S = 60.0
_GAP_S_MAX = 15.0
_SPREAD_MAX = 0.25
#: An interval this short is no backoff however short the excerpt.
_BURST_MIN = 8
_BURST_GAP_S = 3.0
#: A service that took the data closes its side this soon after the device closed its own.
_CLOSES_BEHIND_S = 5.0
#: A broker drops the older of two clients with one id the moment the other connects.
_THROWN_OFF_S = 5.0


def reconnect_storm(timeline: Timeline) -> Iterator[Finding]:
    """Attempts without backoff, from the log or from the SYNs of a capture."""
    joins = [drop for drop in timeline.drops if drop.stage != "running" and not drop.planned]
    groups: list[tuple[Sequence[Event], str]] = [
        ([drop.events[0] for drop in joins], "Wi-Fi join"),
        (list(timeline.of(ConnectFailed)), "connection"),
        (list(timeline.of(ServerLost)), "server"),
    ]
    for events, what in groups:
        times = [t for event in events if (t := event.at.since(events[0].at)) is not None]
        if gap := _steady(times):
            summary = (
                f"{len(times)} {what} attempts over {duration(times[-1])}, one every {gap:.1f} s:"
                f" no backoff, no jitter.{_thrown_off(timeline)}"
            )
            yield prove(
                timeline,
                "HO207",
                summary,
                spread(events, 4),
                confidence=0.8,
                about=what.split()[0],
                # the driver asks again by itself; where halfopen's own link got over it, that is no storm
                severity=severity(timeline, joins)
                if events and what == "Wi-Fi join" and timeline.link.told
                else None,
            )
            return
    syns = [
        talk
        for talk in timeline.conversations
        if talk.mine == "client" and talk.device.syn and not _of_use(talk)
    ]
    times = [talk.device.syn.time for talk in syns if talk.device.syn]
    if gap := _steady(times):
        proof: list[Proof] = [
            p
            for talk in (syns[0], syns[len(syns) // 2], syns[-1])
            for p in frames(talk.flow, talk.device.syn)
        ]
        summary = (
            f"{len(times)} new connections over {duration(times[-1] - times[0])},"
            f" one every {gap:.1f} s, none of use: no backoff, no jitter."
        )
        yield prove(timeline, "HO207", summary, proof, confidence=0.75, about="capture")


def _thrown_off(timeline: Timeline) -> str:
    """What to think of a server that lets the device in and drops it at once, every time."""
    held: list[float] = []
    came: ServerConnected | None = None
    for event in timeline.of(ServerConnected, ServerLost):
        if isinstance(event, ServerConnected):
            came = event
        elif came is not None and (span := event.at.since(came.at)) is not None:
            held.append(span)
            came = None
    if len(held) < _BURST_MIN or median(held) > _THROWN_OFF_S:
        return ""
    return (
        f" Each connection was accepted and dropped after {median(held):.1f} s:"
        " look for a second device with the same client id."
    )


def _of_use(talk: Conversation) -> bool:
    """A client that polls, or that delivers and closes, is no storm: the peer sent data while the device still listened,
    or it took what the device sent and closed behind it."""
    device, peer = talk.device, talk.peer
    closed = min((end.time for end in (device.fin, device.rst) if end is not None), default=None)
    if peer.last_payload is not None:
        return closed is None or peer.last_payload.time <= closed
    if device.fin is None or peer.fin is None or peer.rst is not None or device.unacked or not device.payload:
        return False
    return 0 <= peer.fin.time - device.fin.time <= _CLOSES_BEHIND_S


def _steady(times: list[float]) -> float | None:
    """The gap in seconds when ``times`` tick like a clock for long enough, else ``None``."""
    if len(times) < _BURST_MIN:
        return None
    gaps = [later - earlier for earlier, later in pairwise(times)]
    middle = median(gaps)
    if not 0 < middle <= _GAP_S_MAX:
        return None
    off = median(abs(gap - middle) for gap in gaps)
    long = len(times) >= _ATTEMPTS_MIN and times[-1] - times[0] >= _SPAN_S
    return middle if (long or middle <= _BURST_GAP_S) and off <= middle * _SPREAD_MAX else None
