"""What a sweep varies: ``--vary policy.keepalive.idle=5..60`` as values, and each value put into a scenario's tables.

A name stands for a place, or several, in the tables; whatever a program takes as an option can be varied as
``option.NAME`` too. What is unknown is refused with the nearest name.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches

from halfopen.sweep.as_toml import Tables
from halfopen.twin.firmware import PROGRAMS

Value = int | float | bool | str

#: A range without a step has about so many values; so many variations at most.
_VALUES, VARIATIONS_MAX = 8, 2000


class VariationError(ValueError):
    """Something cannot be varied so; the message is one line."""


@dataclass(frozen=True, slots=True)
class Knob:
    """Something that can be varied: what it is, its unit, and how a value gets into the tables."""

    about: str
    unit: str
    put: Callable[[Tables, Value], bool]


@dataclass(frozen=True, slots=True)
class Axis:
    """One ``--vary``: a name, its values in the order given."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Variation:
    """One point of the grid: what was set to what, and the tables that came of it."""

    settings: tuple[tuple[str, Value], ...]
    tables: Tables


def variations(tables: Tables, axes: Sequence[Axis]) -> list[Variation]:
    """Every combination of the axes' values put into ``tables``, the last axis fastest.

    Raises:
        VariationError: there are too many, or a name has no place in this scenario.
    """
    count = math.prod(len(axis.values) for axis in axes)
    if count > VARIATIONS_MAX:
        raise VariationError(f"--vary: {count:,} variations; {VARIATIONS_MAX:,} at most")
    found = []
    for values in itertools.product(*(axis.values for axis in axes)):
        varied = copy.deepcopy(tables)
        for axis, value in zip(axes, values, strict=True):
            knob = KNOBS.get(axis.name) or _option(axis.name)
            if not knob.put(varied, value):
                raise VariationError(f"--vary {axis.name}: this scenario has no place for it ({knob.about})")
        found.append(
            Variation(tuple((axis.name, value) for axis, value in zip(axes, values, strict=True)), varied)
        )
    return found


def axis(text: str) -> Axis:
    """The axis that ``NAME=VALUES`` means: ``1,3,10``, ``5..60``, ``5..60/5``, ``true,false``, words.

    Raises:
        VariationError: no such name, or no values; one line.
    """
    name, equals, values = text.partition("=")
    name = name.strip()
    if not equals or not values.strip():
        raise VariationError(
            f"--vary {_shown(text)}: NAME=VALUES expected, such as dial=5,10 or dial=5..60/5"
        )
    if name not in KNOBS and not _is_option(name):
        known = [*KNOBS, *(f"option.{option}" for option in sorted(_all_options()))]
        near = get_close_matches(name, known, 1, 0.5)
        hint = f"; {near[0]} is near" if near else "; 'halfopen sweep --names' lists them"
        raise VariationError(f"--vary {_shown(name)}: unknown{hint}")
    found: list[Value] = []
    for part in values.split(","):
        found += _range(name, part.strip()) if ".." in part else [_value(name, part.strip())]
    return Axis(name, tuple(dict.fromkeys(found)))


def _range(name: str, text: str) -> list[Value]:
    ends, _, step_text = text.partition("/")
    first, _, last = ends.partition("..")
    numbers = [_value(name, part) for part in (first, last, *([step_text] if step_text else []))]
    if not all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in numbers):
        raise VariationError(f"--vary {name}: {_shown(text)}: numbers expected, such as 5..60 or 5..60/5")
    low, high = float(numbers[0]), float(numbers[1])
    whole = all(isinstance(number, int) for number in numbers)
    if not low <= high or (step_text and float(numbers[2]) <= 0):
        raise VariationError(f"--vary {name}: {_shown(text)}: from low to high expected, and a step above 0")
    step = float(numbers[2]) if step_text else _step(low, high, whole)
    count = int((high - low) / step + 1e-9) + 1
    if count > VARIATIONS_MAX:
        raise VariationError(f"--vary {name}: {_shown(text)}: {count:,} values; {VARIATIONS_MAX:,} at most")
    values = [round(low + step * number, 9) for number in range(count)]
    if values[-1] < high:
        values.append(high)  # whoever names an end wants to see it
    return [int(value) if whole else value for value in values]


def _step(low: float, high: float, whole: bool) -> float:
    """A round step that makes about eight values."""
    wanted = max((high - low) / (_VALUES - 1), 1e-9)
    magnitude = 10.0 ** math.floor(math.log10(wanted))
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= wanted * 0.999)
    return max(1.0, step) if whole else step


def _value(name: str, text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    if not text or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in text):
        raise VariationError(f"--vary {name}: {_shown(text)}: a number, true, false or a word expected")
    return text


def _shown(text: str) -> str:
    safe = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return safe if len(safe) <= 80 else f"{safe[:70]} …"


# Places in the tables ------------------------------------------------------------------------------------------


def _scaled(value: Value, factor: int) -> Value:
    if factor == 1 or isinstance(value, (bool, str)):
        return value
    return round(value * factor)


def _in_options(option: str, factor: int = 1) -> Callable[[Tables, Value], bool]:
    """An option of every program that has it."""

    def put(tables: Tables, value: Value) -> bool:
        places = [device for device in tables["devices"] if option in _options_of(device.get("firmware", ""))]
        for device in places:
            device.setdefault("options", {})[option] = _scaled(value, factor)
        return bool(places)

    return put


def _in_devices(*keys: str) -> Callable[[Tables, Value], bool]:
    """A key of every device, or of a table in it."""

    def put(tables: Tables, value: Value) -> bool:
        for device in tables["devices"]:
            place = device
            for key in keys[:-1]:
                place = place.setdefault(key, {})
            place[keys[-1]] = value
        return bool(tables["devices"])

    return put


def _in_access_points(key: str) -> Callable[[Tables, Value], bool]:
    """A key of every access point."""

    def put(tables: Tables, value: Value) -> bool:
        for access_point in tables.get("access_points", ()):
            access_point[key] = value
        return bool(tables.get("access_points"))

    return put


def _in_stations(key: str) -> Callable[[Tables, Value], bool]:
    """A key of every device's radio."""
    put = _in_devices("wifi", key)
    return lambda tables, value: bool(tables.get("access_points")) and put(tables, value)


def _in_first_devices(key: str) -> Callable[[Tables, Value], bool]:
    def put(tables: Tables, value: Value) -> bool:
        tables["devices"][0][key] = value
        return True

    return put


def _in_table(table: str, key: str) -> Callable[[Tables, Value], bool]:
    def put(tables: Tables, value: Value) -> bool:
        tables.setdefault(table, {})[key] = value
        return True

    return put


def _always(at: str, kind: str, key: str, factor: int = 1) -> Callable[[Tables, Value], bool]:
    """An impairment from the beginning on, at each of the ``devices`` or ``peers``."""

    def put(tables: Tables, value: Value) -> bool:
        impairments = tables.setdefault("impairments", [])
        for one in tables.get(at, ()):
            impairments.append({"at": one["name"], "kind": kind, "begin_ms": 0, key: _scaled(value, factor)})
        return bool(tables.get(at))

    return put


#: Name → what it is.
KNOBS: dict[str, Knob] = {
    "policy.keepalive.idle": Knob(
        "keepalive: silence before the first probe", "s", _in_options("keep_idle_s")
    ),
    "policy.keepalive.interval": Knob("keepalive: between probes", "s", _in_options("keep_interval_s")),
    "policy.keepalive.count": Knob("keepalive: probes before it gives up", "", _in_options("keep_count")),
    "policy.silence": Knob("silence before a heartbeat", "s", _in_options("silence_ms", 1000)),
    "policy.answer": Knob("how long a heartbeat's answer may take", "s", _in_options("answer_ms", 1000)),
    "policy.progress": Knob("how long a send may make no progress", "s", _in_options("progress_ms", 1000)),
    "policy.dial": Knob("how long a dial may take", "s", _in_options("dial_ms", 1000)),
    "policy.backoff": Knob("the longest pause between dials", "s", _in_options("backoff_max_ms", 1000)),
    "keepalive": Knob("whether the port can set keepalive", "", _in_options("keepalive")),
    "heartbeat": Knob("whether the link sends heartbeats", "", _in_options("heartbeat")),
    "period": Knob("between two requests", "s", _in_options("period_ms", 1000)),
    "devices": Knob("devices of the first group in each cell", "", _in_first_devices("count")),
    "sockets": Knob("CONFIG_LWIP_MAX_SOCKETS", "", _in_devices("sdkconfig", "CONFIG_LWIP_MAX_SOCKETS")),
    "heap": Knob("heap that is left to the application", "bytes", _in_devices("heap_bytes")),
    "path.delay": Knob("one way to the peer", "ms", _in_table("network", "delay_ms")),
    "path.jitter": Knob("how much longer a packet may take", "ms", _in_table("network", "jitter_ms")),
    "path.loss": Knob("share of packets lost, 0 to 1", "", _always("devices", "loss", "probability")),
    "nat.idle": Knob(
        "after so long a silence the router forgets a flow",
        "s",
        _always("peers", "nat-expiry", "idle_ms", 1000),
    ),
    "dtim": Knob("access point: beacons from one DTIM to the next", "", _in_access_points("dtim")),
    "beacon": Knob("access point: between beacons, in 1024 us", "", _in_access_points("beacon_interval_tu")),
    "inactivity": Knob("access point: silence before it polls", "s", _in_access_points("inactivity_s")),
    "busy": Knob("share of the air that other networks take, 0 to 0.95", "", _in_access_points("busy")),
    "capacity": Knob("stations that the access point takes", "", _in_access_points("capacity")),
    "power_save": Knob("the radio's power save: none, min or max", "", _in_stations("power_save")),
    "listen_interval": Knob(
        "with max: it wakes for every so many beacons", "", _in_stations("listen_interval")
    ),
    "rssi": Knob("the signal's strength", "dBm", _in_stations("rssi_dbm")),
    "shadowing": Knob("slow changes of the signal, their sigma", "dB", _in_stations("shadowing_db")),
    "wake_miss": Knob("share of beacons that the radio wakes too late for", "", _in_stations("wake_miss")),
}


def _options_of(firmware: str) -> frozenset[str]:
    kind = PROGRAMS.get(firmware)
    return frozenset(one.name for one in fields(kind)) if kind is not None else frozenset()


def _all_options() -> frozenset[str]:
    return frozenset(option for firmware in PROGRAMS for option in _options_of(firmware))


def _is_option(name: str) -> bool:
    return name.startswith("option.") and name.removeprefix("option.") in _all_options()


def _option(name: str) -> Knob:
    option = name.removeprefix("option.")
    return Knob(f"the programs' option {option}", "", _in_options(option))
