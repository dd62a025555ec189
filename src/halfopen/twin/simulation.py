"""A scenario played: the world is built from it, runs in virtual time, and leaves logs, captures and the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfopen.impairments.delay import Delay
from halfopen.impairments.span import Impairment
from halfopen.twin.device import Board, Device
from halfopen.twin.linux.host import Host
from halfopen.twin.linux.services import Caller
from halfopen.twin.lwip.options import Options
from halfopen.twin.network import Network, Place
from halfopen.twin.recorder import Recorder
from halfopen.twin.scenario import GATEWAY, CallerPlan, DevicePlan, Scenario, duration_ns
from halfopen.twin.tables import ScenarioError
from halfopen.twin.truth import Truth
from halfopen.twin.wifi.access_point import AccessPoint
from halfopen.twin.wifi.air import Air
from halfopen.twin.wifi.recorder import AirRecorder
from halfopen.twin.world import MS, SECOND, World

#: Figures are taken this often over a run, but not more often than once a second.
_SAMPLES = 600
#: Espressif's, so that the picture names the vendor.
_MAC = "24:6f:28:a0:00:{:02x}"
_FIRST_DEVICE, _FIRST_CALLER = 100, 10
TRUTH_FILE = "truth.json"
#: The air as the medium itself has it, and as a sniffer hears it.
AIR, SNIFFER = "air", "sniffer"

#: Called with the seconds of virtual time that have passed.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a device held at one moment: descriptors, bytes of heap free and in the largest block, PCBs that live."""

    at_s: float
    descriptors: int
    heap_free: int
    heap_largest: int
    pcbs: int


class Simulation:
    """One run of a scenario with one seed. ``run()`` plays it; then everything can be read and written."""

    def __init__(self, scenario: Scenario, seed: int | None = None, *, records: bool = True) -> None:
        """``records`` false makes no captures: what is idle is then played in closed form, which is much faster.

        Raises:
            ScenarioError: an impairment cannot happen where it should.
        """
        self.scenario = scenario
        self._records = records
        self.seed = scenario.seed if seed is None else seed
        self.world = World(self.seed)
        self.truth = Truth(self.world)
        self.network = Network(self.world, self.truth)
        self.hosts: dict[str, Host] = {}
        self.devices: dict[str, Device] = {}
        self.recorders: dict[str, Recorder] = {}
        #: Figures of each device over time.
        self.samples: dict[str, list[Sample]] = {}
        self._groups: dict[str, list[Place]] = {}
        self.access_points: dict[str, AccessPoint] = {}
        #: The air of a scenario with access points, and who records it.
        self.air: Air | None = None
        self.air_recorder: AirRecorder | None = None
        self._build_air()
        self._build_peers()
        for plan in scenario.devices:
            self._build_devices(plan)
        for caller in scenario.callers:
            self._build_callers(caller)
        self._impair()

    def run(self, progress: Progress | None = None) -> None:
        """Play it to its end."""
        end = duration_ns(self.scenario)
        step = max(SECOND, end // _SAMPLES // SECOND * SECOND)
        for moment in range(step, end + step, step):
            self.world.run(until=min(moment, end))
            for name, device in self.devices.items():
                self.samples[name].append(_sample(device))
            if progress is not None:
                progress(min(moment, end) // SECOND)

    # Building -----------------------------------------------------------------------------------------------

    def _build_air(self) -> None:
        scenario = self.scenario
        if not scenario.access_points:
            return
        self.air = Air(self.world, self.truth)
        if self._records and (scenario.record_air or scenario.sniffer is not None):
            self.air_recorder = AirRecorder(self.air)
            if scenario.record_air:
                self.air_recorder.listen(AIR)
            if scenario.sniffer is not None:
                self.air_recorder.listen(SNIFFER, scenario.sniffer.rssi_dbm, scenario.sniffer.misses)
        for number, plan in enumerate(scenario.access_points):
            ap = self.access_points[plan.name] = plan.build(self.air, number)
            self._groups[plan.name] = [ap]
            self.world.at(0, ap.power_on)

    def _build_peers(self) -> None:
        gateway = next((peer.name for peer in self.scenario.peers if peer.ip == GATEWAY), "gateway")
        self._host(gateway, GATEWAY)
        for peer in self.scenario.peers:
            host = self.hosts.get(peer.name) or self._host(peer.name, peer.ip)
            for service in peer.services:
                host.listen(service.port, service.build())
            if peer.domain:
                self.hosts[gateway].name_server.names[peer.domain] = peer.ip
        self._gateway = self.hosts[gateway]

    def _host(self, name: str, ip: str) -> Host:
        host = self.hosts[name] = Host(self.network, name, ip=ip)
        self._groups[name] = [host]
        return host

    def _build_devices(self, plan: DevicePlan) -> None:
        options = Options.of_sdkconfig(plan.sdkconfig)
        for place, name in enumerate(plan.names()):
            number = len(self.devices)
            ip, mac = f"192.168.5.{_FIRST_DEVICE + number}", _MAC.format(number + 1)
            if plan.lease:
                self._gateway.lease_server.leases[mac] = ip
            device = Device(
                self.network,
                name,
                plan.firmware,
                mac=mac,
                ip="" if plan.lease else ip,
                options=options,
                heap_bytes=plan.heap_bytes,
            )
            self.devices[name] = device
            self.samples[name] = []
            if self._records:
                recorder = self.recorders[name] = Recorder(self.world)
                recorder.tap(device.stack.link)
            if self.air is not None:
                station = plan.wifi.build(self.air, device.stack.link, name, mac)
                device.attach(station, keeps_address=plan.wifi.keeps_address)
                device.awake_ns, device.sleep_ns = plan.wifi.awake_s * SECOND, plan.wifi.sleep_s * SECOND
            self._groups.setdefault(plan.name, []).append(device.stack)
            self._groups[name] = [device.stack]
            self.world.at((plan.begin_ms + place * plan.every_ms) * MS, device.power_on)

    def _build_callers(self, plan: CallerPlan) -> None:
        called = self.devices[next(iter(self._named(plan.device)))].stack
        for number in range(plan.count):
            name = plan.name if plan.count == 1 else f"{plan.name}-{number + 1}"
            ip = (
                f"192.168.5.{_FIRST_CALLER + sum(h.ip.startswith('192.168.5.') for h in self.hosts.values())}"
            )
            host = self.hosts[name] = Host(self.network, name, ip=ip)
            self._groups.setdefault(plan.name, []).append(host)
            self.world.at((plan.begin_ms + number * plan.every_ms) * MS, self._call, host, called, plan)

    def _named(self, name: str) -> list[str]:
        """The devices that a scenario means by a name: one, or a group."""
        group = self._groups[name]
        return [each for each, device in self.devices.items() if device.stack in group]

    def _call(self, host: Host, called: Board, plan: CallerPlan) -> None:
        """One call, and what the caller does after it."""
        if called.ip:
            connection = host.connect(called.ip, plan.port, Caller(plan.request.encode()))
            if plan.then == "close":
                self.world.after(plan.after_ms * MS, _hang_up, connection)
            elif plan.then == "vanish":
                self.world.after(plan.after_ms * MS, host.vanish)
        if plan.repeat_ms:
            self.world.after(plan.repeat_ms * MS, self._call, host, called, plan)

    def _impair(self) -> None:
        scenario = self.scenario
        if scenario.delay_ms or scenario.jitter_ms:
            path = Delay(0, None, scenario.delay_ms, scenario.jitter_ms)
            for device in self.devices.values():
                self.network.impair(path, at=device.stack)
        for number, (at, impairment) in enumerate(scenario.impairments):
            for node in self._groups[at]:
                try:
                    self.network.impair(impairment, at=node)
                except ValueError as error:
                    raise ScenarioError(f"{scenario.file}: impairments[{number}]: {error}") from None

    # What is left -------------------------------------------------------------------------------------------

    def files(self) -> dict[str, bytes]:
        """What a bench would have given, by file name: a log and, where recorded, a capture of each device; the truth."""
        found: dict[str, bytes] = {}
        for name, device in self.devices.items():
            found[f"{name}.log"] = device.console.text().encode()
            if self._records:
                found[f"{name}.pcapng"] = self.recorders[name].pcapng()
        if self.air_recorder is not None:
            for place in self.air_recorder.places:
                found[f"{place}.pcapng"] = self.air_recorder.pcapng(place)
        found[TRUTH_FILE] = self.truth.as_json(list(self._reasons())).encode()
        return found

    def _reasons(self) -> Iterator[dict[str, Any]]:
        for name, recorder in self.recorders.items():
            for reason in recorder.reasons():
                yield {"capture": f"{name}.pcapng", **reason}
        if self.air_recorder is not None:
            for place in self.air_recorder.places:
                for reason in self.air_recorder.reasons(place):
                    yield {"capture": f"{place}.pcapng", **reason}

    def file_names(self) -> list[str]:
        """The names of :meth:`files`."""
        places = self.air_recorder.places if self.air_recorder is not None else ()
        endings = (".log", ".pcapng") if self._records else (".log",)
        return [
            *(f"{name}{ending}" for name in self.devices for ending in endings),
            *(f"{place}.pcapng" for place in places),
            TRUTH_FILE,
        ]

    def write(self, folder: Path) -> list[Path]:
        """Write :meth:`files` into ``folder``; what was written. Raises :class:`OSError`."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, content in self.files().items():
            (folder / name).write_bytes(content)
            written.append(folder / name)
        return written

    def disturbances(self) -> list[tuple[str, Impairment]]:
        """The impairments of the scenario and where, by the time they begin."""
        return sorted(self.scenario.impairments, key=lambda entry: entry[1].begin_ms)


def _hang_up(connection: Any) -> None:
    if connection.state not in ("CLOSED", "TIME_WAIT"):
        connection.close()


def _sample(device: Device) -> Sample:
    stack = device.stack
    return Sample(
        device.world.now / SECOND,
        len(stack.sockets.open_descriptors()),
        stack.heap.free,
        stack.heap.largest,
        stack.pcbs()[0],
    )
