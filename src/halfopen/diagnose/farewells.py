"""What each deauthentication or disassociation on the air means: most are no fault.

FACTS "On the air": a station's own leave can be echoed a second later by the access point's deauth 2; an access point
that boots or stops says so by broadcast; after a roam the old access point cleans up with null, disassoc 4, deauth 2
towards a station that lives elsewhere; a deaf station gets disassoc 4 and, a second later, deauth 2 for one loss. Where
protection (PMF) hides the reason, a poll without an answer just before tells that it was inactivity; one that is not
protected where it should be is ignored, and data flows on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from halfopen.diagnose.events import Event
from halfopen.diagnose.radio import FarewellSeen, JoinStepSeen, PollSeen

#: hostapd answers a station's disassociation with its own deauth after a second (FACTS); room for a busy channel.
_ECHO_S = 3.0
#: hostapd follows an unanswered disassoc 4 with deauth 2 after a second (FACTS).
_CLEAN_UP_S = 3.0
#: hostapd waits three seconds between its poll and the disassociation (FACTS); room for a slow beacon.
_POLL_S = 5.0
INACTIVITY = 4
#: An access point's inactivity limit is tens of seconds at least.
_JUST_SPOKE_S = 15.0

Meaning = Literal[
    "own", "echo", "left-behind", "broadcast", "clean-up", "unheard", "unknown", "ignored", "kick"
]


class Farewell(Struct, frozen=True):
    """One farewell and what it means for its station. ``reason`` is the one it carries, or what went before tells where
    that is hidden; ``poll`` the access point's question that it followed."""

    seen: FarewellSeen
    meaning: Meaning
    reason: int | None
    poll: PollSeen | None = None


def farewells_of(events: Iterable[Event]) -> list[Farewell]:
    """The farewells of one station in order, each with its meaning; ``events`` are its joins, polls and farewells."""
    story = list(events)
    told: list[Farewell] = []
    home = ""
    left: FarewellSeen | None = None
    inactive: FarewellSeen | None = None
    polls: list[PollSeen] = []
    for place, event in enumerate(story):
        if isinstance(event, JoinStepSeen):
            if event.step in ("assoc-response", "reassoc-response") and event.status == 0:
                home, left, inactive = event.ap, None, None
        elif isinstance(event, PollSeen):
            polls.append(event)
        elif isinstance(event, FarewellSeen):
            poll = next((p for p in reversed(polls) if _asked(p, event)), None)
            hidden = event.protected and event.reason is None and event.kind == "disassoc"
            reason = INACTIVITY if hidden and poll and poll.acked is False else event.reason
            meaning = _meaning(event, home, left, inactive)
            if meaning == "own":
                left = event
            if event.by_ap and event.kind == "disassoc" and reason == INACTIVITY and meaning == "kick":
                inactive = event
            if meaning == "kick" and event.acked is not True:
                meaning = _without_acknowledgement(event, reason, story[place + 1 :])
            told.append(Farewell(event, meaning, reason, poll))
    return told


def _asked(poll: PollSeen, farewell: FarewellSeen) -> bool:
    return poll.ap == farewell.ap and 0 <= farewell.ref.time - poll.ref.time <= _POLL_S


def _without_acknowledgement(kick: FarewellSeen, reason: int | None, later: Sequence[Event]) -> Meaning:
    """A kick that nobody was heard to acknowledge: what the station did next tells whether it was one.

    Who comes back with a *re*association had lived on another access point, where this sniffer may not listen; who is
    rejected as class 3 learned of it only then; of who is never heard again nothing can be said.
    """
    if reason == 2 and kick.idle_s is not None and kick.idle_s < _JUST_SPOKE_S:
        return "unknown"  # an access point expires nobody who just spoke: it answers a leave that the sniffer missed
    for event in later:
        if isinstance(event, JoinStepSeen) and event.ap == kick.ap and event.step.endswith("request"):
            if event.step == "reassoc-request" and reason in (2, 4):
                return "left-behind"
            if event.step != "auth-request":
                return "kick"
        elif (
            isinstance(event, FarewellSeen) and event.by_ap and event.ap == kick.ap and event.reason in (6, 7)
        ):
            return "kick" if reason in (4, 6, 7) else "unheard"
    return "kick" if kick.acked is False and reason not in (2, 4) else "unknown"


def _meaning(
    event: FarewellSeen, home: str, left: FarewellSeen | None, inactive: FarewellSeen | None
) -> Meaning:
    if not event.by_ap:
        return "own"
    if event.broadcast:
        return "broadcast"
    if home and event.ap != home:
        return "left-behind"
    if event.outlived:
        return "ignored"
    if left is not None and event.ap == left.ap and event.ref.time - left.ref.time <= _ECHO_S:
        return "echo"
    if (
        inactive is not None
        and event.reason in (2, None)
        and event.ref.time - inactive.ref.time <= _CLEAN_UP_S
    ):
        return "clean-up"
    return "kick"
