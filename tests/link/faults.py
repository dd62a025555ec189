"""The faults that every driver must survive, as data: what is done, what must notice it, and by when.

A lab is real (``netlab``) or simulated (``tests/twin/twinlab``): both have the same methods, and time is the lab's. The
deadlines are small so that the suite is quick; what is asserted is computed from them (``link.bound``), so a
driver with other deadlines is held to the same promise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.link import netlab
from tests.link.netlab import Lab, Subject

#: Milliseconds and seconds as in ``link.policy``.
QUICK = {
    "silence_ms": 1500,
    "answer_ms": 1000,
    "progress_ms": 2500,
    "write_ms": 5000,
    "keep_idle_s": 1,
    "keep_interval_s": 1,
    "keep_count": 2,
    "unacked_ms": 1500,
    "dial_ms": 1000,
    "resolve_ms": 1500,
    "secure_ms": 1200,
    "backoff_ms": 100,
    "backoff_max_ms": 300,
    "socket_tries": 2,
}
NEVER = float("inf")
BEAT = "\n"
MUCH = 16_000_000  # more than any send buffer takes


@dataclass(frozen=True)
class Fault:
    """``inject`` returns when the peer was dead; ``heal`` ends the fault.

    ``bound`` names what is tested: a cause of ``link.bound``, or a deadline of the policy (``dial_ms``). ``cause`` is
    the reason that must be given.
    """

    name: str
    inject: Callable[[Lab, Subject], float]
    heal: Callable[[Lab, Subject], None]
    bound: str
    cause: str
    port: int = netlab.ECHO
    heartbeat: str | None = None
    policy: dict[str, Any] = field(default_factory=dict)
    host: str = netlab.PEER_IP
    tls: bool = False
    #: What is done before the program starts; then no connection stands before the fault.
    before: Callable[[Lab], None] | None = None
    #: The state that shows that the link goes on after the fault.
    recovers_to: str = "ONLINE"

    def settings(self, **more: Any) -> dict[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "heartbeat": self.heartbeat,
            "policy": {**QUICK, **self.policy},
            "tls": self.tls,
            "descriptors": 100,
            **more,
        }


def silence(lab: Lab, subject: Subject) -> float:
    lab.blackhole()
    return lab.now()


def silence_then(command: str) -> Callable[[Lab, Subject], float]:
    def inject(lab: Lab, subject: Subject) -> float:
        lab.blackhole()
        return subject.tell(command)

    return inject


def silence_then_late(command: str) -> Callable[[Lab, Subject], float]:
    """Give ``command`` just before the first keepalive probe: what Linux's keepalive is blinded by."""

    def inject(lab: Lab, subject: Subject) -> float:
        lab.blackhole()
        dead_at = lab.now()
        lab.wait(QUICK["keep_idle_s"] * 0.9)
        subject.tell(command)
        return dead_at

    return inject


def full_buffer(lab: Lab, subject: Subject) -> float:
    lab.blackhole()
    return subject.tell(f"send {MUCH}")


def window_closes(lab: Lab, subject: Subject) -> float:
    lab.freeze()
    return subject.tell(f"send {MUCH}")


def sends_much(lab: Lab, subject: Subject) -> float:
    return subject.tell(f"send {MUCH}")


def reboot(lab: Lab, subject: Subject) -> float:
    lab.crash_peer()
    gone = lab.now()
    lab.start_peer()
    return gone


def dies_while_dialing(lab: Lab, subject: Subject) -> float:
    lab.blackhole()
    return subject.tell("drop")


def names_are_dead(lab: Lab) -> None:
    lab.blackhole("meta l4proto udp")


def the_peer_is_so(lab: Lab) -> None:
    """The fault is the peer's nature."""


def from_the_start(lab: Lab, subject: Subject) -> float:
    return lab.now()


def exhaust(lab: Lab, subject: Subject) -> float:
    subject.tell("hog")
    subject.must(5, what="hogged")
    # the lost connection frees one descriptor: take that, too
    subject.tell("drop")
    return subject.tell("hog")


def heal(lab: Lab, subject: Subject) -> None:
    lab.heal()


def thaw(lab: Lab, subject: Subject) -> None:
    lab.thaw()


def nothing(lab: Lab, subject: Subject) -> None:
    """The fault is the peer's nature."""


def release(lab: Lab, subject: Subject) -> None:
    subject.tell("release")


NO_STACK = {"unacked_ms": NEVER, "keep_idle_s": 7000}
#: A buffer may take a little more long after the window closed (the peer's stack makes room by packing): then the whole
#: write would run out first.
STALL_ONLY = {**NO_STACK, "write_ms": 30000}
NO_PROGRESS = {"progress_ms": NEVER, "write_ms": NEVER}

#: Peers that are dead, or as good as dead, while a connection stands.
DEAD_PEERS = (
    Fault("idle, heartbeat", silence, heal, "idle", "silent", heartbeat=BEAT, policy=NO_STACK),
    Fault("idle, keepalive", silence, heal, "idle", "stack-timeout"),
    Fault("unacked data, heartbeat", silence_then("send 100"), heal, "unacked", "silent", heartbeat=BEAT, policy=NO_STACK),
    Fault("unacked data, TCP_USER_TIMEOUT", silence_then("send 100"), heal, "unacked", "stack-timeout"),
    Fault("idle, then written to, heartbeat", silence_then_late("send 100"), heal, "idle", "silent", heartbeat=BEAT, policy=NO_STACK),
    Fault("idle, then written to, keepalive", silence_then_late("send 100"), heal, "idle", "stack-timeout"),
    Fault("full send buffer, send-progress", full_buffer, heal, "full-buffer", "send-stalled", policy=NO_STACK),
    Fault("full send buffer, heartbeat", full_buffer, heal, "full-buffer", "silent", heartbeat=BEAT, policy={**NO_STACK, **NO_PROGRESS}),
    Fault("full send buffer, TCP_USER_TIMEOUT", full_buffer, heal, "full-buffer", "stack-timeout", policy=NO_PROGRESS),
    Fault("zero window, send-progress", window_closes, thaw, "zero-window", "send-stalled", policy=STALL_ONLY),
    Fault("zero window of a peer that talks", sends_much, nothing, "zero-window", "send-stalled", port=netlab.TALK, heartbeat=BEAT, policy=STALL_ONLY),
    Fault("peer rebooted, heartbeat", reboot, nothing, "idle", "reset", heartbeat=BEAT, policy=NO_STACK),
    Fault("peer rebooted, keepalive", reboot, nothing, "idle", "reset"),
)  # fmt: skip

#: What stands in the way of a connection, or slows one down.
OBSTACLES = (
    Fault("SYN blackholed", dies_while_dialing, heal, "dial_ms", "dial-timeout"),
    Fault("refused", from_the_start, nothing, "dial_ms", "refused", port=netlab.CLOSED, before=the_peer_is_so, recovers_to="DIALING"),
    Fault("DNS dead", from_the_start, heal, "resolve_ms", "name-timeout", host=netlab.PEER_NAME, before=names_are_dead),
    Fault("TLS handshake stalled", from_the_start, nothing, "secure_ms", "tls-timeout", port=netlab.MUTE, tls=True, before=the_peer_is_so, recovers_to="DIALING"),
    Fault("TLS handshake trickles", from_the_start, nothing, "secure_ms", "tls-timeout", port=netlab.TRICKLE, tls=True, before=the_peer_is_so, recovers_to="DIALING"),
    Fault("peer takes a trickle", sends_much, nothing, "write_ms", "send-slow", port=netlab.SLOW, policy=NO_STACK),
    Fault("descriptors exhausted", exhaust, release, "pause_ms", "descriptors-exhausted"),
)  # fmt: skip

FAULTS = DEAD_PEERS + OBSTACLES
