"""The air: rows of the kernel's air table in, facts of :mod:`halfopen.diagnose.radio` out."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.radio import AirObserved
from halfopen.diagnose.sources.beacons import Beacons
from halfopen.diagnose.sources.encryption import Encryption
from halfopen.diagnose.sources.heard import GROUP_BIT, NS, Heard, Witness, mac
from halfopen.diagnose.sources.joins import FAREWELLS, Joins, word
from halfopen.diagnose.sources.stations import Stations
from halfopen.formats import dot11 as d
from halfopen.formats.eapol import ETHERTYPE_EAPOL
from halfopen.kernel import layout as k
from halfopen.kernel.air import take_apart
from halfopen.kernel.frames import Frames
from halfopen.kernel.hearing import Listener, hear
from halfopen.kernel.radio import Cell, Link, Station

if TYPE_CHECKING:
    from halfopen.formats.wifi_key import WifiKey

CHANNELS_MAX = 256
#: A capture with so many retries is of radios that retry; simulated ones do not.
RETRIES_MIN = 5
#: Frames to a receiver that is never heard before that is worth a word.
SPOKEN_TO_MIN = 5
#: MSDUs read of one frame; an A-MSDU holds 11454 bytes at most (IEEE 802.11-2020 section 9.3.2.2), a bare TCP segment 54.
SUBFRAMES_MAX = 216
JOINING = (
    d.AUTH,
    d.ASSOC_REQUEST,
    d.ASSOC_RESPONSE,
    d.REASSOC_REQUEST,
    d.REASSOC_RESPONSE,
)
ANSWERS = (d.ASSOC_RESPONSE, d.REASSOC_RESPONSE)


class Air:
    """The 802.11 frames of one capture."""

    def __init__(self, source: str, keys: Sequence[WifiKey] = ()) -> None:
        self.source = source
        #: What several MSDUs in one frame became: row number → rows of a frame table, one each.
        self.parts: dict[int, array[int]] = {}
        self._table: array[int] = array("q", bytes(8 * k.AIR_WIDTH))  # the frame at hand
        self._memory: array[int] = array("q", bytes(8 * k.MEMORY_WIDTH))
        self._room: array[int] = array("q", bytes(8 * k.WIDTH * SUBFRAMES_MAX))
        self._held = Frames()
        self._msdus = Frames()
        self._data = bytearray()  # what the rows of this batch point into
        self._channels: set[int] = set()
        self._listener = Listener(self)
        self._joins = Joins()
        self._beacons = Beacons()
        self._stations = Stations()
        self._encryption = Encryption(keys)

    def take(self, data: bytearray, rows: array[int], count: int, frame: int, *, bare: bool) -> int:
        """Read the 802.11 frames among the first ``count`` rows; ``frame`` is the number of the first. ``bare`` tells that
        some may stand without radiotap.

        Returns how many of them now stand in the rows as Ethernet.
        """
        self.parts.clear()
        if bare:
            _strip_check_sequences(data, rows, count)
        self._data = data
        frames = self._held
        frames.hold(data, rows)
        frames.hold_air(self._table, self._memory)
        made = hear(self._listener, frames, count, frame)
        frames.release()
        return made

    # --- what the listener asks (kernel.hearing.Teller) ---

    def unseal(self, row: int) -> bool:
        """Open what is encrypted, and give the listener what opens the next of this kind."""
        cells = self._table
        opened = self._encryption.unsealed(self._held, self._listener.bench, row, cells, self._data)
        bssid, receiver, sender = cells[k.W_BSSID], cells[k.W_RA], cells[k.W_TA]
        if receiver & GROUP_BIT:
            party = self._listener.parties.get(bssid)
            if party is not None:
                party.ring = self._encryption.ring(bssid)
        else:
            station = receiver if sender == bssid else sender
            link = self._listener.links.get((station, bssid))
            if link is not None:
                link.lock = self._encryption.lock(station, bssid)
        return opened

    def take_apart(self, row: int) -> None:
        """Take apart what holds several MSDUs, so that each is read like one that came alone."""
        self._msdus.hold(self._data, self._room)
        found = take_apart(self._held, row, 0, self._msdus)
        self._msdus.release()
        if found:
            self.parts[row] = self._room[: found * k.WIDTH]

    def tell(self, heard: Heard, at: int, end: int) -> None:
        """Hand a frame to those whom it concerns."""
        kind, body = heard.kind, bytes(self._data[at:end])
        if kind in FAREWELLS:
            link = self._link(heard)
            spoke, reached = (_moment(link.spoke), _moment(link.reached)) if link else (None, None)
            self._joins.bid(heard, body, spoke, reached)
        elif kind in JOINING:
            status = self._joins.step(heard, body)
            self._encryption.asked(heard, body)
            if kind in ANSWERS and status == 0:
                self._stations.joined(heard.station, heard.bssid)
                self._beacons.named(heard.station, heard.bssid, word(body, 4) or 0)
        elif kind in (d.ACTION, d.ACTION_NO_ACK):
            self._beacons.switch(heard, d.switch_of(body))
        elif kind == d.PROBE_REQUEST:
            self._beacons.asked(heard, body)
        elif kind == d.PROBE_RESPONSE:
            self._beacons.answered(heard, body)
        elif self._table[k.W_ETHERTYPE] == ETHERTYPE_EAPOL:
            self._joins.key(heard, body[8:])
            self._encryption.shaken(heard, body[8:])
        self._note(heard)

    def data(self, heard: Heard) -> None:
        """Data that may prove keys or outlive a farewell."""
        self._joins.data(heard)
        self._note(heard)

    def delivered(self, heard: Heard) -> None:
        """Data that beacons may have announced."""
        self._beacons.delivered(heard)
        link = self._listener.links.get((heard.station, heard.bssid))
        if link is not None:
            link.noted &= ~k.NOTED_WAITING

    def cell(self, heard: Heard) -> Cell | None:
        """The first beacon of an access point."""
        return self._beacons.cell(heard, self._body(), self._table[k.W_INTERVAL])

    def offered(self, heard: Heard) -> bool:
        """A beacon that may tell its encryption."""
        return self._encryption.offered(heard.bssid, self._body())

    def waits(self, heard: Heard) -> bool:
        """A beacon whose map concerns a station."""
        at = self._table[k.W_TIM]
        waits = self._beacons.waits(heard, bytes(self._data[at : at + self._data[at - 1]]))
        for station in self._beacons.waiting(heard.bssid) if waits else ():
            link = self._listener.links.get((station, heard.bssid))
            if link is not None:
                link.noted |= k.NOTED_WAITING
        return waits

    def switch(self, heard: Heard, channel: int) -> None:
        """A beacon that announces a switch of channels."""
        self._beacons.switch(heard, channel)

    def channel(self, megahertz: int) -> None:
        """The sniffer listens there."""
        if len(self._channels) < CHANNELS_MAX:
            self._channels.add(megahertz)

    def link(self, station: int, bssid: int) -> Link | None:
        """A link that was not met before."""
        link = self._stations.link(station, bssid)
        if link is not None:
            link.noted = self._joins.noted(station, bssid)
            link.noted |= k.NOTED_WAITING * (station in self._beacons.waiting(bssid))
        return link

    def station(self, heard: Heard) -> Station | None:
        """The first frame of a station."""
        return self._stations.station(heard)

    def _link(self, heard: Heard) -> Link | None:
        """The link that a frame belongs to; ``None`` for a broadcast, or when there are too many."""
        station, bssid = heard.station, heard.bssid
        if station & GROUP_BIT or bssid & GROUP_BIT:
            return None
        link = self._listener.links.get((station, bssid))
        if link is None:
            link = self.link(station, bssid)
            if link is not None:
                self._listener.links[station, bssid] = link
        return link

    def _note(self, heard: Heard) -> None:
        """See anew what data between the two ends of a frame would tell."""
        link = self._listener.links.get((heard.station, heard.bssid))
        if link is not None:
            link.noted = link.noted & k.NOTED_WAITING | self._joins.noted(heard.station, heard.bssid)

    def _body(self) -> bytes:
        return bytes(self._data[self._table[k.W_BODY] : self._table[k.W_END]])

    def losses(self) -> list[str]:
        """What was not kept or could not be read, one line each."""
        lost = self._joins.lost + self._beacons.lost + self._stations.lost
        crowded = [f"{lost} 802.11 frames were only counted: too many stations"] if lost else []
        return crowded + (self._encryption.notes() if self._listener.frames else [])

    def observed(self) -> Iterator[Event]:
        """Everything that the air showed: the whole, single facts in order, then summaries."""
        listener = self._listener
        if not listener.frames:
            return
        voices = {party.address for party in listener.parties.values() if party.voiced}
        witness = Witness(self.source, listener.acks, voices, retries=listener.retries >= RETRIES_MIN)
        yield AirObserved(
            where=Provenance(self.source, None, listener.first_frame, "first 802.11 frame"),
            at=Moment(host=listener.first_time / NS),
            frames=listener.frames,
            acks=listener.acks,
            channels=tuple(sorted(self._channels)),
            damaged=listener.damaged,
            unheard=tuple(
                mac(party.address)
                for party in listener.spoken
                if party.spoken >= SPOKEN_TO_MIN and not party.voiced
            ),
        )
        single: list[Event] = [*self._joins.observed(witness), *self._stations.observed(witness)]
        single += self._beacons.switches(witness)
        whole: list[Event] = [*self._beacons.observed(witness), *self._stations.summaries(witness)]
        for facts in (single, whole):
            facts.sort(key=lambda event: event.where.frame or 0)
            yield from facts


def _moment(time: int) -> int | None:
    """A time of the kernel's, ``None`` when it never came."""
    return None if time == k.NEVER else time


def _strip_check_sequences(data: bytearray, rows: array[int], count: int) -> None:
    """Bare 802.11 does not say whether its frame check sequence is there: where the last four octets are the CRC of the
    rest, it is."""
    for base in range(0, count * k.WIDTH, k.WIDTH):
        at, size = rows[base + k.OFFSET], rows[base + k.CAPTURED]
        if rows[base + k.LINK] != k.LINK_80211 or size < 14 or size < rows[base + k.LENGTH]:
            continue
        end = at + size - 4
        if zlib.crc32(memoryview(data)[at:end]) == int.from_bytes(data[end : end + 4], "little"):
            rows[base + k.CAPTURED] -= 4
            rows[base + k.LENGTH] -= 4
