"""Losses of the Wi-Fi association and failed joins: however many lines report one, it is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from msgspec import Struct

from halfopen.diagnose.events import (
    AddressGot,
    BeaconProbeFailed,
    Booted,
    Event,
    LinkStateChanged,
    Moment,
    PlannedPause,
    ServerConnected,
    StatusClaimed,
    WifiDropped,
    WifiJoined,
    WifiStarted,
)
from halfopen.formats.patterns import Pattern

#: Two reports of one disconnect (driver line, event line, application line) come within this many seconds.
_ONE_DROP_S = 3.0
#: A disconnect within this many seconds after a sign of roaming, WPS or a requested leave was meant.
_PLANNED_WITHIN_S = 10.0

_DIGITS = Pattern(r"\d+")

Stage = Literal["joining", "handshake", "running", "unknown"]


class Drop(Struct, frozen=True, eq=False):
    """One loss of the association, or one failed attempt to join, however many lines report it.

    ``stage`` says how far the station had come; ``by`` what ended it where the driver's state line says so;
    ``planned`` is the kind of a pause that was meant (roaming, WPS, a requested leave), else empty.
    """

    events: tuple[Event, ...]
    reason: int | None
    stage: Stage
    by: Literal["deauth", "disassoc", "local", "other", "unknown"]
    planned: str

    @property
    def at(self) -> Moment:
        """When the first report of it was printed."""
        return self.events[0].at


class _DropReader:
    """Walks one device's events and merges the reports of each disconnect."""

    def __init__(self) -> None:
        self.drops: list[Drop] = []
        self._reports: list[Event] = []
        self._reason: int | None = None
        self._by: Literal["deauth", "disassoc", "local", "other", "unknown"] = "unknown"
        self._stage: Stage = "unknown"
        self._planned = ""
        self._associated = self._connected = self._trying = False
        self._pause: PlannedPause | None = None
        self._deaf: BeaconProbeFailed | None = None

    def read(self, event: Event) -> None:
        """Take the next event, which is of ``TELLING_OF_DROPS``."""
        _READ[type(event)](self, event)

    def _paused(self, event: PlannedPause) -> None:
        if event.kind in ("roam", "wps", "leave", "bounce"):
            self._pause = event
            if self._reports and _close(event, self._reports[-1]) and event.kind == "roam":
                self._planned = "roam"

    def _unanswered(self, event: BeaconProbeFailed) -> None:
        self._deaf = event

    def _started(self, _: WifiStarted) -> None:
        self.settle()
        self._trying = True

    def _joined(self, event: WifiJoined) -> None:
        self.settle()
        self._associated = True
        if event.bssid:  # "connected with …, aid = 1": the driver prints it when the keys are in place
            self._connected = True

    def _claimed(self, event: StatusClaimed) -> None:
        if event.connected and not self._reports and not self.drops:
            self._reached(event)

    def _reached(self, _: AddressGot | ServerConnected | StatusClaimed) -> None:
        self.settle()
        self._associated = self._connected = True

    def _booted(self, _: Booted) -> None:
        self.settle()
        self._associated = self._connected = False

    def _state(self, event: LinkStateChanged) -> None:
        fell_back = event.new == "auth" and event.old == "run"  # drivers before ESP-IDF 4 skip init
        if fell_back or (event.new == "init" and event.old in ("auth", "assoc", "run")):
            self.settle()
            self._reports = [event]
            self._reason, self._by = event.reason, event.by
            if self._deaf is not None and _close(event, self._deaf):
                self._reason = 200  # old drivers print small numbers here; unanswered probes say what it was
            if event.old != "run":
                self._stage = "joining"
            else:
                self._stage = "running" if self._connected else "handshake"
            self._planned = self._meant(event, event.reason)
            if event.code == 0:
                self._planned = self._planned or "leave"
            self._associated = self._connected = False
        elif event.new == "auth":
            self.settle()
            self._trying = True
        elif event.new == "run":
            self._associated = True

    def _dropped(self, event: WifiDropped) -> None:
        if self._reports and _close(event, self._reports[-1]) and self._same(event):
            self._reports.append(event)
            self._reason = self._reason if self._reason is not None else event.reason
            # the event may carry another number than the driver (204 for 2); a TSF reset it calls "leave"
            if event.reason is not None and not (self._reason in (200, 206) and event.reason == 8):
                self._reason = event.reason
            return
        self.settle()
        self._reports = [event]
        self._reason, self._by = event.reason, "unknown"
        if self._connected or (self._associated and event.reason not in (15, 204)):
            self._stage = "running"
        elif event.reason in (15, 16, 204):
            self._stage = "handshake"
        elif self._trying or self.drops:
            self._stage = "joining"
        else:
            self._stage = "unknown"
        self._planned = self._meant(event, event.reason)
        self._associated = self._connected = False

    def _same(self, event: WifiDropped) -> bool:
        """Whether ``event`` reports the drop at hand again (an old driver's state line may carry another number).

        The same wording again is not the same drop again but the next failed attempt.
        """
        last = self._reports[-1]
        if None in (event.reason, self._reason) and event.reason != self._reason:
            return True  # halfopen's own link and the driver tell of one loss, and only the driver says why
        if isinstance(last, LinkStateChanged) or event.where.line == last.where.line:
            return True
        return event.reason == self._reason and _wording(event) not in map(_wording, self._reports)

    def _meant(self, event: Event, reason: int | None) -> str:
        if reason in (12, 207):  # BSS transition, roaming: the station moves on purpose
            return "roam"
        if self._pause is not None and self._pause.kind == "bounce" and not self._connected:
            return ""  # the failed join after it was not meant
        if self._pause is not None and _close(event, self._pause, _PLANNED_WITHIN_S):
            return self._pause.kind
        return ""

    def settle(self) -> None:
        """The drop at hand is complete."""
        if self._reports:
            self.drops.append(Drop(tuple(self._reports), self._reason, self._stage, self._by, self._planned))
        self._reports = []
        self._trying = False


_READ: dict[type[Event], Callable[[_DropReader, Any], None]] = {
    AddressGot: _DropReader._reached,
    BeaconProbeFailed: _DropReader._unanswered,
    Booted: _DropReader._booted,
    LinkStateChanged: _DropReader._state,
    PlannedPause: _DropReader._paused,
    ServerConnected: _DropReader._reached,
    StatusClaimed: _DropReader._claimed,
    WifiDropped: _DropReader._dropped,
    WifiJoined: _DropReader._joined,
    WifiStarted: _DropReader._started,
}
#: No other event changes what is known of drops.
TELLING_OF_DROPS = tuple(_READ)


def _wording(event: Event) -> str:
    """A line without its numbers."""
    return _DIGITS.sub("", event.where.text)


def _close(later: Event, earlier: Event, within_s: float = _ONE_DROP_S) -> bool:
    """Whether two events are near in time, or near in the file where no clock tells."""
    if (gap := later.at.since(earlier.at)) is not None:
        return abs(gap) <= within_s
    if later.where.source != earlier.where.source or later.where.line is None or earlier.where.line is None:
        return False
    return 0 <= later.where.line - earlier.where.line <= 6


def drops_of(events: Iterable[Event]) -> list[Drop]:
    """The drops in ``events`` of one device, which are of ``TELLING_OF_DROPS``, in order."""
    reader = _DropReader()
    for event in events:
        reader.read(event)
    reader.settle()
    return reader.drops
