"""How fast virtual time passes: the twin against SimPy on the same keepalive chain, in the same run.

    python bench/bench_twin.py [--devices N] [--hours H]

A device connects, then stays idle with keepalive 10/3/3 towards a healthy peer: every 10.5 s a probe, its way to the peer,
the answer and its way back. SimPy plays that chain alone: one process per device and four events a round, no stack, no
memory, no packets. The twin is the whole model: lwIP's sockets, heap, ARP, TCP and timers against Linux's, once in closed
form as it runs when nobody records, once the same over Wi-Fi (25 stations an access point, WPA2, modem sleep), and once
with every packet played and recorded (a tenth of the devices).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Generator
from typing import Any

import simpy

from halfopen.twin.linux.host import Host
from halfopen.twin.linux.services import Responder
from halfopen.twin.lwip import names
from halfopen.twin.lwip.calls import Calls
from halfopen.twin.lwip.stack import Stack
from halfopen.twin.network import Network
from halfopen.twin.recorder import Recorder
from halfopen.twin.tasks import Tasks
from halfopen.twin.wifi.access_point import AccessPoint
from halfopen.twin.wifi.air import Air
from halfopen.twin.wifi.station import Station
from halfopen.twin.world import SECOND, World

#: Stations of one access point.
CELL = 25
PERIOD_S, WAY_S, TURNAROUND_S = 10.5, 0.000_01, 0.000_02


def in_simpy(devices: int, hours: float) -> int:
    """The chain as SimPy processes; the probes that were answered."""
    world = simpy.Environment()
    answered = 0

    def device() -> Generator[Any, Any, None]:
        nonlocal answered
        while True:
            yield world.timeout(PERIOD_S - 2 * WAY_S - TURNAROUND_S)
            yield world.timeout(WAY_S)
            yield world.timeout(TURNAROUND_S)
            yield world.timeout(WAY_S)
            answered += 1

    for _ in range(devices):
        world.process(device())
    world.run(until=hours * 3600)
    return answered


def in_twin(devices: int, hours: float, *, recorded: bool = False, wireless: bool = False) -> int:
    """The same chain in the twin; the probes that were answered."""
    world = World(7)
    aps: list[AccessPoint] = []
    stacks: list[Stack] = []
    recorder = Recorder(world)

    def firmware(calls: Calls) -> Generator[Any, Any, None]:
        fd = calls.socket()
        for option, value in (
            (names.SO_KEEPALIVE, 1),
            (names.TCP_KEEPIDLE, 10),
            (names.TCP_KEEPINTVL, 3),
            (names.TCP_KEEPCNT, 3),
        ):
            calls.setsockopt(fd, option, value)
        yield from calls.connect(fd, "192.168.5.1", 8080)
        yield from calls.recv(fd, 100)

    for index in range(devices):
        network = Network(world)
        Host(network, f"peer {index}").listen(8080, Responder())
        stack = Stack(network, f"device {index}", ip="192.168.5.100")
        if recorded:
            recorder.tap(stack.link)
        if wireless:
            if index % CELL == 0:
                ap = AccessPoint(Air(world), f"ap {index}", bssid="02:00:00:7e:31:40", dtim=3)
                ap.power_on()
                aps.append(ap)
            mac = f"24:6f:28:{index >> 16:02x}:{index >> 8 & 255:02x}:{index & 255:02x}"
            station = Station(aps[-1].air, stack.link, f"device {index}", mac=mac)
            station.on_joined = started(stack, firmware)
            station.connect()
        else:
            stack.netif_up()
            Tasks(world).start("app", firmware(Calls(stack)))
        stacks.append(stack)
    world.run(int(hours * 3600 * SECOND))
    for stack in stacks:
        stack.network.settle()
    played = sum(1 for _, _, _, why in recorder.frames if why == "keep-alive")
    return played + sum(stack.probes_in_closed_form for stack in stacks)


def started(stack: Stack, firmware: Callable[[Calls], Generator[Any, Any, None]]) -> Callable[[object], None]:
    """What happens when the radio of ``stack`` has joined."""

    def joined(_: object) -> None:
        stack.netif_up()
        Tasks(stack.world).start("app", firmware(Calls(stack)))

    return joined


def measure(name: str, devices: int, hours: float, play: Callable[[], int]) -> float:
    """Run it and print a row; the wall time in seconds."""
    begin = time.perf_counter()
    probes = play()
    spent = time.perf_counter() - begin
    print(f"{name:30} {devices:7} {probes:10} {spent:9.2f} s {devices * hours / spent:12,.0f}")
    return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--hours", type=float, default=1.0)
    asked = parser.parse_args()
    devices, hours = asked.devices, asked.hours
    print(f"{'':30} {'devices':>7} {'probes':>10} {'wall':>11} {'device-hours/s':>14}")
    theirs = measure("SimPy, the chain alone", devices, hours, lambda: in_simpy(devices, hours))
    ours = measure("twin, closed form", devices, hours, lambda: in_twin(devices, hours))
    measure("twin, closed form, over Wi-Fi", devices, hours, lambda: in_twin(devices, hours, wireless=True))
    few = max(1, devices // 10)
    measure("twin, every packet recorded", few, hours, lambda: in_twin(few, hours, recorded=True))
    print(f"the twin needs {ours / theirs:.2f} of SimPy's time")


if __name__ == "__main__":
    main()
