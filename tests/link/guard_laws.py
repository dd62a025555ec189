"""What holds for a guard whatever happens: a driver without a network that checks it after every step."""

from __future__ import annotations

from typing import Any

from halfopen.link import guard as g
from halfopen.link import machine as m
from halfopen.link.capability import Capability
from halfopen.link.journal import Change
from halfopen.link.ledger import Ledger
from halfopen.link.policy import NEVER, Policy

SOCKETS, RESERVE = 7, 2
ENFILE, ENOBUFS, ECONNABORTED, EBADF = 23, 105, 103, 9
POLICY = Policy(silence_ms=4000, answer_ms=1000, progress_ms=3000, write_ms=9000, age_ms=20000)

#: What may happen; the number chooses a session, the milliseconds pass before it.
STEPS = (
    "come", "come", "come", "say", "say", "wait", "queue", "take", "leave", "break", "release",
    "no descriptors", "no memory", "nobody there", "broken listener",
)  # fmt: skip


class Descriptor:
    """An open socket."""

    def close(self) -> None:
        """The ledger counts."""


class World:
    """The driver and its clients; every method checks the laws."""

    def __init__(self, expects_answers: bool = True, patience_ms: int = 1000) -> None:
        self.now = 0
        self.ledger = Ledger()
        self.patience_ms = patience_ms
        self.told: dict[int, str] = {}
        self.evicted: list[tuple[g.Session, float]] = []
        self.served: list[g.Session] = []
        self.refused: list[g.Session] = []
        self.listener = 0
        self.core = g.Guard(
            POLICY,
            Capability(),
            cap=g.session_cap(SOCKETS, RESERVE),
            patience_ms=patience_ms,
            expects_answers=expects_answers,
            observe=self.observe,
        )
        self.carry_out(self.core.door(m.STARTED, 0))

    def observe(self, change: Change, session: g.Session | None) -> None:
        number = session.number if session else 0
        assert change.session == number
        before = self.told.get(number, m.IDLE if session is None else g.LISTENING)
        assert change.before == before, "every change is told, in order"
        assert change.state != before
        self.told[number] = change.state
        if session is not None and change.event == g.EVICTED and change.before in g.SERVED:
            self.evicted.append((session, self.now - session.vitals.heard_at))

    def carry_out(self, effects: list[tuple[str, g.Session | None]]) -> None:
        for effect, session in effects:
            if effect == g.OPEN_LISTENER and not self.listener:
                self.listener = self.ledger.enter(Descriptor(), "listener")
            elif effect == g.CLOSE_LISTENER:
                self.ledger.close(self.listener)
                self.listener = 0
            elif effect == m.CLOSE_SOCKET:
                assert session is not None
                assert self.ledger.close(session.wire)
                self.carry_out(self.core.on(session, m.SOCKET_CLOSED, self.now))
            elif effect == g.SERVE:
                assert session is not None
                self.served.append(session)
            elif effect == g.SAY_FAREWELL:
                assert session is not None
                self.refused.append(session)

    def step(self, what: str, number: int, milliseconds: int) -> None:
        """One thing happens; then all that is due."""
        self.now += milliseconds
        self.tick()
        sessions = list(self.core.sessions.values())
        session: Any = sessions[number % len(sessions)] if sessions else None
        if what == "come":
            self.come()
        elif what in ("no descriptors", "no memory", "nobody there", "broken listener"):
            if self.core.state == g.LISTENING:
                code = {"no descriptors": ENFILE, "no memory": ENOBUFS, "nobody there": ECONNABORTED}.get(
                    what, EBADF
                )
                self.fail(code)  # fmt: skip
        elif session is None:
            return
        elif what == "say":
            self.carry_out(self.core.heard(session, self.now))
        elif what == "queue" and session.state in g.SERVED:
            session.vitals.bytes_queued(1 + number, self.now)
        elif what == "take" and session.state in g.SERVED:
            session.vitals.bytes_accepted(min(number, session.vitals.pending_bytes()), self.now)
        elif what in ("leave", "break"):
            event = m.PEER_CLOSED if what == "leave" else m.SOCKET_FAILED
            self.carry_out(self.core.on(session, event, self.now))
        elif what == "release" and session.state in g.SERVED:
            self.carry_out(self.core.on(session, m.RELEASED, self.now))
        self.tick()
        self.check()

    def tick(self) -> None:
        for _ in range(1000):
            if self.core.wake_at() > self.now:
                return
            self.carry_out(self.core.tick(self.now))
        raise AssertionError("it spins")

    def in_order_of_idleness(self) -> list[g.Session]:
        served = [s for s in self.core.sessions.values() if s.state in g.SERVED]
        return sorted(served, key=lambda s: (s.vitals.heard_at, s.number))

    def come(self) -> None:
        """A client comes, if anybody listens."""
        if self.core.state != g.LISTENING:
            return
        self.carry_out(self.core.room(self.now))
        assert len(self.ledger) < SOCKETS - RESERVE, "accept() would take from the reserve"
        before = self.in_order_of_idleness()
        may_go = [s for s in before if self.now - s.vitals.heard_at >= self.patience_ms]
        evicted = len(self.evicted)
        ticket = self.ledger.enter(Descriptor(), "session")
        session, effects = self.core.accepted("client", ticket, self.now)
        self.carry_out(effects)
        if len(before) < self.core.cap or may_go:
            assert session in self.served, "the newest client is served if anybody may go"
        else:
            assert session in self.refused, "nobody is left to guess"
        if len(self.evicted) > evicted:
            assert len(before) == self.core.cap, "nobody goes while there is room"
            assert self.evicted[-1][0] is before[0], "the longest idle goes"

    def fail(self, code: int) -> None:
        """accept() fails."""
        before = self.in_order_of_idleness()
        parting = [s for s in self.core.sessions.values() if s.state == g.PARTING]
        evicted = len(self.evicted)
        self.carry_out(self.core.accept_failed(code, self.now))
        if code == ECONNABORTED:
            assert self.core.state == g.LISTENING
        elif (
            code == ENFILE
            and not parting
            and before
            and self.now - before[0].vitals.heard_at >= self.patience_ms
        ):
            assert self.evicted[evicted:] == [(before[0], self.now - before[0].vitals.heard_at)]
            self.tick()
            assert self.core.state == g.LISTENING, "after an eviction the next try is at once"
        elif len(self.evicted) == evicted and not (parting and code == ENFILE):
            assert self.core.wake_at() > self.now, "it does not spin"

    def check(self) -> None:
        core = self.core
        served = self.in_order_of_idleness()
        assert len(served) <= core.cap
        assert core.held == len(core.sessions) == core.opened - core.closed
        assert len(self.ledger) == core.held + (self.listener > 0)
        assert len(self.ledger) <= SOCKETS - RESERVE, "the reserve is kept"
        assert core.state == g.LISTENING or core.wake_at() <= self.now + POLICY.pause_ms, "it listens again"
        assert all(idle >= self.patience_ms for _, idle in self.evicted), "patience is kept"
        assert all(s.vitals.next_clock()[0] > self.now for s in served), "no clock was missed"
        assert all(s.state in (*g.SERVED, g.PARTING) for s in core.sessions.values())

    def end(self) -> None:
        self.carry_out(self.core.stop(self.now))
        assert len(self.ledger) == self.core.held == 0
        assert self.core.opened == self.core.closed
        assert self.core.wake_at() == NEVER
