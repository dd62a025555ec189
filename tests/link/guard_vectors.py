"""One long life of a guard, printed line by line: CPython and MicroPython run this file and must print the same.

It is written in the device dialect. Arguments: the folder that holds ``halfopen``, a seed, how many events.
"""

import sys

sys.path.insert(0, sys.argv[1])

from halfopen.link import capability, guard, journal, machine, policy


class Life:
    def __init__(self, seed):
        self.state = seed
        self.now = 0
        self.core = guard.Guard(
            policy.Policy(silence_ms=4000, answer_ms=1000, age_ms=30000),
            capability.Capability(stack="lwip"),
            cap=guard.session_cap(8, 2),
            expects_answers=seed % 2 == 0,
            observe=self.observe,
        )
        self.carry_out(self.core.door(machine.STARTED, 0))

    def below(self, limit):
        """The same numbers on every interpreter (a linear congruential generator of 31 bits)."""
        self.state = (self.state * 1103515245 + 12345) % 2147483648
        return (self.state >> 8) % limit

    def observe(self, change, session):
        line = journal.transition_line(change, None, 40000, None)
        print(line)
        entry = journal.read(journal.TAG, line.split(": ", 1)[1])
        assert (entry.session, entry.state) == (session.number if session else 0, change.state)

    def carry_out(self, effects):
        for effect, session in effects:
            print(effect, session.number if session else "-")
            if effect == machine.CLOSE_SOCKET:
                self.carry_out(self.core.on(session, machine.SOCKET_CLOSED, self.now))

    def step(self):
        self.now += self.below(900)
        while self.core.wake_at() <= self.now:
            self.carry_out(self.core.tick(self.now))
        what = self.below(8)
        if what < 4 and self.core.state == guard.LISTENING:
            self.carry_out(self.core.room(self.now))
            self.carry_out(self.core.accepted("10.0.0.7:50000", None, self.now, 40000, None)[1])
        elif what == 4 and self.core.state == guard.LISTENING:
            self.carry_out(self.core.accept_failed((23, 24, 105, 9)[self.below(4)], self.now))
        elif self.core.sessions:
            numbers = sorted(self.core.sessions)
            session = self.core.sessions[numbers[self.below(len(numbers))]]
            if what == 5:
                self.carry_out(self.core.heard(session, self.now))
            elif what == 6:
                self.carry_out(self.core.on(session, machine.PEER_CLOSED, self.now))
            elif session.state in guard.SERVED:
                self.carry_out(self.core.on(session, machine.RELEASED, self.now))
        print(self.core.wake_at(), self.core.held, self.core.opened)


life = Life(int(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    life.step()
life.carry_out(life.core.stop(life.now))
assert life.core.held == 0
