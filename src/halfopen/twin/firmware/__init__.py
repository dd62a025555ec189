"""Firmware for the twin's devices: one program per file, as users write them, faults and cures alike.

A program is a frozen dataclass: its fields are the options that a scenario may set, ``start(device)`` starts its tasks.
What it prints is what that kind of firmware prints; it decides nothing by what the twin knows and a device would not.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from halfopen.twin.device import Device

#: Types of options as a scenario writes them, and the words for them.
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """What all programs share. ``panics``: CONFIG_ESP_TASK_WDT_PANIC, the watchdog reboots the chip."""

    #: Name in a scenario.
    NAME: ClassVar[str] = ""
    #: The kind of console it has.
    SPEAKS: ClassVar[str] = "esp-idf"

    panics: bool = False

    def start(self, device: Device) -> None:
        """Start the program's tasks on ``device``, which has just booted and is joining its access point."""
        raise NotImplementedError


def programs() -> dict[str, type[Firmware]]:
    """Every program by its name in a scenario."""
    found: dict[str, type[Firmware]] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        loaded = importlib.import_module(f"{__name__}.{module}")
        for thing in vars(loaded).values():
            if isinstance(thing, type) and issubclass(thing, Firmware) and thing.NAME:
                found.setdefault(thing.NAME, thing)
    return dict(sorted(found.items()))


def program(name: str, options: Mapping[str, Any]) -> Firmware:
    """The program ``name`` with ``options``.

    Raises:
        ValueError: no such program, an option it does not know, a value of the wrong type or out of range; one line.
    """
    known = programs()
    if name not in known:
        raise ValueError(f"firmware is {name!r}: one of {', '.join(known)} expected")
    kind = known[name]
    types = {option.name: str(option.type) for option in fields(kind)}
    for key, value in options.items():
        if key not in types:
            raise ValueError(f"{name} knows no option {key!r}; it knows {', '.join(types)}")
        allowed, words = _TYPES[types[key]]
        if isinstance(value, bool) != (bool in allowed) or not isinstance(value, allowed):
            raise ValueError(f"{key} is {value!r}: {words} expected")
        if isinstance(value, (int, float)) and not 0 <= value <= 1e12:
            raise ValueError(f"{key} is {value!r}: 0 or more expected")
        if key.endswith("_ms") and value == 0:
            raise ValueError(f"{key} is 0: a time is expected")
    return kind(**options)
