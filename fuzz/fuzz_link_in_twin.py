"""Lives of the link on the twin's lwIP, each under impairments drawn from its seed; no promise may break.

    python fuzz/fuzz_link_in_twin.py [--seed N] [--runs N]

A life is a client on the link, a Linux peer, and one to four impairments within three minutes; then the network is sound
and the link must be, too. What is demanded is in ``judge``. A failure prints the one command that repeats it.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from typing import Any, NamedTuple

from halfopen.impairments import Impairment, impairment
from halfopen.link import machine
from halfopen.link.capability import FULL_BUFFER, IDLE, UNACKED, ZERO_WINDOW
from halfopen.link.policy import NEVER, Policy
from halfopen.twin.firmware.link_client import LinkClient
from halfopen.twin.on_lwip import Link
from halfopen.twin.scenario import DevicePlan, PeerPlan, Scenario, ServicePlan
from halfopen.twin.simulation import Simulation
from halfopen.twin.world import SECOND

PEER_IP = "192.168.5.2"
#: Impairments begin after the first connection and are over by then (seconds).
BEGIN_S, CALM_S = 5, 180
#: After the last one: the longest pause, a dead connection noticed, and a dial or two (seconds).
BACK_S = 130
#: A promise is kept when it is kept within a tenth and a tick of lwIP's slow timer.
TOLERANCE, TICK_S = 1.1, 0.5
HEAP_BACK = 0.9
ONLINE = (machine.ONLINE, machine.DOUBTED)
#: Impairments that kill what is connected, as far as the device could ever tell.
KILLING = ("flows-lost", "peer-rebooted")


class Broken(Exception):
    """A promise was broken; the message says which."""


class Life(NamedTuple):
    """What was drawn from one seed."""

    seed: int
    scenario: Scenario
    client: LinkClient


def drawn(seed: int) -> Life:
    """The life of ``seed``."""
    chance = random.Random(seed)
    kind = chance.choice(("asks", "asks", "sends", "listens"))
    named = chance.random() < 0.3
    # without keepalive somebody must answer a heartbeat, or the bound is infinite and says so
    keepalive = kind != "asks" or chance.random() < 0.5
    client = LinkClient(
        host="peer.example" if named else PEER_IP,
        request_bytes=chance.choice((40, 400, 1400)),
        period_ms=chance.choice((500, 1000, 7000)),
        sends=kind == "sends",
        listens=kind == "listens",
        keepalive=keepalive,
        heartbeat=not keepalive,
    )
    service = {"asks": "echo", "sends": "sink", "listens": "talker"}[kind]
    plan = ServicePlan(
        port=8080,
        kind=service,
        reply_bytes=40,
        closes=False,
        chunk_bytes=200,
        pause_ms=2000,
        on_request=False,
        receive_buffer=chance.choice((0, 8192)),
    )
    scenario = Scenario(
        file=f"life {seed}",
        title="",
        about="",
        code="",
        seed=seed,
        duration_s=CALM_S + 2 * BACK_S,
        delay_ms=chance.choice((0.0, 3.0, 80.0)),
        jitter_ms=chance.choice((0.0, 10.0)),
        peers=(PeerPlan("peer", PEER_IP, "peer.example", (plan,)),),
        devices=(DevicePlan("device", 1, client, "", 200_000, False, 0, 0, None),),
        callers=(),
        impairments=tuple(_impairment(chance, kind) for _ in range(chance.randint(1, 4))),
    )
    return Life(seed, scenario, client)


def _impairment(chance: random.Random, kind: str) -> tuple[str, Impairment]:
    begin = chance.randint(BEGIN_S * 1000, (CALM_S - 70) * 1000)
    span: dict[str, Any] = {"begin_ms": begin, "end_ms": begin + chance.randint(200, 70_000)}
    once: dict[str, Any] = {"begin_ms": begin}
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("peer", {"kind": "flows-lost", "answer": chance.choice(("silent", "reset")), **once}),
        ("peer", {"kind": "blackhole", "direction": chance.choice(("both", "to-peer", "to-device")), **span}),
        ("peer", {"kind": "blackhole", "arp_answers": False, **span}),
        ("device", {"kind": "loss", "probability": round(chance.uniform(0.02, 0.3), 2), **span}),
        ("device", {"kind": "delay", "delay_ms": chance.choice((200, 900)), "jitter_ms": 100, **span}),
        ("peer", {"kind": "peer-rebooted", **span}),
        ("peer", {"kind": "peer-vanished", **span}),
        ("peer", {"kind": "peer-stalled", **span}),
        ("peer", {"kind": "service-refused", "port": 8080, **span}),
        ("gateway", {"kind": "dns-silent", **span}),
        ("device", {"kind": "link-down", **span}),
    )
    if kind == "sends" and chance.random() < 0.5:  # the one that nothing but a deadline on progress can see
        return "peer", impairment({"kind": "peer-stalled", "begin_ms": begin, "end_ms": begin + 70_000})
    at, table = chance.choice(kinds)
    return at, impairment(table)


def live(life: Life) -> None:
    """Live it to its end. Raises :class:`Broken`."""
    links: list[Link] = []
    make = LinkClient.link

    def kept(client: LinkClient, device: Any) -> Link:
        links.append(make(client, device))
        return links[-1]

    LinkClient.link = kept  # type: ignore[method-assign]
    try:
        simulation = Simulation(life.scenario)
        simulation.run()
    finally:
        LinkClient.link = make  # type: ignore[method-assign]
    judge(life, simulation, links[0])


def judge(life: Life, simulation: Simulation, link: Link) -> None:
    """Every promise, on one life that was lived."""
    states = _states(simulation)
    calm = max((i.end_ms or i.begin_ms) / 1000 for _, i in life.scenario.impairments)
    served = [event["at_ms"] / 1000 for event in simulation.truth.of("exchanged", "device")]
    if not any(calm <= at <= calm + BACK_S for at in served):
        raise Broken(f"not back {BACK_S} s after the last impairment, at {calm:.1f} s; it is {link.state}")
    for begin, end, state in states:
        limit = link.policy.deadline_ms(state)[0] / 1000
        if end - begin > limit + 0.01:
            raise Broken(
                f"{state} lasted {end - begin:.1f} s from {begin:.1f} s; its deadline is {limit:.1f} s"
            )
    _judge_dead_peers(life, states, link)
    if life.client.sends:
        _judge_progress(states, served, link)
    device, samples = simulation.devices["device"], simulation.samples["device"]
    most = max(sample.descriptors for sample in samples)
    if most > 2:  # the connection, and a name's question on its way
        raise Broken(f"{most} descriptors at once")
    if device.heap.free < HEAP_BACK * device.heap.size:
        raise Broken(f"{device.heap.free} bytes of heap at the end, of {device.heap.size}")
    link.stop()
    left = len(device.stack.sockets.open_descriptors())
    if left or len(link.ledger) or link.ledger.swept:
        raise Broken(f"{left} descriptors lost, {len(link.ledger)} in the ledger, {link.ledger.swept} swept")


def _states(simulation: Simulation) -> list[tuple[float, float, str]]:
    """Each stay in a state: from, to (seconds), which."""
    found: list[tuple[float, float, str]] = []
    began, state = 0.0, machine.IDLE
    for event in simulation.truth.of("link-changed", "device"):
        if event["state"] != state:
            found.append((began, event["at_ms"] / 1000, state))
            began, state = event["at_ms"] / 1000, event["state"]
    found.append((began, simulation.world.now / SECOND, state))
    return found


def _judge_dead_peers(life: Life, states: list[tuple[float, float, str]], link: Link) -> None:
    """A connection that stood when its peer died is given up within the bound."""
    bound = max(link.bound(cause) for cause in (IDLE, UNACKED, FULL_BUFFER)) * TOLERANCE + TICK_S
    if bound == NEVER:
        return
    stays = _online(states)
    for _, one in life.scenario.impairments:
        if one.KIND in KILLING:
            died = one.begin_ms / 1000
            for begin, end in stays:
                if begin < died < end and end - died > bound:
                    raise Broken(
                        f"dead at {died:.1f} s ({one.KIND}), given up at {end:.1f} s; the bound is {bound:.1f} s"
                    )


def _online(states: list[tuple[float, float, str]]) -> list[tuple[float, float]]:
    """Each connection that stood: from, to."""
    stays: list[tuple[float, float]] = []
    for begin, end, state in states:
        if state not in ONLINE:
            continue
        if stays and stays[-1][1] == begin:
            stays[-1] = (stays[-1][0], end)
        else:
            stays.append((begin, end))
    return stays


def _judge_progress(states: list[tuple[float, float, str]], served: list[float], link: Link) -> None:
    """While a connection stands, what is queued makes progress or the connection is given up."""
    bound = link.bound(ZERO_WINDOW) * TOLERANCE + TICK_S
    for begin, end in _online(states):
        within = [begin, *(at for at in served if begin <= at <= end), end]
        for earlier, later in itertools.pairwise(within):
            if later - earlier > bound + 7:  # the longest period of a client
                raise Broken(
                    f"nothing was taken from {earlier:.1f} to {later:.1f} s; the bound is {bound:.1f} s"
                )


def main() -> None:
    """Live as many lives as asked for; exit status 1 at the first that breaks a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--runs", type=int, default=1000)
    given = parser.parse_args()
    for seed in range(given.seed, given.seed + given.runs):
        try:
            live(drawn(seed))
        except Exception as error:
            print(f"seed {seed}: {error!r}\nrepeat: python {sys.argv[0]} --seed {seed} --runs 1")
            for at, one in drawn(seed).scenario.impairments:
                print(f"  {at}: {one.as_dict()}")
            if not isinstance(error, Broken):
                raise
            sys.exit(1)
    print(
        f"{given.runs} lives from seed {given.seed}: no promise broken, the bounds are those of {Policy.__name__}()"
    )


if __name__ == "__main__":
    main()
