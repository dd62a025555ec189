"""How halfopen's own link got over a loss: noticed within its bound and back soon, it is an episode and no fault."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from halfopen.diagnose.episodes import BACK_WITHIN_S, GIVEN_UP, LOSSES_AN_HOUR_MAX, Episode
from halfopen.diagnose.events import Event, LogEnded
from halfopen.diagnose.rules.wording import counted, duration, listed
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Severity

#: A log that ends this soon after a loss tells nothing of the way back: the shortest pause of the link is half of it.
_ENDS_THERE_S = 1.0


class Recovery(Struct, frozen=True):
    """``mild`` when every loss was an episode that the link got over; ``text`` says so, or what stands against it, with
    the figures."""

    mild: bool
    text: str

    @property
    def severity(self) -> Severity | None:
        """``info``, or ``None`` for the catalogue's own."""
        return "info" if self.mild else None


def recovery(timeline: Timeline, events: Sequence[Event]) -> Recovery | None:
    """How the link got over what ``events`` tell; ``None`` where not all of them stand in a link's journal."""
    life = timeline.link
    found = {id(e): e for event in events if (e := life.episode_at(event)) is not None}
    if not events or any(life.episode_at(event) is None for event in events):
        return None
    episodes = list(found.values())
    bad = [episode for episode in episodes if not episode.survived]
    if bad:
        return Recovery(False, _against(timeline, bad[-1]))
    if life.crowded:
        return Recovery(
            False,
            f"the link came back each time ({_figures(episodes)}), but lost its connection {life.losses_an_hour} times within"
            f" {_span(timeline)}: more than {LOSSES_AN_HOUR_MAX} an hour is no passing episode",
        )
    return Recovery(
        True,
        f"{'the link got over it: ' if len(episodes) == 1 else 'the link got over each: '}{_figures(episodes)}",
    )


def _figures(episodes: Sequence[Episode]) -> str:
    """``noticed in 19.2 s (bound 20.0 s), recovered in 0.6 s (bound 160 s)``, the longest of several."""
    several = len(episodes) > 1
    within = "within" if several else "in"
    told = []
    waited = [(e.noticed_s, e.bound_s) for e in episodes if e.noticed_s is not None and e.bound_s is not None]
    if waited:
        noticed, bound = max(waited)
        told.append(f"noticed {within} {noticed:.1f} s (bound {bound:.1f} s)")
    held = [e.bound_s for e in episodes if e.by_stack and e.noticed_s is None and e.bound_s is not None]
    if held:
        told.append(f"noticed by the stack's own timers, which take {max(held):.1f} s at most")
    back = max((e.back_s for e in episodes if e.back_s is not None), default=0.0)
    attempts = max(sum(not loss.standing for loss in e.losses) for e in episodes)
    tries = f" after {counted(attempts, 'failed attempt')}" if attempts else ""
    told.append(f"recovered {within} {duration(back)}{tries} (bound {BACK_WITHIN_S:g} s)")
    return ", ".join(told)


def _against(timeline: Timeline, episode: Episode) -> str:
    """Why an episode was not survived."""
    first = episode.losses[0]
    if not episode.noticed_in_time:
        if episode.noticed_s is None or episode.bound_s is None:
            return "the journal does not say how long it had gone unnoticed"
        if first.cause in GIVEN_UP:
            return (
                f"the stack gave it up {episode.noticed_s:.1f} s after the last byte was heard, and nothing says that the"
                f" peer was gone for less than the link's bound of {episode.bound_s:.1f} s"
            )
        return f"the link noticed after {episode.noticed_s:.1f} s, later than its bound of {episode.bound_s:.1f} s"
    if episode.back is None:
        end = next((e for e in timeline.of(LogEnded) if e.where.source == first.where.source), None)
        left = end.at.since(first.at) if end is not None else None
        if left is not None and left < _ENDS_THERE_S:
            return "the log ends with the loss: what became of it is not told"
        meanwhile = [duration(left)] if left is not None else []
        failed = sum(not loss.standing for loss in episode.losses)
        meanwhile += [counted(failed, "failed attempt")] if failed else []
        for kind, noun in (("bounce", "Wi-Fi restart"), ("reboot", "reboot on request")):
            number = sum(pause.kind == kind for pause in episode.escalations)
            meanwhile += (
                [counted(number, noun, "reboots on request" if kind == "reboot" else "")] if number else []
            )
        when = f", {listed(meanwhile)} later" if meanwhile else ""
        return f"the link was not back when the log ended{when}"
    if episode.back_s is None:
        return "the link was back only after a restart"
    return f"the link was back only after {duration(episode.back_s)}, its pauses and deadlines allow {BACK_WITHIN_S:g} s"


def _span(timeline: Timeline) -> str:
    """The hour in which losses are counted, or the shorter time that the losses cover."""
    losses = [loss for episode in timeline.link.episodes for loss in episode.losses if loss.standing]
    covered = losses[-1].at.since(losses[0].at) if losses else None
    return duration(covered) if covered is not None and covered < 3600 else "an hour"
