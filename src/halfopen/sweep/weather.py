"""What happens to a device on ordinary days: impairments drawn over its hours, so many a day."""

from __future__ import annotations

from typing import Any

from halfopen.sweep.as_toml import Tables
from halfopen.sweep.lots import Lots

DAY_S = 86400
#: Before a device has connected, and when nobody could see any more how it ends, nothing happens (s).
_QUIET_FIRST_S, _QUIET_LAST_S = 30, 180

#: Kind → how likely beside the others, and from how long to how long it lasts (s). What a router forgets, an access
#: point in the next room and a microwave do to a flat's devices: short and harmless more often than long.
_WIRED: tuple[tuple[str, int, tuple[int, int]], ...] = (
    ("flows-lost", 3, (0, 0)),
    ("blackhole", 3, (2, 120)),
    ("link-down", 2, (2, 60)),
    ("loss", 1, (20, 200)),
    ("delay", 1, (20, 200)),
)
#: On Wi-Fi half of it happens on the air instead.
_ON_AIR: tuple[tuple[str, int, tuple[int, int]], ...] = (
    ("radio-dropout", 3, (2, 60)),
    ("fading", 2, (20, 200)),
    ("station-kicked", 2, (0, 0)),
    ("ap-forgets", 1, (0, 0)),
    ("late-wake", 1, (20, 200)),
)
_LOTS = tuple([row for row in rows for _ in range(row[1])] for rows in (_WIRED, _ON_AIR))


def under_weather(tables: Tables, seed: int, a_day: float) -> Tables:
    """``tables`` with ``a_day`` impairments a day for each of its devices, drawn from ``seed``.

    Each device has a stream of its own: what happens to it does not depend on how many others there are.
    """
    drawn: list[dict[str, Any]] = []
    for group in tables["devices"]:
        count = group.get("count", 1)
        for number in range(1, count + 1):
            name = group["name"] if count == 1 else f"{group['name']}-{number}"
            lots = Lots.of(seed, f"weather of {name}")
            drawn += _days_of(
                lots, name, tables["duration_s"], a_day, on_wifi=bool(tables.get("access_points"))
            )
    drawn.sort(key=lambda one: float(one["begin_ms"]))
    return {**tables, "impairments": [*tables.get("impairments", ()), *drawn]}


def _days_of(lots: Lots, name: str, duration_s: int, a_day: float, *, on_wifi: bool) -> list[dict[str, Any]]:
    """One device's impairments, in the order in which they were drawn."""
    wanted = a_day * duration_s / DAY_S
    count = int(wanted) + lots.happens(wanted % 1)
    last = duration_s - _QUIET_LAST_S
    return [_one(lots, name, last, on_wifi=on_wifi) for _ in range(count) if last > _QUIET_FIRST_S]


def _one(lots: Lots, name: str, last_s: int, *, on_wifi: bool) -> dict[str, Any]:
    begin = lots.between(_QUIET_FIRST_S * 1000, last_s * 1000)
    kind, _, (shortest, longest) = lots.one_of(_LOTS[on_wifi and lots.happens(0.5)])
    one: dict[str, Any] = {"at": name, "kind": kind, "begin_ms": begin}
    if longest:
        one["end_ms"] = begin + lots.near(shortest * 1000, longest * 1000)
    if kind == "loss":
        one["probability"] = lots.between(5, 40) / 100
    elif kind == "delay":
        one |= {"delay_ms": lots.between(100, 900), "jitter_ms": 50}
    elif kind in ("blackhole", "radio-dropout"):
        one["direction"] = lots.one_of(("both", "both", "to-peer", "to-device"))
    elif kind == "fading":
        one |= {"loss_db": lots.between(5, 35), "shadowing_db": lots.between(0, 4)}
    elif kind == "station-kicked":
        one["reason"] = lots.one_of((2, 4, 5, 8, 34))
    elif kind == "late-wake":
        one["probability"] = lots.between(3, 9) / 10
    return one
