"""What this port can really do, and how long a dead peer can go unnoticed because of it.

Where a port can be asked, ``options`` probes it; a port that cannot be asked is not believed: MicroPython on the ESP32
returns success for options it does not know.
"""

import errno

from halfopen.link import machine
from halfopen.link.policy import NEVER, REFUSED, RESET, STACK_TIMEOUT, UNREACHABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from halfopen.link.policy import Policy

IDLE = "idle"
UNACKED = "unacked"
FULL_BUFFER = "full-buffer"
ZERO_WINDOW = "zero-window"
#: Ways in which a peer can be dead, or as good as dead.
CAUSES = (IDLE, UNACKED, FULL_BUFFER, ZERO_WINDOW)

#: lwIP's slow timer runs every 500 ms (measured: 19.2 s for 10 + 3 x 3).
_LWIP_SLACK_MS = 500
#: What a stack does when only SO_KEEPALIVE is set (RFC 1122 4.2.3.6; the same in lwIP and Linux).
UNTUNED_KEEPALIVE_MS = 7200000 + 9 * 75000
#: Computers round a long timer up; Linux, by an eighth, most of all (kernel/time/timer.c, the timer wheel).
TIMER_SLACK = 1.125

#: MicroPython's errno module lacks them; newlib and Linux agree on their numbers.
_AGREED = {23: "ENFILE", 24: "EMFILE"}

#: A cause, and the errors that mean it.
_ERRORS = (
    (RESET, " ECONNRESET EPIPE ENOTCONN "),
    (REFUSED, " ECONNREFUSED "),
    (STACK_TIMEOUT, " ETIMEDOUT "),
    (UNREACHABLE, " ENETUNREACH ENETDOWN EADDRNOTAVAIL "),
)


class Capability:
    """What a port can do.

    ``stack`` is ``linux``, ``lwip`` or ``other``; ``keepalive`` is ``tuned``, ``untuned`` (two hours) or ``none``.
    ``linger`` means that SO_LINGER 0 works, so that a close towards a dead peer leaves no PCB behind.
    """

    stack: str = "other"
    keepalive: str = "none"
    user_timeout: bool = False
    linger: bool = False
    shutdown: bool = False
    pollhup: bool = False
    wifi: bool = False
    reboot: bool = False

    def __init__(self, **able: "Any") -> None:
        """``able`` are the attributes that differ from a port that can do nothing."""
        for name in able:
            setattr(self, name, able[name])

    def __repr__(self) -> str:
        return self.said()

    def said(self) -> str:
        """Every ability as ``name=value``, as the journal says it."""
        said = ["stack=" + self.stack, "keepalive=" + self.keepalive]
        for name in ("user_timeout", "linger", "shutdown", "pollhup", "wifi", "reboot"):
            said.append(f"{name}={'yes' if getattr(self, name) else 'no'}")
        return " ".join(said)

    def notices_ms(self, cause: str, policy: "Policy", expects_answers: bool) -> float:
        """The longest time in milliseconds for which a peer dead in the way of ``cause`` can go unnoticed.

        The clock starts when the peer dies (``idle``, ``unacked``) or when the socket took the last byte while more
        was queued (``full-buffer``, ``zero-window``). Infinite when nothing on this port can notice. ``zero-window``
        is a peer that lives and may even talk, but takes nothing: only send-progress sees it.
        Raises :class:`ValueError` for another cause.
        """
        if cause not in CAUSES:
            raise ValueError(f"no such cause: {cause}; there are {', '.join(CAUSES)}")
        noticed = [policy.age_ms]
        if cause in (FULL_BUFFER, ZERO_WINDOW):
            noticed += [policy.progress_ms + policy.ask_again_ms(), policy.write_ms]
        if cause != ZERO_WINDOW:
            noticed.append(self.stack_notices_ms(cause, policy))
            if expects_answers:
                noticed.append(policy.silence_ms + policy.answer_ms)
        return min(noticed)

    def stack_notices_ms(self, cause: str, policy: "Policy") -> float:
        """How long the stack's own detectors take for a peer that is dead in the way of ``cause``, in milliseconds."""
        lwip = self.stack == "lwip"
        if self.keepalive == "none" or (not lwip and cause != IDLE):
            return NEVER  # an unknown stack may do as Linux does: no keepalive while data is unacked
        keepalive_ms = UNTUNED_KEEPALIVE_MS
        if self.keepalive == "tuned":
            keepalive_ms = 1000 * (policy.keep_idle_s + policy.keep_count * policy.keep_interval_s)
        return keepalive_ms + _LWIP_SLACK_MS if lwip else keepalive_ms * TIMER_SLACK

    def cause_of(self, code: int) -> str:
        """Why a call that failed with ``code`` ended the connection; an error without its own cause keeps its name."""
        name = errno_name(code)
        if name == "EHOSTUNREACH" and self.stack == "lwip":
            return UNREACHABLE  # lwIP says so when its netif is down, Linux of a host that does not answer
        for cause, names in _ERRORS:
            if f" {name} " in names:
                return cause
        return name


def errno_name(code: int) -> str:
    """The name of an error number in this port's numbering (113 is not the same everywhere), else ``E<number>``."""
    return errno.errorcode.get(code) or _AGREED.get(code) or f"E{code}"


def event_of_refusal(code: int) -> str:
    """What it means that ``socket()`` failed with ``code``: the table is full (23, 24), memory is (105, 12), or else."""
    name = errno_name(code)
    if name in ("ENFILE", "EMFILE"):
        return machine.DESCRIPTORS_EXHAUSTED
    if name in ("ENOBUFS", "ENOMEM"):
        return machine.PCBS_EXHAUSTED
    return machine.SOCKET_REFUSED
