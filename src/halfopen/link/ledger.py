"""Every descriptor from creation to close, and the sweep that closes what nobody owns any more.

The article's garbage-collection loop, made safe: it closes orphans that this ledger knows, through the objects that
were entered, never a range of numbers that may belong to somebody else. ``host.ComputersLedger`` does more.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Ledger:
    """Owns what it is given until it is closed or given away."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[Any, str]] = {}
        self.opened = 0
        self.closed = 0
        #: Orphans that sweeps closed: on a sound program it stays 0.
        self.swept = 0

    def __len__(self) -> int:
        return len(self._entries)

    def enter(self, resource: "Any", purpose: str) -> int:
        """Own ``resource`` (it has ``close()``) from now on; the ticket returned is its name here."""
        self.opened += 1
        self._entries[self.opened] = (resource, purpose)
        return self.opened

    def close(self, ticket: int) -> bool:
        """Close what ``ticket`` names; false when it was closed before. Never raises: close() frees even as it fails."""
        entry = self._entries.pop(ticket, None)
        if entry is None:
            return False
        self.closed += 1
        try:
            entry[0].close()
        except OSError:
            pass
        return True

    def sweep(self) -> int:
        """Close all there is, which are orphans when nobody uses one; how many there were."""
        return self._close_orphans(list(self._entries))

    def _close_orphans(self, orphans: "list[int]") -> int:
        for ticket in orphans:
            self.close(ticket)
        self.swept += len(orphans)
        return len(orphans)

    def purposes(self) -> "list[str]":
        """What the open entries are for, oldest first."""
        return [self._entries[ticket][1] for ticket in sorted(self._entries)]
