"""A situation as data: peers, devices with their firmware, callers, and impairments on a time axis, from a TOML file.

The schema is told in docs/how-to/simulate.md. Everything unknown is refused in one line; nothing is guessed.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from halfopen.impairments import Impairment, impairment
from halfopen.twin.firmware import Firmware, program
from halfopen.twin.linux.services import Echo, Mute, Responder, Service, Sink, Stalled, Talker
from halfopen.twin.lwip.options import SYMBOLS, Options
from halfopen.twin.lwip.stack import HEAP_BYTES
from halfopen.twin.radio_plans import (
    AccessPointPlan,
    SnifferPlan,
    WifiPlan,
    access_points,
    changes,
    sniffer,
    wifi,
)
from halfopen.twin.tables import ScenarioError, Table
from halfopen.twin.world import MS, SECOND

#: A week: longer runs are a fleet's.
DURATION_S_MAX = 7 * 86400
#: Addresses of a /24 from .100 on.
DEVICES_MAX = 150
CALLERS_MAX = 80
_THEN = ("close", "hold", "vanish")
GATEWAY = "192.168.5.1"


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One listening port of a peer and what answers there; ``receive_buffer`` 0 is the system's."""

    port: int
    kind: str
    reply_bytes: int
    closes: bool
    chunk_bytes: int
    pause_ms: int
    on_request: bool
    receive_buffer: int

    def build(self) -> Service:
        """The application."""
        makers: dict[str, Callable[[], Service]] = {
            "responder": lambda: Responder(self.reply_bytes, closes=self.closes),
            "talker": lambda: Talker(
                self.chunk_bytes, on_request=self.on_request, pause_ns=self.pause_ms * MS
            ),
            "stalled": Stalled,
            "echo": Echo,
            "sink": Sink,
            "mute": Mute,
        }
        service = makers[self.kind]()
        if self.receive_buffer:
            service.receive_buffer = self.receive_buffer
        return service


@dataclass(frozen=True, slots=True)
class PeerPlan:
    """A Linux host; ``domain`` is what the LAN's name server calls it."""

    name: str
    ip: str
    domain: str
    services: tuple[ServicePlan, ...]


@dataclass(frozen=True, slots=True)
class Cure:
    """What replaces a device's firmware when the scenario is played cured, and why that helps; ``wifi``: what it changes
    of its radio."""

    firmware: Firmware
    sdkconfig: str
    why: str
    wifi: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """``count`` devices alike, switched on ``every_ms`` after each other; ``lease``: the address comes by DHCP."""

    name: str
    count: int
    firmware: Firmware
    sdkconfig: str
    heap_bytes: int
    lease: bool
    begin_ms: int
    every_ms: int
    cure: Cure | None
    wifi: WifiPlan = field(default_factory=WifiPlan)

    def names(self) -> list[str]:
        """Their names: the plan's own, numbered when there are several."""
        return (
            [self.name]
            if self.count == 1
            else [f"{self.name}-{number}" for number in range(1, self.count + 1)]
        )


@dataclass(frozen=True, slots=True)
class CallerPlan:
    """``count`` hosts that call a device one after the other, ask, and then close, hold the session, or vanish."""

    name: str
    count: int
    device: str
    port: int
    request: str
    then: str
    begin_ms: int
    every_ms: int
    after_ms: int
    repeat_ms: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation. ``file`` is where it came from; ``code`` the fault that it makes, if it says so."""

    file: str
    title: str
    about: str
    code: str
    seed: int
    duration_s: int
    delay_ms: float
    jitter_ms: float
    peers: tuple[PeerPlan, ...]
    devices: tuple[DevicePlan, ...]
    callers: tuple[CallerPlan, ...]
    impairments: tuple[tuple[str, Impairment], ...]
    access_points: tuple[AccessPointPlan, ...] = ()
    sniffer: SnifferPlan | None = None
    record_air: bool = True

    @property
    def curable(self) -> bool:
        """Whether it names a cure for a device of its own."""
        return any(device.cure is not None for device in self.devices)

    def cured(self) -> Scenario:
        """The same situation with each device on its cured firmware."""
        return replace(self, devices=tuple(_cured(device) for device in self.devices))

    def limited(self, sdkconfig: str) -> Scenario:
        """The same with a user's ``sdkconfig`` on every device; what a cure sets goes before it."""
        return replace(
            self,
            devices=tuple(
                replace(device, sdkconfig=f"{device.sdkconfig}\n{sdkconfig}\n") for device in self.devices
            ),
        )


def _cured(device: DevicePlan) -> DevicePlan:
    cure = device.cure
    if cure is None:
        return device
    return replace(
        device,
        firmware=cure.firmware,
        sdkconfig=f"{device.sdkconfig}\n{cure.sdkconfig}",
        cure=None,
        wifi=device.wifi.changed(cure.wifi),
    )


def load(path: Path) -> Scenario:
    """The scenario in a file.

    Raises:
        ScenarioError: it cannot be read or played; one line: file, place, reason.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: not UTF-8 at byte {error.start}") from None
    return loads(text, str(path))


def loads(text: str, file: str) -> Scenario:
    """The scenario in ``text``; see :func:`load`."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split()) or "nested too deeply"
        raise ScenarioError(f"{file}: not TOML: {reason}") from None
    return of_tables(values, file)


def of_tables(values: Mapping[str, Any], file: str) -> Scenario:
    """The scenario that TOML tables describe, already parsed; see :func:`load`."""
    table = Table(values, file)
    network = table.table("network")
    scenario = Scenario(
        file=file,
        title=table.text("title"),
        about=table.text("about", ""),
        code=table.text("code", ""),
        seed=table.whole("seed", 1, 0, 2**63 - 1),
        duration_s=table.whole("duration_s", None, 1, DURATION_S_MAX),
        delay_ms=network.number("delay_ms", 0.0, 0, 60_000),
        jitter_ms=network.number("jitter_ms", 0.0, 0, 60_000),
        peers=tuple(_peer(one) for one in table.tables("peers")),
        devices=tuple(_device(one) for one in table.tables("devices")),
        callers=tuple(_caller(one) for one in table.tables("callers")),
        impairments=tuple(_impairment(one) for one in table.tables("impairments")),
        access_points=access_points(table),
        sniffer=sniffer(table.table("sniffer")) if table.has("sniffer") else None,
        record_air=table.switch("record_air", default=True),
    )
    network.done()
    table.done()
    _check(table, scenario)
    return scenario


def _peer(table: Table) -> PeerPlan:
    plan = PeerPlan(
        table.name("name"),
        _address(table, "ip", GATEWAY),
        table.text("domain", ""),
        tuple(_service(one) for one in table.tables("services")),
    )
    if len(plan.domain) > 200 or not all(c.isascii() and (c.isalnum() or c in "-.") for c in plan.domain):
        raise table.error("domain", f"is {plan.domain!r}: a host name expected")
    ports = [service.port for service in plan.services]
    if len(set(ports)) < len(ports):
        raise table.error("services", "two of them have one port")
    table.done()
    return plan


def _service(table: Table) -> ServicePlan:
    kinds = ("responder", "echo", "sink", "mute", "talker", "stalled")
    plan = ServicePlan(
        port=table.whole("port", None, 1, 65535),
        kind=table.choice("kind", None, kinds),
        reply_bytes=table.whole("reply_bytes", 40, 1, 65535),
        closes=table.switch("closes", default=False),
        chunk_bytes=table.whole("chunk_bytes", 512, 1, 65535),
        pause_ms=table.whole("pause_ms", 1000, 1, 3_600_000),
        on_request=table.switch("on_request", default=False),
        receive_buffer=table.whole("receive_buffer", 0, 0, 6_291_456),
    )
    table.done()
    return plan


def _device(table: Table) -> DevicePlan:
    firmware = _firmware(table)
    cure: Cure | None = None
    if table.has("cure"):
        cured = table.table("cure")
        cure = Cure(_firmware(cured), _sdkconfig(cured), cured.text("why"), changes(cured.table("wifi")))
        cured.done()
    plan = DevicePlan(
        name=table.name("name"),
        count=table.whole("count", 1, 1, DEVICES_MAX),
        firmware=firmware,
        sdkconfig=_sdkconfig(table),
        heap_bytes=table.whole("heap_bytes", HEAP_BYTES, 16_000, 8_000_000),
        lease=table.switch("lease", default=False),
        begin_ms=table.whole("begin_ms", 0, 0, DURATION_S_MAX * 1000),
        every_ms=table.whole("every_ms", 0, 0, 86_400_000),
        cure=cure,
        wifi=wifi(table.table("wifi")),
    )
    table.done()
    return plan


def _firmware(table: Table) -> Firmware:
    name, options = table.text("firmware"), table.mapping("options")
    try:
        return program(name, options)
    except ValueError as error:
        raise table.error("firmware" if "firmware is" in str(error) else "options", str(error)) from None


def _sdkconfig(table: Table) -> str:
    """The lines of an ``sdkconfig`` that a table of symbols means."""
    lines = []
    for key, value in table.mapping("sdkconfig").items():
        if not key.startswith("CONFIG_") or not isinstance(value, (bool, int)):
            raise table.error(f"sdkconfig.{key}", "CONFIG_… = a whole number, true or false expected")
        if key not in SYMBOLS:
            near = get_close_matches(key, SYMBOLS, 1)
            raise table.error(
                f"sdkconfig.{key}", f"unknown; {near[0]} is near" if near else "unknown to the twin"
            )
        lines.append(f"{key}={('n', 'y')[value] if isinstance(value, bool) else value}")
    text = "\n".join(lines)
    try:
        Options.of_sdkconfig(text)
    except ValueError as error:
        raise table.error("sdkconfig", str(error).partition(": ")[2]) from None
    return text


def _caller(table: Table) -> CallerPlan:
    plan = CallerPlan(
        name=table.name("name"),
        count=table.whole("count", 1, 1, CALLERS_MAX),
        device=table.text("device"),
        port=table.whole("port", 80, 1, 65535),
        request=table.text("request", "GET / HTTP/1.1\r\nHost: device\r\n\r\n"),
        then=table.choice("then", "close", _THEN),
        begin_ms=table.whole("begin_ms", 5000, 0, DURATION_S_MAX * 1000),
        every_ms=table.whole("every_ms", 1000, 0, 86_400_000),
        after_ms=table.whole("after_ms", 1000, 1, 86_400_000),
        repeat_ms=table.whole("repeat_ms", 0, 0, 86_400_000),
    )
    table.done()
    return plan


def _impairment(table: Table) -> tuple[str, Impairment]:
    at, kind = table.text("at"), table.text("kind")
    rest = table.rest()
    for key, value in rest.items():
        if isinstance(value, (int, float)) and not abs(value) <= DURATION_S_MAX * 1000:
            raise table.error(key, f"is {value}: at most {DURATION_S_MAX * 1000} expected")
    try:
        return at, impairment({"kind": kind, **rest})
    except ValueError as error:
        raise table.error("", str(error)) from None


def _address(table: Table, key: str, default: str) -> str:
    value = table.text(key, default)
    try:
        address = ipaddress.IPv4Address(value)
    except ValueError:
        raise table.error(key, f"is {value!r}: an IPv4 address expected") from None
    if (
        address.is_multicast
        or address.is_unspecified
        or address.is_loopback
        or address == ipaddress.IPv4Address(2**32 - 1)
    ):
        raise table.error(key, f"is {value!r}: the address of a host expected")
    return str(address)


def _check(table: Table, scenario: Scenario) -> None:
    """What no single table can know."""
    if not scenario.devices:
        raise table.error("devices", "missing: at least one device expected")
    names: set[str] = {"gateway"}
    groups: tuple[tuple[str, Sequence[PeerPlan | DevicePlan | CallerPlan | AccessPointPlan]], ...] = (
        ("access_points", scenario.access_points),
        ("peers", scenario.peers),
        ("devices", scenario.devices),
        ("callers", scenario.callers),
    )
    for kind, plans in groups:
        for number, plan in enumerate(plans):
            for name in _names(plan):
                if name in names:
                    raise table.error(f"{kind}[{number}].name", f"is {name!r}: another has that name already")
                names.add(name)
    if sum(device.count for device in scenario.devices) > DEVICES_MAX:
        raise table.error("devices", f"more than {DEVICES_MAX} of them in all")
    if sum(caller.count for caller in scenario.callers) > CALLERS_MAX:
        raise table.error("callers", f"more than {CALLERS_MAX} of them in all")
    _check_addresses(table, scenario.peers)
    _check_radios(table, scenario)
    callable_names = {name for plan in scenario.devices for name in (plan.name, *plan.names())}
    for number, caller in enumerate(scenario.callers):
        if caller.device not in callable_names:
            raise table.error(f"callers[{number}].device", f"is {caller.device!r}: no device has that name")
    for number, (at, what) in enumerate(scenario.impairments):
        if at not in names | callable_names:
            raise table.error(f"impairments[{number}].at", f"is {at!r}: nobody has that name")
        if what.begin_ms >= scenario.duration_s * 1000:
            raise table.error(
                f"impairments[{number}].begin_ms",
                f"is {what.begin_ms}: the scenario ends before ({scenario.duration_s} s)",
            )


def _check_radios(table: Table, scenario: Scenario) -> None:
    """What belongs to access points wants some; strengths name those that are there."""
    names = {plan.name for plan in scenario.access_points}
    if not names and scenario.sniffer is not None:
        raise table.error("sniffer", "there are no access_points to listen to")
    for number, device in enumerate(scenario.devices):
        place = f"devices[{number}].wifi"
        if not names and device.wifi != WifiPlan():
            raise table.error(place, "there are no access_points")
        strengths = device.wifi.rssi_dbm
        for name, _ in strengths if isinstance(strengths, tuple) else ():
            if name not in names:
                raise table.error(f"{place}.rssi_dbm", f"names {name!r}: no access point has that name")


def _names(plan: PeerPlan | DevicePlan | CallerPlan | AccessPointPlan) -> Sequence[str]:
    return plan.names() if isinstance(plan, DevicePlan) else (plan.name,)


def _check_addresses(table: Table, peers: tuple[PeerPlan, ...]) -> None:
    taken: set[str] = set()
    for number, peer in enumerate(peers):
        last = int(peer.ip.rpartition(".")[2])
        if peer.ip in taken:
            raise table.error(f"peers[{number}].ip", f"is {peer.ip!r}: another peer has that address already")
        if peer.ip.startswith("192.168.5.") and not 1 <= last <= 9:
            raise table.error(
                f"peers[{number}].ip",
                f"is {peer.ip!r}: on this network peers have 192.168.5.1 to .9, all others are behind its gateway",
            )
        taken.add(peer.ip)


def duration_ns(scenario: Scenario) -> int:
    """How long it is played."""
    return scenario.duration_s * SECOND
