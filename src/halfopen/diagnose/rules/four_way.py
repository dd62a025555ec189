"""Four-way handshakes heard on the air: how far each attempt came, and whether the access point heard M2."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from halfopen.diagnose.drops import Drop
from halfopen.diagnose.radio import FarewellSeen, HandshakeSeen, JoinStepSeen, KeysUsed
from halfopen.diagnose.rules.on_air import ended_in
from halfopen.diagnose.timeline import Timeline

#: hostapd repeats M1 four times (FACTS): one lost M2 is repaired by the next, two unanswered ones show the pattern.
M2_MIN = 2


class FourWay(Struct, frozen=True):
    """Handshakes of one station: the M2s of attempts that stopped there (``stalled``), the M1s that an access point
    repeated without getting any M2 (``repeated``); ``complete`` tells whether any came to M3 or to encrypted data."""

    stalled: tuple[HandshakeSeen, ...]
    repeated: tuple[HandshakeSeen, ...]
    complete: bool

    @property
    def told(self) -> bool:
        """Whether there is enough to tell a wrong password (every M2 acknowledged) from a lost handshake (none)."""
        return len(self.stalled) >= M2_MIN and not self.complete and self.heard_by_ap is not None

    @property
    def heard_by_ap(self) -> bool | None:
        """Whether the access point acknowledged the M2s (most of them), ``None`` when the capture cannot tell."""
        known = [m.acked for m in self.stalled if m.acked is not None]
        return None if not known else sum(known) * 2 > len(known)


def four_way(timeline: Timeline, drops: Sequence[Drop] = ()) -> FourWay:
    """What the capture shows of the station's handshakes; with ``drops``, of those that ended in them."""
    stalled: list[HandshakeSeen] = []
    repeated: list[HandshakeSeen] = []
    attempt: dict[int, list[HandshakeSeen]] = {1: [], 2: []}
    complete = False
    for event in (*timeline.of(HandshakeSeen, JoinStepSeen, KeysUsed), None):
        if event is not None and drops and not ended_in(timeline, event.at.host or 0.0, drops):
            continue
        if isinstance(event, HandshakeSeen) and event.message in attempt:
            attempt[event.message].append(event)
            continue
        done = isinstance(event, KeysUsed) or (isinstance(event, HandshakeSeen) and event.message in (3, 4))
        complete = complete or done
        if done or not isinstance(event, HandshakeSeen):
            if not done:
                stalled += attempt[2]
                repeated += attempt[1] if len(attempt[1]) >= M2_MIN and not attempt[2] else []
            attempt = {1: [], 2: []}
    return FourWay(tuple(stalled), tuple(repeated), complete)


def unfinished(timeline: Timeline, farewell: FarewellSeen) -> list[HandshakeSeen]:
    """The messages of the 4-way handshake that a farewell of the access point cut off; none when it came later."""
    messages: list[HandshakeSeen] = []
    for event in timeline.of(HandshakeSeen, JoinStepSeen, KeysUsed):
        if (event.at.host or 0.0) > farewell.ref.time:
            break
        if isinstance(event, KeysUsed):
            return []
        if isinstance(event, HandshakeSeen):
            messages.append(event)
        elif isinstance(event, JoinStepSeen):
            messages = []
    return [] if any(m.message >= 3 for m in messages) else messages
