"""HO401: the authentication expired, while joining or while running."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.radio import FarewellSeen
from halfopen.diagnose.rules.four_way import unfinished
from halfopen.diagnose.rules.on_air import beside, by_witness, cited, heard, unsent
from halfopen.diagnose.rules.outage import aftermath, reports, severity, with_reasons
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding


class Expired(NamedTuple):
    """Disconnects with reason 2 by how far the station had come: no answer to its authentication, put out before the
    4-way handshake was done, put out while running."""

    joining: list[Drop]
    handshake: list[Drop]
    running: list[Drop]


def expired(timeline: Timeline) -> Expired:
    """The disconnects with reason 2."""
    stages = Expired([], [], [])
    for drop in with_reasons(timeline, (2,)):
        if drop.stage == "running":
            stages.running.append(drop)
        elif drop.stage == "handshake" and drop.by == "deauth":
            stages.handshake.append(drop)
        else:
            stages.joining.append(drop)
    return stages


def auth_expired(timeline: Timeline) -> Iterator[Finding]:
    """Reason 2, and which of the two it is."""
    drops = with_reasons(timeline, (2,))
    kicks = timeline.kicks(2)
    yield from by_witness(timeline, drops, kicks, _on_air, _logged)


def _on_air(timeline: Timeline, kicks: list[FarewellSeen], about: str) -> Finding:
    cut = [message for seen in kicks for message in unfinished(timeline, seen)]
    stage = "before the 4-way handshake was done" if cut else "while it was running"
    summary = (
        f"the access point {heard(kicks)} with reason 2 {stage}: it had dropped the station's authentication."
    )
    proof = [*cited(kicks), *((m, m.ref) for m in cut[-2:])]
    return prove(timeline, "HO401", summary, proof, confidence=0.9, about=about)


def _logged(timeline: Timeline, drops: list[Drop], kicks: list[FarewellSeen]) -> Finding:
    joining, handshake, running = expired(timeline)
    own = not joining and not handshake and unsent(timeline, running)
    told: list[str] = []
    if joining:
        told.append(
            f"{often(len(joining))} while joining: the access point did not answer"
            " the authentication in time (a local timeout, nobody kicked the device)"
        )
    if handshake:
        told.append(
            f"{often(len(handshake))} right after association: the access point"
            " deauthenticated the device before the 4-way handshake was done"
        )
    if running:
        who = "the station gave" if own else "the access point had dropped"
        what = "its authentication up" if own else "the station's authentication"
        told.append(f"{often(len(running))} while running: {who} {what}")
    return prove(
        timeline,
        "HO401",
        "reason 2 AUTH_EXPIRE "
        + "; ".join(told)
        + "."
        + beside(timeline, running, kicks)
        + aftermath(timeline, drops),
        [*spread(reports(drops)), *cited(kicks)],
        confidence=0.5 if own else 0.9 if len(drops) > 1 else 0.75,
        severity=severity(timeline, drops) or ("warning" if own else None),
    )
