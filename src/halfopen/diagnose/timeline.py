"""One device: everything its sources say, in order, and the few views of it that many rules need.

A timeline is built once and never changed; its views are computed when first asked for. Events keep the order of
their source (line order is time order); clocks are compared only through :meth:`Moment.since`, or, between a log and
a capture, through the alignment of that boot where there is one. All captures of one timeline are on one clock; what a
capture on a clock of its own shows of the device is a timeline of its own (``Timeline.apart``).
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from halfopen.diagnose.alignment import Alignment
from halfopen.diagnose.boots import TELLING_OF_BOOTS, Boot, boots_of
from halfopen.diagnose.capture_clocks import CaptureClock
from halfopen.diagnose.drops import TELLING_OF_DROPS, Drop, drops_of
from halfopen.diagnose.episodes import TELLING_OF_LINK, LinkLife, link_life
from halfopen.diagnose.events import AddressGot, Event, HeapSampled, LogEnded, ServerConnected, WifiJoined
from halfopen.diagnose.farewells import Farewell, farewells_of
from halfopen.diagnose.ledger import TELLING_OF_DESCRIPTORS, Ledger
from halfopen.diagnose.ordered import Ordered
from halfopen.diagnose.radio import FarewellSeen, JoinStepSeen, PollSeen
from halfopen.diagnose.traffic import Endpoint, FlowObserved, Side, SideSeen

E = TypeVar("E", bound=Event)

#: Pools that sockets do not live in: external RAM, DMA-capable RAM told apart, the part MicroPython left to ESP-IDF.
OTHER_POOLS = frozenset(("psram", "spiram", "dma", "idf"))


#: A device retries within seconds; silence about failures for this long means that it was back.
_QUIET_AFTER_S = 120.0
#: A station that was put out says so, or joins again, within this time; its line may be stamped a little early.
_NOTICED_S = 30.0
_BEFORE_S = 2.0


class Device(Struct, frozen=True):
    """Who a timeline is about. ``firmware`` is the family that printed the log, ``version`` what it said of itself."""

    name: str
    mac: str = ""
    ips: tuple[str, ...] = ()
    firmware: str = ""
    version: str = ""
    sources: tuple[str, ...] = ()

    @property
    def idf(self) -> tuple[int, int] | None:
        """The ESP-IDF version (major, minor) when the log says it: the names of Wi-Fi reasons depend on it."""
        found = re.match(r"v?(\d+)\.(\d+)", self.version) if self.firmware == "esp-idf" else None
        return (int(found[1]), int(found[2])) if found else None


class Outage(Struct, frozen=True):
    """Disconnects without a connection between them: one loss and the attempts to come back.

    ``recovered`` is true when the device was seen connected afterwards, or when its log goes on for
    ``_QUIET_AFTER_S`` without a further failure (a device that retries at once would have said so).
    """

    drops: tuple[Drop, ...]
    recovered: bool


class Conversation(Struct, frozen=True):
    """A TCP flow seen from the device: ``mine`` is the side the device is on, ``device`` what it did there, ``peer`` what the
    other side did, ``theirs``."""

    flow: FlowObserved
    mine: Side
    theirs: Side
    device: SideSeen
    peer: SideSeen

    @property
    def peer_end(self) -> Endpoint:
        """The peer's address."""
        return self.flow.server if self.mine == "client" else self.flow.client

    @property
    def device_closed(self) -> bool:
        """The device sent FIN or RST."""
        return self.device.fin is not None or self.device.rst is not None


class Timeline(Struct, frozen=True, dict=True):
    """All that is known of one device."""

    device: Device
    events: tuple[Event, ...]
    #: Per boot of the log, how its clock runs against the capture's; a boot that could not be aligned is missing.
    clocks: dict[int, Alignment] = field(default_factory=dict)
    #: How the captures beside the first were put on its clock. Times of their frames are times on that clock.
    capture_clocks: tuple[CaptureClock, ...] = ()
    #: By ``id`` of an event of a capture, the same fact as other captures show it.
    others: dict[int, tuple[Event, ...]] = field(default_factory=dict)
    #: What captures on clocks of their own show of the device: no time in them means anything here.
    apart: tuple[Timeline, ...] = ()

    def elsewhere(self, event: Event) -> tuple[Event, ...]:
        """The same fact as the other captures show it."""
        return self.others.get(id(event), ())

    def of(self, *kinds: type[E]) -> Iterator[E]:
        """The events of these kinds, in order."""
        return iter(self._ordered.of(kinds[0])) if len(kinds) == 1 else self._ordered.of_kinds(*kinds)

    def between(self, first: Event, last: Event | None = None) -> Iterator[Event]:
        """The events after ``first`` and before ``last`` (to the end without one)."""
        start = self.position(first) + 1
        stop = self.position(last) if last is not None else len(self.events)
        return (self.events[position] for position in range(start, stop))

    def before(self, event: Event) -> Iterator[Event]:
        """The events before ``event``, nearest first."""
        return (self.events[position] for position in range(self.position(event) - 1, -1, -1))

    def recent(self, event: Event, kind: type[E], most: int = 1) -> list[E]:
        """The last ``most`` events of ``kind`` before ``event``, nearest first."""
        found = self._ordered.of(kind)
        stop = bisect.bisect_left(self._ordered.places(kind), self.position(event))
        return list(reversed(found[max(stop - most, 0) : stop]))

    def last_of(self, event: Event, *kinds: type[Event]) -> Event | None:
        """The nearest event of any of ``kinds`` before ``event``."""
        near = [found for kind in kinds for found in self.recent(event, kind)]
        return max(near, key=self.position, default=None)

    def next_of(self, event: Event, *kinds: type[Event]) -> Event | None:
        """The nearest event of any of ``kinds`` after ``event``."""
        near: list[Event] = []
        for kind in kinds:
            start = bisect.bisect_right(self._ordered.places(kind), self.position(event))
            near += self._ordered.of(kind)[start : start + 1]
        return min(near, key=self.position, default=None)

    def few_after(self, event: Event, most: int) -> list[Event]:
        """The ``most`` events that follow ``event`` directly."""
        place = self.position(event) + 1
        return list(self.events[place : place + most])

    @cached_property
    def position(self) -> Callable[[Event], int]:
        """Where an event stands among all events of the device."""
        return self._ordered.place_of

    @cached_property
    def _ordered(self) -> Ordered:
        return self.events if isinstance(self.events, Ordered) else Ordered(self.events)

    @property
    def only_wired(self) -> bool:
        """Whether nothing but captures of the wire tells of the device: no log, and no frame on the air."""
        return all(kind.__module__ == FlowObserved.__module__ for kind in self._ordered.kinds())

    @cached_property
    def conversations(self) -> tuple[Conversation, ...]:
        """The device's TCP flows, in the order they began."""
        ips = set(self.device.ips)
        mac = self.device.mac
        found = []
        for flow in self.of(FlowObserved):
            if flow.client.ip in ips or (mac and flow.client.mac == mac and flow.server.mac != mac):
                found.append(Conversation(flow, "client", "server", flow.from_client, flow.from_server))
            elif flow.server.ip in ips or (mac and flow.server.mac == mac):
                found.append(Conversation(flow, "server", "client", flow.from_server, flow.from_client))
        return tuple(found)

    @cached_property
    def drops(self) -> tuple[Drop, ...]:
        """Losses of the association and failed joins; several reports of one are one."""
        return tuple(drops_of(self.of(*TELLING_OF_DROPS)))

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

    def outage_of(self, drop: Drop) -> Outage:
        """The outage that an unplanned ``drop`` belongs to; raises ``KeyError`` for a planned one."""
        return self._outages_by_drop[id(drop)]

    @cached_property
    def _outages_by_drop(self) -> dict[int, Outage]:
        return {id(drop): outage for outage in self.outages for drop in outage.drops}

    def _back_between(self, earlier: Drop, later: Drop) -> bool:
        gap = later.at.since(earlier.at)
        if gap is not None and gap > _QUIET_AFTER_S:
            return True
        return self.joined_between(earlier.events[-1], later.events[0])

    def _back_after(self, drop: Drop) -> bool:
        if self.joined_after(drop.events[-1]):
            return True
        source = drop.events[-1].where.source
        ends = [e for e in self.of(LogEnded) if e.where.source == source]
        gap = ends[-1].at.since(drop.at) if ends else None
        return gap is not None and gap > _QUIET_AFTER_S

    @cached_property
    def boots(self) -> tuple[Boot, ...]:
        """Restarts inside the log (its first boot is where the story begins, not a restart)."""
        return tuple(boots_of(self._ordered.of_kinds_and_turns(*TELLING_OF_BOOTS)))

    @cached_property
    def link(self) -> LinkLife:
        """What halfopen's own link went through, where the log is its journal."""
        return link_life(self.of(*TELLING_OF_LINK))

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
        return Ledger.read(self._ordered.of_kinds_and_turns(*TELLING_OF_DESCRIPTORS))

    @cached_property
    def farewells(self) -> tuple[Farewell, ...]:
        """Deauthentications and disassociations heard on the air, with their meaning for this station."""
        heard = farewells_of(self.of(FarewellSeen, JoinStepSeen, PollSeen))
        return tuple(replace(f, meaning="ignored") if self._outlived(f) else f for f in heard)

    def kicks(self, *reasons: int) -> list[FarewellSeen]:
        """Farewells on the air by which the access point put this station out; all reasons without any named."""
        kicked = [f for f in self.farewells if f.meaning == "kick"]
        return [f.seen for f in kicked if not reasons or f.reason in reasons]

    def _outlived(self, farewell: Farewell) -> bool:
        """Whether the log shows that the station stayed: it did not hear the frame, or rightly ignored an unprotected
        one (PMF). Only a log that tells of its joins can show it."""
        if farewell.meaning != "kick":
            return False
        for epoch, clock in self.clocks.items():
            at = clock.to_log(farewell.seen.ref.time)
            began, ended, joins, changes = self._told_by_boot.get(epoch, (0.0, 0.0, [], []))
            if not began <= at <= ended - _NOTICED_S:
                continue
            joined = bool(joins) and joins[0] < at
            place = bisect.bisect_left(changes, at - _BEFORE_S)
            return joined and not (place < len(changes) and changes[place] <= at + _NOTICED_S)
        return False

    @cached_property
    def _told_by_boot(self) -> dict[int, tuple[float, float, list[float], list[float]]]:
        """For each boot of the log: its first and last time, when it tells of joins, and of joins and losses."""
        spans: dict[int, tuple[float, float]] = {}
        for event in self.events:
            if event.at.boot is not None:
                began, ended = spans.get(event.at.epoch, (event.at.boot, event.at.boot))
                spans[event.at.epoch] = min(began, event.at.boot), max(ended, event.at.boot)
        joins: dict[int, list[float]] = {}
        changes: dict[int, list[float]] = {}
        for event in self.joins:
            if event.at.boot is not None:
                joins.setdefault(event.at.epoch, []).append(event.at.boot)
                changes.setdefault(event.at.epoch, []).append(event.at.boot)
        for drop in self.drops:
            for event in drop.events:
                if event.at.boot is not None:
                    changes.setdefault(event.at.epoch, []).append(event.at.boot)
        return {
            epoch: (*span, sorted(joins.get(epoch, [])), sorted(changes.get(epoch, [])))
            for epoch, span in spans.items()
        }

    @cached_property
    def joins(self) -> tuple[Event, ...]:
        """Signs that the station was connected with its keys in place."""
        found = self.of(AddressGot, ServerConnected, WifiJoined)
        return tuple(e for e in found if not isinstance(e, WifiJoined) or e.bssid)

    def joined_between(self, first: Event, last: Event | None = None) -> bool:
        """Whether the station was connected at some time between two events."""
        start = self.position(first)
        stop = self.position(last) if last is not None else len(self.events)
        place = bisect.bisect_right(self._links, start)
        return place < len(self._links) and self._links[place] < stop

    @cached_property
    def _links(self) -> Sequence[int]:
        """Where the log shows a connection, with or without its keys."""
        return self._ordered.places(AddressGot, ServerConnected, WifiJoined)

    def joined_after(self, event: Event) -> bool:
        """Whether the station came back after ``event``."""
        return self.joined_between(event)
