"""A capture of the air as a list of frames: who spoke to whom, what was said, whether it was acknowledged.

Radiotap and 802.11 headers are decoded here once more, without the kernel that diagnose uses, so that a mistake of that
kernel cannot hide in twin and recording alike.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from halfopen.formats import dot11, eapol
from halfopen.twin.fidelity.wire import read_frames

BROADCAST = "ff:ff:ff:ff:ff:ff"
EVERYBODY = "all"
#: An ACK follows a short interframe space after its frame (10 us on air); hwsim's stamps lie up to 0.3 ms apart,
#: sometimes the wrong way round.
ACK_WITHIN_S = 0.005

# Radiotap fields by bit: size and alignment, https://www.radiotap.org/fields/defined
_FIELDS = ((8, 8), (1, 1), (1, 1), (4, 2))
_TSFT, _FLAGS, _RATE, _CHANNEL = range(4)
_FCS_AT_END = 0x10
_MORE_PRESENT = 1 << 31

# Frame control, IEEE 802.11-2020 section 9.2.4.1
_CONTROL, _DATA = 1, 2
_TO_DS, _FROM_DS, _RETRY, _DOZES, _MORE, _PROTECTED, _ORDER = 0x01, 0x02, 0x08, 0x10, 0x20, 0x40, 0x80
_QOS, _NO_PAYLOAD = 0x08, 0x04
_GROUP = 0x01
_SNAP = bytes.fromhex("aaaa03000000")
_LLC_EAPOL = _SNAP + bytes.fromhex("888e")
_ELEMENT_TIM = 5


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame. ``time`` counts seconds from the capture's beginning, ``number`` frames from 1.

    ``acked`` is ``None`` where nobody acknowledges (broadcasts) or the capture holds no ACK at all (a sniffer's).
    """

    number: int
    time: float
    kind: int
    sender: str
    receiver: str
    #: Address 3: the network, or beyond the access point who sent it or shall get it.
    third: str
    frequency_mhz: int
    sequence: int
    retry: bool
    dozes: bool
    more: bool
    protected: bool
    body: bytes
    acked: bool | None = None

    @property
    def is_data(self) -> bool:
        """A data frame with a payload."""
        return self.kind >> 4 == _DATA and not self.kind & _NO_PAYLOAD

    @property
    def is_null(self) -> bool:
        """A data frame without one: polls and announcements of power save."""
        return self.kind in (dot11.NULL, dot11.QOS_NULL)

    @property
    def handshake(self) -> int | None:
        """Which message of the 4-way handshake (1 to 4) or of a group rekey (5, 6) this is."""
        if not self.is_data or self.protected or not self.body.startswith(_LLC_EAPOL):
            return None
        return eapol.message_number(self.body[len(_LLC_EAPOL) :])

    @property
    def ethertype(self) -> int | None:
        """What a data frame carries; 0 when it is encrypted, ``None`` when it is no such frame, has no such type, or is
        empty (wpa_supplicant's keepalive towards an access point that told a limit)."""
        if not self.is_data or len(self.body) <= len(_LLC_EAPOL):
            return None
        if self.protected:
            return 0
        if not self.body.startswith(_SNAP):
            return None
        return int.from_bytes(self.body[len(_SNAP) : len(_LLC_EAPOL)], "big")

    def word(self, at: int) -> int:
        """Two bytes of the body, little-endian; 0 where it is shorter."""
        return int.from_bytes(self.body[at : at + 2], "little")


@dataclass(frozen=True, slots=True)
class Beacon:
    """One beacon. ``tsf`` in us, ``interval_tu`` in 1.024 ms, ``waiting`` the association identifiers in its map."""

    time: float
    sender: str
    tsf: int
    interval_tu: int
    count: int
    period: int
    group: bool
    waiting: tuple[int, ...]


def hear(capture: bytes, names: dict[str, str] | None = None, begin_ns: int | None = None) -> list[Heard]:
    """All frames of a pcapng with radiotap headers, ACKs folded into what they acknowledge.

    ``names`` maps addresses to the roles that the frames shall tell; ``begin_ns`` is the moment that times are counted
    from, the first frame's when ``None``.

    Raises:
        ValueError: no such file.
    """
    frames = read_frames(capture)
    begin = frames[0][0] if begin_ns is None else begin_ns
    names = {BROADCAST: EVERYBODY, **(names or {})}
    heard: list[Heard] = []
    pending: list[int] = []
    acks = 0
    for number, (when, raw) in enumerate(frames, 1):
        time = (when - begin) / 1e9
        frame, frequency = _without_radiotap(raw)
        if len(frame) < 10:
            continue
        kind = (frame[0] & 0x0C) << 2 | frame[0] >> 4
        if kind == dot11.ACK:
            acks += 1
            _acknowledge(heard, pending, _address(frame, 4, names), time)
        elif kind >> 4 != _CONTROL and len(frame) >= 24:
            one = _decoded(number, time, kind, frequency, frame, names)
            if one.acked is not None:
                pending.append(len(heard))
            heard.append(one)
    if not acks:
        return [replace(one, acked=None) for one in heard]
    return heard


def beacons(heard: list[Heard]) -> list[Beacon]:
    """What the beacons among them say."""
    return [_beacon(one) for one in heard if one.kind == dot11.BEACON and len(one.body) >= dot11.BEACON_FIXED]


def _without_radiotap(raw: bytes) -> tuple[bytes, int]:
    """The 802.11 frame without its check sequence, and the channel's frequency in MHz (0: not told)."""
    if len(raw) < 8 or raw[0]:
        raise ValueError("no radiotap header")
    (length,) = struct.unpack_from("<H", raw, 2)
    (present,) = struct.unpack_from("<I", raw, 4)
    at, word = 8, present
    while word & _MORE_PRESENT:
        (word,) = struct.unpack_from("<I", raw, at)
        at += 4
    flags = frequency = 0
    for bit, (size, alignment) in enumerate(_FIELDS):
        if not present & 1 << bit:
            continue
        at += -at % alignment
        if bit == _FLAGS:
            flags = raw[at]
        elif bit == _CHANNEL:
            (frequency,) = struct.unpack_from("<H", raw, at)
        at += size
    frame = raw[length:]
    return (frame[:-4] if flags & _FCS_AT_END else frame), frequency


def _address(frame: bytes, at: int, names: dict[str, str]) -> str:
    text = frame[at : at + 6].hex(":")
    return names.get(text, EVERYBODY if frame[at] & _GROUP else text)


def _decoded(
    number: int, time: float, kind: int, frequency: int, frame: bytes, names: dict[str, str]
) -> Heard:
    flags = frame[1]
    head = 30 if flags & _TO_DS and flags & _FROM_DS else 24
    if kind >> 4 == _DATA and kind & _QOS:
        head += 2
        head += 4 if flags & _ORDER else 0
    return Heard(
        number,
        time,
        kind,
        _address(frame, 10, names),
        _address(frame, 4, names),
        _address(frame, 16, names),
        frequency,
        int.from_bytes(frame[22:24], "little") >> 4,
        bool(flags & _RETRY),
        bool(flags & _DOZES),
        bool(flags & _MORE),
        bool(flags & _PROTECTED),
        frame[head:],
        None if frame[4] & _GROUP else False,
    )


def _acknowledge(heard: list[Heard], pending: list[int], receiver: str, time: float) -> None:
    """Fold an ACK into the oldest frame of ``receiver`` that still waits for one."""
    pending[:] = [index for index in pending if time - heard[index].time < ACK_WITHIN_S]
    for index in pending:
        if heard[index].sender == receiver:
            heard[index] = replace(heard[index], acked=True)
            pending.remove(index)
            return


def _beacon(one: Heard) -> Beacon:
    count = period = 0
    group = False
    waiting: tuple[int, ...] = ()
    for identifier, tim in dot11.elements(one.body, dot11.BEACON_FIXED):
        if identifier == _ELEMENT_TIM and len(tim) >= 4:
            count, period, group = tim[0], tim[1], bool(tim[2] & 1)
            first = (tim[2] & 0xFE) * 8
            waiting = tuple(
                first + bit for bit in range(8 * (len(tim) - 3)) if tim[3 + bit // 8] >> bit % 8 & 1
            )
    tsf, interval = struct.unpack_from("<QH", one.body)
    return Beacon(one.time, one.sender, tsf, interval, count, period, group, waiting)
