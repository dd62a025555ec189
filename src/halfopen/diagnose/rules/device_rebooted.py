"""HO205: the device restarted, and its connections died with it."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.rules.proof import Proof, frames, prove
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.diagnose.traffic import HostObserved
from halfopen.findings import Finding


def device_rebooted(timeline: Timeline) -> Iterator[Finding]:
    """A new boot that nobody asked for, or a device that no longer knows its old connection."""
    boots = [boot for boot in timeline.boots if not boot.planned]
    if boots:
        reasons = ", ".join(dict.fromkeys(boot.reason or "reset reason not printed" for boot in boots))
        summary = f"the device restarted {often(len(boots))} in this log ({reasons})."
        yield prove(timeline, "HO205", summary, [boot.event for boot in boots[:4]], confidence=0.9)
        return
    for position, old in enumerate(timeline.conversations):
        if not _forgotten(old):
            continue
        newer = next((t for t in timeline.conversations[position + 1 :] if _came_back(old, t)), None)
        if newer is None or newer.device.syn is None:
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
