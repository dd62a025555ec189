"""What this port can really do, probed; and how long a dead peer can go unnoticed because of it.

An option counts only when it was set by name and read back: some ports return success for options they do not know
(MicroPython on the ESP32), and raw numbers misfire there (3 is not keepalive's idle time but a multicast option).
"""

import errno

from halfopen.link import machine
from halfopen.link.policy import NEVER, REFUSED, RESET, STACK_TIMEOUT, UNREACHABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
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
#: Linux rounds a long timer up by at most an eighth (kernel/time/timer.c, the timer wheel; measured: 19.4 s for 19).
_LINUX_SLACK = 0.125
#: TCP_USER_TIMEOUT counts from the first retransmission (measured 0.4 s late); that comes after one RTO, which is 1 s
#: where the path was never measured (TCP_TIMEOUT_INIT).
_LINUX_FIRST_RTO_MS = 1000
#: What a stack does when only SO_KEEPALIVE is set (RFC 1122 4.2.3.6; the same in lwIP and Linux).
_UNTUNED_KEEPALIVE_MS = 7200000 + 9 * 75000

#: Names this package asks for; the numbers are the port's own.
_ERRNO_NAMES = (
    "EADDRNOTAVAIL",
    "EAGAIN",
    "EALREADY",
    "ECONNABORTED",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "EINPROGRESS",
    "EMFILE",
    "ENETDOWN",
    "ENETUNREACH",
    "ENFILE",
    "ENOBUFS",
    "ENOMEM",
    "ENOTCONN",
    "EPIPE",
    "ETIMEDOUT",
)
#: MicroPython's errno module lacks them; newlib and Linux agree on their numbers.
_AGREED = {23: "ENFILE", 24: "EMFILE"}

_CAUSE_OF_ERRNO = {
    "ECONNRESET": RESET,
    "EPIPE": RESET,
    "ENOTCONN": RESET,
    "ECONNREFUSED": REFUSED,
    "ETIMEDOUT": STACK_TIMEOUT,
    "ENETUNREACH": UNREACHABLE,
    "ENETDOWN": UNREACHABLE,
    "EADDRNOTAVAIL": UNREACHABLE,
}


class Capability:
    """What a port can do.

    ``stack`` is ``linux``, ``lwip`` or ``other``; ``keepalive`` is ``tuned``, ``untuned`` (two hours) or ``none``.
    ``linger`` means that SO_LINGER 0 works, so that a close towards a dead peer leaves no PCB behind.
    """

    def __init__(
        self,
        *,
        stack: str = "other",
        keepalive: str = "none",
        user_timeout: bool = False,
        linger: bool = False,
        shutdown: bool = False,
        pollhup: bool = False,
        wifi: bool = False,
        reboot: bool = False,
    ) -> None:
        self.stack = stack
        self.keepalive = keepalive
        self.user_timeout = user_timeout
        self.linger = linger
        self.shutdown = shutdown
        self.pollhup = pollhup
        self.wifi = wifi
        self.reboot = reboot

    def __repr__(self) -> str:
        said = ["stack=" + self.stack, "keepalive=" + self.keepalive]
        for name in ("user_timeout", "linger", "shutdown", "pollhup", "wifi", "reboot"):
            said.append(f"{name}={'yes' if getattr(self, name) else 'no'}")
        return " ".join(said)

    def bound_ms(self, cause: str, policy: "Policy", expects_answers: bool) -> float:
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
            noticed += [policy.progress_ms + policy.ask_again_ms, policy.write_ms]
        if cause != ZERO_WINDOW:
            noticed.append(self._stack_notices_ms(cause, policy))
            if expects_answers:
                noticed.append(policy.silence_ms + policy.answer_ms)
        return min(noticed)

    def _stack_notices_ms(self, cause: str, policy: "Policy") -> float:
        """What keepalive and TCP_USER_TIMEOUT do for ``cause``."""
        idle_ms, interval_ms = policy.keep_idle_s * 1000, policy.keep_interval_s * 1000
        probes = policy.keep_count
        user_timeout = self.user_timeout and policy.unacked_ms < NEVER
        if self.stack == "linux":
            if cause != IDLE:
                # keepalive never fires while data is unacked
                if not user_timeout:
                    return NEVER
                return policy.unacked_ms * (1 + _LINUX_SLACK) + _LINUX_FIRST_RTO_MS
            if user_timeout and self.keepalive == "tuned":
                # TCP_USER_TIMEOUT overrides the probe count: dead at the first probe after it
                probes = 1
                while idle_ms + probes * interval_ms < policy.unacked_ms:
                    probes += 1
        if self.keepalive == "none":
            return NEVER
        if self.keepalive == "untuned":
            return _UNTUNED_KEEPALIVE_MS * (1 + _LINUX_SLACK)
        keepalive_ms = idle_ms + probes * interval_ms
        if self.stack == "lwip":
            return keepalive_ms + _LWIP_SLACK_MS  # and with data unacked just the same (measured)
        if self.stack == "linux" or cause == IDLE:
            return keepalive_ms * (1 + _LINUX_SLACK)
        return NEVER  # an unknown stack may do as Linux does


def probe(socket: "ModuleType", select: "ModuleType", stack: str, *, wifi: bool, reboot: bool) -> Capability:
    """Try on a socket of its own what the port can do; the socket is closed again, whatever happens.

    Raises :class:`OSError` when not even one socket can be had.
    """
    sock = socket.socket()
    try:
        keepalive = "none"
        if _takes(sock, socket, "SOL_SOCKET", "SO_KEEPALIVE", 1):
            keepalive = "untuned"
            tuned = [
                _takes(sock, socket, "IPPROTO_TCP", name, value)
                for name, value in _keep_options(socket, 7, 5, 4)
            ]
            if False not in tuned:
                keepalive = "tuned"
        return Capability(
            stack=stack,
            keepalive=keepalive,
            user_timeout=_takes(sock, socket, "IPPROTO_TCP", "TCP_USER_TIMEOUT", 4321),
            linger=_takes_linger(sock, socket),
            shutdown=hasattr(sock, "shutdown"),
            pollhup=hasattr(select, "POLLHUP"),
            wifi=wifi,
            reboot=reboot,
        )
    finally:
        sock.close()


def _keep_options(socket: "ModuleType", idle_s: int, interval_s: int, count: int) -> "list[tuple[str, int]]":
    """Keepalive's options by name; macOS calls the idle time TCP_KEEPALIVE."""
    idle = "TCP_KEEPIDLE" if hasattr(socket, "TCP_KEEPIDLE") else "TCP_KEEPALIVE"
    return [(idle, idle_s), ("TCP_KEEPINTVL", interval_s), ("TCP_KEEPCNT", count)]


def _takes(sock: "Any", socket: "ModuleType", level: str, name: str, value: int) -> bool:
    """Whether the option exists by name, can be set, and reads back as it was set (1 may read back as any truth)."""
    if not hasattr(socket, name) or not hasattr(socket, level) or not hasattr(sock, "getsockopt"):
        return False
    try:
        sock.setsockopt(getattr(socket, level), getattr(socket, name), value)
        read = sock.getsockopt(getattr(socket, level), getattr(socket, name))
    except OSError:
        return False
    return read == value or (value == 1 and read != 0)


#: struct linger { int l_onoff; int l_linger; }, switched on with no time: close() aborts with RST.
ABORT = b"\x01\x00\x00\x00\x00\x00\x00\x00"


def _takes_linger(sock: "Any", socket: "ModuleType") -> bool:
    if not hasattr(socket, "SO_LINGER") or not hasattr(sock, "getsockopt"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(ABORT))[0])
    except OSError:
        return False


def prepare(sock: "Any", socket: "ModuleType", able: Capability, policy: "Policy") -> None:
    """Make a fresh socket non-blocking and set what the port was seen to take. Raises :class:`OSError`."""
    sock.setblocking(False)
    if able.keepalive != "none":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if able.keepalive == "tuned":
        for name, value in _keep_options(
            socket, policy.keep_idle_s, policy.keep_interval_s, policy.keep_count
        ):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    if able.user_timeout and policy.unacked_ms < NEVER:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(policy.unacked_ms))


def errno_name(code: int) -> str:
    """The name of an error number in this port's numbering (113 is not the same everywhere), else ``E<number>``."""
    for name in _ERRNO_NAMES:
        if getattr(errno, name, None) == code:
            return name
    return _AGREED.get(code) or f"E{code}"


def cause_of(code: int) -> str:
    """Why a socket call that failed with ``code`` ended the connection; an error without its own cause keeps its name."""
    name = errno_name(code)
    return _CAUSE_OF_ERRNO.get(name, name)


def event_of_refusal(code: int) -> str:
    """What it means that ``socket()`` failed with ``code``: the table is full (23, 24), memory is (105, 12), or else."""
    name = errno_name(code)
    if name in ("ENFILE", "EMFILE"):
        return machine.DESCRIPTORS_EXHAUSTED
    if name in ("ENOBUFS", "ENOMEM"):
        return machine.PCBS_EXHAUSTED
    return machine.SOCKET_REFUSED
