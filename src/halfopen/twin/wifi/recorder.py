"""Writes what monitor interfaces would have captured of the air: radiotap pcapng, one file for each place of listening.

``listen("air")`` is the medium itself, every try and every acknowledgement, as hwsim0 in the lab. A place with a strength
for each radio is a sniffer: it misses what is too weak there, and a share of the rest. Beacons are nobody's events: they are
written here, from the lives of the access points and from when which frames waited.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from halfopen.formats import dot11 as d
from halfopen.formats import dot11_frames as bodies
from halfopen.formats.capture import LINK_RADIOTAP, Interface, PcapngWriter
from halfopen.formats.eapol import ETHERTYPE_EAPOL
from halfopen.formats.packet import ARP, IPV4
from halfopen.twin.packets import BROADCAST, Arp
from halfopen.twin.wifi.beating import Beat
from halfopen.twin.wifi.frames import FROM_DS, PROTECTED, PS_POLL, RETRY, AirFrame
from halfopen.twin.wifi.signal import failing, mixed, share
from halfopen.twin.world import EPOCH_NS, US

if TYPE_CHECKING:
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.air import Air
    from halfopen.twin.wifi.figures import AirFigures
    from halfopen.twin.wifi.path import Path

_NANOSECONDS = 9
_QOS = 0x08
#: The least a frame and the receiver of its acknowledgement are apart.
_ACK_MBIT = 24.0
#: Time between two data frames' sequence counters of their own.
_BEACON, _TRY, _ACK = 0, 1, 2


class _Tried:
    """One try: when it was over, what, whose, and when its acknowledgement was over (0: there was none)."""

    __slots__ = ("ack", "ap", "end", "frame", "retry", "station")

    def __init__(
        self, end: int, frame: AirFrame, ap: AccessPoint, station: str, retry: bool, ack: int
    ) -> None:
        self.end = end
        self.frame = frame
        self.ap = ap
        self.station = station
        self.retry = retry
        self.ack = ack


class _Life:
    """One life of an access point: its beacons go from ``begin`` to ``end`` (ns; -1: they still do)."""

    __slots__ = ("ap", "beat", "begin", "end", "waiting")

    def __init__(self, ap: AccessPoint, begin: int) -> None:
        self.ap = ap
        self.beat: Beat = ap.beat
        self.begin = begin
        self.end = -1
        #: From when on (ns) frames wait for whom.
        self.waiting: list[tuple[int, frozenset[int]]] = [(begin, frozenset())]


class Place:
    """Where somebody listens. Without ``rssi_dbm`` it is the medium itself."""

    def __init__(self, seed: int, rssi_dbm: float | Mapping[str, float] | None, misses: float) -> None:
        self._seed = seed
        self._rssi_dbm = rssi_dbm
        self._misses = misses

    def strength(self, radio: str) -> int | None:
        """How strong a radio is heard here; ``None``: nobody measures."""
        if self._rssi_dbm is None:
            return None
        rssi = self._rssi_dbm
        return round(rssi if isinstance(rssi, (int, float)) else rssi.get(radio, -120.0))

    def hears(self, radio: str, number: int) -> bool:
        """Whether the try with that number is heard here."""
        dbm = self.strength(radio)
        if dbm is None:
            return True
        missed = 1.0 - (1.0 - failing(dbm)) * (1.0 - self._misses)
        return share(self._seed, number) >= missed


class AirRecorder:
    """The record of one air; attach it before anything is sent. ``epoch_ns`` is the world's beginning on a calendar."""

    def __init__(self, air: Air, epoch_ns: int = EPOCH_NS) -> None:
        air.log = self
        self._air = air
        self._world = air.world
        self._epoch_ns = epoch_ns
        self._tries: list[_Tried] = []
        self._lives: list[_Life] = []
        self._places: dict[str, Place] = {}
        for ap in air.aps:
            if ap.on_air:
                self.born(ap)

    def listen(
        self, name: str, rssi_dbm: float | Mapping[str, float] | None = None, misses: float = 0.0
    ) -> None:
        """Listen at a place; see the module."""
        self._places[name] = Place(self._air.seed_for(f"{name} listens"), rssi_dbm, misses)

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the places."""
        return tuple(self._places)

    # What the air tells -------------------------------------------------------------------------------------

    def tried(
        self, end: int, frame: AirFrame, path: Path | None, ap: AccessPoint, retry: bool, ack: int | None
    ) -> None:
        """See :class:`halfopen.twin.wifi.air.Log`."""
        station = path.station.name if path is not None else ""
        self._tries.append(_Tried(end, frame, ap, station, retry, ack or 0))

    def born(self, ap: AccessPoint) -> None:
        """See :class:`halfopen.twin.wifi.air.Log`."""
        self._lives.append(_Life(ap, self._world.now))

    def died(self, ap: AccessPoint) -> None:
        """See :class:`halfopen.twin.wifi.air.Log`."""
        life = self._life(ap)
        if life is not None:
            life.end = self._world.now

    def waits(self, ap: AccessPoint, aid: int, waiting: bool) -> None:
        """See :class:`halfopen.twin.wifi.air.Log`."""
        life = self._life(ap)
        if life is not None:
            before = life.waiting[-1][1]
            after = before | {aid} if waiting else before - {aid}
            life.waiting.append((self._world.now, after))

    def _life(self, ap: AccessPoint) -> _Life | None:
        return next((life for life in reversed(self._lives) if life.ap is ap and life.end < 0), None)

    # What is written ----------------------------------------------------------------------------------------

    def pcapng(self, name: str) -> bytes:
        """The capture of one place."""
        place = self._places[name]
        writer = PcapngWriter([Interface(link=LINK_RADIOTAP, resolution=_NANOSECONDS)])
        parts = [writer.header()]
        parts += [writer.record(self._epoch_ns + when, frame) for when, frame, _ in self._heard(place)]
        return b"".join(parts)

    def reasons(self, name: str) -> list[dict[str, Any]]:
        """``number`` (from 1) and ``why`` of every frame of a place that has a reason of its own."""
        heard = self._heard(self._places[name])
        return [{"number": number, "why": why} for number, (_, _, why) in enumerate(heard, 1) if why]

    def _heard(self, place: Place) -> list[tuple[int, bytes, str]]:
        """Every frame that is heard at a place: when, bytes with radiotap, why."""
        self._air.settle()
        encoder = _Encoder(self._air.figures)
        found: list[tuple[int, bytes, str]] = []
        for number, (when, what, item) in enumerate(self._in_order()):
            if isinstance(item, _Life):
                frame, radio, mbit, why = encoder.beacon(item, when), item.ap.name, 1.0, ""
                channel = item.ap.channel
            else:
                channel = item.ap.channel
                by_ap = item.frame.sender == item.ap.bssid or bool(item.frame.flags & FROM_DS)
                radio = item.ap.name if by_ap else item.station
                if what == _ACK:
                    radio = item.station if by_ap else item.ap.name
                    frame, mbit, why = encoder.ack(item), _ACK_MBIT, ""
                else:
                    frame, mbit, why = encoder.tried(item), encoder.rate(item.frame), item.frame.why
            if place.hears(radio, number):
                head = bodies.radiotap(when // US, mbit, channel, place.strength(radio))
                found.append((when, head + frame, why))
        return found

    def _in_order(self) -> list[tuple[int, int, _Tried | _Life]]:
        ordered: list[tuple[int, int, int, _Tried | _Life]] = []
        ack_ns = self._air.figures.ack_ns + (0 if self._air.figures.instant else self._air.figures.sifs_ns)
        for place, tried in enumerate(self._tries):
            began = tried.end - ack_ns if tried.ack or tried.frame.receiver != BROADCAST else tried.end
            ordered.append((began, place, _TRY, tried))
            if tried.ack:
                ordered.append((tried.ack, place, _ACK, tried))
        for life in self._lives:
            end = life.end if life.end >= 0 else self._world.now
            number = max(life.beat.number_until(life.begin - 1) + 1, 0)
            while (when := life.beat.time_of(number)) <= end:
                ordered.append((when, -1, _BEACON, life))
                number += 1
        ordered.sort(key=lambda entry: entry[:3])
        return [(when, what, item) for when, _, what, item in ordered if when <= self._world.now]


class _Encoder:
    """Bytes of frames in the order of time: sequence numbers count up per sender, retries keep theirs."""

    def __init__(self, figures: AirFigures) -> None:
        self._rates = (figures.management_mbit, min(figures.data_mbit, 54.0))
        #: hwsim does not number null frames.
        self._bare_nulls = figures.instant
        self._counters: dict[tuple[str, bool], int] = {}
        self._numbers: dict[int, int] = {}
        self._sealed: dict[str, int] = {}

    def rate(self, frame: AirFrame) -> float:
        """The rate that radiotap tells (Mbit/s)."""
        return self._rates[0] if frame.management else self._rates[1]

    def _count(self, sender: str, qos: bool) -> int:
        number = self._counters.get((sender, qos), 0)
        self._counters[sender, qos] = number + 1
        return number

    def tried(self, tried: _Tried) -> bytes:
        """One try of a frame."""
        frame = tried.frame
        flags = frame.flags | (RETRY if tried.retry else 0)
        if frame.kind == PS_POLL:
            entry = next((e for mac, e in tried.ap.table.items() if mac == frame.sender), None)
            return bodies.ps_poll(frame.receiver, frame.sender, entry.aid if entry is not None else 1)
        qos = frame.kind in (d.QOS_DATA, d.QOS_NULL)
        transmitter = tried.ap.bssid if flags & FROM_DS else frame.sender
        null = frame.kind in (d.NULL, d.QOS_NULL)
        number = self._numbers.get(id(frame))
        if number is None:
            number = 0 if null and self._bare_nulls else self._count(transmitter, qos)
            self._numbers[id(frame)] = number
        by_ap = bool(flags & FROM_DS)
        addresses = (frame.receiver, tried.ap.bssid if by_ap else frame.sender, frame.third)
        head = bodies.header(frame.kind, flags & 0xFF, *addresses, number, 44)
        if frame.management:
            return head + frame.body
        if qos:
            head += b"\x00\x00"
        if null:
            return head
        content = self._content(frame)
        if flags & PROTECTED:
            packet = self._sealed[transmitter] = self._sealed.get(transmitter, 0) + (not tried.retry)
            content = bodies.sealed(packet, content, mixed(int(transmitter.replace(":", ""), 16)))
        return head + content

    @staticmethod
    def _content(frame: AirFrame) -> bytes:
        if frame.payload is None:
            return bodies.snap(ETHERTYPE_EAPOL, frame.body)
        packet = frame.payload.packet
        kind = ARP if isinstance(packet, Arp) else getattr(packet, "ethertype", IPV4)
        return bodies.snap(kind, packet.encode())

    @staticmethod
    def ack(tried: _Tried) -> bytes:
        """The acknowledgement of a try."""
        frame = tried.frame
        return bodies.acknowledgement(tried.ap.bssid if frame.flags & FROM_DS else frame.sender)

    def beacon(self, life: _Life, when: int) -> bytes:
        """The beacon that goes at ``when`` (ns)."""
        ap, beat = life.ap, life.beat
        number = beat.number_until(when)
        waiting = life.waiting[bisect_right(life.waiting, when - 1, key=lambda entry: entry[0]) - 1][1]
        count = beat.count(number)
        aids = frozenset(aid for aid in waiting if aid)
        tim = bodies.traffic_map(count, beat.dtim, count == 0 and 0 in waiting, aids)
        body = bodies.announcement(ap.described(), beat.clock_us(when), tim)
        return bodies.header(d.BEACON, 0, BROADCAST, ap.bssid, ap.bssid, self._count(ap.bssid, False)) + body
