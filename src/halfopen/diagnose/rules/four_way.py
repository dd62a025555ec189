"""Four-way handshakes heard on the air: how far each attempt came, and whether the access point heard M2."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.diagnose.radio import HandshakeSeen, JoinStepSeen
from halfopen.diagnose.timeline import Timeline

#: hostapd repeats M1 four times (FACTS): one lost M2 is repaired by the next, two unanswered ones show the pattern.
M2_MIN = 2


@dataclass(frozen=True, slots=True)
class FourWay:
    """All handshake messages of one station: ``attempts`` that stopped after M2 and the M2s themselves; ``complete``
    tells whether any attempt came to M3."""

    stalled: tuple[HandshakeSeen, ...]
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


def four_way(timeline: Timeline) -> FourWay:
    """What the capture shows of the station's handshakes."""
    stalled: list[HandshakeSeen] = []
    open_m2: list[HandshakeSeen] = []
    complete = False
    for event in timeline.of(HandshakeSeen, JoinStepSeen):
        if isinstance(event, JoinStepSeen):
            stalled += open_m2
            open_m2 = []
        elif isinstance(event, HandshakeSeen) and event.message == 2:
            open_m2.append(event)
        elif isinstance(event, HandshakeSeen) and event.message in (3, 4):
            complete = True
            open_m2 = []
    return FourWay((*stalled, *open_m2), complete)
