"""The facts of one conversation, in the contract's words, from its row of the flow table."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Literal

from halfopen.diagnose.events import Moment, Provenance
from halfopen.diagnose.traffic import (
    Endpoint,
    FlowObserved,
    FrameRef,
    FrameRefs,
    ProbeRun,
    RetransmissionRun,
    Side,
    SideSeen,
    ZeroWindowRun,
)
from halfopen.formats.packet_text import endpoint_text, ip_text, mac_text, tcp_text
from halfopen.kernel import layout as k
from halfopen.kernel.conversation import Probing, Resending, Starving, Trouble
from halfopen.kernel.quoting import Bounded, Quoted
from halfopen.kernel.retelling import side_fields

NS = 1_000_000_000
#: Addresses whose text is remembered: the same hosts talk again and again.
ADDRESSES_KEPT = 4096
LWIP_MSS = 1440
LWIP_WINDOWS = (5760, 5744)
LWIP_RST_WINDOW = 32790

#: What a run of retransmissions repeats, by the flags in it.
RESENT: dict[int, Literal["syn", "data", "fin"]] = {
    0: "data",
    k.TCP_SYN: "syn",
    k.TCP_SYN | k.TCP_FIN: "syn",
    k.TCP_FIN: "fin",
}

MARKS = (
    (k.B_WINDOW_PROBE, "TCP ZeroWindowProbe"),
    (k.B_WINDOW_PROBE_ACK, "TCP ZeroWindowProbeAck"),
    (k.B_ZERO_WINDOW, "TCP ZeroWindow"),
    (k.B_KEEPALIVE, "TCP Keep-Alive"),
    (k.B_KEEPALIVE_ACK, "TCP Keep-Alive ACK"),
    (k.B_SPURIOUS, "TCP Spurious Retransmission"),
    (k.B_FAST, "TCP Fast Retransmission"),
    (k.B_RETRANSMISSION, "TCP Retransmission"),
    (k.B_OUT_OF_ORDER, "TCP Out-Of-Order"),
    (k.B_WINDOW_FULL, "TCP Window Full"),
    (k.B_WINDOW_UPDATE, "TCP Window Update"),
    (k.B_DUPLICATE_ACK, "TCP Dup ACK"),
)
MARKED = sum(bit for bit, _ in MARKS)


@cache
def marks_of(bits: int) -> tuple[str, ...]:
    """What Wireshark would write beside a frame with these bits."""
    return tuple(mark for bit, mark in MARKS if bits & bit)


@lru_cache(maxsize=ADDRESSES_KEPT)
def address_text(*words: int) -> str:
    """An IP address as the flow table keeps it, in 32-bit words: one for IPv4, four for IPv6."""
    return ip_text(b"".join([word.to_bytes(4, "big") for word in words]))


@lru_cache(maxsize=ADDRESSES_KEPT)
def hardware_text(mac: int) -> str:
    """A hardware address as the kernel's tables keep it."""
    return mac_text(mac.to_bytes(6, "big"))


class Rendering:
    """Turns the numbers of the conversation in ``slot`` of the flow table, and its ``trouble``, into a ``FlowObserved``."""

    def __init__(self, source: str, state: array[int], slot: int, trouble: Trouble | None) -> None:
        self.source = source
        self.state = state
        self.trouble = trouble
        # bound once, for all frames
        self._write, self._write_stored, self._quoted = self.text, self._stored_text, self.frame
        self.flow_base = base = slot * k.FLOW_WIDTH
        first = base + k.F_SIDES
        second = first + k.SIDE_WIDTH
        self.bases = first, second
        self.ports = state[base + k.F_PORTS], state[base + k.F_PORTS + 1]
        self.ips = self._ip(0), self._ip(1)
        self.client = self._client()
        self.scaled = state[first + k.S_SCALE] >= 0 and state[second + k.S_SCALE] >= 0

    def _ip(self, side: int) -> str:
        at = self.flow_base + k.F_ADDRESSES + 4 * side
        if self.state[self.flow_base + k.F_FAMILY] == 4:
            return address_text(self.state[at])
        return address_text(*self.state[at : at + 4])

    def _client(self) -> int:
        """Which side is the client: the SYN's sender, else whom the SYN-ACK answers, else the higher port."""
        for side, base in enumerate(self.bases):
            if self.state[base + k.S_SYNS] and not self.state[base + k.S_SYN + k.R_SHAPE] & k.TCP_ACK:
                return side
        for side, base in enumerate(self.bases):
            if self.state[base + k.S_SYNS]:
                return 1 - side
        return 0 if self.ports[0] >= self.ports[1] else 1

    def role(self, side: int) -> Side:
        """What ``side`` is called in the contract."""
        return "client" if side == self.client else "server"

    def frame(self, quoted: Quoted) -> FrameRef:
        """A frame as a quotation."""
        return FrameRef(quoted.frame, quoted.time / NS, quoted, self._write)

    def text(self, quoted: Quoted) -> str:
        """A frame as one line; numbers are relative to the SYN where it was seen, windows scaled."""
        state, side = self.state, quoted.side
        sender, receiver = self.bases[side], self.bases[1 - side]
        seq, ack, flags = quoted.seq, quoted.ack, quoted.flags
        if state[sender + k.S_SYNS]:
            seq = (seq - state[sender + k.S_ISN]) & 0xFFFFFFFF
        if state[receiver + k.S_SYNS]:
            ack = (ack - state[receiver + k.S_ISN]) & 0xFFFFFFFF
        window = quoted.window
        mss, scale = 0, -1
        if flags & k.TCP_SYN:
            mss, scale = state[sender + k.S_MSS], state[sender + k.S_SCALE]
        elif self.scaled:
            window <<= state[sender + k.S_SCALE]
        return tcp_text(
            endpoint_text(self.ips[side], self.ports[side]),
            endpoint_text(self.ips[1 - side], self.ports[1 - side]),
            flags,
            seq,
            ack,
            window,
            quoted.payload,
            mss,
            scale,
            marks_of(quoted.bits & MARKED),
        )

    def optional(self, quoted: Quoted | None) -> FrameRef | None:
        """A frame, or none."""
        return None if quoted is None else self.frame(quoted)

    def stored(self, at: int) -> FrameRef | None:
        """The frame that the kernel keeps at ``at``."""
        frame = self.state[at + k.R_FRAME]
        return FrameRef(frame, self.state[at + k.R_TIME] / NS, at, self._write_stored) if frame else None

    def _stored_text(self, at: int) -> str:
        return self.text(Quoted(*self.state[at : at + k.R_WIDTH]))

    def frames(self, bounded: Bounded) -> FrameRefs:
        """The frames of a bounded list."""
        return FrameRefs(bounded, self._quoted)

    def side_seen(self, side: int) -> SideSeen:
        """All that one side did."""
        here, there = self.bases[side], self.bases[1 - side]
        return SideSeen(*side_fields(self.state, here, there, FrameRef, self._write_stored))

    def endpoint(self, side: int) -> Endpoint:
        """Address, port and, on links that have one, hardware address."""
        mac = self.state[self.flow_base + k.F_MACS + side]
        return Endpoint(self.ips[side], self.ports[side], hardware_text(mac) if mac >= 0 else "")

    def lwip_marks(self) -> Iterator[tuple[str, FrameRef]]:
        """Frames that only Espressif's lwIP sends, each with its sender's hardware (else IP) address.

        A SYN with MSS 1440 and a window of four segments without scaling (TCP_WND 5760, 5744 before ESP-IDF
        4.4), and an RST whose window is 5760 with its bytes swapped: both measured.
        """
        for side, base in enumerate(self.bases):
            if self.state[base + k.S_MSS] == LWIP_MSS and self.state[base + k.S_SCALE] < 0:
                yield from self._marked(side, base + k.S_SYN, LWIP_WINDOWS)
            if self.state[base + k.S_RSTS]:
                yield from self._marked(side, base + k.S_RST, (LWIP_RST_WINDOW,))

    def _marked(self, side: int, at: int, windows: tuple[int, ...]) -> Iterator[tuple[str, FrameRef]]:
        """The frame that is kept at ``at`` if it advertises one of ``windows``, unscaled."""
        frame = self.stored(at) if self.state[at + k.R_SHAPE] >> 8 & 0xFFFF in windows else None
        if frame is not None:
            yield self.endpoint(side).mac or self.ips[side], frame

    def flow(self) -> FlowObserved:
        """The whole conversation."""
        state, trouble, client = self.state, self.trouble, self.client
        first = self.stored(self.bases[0] + k.S_FIRST)
        assert first is not None, "side 0 is who sent the first frame"
        before, after = self.stored(self.flow_base + k.F_BEFORE), self.stored(self.flow_base + k.F_AFTER)
        return FlowObserved(
            where=Provenance(self.source, None, first.frame, first.text),
            at=Moment(host=first.time),
            ordinal=state[self.flow_base + k.F_ORDINAL],
            client=self.endpoint(client),
            server=self.endpoint(1 - client),
            from_client=self.side_seen(client),
            from_server=self.side_seen(1 - client),
            established=self.stored(self.flow_base + k.F_ESTABLISHED_BY),
            previous=state[self.flow_base + k.F_PREVIOUS] or None,
            retransmission_runs=tuple(map(self.retransmission_run, trouble.resendings)) if trouble else (),
            probe_runs=tuple(map(self.probe_run, trouble.probings)) if trouble else (),
            zero_window_runs=tuple(map(self.zero_window_run, trouble.starvings)) if trouble else (),
            longest_silence=(before, after) if before and after else None,
            unreachable=tuple(trouble.unreachable) if trouble else (),
        )

    def retransmission_run(self, resending: Resending) -> RetransmissionRun:
        """The contract's form of a run."""
        return RetransmissionRun(
            by=self.role(resending.side),
            kind=RESENT[resending.flags],
            original=self.frame(resending.original),
            frames=self.frames(resending.frames),
            count=resending.frames.count,
            answered=self.optional(resending.answered),
        )

    def probe_run(self, probing: Probing) -> ProbeRun:
        """The contract's form of a run."""
        return ProbeRun(
            by=self.role(probing.side),
            frames=self.frames(probing.frames),
            count=probing.frames.count,
            answers=probing.answers,
            answered=self.optional(probing.answered),
            idle_s=probing.idle_ns / NS,
            interval_s=sorted(probing.gaps)[len(probing.gaps) // 2] / NS if probing.gaps else None,
        )

    def zero_window_run(self, starving: Starving) -> ZeroWindowRun:
        """The contract's form of a stretch."""
        return ZeroWindowRun(
            by=self.role(starving.side),
            frames=self.frames(starving.frames),
            count=starving.frames.count,
            probes=starving.probes,
            answers=starving.answers,
            reopened=self.optional(starving.reopened),
        )
