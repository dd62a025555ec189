"""Machine, policy, clocks and counts as one object without input or output: what a driver asks and tells.

A driver tells what happened (:meth:`Keeper.on`), carries out the effects it gets back in
their order, and calls :meth:`Keeper.tick` when :meth:`Keeper.wake_at` has come. After ``CLOSE_SOCKET`` it reports
``SOCKET_CLOSED``, after ``OPEN_SOCKET`` one of ``SOCKET_OPENED``, ``DESCRIPTORS_EXHAUSTED``, ``PCBS_EXHAUSTED`` and
``SOCKET_REFUSED``, both before anything else.
"""

from halfopen.link import machine
from halfopen.link.journal import Change
from halfopen.link.policy import (
    DEAD_PEER,
    LINGER_MS,
    NEVER,
    PCBS,
    WANTED,
    Escalation,
    cause_named_by,
)
from halfopen.link.vitals import Vitals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from halfopen.link.capability import Capability
    from halfopen.link.policy import Policy

    Effects = tuple[str, ...]

#: Rows taken at every byte: no state changes, nothing to tell.
_EVERYDAY = (machine.HEARD, machine.SEND_ASKED, machine.HEAP_RECHECK_DUE)


class Keeper:
    """One link. ``expects_answers``: the peer answers a heartbeat, so silence means something.

    ``chance`` returns a uniform number in [0, 1); ``observe`` is told every :class:`Change`. Times are milliseconds
    of any clock that never goes back.
    """

    def __init__(
        self,
        policy: "Policy",
        able: "Capability",
        expects_answers: bool,
        chance: "Callable[[], float]",
        observe: "Callable[[Change], None]",
        reboots: "list[int] | tuple[int, ...]" = (),
    ) -> None:
        self.policy = policy
        self.able = able
        self.state = machine.IDLE
        self.epoch = 0
        self.attempt = 0
        #: Why the last attempt or connection ended, "" while none has.
        self.cause = ""
        self.sockets_opened = 0
        self.sockets_closed = 0
        #: Whether the last close was towards somebody who will not answer a FIN.
        self.peer_is_dead = False
        self.vitals: Vitals | None = None
        self.escalation = Escalation(policy, able.wifi, able.reboot, reboots)
        self._expects_answers = expects_answers
        self._chance = chance
        self._observe = observe
        self._since = 0
        self._online_at = 0
        self._recheck_at = NEVER
        self._resume_at = NEVER
        #: When the PCBs that closes towards dead peers left behind will be gone.
        self._lingering: list[int] = []

    @property
    def sockets_held(self) -> int:
        """Descriptors taken and not given back: 1 in ``machine.HOLDS``, else 0."""
        return self.sockets_opened - self.sockets_closed

    def lingering(self, now: int) -> int:
        """PCBs that earlier closes towards dead peers still hold at ``now``."""
        self._lingering = [gone for gone in self._lingering if gone > now]
        return len(self._lingering)

    def on(self, event: str, now: int, cause: str = "") -> "Effects":
        """What to do now that ``event`` happened. Raises :class:`machine.ImpossibleEvent` and then changes nothing."""
        before, vitals, quiet = self.state, self.vitals, None
        state, effects = machine.step(before, event)
        if vitals is not None:
            quiet = vitals.quiet(event, now)
            if event == machine.HEARD:
                vitals.heard_byte(now)
        cause = cause or cause_named_by(event)
        wanted = cause in WANTED
        if event == machine.SOCKET_OPENED:
            self.sockets_opened += 1
        if machine.CLOSE_SOCKET in effects:
            self.sockets_closed += 1
            # a goodbye that was not answered, or a connection given back while in doubt, leads to nobody either
            in_doubt = before == machine.DOUBTED and wanted
            self.peer_is_dead = cause in DEAD_PEER or in_doubt or event == machine.PARTING_EXPIRED
            if self.peer_is_dead and not self.able.linger:
                self._lingering.append(now + LINGER_MS)
        self.state = state
        if state != before:
            self._since = now
            self._entered(before, event, effects, now, cause)
        elif event == machine.HEAP_SHORT:
            self._recheck_at = now + self.policy.gate_poll_ms
        elif event == machine.WIFI_LOST and state in (machine.CLOSING, machine.PAUSED):
            # sockets fail a moment before the radio tells: it is the join that must be retried
            self.cause = cause
        if state != before or event not in _EVERYDAY:
            loss = bool(cause) and not wanted and before != machine.RETIRING
            self._observe(Change(now, before, event, state, cause, self.attempt, self.epoch, loss, quiet))
        return effects

    def _entered(self, before: str, event: str, effects: "Effects", now: int, cause: str) -> None:
        """The counts and clocks that go with a new state."""
        state = self.state
        if before in (machine.ONLINE, machine.DOUBTED) and now - self._online_at >= self.policy.uptime_ms:
            self.escalation.in_a_row = 0  # only a sustained uptime takes the backoff back
        if event in (machine.NAME_RESOLVED, machine.NAME_UNKNOWN):
            self.escalation.network_answered()
        elif event == machine.SOCKET_OPENED:
            self.escalation.memory_sufficed()
        elif event in (machine.WIFI_LOST, machine.RETRY_WIFI) and self.able.stack == "lwip":
            self._lingering = []  # a netif that goes down aborts every PCB (measured on ESP-IDF 5.3.1)
        if state == machine.GATED:
            self.attempt += 1
            self._recheck_at = NEVER
        elif state == machine.ONLINE and before != machine.DOUBTED:
            self._online_at = now
            self.vitals = Vitals(self.policy, self._expects_answers, now)
            self.escalation.connected()
        elif state == machine.DOUBTED and self.vitals is not None:
            self.vitals.doubted(now)
        elif state == machine.CLOSING or (state == machine.PAUSED and before != machine.CLOSING):
            self.cause = cause
            if cause not in WANTED:
                self.escalation.failed(cause, now)
        if state == machine.PAUSED:
            draining = self.cause == PCBS or self.lingering(now) >= self.policy.lingering_max
            failures = self.escalation.in_a_row
            self._resume_at = now + self.policy.pause_before(failures, self._chance(), draining)
        if machine.NEW_EPOCH in effects:
            self.epoch += 1
        if state not in machine.HOLDS:
            self.vitals = None

    def accepted(self, size: int, now: int) -> None:
        """The socket took ``size`` of the bytes queued."""
        if self.vitals is not None:
            self.vitals.bytes_accepted(size, now)

    def _next(self) -> "tuple[float, str]":
        """When something must be done next, and the event that says so; the pause's is decided when it is over."""
        if self.state == machine.PAUSED:
            return self._resume_at, ""
        if self.vitals is not None and self.state in (machine.ONLINE, machine.DOUBTED):
            return self.vitals.next_clock()
        limit_ms, event = self.policy.deadline_ms(self.state)
        if self._recheck_at < self._since + limit_ms and self.state == machine.GATED:
            return self._recheck_at, machine.HEAP_RECHECK_DUE
        return self._since + limit_ms, event

    def wake_at(self) -> float:
        """When :meth:`tick` has something to do next; ``NEVER`` when only the world can go on."""
        return self._next()[0]

    def tick(self, now: int) -> "Effects":
        """Act on the clock that ran out by ``now``, if one did; call again while ``wake_at() <= now``."""
        at, event = self._next()
        if now < at:
            return ()
        if event == machine.HEAP_RECHECK_DUE:
            self._recheck_at = NEVER
        return self.on(event or self.escalation.next_retry(self.cause, now), now)
