"""The table is the machine: which event in which state leads where, and what must then be done.

Nothing decides beside this table. A guard is an event that ``policy`` made of plain numbers; a driver carries out
effects and reports events. A connection attempt holds at most one descriptor: the event ``SOCKET_OPENED`` takes it,
the effect ``CLOSE_SOCKET`` gives it back, and :data:`HOLDS` says in which states it is held.
"""

# The article's five stages, in its words, with the finer states under them.
IDLE = "IDLE"
JOINING = "JOINING"
LEASING = "LEASING"
GATED = "GATED"
RESOLVING = "RESOLVING"
OPENING = "OPENING"
DIALING = "DIALING"
SECURING = "SECURING"
ONLINE = "ONLINE"
DOUBTED = "DOUBTED"
CLOSING = "CLOSING"
PAUSED = "PAUSED"
RETIRING = "RETIRING"
ASLEEP = "ASLEEP"
REBOOTING = "REBOOTING"

STAGES = (
    ("Off", (IDLE, ASLEEP, REBOOTING)),
    ("Initialize Wi-Fi", (JOINING, LEASING)),
    ("Check System Heap", (GATED,)),
    ("Instantiate Socket", (RESOLVING, OPENING, DIALING, SECURING)),
    ("Monitor and Transmit", (ONLINE, DOUBTED)),
    ("Close Socket & Free FD", (CLOSING, PAUSED, RETIRING)),
)

#: States in which the attempt owns a descriptor.
HOLDS = (DIALING, SECURING, ONLINE, DOUBTED, RETIRING)
#: States in which the radio is up and has an address: to lose either there is news.
ADDRESSED = (GATED, RESOLVING, OPENING, DIALING, SECURING, ONLINE, DOUBTED)

# What drivers report (past tense) and what policy concludes from time and numbers.
STARTED = "STARTED"
STOPPED = "STOPPED"
JOINED = "JOINED"
JOIN_FAILED = "JOIN_FAILED"
JOIN_EXPIRED = "JOIN_EXPIRED"
LEASE_OBTAINED = "LEASE_OBTAINED"
LEASE_EXPIRED = "LEASE_EXPIRED"
WIFI_LOST = "WIFI_LOST"
ADDRESS_CHANGED = "ADDRESS_CHANGED"
ROAMED = "ROAMED"
DOZE_FORBIDDEN = "DOZE_FORBIDDEN"
HEAP_ENOUGH = "HEAP_ENOUGH"
HEAP_SHORT = "HEAP_SHORT"
HEAP_RECHECK_DUE = "HEAP_RECHECK_DUE"
HEAP_STARVED = "HEAP_STARVED"
NAME_RESOLVED = "NAME_RESOLVED"
NAME_KNOWN = "NAME_KNOWN"
NAME_FAILED = "NAME_FAILED"
NAME_UNKNOWN = "NAME_UNKNOWN"
NAME_EXPIRED = "NAME_EXPIRED"
SOCKET_OPENED = "SOCKET_OPENED"
DESCRIPTORS_EXHAUSTED = "DESCRIPTORS_EXHAUSTED"
PCBS_EXHAUSTED = "PCBS_EXHAUSTED"
SOCKET_REFUSED = "SOCKET_REFUSED"
CONNECTED = "CONNECTED"
CONNECTED_FOR_TLS = "CONNECTED_FOR_TLS"
DIAL_FAILED = "DIAL_FAILED"
DIAL_EXPIRED = "DIAL_EXPIRED"
SECURED = "SECURED"
SECURE_FAILED = "SECURE_FAILED"
SECURE_EXPIRED = "SECURE_EXPIRED"
HEARD = "HEARD"
SEND_ASKED = "SEND_ASKED"
SILENCE_NOTICED = "SILENCE_NOTICED"
SILENCE_EXPIRED = "SILENCE_EXPIRED"
SEND_STALLED = "SEND_STALLED"
SEND_EXPIRED = "SEND_EXPIRED"
ANSWER_EXPIRED = "ANSWER_EXPIRED"
AGE_REACHED = "AGE_REACHED"
PEER_CLOSED = "PEER_CLOSED"
SOCKET_FAILED = "SOCKET_FAILED"
RELEASED = "RELEASED"
SOCKET_CLOSED = "SOCKET_CLOSED"
RETRY_SOCKET = "RETRY_SOCKET"
RETRY_NAME = "RETRY_NAME"
RETRY_JOIN = "RETRY_JOIN"
RETRY_WIFI = "RETRY_WIFI"
RETRY_REBOOT = "RETRY_REBOOT"
SLEEP_ASKED = "SLEEP_ASKED"
PARTED = "PARTED"
PARTING_EXPIRED = "PARTING_EXPIRED"
WOKE = "WOKE"

# What a driver must do (imperative), in the order given.
JOIN_WIFI = "JOIN_WIFI"
LEAVE_WIFI = "LEAVE_WIFI"
AWAIT_LEASE = "AWAIT_LEASE"
DISABLE_POWER_SAVE = "DISABLE_POWER_SAVE"
CHECK_HEAP = "CHECK_HEAP"
RESOLVE_NAME = "RESOLVE_NAME"
FORGET_NAME = "FORGET_NAME"
SWEEP = "SWEEP"
OPEN_SOCKET = "OPEN_SOCKET"
CONNECT_SOCKET = "CONNECT_SOCKET"
START_TLS = "START_TLS"
HAND_OVER = "HAND_OVER"
SEND_BYTES = "SEND_BYTES"
QUEUE_HEARTBEAT = "QUEUE_HEARTBEAT"
SAY_GOODBYE = "SAY_GOODBYE"
CLOSE_SOCKET = "CLOSE_SOCKET"
NEW_EPOCH = "NEW_EPOCH"
REBOOT = "REBOOT"

#: Effects that put bytes of the application on the wire.
TRANSMITS = (SEND_BYTES, QUEUE_HEARTBEAT)

TRANSITIONS = {
    (IDLE, STARTED): (JOINING, (JOIN_WIFI,)),
    # Initialize Wi-Fi: layer 2, then a lease.
    (JOINING, JOINED): (LEASING, (AWAIT_LEASE,)),
    (JOINING, JOIN_FAILED): (PAUSED, ()),
    (JOINING, JOIN_EXPIRED): (PAUSED, ()),
    (LEASING, LEASE_OBTAINED): (GATED, (CHECK_HEAP,)),
    (LEASING, LEASE_EXPIRED): (PAUSED, ()),
    # Check System Heap: nothing is allocated for the network before this gate opens.
    (GATED, HEAP_ENOUGH): (RESOLVING, (RESOLVE_NAME,)),
    (GATED, HEAP_SHORT): (GATED, (SWEEP,)),
    (GATED, HEAP_RECHECK_DUE): (GATED, (CHECK_HEAP,)),
    (GATED, HEAP_STARVED): (PAUSED, (SWEEP,)),
    # Instantiate Socket: every dial begins with the sweep.
    (RESOLVING, NAME_RESOLVED): (OPENING, (SWEEP, OPEN_SOCKET)),
    (RESOLVING, NAME_KNOWN): (OPENING, (SWEEP, OPEN_SOCKET)),
    (RESOLVING, NAME_FAILED): (PAUSED, ()),
    (RESOLVING, NAME_UNKNOWN): (PAUSED, ()),
    (RESOLVING, NAME_EXPIRED): (PAUSED, ()),
    (OPENING, SOCKET_OPENED): (DIALING, (CONNECT_SOCKET,)),
    (OPENING, DESCRIPTORS_EXHAUSTED): (PAUSED, (SWEEP,)),
    (OPENING, PCBS_EXHAUSTED): (PAUSED, ()),
    (OPENING, SOCKET_REFUSED): (PAUSED, ()),
    (DIALING, CONNECTED): (ONLINE, (HAND_OVER,)),
    (DIALING, CONNECTED_FOR_TLS): (SECURING, (START_TLS,)),
    (SECURING, SECURED): (ONLINE, (HAND_OVER,)),
    # Monitor and Transmit.
    (ONLINE, HEARD): (ONLINE, ()),
    (ONLINE, SEND_ASKED): (ONLINE, (SEND_BYTES,)),
    (ONLINE, SILENCE_NOTICED): (DOUBTED, (QUEUE_HEARTBEAT,)),
    (DOUBTED, HEARD): (ONLINE, ()),
    (DOUBTED, SEND_ASKED): (DOUBTED, (SEND_BYTES,)),
    # Close Socket & Free FD, wait, and back.
    (CLOSING, SOCKET_CLOSED): (PAUSED, ()),
    (PAUSED, RETRY_SOCKET): (GATED, (CHECK_HEAP,)),
    (PAUSED, RETRY_NAME): (GATED, (FORGET_NAME, CHECK_HEAP)),
    (PAUSED, RETRY_JOIN): (JOINING, (JOIN_WIFI,)),
    (PAUSED, RETRY_WIFI): (JOINING, (FORGET_NAME, LEAVE_WIFI, JOIN_WIFI)),
    (PAUSED, RETRY_REBOOT): (REBOOTING, (REBOOT,)),
    # Sleep: the peer sees a FIN before the radio goes dark.
    (RETIRING, PARTED): (ASLEEP, (CLOSE_SOCKET,)),
    (RETIRING, PARTING_EXPIRED): (ASLEEP, (CLOSE_SOCKET,)),
    (ASLEEP, WOKE): (JOINING, (NEW_EPOCH, SWEEP, JOIN_WIFI)),
    (RETIRING, WOKE): (CLOSING, (CLOSE_SOCKET,)),  # before it slept: the goodbye cannot be taken back
    # A close that was under way when the user stopped or slept is confirmed there.
    (IDLE, SOCKET_CLOSED): (IDLE, ()),
    (ASLEEP, SOCKET_CLOSED): (ASLEEP, ()),
    # A reboot that did not happen starts over.
    (REBOOTING, STARTED): (JOINING, (JOIN_WIFI,)),
}

#: What ends an attempt that owns a descriptor, whichever state it is in.
_FATAL = {
    DIALING: (DIAL_FAILED, DIAL_EXPIRED),
    SECURING: (SECURE_FAILED, SECURE_EXPIRED, PEER_CLOSED, SOCKET_FAILED),
    ONLINE: (SEND_STALLED, SEND_EXPIRED, ANSWER_EXPIRED, AGE_REACHED, PEER_CLOSED, SOCKET_FAILED, RELEASED),
    DOUBTED: (
        SILENCE_EXPIRED,
        SEND_STALLED,
        SEND_EXPIRED,
        ANSWER_EXPIRED,
        AGE_REACHED,
        PEER_CLOSED,
        SOCKET_FAILED,
        RELEASED,
    ),
}
for _state, _events in _FATAL.items():
    for _event in _events + (WIFI_LOST, ADDRESS_CHANGED):  # noqa: RUF005  MicroPython knows no (*a, b)
        TRANSITIONS[(_state, _event)] = (CLOSING, (CLOSE_SOCKET,))
    # Whoever still has something to say says goodbye; who has not yet met the peer just hangs up.
    if _state in (ONLINE, DOUBTED):
        TRANSITIONS[(_state, SLEEP_ASKED)] = (RETIRING, (SAY_GOODBYE,))
    else:
        TRANSITIONS[(_state, SLEEP_ASKED)] = (ASLEEP, (CLOSE_SOCKET,))
for _event in (PEER_CLOSED, SOCKET_FAILED, WIFI_LOST, ADDRESS_CHANGED):
    TRANSITIONS[(RETIRING, _event)] = (ASLEEP, (CLOSE_SOCKET,))
for _event in (SLEEP_ASKED, HEARD):
    TRANSITIONS[(RETIRING, _event)] = (RETIRING, ())
for _state in (JOINING, LEASING, GATED, RESOLVING, OPENING, PAUSED, CLOSING):
    TRANSITIONS[(_state, SLEEP_ASKED)] = (ASLEEP, ())
for _state in (LEASING, GATED, RESOLVING, OPENING):
    TRANSITIONS[(_state, WIFI_LOST)] = (PAUSED, ())
    TRANSITIONS[(_state, ADDRESS_CHANGED)] = (_state, ())
for _stage, _states in STAGES:
    for _state in _states:
        # News where nothing depends on it, and what is asked at any time.
        for _event in (WIFI_LOST, ADDRESS_CHANGED, ROAMED, SLEEP_ASKED, WOKE):
            if (_state, _event) not in TRANSITIONS:
                TRANSITIONS[(_state, _event)] = (_state, ())
        TRANSITIONS[(_state, DOZE_FORBIDDEN)] = (_state, (DISABLE_POWER_SAVE,))
        TRANSITIONS[(_state, STOPPED)] = (IDLE, (CLOSE_SOCKET,) if _state in HOLDS else ())
del _state, _event, _events, _stage, _states


class ImpossibleEvent(Exception):
    """An event that the table does not allow: a driver's mistake, never the network's.

    ``event`` and ``state`` say which, ``possible`` what the table would have taken.
    """

    def __init__(self, event: str, state: str) -> None:
        self.event = event
        self.state = state
        self.possible = possible(state)
        super().__init__(
            f"{event} is impossible in {state}; possible: {', '.join(self.possible) or 'nothing'}"
        )


def method_of(effect: str) -> str:
    """The name of the method by which a driver carries out ``effect``: ``_join_wifi`` for ``JOIN_WIFI``."""
    return "_" + effect.lower()


#: What it means that an effect could not be carried out.
_FAILURE_OF = {
    JOIN_WIFI: JOIN_FAILED,
    AWAIT_LEASE: LEASE_EXPIRED,
    RESOLVE_NAME: NAME_FAILED,
    OPEN_SOCKET: SOCKET_REFUSED,
    CONNECT_SOCKET: DIAL_FAILED,
    START_TLS: SECURE_FAILED,
    HAND_OVER: SOCKET_FAILED,
    SEND_BYTES: SOCKET_FAILED,
    QUEUE_HEARTBEAT: SOCKET_FAILED,
    SAY_GOODBYE: PARTED,
    CLOSE_SOCKET: SOCKET_CLOSED,
}


def failure_of(effect: str) -> str:
    """The event that says so, ``""`` where no state waits for what comes of it."""
    return _FAILURE_OF.get(effect, "")


def possible(state: str) -> "tuple[str, ...]":
    """The events that ``state`` takes, sorted."""
    return tuple(sorted([event for (at, event) in TRANSITIONS if at == state]))


def step(state: str, event: str) -> "tuple[str, tuple[str, ...]]":
    """The next state and the effects that lead there. Raises :class:`ImpossibleEvent`."""
    try:
        return TRANSITIONS[(state, event)]
    except KeyError:
        raise ImpossibleEvent(event, state) from None


def stage(state: str) -> str:
    """The article's name for the stage that ``state`` belongs to. Raises :class:`ValueError` for no state."""
    for name, states in STAGES:
        if state in states:
            return name
    raise ValueError(f"no such state: {state}")
