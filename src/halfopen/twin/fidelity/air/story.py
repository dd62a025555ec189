"""What happened on the air, told in order: joins, farewells, handshakes, polls and naps; beacons in summary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from halfopen.formats import dot11
from halfopen.formats.packet import ARP, IPV4
from halfopen.twin.fidelity.air.hearing import EVERYBODY, Beacon, Heard, beacons, hear

#: One beacon of 100 TU in seconds.
BEACON_S = 0.1024
#: So long without one, in beacons, is a gap. Less is the lab's machine: in s5_roam both access points miss two at once.
_GAP_BEACONS = 3.5

#: What data frames of a story carry; bridges' frames to each other (LLC) are the lab's.
CARRIED = (ARP, IPV4, 0)
_JOINING = {
    dot11.ASSOC_REQUEST: "association request",
    dot11.ASSOC_RESPONSE: "association response",
    dot11.REASSOC_REQUEST: "reassociation request",
    dot11.REASSOC_RESPONSE: "reassociation response",
}
_FAREWELLS = {dot11.DISASSOC: "disassociation", dot11.DEAUTH: "deauthentication"}
#: Where the status stands in a response's body, IEEE 802.11-2020 section 9.3.3.
_STATUS_AT = {dot11.ASSOC_RESPONSE: 2, dot11.REASSOC_RESPONSE: 2}


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the story: ``what`` in words, by whom, to whom; ``code`` a reason or status.

    ``acked`` is ``None`` where nobody acknowledges. ``number`` is the frame's in its capture.
    """

    time: float
    sender: str
    receiver: str
    what: str
    code: int | None
    acked: bool | None
    number: int

    @property
    def shape(self) -> tuple[str, str, str]:
        """What makes it this event; code and acknowledgement are compared afterwards and named."""
        return (self.sender, self.receiver, self.what)

    @property
    def text(self) -> str:
        """In words."""
        code = "" if self.code is None else f" {self.code}"
        ack = {True: ", acked", False: ", not acked", None: ""}[self.acked]
        return f"{self.sender} → {self.receiver} {self.what}{code}{ack}"


@dataclass(frozen=True, slots=True)
class Run:
    """Something that lasted, in seconds and beacons: a gap without beacons, frames announced as waiting."""

    begin: float
    end: float
    beacons: int = 0

    @property
    def seconds(self) -> float:
        """How long."""
        return self.end - self.begin


@dataclass(slots=True)
class BeaconSummary:
    """What an access point's beacons told in a capture; times in s, ``first`` and ``last`` of the first and last."""

    interval_tu: int
    period: int
    first: float
    last: float
    count: int
    tsf_restarts: int = 0
    gaps: list[Run] = field(default_factory=list)
    #: Runs of beacons whose map announced waiting frames.
    announced: list[Run] = field(default_factory=list)
    #: Beacons that announced group frames.
    group: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Story:
    """A capture told: ``events`` in order, ``data`` the traffic beside them, ``beacons`` per access point."""

    events: list[Told]
    data: list[Told]
    beacons: dict[str, BeaconSummary]
    end: float


def tell(capture: bytes, names: dict[str, str] | None = None, begin_ns: int | None = None) -> Story:
    """The story of a capture; ``names`` maps addresses to roles, ``begin_ns`` is where its times begin (its first frame).

    Raises:
        ValueError: it is no pcapng with radiotap headers.
    """
    heard = hear(capture, names, begin_ns)
    events: list[Told] = []
    data: list[Told] = []
    cells = _Cells()
    for one in heard:
        if one.kind == dot11.BEACON:
            cells.announce(one)
            continue
        waited = cells.waited(one)
        if cells.heard_by_nobody(one):
            continue
        told = _told(one, waited)
        if told is not None:
            (data if one.is_data and not waited and one.handshake is None else events).append(told)
    return Story(events, data, dict(_summaries(beacons(heard))), heard[-1].time)


def _told(one: Heard, waited: bool) -> Told | None:
    what, code = _in_words(one, waited)
    if not what:
        return None
    return Told(one.time, one.sender, one.receiver, what, code, one.acked, one.number)


def _in_words(one: Heard, waited: bool) -> tuple[str, int | None]:
    if one.kind in _FAREWELLS:
        return f"{_FAREWELLS[one.kind]} with reason", one.word(0)
    if one.kind == dot11.AUTH:
        step = one.word(2)
        return f"authentication {step}", one.word(4) if step > 1 else None
    if one.kind in _JOINING:
        at = _STATUS_AT.get(one.kind)
        return _JOINING[one.kind], None if at is None else one.word(at)
    if one.kind == dot11.PROBE_REQUEST:
        wanted = dot11.ssid_of(one.body, 0)
        return f"probe for {wanted or 'anybody'} at {one.frequency_mhz} MHz", None
    if one.kind == dot11.PROBE_RESPONSE:
        return "probe response", None
    if one.is_null:
        return f"null, {'dozes' if one.dozes else 'awake'}", None
    if one.handshake is not None:
        return f"key message {one.handshake}", None
    if one.ethertype in CARRIED:
        return ("data that waited" if waited else "data"), None
    return "", None


class _Cells:
    """Who is where, and which data frames were announced in a beacon's map before they were sent."""

    def __init__(self) -> None:
        self._announced: dict[str, Beacon] = {}
        self._aid: dict[tuple[str, str], int] = {}
        self._joined: dict[str, str] = {}

    def announce(self, one: Heard) -> None:
        """A beacon."""
        for beacon in beacons([one]):
            self._announced[one.sender] = beacon

    def waited(self, one: Heard) -> bool:
        """Whether this frame was announced by its access point's last beacon; follows associations."""
        if one.kind in (dot11.ASSOC_RESPONSE, dot11.REASSOC_RESPONSE) and not one.word(2):
            self._aid[one.sender, one.receiver] = one.word(4) & 0x3FFF
            self._joined[one.receiver] = one.sender
        beacon = self._announced.get(one.sender)
        if beacon is None or not one.is_data:
            return False
        if one.receiver == EVERYBODY:
            return beacon.group
        return self._aid.get((one.sender, one.receiver)) in beacon.waiting

    def heard_by_nobody(self, one: Heard) -> bool:
        """A broadcast of the LAN into a cell where no station is."""
        return one.is_data and one.receiver == EVERYBODY and one.sender not in self._joined.values()


def _summaries(seen: list[Beacon]) -> Iterator[tuple[str, BeaconSummary]]:
    for sender in dict.fromkeys(beacon.sender for beacon in seen):
        of_it = [beacon for beacon in seen if beacon.sender == sender]
        yield sender, _summary(of_it)


def _summary(of_it: list[Beacon]) -> BeaconSummary:
    first, last = of_it[0], of_it[-1]
    told = BeaconSummary(last.interval_tu, last.period, first.time, last.time, len(of_it))
    announced: list[Beacon] = []
    for before, beacon in zip([None, *of_it], of_it, strict=False):
        if before is not None:
            if beacon.tsf < before.tsf:
                told.tsf_restarts += 1
            if beacon.time - before.time > _GAP_BEACONS * BEACON_S * beacon.interval_tu / 100:
                told.gaps.append(Run(before.time, beacon.time))
        if beacon.group:
            told.group.append(beacon.time)
        if beacon.waiting:
            announced.append(beacon)
        elif announced:
            told.announced.append(Run(announced[0].time, announced[-1].time, len(announced)))
            announced = []
    if announced:
        told.announced.append(Run(announced[0].time, announced[-1].time, len(announced)))
    return told
