"""The Wi-Fi of a scenario as data: access points, the radio of each device, and where a sniffer listens."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from halfopen.twin.tables import Table
from halfopen.twin.wifi.access_point import AccessPoint
from halfopen.twin.wifi.air import Air
from halfopen.twin.wifi.station import POWER_SAVES, Station
from halfopen.twin.world import SECOND

ACCESS_POINTS_MAX = 16
_CHANNELS = (*range(1, 14), *range(36, 166))
#: An identifier from a local range for each access point.
_BSSID = "02:00:00:7e:31:{:02x}"
_FIRST_BSSID = 0x40
_DBM_LOW, _DBM_HIGH = -120, 0


@dataclass(frozen=True, slots=True)
class AccessPointPlan:
    """One access point; see docs/how-to/simulate.md for its keys."""

    name: str
    ssid: str
    channel: int
    security: str
    password: str
    beacon_interval_tu: int
    dtim: int
    inactivity_s: int
    skip_poll: bool
    capacity: int
    class3: str
    busy: float
    rekey_s: int
    forgets_flows: bool
    kicks_below_dbm: float

    def build(self, air: Air, number: int) -> AccessPoint:
        """The access point, not yet switched on; ``number`` (from 0) makes its BSSID."""
        return AccessPoint(
            air,
            self.name,
            bssid=_BSSID.format(_FIRST_BSSID + number),
            ssid=self.ssid,
            channel=self.channel,
            security=self.security,
            password=self.password,
            beacon_tu=self.beacon_interval_tu,
            dtim=self.dtim,
            inactivity_s=self.inactivity_s,
            skip_poll=self.skip_poll,
            capacity=self.capacity,
            class3=self.class3,
            busy=self.busy,
            rekey_s=self.rekey_s,
            forgets_flows=self.forgets_flows,
            kicks_below_dbm=self.kicks_below_dbm,
        )


@dataclass(frozen=True, slots=True)
class WifiPlan:
    """A device's radio. ``rssi_dbm`` is one strength for all access points, or pairs of a name and one."""

    ssid: str = ""
    password: str = ""
    power_save: str = "min"
    listen_interval: int = 3
    rssi_dbm: float | tuple[tuple[str, float], ...] = -55.0
    shadowing_db: float = 0.0
    multipath_db: float = 0.0
    wake_miss: float = 0.0
    keepalive_s: int = 10
    roam_dbm: float = 0.0
    keeps_address: bool = False
    sleep_s: int = 0
    awake_s: int = 30
    light_sleep: bool = False

    def changed(self, values: dict[str, Any]) -> WifiPlan:
        """The same with other values, as a cure has them."""
        return replace(self, **values)

    def build(self, air: Air, link: Any, name: str, mac: str) -> Station:
        """The station at the end of ``link``."""
        rssi = self.rssi_dbm if isinstance(self.rssi_dbm, (int, float)) else dict(self.rssi_dbm)
        station = Station(
            air,
            link,
            name,
            mac=mac,
            ssid=self.ssid or air.aps[0].ssid,
            password=self.password,
            power_save=self.power_save,
            listen_interval=self.listen_interval,
            rssi_dbm=rssi,
            shadowing_db=self.shadowing_db,
            multipath_db=self.multipath_db,
            wake_miss=self.wake_miss,
            keepalive_ns=self.keepalive_s * SECOND,
            light_sleep=self.light_sleep,
        )
        station.scanning.roam_dbm = self.roam_dbm
        return station


@dataclass(frozen=True, slots=True)
class SnifferPlan:
    """Where somebody listens: how strong every radio is there, and what share of all it misses."""

    rssi_dbm: float
    misses: float


def access_points(table: Table) -> tuple[AccessPointPlan, ...]:
    """The access points of a scenario."""
    plans = tuple(_access_point(one) for one in table.tables("access_points"))
    if len(plans) > ACCESS_POINTS_MAX:
        raise table.error("access_points", f"more than {ACCESS_POINTS_MAX} of them")
    return plans


def _access_point(table: Table) -> AccessPointPlan:
    plan = AccessPointPlan(
        name=table.name("name"),
        ssid=_ssid(table, "lab-iot"),
        channel=table.whole("channel", 6, 1, 165),
        security=table.choice("security", "wpa2", ("open", "wpa2")),
        password=_password(table, "let-me-in-42"),
        beacon_interval_tu=table.whole("beacon_interval_tu", 100, 15, 65535),
        dtim=table.whole("dtim", 1, 1, 255),
        inactivity_s=table.whole("inactivity_s", 300, 1, 65535),
        skip_poll=table.switch("skip_poll", default=False),
        capacity=table.whole("capacity", 2007, 1, 2007),
        class3=table.choice("class3", "deauth", ("deauth", "silent")),
        busy=table.number("busy", 0.0, 0, 0.95),
        rekey_s=table.whole("rekey_s", 0, 0, 7 * 86400),
        forgets_flows=table.switch("forgets_flows", default=False),
        kicks_below_dbm=table.number("kicks_below_dbm", 0.0, _DBM_LOW, _DBM_HIGH),
    )
    if plan.channel not in _CHANNELS:
        raise table.error("channel", f"is {plan.channel}: 1 to 13 or 36 to 165 expected")
    table.done()
    return plan


def wifi(table: Table) -> WifiPlan:
    """The radio of a device."""
    plan = WifiPlan(
        ssid=_ssid(table, "") if table.has("ssid") else "",
        password=_password(table, "") if table.has("password") else "",
        power_save=table.choice("power_save", "min", POWER_SAVES),
        listen_interval=table.whole("listen_interval", 3, 1, 100),
        rssi_dbm=_strength(table),
        shadowing_db=table.number("shadowing_db", 0.0, 0, 20),
        multipath_db=table.number("multipath_db", 0.0, 0, 20),
        wake_miss=table.number("wake_miss", 0.0, 0, 1),
        keepalive_s=table.whole("keepalive_s", 10, 0, 3600),
        roam_dbm=table.number("roam_dbm", 0.0, _DBM_LOW, _DBM_HIGH),
        keeps_address=table.switch("keeps_address", default=False),
        sleep_s=table.whole("sleep_s", 0, 0, 86400),
        awake_s=table.whole("awake_s", 30, 1, 86400),
        light_sleep=table.switch("light_sleep", default=False),
    )
    table.done()
    return plan


def changes(table: Table) -> dict[str, Any]:
    """What a cure changes of the radio: the keys that it names."""
    named = [field.name for field in fields(WifiPlan) if table.has(field.name)]
    plan = wifi(table)
    return {name: getattr(plan, name) for name in named}


def sniffer(table: Table) -> SnifferPlan:
    """Where a sniffer listens."""
    plan = SnifferPlan(
        table.number("rssi_dbm", -60.0, _DBM_LOW, _DBM_HIGH), table.number("misses", 0.05, 0, 1)
    )
    table.done()
    return plan


def _ssid(table: Table, default: str) -> str:
    value = table.text("ssid", default)
    if not 1 <= len(value.encode()) <= 32 or not value.isprintable():
        raise table.error("ssid", f"is {value!r}: 1 to 32 bytes that can be printed expected")
    return value


def _password(table: Table, default: str) -> str:
    value = table.text("password", default)
    if not 8 <= len(value) <= 63 or not value.isascii() or not value.isprintable():
        raise table.error("password", f"is {value!r}: 8 to 63 ASCII characters expected")
    return value


def _strength(table: Table) -> float | tuple[tuple[str, float], ...]:
    """One number, or a table of access points' names and numbers."""
    if not table.holds_table("rssi_dbm"):
        return table.number("rssi_dbm", -55.0, _DBM_LOW, _DBM_HIGH)
    inner = table.table("rssi_dbm")
    found = tuple((name, inner.number(name, None, _DBM_LOW, _DBM_HIGH)) for name in inner.mapping_keys())
    inner.done()
    return found
