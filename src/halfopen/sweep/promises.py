"""What a link promises, held against a world that was played: pure functions over a finished simulation.

- **descriptors**: what the stack has open is what the link's ledger knows, held = opened − closed, never more than two (the
  connection, and a name's question on its way), and nothing had to be swept.
- **deadlines**: no state outlasts its own.
- **dead peer**: a connection that stood when its peer died is given up within the bound that the link's journal declares.
- **progress**: where data is queued, it is taken or the connection is given up, within the declared bound of a closed window
  or the deadline of a whole write, whichever is longer.
- **back**: after the last impairment the application is served again within ``back_within_s``.
- **heap**: what was taken is given back, but for what lwIP holds of connections closed towards dead peers (19 minutes), which
  the link counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from halfopen.impairments import Impairment
from halfopen.impairments.span import BOTH, TO_PEER
from halfopen.link import machine
from halfopen.link.capability import FULL_BUFFER, IDLE, UNACKED, ZERO_WINDOW
from halfopen.link.policy import NEVER, Policy
from halfopen.twin.device import Device
from halfopen.twin.firmware.link_client import LinkClient
from halfopen.twin.on_lwip import Link
from halfopen.twin.simulation import Simulation
from halfopen.twin.wifi.figures import HOSTAPD
from halfopen.twin.world import SECOND

#: A promise is kept when it is kept within a tenth and a tick of lwIP's slow timer.
TOLERANCE, TICK_S = 1.1, 0.5
#: So much of the heap is back at the end.
HEAP_BACK = 0.9
#: A connection that lingers holds a full send buffer at most, and the segments around it (measured: 7.4 KB).
LINGERING_BYTES = 8000
#: The connection, and a name's question on its way.
DESCRIPTORS_MAX = 2
ONLINE = (machine.ONLINE, machine.DOUBTED)
#: Impairments that kill what is connected; those that last kill it when they last longer than the bound.
KILLING = ("flows-lost", "peer-rebooted")
SILENCING = ("blackhole", "peer-vanished", "radio-dropout", "ap-silent", "ap-power-cut")
#: What was under way when silence began may still arrive: the longest delay that is drawn, there and back (s).
UNDER_WAY_S = 2.0
#: An access point keeps a frame for a station that dozes so long, and delivers it to a link whose peer is dead (s).
BUFFERED_S = HOSTAPD.buffer_ns / SECOND


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that was not kept: which, by which device, and what was seen."""

    promise: str
    device: str
    said: str


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay in a state, or a connection that stood: from, to, in seconds."""

    begin: float
    end: float
    state: str


def broken_promises(simulation: Simulation) -> list[Broken]:
    """Every promise of every device on the link that a simulation, which was run, did not see kept."""
    found: list[Broken] = []
    for name, device in simulation.devices.items():
        if device.links and isinstance(device.firmware, LinkClient):
            life = _Life(simulation, name, device, device.firmware)
            for promise, judge in PROMISES.items():
                found += [Broken(promise, name, said) for said in judge(life)]
    return found


def back_within_s(policy: Policy, noticed_s: float) -> float:
    """How long after the last impairment the application may have to wait for its service (s).

    A connection that is dead without anybody knowing is noticed (``noticed_s``); the longest pause passes; and one whole
    attempt may run into its deadlines before, for what was lost on its way is repeated too late for it.
    """
    states = (machine.JOINING, machine.LEASING, machine.RESOLVING, machine.DIALING)
    attempt = sum(policy.deadline_ms(state)[0] for state in states)
    pause = policy.pause_ms + policy.backoff_max_ms * 1.25
    return noticed_s + (attempt + pause) / 1000


class _Life:
    """One device on the link, and what the truth says of it."""

    def __init__(self, simulation: Simulation, name: str, device: Device, client: LinkClient) -> None:
        self.simulation = simulation
        self.name = name
        self.device = device
        self.client = client
        self.link: Link = device.links[-1]
        self.policy = self.link.policy
        self.end = simulation.world.now / SECOND
        self.impairments = list(_upon(simulation, name, client))
        self.stays = list(_stays(simulation, name, self.end))
        self.online = list(_online(self.stays))
        self.served = [event["at_ms"] / 1000 for event in simulation.truth.of("exchanged", name)]

    @property
    def bound(self) -> float:
        """The longest time until a dead peer is noticed (s); infinite when nothing could."""
        most = max(self.link.bound(cause) for cause in (IDLE, UNACKED, FULL_BUFFER))
        return most if most == NEVER else most * TOLERANCE + TICK_S

    @property
    def buffered(self) -> float:
        """How much later than it was sent something from the peer may be heard, because the radio dozes (s)."""
        scenario = self.simulation.scenario
        dozes = any(self.name in plan.names() and plan.wifi.power_save != "none" for plan in scenario.devices)
        return BUFFERED_S if scenario.access_points and dozes else 0.0


def _upon(simulation: Simulation, name: str, client: LinkClient) -> Iterator[Impairment]:
    """The impairments that a device can feel."""
    scenario = simulation.scenario
    groups = [plan.name for plan in scenario.devices if name in plan.names()]
    peers = [peer.name for peer in scenario.peers if client.host in (peer.ip, peer.domain)]
    aps = [ap.name for ap in scenario.access_points]
    for at, impairment in scenario.impairments:
        if at in (name, "gateway", *groups, *peers, *aps):
            yield impairment


def _stays(simulation: Simulation, name: str, end: float) -> Iterator[Stay]:
    """Each stay in a state; a chip that resets begins anew."""
    began, state = 0.0, machine.IDLE
    for event in simulation.truth.events:
        if event["who"] != name or event["what"] not in ("link-changed", "rebooted"):
            continue
        now = event.get("state", machine.IDLE)
        if now != state:
            at = event["at_ms"] / 1000
            yield Stay(began, at, state)
            began, state = at, now
    yield Stay(began, end, state)


def _online(stays: list[Stay]) -> Iterator[Stay]:
    """Each connection that stood."""
    for connected, group in itertools.groupby(stays, lambda stay: stay.state in ONLINE):
        if connected:
            members = list(group)
            yield Stay(members[0].begin, members[-1].end, machine.ONLINE)


# The promises ---------------------------------------------------------------------------------------------------


def _descriptors(life: _Life) -> Iterator[str]:
    link, device = life.link, life.device
    most = max(sample.descriptors for sample in life.simulation.samples[life.name])
    if most > DESCRIPTORS_MAX:
        yield f"{most} descriptors at once"
    truth = life.simulation.truth
    booted = max((event["at_ms"] for event in truth.of("rebooted", life.name)), default=-1)
    counted = sum(
        (event["what"] == "socket-opened") - (event["what"] == "socket-closed")
        for event in truth.events
        if event["who"] == life.name and event["at_ms"] > booted
    )
    held = len(device.stack.sockets.open_descriptors())
    if not held == counted == len(link.ledger):
        yield f"{held} descriptors open, {counted} by opened − closed, {len(link.ledger)} in the link's ledger"
    if link.ledger.swept:
        yield f"{link.ledger.swept} orphaned descriptors had to be swept"


def _deadlines(life: _Life) -> Iterator[str]:
    for stay in life.stays:
        limit = life.policy.deadline_ms(stay.state)[0] / 1000
        if stay.end - stay.begin > limit + 0.01:
            yield (
                f"{stay.state} lasted {stay.end - stay.begin:.1f} s from {stay.begin:.1f} s; "
                f"its deadline is {limit:.1f} s"
            )


def _dead_peer(life: _Life) -> Iterator[str]:
    bound = life.bound
    if bound == NEVER:
        return
    for one in life.impairments:
        died = one.begin_ms / 1000
        limit = bound + life.buffered
        if one.KIND in SILENCING:
            if getattr(one, "direction", BOTH) == TO_PEER and not life.client.heartbeat:
                continue  # the peer is heard all the while, its repetitions even: only a question unanswered tells
            limit += UNDER_WAY_S
            if one.end_ms is not None and one.end_ms / 1000 - died <= limit:
                continue
        elif one.KIND not in KILLING:
            continue
        if not life.client.listens and any(_meet(one, other, limit) for other in life.impairments):
            continue  # keepalive rests while a window is closed (FACTS): there the promise is progress
        for stay in life.online:
            if stay.begin < died < stay.end and stay.end - died > limit:
                yield (
                    f"dead at {died:.1f} s ({one.KIND}), given up at {stay.end:.1f} s; the bound is {limit:.1f} s"
                )


def _meet(death: Impairment, other: Impairment, limit_s: float) -> bool:
    """Whether the peer's reader stalled while a death had to be noticed."""
    end = other.begin_ms if other.end_ms is None else other.end_ms
    return (
        other.KIND == "peer-stalled"
        and other.begin_ms <= death.begin_ms + limit_s * 1000
        and end >= death.begin_ms
    )


def _progress(life: _Life) -> Iterator[str]:
    if not life.client.sends:
        return
    # a write may be taken in pieces, each of them progress: as a whole it has a deadline of its own
    longest = max(life.link.bound(ZERO_WINDOW), life.policy.write_ms / 1000)
    bound = longest * TOLERANCE + TICK_S + life.client.period_ms / 1000
    for stay in life.online:
        within = [stay.begin, *(at for at in life.served if stay.begin <= at <= stay.end), stay.end]
        for earlier, later in itertools.pairwise(within):
            if later - earlier > bound:
                yield f"nothing was taken from {earlier:.1f} to {later:.1f} s; the bound is {bound:.1f} s"


def _back(life: _Life) -> Iterator[str]:
    ends = [(one.end_ms or one.begin_ms) / 1000 for one in life.impairments]
    calm = max(ends, default=0.0)
    limit = calm + back_within_s(life.policy, life.bound) + _pace_s(life)
    if limit >= life.end:
        return  # it was not played for long enough to know
    if not any(calm <= at <= limit for at in life.served):
        yield (
            f"not served within {limit - calm:.0f} s of the last impairment, at {calm:.1f} s; it is {life.link.state}"
        )
    quiet = life.end - (life.served[-1] if life.served else 0.0)
    if quiet > back_within_s(life.policy, life.bound) + _pace_s(life):
        yield f"not served for the last {quiet:.0f} s, though nothing disturbs; it is {life.link.state}"


def _pace_s(life: _Life) -> float:
    """How long it may be between two exchanges when all is well (s)."""
    client = life.client
    if not client.listens:
        return client.period_ms / 1000
    pauses = [
        service.pause_ms / 1000
        for peer in life.simulation.scenario.peers
        for service in peer.services
        if service.port == client.port
    ]
    return max(pauses, default=0.0)


def _heap(life: _Life) -> Iterator[str]:
    heap, lingering = life.device.heap, life.link.lingering
    if heap.free + lingering * LINGERING_BYTES < HEAP_BACK * heap.size:
        yield f"{heap.free} bytes of heap free at the end, of {heap.size}; {lingering} connections linger"


#: Name → what is wrong with a life, in words.
PROMISES: dict[str, Any] = {
    "descriptors": _descriptors,
    "deadlines": _deadlines,
    "dead peer": _dead_peer,
    "progress": _progress,
    "back": _back,
    "heap": _heap,
}
