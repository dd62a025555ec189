"""The books on descriptors, as far as a log names them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from halfopen.diagnose.events import (
    Connected,
    ConnectFailed,
    ConnectStarted,
    DescriptorSeen,
    Event,
    SocketClosed,
    SocketOpened,
    SocketRefused,
)

#: Who uses a descriptor shows that it is open.
_USING = (Connected, ConnectFailed, ConnectStarted, DescriptorSeen)
#: No other event changes the books, beside the first of a boot.
TELLING_OF_DESCRIPTORS = (*_USING, SocketClosed, SocketOpened, SocketRefused)


class Opened(Struct, frozen=True, eq=False):
    """One descriptor from its opening to its close (``None`` while it stays open)."""

    fd: int
    event: Event
    accepted: bool
    closed: Event | None


class Ledger(Struct, frozen=True, eq=False):
    """The descriptors of a log. A descriptor number handed out again proves that it had been closed."""

    opened: tuple[Opened, ...]
    refused: tuple[SocketRefused, ...]

    @staticmethod
    def read(events: Iterable[Event]) -> Ledger:
        """Keep the books over ``events`` (those of ``TELLING_OF_DESCRIPTORS`` and the first of each boot are enough)."""
        holders: dict[int, tuple[Event, bool]] = {}
        opened: list[Opened] = []
        refused: list[SocketRefused] = []
        epoch = 0

        def settle(fd: int, closed: Event | None) -> None:
            event, accepted = holders.pop(fd)
            opened.append(Opened(fd, event, accepted, closed))

        for event in events:
            if event.where.line is None:
                continue  # a capture knows no descriptors, and its frames belong to no boot
            if event.at.epoch != epoch:
                for held in list(holders):
                    settle(held, event)
                epoch = event.at.epoch
            if type(event) is SocketRefused:
                refused.append(event)
            elif type(event) is SocketOpened:
                if event.fd in holders:
                    settle(event.fd, event)
                if event.fd is not None:
                    holders[event.fd] = (event, event.accepted)
            elif type(event) is SocketClosed:
                if event.fd in holders:
                    settle(event.fd, event)
            elif type(event) in _USING:
                fd: int | None = getattr(event, "fd", None)
                if fd is not None and fd not in holders:
                    holders[fd] = (event, False)
        for held in list(holders):
            settle(held, None)
        opened.sort(key=lambda o: (o.event.where.source, o.event.where.line or 0))
        return Ledger(tuple(opened), tuple(refused))
