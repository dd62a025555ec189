"""Each station of a capture: what it sent, when it dozed, when it was polled, and when nobody acknowledged."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from halfopen.diagnose.radio import PollSeen, SleepSeen, StationObserved, UnackedRun
from halfopen.diagnose.sources.bounded import Bounded, Quota, upper_median
from halfopen.diagnose.sources.heard import NS, Heard, Witness, mac
from halfopen.formats import dot11 as d
from halfopen.kernel import layout as k

#: Stations, and pairs of station and access point, that are told apart.
STATIONS_MAX = 2048
LINKS_MAX = 4096
QUOTED_MAX = 50_000
APS_MAX = 32
#: An acknowledgement may follow this much later, in nanoseconds: a block acknowledgement ends a burst of frames.
SETTLED_NS = 40_000_000
#: Frames of one direction that may wait for that: with odd time stamps nothing ever gets old.
OPEN_MAX = 512
#: A run of frames whose acknowledgements were not heard is told when chance would give one such run in 100 captures: how
#: often the sniffer misses an acknowledgement the rest of the direction tells.
CHANCE_MAX = 0.01
#: What a sniffer misses where nothing else tells: it counts as much as one frame.
MISSED_USUALLY = 0.05
#: One lost frame is the air's everyday.
RUN_MIN = 2
#: Neither tells of the link: probe responses go to stations that may have left the channel.
UNLINKED = (d.PROBE_REQUEST, d.PROBE_RESPONSE)


@dataclass(slots=True)
class _Run:
    """Frames without acknowledgement, one after the other."""

    first: Heard
    last: Heard
    count: int = 0
    nulls: int = 0
    farewells: int = 0
    retried: int = 0
    answered: int = 0  # frames the other way that were acknowledged meanwhile
    resumed: Heard | None = None


class _Direction:
    """What one side of a link sends to the other."""

    __slots__ = ("missed", "open", "run", "runs", "settled")

    def __init__(self, quota: Quota) -> None:
        self.open: deque[Heard] = deque()  # frames that may still be acknowledged
        self.run: _Run | None = None
        self.runs: Bounded[_Run] = Bounded(quota)
        self.settled = 0
        self.missed = 0

    def told(self, run: _Run, *, retries: bool) -> bool:
        """Whether a run means more than that the sniffer missed acknowledgements: what was acknowledged is not sent
        again (where ``retries`` are heard at all), the other way the link is dead too, and chance does not make runs so
        long."""
        if (retries and run.retried * 2 < run.count) or run.answered * 2 >= run.count:
            return False
        others = self.settled - run.count
        share = (self.missed - run.count + MISSED_USUALLY) / (others + 1)
        return self.settled * share**run.count <= CHANCE_MAX

    def send(self, heard: Heard) -> None:
        """Take a frame; earlier ones are settled by now."""
        self.settle(heard.time - SETTLED_NS)
        self.open.append(heard)
        if len(self.open) > OPEN_MAX:
            self._decide(self.open.popleft())

    def settle(self, before: int) -> None:
        """Decide on the frames last tried before this time."""
        while self.open and self.open[0].tried < before:
            self._decide(self.open.popleft())

    def _decide(self, heard: Heard) -> None:
        self.settled += 1
        if heard.acked:
            if self.run is not None:
                self.run.resumed = heard
            self._close()
            return
        self.missed += 1
        if self.run is None:
            self.run = _Run(heard, heard)
        self.run.last = heard
        self.run.count += 1
        self.run.nulls += heard.null
        self.run.farewells += heard.kind in (d.DEAUTH, d.DISASSOC)
        self.run.retried += heard.retried

    def _close(self) -> None:
        if self.run is not None and self.run.count >= RUN_MIN:
            self.runs.add(self.run)
        self.run = None

    def end(self) -> None:
        """Nothing follows."""
        if self.open:
            self.settle(1 + max(heard.tried for heard in self.open))
        self._close()


class Link:
    """One station at one access point. ``spoke`` is when the station last sent anything to it, ``reached`` when it
    last sent what was acknowledged, in nanoseconds."""

    __slots__ = ("directions", "polls", "reached", "spoke")

    def __init__(self, quota: Quota) -> None:
        self.spoke: int | None = None
        self.reached: int | None = None
        self.polls: Bounded[Heard] = Bounded(quota)
        self.directions = (_Direction(quota), _Direction(quota))  # by the station, by the access point


@dataclass(slots=True)
class _Station:
    first: Heard
    last: Heard
    turns: Bounded[Heard]
    aps: dict[int, None] = field(default_factory=dict)
    signals: Counter[int] = field(default_factory=Counter)
    sent: int = 0
    dozes: int = 0
    dozing: bool = False
    since: int | None = None  # when the power management bit was last seen, in nanoseconds
    dozed: int = 0
    watched: int = 0
    retried: int = 0
    talked: tuple[Heard, Heard] | None = None


class Stations:
    """Collects the stations of one capture; ``lost`` frames found no room."""

    def __init__(self) -> None:
        self.lost = 0
        self._quota = Quota(QUOTED_MAX)
        self._stations: dict[int, _Station] = {}
        self._links: dict[tuple[int, int], Link] = {}

    def link(self, heard: Heard) -> Link | None:
        """The link that a frame belongs to; ``None`` for a broadcast, or when there are too many."""
        if heard.station & 1 << 40 or heard.bssid & 1 << 40:
            return None
        key = (heard.station, heard.bssid)
        if key not in self._links and len(self._links) >= LINKS_MAX:
            self.lost += 1
            return None
        return self._links.setdefault(key, Link(self._quota))

    def see(self, heard: Heard, rssi: int) -> None:
        """Take a management or data frame that is no retry."""
        if heard.kind >> 4 == 2 and heard.bssid < 0:
            return  # access points among themselves
        if not heard.by_ap:
            self._sent(heard, rssi)
        if heard.bssid < 0 or heard.kind in UNLINKED:
            return
        link = self.link(heard)
        if link is None:
            return
        if not heard.by_ap:
            link.spoke = heard.time
        elif heard.null:
            link.polls.add(heard)
        if heard.answerable:
            link.directions[heard.by_ap].send(heard)

    def reached(self, heard: Heard) -> None:
        """A frame was acknowledged."""
        link = self._links.get((heard.station, heard.bssid))
        if link is None:
            return
        if not heard.by_ap:
            link.reached = heard.time
        run = link.directions[not heard.by_ap].run
        if run is not None:
            run.answered += 1

    def again(self, heard: Heard) -> None:
        """A frame was heard once more."""
        station = self._stations.get(heard.sender)
        if station is not None:
            station.retried += heard.tried == heard.time

    def joined(self, station: int, bssid: int) -> None:
        """An access point accepted a station."""
        known = self._stations.get(station)
        if known is not None:
            known.dozing = False  # a station is awake when it joins
            if next(reversed(known.aps), None) != bssid and len(known.aps) < APS_MAX:
                known.aps.pop(bssid, None)
                known.aps[bssid] = None

    def _sent(self, heard: Heard, rssi: int) -> None:
        station = self._stations.get(heard.sender)
        if station is None:
            if len(self._stations) >= STATIONS_MAX:
                self.lost += 1
                return
            station = self._stations[heard.sender] = _Station(heard, heard, Bounded(self._quota))
        station.sent += 1
        station.last = heard
        if rssi != k.W_NO_RSSI:
            station.signals[rssi] += 1
        if heard.kind >> 4 != 2 or not heard.flags & k.FC_TO_DS:
            return
        if not station.aps:  # it joined before the capture began
            station.aps[heard.bssid] = None
        station.talked = (station.talked[0] if station.talked else heard, heard)
        dozing = bool(heard.flags & k.FC_POWER)
        if station.since is not None and heard.time > station.since:
            station.watched += heard.time - station.since
            station.dozed += heard.time - station.since if station.dozing else 0
        station.since = heard.time
        if dozing != station.dozing:
            station.dozing = dozing
            station.dozes += 1
            station.turns.add(heard)
            heard.detail = (
                f"{heard.detail or d.NAMES.get(heard.kind, 'Data')} {'dozing' if dozing else 'awake'}"
            )

    def observed(self, witness: Witness) -> Iterator[PollSeen | SleepSeen | UnackedRun]:
        """Single facts: polls, changes of power management, runs without acknowledgement."""
        for (station, bssid), link in self._links.items():
            for poll in link.polls:
                yield PollSeen(
                    witness.where(poll),
                    witness.at(poll),
                    mac(station),
                    mac(bssid),
                    witness.acked(poll),
                    witness.ref(poll),
                )
            for by_ap, direction in enumerate(link.directions):
                direction.end()
                for run in direction.runs if witness.hears(station if by_ap else bssid) else ():
                    if direction.told(run, retries=witness.retries):
                        yield _unacked(run, mac(station), mac(bssid), bool(by_ap), witness)
        for known in self._stations.values():
            for turn in known.turns:
                yield SleepSeen(
                    witness.where(turn),
                    witness.at(turn),
                    mac(turn.station),
                    mac(turn.bssid),
                    bool(turn.flags & k.FC_POWER),
                    witness.acked(turn),
                    witness.ref(turn),
                )

    def summaries(self, witness: Witness) -> Iterator[StationObserved]:
        """Each station as a whole."""
        for address, known in self._stations.items():
            yield StationObserved(
                where=witness.where(known.first),
                at=witness.at(known.first),
                station=mac(address),
                aps=tuple(map(mac, known.aps)),
                sent=known.sent,
                first=witness.ref(known.first),
                last=witness.ref(known.last),
                rssi_median=upper_median(known.signals),
                rssi_min=min(known.signals, default=None),
                dozes=known.dozes,
                dozed_s=known.dozed / NS,
                watched_s=known.watched / NS,
                retried=known.retried,
                talked=(witness.ref(known.talked[0]), witness.ref(known.talked[1])) if known.talked else None,
            )


def _unacked(run: _Run, station: str, ap: str, by_ap: bool, witness: Witness) -> UnackedRun:
    return UnackedRun(
        where=witness.where(run.first),
        at=witness.at(run.first),
        station=station,
        ap=ap,
        by_ap=by_ap,
        count=run.count,
        first=witness.ref(run.first),
        last=witness.ref(run.last),
        resumed=witness.ref(run.resumed) if run.resumed else None,
        nulls=run.nulls,
        farewells=run.farewells,
    )
