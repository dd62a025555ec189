"""Captures as a gateway or a sniffer makes them in a night, for benchmarks: seeded, written as a stream.

    python bench/captures.py ethernet|polling|cooked|air|wpa2 PACKETS FILE [--seed N]

A few hundred devices talk with their servers at the same time, each over a long connection: small publications, answers,
silence with keepalives. A part of it goes wrong as it does outside: segments are lost and sent again, overtake each other,
are acknowledged twice and with SACK; receivers close their windows. Some devices speak IPv6, some sit behind a VLAN. Names
are asked for, addresses resolved. ``polling`` is the same of devices that connect anew for every publication or two;
``cooked`` is the same as Linux's "any" device sees it, ``air`` as a sniffer beside the
access point does: radiotap, acknowledgements, retries, beacons, stations that doze; ``wpa2`` encrypts that.
Nothing of it depends on the machine or the time: the same seed writes the same bytes. Memory does not grow with the size.
"""

from __future__ import annotations

import argparse
import heapq
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from halfopen.formats.capture import (  # noqa: E402
    LINK_ETHERNET,
    LINK_RADIOTAP,
    LINK_SLL,
    Interface,
    PcapngWriter,
    PcapWriter,
)

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
#: Conversations that go on at the same time, and packets of one before it ends and another begins.
AT_ONCE = 200
LIFE = (4000, 12000)
LIFE_POLLING = (6, 30)
START_US = 1_700_000_000_000_000
GATEWAY = b"\x02\x00\x00\x00\x00\xfe"
KINDS = ("ethernet", "polling", "cooked", "air", "wpa2")
Timed = tuple[int, bytes]
_CHUNK = 1 << 20


class End:
    """One end of a conversation: what stands before its segments (the link header up to and with the EtherType, source and
    destination, ports), and where its numbers are."""

    def __init__(self, head: bytes, addresses: bytes, ports: bytes, first: int, window: int = 5760) -> None:
        self.head = head
        self.addresses = addresses
        self.ports = ports
        self.next = first
        self.window = window

    def segment(self, flags: int, ack: int, payload: int = 0, options: bytes = b"", seq: int = -1) -> bytes:
        """A frame with ``payload`` bytes; without ``seq`` it is the next in order."""
        if seq < 0:
            seq = self.next
            self.next = (seq + payload + (flags & (SYN | FIN) != 0)) & 0xFFFFFFFF
        size = 20 + len(options) + payload
        if len(self.addresses) == 8:
            network = b"\x45\0" + struct.pack(">HHHH", 20 + size, seq >> 3 & 0xFFFF, 0x4000, 0x4006) + b"\0\0"
        else:
            network = b"\x60\0\0\0" + struct.pack(">HH", size, 0x0640)
        transport = struct.pack(">IIBBHI", seq, ack, 0x50 + (len(options) << 2), flags, self.window, 0)
        return b"".join(
            (self.head, network, self.addresses, self.ports, transport, options, PAYLOAD[:payload])
        )


PAYLOAD = bytes(range(97, 123)) * 60


def ends(dice: random.Random, number: int) -> tuple[End, End]:
    """A device and its server: every eighth pair speaks IPv6, every sixteenth sits behind a VLAN."""
    device = number % 250
    mac = b"\x24\x6f\x28\x00" + struct.pack(">H", device)
    tag = struct.pack(">HH", 0x8100, 7) if device % 16 == 5 else b""
    if device % 8 == 3:
        kind = b"\x86\xdd"
        here = b"\xfd\0\0\x01" + bytes(10) + struct.pack(">H", device)
        there = b"\xfd\0\0\x02" + bytes(10) + b"\0\x01"
    else:
        kind = b"\x08\0"
        here, there = bytes((10, 0, device // 200, device % 200 + 1)), bytes((10, 1, 0, 1 + device % 3))
    port, service = 1024 + (number * 7) % 60000, 40007 if device % 2 else 40011
    return (
        End(
            GATEWAY + mac + tag + kind, here + there, struct.pack(">HH", port, service), dice.getrandbits(32)
        ),
        End(
            mac + GATEWAY + tag + kind,
            there + here,
            struct.pack(">HH", service, port),
            dice.getrandbits(32),
            64240,
        ),
    )


def publish(dice: random.Random, device: End, server: End) -> Iterator[Timed]:
    """A publication and its answer: three frames where all is well."""
    chance = dice.random()
    size = 60 + int(chance * 1e6) % 120
    if chance > 0.997:  # the publication is lost behind the sniffer: it comes again after lwIP's timeout
        seq = device.next
        yield 700_000, device.segment(PSH | ACK, server.next, size)
        yield 1_500_000, device.segment(PSH | ACK, server.next, size, seq=seq)
    elif chance > 0.995:  # the answer is lost
        seq, answer = device.next, server.next
        yield 700_000, device.segment(PSH | ACK, server.next, size)
        yield 900, server.segment(PSH | ACK, device.next, 40)
        yield 250_000, server.segment(PSH | ACK, device.next, 40, seq=answer)
        yield 1_200_000, device.segment(PSH | ACK, answer, size, seq=seq)
        yield 700, server.segment(ACK, device.next)
        yield 3_000, device.segment(ACK, server.next)
        return
    else:
        yield 200_000 + size * 9000, device.segment(PSH | ACK, server.next, size)
    yield 900, server.segment(PSH | ACK, device.next, 40)
    yield 3_000, device.segment(ACK, server.next)


def download(dice: random.Random, device: End, server: End) -> Iterator[Timed]:
    """A configuration of a few dozen segments: now and then one overtakes, one is lost and told by SACK."""
    segments = dice.randrange(8, 40)
    yield 50_000, device.segment(PSH | ACK, server.next, 90)
    begun = 0
    while begun < segments:
        burst = min(4, segments - begun)
        begun += burst
        acked = server.next
        frames = [server.segment(ACK, device.next, 1440) for _ in range(burst)]
        chance = dice.random()
        if burst == 4 and chance > 0.98:
            lost, seq = frames.pop(0), acked
            yield 1_200, frames[0]
            for index in range(2):
                edge = (acked + 1440) & 0xFFFFFFFF, (acked + 2880 + 1440 * index) & 0xFFFFFFFF
                yield 200, device.segment(ACK, seq, 0, b"\x01\x01\x05\x0a" + struct.pack(">II", *edge))
                yield 150, frames[index + 1]
            edge = (acked + 1440) & 0xFFFFFFFF, (acked + 5760) & 0xFFFFFFFF
            yield 200, device.segment(ACK, seq, 0, b"\x01\x01\x05\x0a" + struct.pack(">II", *edge))
            yield 4_000, lost
        elif burst == 4 and chance > 0.96:
            frames[1], frames[2] = frames[2], frames[1]
            for frame in frames:
                yield 180, frame
        else:
            for frame in frames:
                yield 180, frame
        if chance < 0.004:  # the device has no time to read
            device.window = 0
            yield 800, device.segment(ACK, server.next)
            yield 210_000, server.segment(ACK, device.next, 0, seq=(server.next - 1) & 0xFFFFFFFF)
            yield 900, device.segment(ACK, server.next)
            device.window = 5760
            yield 400_000, device.segment(ACK, server.next)
        else:
            yield 800, device.segment(ACK, server.next)


def rest(device: End, server: End) -> Iterator[Timed]:
    """Silence, and the server's keepalive."""
    yield 30_000_000, server.segment(ACK, device.next, 0, seq=(server.next - 1) & 0xFFFFFFFF)
    yield 2_500, device.segment(ACK, server.next)


def conversation(dice: random.Random, number: int, life: tuple[int, int] = LIFE) -> Iterator[Timed]:
    """The frames of one conversation of so many packets, each with the microseconds since the one before."""
    device, server = ends(dice, number)
    yield 1_000, device.segment(SYN, 0, options=b"\x02\x04\x05\xa0")
    yield 400, server.segment(SYN | ACK, device.next, options=b"\x02\x04\x05\xb4\x01\x01\x04\x02")
    yield 3_000, device.segment(ACK, server.next)
    left = dice.randrange(*life)
    while left > 0:
        chance = dice.random()
        if chance > 0.998:
            part = download(dice, device, server)
        elif chance > 0.992:
            part = rest(device, server)
        else:
            part = publish(dice, device, server)
        for item in part:
            left -= 1
            yield item
    if dice.random() > 0.1:
        yield 2_000, device.segment(FIN | ACK, server.next)
        yield 400, server.segment(FIN | ACK, device.next)
        yield 2_000, device.segment(ACK, server.next)
    else:
        yield 2_000, server.segment(RST | ACK, device.next)


def lookups(dice: random.Random, number: int) -> Iterator[Timed]:
    """What a device asks the network for, over and over: the gateway's address by ARP each five minutes (lwIP's
    ARP_MAXAGE is 300 s), its server's name by DNS."""
    device = number % 250
    mac, ip = b"\x24\x6f\x28\x00" + struct.pack(">H", device), bytes((10, 0, device // 200, device % 200 + 1))
    gateway = b"\x0a\0\xff\xfe"
    arp = b"\x08\x06\0\x01\x08\0\x06\x04\0"
    asked = b"\xff" * 6 + mac + arp + b"\x01" + mac + ip + bytes(6) + gateway
    told = mac + GATEWAY + arp + b"\x02" + GATEWAY + gateway + mac + ip
    name = b"\x06broker\x04home\0\0\x01\0\x01"
    while True:
        yield dice.randrange(295_000_000, 305_000_000), asked
        yield 700, told
        if dice.random() < 0.1:
            ident = dice.getrandbits(16)
            question = struct.pack(">HHHHHH", ident, 0x100, 1, 0, 0, 0) + name
            answer = (
                struct.pack(">HHHHHH", ident, 0x8180, 1, 1, 0, 0)
                + name
                + b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04"
            )
            answer += b"\x0a\x01\0\x01"
            yield 2_000, datagram(GATEWAY + mac, ip + gateway, 50000 + ident % 9999, 53, question)
            yield 4_000, datagram(mac + GATEWAY, gateway + ip, 53, 50000 + ident % 9999, answer)


def datagram(macs: bytes, addresses: bytes, sport: int, dport: int, content: bytes) -> bytes:
    """UDP over IPv4 in an Ethernet frame."""
    size = 8 + len(content)
    network = b"\x08\0\x45\0" + struct.pack(">HHHH", 20 + size, sport, 0x4000, 0x4011) + b"\0\0"
    return macs + network + addresses + struct.pack(">HHHH", sport, dport, size, 0) + content


def wire(seed: int, life: tuple[int, int] = LIFE) -> Iterator[Timed]:
    """Frames in order of time, in microseconds since the epoch, without end; conversations last ``life`` packets."""
    dice = random.Random(seed)
    flows: list[Iterator[Timed]] = [conversation(dice, number, life) for number in range(AT_ONCE)]
    flows += [lookups(dice, number) for number in range(250)]
    waiting = []
    for index, flow in enumerate(flows):
        wait, frame = next(flow)
        waiting.append((START_US + wait + dice.randrange(5_000_000), index, frame))
    heapq.heapify(waiting)
    number = AT_ONCE
    while True:
        now, index, frame = waiting[0]
        yield now, frame
        following = next(flows[index], None)
        if following is None:
            flows[index] = conversation(dice, number, life)
            number += 1
            following = next(flows[index])
        heapq.heapreplace(waiting, (now + following[0], index, following[1]))


def cooked(frame: bytes) -> bytes:
    """An Ethernet frame as Linux's "any" device shows it."""
    outgoing = frame[6:12] == GATEWAY
    tag = 4 if frame[12:14] == b"\x81\0" else 0
    head = struct.pack(">HHH", 4 if outgoing else 0, 1, 6) + frame[6:12] + b"\0\0"
    return head + frame[12 + tag :]


def written(kind: str, packets: int, seed: int) -> Iterator[bytes]:
    """The pieces of a capture of ``packets`` frames."""
    if kind == "cooked":
        plain = PcapWriter(LINK_SLL)
        yield plain.header()
        for (now, frame), _ in zip(wire(seed), range(packets), strict=False):
            yield plain.record(now * 1000, cooked(frame))
        return
    if kind in ("ethernet", "polling"):
        yield PcapngWriter([Interface(LINK_ETHERNET)]).header()
        frames = wire(seed, LIFE_POLLING if kind == "polling" else LIFE)
    else:
        from bench.sky import sky

        yield PcapngWriter([Interface(LINK_RADIOTAP)]).header()
        frames = sky(wire(seed), seed, sealed=kind == "wpa2")
    block = struct.Struct("<IIIIIII")
    for (now, frame), _ in zip(frames, range(packets), strict=False):
        size = len(frame)
        length = 32 + (size + 3 & ~3)
        yield block.pack(6, length, 0, now >> 32, now & 0xFFFFFFFF, size, size)
        yield frame + bytes(-size & 3) + length.to_bytes(4, "little")


def write(kind: str, packets: int, file: Path, seed: int = 1) -> None:
    """Write a capture of ``packets`` frames; what is held meanwhile is bounded."""
    with file.open("wb") as out:
        pending = bytearray()
        for piece in written(kind, packets, seed):
            pending += piece
            if len(pending) >= _CHUNK:
                out.write(pending)
                pending.clear()
        out.write(pending)


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description="write a capture for benchmarks")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("packets", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write(options.kind, options.packets, options.file, options.seed)


if __name__ == "__main__":
    main()
