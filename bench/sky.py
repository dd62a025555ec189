"""What a sniffer beside an access point hears of conversations on a wire: radiotap, acknowledgements, retries, beacons."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from tests.diagnose.airwaves import ack, radiotap
from tests.diagnose.wpa2 import Wpa2

AP = b"\x02\x00\x00\x00\x00\xfe"
ALL = b"\xff" * 6
BEACON_US = 102_400
TO_DS, FROM_DS, RETRY, POWER = 0x01, 0x02, 0x08, 0x10
Timed = tuple[int, bytes]


def sky(wire: Iterator[Timed], seed: int, *, sealed: bool) -> Iterator[Timed]:
    """The frames on the air, in microseconds since the epoch; ``sealed``: of one station under WPA2, its handshake first."""
    dice = random.Random(seed)
    heads = [radiotap(rssi=-rssi) for rssi in range(40, 80)]
    net = Wpa2()
    due = sequence = 0
    counts: dict[bytes, int] = {}
    for now, frame in wire:
        if not due:
            due = now
            for index, each in enumerate(net.handshake() if sealed else ()):
                yield now + index * 500, heads[5] + each
        while now >= due:
            sequence = sequence + 1 & 0xFFF
            yield due, heads[5] + beacon(sequence, due)
            due += BEACON_US
        by_ap = frame[6:12] == AP
        station = frame[:6] if by_ap else frame[6:12]
        content = frame[18 if frame[12:14] == b"\x81\0" else 14 :]
        kind = frame[16:18] if frame[12:14] == b"\x81\0" else frame[12:14]
        if sealed and kind != b"\x08\0":
            continue
        sender = AP if by_ap else station
        counts[sender] = count = counts.get(sender, -1) + 1 & 0xFFF
        if sealed:
            heard = net.data(content, by_ap=by_ap, sequence=count, tid=0, sealed=True)
        elif by_ap:
            heard = data(FROM_DS, station, AP, frame[6:12], count, kind + content)
        else:
            heard = data(TO_DS, AP, station, frame[:6], count, kind + content)
        head = heads[station[5] % 40]
        tries = 1 if dice.random() > 0.06 else dice.randrange(2, 5)
        for attempt in range(tries):
            yield now, head + heard
            if attempt == 0 and tries > 1:
                heard = heard[:1] + bytes([heard[1] | RETRY]) + heard[2:]
            now += 900
        yield now - 500, heads[5] + ack(heard[10:16].hex(":"))
        if (
            not by_ap and not sealed and dice.random() < 0.01
        ):  # it falls asleep, and wakes up for the next beacon
            for flags in (POWER, 0):
                counts[station] = count = counts[station] + 1 & 0xFFF
                yield now, head + data(TO_DS | flags, AP, station, AP, count, b"", 0x48)
                yield now + 100, heads[5] + ack(station.hex(":"))
                now += 60_000


def data(
    flags: int, to: bytes, sender: bytes, third: bytes, sequence: int, content: bytes, kind: int = 8
) -> bytes:
    """A data frame; with content, LLC/SNAP stands before it."""
    head = bytes((kind, flags, 44, 0)) + to + sender + third + struct.pack("<H", sequence << 4)
    return head + (b"\xaa\xaa\x03\0\0\0" + content if content else b"")


def beacon(sequence: int, now: int) -> bytes:
    """A beacon of an open network on channel 6."""
    head = bytes((0x80, 0, 0, 0)) + ALL + AP + AP + struct.pack("<H", sequence << 4)
    fixed = struct.pack("<QHH", now, 100, 1)
    return head + fixed + b"\0\x04home\x01\x04\x82\x84\x8b\x96\x03\x01\x06\x05\x04\0\x02\0\0"
