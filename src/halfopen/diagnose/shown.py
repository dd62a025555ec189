"""What captures show of whom: their hosts, and by address what concerns each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from halfopen.diagnose.capture_clocks import CaptureClock
from halfopen.diagnose.events import Event
from halfopen.diagnose.radio import BeaconsObserved, StationObserved
from halfopen.diagnose.traffic import (
    ArpObserved,
    FlowObserved,
    HostObserved,
    LeaseObserved,
    LookupObserved,
    PingObserved,
)
from halfopen.diagnose.witnesses import Told


class Shown(Struct, frozen=True):
    """What captures on one clock show, of one device or of all."""

    told: Told
    clocks: tuple[CaptureClock, ...]


class Host(Struct, frozen=True):
    """One address pair of a capture."""

    mac: str
    ips: tuple[str, ...]
    espressif: bool
    station: bool = False


class Concerned:
    """What captures on one clock show, by the addresses that it concerns: there may be hundreds of devices."""

    def __init__(self, seen: Shown) -> None:
        self._seen = seen
        self._everybody: list[int] = []
        self._by_address: dict[str, list[int]] = {}
        for place, event in enumerate(seen.told.events):
            if _concerns_all(event):
                self._everybody.append(place)
            for address in _addresses(event):
                self._by_address.setdefault(address, []).append(place)

    def part(self, addresses: Iterable[str]) -> Shown | None:
        """What concerns the device with these addresses; ``None`` when the captures do not show it."""
        own = {place for address in addresses for place in self._by_address.get(address, ())}
        if not own:
            return None
        events = tuple(self._seen.told.events[place] for place in sorted(own.union(self._everybody)))
        return Shown(Told(events, self._seen.told.others), self._seen.clocks)


def hosts_of(capture: list[Event]) -> list[Host]:
    """Every host of the capture once: by its IP traffic, by its frames on the air, or by both."""
    aps = {event.ap for event in capture if isinstance(event, BeaconsObserved)}
    stations = {e.station for e in capture if isinstance(e, StationObserved)} - aps
    hosts: dict[str, Host] = {}
    for seen in (event for event in capture if isinstance(event, HostObserved)):
        name = seen.mac or " ".join(seen.ips)
        held = hosts.get(
            name, Host(seen.mac, (), False, seen.mac in stations)
        )  # two captures may show one host
        ips = (*held.ips, *(ip for ip in seen.ips if ip not in held.ips))
        hosts[name] = Host(seen.mac, ips, held.espressif or bool(seen.lwip), held.station)
    for mac in sorted(stations - hosts.keys()):
        hosts[mac] = Host(mac, (), False, station=True)
    return list(hosts.values())


def _addresses(event: Event) -> Iterator[str]:
    """Whom an event of a capture concerns, by hardware address and IP address."""
    if isinstance(event, FlowObserved):
        yield from (event.client.ip, event.client.mac, event.server.ip, event.server.mac)
    elif isinstance(event, (ArpObserved, PingObserved)):
        yield from (event.asker_ip, event.target_ip)
    elif isinstance(event, LookupObserved):
        yield event.asker_ip
    elif isinstance(event, LeaseObserved):
        yield event.mac
    elif isinstance(event, HostObserved):
        yield from (event.mac, *event.ips)
    else:
        yield getattr(event, "station", None) or ""


def _concerns_all(event: Event) -> bool:
    """A fact of a whole capture or of an access point: it stands in the story of every device."""
    addressed = (FlowObserved, ArpObserved, PingObserved, LookupObserved, LeaseObserved, HostObserved)
    return not isinstance(event, addressed) and not getattr(event, "station", None)
