"""Restarts of the device inside a log, and whether they were meant."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from halfopen.diagnose.events import Booted, BrownedOut, Crashed, Event, PlannedPause, WatchdogFired

#: Reset reasons that belong to a device's routine.
_ROUTINE_RESETS = frozenset(("DEEPSLEEP_RESET", "SOFT_RESET", "soft reboot", "USB_UART_CHIP_RESET"))

#: Pauses after which a start is no surprise. A link that was stopped may begin again, its clock at 0.
_PAUSES = frozenset(("ota", "deep-sleep", "reboot", "stop"))


#: No other event tells anything of a restart, beside the first of a log.
TELLING_OF_BOOTS = (Booted, BrownedOut, Crashed, PlannedPause, WatchdogFired)


class Boot(Struct, frozen=True, eq=False):
    """One start of the device; ``planned`` when the log shows that it was asked for or belongs to its routine."""

    event: Booted
    reason: str
    before: tuple[Event, ...]
    planned: bool


def boots_of(events: Iterable[Event]) -> list[Boot]:
    """The restarts in ``events`` of one device (those of ``TELLING_OF_BOOTS`` and the first of each log are enough); the
    first boot of a log is where the story begins, not a restart."""
    boots: list[Boot] = []
    history: list[Event] = []
    epoch = 0
    source = ""
    paused = False
    for event in events:
        if event.where.source != source:
            source, epoch, history, paused = event.where.source, event.at.epoch, [], False
        if event.at.epoch > epoch and isinstance(event, Booted):
            signs = tuple(e for e in history if isinstance(e, (Crashed, WatchdogFired, BrownedOut)))
            planned = paused or event.reason in _ROUTINE_RESETS
            boots.append(Boot(event, event.reason, signs, planned))
            epoch, history, paused = event.at.epoch, [], False
        elif isinstance(event, Booted) and boots and event.at.epoch == epoch and event.reason:
            last = boots[-1]
            planned = last.planned or event.reason in _ROUTINE_RESETS
            boots[-1] = Boot(event, event.reason, last.before, planned)
        elif isinstance(event, PlannedPause) and event.kind in _PAUSES:
            paused = True
        history.append(event)
    return boots
