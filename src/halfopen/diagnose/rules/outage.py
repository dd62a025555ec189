"""How bad a loss of the Wi-Fi was: a blip the device survived, or a fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.events import AddressGot, Event, ServerConnected, WifiJoined
from halfopen.diagnose.rules.recovery import Recovery, recovery
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Severity

#: So many blips of one kind in one log are a fault even when the device came back each time.
_BLIPS_MAX = 2
#: So many attempts in one outage, and it was more than a blip.
_ATTEMPTS_MAX = 2


def with_reasons(timeline: Timeline, reasons: Collection[int]) -> list[Drop]:
    """The unplanned drops of these reasons, in order."""
    return [drop for outage in timeline.outages for drop in outage.drops if drop.reason in reasons]


def severity(timeline: Timeline, drops: Sequence[Drop]) -> Severity | None:
    """``info`` when the device survived each of ``drops`` at once, else ``None`` for the catalogue's own."""
    if all(_overshadowed(timeline, drop) for drop in drops):
        return "info"
    outcome = _by_link(timeline, drops)
    if outcome is not None:
        return outcome.severity
    if len(drops) > _BLIPS_MAX:
        return None
    outages = [timeline.outage_of(drop) for drop in drops]
    survived = all(outage.recovered and len(outage.drops) <= _ATTEMPTS_MAX for outage in outages)
    return "info" if survived else None


def aftermath(timeline: Timeline, drops: Sequence[Drop]) -> str:
    """A sentence on how halfopen's own link got over ``drops``, a blank before it; "" where its journal tells nothing."""
    outcome = _by_link(timeline, drops)
    return f" {outcome.text[:1].upper()}{outcome.text[1:]}." if outcome is not None else ""


def _by_link(timeline: Timeline, drops: Sequence[Drop]) -> Recovery | None:
    """How the link got over ``drops``, where its journal tells of each."""
    told: list[Event] = []
    for drop in drops:
        events = _told_by_link(timeline, drop)
        if not events:
            return None
        told += events
    return recovery(timeline, told)


def _told_by_link(timeline: Timeline, drop: Drop) -> list[Event]:
    """The lines of the link's journal about ``drop``: of itself, or of the loss that the driver goes on telling of while
    the link waits to be back."""
    if not timeline.link.episodes:
        return []
    own = [event for event in drop.events if timeline.link.episode_at(event)]
    if own:
        return own
    place = timeline.position(drop.events[0])
    for episode in timeline.link.episodes:
        back = timeline.position(episode.back) if episode.back is not None else place
        if timeline.position(episode.losses[0]) <= place <= back:
            return [episode.losses[0]]
    return []


def _overshadowed(timeline: Timeline, drop: Drop) -> bool:
    """Whether another definite reason rules the failed joins that ``drop`` begins."""
    outage = timeline.outage_of(drop)
    reasons = Counter(d.reason for d in outage.drops if d.reason is not None and d.reason > 1)
    if not reasons or drop.reason is None or drop.stage == "running" or drop.reason >= 200:
        return False
    return max(reasons.values()) > reasons[drop.reason] == 1 and outage.drops[0] is drop


def reports(drops: Sequence[Drop]) -> list[Event]:
    """The line that names the reason of each drop (the last report carries the event's number)."""
    return [drop.events[-1] for drop in drops]


def ever_joined(timeline: Timeline, before: Drop) -> bool:
    """Whether the log shows the station fully connected before ``before``."""
    joins = timeline.joins
    return bool(joins) and timeline.position(joins[0]) < timeline.position(before.events[0])


def refused_for_capacity(timeline: Timeline, drop: Drop) -> bool:
    """Whether ``drop`` has reason 5 (too many stations) and the station had not got as far as an address: put out right
    after joining it was never admitted, put out of a working link it was kicked."""
    if drop.reason != 5:
        return False
    last = timeline.last_of(drop.events[0], AddressGot, ServerConnected, WifiJoined)
    return not isinstance(last, (AddressGot, ServerConnected))
