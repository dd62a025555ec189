"""Socket options where a port can be asked what became of them: probed, then set on every socket (CPython).

An option counts only when it was set by name and read back: some ports return success for options they do not know,
and raw numbers misfire there (3 is not keepalive's idle time but a multicast option).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from halfopen.link.capability import IDLE, TIMER_SLACK, Capability
from halfopen.link.policy import NEVER, Policy

#: TCP_USER_TIMEOUT counts from the first retransmission (measured 0.4 s late); that comes after one RTO, which is 1 s
#: where the path was never measured (TCP_TIMEOUT_INIT).
_LINUX_FIRST_RTO_MS = 1000

#: struct linger { int l_onoff; int l_linger; }, switched on with no time: close() aborts with RST.
ABORT = b"\x01\x00\x00\x00\x00\x00\x00\x00"


class LinuxCapability(Capability):
    """What Linux can do: its keepalive is blind while data is unacked, and TCP_USER_TIMEOUT is not."""

    def stack_notices_ms(self, cause: str, policy: Policy) -> float:
        """As in :class:`Capability`; measured: 19.4 s for 10 + 3 x 3, 13.1 s with TCP_USER_TIMEOUT 5 s, 31.7 s with 30 s.

        Somebody who writes just before the last probe would have told blinds keepalive, and TCP_USER_TIMEOUT begins to
        count only then (measured: 36.5 s for the default policy), so an idle connection is bounded by both together.
        """
        if not self.user_timeout or policy.unacked_ms == NEVER:
            return NEVER  # a byte written in time leaves it to the retransmissions, a quarter of an hour and more
        unacked_ms = policy.unacked_ms * TIMER_SLACK + _LINUX_FIRST_RTO_MS
        if cause != IDLE:
            return unacked_ms
        if self.keepalive != "tuned":
            return super().stack_notices_ms(cause, policy) + unacked_ms
        # TCP_USER_TIMEOUT overrides the probe count: dead at the first probe after it
        probes = 1
        while 1000 * (policy.keep_idle_s + probes * policy.keep_interval_s) < policy.unacked_ms:
            probes += 1
        return 1000 * (policy.keep_idle_s + probes * policy.keep_interval_s) * TIMER_SLACK + unacked_ms


def probe(socket: ModuleType, select: ModuleType, stack: str, *, wifi: bool, reboot: bool) -> Capability:
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
        kind = LinuxCapability if stack == "linux" else Capability
        return kind(
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


def _keep_options(socket: ModuleType, idle_s: int, interval_s: int, count: int) -> list[tuple[str, int]]:
    """Keepalive's options by name; macOS calls the idle time TCP_KEEPALIVE."""
    idle = "TCP_KEEPIDLE" if hasattr(socket, "TCP_KEEPIDLE") else "TCP_KEEPALIVE"
    return [(idle, idle_s), ("TCP_KEEPINTVL", interval_s), ("TCP_KEEPCNT", count)]


def _takes(sock: Any, socket: ModuleType, level: str, name: str, value: int) -> bool:
    """Whether the option exists by name, can be set, and reads back as it was set (1 may read back as any truth)."""
    if not hasattr(socket, name) or not hasattr(socket, level) or not hasattr(sock, "getsockopt"):
        return False
    try:
        sock.setsockopt(getattr(socket, level), getattr(socket, name), value)
        read = sock.getsockopt(getattr(socket, level), getattr(socket, name))
    except OSError:
        return False
    return read == value or (value == 1 and read != 0)


def _takes_linger(sock: Any, socket: ModuleType) -> bool:
    if not hasattr(socket, "SO_LINGER") or not hasattr(sock, "getsockopt"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(ABORT))[0])
    except OSError:
        return False


def prepare(sock: Any, socket: ModuleType, able: Capability, policy: Policy) -> None:
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
