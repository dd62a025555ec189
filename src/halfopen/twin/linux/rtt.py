"""Linux's round-trip estimator (``tcp_rtt_estimator``), in microseconds as the kernel keeps it."""

from __future__ import annotations

from halfopen.twin.world import MS, SECOND, US

#: TCP_RTO_MIN, TCP_RTO_MAX and TCP_TIMEOUT_INIT.
RTO_MIN_NS, RTO_MAX_NS, RTO_INIT_NS = 200 * MS, 120 * SECOND, SECOND


class RoundTrip:
    """Smoothed round trip and what follows from it: ``rto_ns``."""

    __slots__ = ("_deviation", "_deviation_max", "_mark", "_smooth", "_variance", "rto_ns")

    def __init__(self) -> None:
        self._smooth = 0
        self._deviation = 0
        self._deviation_max = 0
        self._variance = 0
        self._mark = 0
        self.rto_ns = RTO_INIT_NS

    @property
    def smooth_ns(self) -> int:
        """The smoothed round trip; 0 before the first measurement."""
        return (self._smooth >> 3) * US

    def measure(self, span_ns: int, una: int, nxt: int) -> None:
        """One round trip; ``una`` and ``nxt`` tell when a window of data has passed."""
        span = max(1, span_ns // US)
        floor = RTO_MIN_NS // US
        if not self._smooth:
            self._smooth = span << 3
            self._deviation = span << 1
            self._variance = self._deviation_max = max(self._deviation, floor)
            self._mark = nxt
        else:
            error = span - (self._smooth >> 3)
            self._smooth += error
            if error < 0:
                error = -error - (self._deviation >> 2)
                if error > 0:
                    error >>= 3
            else:
                error -= self._deviation >> 2
            self._deviation += error
            if self._deviation > self._deviation_max:
                self._deviation_max = self._deviation
                self._variance = max(self._variance, self._deviation_max)
            if una > self._mark:
                if self._deviation_max < self._variance:
                    self._variance -= (self._variance - self._deviation_max) >> 2
                self._mark = nxt
                self._deviation_max = floor
        self.rto_ns = min((self._smooth >> 3) + self._variance, RTO_MAX_NS // US) * US
