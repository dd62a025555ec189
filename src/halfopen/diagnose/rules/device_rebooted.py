"""HO205: the device restarted, and its connections died with it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from halfopen.diagnose.events import RestartForced
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.diagnose.traffic import FrameRef, HostObserved
from halfopen.findings import Finding

#: lwIP counts local ports in 0xC000–0xFFFF (tcp.c: TCP_LOCAL_PORT_RANGE_START).
_PORTS = 0x4000
#: Connections that a capture may not have seen between two that it saw.
_PORTS_BETWEEN = 64


def device_rebooted(timeline: Timeline) -> Iterator[Finding]:
    """A new boot that nobody asked for, or a device that no longer knows its old connection, nor the port it had."""
    boots = [boot for boot in timeline.boots if not boot.planned]
    if boots:
        reasons = ", ".join(dict.fromkeys(boot.reason or "reset reason not printed" for boot in boots))
        summary = f"the device restarted {often(len(boots))} in this log ({reasons})."
        yield prove(timeline, "HO205", summary, [boot.event for boot in boots[:4]], confidence=0.9)
        return
    forced = list(timeline.of(RestartForced))
    if forced:
        summary = (
            f"the firmware restarted the device {often(len(forced))}, because it had been without a network or without a"
            " client for longer than its own limit."
        )
        yield prove(timeline, "HO205", summary, spread(forced), confidence=0.8)
        return
    for position, old in enumerate(timeline.conversations):
        if not _forgotten(old):
            continue
        newer = next((t for t in timeline.conversations[position + 1 :] if _came_back(old, t)), None)
        if newer is None or newer.device.syn is None or _counted_on(old, newer):
            continue
        proof: list[Proof] = frames(old.flow, old.device.rst)
        proof += frames(newer.flow, newer.device.syn)
        proof += _announcements(timeline, old, newer)
        gone = (
            newer.device.syn.time - (old.device.last_payload or old.flow.established or newer.device.syn).time
        )
        summary = (
            f"the device fell silent, came back after {gone:.0f} s with a new connection and answered the old one with RST:"
            " it had lost its state."
        )
        yield prove(timeline, "HO205", summary, proof, confidence=0.85, about="capture")
        return
    yield from _began_anew(timeline)


def _began_anew(timeline: Timeline) -> Iterator[Finding]:
    """In the middle of an exchange the interface starts anew, and the ports are counted from another number.

    lwIP draws the first local port at each boot and counts up from it; a device that only joins its network again goes on
    counting. One that was asked to restart, or sleeps, is not in the middle of an exchange.
    """
    mine = [talk for talk in timeline.conversations if talk.mine == "client" and talk.device.syn is not None]
    for old, newer in pairwise(mine):
        syn, left = newer.device.syn, _left_waiting(old)
        if syn is None or left is None or _counted_on(old, newer):
            continue
        announced = _announcements(timeline, old, newer)
        if not announced:
            continue
        if any(talk.flow.ordinal < newer.flow.ordinal and _speaks_after(talk, syn.time) for talk in mine):
            continue
        proof: list[Proof] = [announced[-1], *frames(newer.flow, syn), *frames(old.flow, left)]
        summary = (
            f"the device left an exchange in the middle, its interface started anew, and its ports began again at"
            f" {_port(newer)} (before: {_port(old)}): it restarted."
        )
        yield prove(timeline, "HO205", summary, proof, confidence=0.75, about="capture")
        return


def _left_waiting(talk: Conversation) -> FrameRef | None:
    """The last data of the device where it never heard of it, and never closed."""
    dangling = talk.device.unacked > 0 and not talk.device_closed and talk.peer.rst is None
    return talk.device.last_payload if dangling and talk.flow.established is not None else None


def _port(talk: Conversation) -> int:
    return talk.flow.client.port


def _counted_on(old: Conversation, newer: Conversation) -> bool:
    """Whether the port of ``newer`` is one of the next after that of ``old``: connections to others lie between."""
    return 0 < (_port(newer) - _port(old)) % _PORTS <= _PORTS_BETWEEN


def _speaks_after(talk: Conversation, when: float) -> bool:
    return talk.device.last is not None and talk.device.last.time > when


def _forgotten(talk: Conversation) -> bool:
    """The device resets, without a FIN, a conversation in which the peer had been sending to it unanswered."""
    if talk.device.rst is None or talk.device.fin is not None or talk.flow.established is None:
        return False
    return any(run.by == talk.theirs and run.kind == "data" for run in talk.flow.retransmission_runs)


def _came_back(old: Conversation, newer: Conversation) -> bool:
    """``newer`` is the device's next connection to the same service, opened while the peer still sent to ``old`` in
    vain, and before the device's RST showed that it knew ``old`` no more."""
    syn, rst = newer.device.syn, old.device.rst
    if newer.mine != "client" or newer.peer_end.ip != old.peer_end.ip or syn is None or rst is None:
        return False
    in_vain = [
        run
        for run in old.flow.retransmission_runs
        if run.by == old.theirs and run.kind == "data" and run.answered is None
    ]
    return newer.flow.established is not None and any(
        run.original.time < syn.time < rst.time for run in in_vain
    )


def _announcements(timeline: Timeline, old: Conversation, newer: Conversation) -> list[Proof]:
    """ARP announcements or DHCP between the two conversations: the interface started anew."""
    begin = old.flow.established.time if old.flow.established else 0.0
    end = newer.device.syn.time if newer.device.syn else 0.0
    return [
        (host, ref)
        for host in timeline.of(HostObserved)
        if host.mac == timeline.device.mac or set(host.ips) & set(timeline.device.ips)
        for ref in host.announced
        if begin < ref.time <= end
    ]
