"""Who is who: events of all sources, sorted into one timeline per device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import PurePath

from msgspec import Struct, field
from msgspec.structs import replace

from halfopen.diagnose.alignment import Alignment
from halfopen.diagnose.capture_clocks import OneClock, by_clock, linked_by_log
from halfopen.diagnose.clocks import alignments
from halfopen.diagnose.events import (
    AddressGot,
    AddressNamed,
    Connected,
    ConnectStarted,
    Event,
    FirmwareNamed,
    SocketOpened,
)
from halfopen.diagnose.ordered import Ordered
from halfopen.diagnose.shown import Concerned, Host, Shown, hosts_of
from halfopen.diagnose.timeline import Device, Timeline
from halfopen.diagnose.traffic import (
    ArpObserved,
    CaptureObserved,
    FlowObserved,
    LeaseObserved,
    LookupObserved,
)
from halfopen.diagnose.witnesses import Told, one_each

#: More addresses than this are not one device's.
_ADDRESSES_MAX = 64
#: As many captures without a common clock are named in a note.
_SIDES_NAMED = 8
#: Firmware families from the most telling: an Arduino log is full of ESP-IDF lines, an ESPHome log of both. "cpython" and
#: "halfopen.link" are halfopen's own link on a computer, and where its journal does not tell the port.
_FAMILIES = (
    "esphome",
    "host",
    "cpython",
    "micropython",
    "halfopen.link",
    "circuitpython",
    "tasmota",
    "espeasy",
    "arduino",
    "esp-idf",
    "esp8266",
)


#: The events of a log that tell of the device's addresses and ports, and what runs on it.
_TELLING_WHO = (AddressGot, AddressNamed, Connected, FirmwareNamed, SocketOpened)


class _Story(Struct):
    """What is gathered of one device before its timeline is closed."""

    #: Kept as the keys of dictionaries: in order, each once.
    names: dict[str, None] = field(default_factory=dict)
    macs: dict[str, None] = field(default_factory=dict)
    ips: dict[str, None] = field(default_factory=dict)
    own_ports: set[int] = field(default_factory=set)
    client_ports: set[int] = field(default_factory=set)
    sources: list[str] = field(default_factory=list)
    console: Ordered = field(default_factory=Ordered)
    #: Boots told of so far.
    boots: int = 0
    firmware: list[FirmwareNamed] = field(default_factory=list)
    #: What the captures show of the device, by the clock they are on.
    shown: list[Shown] = field(default_factory=list)

    def add(self, source: str, events: Ordered) -> None:
        """Take the console events of one source; its boots are numbered on from those of the log before it."""
        self.sources.append(source)
        first = self.boots
        if first:
            events = Ordered(
                replace(event, at=replace(event.at, epoch=first + event.at.epoch)) for event in events
            )
        self.boots = 1 + max((event.at.epoch for event in events.turns()), default=first - 1)
        self.console = Ordered((*self.console, *events)) if self.console else events
        for event in events.of_kinds(*_TELLING_WHO):
            if isinstance(event, AddressGot):
                _note(self.ips, event.ip)
            elif isinstance(event, AddressNamed):
                _note(self.names, event.name)
                _note(self.macs, event.mac.lower())
                _note(self.ips, event.ip)
            elif isinstance(event, FirmwareNamed):
                self.firmware.append(event)
            elif isinstance(event, Connected) and event.local_port:
                self.own_ports.add(event.local_port)
            elif isinstance(event, SocketOpened) and event.peer_port:
                self.client_ports.add(event.peer_port)

    def absorb(self, other: _Story) -> None:
        """Take over what was gathered of the same device."""
        for log, events in other.logs().items():
            self.add(log, Ordered(events))

    def logs(self) -> dict[str, list[Event]]:
        """The console events by the log they stand in."""
        found: dict[str, list[Event]] = {}
        for event in self.console:
            found.setdefault(event.where.source, []).append(event)
        return found

    def address_in(self, flow: FlowObserved) -> str:
        """The address the device has in ``flow`` when the log speaks of this very conversation, else ``""``."""
        if flow.client.port in self.own_ports:
            peers = {e.host for e in self.console if isinstance(e, ConnectStarted)}
            return flow.client.ip if not peers or flow.server.ip in peers else ""
        return flow.server.ip if flow.client.port in self.client_ports else ""


def timelines(
    sources: Sequence[tuple[str, Sequence[Event]]], notes: list[str] | None = None
) -> tuple[Timeline, ...]:
    """One timeline per device from ``sources`` (name as given, events in order).

    A log and a capture belong together when the log prints an address or a port that the capture shows, or when
    there is just one candidate on each side. In a capture without such a link the devices are the hosts that carry
    the marks of Espressif's lwIP; without any, those that open connections. Captures that cannot be put on one clock
    give a device a timeline each, the lesser ones in ``apart``. What was assumed is put into ``notes``.
    """
    stories: list[_Story] = []
    captures: list[tuple[str, Sequence[Event]]] = []
    for name, events in sources:
        if CaptureObserved in set(map(type, events)):
            captures.append((name, events))
        else:
            _console_story(stories, name, Ordered(events))
    remarks: list[str] = []
    if captures:
        watched = [name for name, _ in captures]
        shown = _on_their_clocks(stories, captures, remarks)
        assumed = _join_captures(stories, shown, watched)
        if assumed:
            remarks.append(
                f"{assumed} and {watched[0]}: one device in each and nothing that links them; taken as the same"
            )
    told = tuple(_timeline(story) for story in stories)
    remarks += _without_clock(told, captured=bool(captures))
    if notes is not None:
        notes += remarks
    return told


def _without_clock(told: Sequence[Timeline], *, captured: bool) -> list[str]:
    """A note for each device whose log could not be put on the clock of any capture of it, or belongs to none."""
    remarks: list[str] = []
    for timeline in told:
        captures = [part.events[0].where.source for part in timeline.apart]
        if captures and not timeline.clocks and not any(timeline.of(CaptureObserved)):
            logs = dict.fromkeys(event.where.source for event in timeline.events)
            timed = any(event.at.boot is not None for event in timeline.events)
            why = (
                f"too few events that {captures[0]} shows too"
                if timed
                else "no line of it carries a time of the boot"
            )
            remarks.append(
                f"{', '.join(logs)}: {why}, so the log and the capture have no common clock: no times are compared and each"
                " finding rests on one of them"
            )
        elif (
            captured
            and timeline.device.sources
            and not timeline.apart
            and not any(timeline.of(CaptureObserved))
        ):
            remarks.append(
                f"{', '.join(timeline.device.sources)}: names no address or port that a capture shows, so it stands alone;"
                " a line with the device's MAC or IP address would join them"
            )
    return remarks


def _on_their_clocks(
    stories: Sequence[_Story], captures: Sequence[tuple[str, Sequence[Event]]], notes: list[str]
) -> list[Shown]:
    """What ``captures`` show, by the clock they could be put on; which could not is put into ``notes``."""
    found = by_clock(captures)
    for story in stories:
        for log, console in story.logs().items() if len(found) > 1 else ():
            found = linked_by_log(found, log, partial(_fits, console))
    if len(found) > 1:
        sides = [" + ".join(name for name, _ in one.captures) for one in found]
        more = f" and {len(sides) - _SIDES_NAMED} more" if len(sides) > _SIDES_NAMED else ""
        notes.append(
            f"{', '.join(sides[:_SIDES_NAMED])}{more}: too little that they show in common, so they have no common clock;"
            " no times are compared and each finding rests on one of them (mergecap first joins parts of one recording)"
        )
    return [Shown(_once(one), tuple(one.clocks)) for one in found]


def _once(one: OneClock) -> Told:
    return one_each([events for _, events in one.captures])


def _fits(console: Sequence[Event], one: OneClock) -> dict[int, Alignment]:
    return alignments(console, _once(one).events)


def _note(known: dict[str, None], value: str) -> None:
    """Remember ``value``; a device has a handful of addresses, a hostile log any number."""
    if value and value not in known and len(known) < _ADDRESSES_MAX:
        known[value] = None


def _console_story(stories: list[_Story], name: str, events: Ordered) -> None:
    """Sort one log: by the device each line names, where it speaks of several; else as one device."""
    named = {e.name for e in events.of(AddressNamed) if e.name}
    if len(named) < 2:
        fresh = _Story()
        fresh.add(name, events)
        same = next((s for s in stories if s.macs.keys() & fresh.macs.keys()), None)
        if same is not None:
            same.add(name, events)
        else:
            stories.append(fresh)
        return
    current = ""
    line = None
    parts: dict[str, list[Event]] = {device: [] for device in sorted(named)}
    for event in events:
        if event.where.line != line:
            line, current = event.where.line, ""
        if isinstance(event, AddressNamed) and event.name:
            current = event.name
        if current:
            parts[current].append(event)
    named_firmware = events.of(FirmwareNamed)
    for device, device_events in parts.items():
        same = next((story for story in stories if device in story.names), None)
        if same is None:
            same = _Story()
            stories.append(same)
        same.add(name, Ordered((*named_firmware, *(e for e in device_events if e not in named_firmware))))


def _join_captures(stories: list[_Story], shown: Sequence[Shown], watched: list[str]) -> str:
    """Give each device its part of the captures, and each host that is a device without a log a story of its own.

    Returns the log that was joined with a capture on no other ground than that both hold one device, or ``""``.
    """
    assumed = ""
    capture = [event for seen in shown for event in seen.told.events]
    hosts = hosts_of(capture)
    flows = [f for f in capture if isinstance(f, FlowObserved)]
    owners: dict[int, _Story] = {}
    for story in tuple(stories):
        for number, host in enumerate(hosts):
            if not _same(story, host, flows):
                continue
            if number not in owners:
                owners[number] = story
            elif owners[number] is not story and _one_device(owners[number], story, shown):
                owners[number].absorb(story)
                stories.remove(story)
                break
    candidates = [n for n, host in enumerate(hosts) if n not in owners and (host.espressif or host.station)]
    if not candidates and not owners:
        clients = {f.client.ip for f in flows}
        candidates = [n for n, host in enumerate(hosts) if clients & set(host.ips)]
        if not candidates:  # no TCP at all: whoever asks for an address or a name
            askers = {e.mac for e in capture if isinstance(e, LeaseObserved)}
            askers |= {e.asker_ip for e in capture if isinstance(e, (LookupObserved, ArpObserved))}
            candidates = [n for n, host in enumerate(hosts) if host.mac in askers or askers & set(host.ips)]
    alone = [story for story in stories if story not in owners.values() and not story.shown]
    for number in candidates:
        if (
            len(alone) == 1
            and len(candidates) == 1
            and len(stories) == 1
            and _may_be(alone[0], hosts[number])
        ):
            owners[number] = alone[0]
            assumed = alone[0].sources[0]
        else:
            story = _Story()
            stories.append(story)
            owners[number] = story
    for number, story in owners.items():
        host = hosts[number]
        _note(story.macs, host.mac)
        for ip in host.ips:
            _note(story.ips, ip)
        story.sources += [name for name in watched if name not in story.sources]
    concerned = [Concerned(seen) for seen in shown]
    for story in {id(s): s for s in owners.values()}.values():
        story.shown = [part for one in concerned if (part := one.part((*story.ips, *story.macs))) is not None]
    return assumed


def _one_device(story: _Story, other: _Story, shown: Sequence[Shown]) -> bool:
    """Whether two logs that speak of one host's connections are of one device: nothing that they say of addresses
    contradicts it, and the second shares a clock with a capture, so that its ports are no chance."""
    if (story.ips and other.ips and story.ips.keys().isdisjoint(other.ips)) or (
        story.macs and other.macs and story.macs.keys().isdisjoint(other.macs)
    ):
        return False
    return any(alignments(other.console, seen.told.events) for seen in shown)


def _may_be(story: _Story, host: Host) -> bool:
    """Nothing that the log says of its device's addresses contradicts ``host``."""
    return not (story.ips and host.ips) and not (story.macs and host.mac)


def _same(story: _Story, host: Host, flows: Sequence[FlowObserved]) -> bool:
    if host.mac and host.mac in story.macs:
        return True
    if set(host.ips) & set(story.ips):
        return True
    return any(story.address_in(flow) in host.ips for flow in flows)


def _timeline(story: _Story) -> Timeline:
    named = story.firmware
    families = Counter(e.family for e in named)
    firmware = next((family for family in _FAMILIES if families[family]), "")
    version = next((e.version for e in named if e.version and e.family == firmware), "") or next(
        (e.version for e in named if e.version), ""
    )
    name = next(iter([*story.macs, *story.names, *story.ips, PurePath(story.sources[0]).name]))
    device = Device(
        name=name,
        mac=next(iter(story.macs), ""),
        ips=tuple(story.ips),
        firmware=firmware,
        version=version,
        sources=tuple(story.sources),
    )
    return _parted(device, story)


def _parted(device: Device, story: _Story) -> Timeline:
    """The device's timeline: each log with the captures on whose clock most of it can be put. Logs that fit none go with
    the first that does; where none fits any capture, the captures stand apart."""
    fits = [alignments(story.console, seen.told.events) if story.console else {} for seen in story.shown]
    homes: dict[str, int] = {}
    for log, events in story.logs().items() if story.shown else ():
        boots = {event.at.epoch for event in events}
        matches = [sum(fit.matches for boot, fit in found.items() if boot in boots) for found in fits]
        if any(matches):
            homes[log] = matches.index(max(matches))
    first = next(iter(homes.values()), None)
    parts: list[Timeline] = []
    if first is None and (story.console or not story.shown):
        parts.append(Timeline(device, story.console))
    for number, seen in enumerate(story.shown):
        console = [event for event in story.console if homes.get(event.where.source, first) == number]
        boots = {event.at.epoch for event in console}
        clocks = {boot: fit for boot, fit in fits[number].items() if boot in boots}
        parts.append(Timeline(device, (*console, *seen.told.events), clocks, seen.clocks, seen.told.others))
    main = parts.pop(first or 0)
    return replace(main, apart=tuple(parts))
