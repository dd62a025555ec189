"""One device: everything its sources say, in order, and the few views of it that many rules need.

A timeline is built once and never changed; its views are computed when first asked for. Events keep the order of
their source (line order is time order); clocks are compared only through :meth:`Moment.since`. Aligning the clock of
a log with that of a capture is not done here yet: findings join both witnesses by device, not by time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeVar

from halfopen.diagnose.events import (
    AddressGot,
    Booted,
    BrownedOut,
    Connected,
    ConnectFailed,
    ConnectStarted,
    Crashed,
    DescriptorSeen,
    Event,
    HeapSampled,
    LinkStateChanged,
    Moment,
    PlannedPause,
    ServerConnected,
    SocketClosed,
    SocketOpened,
    SocketRefused,
    StatusClaimed,
    WatchdogFired,
    WifiDropped,
    WifiJoined,
    WifiStarted,
)
from halfopen.diagnose.traffic import Endpoint, FlowObserved, Side, SideSeen

E = TypeVar("E", bound=Event)

#: Two reports of one disconnect (driver line, event line, application line) come within this many seconds.
_ONE_DROP_S = 3.0
#: A disconnect within this many seconds after a sign of roaming, WPS or a requested leave was meant.
_PLANNED_WITHIN_S = 10.0

#: A device retries within seconds; silence about failures for this long means that it was back.
_QUIET_AFTER_S = 120.0

Stage = Literal["joining", "handshake", "running", "unknown"]


@dataclass(frozen=True, slots=True)
class Device:
    """Who a timeline is about. ``firmware`` is the family that printed the log, ``version`` what it said of itself."""

    name: str
    mac: str = ""
    ips: tuple[str, ...] = ()
    firmware: str = ""
    version: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
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


@dataclass(frozen=True, slots=True)
class Outage:
    """Disconnects without a connection between them: one loss and the attempts to come back.

    ``recovered`` is true when the device was seen connected afterwards, or when its log goes on for
    ``_QUIET_AFTER_S`` without a further failure (a device that retries at once would have said so).
    """

    drops: tuple[Drop, ...]
    recovered: bool


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of the device; ``planned`` when the log shows that it was asked for or belongs to its routine."""

    event: Booted
    reason: str
    before: tuple[Event, ...]
    planned: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """A TCP flow seen from the device: ``mine`` is the side the device is on."""

    flow: FlowObserved
    mine: Side

    @property
    def theirs(self) -> Side:
        """The side of the peer."""
        return "server" if self.mine == "client" else "client"

    @property
    def device(self) -> SideSeen:
        """What the device did."""
        return self.flow.side(self.mine)

    @property
    def peer(self) -> SideSeen:
        """What the peer did."""
        return self.flow.side(self.theirs)

    @property
    def peer_end(self) -> Endpoint:
        """The peer's address."""
        return self.flow.server if self.mine == "client" else self.flow.client

    @property
    def device_closed(self) -> bool:
        """The device sent FIN or RST."""
        return self.device.fin is not None or self.device.rst is not None


@dataclass(frozen=True)
class Timeline:
    """All that is known of one device."""

    device: Device
    events: tuple[Event, ...]
    captured: bool = field(default=False)

    def of(self, *kinds: type[E]) -> Iterator[E]:
        """The events of these kinds, in order."""
        return (event for event in self.events if isinstance(event, kinds))

    def between(self, first: Event, last: Event | None = None) -> Iterator[Event]:
        """The events after ``first`` and before ``last`` (to the end without one)."""
        start = self._index[id(first)] + 1
        stop = self._index[id(last)] if last is not None else len(self.events)
        return iter(self.events[start:stop])

    def before(self, event: Event) -> Iterator[Event]:
        """The events before ``event``, nearest first."""
        return reversed(self.events[: self._index[id(event)]])

    def position(self, event: Event) -> int:
        """Where ``event`` stands among all events of the device."""
        return self._index[id(event)]

    @cached_property
    def _index(self) -> dict[int, int]:
        return {id(event): position for position, event in enumerate(self.events)}

    @cached_property
    def conversations(self) -> tuple[Conversation, ...]:
        """The device's TCP flows, in the order they began."""
        ips = set(self.device.ips)
        mac = self.device.mac
        found = []
        for flow in self.of(FlowObserved):
            if flow.client.ip in ips or (mac and flow.client.mac == mac and flow.server.mac != mac):
                found.append(Conversation(flow, "client"))
            elif flow.server.ip in ips or (mac and flow.server.mac == mac):
                found.append(Conversation(flow, "server"))
        return tuple(found)

    @cached_property
    def drops(self) -> tuple[Drop, ...]:
        """Losses of the association and failed joins; several reports of one are one."""
        return tuple(_drops(self.events))

    @cached_property
    def outages(self) -> tuple[Outage, ...]:
        """The unplanned drops, gathered into losses and what it took to come back."""
        groups: list[list[Drop]] = []
        for drop in self.drops:
            if drop.planned:
                continue
            if groups and not self._back_between(groups[-1][-1], drop):
                groups[-1].append(drop)
            else:
                groups.append([drop])
        last = groups[-1][-1] if groups else None
        return tuple(Outage(tuple(g), g[-1] is not last or self._back_after(g[-1])) for g in groups)

    def _back_between(self, earlier: Drop, later: Drop) -> bool:
        gap = later.at.since(earlier.at)
        if gap is not None and gap > _QUIET_AFTER_S:
            return True
        return self.joined_between(earlier.events[-1], later.events[0])

    def _back_after(self, drop: Drop) -> bool:
        if self.joined_after(drop.events[-1]):
            return True
        same = [e for e in self.events if e.where.source == drop.events[-1].where.source]
        gap = same[-1].at.since(drop.at)
        return gap is not None and gap > _QUIET_AFTER_S

    @cached_property
    def boots(self) -> tuple[Boot, ...]:
        """Restarts inside the log (its first boot is where the story begins, not a restart)."""
        return tuple(_boots(self.events))

    @cached_property
    def heap(self) -> tuple[HeapSampled, ...]:
        """Samples of the heap that sockets live in (PSRAM left out), the free figure known."""
        samples = [
            s for s in self.of(HeapSampled) if s.free is not None and s.pool not in ("psram", "spiram", "dma")
        ]
        return tuple(samples)

    @cached_property
    def ledger(self) -> Ledger:
        """Descriptors opened and closed, as far as the log names them."""
        return Ledger.read(self.events)

    @cached_property
    def joins(self) -> tuple[Event, ...]:
        """Signs that the station was connected with its keys in place."""
        return tuple(
            e
            for e in self.events
            if isinstance(e, (AddressGot, ServerConnected)) or (isinstance(e, WifiJoined) and e.bssid)
        )

    def joined_between(self, first: Event, last: Event | None = None) -> bool:
        """Whether the station was fully connected at some time between two events."""
        return any(_joined(event) for event in self.between(first, last))

    def joined_after(self, event: Event) -> bool:
        """Whether the station came back after ``event``."""
        return self.joined_between(event)


@dataclass(frozen=True, slots=True)
class Opened:
    """One descriptor from its opening to its close (``None`` while it stays open)."""

    fd: int
    event: Event
    accepted: bool
    closed: Event | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The descriptors of a log. A descriptor number handed out again proves that it had been closed."""

    opened: tuple[Opened, ...]
    refused: tuple[SocketRefused, ...]

    @property
    def open(self) -> tuple[Opened, ...]:
        """Descriptors of the last boot that were never closed."""
        last = self.opened[-1].event.at.epoch if self.opened else 0
        return tuple(o for o in self.opened if o.closed is None and o.event.at.epoch == last)

    @staticmethod
    def read(events: Iterable[Event]) -> Ledger:
        """Keep the books over ``events``."""
        holders: dict[int, tuple[Event, bool]] = {}
        opened: list[Opened] = []
        refused: list[SocketRefused] = []
        epoch = 0

        def settle(fd: int, closed: Event | None) -> None:
            event, accepted = holders.pop(fd)
            opened.append(Opened(fd, event, accepted, closed))

        for event in events:
            if event.at.epoch != epoch:
                for held in list(holders):
                    settle(held, event)
                epoch = event.at.epoch
            if isinstance(event, SocketRefused):
                refused.append(event)
            fd: int | None = getattr(event, "fd", None)
            if fd is None:
                continue
            if isinstance(event, SocketClosed):
                if fd in holders:
                    settle(fd, event)
            elif isinstance(event, SocketOpened):
                if fd in holders:
                    settle(fd, event)
                holders[fd] = (event, event.accepted)
            elif (
                isinstance(event, (ConnectStarted, Connected, ConnectFailed, DescriptorSeen))
                and fd not in holders
            ):
                holders[fd] = (event, False)
        for held in list(holders):
            settle(held, None)
        opened.sort(key=lambda o: (o.event.where.source, o.event.where.line or 0))
        return Ledger(tuple(opened), tuple(refused))


def _joined(event: Event) -> bool:
    """A sign that the station was associated and had its keys, or more."""
    return isinstance(event, (AddressGot, ServerConnected, WifiJoined))


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

    def read(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, PlannedPause) and event.kind in ("roam", "wps", "leave"):
            self._pause = event
            if self._reports and _close(event, self._reports[-1]) and event.kind == "roam":
                self._planned = "roam"
        elif isinstance(event, LinkStateChanged):
            self._state(event)
        elif isinstance(event, WifiDropped):
            self._dropped(event)
        elif isinstance(event, WifiStarted):
            self.settle()
            self._trying = True
        elif isinstance(event, WifiJoined):
            self.settle()
            self._associated = True
            if event.bssid:  # "connected with …, aid = 1": the driver prints it when the keys are in place
                self._connected = True
        elif isinstance(event, (AddressGot, ServerConnected)) or (
            isinstance(event, StatusClaimed) and event.connected and not self._reports and not self.drops
        ):
            if not isinstance(event, AddressGot) or not self._reports:
                self.settle()
                self._associated = self._connected = True
        elif isinstance(event, Booted):
            self.settle()
            self._associated = self._connected = False

    def _state(self, event: LinkStateChanged) -> None:
        if event.new == "init" and event.old in ("auth", "assoc", "run"):
            self.settle()
            self._reports = [event]
            self._reason, self._by = event.reason, event.by
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
            if event.reason is not None:
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
        """Whether ``event`` reports the drop at hand again (an old driver's state line may carry another number)."""
        stated = isinstance(self._reports[-1], LinkStateChanged)
        return stated or event.reason == self._reason or event.where.line == self._reports[-1].where.line

    def _meant(self, event: Event, reason: int | None) -> str:
        if reason in (12, 207):  # BSS transition, roaming: the station moves on purpose
            return "roam"
        if self._pause is not None and _close(event, self._pause, _PLANNED_WITHIN_S):
            return self._pause.kind
        return ""

    def settle(self) -> None:
        """The drop at hand is complete."""
        if self._reports:
            self.drops.append(Drop(tuple(self._reports), self._reason, self._stage, self._by, self._planned))
        self._reports = []
        self._trying = False


def _close(later: Event, earlier: Event, within_s: float = _ONE_DROP_S) -> bool:
    """Whether two events are near in time, or near in the file where no clock tells."""
    if (gap := later.at.since(earlier.at)) is not None:
        return abs(gap) <= within_s
    if later.where.source != earlier.where.source or later.where.line is None or earlier.where.line is None:
        return False
    return 0 <= later.where.line - earlier.where.line <= 6


def _drops(events: Iterable[Event]) -> list[Drop]:
    reader = _DropReader()
    for event in events:
        reader.read(event)
    reader.settle()
    return reader.drops


#: Reset reasons that belong to a device's routine.
_ROUTINE_RESETS = frozenset(("DEEPSLEEP_RESET", "soft reboot", "USB_UART_CHIP_RESET"))


def _boots(events: Iterable[Event]) -> list[Boot]:
    boots: list[Boot] = []
    history: list[Event] = []
    epoch = 0
    paused = False
    for event in events:
        if event.at.epoch > epoch and isinstance(event, Booted):
            signs = tuple(e for e in history if isinstance(e, (Crashed, WatchdogFired, BrownedOut)))
            planned = paused or event.reason in _ROUTINE_RESETS
            boots.append(Boot(event, event.reason, signs, planned))
            epoch, history, paused = event.at.epoch, [], False
        elif isinstance(event, Booted) and boots and event.at.epoch == epoch and event.reason:
            last = boots[-1]
            planned = last.planned or event.reason in _ROUTINE_RESETS
            boots[-1] = Boot(event, event.reason, last.before, planned)
        elif isinstance(event, PlannedPause) and event.kind in ("ota", "deep-sleep"):
            paused = True
        history.append(event)
    return boots
