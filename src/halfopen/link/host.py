"""What a computer's drivers ask of their surroundings: free memory, addresses, an open file's identity, a log."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from halfopen.link.ledger import Ledger

#: An address as getaddrinfo gives it: family and what connect() takes.
Address = tuple[int, Any]

#: getaddrinfo's answers that a name server gave: there is no such name, or none of its addresses is for us.
NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))

_CGROUP = Path("/sys/fs/cgroup")
LOG = logging.getLogger("halfopen.link")
_T = TypeVar("_T")


def stack() -> str:
    """Whose TCP this is, for the bounds that follow from it."""
    return "linux" if sys.platform.startswith(("linux", "android")) else "other"


def log(line: str) -> None:
    """A line of the journal goes to the logger ``halfopen.link``."""
    LOG.log(logging.WARNING if line.startswith("W") else logging.INFO, "%s", line)


def guarded(call: Callable[[], _T], otherwise: _T) -> _T:
    """What the user's ``call`` returns; its error must not stop a transition half-way, so it is logged instead."""
    try:
        return call()
    except Exception:
        LOG.exception("an error in code given to the link; the link goes on")
        return otherwise


def memory() -> tuple[int | None, int | None]:
    """Bytes free for this program, and the largest block: ``None`` for what the system does not tell.

    Linux: MemAvailable, or what is left below the limit of the control group, whichever is less. A block has no
    limit of its own where memory is virtual.
    """
    free: int | None = None
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
                break
        limit = (_CGROUP / "memory.max").read_text().strip()
        if limit != "max":
            # what the control group merely caches of files it would give back
            cached = sum(_stat_of_group(name) for name in ("inactive_file", "slab_reclaimable"))
            left = int(limit) - int((_CGROUP / "memory.current").read_text()) + cached
            free = left if free is None else min(free, left)
    except (OSError, ValueError, IndexError):
        pass  # no /proc here, or no control group; or no descriptor left to read it with
    return free, None


def _stat_of_group(name: str) -> int:
    for line in (_CGROUP / "memory.stat").read_text().splitlines():
        if line.startswith(f"{name} "):
            return int(line.split()[1])
    return 0


def identity(sock: socket.socket) -> tuple[int, int] | None:
    """What tells one open descriptor from the next with the same number; ``None`` when it is not open."""
    try:
        stat = os.fstat(sock.fileno())
    except (OSError, ValueError):
        return None
    return stat.st_dev, stat.st_ino


class ComputersLedger(Ledger):
    """A ledger beside other code: it knows a descriptor again, and spares what a running block will close itself.

    A resource whose number was closed elsewhere and taken by a stranger is forgotten, not closed.
    """

    def __init__(self, identify: Callable[[Any], Any] = identity) -> None:
        """``identify`` returns what tells one open descriptor from the next with the same number."""
        super().__init__()
        self._identify = identify
        self._identities: dict[int, Any] = {}
        self._in_use: set[int] = set()

    def enter(self, resource: Any, purpose: str, in_use: bool = False) -> int:
        """As :meth:`Ledger.enter`; no sweep before the last takes what is ``in_use`` for an orphan."""
        ticket = super().enter(resource, purpose)
        self._identities[ticket] = self._identify(resource)
        if in_use:
            self._in_use.add(ticket)
        return ticket

    def close(self, ticket: int) -> bool:
        """As :meth:`Ledger.close`; false, too, when a stranger has the number now."""
        self._in_use.discard(ticket)
        known = self._identities.pop(ticket, None)
        if ticket in self._entries and self._identify(self._entries[ticket][0]) != known:
            resource, _ = self._entries.pop(ticket)
            self.closed += 1
            if hasattr(resource, "detach"):
                resource.detach()  # lets go of the number without closing it
            return False
        return super().close(ticket)

    def sweep(self, keep: int | None = None, last: bool = False) -> int:
        """As :meth:`Ledger.sweep`, without what is in use; the ``last`` takes all."""
        spared = () if last else self._in_use
        return self._close_orphans([at for at in self._entries if at != keep and at not in spared])


class NameLookup:
    """Resolves one name in a daemon thread: getaddrinfo cannot be cancelled, so nobody may have to wait for it.

    There is one thread at most: whoever asks while an abandoned lookup still hangs is answered by that one. The
    thread and its descriptor end when the system's resolver gives up, whatever the caller does.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._lock = threading.Lock()
        self._told: list[Callable[[list[Address] | OSError], None]] = []
        self._busy = False

    def ask(self, tell: Callable[[list[Address] | OSError], None]) -> None:
        """``tell`` is called in the thread with the addresses or the error."""
        with self._lock:
            self._told.append(tell)
            if self._busy:
                return
            self._busy = True
        try:
            threading.Thread(target=self._look_up, name=f"lookup of {self._host}", daemon=True).start()
        except RuntimeError as error:  # no thread to be had
            self._tell_all(OSError(errno.EAGAIN, str(error)))

    def _look_up(self) -> None:
        answer: list[Address] | OSError
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            answer = [(int(family), address) for family, _, _, _, address in found]
        except OSError as error:
            answer = error
        except UnicodeError as error:  # a name that IDNA does not allow
            answer = OSError(socket.EAI_NONAME, str(error))
        self._tell_all(answer)

    def _tell_all(self, answer: list[Address] | OSError) -> None:
        with self._lock:
            told, self._told, self._busy = self._told, [], False
        for tell in told:
            tell(answer)


def literal(host: str, port: int) -> list[Address]:
    """The address when ``host`` is one already (no name to look up), else an empty list."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [(int(family), address) for family, _, _, _, address in found]
