"""Each station of a capture as facts: what it sent, when it dozed, when it was polled, and when nobody acknowledged."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.radio import PollSeen, StationObserved, UnackedRun
from halfopen.diagnose.sources.heard import NS, Heard, Witness, mac
from halfopen.diagnose.sources.signals import counted, upper_median
from halfopen.diagnose.traffic import FrameRef
from halfopen.kernel import layout as k
from halfopen.kernel.hearing import end
from halfopen.kernel.quoting import Bounded, Quota
from halfopen.kernel.radio import Direction, Link, Run, Station

#: Stations, and pairs of station and access point, that are told apart.
STATIONS_MAX = 2048
LINKS_MAX = 4096
QUOTED_MAX = 50_000
APS_MAX = 32
#: A run of frames whose acknowledgements were not heard is told when chance would give one such run in 100 captures: how
#: often the sniffer misses an acknowledgement the rest of the direction tells.
CHANCE_MAX = 0.01
#: What a sniffer misses where nothing else tells: it counts as much as one frame.
MISSED_USUALLY = 0.05


class Stations:
    """Makes the stations and links that a listener follows, and facts of them; ``lost`` frames found no room."""

    def __init__(self) -> None:
        self.lost = 0
        self._quota = Quota(QUOTED_MAX)
        self._stations: dict[int, Station] = {}
        self._links: list[Link] = []

    def link(self, station: int, bssid: int) -> Link | None:
        """A new link between two addresses; ``None`` when there are too many."""
        if len(self._links) >= LINKS_MAX:
            self.lost += 1
            return None
        polls = Bounded(self._quota)
        ways = [Direction(Bounded(self._quota)) for _ in range(2)]
        link = Link(station, bssid, polls, *ways)
        self._links.append(link)
        return link

    def station(self, heard: Heard) -> Station | None:
        """The station that sent this frame; ``None`` when there are too many."""
        station = self._stations.get(heard.sender)
        if station is None:
            if len(self._stations) >= STATIONS_MAX:
                self.lost += 1
                return None
            station = self._stations[heard.sender] = Station(heard, Bounded(self._quota))
        return station

    def joined(self, station: int, bssid: int) -> None:
        """An access point accepted a station."""
        known = self._stations.get(station)
        if known is not None:
            known.dozing = False  # a station is awake when it joins
            if next(reversed(known.aps), None) != bssid and len(known.aps) < APS_MAX:
                known.aps.pop(bssid, None)
                known.aps[bssid] = None

    def observed(self, witness: Witness) -> Iterator[PollSeen | UnackedRun]:
        """Single facts: polls, runs without acknowledgement."""
        for link in self._links:
            station, bssid = link.station, link.bssid
            for poll in link.polls:
                yield PollSeen(
                    witness.where(poll),
                    witness.at(poll),
                    mac(station),
                    mac(bssid),
                    witness.acked(poll),
                    witness.ref(poll),
                )
            for by_ap, direction in enumerate((link.by_station, link.by_ap)):
                end(direction)
                for run in direction.runs if witness.hears(station if by_ap else bssid) else ():
                    if _told(direction, run, retries=witness.retries):
                        yield _unacked(run, mac(station), mac(bssid), bool(by_ap), witness)

    def summaries(self, witness: Witness) -> Iterator[StationObserved]:
        """Each station as a whole."""
        for address, known in self._stations.items():
            signals = counted(known.signals)
            yield StationObserved(
                where=witness.where(known.first),
                at=witness.at(known.first),
                station=mac(address),
                aps=tuple(map(mac, known.aps)),
                sent=known.sent,
                first=witness.ref(known.first),
                last=witness.ref(known.last),
                rssi_median=upper_median(signals),
                rssi_min=min(signals, default=None),
                dozes=known.dozes,
                dozed_s=known.dozed / NS,
                watched_s=known.watched / NS,
                retried=known.retried,
                talked=_talked(known, witness),
                turns=tuple([(witness.ref(turn), turn.flags & k.FC_POWER != 0) for turn in known.turns]),
            )


def _talked(known: Station, witness: Witness) -> tuple[FrameRef, FrameRef] | None:
    """The station's first and last data."""
    if known.talked_first is None or known.talked_last is None:
        return None
    return witness.ref(known.talked_first), witness.ref(known.talked_last)


def _told(direction: Direction, run: Run, *, retries: bool) -> bool:
    """Whether a run means more than that the sniffer missed acknowledgements: what was acknowledged is not sent
    again (where ``retries`` are heard at all), the other way the link is dead too, and chance does not make runs so
    long."""
    if (retries and run.retried * 2 < run.count) or run.answered * 2 >= run.count:
        return False
    others = direction.settled - run.count
    share = (direction.missed - run.count + MISSED_USUALLY) / (others + 1)
    return bool(direction.settled * share**run.count <= CHANCE_MAX)


def _unacked(run: Run, station: str, ap: str, by_ap: bool, witness: Witness) -> UnackedRun:
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
