"""One long life of a keeper, printed line by line: CPython and MicroPython run this file and must print the same.

It is written in the device dialect. Arguments: the folder that holds ``halfopen``, a seed, how many events.
"""

import sys

sys.path.insert(0, sys.argv[1])

from halfopen.link import capability, journal, machine, policy
from halfopen.link.keeper import Keeper
from halfopen.link.ledger import Ledger


class Chance:
    """The same numbers on every interpreter (a linear congruential generator of 31 bits)."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) % 2147483648
        return (self.state >> 8) % limit

    def share(self):
        return self.below(256) / 256


class Descriptor:
    """Something to own: closing it twice would be seen."""

    def __init__(self):
        self.open = True

    def close(self):
        assert self.open
        self.open = False


def life(seed, events):
    chance = Chance(seed)
    changes = []
    able = capability.Capability(stack="lwip", wifi=True, reboot=True, keepalive=("none", "tuned")[seed % 2])
    keeper = Keeper(
        policy.Policy(uptime_ms=4000, doze_troubles=2),
        able,
        expects_answers=seed % 3 != 0,
        chance=chance.share,
        observe=changes.append,
    )
    ledger = Ledger()
    ticket = 0
    now = 0
    for _ in range(events):
        now += chance.below(6000)
        if chance.below(3) == 0 and keeper.wake_at() <= now:
            effects = keeper.tick(now)
        else:
            possible = [e for e in machine.possible(keeper.state) if not e.startswith("RETRY")]
            event = possible[chance.below(len(possible))]
            if event == machine.SOCKET_OPENED:
                ticket = ledger.enter(Descriptor(), "tcp")
            effects = keeper.on(event, now)
        for effect in effects:
            if effect == machine.CLOSE_SOCKET:
                ledger.close(ticket)
            elif effect == machine.SWEEP:
                ledger.sweep()
        assert len(ledger) == keeper.sockets_held
        if keeper.vitals is not None:
            keeper.vitals.bytes_queued(chance.below(2000), now)
            keeper.accepted(chance.below(keeper.vitals.pending_bytes() + 1), now)
        print(keeper.state, ",".join(effects), keeper.wake_at(), keeper.lingering(now))
    for change in changes:
        line = journal.transition_line(change, None, 40000, None)
        print(line)
        entry = journal.read(journal.TAG, line.split(": ", 1)[1])
        assert (entry.before, entry.state, entry.event) == (change.before, change.state, change.event)
    for cause in capability.CAUSES:
        print(cause, able.notices_ms(cause, keeper.policy, seed % 3 != 0))
    for row in sorted(machine.TRANSITIONS):
        print(row, machine.TRANSITIONS[row])


life(int(sys.argv[2]), int(sys.argv[3]))
