"""The server side: who is let in, who must go, who is refused, as tables and pure functions without input or output.

A server on an ESP32 starves when clients vanish without FIN or RST: their sessions stay, and accept() fails with
ENFILE for ever. Here sessions are capped below the number of sockets, the one that was idle longest gives way to a
newcomer, the others live by the clocks of ``link.vitals``, and who cannot be served hears so instead of waiting.

A driver asks :meth:`Guard.room` before each ``accept()``, tells what came of it (:meth:`Guard.accepted`,
:meth:`Guard.accept_failed`), tells :meth:`Guard.on` and :meth:`Guard.heard` what happens to sessions, and calls
:meth:`Guard.tick` when :meth:`Guard.wake_at` has come. It carries out the effects in their order, each with its
session (``None``: the listening socket), and reports ``SOCKET_CLOSED`` after each ``CLOSE_SOCKET``.
"""

from halfopen.link import machine
from halfopen.link.capability import errno_name, event_of_refusal
from halfopen.link.journal import SessionChange
from halfopen.link.policy import HEAP_LOW, NEVER, PEER_CLOSED, RELEASED, STOPPED, cause_named_by
from halfopen.link.vitals import Vitals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from halfopen.link.capability import Capability
    from halfopen.link.policy import Policy

    Effects = list[tuple[str, "Session | None"]]

#: CONFIG_LWIP_MAX_SOCKETS as ESP-IDF sets it (lwip/Kconfig).
ESP32_SOCKETS = 10
#: How long a session must be idle before it may give way: lwIP repeats a lost segment after 1.5 s at the latest, so a
#: client that was heard a second ago may well be in the middle of its request.
PATIENCE_MS = 1000

# States of the listening socket and of a session beside those of ``machine``.
LISTENING = "LISTENING"
PARTING = "PARTING"
GONE = "GONE"
# What happens to a session at the door.
ACCEPTED = "ACCEPTED"
REFUSED = "REFUSED"
EVICTED = "EVICTED"
# What a driver must do.
OPEN_LISTENER = "OPEN_LISTENER"
CLOSE_LISTENER = "CLOSE_LISTENER"
COLLECT_GARBAGE = "COLLECT_GARBAGE"
SERVE = "SERVE"
SAY_FAREWELL = "SAY_FAREWELL"

#: The listening socket: errors pause it, nothing stops it.
DOOR = {
    (machine.IDLE, machine.STARTED): (LISTENING, (OPEN_LISTENER,)),
    (LISTENING, machine.DESCRIPTORS_EXHAUSTED): (machine.PAUSED, (COLLECT_GARBAGE,)),
    (LISTENING, machine.PCBS_EXHAUSTED): (machine.PAUSED, (COLLECT_GARBAGE,)),
    # Not a shortage: the listening socket itself is broken, so it is made anew.
    (LISTENING, machine.SOCKET_REFUSED): (machine.PAUSED, (CLOSE_LISTENER,)),
    (machine.PAUSED, machine.RETRY_SOCKET): (LISTENING, (OPEN_LISTENER,)),
    (LISTENING, machine.STOPPED): (machine.IDLE, (CLOSE_LISTENER,)),
    (machine.PAUSED, machine.STOPPED): (machine.IDLE, (CLOSE_LISTENER,)),
}

#: A session's rows that differ from a link's in ``machine.TRANSITIONS``; all others are taken from there.
SESSION = {
    (LISTENING, ACCEPTED): (machine.ONLINE, (SERVE,)),
    (LISTENING, REFUSED): (PARTING, (SAY_FAREWELL,)),
    # A session that ends in order waits for the peer's FIN: closing with data unread would send RST, and the peer
    # would lose the last bytes it was sent.
    (machine.ONLINE, machine.RELEASED): (PARTING, (machine.SAY_GOODBYE,)),
    (machine.DOUBTED, machine.RELEASED): (PARTING, (machine.SAY_GOODBYE,)),
    (PARTING, machine.HEARD): (PARTING, ()),
    (machine.CLOSING, machine.SOCKET_CLOSED): (GONE, ()),
}
for _state in (machine.ONLINE, machine.DOUBTED, PARTING):
    for _event in (EVICTED, machine.STOPPED):
        SESSION[(_state, _event)] = (machine.CLOSING, (machine.CLOSE_SOCKET,))
for _event in (machine.PEER_CLOSED, machine.SOCKET_FAILED, machine.PARTED, machine.PARTING_EXPIRED):
    SESSION[(PARTING, _event)] = (machine.CLOSING, (machine.CLOSE_SOCKET,))
del _state, _event

#: States in which a session counts against the cap.
SERVED = (machine.ONLINE, machine.DOUBTED)

_CAUSE_OF = {EVICTED: "evicted", REFUSED: "crowded", ACCEPTED: ""}
#: Why a session ended whose handler raised.
HANDLER_FAILED = "handler-failed"
#: The newcomer left before it was accepted: the next one may be there already.
_CLIENT_GONE = ("EAGAIN", "ECONNABORTED", "ECONNRESET")
#: Ends that are nobody's fault.
_WANTED = ("", RELEASED, STOPPED, PEER_CLOSED)


def session_cap(sockets: int, reserve: int) -> int:
    """How many sessions ``sockets`` descriptors allow when ``reserve`` of them are for outgoing connections.

    One is the listening socket, one is for a client who is being refused. Raises :class:`ValueError` when none is left.
    """
    cap = sockets - reserve - 2
    if reserve < 0 or cap < 1:
        raise ValueError("no socket left for a session")
    return cap


def verdict(serving: int, cap: int, idle_ms: float, patience_ms: float, heap: str) -> str:
    """What a newcomer meets: ``ACCEPTED``, ``EVICTED`` (accepted in the place of the longest idle) or ``REFUSED``.

    ``idle_ms`` is for how long the longest idle session was not heard; ``heap`` is what ``Policy.gate`` said.
    """
    if heap == machine.HEAP_SHORT:
        return REFUSED
    if serving < cap:
        return ACCEPTED
    return EVICTED if idle_ms >= patience_ms else REFUSED


class Session:
    """One client: its number (from 1), who it is, its state and clocks, and why it ended; ``wire`` is the driver's."""

    def __init__(self, number: int, peer: str, wire: "Any", vitals: "Vitals") -> None:
        self.number = number
        self.peer = peer
        self.wire = wire
        self.state = LISTENING
        self.cause = ""
        self.vitals = vitals
        self.parting_at = NEVER

    def due_at(self) -> float:
        """When the next of its clocks runs out."""
        return self.vitals.next_clock()[0] if self.state in SERVED else self.parting_at


class Guard:
    """A server's sessions. At most ``cap`` are served, and one more descriptor is held while somebody is refused.

    A session that was heard less than ``patience_ms`` ago is never evicted: the newcomer is refused instead.
    ``expects_answers``: clients answer a heartbeat or speak by themselves, so silence means something. ``observe`` is
    told every :class:`SessionChange`, with the session it concerns (``None``: the listening socket).
    """

    def __init__(
        self,
        policy: "Policy",
        able: "Capability",
        *,
        cap: int,
        patience_ms: float = PATIENCE_MS,
        expects_answers: bool = False,
        observe: "Callable[[SessionChange, Session | None], None]",
    ) -> None:
        if cap < 1 or not patience_ms >= 0:
            raise ValueError("cap < 1 or patience_ms < 0")
        self.policy = policy
        self.able = able
        self.cap = cap
        self.patience_ms = patience_ms
        self.state = machine.IDLE
        #: The sessions whose descriptors are held, by number.
        self.sessions: dict[int, Session] = {}
        self.opened = 0
        self.closed = 0
        self._expects_answers = expects_answers
        self._observe = observe
        self._resume_at = NEVER

    @property
    def held(self) -> int:
        """Descriptors of sessions taken and not given back: at most ``cap`` and one."""
        return self.opened - self.closed

    def bound_ms(self, cause: str) -> float:
        """How long a client dead in the way of ``cause`` can go unnoticed, in milliseconds; see ``Capability``."""
        return self.able.notices_ms(cause, self.policy, self._expects_answers)

    def _in(self, states: "tuple[str, ...]") -> "list[Session]":
        """Sessions in ``states``, the one that was heard longest ago first."""
        found = [(s.vitals.heard_at, s.number) for s in self.sessions.values() if s.state in states]
        return [self.sessions[number] for _, number in sorted(found)]

    def door(self, event: str, now: int, cause: str = "") -> "Effects":
        """What to do now that ``event`` happened to the listening socket. Raises :class:`KeyError` for no row."""
        before = self.state
        self.state, effects = DOOR[(before, event)]
        self._observe(SessionChange(now, before, event, self.state, cause, 0, 0, cause not in _WANTED), None)
        return [(effect, None) for effect in effects]

    def room(self, now: int) -> "Effects":
        """Before ``accept()``: whoever still parts at the door makes way, so that one descriptor is there."""
        if self.held <= self.cap:
            return []
        return self.on(self._in((PARTING,))[0], EVICTED, now)

    def accepted(
        self, peer: str, wire: "Any", now: int, free: "int | None" = None, largest: "int | None" = None
    ) -> "tuple[Session, Effects]":
        """A client was accepted; ``free`` and ``largest`` are bytes of heap, ``None`` where a port cannot tell.

        ``wire`` is what the driver keeps with the session.
        """
        served = self._in(SERVED)
        idle_ms = now - served[0].vitals.heard_at if served else 0
        heap = self.policy.gate(free, largest, False)
        event = verdict(len(served), self.cap, idle_ms, self.patience_ms, heap)
        effects: Effects = []
        if event == EVICTED:
            effects = self.on(served[0], EVICTED, now)
            event = ACCEPTED
        self.opened += 1
        session = Session(self.opened, peer, wire, Vitals(self.policy, self._expects_answers, now))
        self.sessions[session.number] = session
        effects += self.on(session, event, now, HEAP_LOW if heap == machine.HEAP_SHORT else "")
        return session, effects

    def accept_failed(self, code: int, now: int) -> "Effects":
        """``accept()`` failed with errno ``code``; a client that left before it was accepted is no failure."""
        return [] if errno_name(code) in _CLIENT_GONE else self.listen_failed(code, now)

    def listen_failed(self, code: int, now: int) -> "Effects":
        """A listening socket could not be had, or it fails, with errno ``code``.

        Without descriptors somebody goes, if anybody may, and the next try is at once; else it is after ``pause_ms``.
        """
        event = event_of_refusal(code)
        cause = cause_named_by(event) or errno_name(code)
        effects = self.door(event, now, cause)
        self._resume_at = now + self.policy.pause_ms
        if event == machine.DESCRIPTORS_EXHAUSTED:
            for session in self._in((PARTING,)) + self._in(SERVED):
                if session.state == PARTING or now - session.vitals.heard_at >= self.patience_ms:
                    self._resume_at = now
                    return effects + self.on(session, EVICTED, now, cause)
        return effects

    def on(self, session: Session, event: str, now: int, cause: str = "") -> "Effects":
        """What to do now that ``event`` happened to ``session``. Raises :class:`machine.ImpossibleEvent`."""
        before = session.state
        state, effects = SESSION.get((before, event)) or machine.step(before, event)
        cause = cause or (_CAUSE_OF[event] if event in _CAUSE_OF else cause_named_by(event))
        if state == before:
            return []
        session.state = state
        if state == machine.DOUBTED:
            session.vitals.doubted(now)
        elif state == GONE:
            self.closed += 1
            del self.sessions[session.number]
        elif state not in SERVED:
            session.cause = session.cause or cause
            session.parting_at = now + self.policy.parting_ms if state == PARTING else NEVER
        loss = before != PARTING and cause not in _WANTED
        quiet = session.vitals.quiet(event, now)
        who = session.number, session.peer
        change = SessionChange(
            now, before, event, state, cause, 0, 0, loss, quiet, session=who[0], peer=who[1]
        )
        self._observe(change, session)
        return [(effect, session) for effect in effects]

    def heard(self, session: Session, now: int) -> "Effects":
        """Bytes came from the client."""
        session.vitals.heard_byte(now)
        return self.on(session, machine.HEARD, now)

    def _next(self) -> "tuple[float, int]":
        """When the next clock runs out, and the number of the session whose it is (0: the listening socket)."""
        clocks = [(session.due_at(), session.number) for session in self.sessions.values()]
        clocks.append((self._resume_at if self.state == machine.PAUSED else NEVER, 0))
        return min(clocks)

    def wake_at(self) -> float:
        """When :meth:`tick` has something to do next; ``NEVER`` when only the world can go on."""
        return self._next()[0]

    def tick(self, now: int) -> "Effects":
        """Act on the clock that ran out first by ``now``, if one did; call again while ``wake_at() <= now``."""
        at, number = self._next()
        if at > now:
            return []
        if not number:
            return self.door(machine.RETRY_SOCKET, now)
        session = self.sessions[number]
        event = session.vitals.next_clock()[1] if session.state in SERVED else machine.PARTING_EXPIRED
        return self.on(session, event, now)

    def stop(self, now: int) -> "Effects":
        """Close the door and every session."""
        effects = self.door(machine.STOPPED, now, STOPPED)
        for number in sorted(self.sessions):
            effects += self.on(self.sessions[number], machine.STOPPED, now)
        return effects
