"""The air between one station and one access point: how strong, what is blocked, and what one attempt's chance is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.impairments.span import BOTH, TO_DEVICE, TO_PEER
from halfopen.twin.wifi.signal import Signal, failing

if TYPE_CHECKING:
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.station import Station

#: ASSUMPTIONS: of the time that others take, so much ends in a collision.
COLLIDING = 1 / 3
#: An acknowledgement is short and robust: it fails so much more seldom than the frame.
_ACK_FAILS = 0.25
#: What happens more seldom than this, all tries of a frame failing among it, does not happen in closed form.
SURE = 1e-9


class Path:
    """One pair. ``blocked`` counts who blocks which direction; ``loss`` is the extra loss of each attempt."""

    __slots__ = ("ap", "blocked", "loss", "signal", "station")

    def __init__(self, station: Station, ap: AccessPoint, signal: Signal) -> None:
        self.station = station
        self.ap = ap
        self.signal = signal
        self.blocked = {TO_PEER: 0, TO_DEVICE: 0}
        self.loss = {TO_PEER: 0.0, TO_DEVICE: 0.0}

    def block(self, direction: str, more: int) -> None:
        """Let one more (or, with -1, one less) block ``direction``."""
        for one in (TO_PEER, TO_DEVICE) if direction == BOTH else (direction,):
            self.blocked[one] += more

    def lose(self, direction: str, probability: float) -> None:
        """Each attempt in ``direction`` fails with ``probability``, beside what the signal does."""
        for one in (TO_PEER, TO_DEVICE) if direction == BOTH else (direction,):
            self.loss[one] = probability

    def fails(self, direction: str, now: int) -> float:
        """The probability that one attempt in ``direction`` at ``now`` is not heard."""
        if self.blocked[direction]:
            return 1.0
        signal = self.signal
        return self._together(direction, failing(signal.at(now) if signal.restless else signal.weakest))

    def fails_at_worst(self, direction: str) -> float:
        """The most that :meth:`fails` can be until something changes."""
        return 1.0 if self.blocked[direction] else self._together(direction, failing(self.signal.weakest))

    def fails_within(self, direction: str, begin: int, end: int) -> float:
        """The most that :meth:`fails` can be from ``begin`` to ``end`` (ns)."""
        if self.blocked[direction]:
            return 1.0
        return self._together(direction, failing(self.signal.weakest_until(begin, end)))

    def _together(self, direction: str, weak: float) -> float:
        loss, collides = self.loss[direction], self.ap.busy * COLLIDING
        if not loss and not collides:
            return weak
        return 1.0 - (1.0 - weak) * (1.0 - loss) * (1.0 - collides)

    def ack_fails(self, direction: str, now: int) -> float:
        """The probability that the acknowledgement of a frame that went in ``direction`` is not heard."""
        back = TO_DEVICE if direction == TO_PEER else TO_PEER
        failed = self.fails(back, now)
        return failed if failed >= 1.0 else failed * _ACK_FAILS

    def steady(self, retries: int) -> bool:
        """Whether every frame that is tried so often gets through, whatever the moment: closed forms may rely on it."""
        worst = max(self.fails_at_worst(TO_PEER), self.fails_at_worst(TO_DEVICE))
        return float(worst ** (retries + 1)) < SURE
