"""A capture as a list of comparable frames: flows numbered, sequence numbers relative, times from the first SYN."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from halfopen.formats.capture import (
    BLOCK_ENHANCED,
    BLOCK_INTERFACE,
    Interface,
    read_interface,
)
from halfopen.formats.packet import ARP, ICMP_PROTOCOL, IPV4, TCP_PROTOCOL
from halfopen.formats.packet_text import flags_text, ip_text

_SYN, _ACK = 0x02, 0x10


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame: when (seconds since the capture began), from the device or not, and what makes it that frame."""

    time: float
    from_device: bool
    kind: str
    flow: int
    flags: int
    seq: int
    ack: int
    length: int
    window: int
    text: str

    @property
    def key(self) -> tuple[object, ...]:
        """What has to be equal."""
        return (
            self.from_device,
            self.kind,
            self.flow,
            self.flags,
            self.seq,
            self.ack,
            self.length,
            self.window,
        )

    @property
    def shape(self) -> tuple[object, ...]:
        """What has to be equal where windows may differ."""
        return self.key[:-1]


def read_frames(capture: bytes) -> list[tuple[int, bytes]]:
    """Time (ns) and bytes of every frame of a little-endian pcapng with enhanced packet blocks.

    Raises:
        ValueError: it is no such file.
    """
    frames: list[tuple[int, bytes]] = []
    interfaces: list[Interface] = []
    at = 0
    while at + 12 <= len(capture):
        kind, length = struct.unpack_from("<II", capture, at)
        if length < 12 or at + length > len(capture):
            raise ValueError(f"a block of {length} bytes at {at}")
        if kind == BLOCK_INTERFACE:
            interfaces.append(read_interface(capture[at : at + length], "<"))
        elif kind == BLOCK_ENHANCED:
            index, high, low, kept, _ = struct.unpack_from("<IIIII", capture, at + 8)
            ticks = high << 32 | low
            when = ticks * 10**9 // 10 ** interfaces[index].resolution
            frames.append((when, capture[at + 28 : at + 28 + kept]))
        at += length
    if not frames:
        raise ValueError("no frames")
    return frames


class Reader:
    """Turns frames into :class:`Seen`; ``device`` is the device's MAC."""

    def __init__(self, device: bytes) -> None:
        self._device = device
        self._flows: dict[tuple[bytes, bytes, int, int], int] = {}
        self._first: dict[tuple[int, bool], int] = {}
        self._count = 0

    def seen(self, frames: list[tuple[int, bytes]]) -> list[Seen]:
        """All frames of a capture."""
        begin = frames[0][0]
        found = [self._one((when - begin) / 1e9, frame) for when, frame in frames]
        return [seen for seen in found if seen is not None]

    def _one(self, time: float, frame: bytes) -> Seen | None:
        from_device = frame[6:12] == self._device
        (kind,) = struct.unpack_from(">H", frame, 12)
        if kind == ARP:
            operation = frame[21]
            target = ip_text(frame[38:42])
            text = f"ARP who has {target}" if operation == 1 else "ARP reply"
            return Seen(time, from_device, text, 0, operation, 0, 0, 0, 0, text)
        if kind != IPV4:
            return None
        protocol, body = frame[23], frame[34:]
        (total,) = struct.unpack_from(">H", frame, 16)
        if protocol == ICMP_PROTOCOL:
            return Seen(
                time, from_device, "ICMP", 0, body[0], 0, 0, 0, 0, f"ICMP type {body[0]} code {body[1]}"
            )
        if protocol != TCP_PROTOCOL:
            return None
        return self._segment(time, from_device, frame, body, total)

    def _segment(self, time: float, from_device: bool, frame: bytes, body: bytes, total: int) -> Seen:
        sport, dport, seq, ack, offset, flags, window = struct.unpack_from(">HHIIBBH", body)
        length = total - 20 - (offset >> 4) * 4
        source, destination = frame[26:30], frame[30:34]
        key = (source, destination, sport, dport) if from_device else (destination, source, dport, sport)
        if (flags & (_SYN | _ACK)) == _SYN and (
            key not in self._flows or self._is_new(key, from_device, seq)
        ):
            self._count += 1
            self._flows[key] = self._count
        flow = self._flows.setdefault(key, self._count + 1)
        self._count = max(self._count, flow)
        first = self._first.setdefault((flow, from_device), seq)
        other = self._first.get((flow, not from_device))
        relative = (seq - first) & 0xFFFFFFFF
        acked = (ack - other) & 0xFFFFFFFF if flags & _ACK and other is not None else 0
        text = f"{'→' if from_device else '←'} [{flags_text(flags)}] seq {relative} ack {acked} win {window} len {length}"
        return Seen(time, from_device, "TCP", flow, flags, relative, acked, length, window, text)

    def _is_new(self, key: tuple[bytes, bytes, int, int], from_device: bool, seq: int) -> bool:
        return self._first.get((self._flows[key], from_device), seq) != seq


def read_capture(capture: bytes, device: bytes = bytes.fromhex("0212345678ab")) -> list[Seen]:
    """The frames of a capture file.

    Raises:
        ValueError: it is no pcapng of the kind that the lab and the twin write.
    """
    return Reader(device).seen(read_frames(capture))
