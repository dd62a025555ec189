"""Virtual time, chance, tasks."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.twin.tasks import Condition, Tasks, busy, sleep, wait
from halfopen.twin.world import MS, SECOND, World

SOURCE = Path(__file__).parents[2] / "src"


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans())))
def test_events_happen_in_order_and_cancelled_ones_never(plan: list[tuple[int, bool]]) -> None:
    world = World()
    happened: list[tuple[int, int]] = []
    timers = [
        world.at(when, lambda i=index: happened.append((world.now, i)))
        for index, (when, _) in enumerate(plan)
    ]
    for timer, (_, cancelled) in zip(timers, plan, strict=True):
        if cancelled:
            timer.cancel()
    world.run()
    expected = sorted((when, index) for index, (when, cancelled) in enumerate(plan) if not cancelled)
    assert happened == expected
    assert world.next_event() is None


def test_many_cancelled_timers_do_not_stay_in_memory() -> None:
    world = World()
    for index in range(20_000):
        world.after(SECOND + index, print).cancel()
    assert len(world._queue) < 10_000
    world.run(2 * SECOND)
    assert (world.events, world.now) == (0, 2 * SECOND)


def test_an_entitys_chance_depends_on_seed_and_name_alone() -> None:
    first = World(7)
    luck = [first.chance("kitchen").random() for _ in range(3)]
    second = World(7)
    second.chance("cellar").random()
    assert [second.chance("kitchen").random() for _ in range(3)] == luck
    assert World(8).chance("kitchen").random() != luck[0]
    chance = first.chance("dice")
    assert {chance.between(1, 6) for _ in range(200)} == set(range(1, 7))
    assert chance.happens(1)
    assert not chance.happens(0)


def test_a_task_that_waits_for_ever_and_one_that_spins_look_different() -> None:
    world = World()
    tasks = Tasks(world)
    starved: list[tuple[float, list[str], str]] = []
    tasks.on_starved = lambda late, running: starved.append((world.now / SECOND, late, running))
    never = Condition()

    def blocked() -> Any:
        yield from wait("recv(54)", never)

    def spinning() -> Any:
        while True:
            yield from busy(100 * MS)

    def fed() -> Any:
        while True:
            tasks.feed(watched)
            yield from sleep(SECOND)

    tasks.start("net", blocked())
    watched = tasks.start("app", fed(), priority=5)
    tasks.watch(watched)
    world.run(20 * SECOND)
    assert starved == []
    assert [task.state for task in tasks.tasks] == ["blocked", "blocked"]
    tasks.start("hog", spinning(), priority=9)
    world.run(40 * SECOND)
    assert starved
    assert {tuple(late) for _, late, _ in starved[2:]} == {("app", "IDLE")}
    assert {running for _, _, running in starved} == {"hog"}


def test_a_watched_task_that_blocks_starves_the_watchdog() -> None:
    world = World()
    tasks = Tasks(world)
    starved: list[tuple[float, list[str], str]] = []
    tasks.on_starved = lambda late, running: starved.append((world.now / SECOND, late, running))

    def blocked() -> Any:
        yield from wait("send(54)", Condition())

    tasks.watch(tasks.start("net", blocked()))
    world.run(6 * SECOND)
    assert starved == [(5.0, ["net"], "IDLE")]


def test_a_crashing_task_is_told_and_others_go_on() -> None:
    world = World()
    tasks = Tasks(world)
    crashed: list[str] = []
    tasks.on_crash = lambda task, error: crashed.append(f"{task.name}: {error}")

    def crashing() -> Any:
        yield from sleep(SECOND)
        raise ValueError("bad")

    tasks.start("app", crashing())
    world.run(2 * SECOND)
    assert crashed == ["app: bad"]
    tasks.on_crash = None
    tasks.start("app", crashing())
    with pytest.raises(ValueError, match="bad"):
        world.run(4 * SECOND)


RUN = """
import hashlib, sys
from halfopen.impairments.delay import Delay
from halfopen.impairments.loss import Loss
from halfopen.impairments.nat_expiry import NatExpiry
from halfopen.twin.linux.host import Host
from halfopen.twin.linux.services import Caller, Echo, Talker
from halfopen.twin.lwip.calls import Calls
from halfopen.twin.lwip.names import SO_RCVTIMEO, SocketError
from halfopen.twin.lwip.stack import Stack
from halfopen.twin.network import Network
from halfopen.twin.recorder import Recorder
from halfopen.twin.tasks import Tasks, sleep
from halfopen.twin.world import MS, SECOND, World
world = World(int(sys.argv[1]))
network = Network(world)
host = Host(network, "server", "203.0.113.9")
host.listen(7, Echo())
host.listen(19, Talker(700))
host.lease_server.leases["02:00:00:00:00:aa"] = "192.168.5.77"
device = Stack(network, "device", ip="192.168.5.77", mac="02:00:00:00:00:aa")
recorder = Recorder(world)
recorder.tap(device.link)
device.netif_up()
calls = Calls(device)
def firmware(port):
    while True:
        try:
            fd = calls.socket()
            calls.setsockopt(fd, SO_RCVTIMEO, 3 * SECOND)
            yield from calls.connect(fd, "203.0.113.9", port)
            for _ in range(20):
                yield from calls.send(fd, b"hello" * 30)
                yield from calls.recv(fd, 500)
                yield from sleep(200 * MS)
        except SocketError:
            pass
        yield from calls.close(fd)
        yield from sleep(SECOND)
tasks = Tasks(world)
tasks.start("echo", firmware(7))
tasks.start("chargen", firmware(19))
for impairment in (Loss(begin_ms=2000, probability=0.2), Delay(delay_ms=20, jitter_ms=30), NatExpiry(idle_ms=1500)):
    network.impair(impairment, device)
world.run(120 * SECOND)
print(hashlib.sha256(recorder.pcapng() + network.truth.as_json(recorder.reasons()).encode()).hexdigest(), len(recorder.frames))
"""


def run_with(python: str, seed: int, hash_seed: str) -> str:
    done = subprocess.run(
        [python, "-c", RUN, str(seed)],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_same_seed_same_bytes_whatever_the_hash_seed() -> None:
    runs = {run_with(sys.executable, 7, hash_seed) for hash_seed in ("0", "1", "4711")}
    assert len(runs) == 1
    assert int(runs.pop().split()[1]) > 200
    assert run_with(sys.executable, 8, "0") not in runs
    assert len(hashlib.sha256().hexdigest()) == 64


def test_the_twin_needs_nothing_but_python() -> None:
    """Of any version, and without what is installed beside it: its results can be repeated anywhere."""
    check = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); import halfopen.twin.simulation"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def other_pythons() -> list[str]:
    """Interpreters of other versions from 3.11 on, on the path or beside each other as pyenv keeps them."""
    versions = [f"python3.{minor}" for minor in range(11, 16) if minor != sys.version_info.minor]
    found = [shutil.which(version) for version in versions]
    kept = (Path.home() / ".pyenv" / "versions").glob("3.*/bin/python3.*")
    found += [str(path) for path in kept if path.name in versions]
    works = [
        path
        for path in found
        if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
    ]
    return sorted(works)


def test_same_bytes_on_every_python_here() -> None:
    others = other_pythons()
    if not others:
        pytest.skip("no second Python 3.11 or later is installed")
    assert {run_with(other, 7, "0") for other in others} == {run_with(sys.executable, 7, "0")}
