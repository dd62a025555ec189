"""What halfopen's own link went through: each loss that its journal tells, how it was noticed, and the way back.

A link that loses its peer, notices in the time it promised and is back soon is doing what it is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from halfopen.diagnose.events import (
    BoundsTold,
    CapabilityTold,
    Event,
    GateShut,
    LinkLost,
    LinkOnline,
    OrphansSwept,
    PlannedPause,
    ServerStarted,
)

#: The way back at its longest by the link's own default policy: one pause (0.5 s, the cap of its backoff and a quarter
#: of it while PCBs drain: 60 + 15 s) and one whole attempt with each deadline used up (join 20, lease 15, heap gate 30,
#: name 10, dial 10, TLS 15 s).
BACK_WITHIN_S = 175.5
#: Where the log does not begin at the link's start and so does not tell its bounds: what keepalive 10/3/3, 5/5/3 and the
#: heartbeat's default give is 19.2 to 21.4 s (FACTS, and the link's own bounds).
_BOUND_UNTOLD_S = 30.0
#: A deadline is told when the program next runs: lwIP's slow timer alone takes half a second (FACTS).
_LATE_S = 1.0
#: As many losses within an hour are a bad day of the network; one more, and the connection is not well although each
#: was survived. The link itself draws the line there: it bounces its Wi-Fi four times an hour at most.
LOSSES_AN_HOUR_MAX = 4
_HOUR_S = 3600.0

#: How the peer's death is noticed by waiting, and which of the bounds says for how long.
_IDLE = ("SILENCE_EXPIRED",)
_SENDING = ("SEND_STALLED", "SEND_EXPIRED")
#: Causes with which a stack gives up a peer that no longer answers: keepalive, or data never acknowledged.
GIVEN_UP = ("stack-timeout", "ECONNABORTED", "EHOSTUNREACH")
#: An end in order: many servers close a connection that is idle.
_ORDERLY = ("peer-closed",)


class Episode(Struct, frozen=True, eq=False):
    """From a loss, or a first attempt that failed, through all failed attempts after it, to the connection that stood
    again (``back``; ``None`` when the log ends before).

    ``bound_s`` is how long the loss could go unnoticed by what the link says of itself, ``None`` where nothing had to be
    waited for: the radio or the peer said it. ``by_stack`` says that a stack gave the peer up whose keepalive holds the
    bound by its timers: it sees every ACK, of which the link hears nothing, so that the time since the last byte heard
    (``quiet``) can show that it noticed in time and never that it was late.
    """

    losses: tuple[LinkLost, ...]
    back: LinkOnline | None
    bound_s: float | None
    #: What the link did meanwhile beside trying again: it left its Wi-Fi and joined anew, it asked for a reboot.
    escalations: tuple[PlannedPause, ...] = ()
    by_stack: bool = False

    @property
    def noticed_s(self) -> float | None:
        """For how long the peer was gone unnoticed, at most, where it had to be waited for and the journal tells."""
        quiet_s = self.losses[0].quiet_s
        if self.bound_s is None or quiet_s is None or (self.by_stack and quiet_s > self.bound_s + _LATE_S):
            return None
        return quiet_s

    @property
    def noticed_in_time(self) -> bool:
        """Whether the loss was noticed within the link's bound."""
        return (
            self.bound_s is None
            or self.by_stack
            or (self.noticed_s is not None and self.noticed_s <= self.bound_s + _LATE_S)
        )

    @property
    def back_s(self) -> float | None:
        """Seconds from the loss to the connection that stood again."""
        return self.back.at.since(self.losses[0].at) if self.back is not None else None

    @property
    def survived(self) -> bool:
        """Noticed in time, and back in time."""
        return self.noticed_in_time and self.back_s is not None and self.back_s <= BACK_WITHIN_S


class LinkLife(Struct, frozen=True, eq=False):
    """All that a device's log tells of halfopen's own link; its guarded server is another matter. ``told`` says whether it
    tells anything.

    ``losses_an_hour`` is the greatest number of losses of a standing connection within one hour, those left out that
    the peer's close in order brought.
    """

    told: bool
    bounds: tuple[BoundsTold, ...]
    episodes: tuple[Episode, ...]
    losses_an_hour: int
    by_line: Mapping[tuple[str, int | None], Episode]

    def episode_at(self, event: Event) -> Episode | None:
        """The episode to which the journal's line of ``event`` belongs."""
        return self.by_line.get((event.where.source, event.where.line))

    @property
    def crowded(self) -> bool:
        """Whether the link lost its peer again and again."""
        return self.losses_an_hour > LOSSES_AN_HOUR_MAX

    @property
    def well(self) -> bool:
        """Whether there were losses and the link got over every one of them."""
        return bool(self.episodes) and not self.crowded and all(e.survived for e in self.episodes)


#: No other event tells anything of the life of the link.
TELLING_OF_LINK = (
    BoundsTold,
    CapabilityTold,
    GateShut,
    LinkLost,
    LinkOnline,
    OrphansSwept,
    PlannedPause,
    ServerStarted,
)


def link_life(events: Iterable[Event]) -> LinkLife:
    """The life of the link in ``events`` of one device (those of ``TELLING_OF_LINK`` are enough)."""
    bounds: list[BoundsTold] = []
    able: CapabilityTold | None = None
    episodes: list[Episode] = []
    losses: list[LinkLost] = []
    standing: list[LinkLost] = []
    escalations: list[PlannedPause] = []
    lived = False
    for event in events:
        if isinstance(event, BoundsTold):
            bounds.append(event)
        elif isinstance(event, CapabilityTold):
            able = event
        elif isinstance(event, ServerStarted):
            del bounds[-1:]  # they were said of the server's sessions
        elif isinstance(event, LinkLost):
            losses.append(event)
            if event.standing and event.cause not in _ORDERLY:
                standing.append(event)
        elif isinstance(event, LinkOnline):
            if losses:
                episodes.append(_episode(losses, event, bounds, escalations, able))
            losses, escalations = [], []
        elif isinstance(event, PlannedPause) and event.kind in ("bounce", "reboot"):
            escalations.append(event)
        lived = lived or isinstance(event, (LinkLost, LinkOnline, GateShut, OrphansSwept))
    if losses:
        episodes.append(_episode(losses, None, bounds, escalations, able))
    by_line = {(loss.where.source, loss.where.line): e for e in episodes for loss in e.losses}
    most = _most_in_an_hour(standing)
    return LinkLife(lived or bool(bounds), tuple(bounds), tuple(episodes), most, by_line)


def _episode(
    losses: Sequence[LinkLost],
    back: LinkOnline | None,
    bounds: Sequence[BoundsTold],
    escalations: Sequence[PlannedPause],
    able: CapabilityTold | None,
) -> Episode:
    told = bounds[-1] if bounds else None
    bound_s = _bound_s(losses[0], told)
    by_stack = bound_s is not None and losses[0].by not in (*_IDLE, *_SENDING) and _stack_bounds(able, told)
    return Episode(tuple(losses), back, bound_s, tuple(escalations), by_stack)


def _stack_bounds(able: CapabilityTold | None, bounds: BoundsTold | None) -> bool:
    """Whether the stack's own timers hold the bound, idle or with data it owes an acknowledgement: its keepalive is on,
    and nothing is left to retransmissions, which take a quarter of an hour and more (FACTS)."""
    if able is None or bounds is None or able.keepalive not in ("tuned", "untuned"):
        return False
    return all(bound not in (None, float("inf")) for bound in (bounds.idle_s, bounds.unacked_s))


def _bound_s(loss: LinkLost, bounds: BoundsTold | None) -> float | None:
    """How long ``loss`` could go unnoticed; ``None`` where it was told rather than waited for."""
    if not loss.standing:
        return None
    if loss.by in _IDLE:
        told = [bounds.idle_s] if bounds else []
    elif loss.by in _SENDING:
        told = [bounds.full_buffer_s, bounds.zero_window_s] if bounds else []
    elif loss.cause in GIVEN_UP:
        told = [bounds.idle_s, bounds.unacked_s] if bounds else []
    else:
        return None
    finite = [bound for bound in told if bound is not None and bound != float("inf")]
    return max(finite, default=_BOUND_UNTOLD_S)


def _most_in_an_hour(losses: Sequence[LinkLost]) -> int:
    most = first = 0
    for place, loss in enumerate(losses):
        while first < place and ((loss.at.since(losses[first].at)) or 0.0) > _HOUR_S:
            first += 1
        most = max(most, place - first + 1)
    return most
