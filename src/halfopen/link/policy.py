"""What to do when: deadlines, pauses, the heap gate and the escalation, as pure numbers.

Time and chance are arguments. Times are whole milliseconds, because the ESP32's MicroPython has single-precision
floats: seconds as a float would lose their milliseconds after four hours.
"""

from halfopen.link import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from halfopen.link.budget import Budget

#: No such deadline.
NEVER = float("inf")

# Why a connection or an attempt ended. A system error without a name of its own here keeps its errno name.
SILENT = "silent"
SEND_STALLED = "send-stalled"
SEND_SLOW = "send-slow"
UNANSWERED = "unanswered"
STACK_TIMEOUT = "stack-timeout"  # keepalive or unacked data: no stack says which
AGED = "aged"
PEER_CLOSED = "peer-closed"
RESET = "reset"
REFUSED = "refused"
DIAL_TIMEOUT = "dial-timeout"
TLS_TIMEOUT = "tls-timeout"
TLS_FAILED = "tls-failed"
NAME_TIMEOUT = "name-timeout"
NAME_FAILED = "name-failed"
NAME_UNKNOWN = "name-unknown"  # the name server answered: the network is sound
HEAP_LOW = "heap-low"
DESCRIPTORS = "descriptors-exhausted"
PCBS = "pcbs-exhausted"
UNREACHABLE = "network-unreachable"
UNREACHABLE_ADDRESS = "address-unreachable"  # one of several: the next may be reached
JOIN_TIMEOUT = "join-timeout"
JOIN_REFUSED = "join-failed"
LEASE_TIMEOUT = "lease-timeout"
WIFI_LOST = "wifi-lost"
MOVED = "address-changed"
RELEASED = "released"
DRIVER_ERROR = "driver-error"  # an effect could not be carried out
STOPPED = "stopped"
SLEEPING = "sleeping"

#: The cause that an event names by itself, where the driver gives none.
CAUSE_OF = {
    machine.SILENCE_EXPIRED: SILENT,
    machine.SEND_STALLED: SEND_STALLED,
    machine.SEND_EXPIRED: SEND_SLOW,
    machine.ANSWER_EXPIRED: UNANSWERED,
    machine.AGE_REACHED: AGED,
    machine.PEER_CLOSED: PEER_CLOSED,
    machine.DIAL_EXPIRED: DIAL_TIMEOUT,
    machine.SECURE_EXPIRED: TLS_TIMEOUT,
    machine.SECURE_FAILED: TLS_FAILED,
    machine.NAME_EXPIRED: NAME_TIMEOUT,
    machine.NAME_FAILED: NAME_FAILED,
    machine.NAME_UNKNOWN: NAME_UNKNOWN,
    machine.HEAP_STARVED: HEAP_LOW,
    machine.DESCRIPTORS_EXHAUSTED: DESCRIPTORS,
    machine.PCBS_EXHAUSTED: PCBS,
    machine.JOIN_EXPIRED: JOIN_TIMEOUT,
    machine.JOIN_FAILED: JOIN_REFUSED,
    machine.LEASE_EXPIRED: LEASE_TIMEOUT,
    machine.WIFI_LOST: WIFI_LOST,
    machine.ADDRESS_CHANGED: MOVED,
    machine.RELEASED: RELEASED,
    machine.STOPPED: STOPPED,
    machine.SLEEP_ASKED: SLEEPING,
}


def cause_named_by(event: str) -> str:
    """The cause that ``event`` names by itself, ``""`` where it names none."""
    return CAUSE_OF.get(event, "")


#: Causes that mean: nobody was there to answer our FIN, so lwIP keeps the PCB and retransmits for 19 minutes.
DEAD_PEER = (SILENT, SEND_STALLED, SEND_SLOW, UNANSWERED, TLS_TIMEOUT)
#: Causes that speak of the way to the network, not of the peer.
OF_WIFI = (JOIN_TIMEOUT, JOIN_REFUSED, LEASE_TIMEOUT, WIFI_LOST, MOVED, UNREACHABLE)
OF_NAMES = (NAME_TIMEOUT, NAME_FAILED)
#: Causes that are nobody's fault: they count towards no escalation.
WANTED = (RELEASED, STOPPED, SLEEPING)
OF_MEMORY = (HEAP_LOW, DESCRIPTORS, PCBS)

#: close() towards a dead peer: the PCB lives 1159 s, measured on ESP-IDF 5.3.1 (lwIP: 12 retransmissions from 1.5 s).
LINGER_MS = 1159000


class Policy:
    """The deadlines and limits of one link; the article's values are the defaults.

    ``Policy(silence_ms=10000)`` changes one. Times are milliseconds (``_ms``), keepalive's are whole seconds (``_s``)
    because sockets take no less, memory is bytes. ``NEVER`` switches a deadline off.
    """

    # Class attributes, because a device keeps them in its flash; an instance holds what was changed.
    join_ms: float = 20000
    lease_ms: float = 15000
    resolve_ms: float = 10000
    dial_ms: float = 10000
    secure_ms: float = 15000
    heap_free_min: int = 32 * 1024
    block_min: int = 4 * 1024
    block_min_tls: int = 17 * 1024
    gate_ms: float = 30000
    gate_poll_ms: float = 1000
    keep_idle_s: int = 10
    keep_interval_s: int = 3
    keep_count: int = 3
    unacked_ms: float = 17500
    silence_ms: float = 15000
    answer_ms: float = 5000
    progress_ms: float = 20000
    write_ms: float = 30000
    age_ms: float = NEVER
    pause_ms: int = 500
    backoff_ms: int = 500
    backoff_max_ms: int = 60000
    uptime_ms: float = 60000
    lingering_max: int = 6
    socket_tries: int = 3
    name_tries: int = 3
    wifi_tries: int = 3
    wifi_budget: int = 4
    reboot_budget: int = 1
    reboot_after_ms: int = 300000
    budget_window_ms: int = 3600000
    doze_troubles: int = 3
    parting_ms: float = 1000

    def __init__(self, **changes: float) -> None:
        """Raises :class:`TypeError` for a name that is none, :class:`ValueError` for a value that no link could keep."""
        if changes:
            from halfopen.link import limits  # most programs change none

            limits.change(self, changes)

    def ask_again_ms(self) -> float:
        """How often a driver must offer bytes to a socket that does not call itself writable.

        Stacks say so late (Linux when a third of its buffer is free, lwIP when half is), so a slow peer would look
        like one that takes nothing.
        """
        return self.progress_ms / 20

    def deadline_ms(self, state: str) -> "tuple[float, str]":
        """How long ``state`` may last and the event that ends it; ``(NEVER, "")`` where other clocks rule."""
        if state == machine.JOINING:
            return self.join_ms, machine.JOIN_EXPIRED
        if state == machine.LEASING:
            return self.lease_ms, machine.LEASE_EXPIRED
        if state == machine.GATED:
            return self.gate_ms, machine.HEAP_STARVED
        if state == machine.RESOLVING:
            return self.resolve_ms, machine.NAME_EXPIRED
        if state == machine.DIALING:
            return self.dial_ms, machine.DIAL_EXPIRED
        if state == machine.SECURING:
            return self.secure_ms, machine.SECURE_EXPIRED
        if state == machine.RETIRING:
            return self.parting_ms, machine.PARTING_EXPIRED
        return NEVER, ""

    def gate(self, free: "int | None", largest: "int | None", tls: bool) -> str:
        """``HEAP_ENOUGH`` or ``HEAP_SHORT`` for ``free`` and ``largest`` bytes; ``None`` where a port cannot tell."""
        if free is not None and free < self.heap_free_min:
            return machine.HEAP_SHORT
        if largest is not None and largest < (self.block_min_tls if tls else self.block_min):
            return machine.HEAP_SHORT
        return machine.HEAP_ENOUGH

    def pause_before(self, failures: int, chance: float, draining: bool) -> int:
        """Milliseconds to pause after ``failures`` in a row; ``chance`` is uniform in [0, 1).

        500 ms and a share of a backoff that doubles up to its cap. When PCBs must drain first: the cap and a share of a
        quarter of it, so that a fleet does not come back in step.
        """
        if draining:
            return self.pause_ms + self.backoff_max_ms + int(chance * self.backoff_max_ms / 4)
        backoff = self.backoff_ms
        for _ in range(min(failures - 1, 30)):
            backoff = min(backoff * 2, self.backoff_max_ms)
        return self.pause_ms + int(chance * backoff)


class Escalation:
    """Failures counted by what they accuse, and the next thing to try: socket, name, Wi-Fi, reboot, within a budget.

    A dead broker never bounces Wi-Fi: only failures of names, of memory and of the radio itself climb that far, and
    a name that was answered or a connection that stood proves the network and takes all of it back. A reboot comes only
    after trouble that lasted (``reboot_after_ms``), however fast its attempts failed.
    """

    def __init__(self, policy: Policy, wifi: bool, reboot: bool, reboots: "Sequence[int]" = ()) -> None:
        """``wifi`` and ``reboot`` say what the port can do; ``reboots`` are the times of earlier ones, where kept."""
        self._policy = policy
        self.in_a_row = 0
        self._names = 0
        self._radio = 0
        self._memory = 0
        self._trouble_since: float = NEVER
        #: What may be done about the radio and the board; ``None`` where nothing can.
        self.budget: Budget | None = None
        if wifi or reboot or reboots:
            from halfopen.link import budget

            self.budget = budget.Budget(policy, wifi, reboot, reboots)

    def failed(self, cause: str, now: int) -> None:
        """An attempt or a connection ended for ``cause``."""
        self.in_a_row += 1
        self._trouble_since = min(self._trouble_since, now)
        if cause in OF_NAMES:
            self._names += 1
        elif cause in OF_WIFI:
            self._radio += 1
        elif cause in OF_MEMORY:
            self._memory += 1

    def network_answered(self) -> None:
        """Somebody beyond the access point answered: the way there is sound."""
        self._names = 0
        self._radio = 0

    def memory_sufficed(self) -> None:
        """A socket could be opened."""
        self._memory = 0

    def connected(self) -> None:
        """A connection stands: the network is there."""
        self.network_answered()
        self._trouble_since = NEVER

    def next_retry(self, cause: str, now: int) -> str:
        """The event that ends the pause at ``now``, after the last failure's ``cause``."""
        policy, bounces, otherwise = self._policy, False, machine.RETRY_SOCKET
        if cause in OF_MEMORY and self._memory >= policy.socket_tries:
            bounces = True
        elif cause in OF_WIFI:
            bounces = self._radio > 0 and self._radio % policy.wifi_tries == 0
            otherwise = machine.RETRY_JOIN
        elif self._names and self._names % policy.name_tries == 0:
            bounces, otherwise = True, machine.RETRY_NAME
        elif cause in OF_NAMES or (self.in_a_row and self.in_a_row % policy.socket_tries == 0):
            otherwise = machine.RETRY_NAME
        if bounces and self.budget is not None:
            return self.budget.bounce(now, self._trouble_since, otherwise)
        return otherwise
