"""Firmware for the twin's devices: one program per file, as users write them, faults and cures alike.

A program is a frozen dataclass: its fields are the options that a scenario may set, ``start(device)`` starts its tasks.
What it prints is what that kind of firmware prints; it decides nothing by what the twin knows and a device would not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from halfopen.twin.firmware.blocking_client import BlockingClient
from halfopen.twin.firmware.careful_client import CarefulClient
from halfopen.twin.firmware.deaf_client import DeafClient
from halfopen.twin.firmware.esphome_transmitter import EsphomeTransmitter
from halfopen.twin.firmware.guard_server import GuardServer
from halfopen.twin.firmware.http_server import HttpServer
from halfopen.twin.firmware.image_client import ImageClient
from halfopen.twin.firmware.impatient_client import ImpatientClient
from halfopen.twin.firmware.leaky_client import LeakyClient
from halfopen.twin.firmware.link_client import LinkClient
from halfopen.twin.firmware.micropython_poller import MicropythonPoller
from halfopen.twin.firmware.pinging_client import PingingClient
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.firmware.queueing_client import QueueingClient
from halfopen.twin.firmware.quiet_client import QuietClient
from halfopen.twin.firmware.resolving_client import ResolvingClient
from halfopen.twin.firmware.stale_sketch import StaleSketch
from halfopen.twin.firmware.storming_client import StormingClient
from halfopen.twin.firmware.stubborn_client import StubbornClient
from halfopen.twin.firmware.tls_client import TlsClient
from halfopen.twin.firmware.wasteful_client import WastefulClient

#: Types of options as a scenario writes them, and the words for them.
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
}

#: Name in a scenario → program.
PROGRAMS: dict[str, type[Firmware]] = {
    kind.NAME: kind
    for kind in (
        BlockingClient,
        CarefulClient,
        DeafClient,
        EsphomeTransmitter,
        GuardServer,
        HttpServer,
        ImageClient,
        ImpatientClient,
        LeakyClient,
        LinkClient,
        MicropythonPoller,
        PingingClient,
        QueueingClient,
        QuietClient,
        ResolvingClient,
        StaleSketch,
        StormingClient,
        StubbornClient,
        TlsClient,
        WastefulClient,
    )
}


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
