"""What a policy's limits may be: looked at when a program changes some, and only then loaded."""

from halfopen.link.policy import NEVER, Policy

#: Limits that may be 0: nothing is asked, or nothing allowed.
_FROM_ZERO = (
    "wifi_budget",
    "reboot_budget",
    "reboot_after_ms",
    "backoff_ms",
    "backoff_max_ms",
    "heap_free_min",
    "block_min",
    "block_min_tls",
)
#: Deadlines that can be switched off; every other must come, or an attempt would never end.
_MAY_NEVER_COME = ("unacked_ms", "silence_ms", "progress_ms", "write_ms", "age_ms", "uptime_ms")
#: What sockets take at most: Linux's MAX_TCP_KEEPCNT, MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL (include/net/tcp.h).
_SOCKETS_MAX = {"keep_count": 127, "keep_idle_s": 32767, "keep_interval_s": 32767}
#: 24 days: a count of milliseconds that every port's timers and option values can hold.
_MAX = 2147483647


def field_of(name: str) -> str:
    """The attribute of :class:`Policy` that holds the limit ``name``, ``""`` for none; a device has short ones."""
    return name if isinstance(getattr(Policy, name, None), (int, float)) else ""


def change(policy: "Policy", changes: "dict[str, float]") -> None:
    """Set ``changes`` in ``policy``. Raises :class:`TypeError` for a name that is none, :class:`ValueError` for a value that
    no link could keep.
    """
    for name, value in changes.items():
        field = field_of(name)
        if not field:
            raise TypeError("no such limit: " + name)
        least = 0 if name in _FROM_ZERO else 1
        if not (
            least <= value <= _SOCKETS_MAX.get(name, _MAX) or (value == NEVER and name in _MAY_NEVER_COME)
        ):
            raise ValueError(f"{name} cannot be {value}")
        setattr(policy, field, value)
    if policy.backoff_max_ms < policy.backoff_ms:
        raise ValueError("backoff_max_ms must not be below backoff_ms")
