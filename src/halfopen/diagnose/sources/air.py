"""The air: rows of the kernel's air table in, facts of :mod:`halfopen.diagnose.radio` out."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Sequence

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.radio import AirObserved
from halfopen.diagnose.sources.beacons import Beacons
from halfopen.diagnose.sources.encryption import IV_SIZE, Encryption
from halfopen.diagnose.sources.framing import BATCH
from halfopen.diagnose.sources.heard import GROUP_BIT, NS, Heard, Witness, mac
from halfopen.diagnose.sources.joins import FAREWELLS, Joins, word
from halfopen.diagnose.sources.stations import Stations
from halfopen.formats import dot11 as d
from halfopen.formats.eapol import ETHERTYPE_EAPOL
from halfopen.formats.wifi_key import WifiKey
from halfopen.kernel import layout as k
from halfopen.kernel.air import read_air, reveal, take_apart
from halfopen.kernel.frames import Frames

#: An acknowledgement follows its frame within this time and the frame's own at 1 Mbit/s, 8 µs an octet: many sniffers
#: stamp a frame's beginning. A block acknowledgement ends a burst.
ACK_NS = 2_000_000
OCTET_NS = 8_000
BLOCK_ACK_NS = 20_000_000
#: Kinds of block acknowledgement (IEEE 802.11-2020 table 9-28, 802.11ax): of one TID with a bitmap that is read; of the
#: others it is only taken that they acknowledge.
COMPRESSED = 2
#: A capture with so many retries is of radios that retry; simulated ones do not.
RETRIES_MIN = 5
#: Senders whose frames wait for acknowledgement, frames of one sender that do, and frames whose retries are known.
SENDERS_MAX = 4096
BURST_MAX = 256
KNOWN_MAX = 8192
CHANNELS_MAX = 256
#: Senders and receivers that are told apart, and frames to one that is never heard before that is worth a word.
VOICES_MAX = 8192
SPOKEN_TO_MIN = 5
#: MSDUs read of one frame; an A-MSDU holds 11454 bytes at most (IEEE 802.11-2020 section 9.3.2.2), a bare TCP segment 54.
SUBFRAMES_MAX = 216
#: Management frames whose body may be encrypted: robust ones under PMF, the third step of WEP's authentication.
SEALABLE = (d.AUTH, d.DEAUTH, d.DISASSOC, d.ACTION)
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
        self._table: array[int] = array("q", bytes(8 * k.AIR_WIDTH * BATCH))
        self._memory: array[int] = array("q", bytes(8 * k.MEMORY_WIDTH))
        self._room: array[int] = array("q", bytes(8 * k.WIDTH * SUBFRAMES_MAX))
        self._held = Frames()
        self._msdus = Frames()
        self._frames = 0
        self._acks = 0
        self._retries = 0
        self._damaged = 0
        self._first: tuple[int, int] = (0, 0)  # frame and nanoseconds
        self._channels: set[int] = set()
        self._voices: set[int] = set()
        self._spoken_to: dict[int, int] = {}  # frames to each receiver
        self._awaiting: dict[int, list[Heard]] = {}
        self._known: dict[tuple[int, int, int], Heard] = {}
        self._joins = Joins()
        self._beacons = Beacons()
        self._stations = Stations()
        self._encryption = Encryption(keys)

    def take(self, data: bytearray, rows: array[int], count: int, frame: int) -> int:
        """Read the 802.11 frames among the first ``count`` rows; ``frame`` is the number of the first.

        Returns how many of them now stand in the rows as Ethernet.
        """
        self.parts.clear()
        _strip_check_sequences(data, rows, count)
        frames = self._held
        frames.hold(data, rows)
        frames.hold_air(self._table, self._memory)
        made = read_air(frames, count)
        for row in range(count):
            base = row * k.AIR_WIDTH
            kind = self._table[base + k.W_KIND]
            if kind == k.W_ABSENT:
                continue
            time = rows[row * k.WIDTH + k.TIME]
            if not self._frames:
                self._first = (frame + row, time)
            self._frames += 1
            if kind == k.W_DAMAGED:
                self._damaged += 1
                continue
            cells = self._table[base : base + k.AIR_WIDTH]
            if cells[k.W_CHANNEL] > 0 and len(self._channels) < CHANNELS_MAX:
                self._channels.add(cells[k.W_CHANNEL])
            if kind == d.ACK:
                self._acknowledge(cells[k.W_RA], time)
            elif kind == d.BLOCK_ACK:
                self._acknowledge_block(cells, data, time)
            elif kind >> 4 in (0, 2):
                size = cells[k.W_END] - cells[k.W_HEADER]
                if not cells[k.W_AGAIN]:
                    made += self._unpack(cells, data, rows, row)
                self._see(cells, data, frame + row, time, size)
        frames.release()
        return made

    def _unpack(self, cells: array[int], data: bytearray, rows: array[int], row: int) -> int:
        """Open what is encrypted and take apart what holds several MSDUs, so that it is read like open data; 1 when the
        row now stands as Ethernet. A body that stays closed is emptied in ``cells``: nothing in it means anything."""
        made = 0
        if cells[k.W_FLAGS] & k.FC_PROTECTED and _sealable(cells[k.W_KIND]):
            base = row * k.AIR_WIDTH
            cut = max(rows[row * k.WIDTH + k.LENGTH] - rows[row * k.WIDTH + k.CAPTURED], 0)
            content = self._encryption.opened(cells, data, cut)
            if content is None:
                cells[k.W_END] = cells[k.W_BODY]
                return 0
            at = cells[k.W_BODY] + IV_SIZE
            data[at : at + len(content)] = content
            self._table[base + k.W_BODY] = at
            self._table[base + k.W_END] = at + len(content)
            if cells[k.W_KIND] >> 4:
                made = reveal(self._held, row)
            cells[:] = self._table[base : base + k.AIR_WIDTH]
        if cells[k.W_SEVERAL]:
            self._msdus.hold(data, self._room)
            found = take_apart(self._held, row, self._msdus)
            self._msdus.release()
            if found:
                self.parts[row] = self._room[: found * k.WIDTH]
        return made

    def _acknowledge(self, sender: int, time: int) -> None:
        """An ACK settles the newest frame of the sender that it is for."""
        self._acks += 1
        awaiting = self._awaiting.get(sender)
        if awaiting and time - awaiting[-1].tried <= ACK_NS + OCTET_NS * awaiting[-1].size:
            self._settle(awaiting.pop())

    def _acknowledge_block(self, cells: array[int], data: bytearray, time: int) -> None:
        """A block acknowledgement settles those frames of a burst whose bits are set in it."""
        self._acks += 1
        at, end = cells[k.W_BODY], cells[k.W_END]
        if end - at < 4:
            return
        # Control, starting sequence number << 4, then a bit for each frame (IEEE 802.11-2020 section 9.3.1.8).
        control = int.from_bytes(data[at : at + 2], "little")
        start = int.from_bytes(data[at + 2 : at + 4], "little") >> 4
        bitmap = int.from_bytes(data[at + 4 : end], "little")
        compressed = control >> 1 & 15 == COMPRESSED
        senders = tuple(self._awaiting) if cells[k.W_RA] & GROUP_BIT else (cells[k.W_RA],)
        for sender in senders:
            awaiting = self._awaiting.get(sender, [])
            for heard in tuple(awaiting):
                if (
                    heard.receiver != cells[k.W_TA]
                    or time - heard.tried > BLOCK_ACK_NS
                    or heard.tid == k.W_NO_TID
                ):
                    continue
                bit = heard.sequence - start & 0xFFF
                if not compressed or (heard.tid == control >> 12 and bitmap >> bit & 1):
                    awaiting.remove(heard)
                    self._settle(heard)

    def _settle(self, heard: Heard) -> None:
        heard.acked = True
        self._voice(heard.receiver)
        self._stations.reached(heard)

    def _see(self, cells: array[int], data: bytearray, frame: int, time: int, size: int) -> None:
        """Take a management or data frame, or one more try of it."""
        key = (cells[k.W_TA], cells[k.W_TID], cells[k.W_SEQ])
        heard = self._known.get(key) if cells[k.W_AGAIN] else None
        if heard is None:
            heard = Heard(
                frame,
                time,
                cells[k.W_KIND],
                cells[k.W_FLAGS],
                cells[k.W_RA],
                cells[k.W_TA],
                cells[k.W_BSSID],
                cells[k.W_SEQ],
                time,
                cells[k.W_TID],
                size,
                cells[k.W_POLICY] == k.POLICY_NO_ACK,
            )
            told = heard.kind >> 4 == 0 or cells[k.W_ETHERTYPE] == ETHERTYPE_EAPOL
            self._tell(heard, cells, bytes(data[cells[k.W_BODY] : cells[k.W_END]]) if told else b"")
        else:
            self._stations.again(heard)
        heard.tried = time
        self._voice(heard.sender)
        self._retries += bool(cells[k.W_FLAGS] & k.FC_RETRY)
        if heard.answerable:
            if heard.receiver in self._spoken_to or len(self._spoken_to) < VOICES_MAX:
                self._spoken_to[heard.receiver] = self._spoken_to.get(heard.receiver, 0) + 1
            self._await(key, heard)

    def _voice(self, address: int) -> None:
        """The sniffer hears this station or access point."""
        if len(self._voices) < VOICES_MAX:
            self._voices.add(address)

    def _await(self, key: tuple[int, int, int], heard: Heard) -> None:
        """Remember a frame until its acknowledgement or its retry comes."""
        if len(self._known) >= KNOWN_MAX:
            for old in tuple(self._known)[: KNOWN_MAX // 2]:
                del self._known[old]
        self._known.pop(key, None)
        self._known[key] = heard
        if len(self._awaiting) >= SENDERS_MAX and heard.sender not in self._awaiting:
            self._awaiting.clear()
        awaiting = self._awaiting.setdefault(heard.sender, [])
        if awaiting and heard.time - awaiting[-1].tried > BLOCK_ACK_NS:
            awaiting.clear()
        if heard in awaiting:
            awaiting.remove(heard)
        awaiting.append(heard)
        del awaiting[:-BURST_MAX]

    def _tell(self, heard: Heard, cells: array[int], body: bytes) -> None:
        """Hand a frame to those whom it concerns."""
        kind = heard.kind
        if kind == d.BEACON:
            at = cells[k.W_TIM] - cells[k.W_BODY]
            tim = body[at : at + body[at - 1]] if cells[k.W_TIM] >= 0 else b""
            self._beacons.beacon(heard, body, cells[k.W_TSF], cells[k.W_INTERVAL], tim, cells[k.W_RSSI])
            self._beacons.switch(heard, cells[k.W_SWITCH])
            self._encryption.offered(heard.bssid, body)
            return
        if kind in FAREWELLS:
            link = self._stations.link(heard)
            spoke, reached = (link.spoke, link.reached) if link else (None, None)
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
        elif cells[k.W_ETHERTYPE] == ETHERTYPE_EAPOL:
            self._joins.key(heard, body[8:])
            self._encryption.shaken(heard, body[8:])
        elif kind >> 4 == 2 and not heard.null and heard.answerable and heard.bssid >= 0:
            self._joins.data(heard)
        if kind >> 4 == 2 and not heard.null and heard.by_ap:
            self._beacons.delivered(heard)
        self._stations.see(heard, cells[k.W_RSSI])

    def losses(self) -> list[str]:
        """What was not kept or could not be read, one line each."""
        lost = self._joins.lost + self._beacons.lost + self._stations.lost
        crowded = [f"{lost} 802.11 frames were only counted: too many stations"] if lost else []
        return crowded + (self._encryption.notes() if self._frames else [])

    def observed(self) -> Iterator[Event]:
        """Everything that the air showed: the whole, single facts in order, then summaries."""
        if not self._frames:
            return
        witness = Witness(self.source, self._acks, self._voices, retries=self._retries >= RETRIES_MIN)
        frame, time = self._first
        yield AirObserved(
            where=Provenance(self.source, None, frame, "first 802.11 frame"),
            at=Moment(host=time / NS),
            frames=self._frames,
            acks=self._acks,
            channels=tuple(sorted(self._channels)),
            damaged=self._damaged,
            unheard=tuple(
                mac(receiver)
                for receiver, frames in self._spoken_to.items()
                if frames >= SPOKEN_TO_MIN and receiver not in self._voices
            ),
        )
        single: list[Event] = [*self._joins.observed(witness), *self._stations.observed(witness)]
        single += self._beacons.switches(witness)
        whole: list[Event] = [*self._beacons.observed(witness), *self._stations.summaries(witness)]
        for facts in (single, whole):
            facts.sort(key=lambda event: event.where.frame or 0)
            yield from facts


def _sealable(kind: int) -> bool:
    """Whether a frame of this type can have an encrypted body; null data has none."""
    return not kind & 4 if kind >> 4 == 2 else kind in SEALABLE


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
