"""A situation under construction: one peer, one device, perhaps an access point, and what happens."""

from __future__ import annotations

from typing import Any

from halfopen.sweep.as_toml import Tables
from halfopen.sweep.lots import Lots

_PORTS = (8080, 1883, 8883, 7007, 9011, 80)


class Scene:
    """Filled by a draw, then told as :meth:`tables`. Names, addresses and the network are drawn already."""

    def __init__(self, lots: Lots, code: str, seed: int) -> None:
        self.lots = lots
        self.peer = lots.host_name()
        self.near = lots.happens(0.7)
        self.ip = f"192.168.5.{lots.between(2, 9)}" if self.near else f"203.0.113.{lots.between(2, 250)}"
        self.port = lots.one_of(_PORTS)
        self.name = lots.device_name()
        self.services: list[dict[str, Any]] = []
        self.device: dict[str, Any] = {}
        self.callers: list[dict[str, Any]] = []
        self.impairments: list[dict[str, Any]] = []
        self.domain = ""
        self.access_point: dict[str, Any] = {}
        #: A second access point of the same network.
        self.far: dict[str, Any] = {}
        self.wifi: dict[str, Any] = {}
        self.duration_s = 300
        self._head = {"title": f"{code or 'healthy'}, seed {seed}", "code": code, "seed": seed}

    def serve(self, kind: str, port: int = 0, **more: Any) -> None:
        """The peer has a service."""
        self.services.append({"port": port or self.port, "kind": kind, **more})

    def run(self, firmware: str, *, port: bool = True, **options: Any) -> None:
        """The device runs a program that calls the peer."""
        where = {"host": self.domain or self.ip, **({"port": self.port} if port else {})}
        self.device = {"firmware": firmware, "options": {**where, **options}}

    def happens(self, at: str, kind: str, begin_ms: int, end_ms: int | None = None, **more: Any) -> None:
        """An impairment."""
        end = {} if end_ms is None else {"end_ms": end_ms}
        self.impairments.append({"at": at, "kind": kind, "begin_ms": begin_ms, **end, **more})

    def forgets(self, times: int, first_ms: int, every_ms: int) -> int:
        """A box on the way loses all flows again and again; when for the last time (ms)."""
        begin = first_ms
        for number in range(times):
            begin = first_ms + number * every_ms + self.lots.between(0, every_ms // 8)
            self.happens(self.peer, "flows-lost", begin)
        return begin

    def on_wifi(self, **more: Any) -> str:
        """The device is a station of one access point, whose name this gives; ``more`` are keys of the access point."""
        lots = self.lots
        name = lots.one_of(("ap", "router", "attic-ap", "mesh-1"))
        self.access_point = {
            "name": name,
            "ssid": lots.one_of(("lab-iot", "home", "Warehouse 2", "guest-net")),
            "channel": lots.one_of((1, 6, 11, 13)),
            "dtim": lots.one_of((1, 1, 2, 3)),
            **more,
        }
        self.wifi = {"power_save": lots.one_of(("none", "min", "min")), "rssi_dbm": -lots.between(42, 66)}
        return name

    def tables(self) -> Tables:
        """The whole scenario."""
        lots = self.lots
        peer: dict[str, Any] = {"name": self.peer, "ip": self.ip}
        if self.domain:
            peer["domain"] = self.domain
        tables: Tables = {
            **self._head,
            "duration_s": self.duration_s,
            "network": {"delay_ms": lots.one_of((0, 2, 10, 40)), "jitter_ms": lots.one_of((0, 2, 8))},
            "peers": [{**peer, "services": self.services}],
            "devices": [
                {"name": self.name, **self.device, "lease": self.device.get("lease", lots.happens(0.4))}
            ],
        }
        if lots.happens(0.3):
            tables["devices"][0]["begin_ms"] = lots.between(0, 3000)
        if self.access_point:
            tables["access_points"] = [self.access_point, *([self.far] if self.far else [])]
            if self.wifi:
                tables["devices"][0]["wifi"] = self.wifi
        if self.callers:
            tables["callers"] = self.callers
        if self.impairments:
            tables["impairments"] = sorted(self.impairments, key=lambda one: float(one["begin_ms"]))
        return tables
