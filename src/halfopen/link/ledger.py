"""Every descriptor from creation to close, and the sweep that closes what nobody owns any more.

The article's garbage-collection loop, made safe: it closes orphans that this ledger knows, through the objects that
were entered, never a range of numbers that may belong to somebody else.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Ledger:
    """Owns what it is given until it is closed or given away.

    ``identify`` may return what tells one open descriptor from the next with the same number (device and inode of
    ``fstat``); then a resource whose number was closed elsewhere and taken by a stranger is forgotten, not closed.
    """

    def __init__(self, identify: "Callable[[Any], Any] | None" = None) -> None:
        self._identify = identify
        self._entries: dict[int, tuple[Any, str, Any, bool]] = {}
        self._next = 1
        self.opened = 0
        self.closed = 0
        #: Orphans that sweeps closed: on a sound program it stays 0.
        self.swept = 0

    def __len__(self) -> int:
        return len(self._entries)

    def enter(self, resource: "Any", purpose: str, in_use: bool = False) -> int:
        """Own ``resource`` (it has ``close()``) from now on; the ticket returned is its name here.

        ``in_use``: a block of code that is still running will close it, so no sweep before the last takes it for an orphan.
        """
        ticket = self._next
        self._next += 1
        identity = self._identify(resource) if self._identify else None
        self._entries[ticket] = (resource, purpose, identity, in_use)
        self.opened += 1
        return ticket

    def close(self, ticket: int) -> bool:
        """Close what ``ticket`` names; false when it was closed before. Never raises: close() frees even as it fails."""
        entry = self._entries.pop(ticket, None)
        if entry is None:
            return False
        self.closed += 1
        resource, _, identity, _ = entry
        if self._identify is not None and self._identify(resource) != identity:
            # A stranger has the number now. Let go of it without closing, where the object can.
            if hasattr(resource, "detach"):
                resource.detach()
            return False
        try:
            resource.close()
        except OSError:
            pass
        return True

    def sweep(self, keep: "int | None" = None, last: bool = False) -> int:
        """Close every orphan: what is not in use and is not ``keep``; how many there were. The ``last`` takes all."""
        orphans = [at for at, entry in self._entries.items() if at != keep and (last or not entry[3])]
        for ticket in orphans:
            self.close(ticket)
        self.swept += len(orphans)
        return len(orphans)

    def purposes(self) -> "list[str]":
        """What the open entries are for, oldest first."""
        return [self._entries[ticket][1] for ticket in sorted(self._entries)]
