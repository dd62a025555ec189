"""The link for a very long time: fault after fault, and no descriptor lost, memory flat.

Two runs: the core with its ledger in virtual time, and the asyncio driver on real loopback sockets. A run prints the
command that repeats it; the first broken promise ends it with exit status 1.

    python fuzz/soak_link.py --cycles 1000000 --sockets 10000 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import random
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from halfopen.link import machine as m
from halfopen.link.capability import Capability
from halfopen.link.keeper import Keeper
from halfopen.link.ledger import Ledger
from halfopen.link.on_asyncio import Connection, Link, Lost, Policy

#: Growth that is no leak: the allocator's own wandering, in bytes.
FLAT = 4 << 20
#: How far into a run memory is first measured: by then every cache is warm.
WARM = 0.2
#: What can happen in each state, the way on several times so that most attempts come to a connection.
_ENDS = {
    m.JOINING: (m.JOIN_FAILED, *[m.JOINED] * 20),
    m.LEASING: (m.LEASE_EXPIRED, m.WIFI_LOST, *[m.LEASE_OBTAINED] * 20),
    m.RESOLVING: (m.NAME_FAILED, m.NAME_RESOLVED, *[m.NAME_KNOWN] * 20),
    m.DIALING: (m.DIAL_FAILED, m.WIFI_LOST, m.CONNECTED_FOR_TLS, *[m.CONNECTED] * 7),
    m.SECURING: (m.SECURE_FAILED, m.PEER_CLOSED, m.SECURED),
    m.RETIRING: (m.PARTED, m.SOCKET_FAILED),
    m.ASLEEP: (m.WOKE,),
    m.IDLE: (m.STARTED,),
    m.REBOOTING: (m.STARTED,),
}
_ONLINE = (
    m.PEER_CLOSED,
    m.SOCKET_FAILED,
    m.RELEASED,
    m.WIFI_LOST,
    m.ADDRESS_CHANGED,
    m.SLEEP_ASKED,
    m.STOPPED,
    m.ROAMED,
)


class Descriptor:
    """Something that must be closed exactly once."""

    open = 0

    def __init__(self) -> None:
        Descriptor.open += 1
        self._closed = False

    def close(self) -> None:
        if self._closed:
            raise AssertionError("closed twice")
        self._closed = True
        Descriptor.open -= 1


class Broken(Exception):
    """A promise was not kept."""


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Virtual:
    """A world in which everything fails: a keeper, a ledger, no sockets and no waiting."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now = 0
        self.losses = 0
        able = Capability(stack="lwip", keepalive="tuned", wifi=True, reboot=True)
        self.keeper = Keeper(
            Policy(), able, expects_answers=True, chance=self.dice.random, observe=self.observe
        )
        self.ledger = Ledger()
        self.ticket = 0

    def observe(self, change: Any) -> None:
        self.losses += change.is_loss

    def tell(self, event: str) -> None:
        if event == m.SOCKET_OPENED:
            self.ticket = self.ledger.enter(Descriptor(), "tcp")
        self.obey(self.keeper.on(event, self.now))

    def obey(self, effects: tuple[str, ...]) -> None:
        for effect in effects:
            if effect == m.CLOSE_SOCKET:
                self.ledger.close(self.ticket)
                self.tell(m.SOCKET_CLOSED)
            elif effect == m.SWEEP:
                self.ledger.sweep()
            elif effect == m.CHECK_HEAP:
                self.tell(
                    self.keeper.policy.gate(20000 if self.dice.random() < 0.02 else 90000, 30000, False)
                )
            elif effect == m.OPEN_SOCKET:
                outcomes = (m.DESCRIPTORS_EXHAUSTED, m.PCBS_EXHAUSTED, m.SOCKET_REFUSED)
                self.tell(self.dice.choice(outcomes) if self.dice.random() < 0.1 else m.SOCKET_OPENED)

    def step(self) -> None:
        """Something happens, or time passes to the next deadline."""
        keeper, dice = self.keeper, self.dice
        if keeper.vitals is not None and keeper.state in (m.ONLINE, m.DOUBTED):
            keeper.vitals.bytes_queued(dice.randrange(1000), self.now)
            keeper.accepted(dice.randrange(keeper.vitals.pending_bytes() + 1), self.now)
        if (keeper.state == m.PAUSED or dice.random() < 0.1) and keeper.wake_at() < float("inf"):
            self.now = max(self.now, int(keeper.wake_at()))
            self.obey(keeper.tick(self.now))
        elif keeper.state in (m.ONLINE, m.DOUBTED):
            self.now += dice.randrange(100)
            if dice.random() < 0.3:
                self.obey(keeper.on(m.HEARD, self.now))
            else:
                self.tell(dice.choice(_ONLINE))
        elif keeper.state in _ENDS:
            self.tell(dice.choice(_ENDS[keeper.state]))
        if not Descriptor.open == keeper.sockets_held == len(self.ledger) == (keeper.state in m.HOLDS):
            raise Broken(
                f"{keeper.state}: {Descriptor.open} open, {keeper.sockets_held} held, {len(self.ledger)} in the ledger"
            )


def soak_core(cycles: int, seed: int) -> str:
    """``cycles`` losses in virtual time; what was seen. Raises :class:`Broken`."""
    world = Virtual(seed)
    warm_bytes = 0
    while world.losses < cycles:
        for _ in range(1000):
            world.step()
        if not warm_bytes and world.losses >= cycles * WARM:
            gc.collect()
            warm_bytes = resident_bytes()
    gc.collect()
    grown = resident_bytes() - warm_bytes
    if grown > FLAT:
        raise Broken(f"memory grew by {grown} bytes after it was warm")
    if world.keeper.state in m.HOLDS:
        world.tell(m.STOPPED)
    if Descriptor.open or world.ledger.swept:
        raise Broken(
            f"{Descriptor.open} descriptors open at the end, {world.ledger.swept} orphans were swept"
        )
    days = world.now / 86_400_000
    return (
        f"{world.losses} faults in {days:.0f} virtual days, {world.ledger.opened} descriptors opened, "
        f"all closed; memory grew by {max(grown, 0) >> 10} KB after it was warm"
    )


class Peer:
    """A bad peer on loopback: it resets, hangs up, falls silent or answers, as the dice say."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for _ in range(self._dice.randrange(3)):
                writer.write(await reader.readline())
            fate = self._dice.randrange(3)
            if fate == 0:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif fate == 1:
                await reader.read()  # silent until the link gives up
        except OSError:
            pass
        finally:
            writer.transport.abort()


async def one_cycle(connection: Connection, dice: random.Random) -> None:
    """Use a connection, and leave it in one of the ways in which users leave."""
    async with connection:
        for _ in range(3):
            await connection.write(b"x" * dice.randrange(1, 3000) + b"\n")
            if dice.random() < 0.1:
                raise KeyError("the user's own mistake")
            await connection.read_until(within_ms=dice.choice((5, 1000)))


async def use(link: Link, cycles: int, dice: random.Random) -> dict[str, int]:
    seen: dict[str, int] = {}
    async for connection in link:
        working = asyncio.ensure_future(one_cycle(connection, dice))
        if dice.random() < 0.2:
            await asyncio.sleep(dice.random() * 0.003)
            working.cancel()
        with contextlib.suppress(KeyError, asyncio.CancelledError, Lost):
            await working
        seen[connection.lost or "?"] = seen.get(connection.lost or "?", 0) + 1
        if sum(seen.values()) >= cycles:
            break
    return seen


async def soak_sockets(cycles: int, seed: int) -> str:
    """``cycles`` connections on loopback, each ended by a fault; what was seen. Raises :class:`Broken`."""
    dice = random.Random(seed)
    server = await asyncio.start_server(Peer(dice).serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limits = Policy(
        silence_ms=10, answer_ms=5, pause_ms=1, backoff_ms=0, backoff_max_ms=0, socket_tries=1000000
    )
    seen: dict[str, int] = {}
    warm = (0, 0)
    before = open_descriptors()
    for part in range(5):
        async with Link("127.0.0.1", port, policy=limits, heartbeat=b"\n", say=lambda line: None) as link:
            for cause, times in (await use(link, cycles // 5, dice)).items():
                seen[cause] = seen.get(cause, 0) + times
        if len(link.ledger) or link.ledger.swept:
            raise Broken(f"{link.ledger.purposes()} left, {link.ledger.swept} swept")
        await settle(before)
        gc.collect()
        if part == 0:
            warm = (open_descriptors(), resident_bytes())
    if open_descriptors() != warm[0]:
        raise Broken(f"{warm[0]} descriptors when warm, {open_descriptors()} at the end")
    grown = resident_bytes() - warm[1]
    if grown > FLAT:
        raise Broken(f"memory grew by {grown} bytes after it was warm")
    server.close()
    causes = ", ".join(f"{cause} {times}" for cause, times in sorted(seen.items()))
    return f"{sum(seen.values())} connections ended ({causes}), no descriptor lost; memory grew by {max(grown, 0) >> 10} KB"


async def settle(descriptors: int) -> None:
    """Wait for the peer's ends to close."""
    for _ in range(200):
        if open_descriptors() <= descriptors:
            return
        await asyncio.sleep(0.01)


def open_descriptors() -> int:
    with os.scandir("/proc/self/fd") as listed:
        return len(list(listed)) - 1


def main() -> int:
    """Run both soaks; the exit status."""
    parser = argparse.ArgumentParser(description="soak the link")
    parser.add_argument("--cycles", type=int, default=20000, help="faults in virtual time")
    parser.add_argument("--sockets", type=int, default=500, help="connections on loopback")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(
        f"repeat with: {sys.argv[0]} --cycles {options.cycles} --sockets {options.sockets} --seed {options.seed}"
    )
    try:
        for name, run in (
            ("core and ledger", lambda: soak_core(options.cycles, options.seed)),
            ("asyncio on loopback", lambda: asyncio.run(soak_sockets(options.sockets, options.seed))),
        ):
            began = time.monotonic()
            print(f"{name}: {run()}; took {time.monotonic() - began:.0f} s", flush=True)
    except Broken as broken:
        print(f"broken: {broken}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
