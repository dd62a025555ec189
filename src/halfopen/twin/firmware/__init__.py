"""Firmware for the twin's devices: one program per file, as users write them, faults and cures alike.

A program is a frozen dataclass: its fields are the options that a scenario may set, ``start(device)`` starts its tasks.
What it prints is what that kind of firmware prints; it decides nothing by what the twin knows and a device would not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from halfopen.twin.firmware.program import Firmware

#: Types of options as a scenario writes them, and the words for them.
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
}

#: Names in a scenario; a program stands in the module of its name: ``leaky-client`` is ``leaky_client.LeakyClient``.
_NAMES = (
    "blocking-client",
    "careful-client",
    "deaf-client",
    "esphome-transmitter",
    "guard-server",
    "http-server",
    "image-client",
    "impatient-client",
    "leaky-client",
    "link-client",
    "micropython-poller",
    "pinging-client",
    "queueing-client",
    "quiet-client",
    "resolving-client",
    "stale-sketch",
    "storming-client",
    "stubborn-client",
    "tls-client",
    "wasteful-client",
)


class _Programs(Mapping[str, type[Firmware]]):
    """Name in a scenario → program, loaded when it is asked for: a scenario has one or two of them."""

    def __getitem__(self, name: str) -> type[Firmware]:
        if name not in _NAMES:
            raise KeyError(name)
        module = import_module(f"{__name__}.{name.replace('-', '_')}")
        kind: type[Firmware] = getattr(module, name.title().replace("-", ""))
        return kind

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


PROGRAMS = _Programs()


def program(name: str, options: Mapping[str, Any]) -> Firmware:
    """The program ``name`` with ``options``.

    Raises:
        ValueError: no such program, an option it does not know, a value of the wrong type or out of range; one line.
    """
    kind = PROGRAMS.get(name)
    if kind is None:
        raise ValueError(f"firmware is {name!r}: one of {', '.join(PROGRAMS)} expected")
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


__all__ = ["PROGRAMS", "Firmware", "program"]
