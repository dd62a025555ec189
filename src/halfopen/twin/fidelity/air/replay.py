"""A recording played again in the twin: access points and stations set up as they were, commands at their moments, the
recorded traffic handed down by upper layers that do nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from halfopen.formats.packet import ARP
from halfopen.impairments.span import BOTH
from halfopen.twin.fidelity.air.comparing import Verdict, compare_stories
from halfopen.twin.fidelity.air.hearing import EVERYBODY, hear
from halfopen.twin.fidelity.air.inferring import FUZZ_MOST_S, infer
from halfopen.twin.fidelity.air.script import STATION, ApSettings, Command, Handed, Script, read_script
from halfopen.twin.fidelity.air.situations import Situation
from halfopen.twin.fidelity.air.story import Story, tell
from halfopen.twin.fidelity.air.supplicant import Supplicant
from halfopen.twin.network import Network
from halfopen.twin.packets import BROADCAST, Arp, Frame, Packet, Udp
from halfopen.twin.wifi.access_point import AccessPoint
from halfopen.twin.wifi.air import Air
from halfopen.twin.wifi.association import Association
from halfopen.twin.wifi.figures import HOSTAPD_LAB, LAB_AIR, LINUX, ApFigures
from halfopen.twin.wifi.recorder import AirRecorder
from halfopen.twin.world import EPOCH_NS, SECOND, World

#: The capture's beginning in the world: something may be done before its first frame.
BEGIN_NS = 1 * SECOND
_NEVER_NS = 1 << 62
#: hwsim's radios stand side by side.
_NEAR_DBM = -30.0
#: The lab's network.
_PREFIX = "192.168.77."
_PASSWORD = "lab-password-1"  # noqa: S105 - nobody's
#: Of an encrypted datagram: CCMP header and check, LLC, IP and UDP headers.
_SEALED_BYTES = 8 + 8 + 8 + 28


class RecordedPacket(Packet):
    """A packet with the bytes that a recording has."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        super().__init__("", "")
        self.raw = raw

    def encode(self) -> bytes:
        """As recorded."""
        return self.raw


class RecordedArp(Arp):
    """The same for ARP."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        super().__init__("", "", "", "")
        self.raw = raw

    def encode(self) -> bytes:
        """As recorded."""
        return self.raw


class UpperLayers:
    """A node that hands down what it is told and listens to nobody."""

    def __init__(self, network: Network, name: str, mac: str, ip: str, *, serves: bool) -> None:
        self.name = name
        self.mac = mac
        self.ip = ip
        self.link = network.join(self, mac, serves=serves)

    def receive(self, frame: Frame) -> None:
        """Nothing is answered."""


@dataclass(slots=True)
class Played:
    """A recording beside its replay; ``capture`` is the twin's."""

    name: str
    truth: str
    situation: Situation
    verdict: Verdict
    capture: bytes
    recorded: Story


class Lab:
    """The lab of the recordings, in the twin."""

    def __init__(self, script: Script, situation: Situation, seed: int, figures: ApFigures) -> None:
        self.script = script
        self.figures = figures
        self.situation = situation
        self.world = World(seed)
        self.network = Network(self.world, gateway=f"{_PREFIX}1", prefix=_PREFIX)
        self.air = Air(self.world, self.network.truth, LAB_AIR)
        self.recorder = AirRecorder(self.air)
        self.recorder.listen("air")
        self.points = {one.name: self._access_point(one) for one in script.access_points}
        self.stations = {
            role: self._station(role, mac) for mac, role in script.names.items() if role.startswith(STATION)
        }
        self.lan: dict[str, UpperLayers] = {}

    def _access_point(self, settings: ApSettings) -> AccessPoint:
        ap = AccessPoint(
            self.air,
            settings.name,
            bssid=settings.bssid,
            ssid=settings.ssid,
            channel=settings.channel,
            security="wpa2" if settings.secured else "open",
            password=_PASSWORD,
            beacon_tu=settings.beacon_tu,
            dtim=settings.dtim,
            inactivity_s=settings.inactivity_s,
            skip_poll=settings.skip_poll,
            capacity=settings.capacity,
            figures=self.figures if settings.low_ack else replace(self.figures, low_ack=0),
        )
        drawn = iter(self.situation.fuzz_s)

        def draw(entry: Association) -> int:
            return next(drawn, FUZZ_MOST_S)  # what no recording shows is as late as can be

        ap.expiry.fuzz_s = draw
        return ap

    def _station(self, role: str, mac: str) -> Supplicant:
        upper = UpperLayers(self.network, role, mac, f"{_PREFIX}{50 + len(self.network.links)}", serves=False)
        situation = self.situation
        limit_ns = round(situation.beacon_limit_s * SECOND) or _NEVER_NS
        return Supplicant(
            self.air,
            upper.link,
            role,
            mac=mac,
            ssid=situation.ssid or self.script.access_points[0].ssid,
            password="wrong" if situation.wrong_password else _PASSWORD,
            rssi_dbm=dict.fromkeys(self.points, _NEAR_DBM),
            figures=replace(LINUX, hears_all=not situation.dtim_only, beacon_limit_ns=limit_ns),
            channels=situation.channels,
            asks_for=situation.asks_for,
        )

    def play(self) -> bytes:
        """Play it to the end; the capture of the air."""
        for command in self.script.commands:
            self.world.at(_when(command.at), self.obey, command)
        for handed in self.script.traffic:
            self.world.at(_when(handed.at), self.hand_down, handed)
        self.world.run(_when(self.script.end))
        return self.recorder.pcapng("air")

    def obey(self, command: Command) -> None:
        """Do what was done."""
        if command.who.startswith(STATION):
            self._command_station(self.stations[command.who], command)
        else:
            self._command_ap(self.points[command.who], command)

    def _command_ap(self, ap: AccessPoint, command: Command) -> None:
        verb, mac = command.verb, self._mac(STATION)
        if verb == "power on":
            settings = next(one for one in self.script.access_points if one.name == ap.name)
            ap.power_on(*_phase(settings, command.at))
        elif verb == "stop":
            ap.stop()
        elif verb == "cut":
            ap.cut()
        else:
            ap.kick(mac, command.reason, "deauth" if verb == "deauthenticate" else "disassoc")

    def _command_station(self, station: Supplicant, command: Command) -> None:
        verb = command.verb
        if verb in ("block", "unblock"):
            for ap in self.points.values():
                self.air.block(ap, station, BOTH, blocked=verb == "block")
        elif verb == "leave":
            station.leave(command.reason, "deauth")
        elif verb == "leave by disassociation":
            station.leave(command.reason, "disassoc")
        elif verb == "roam":
            station.roam(self.points[command.target])
        elif verb == "scan":
            station.scan_beside_traffic()
        elif verb in ("doze", "wake"):
            station.set_power_save("min" if verb == "doze" else "none")
        elif verb == "die":
            station.power_off()
        elif verb == "connect without a scan":
            station.connect_at_once()
        else:
            station.connect()

    def _mac(self, role: str) -> str:
        return next(mac for mac, name in self.script.names.items() if name == role)

    def hand_down(self, handed: Handed) -> None:
        """Let a node send what it sent then."""
        station = self.stations.get(handed.sender)
        if station is None:
            upper = self.lan.get(handed.sender) or self._somebody(handed.sender)
            link, source = upper.link, upper.mac
        else:
            link, source = station.link, station.mac
        named = {role: mac for mac, role in self.script.names.items()}
        destination = named.get(handed.receiver, handed.receiver)
        if handed.receiver == EVERYBODY:
            destination = BROADCAST
        link.send(Frame(destination, source, _packet(handed)))

    def _somebody(self, mac: str) -> UpperLayers:
        upper = UpperLayers(self.network, f"lan {mac}", mac, f"{_PREFIX}{1 + len(self.lan)}", serves=True)
        self.lan[mac] = upper
        return upper


def _phase(settings: ApSettings, at: float) -> tuple[int, int]:
    """TSF (us) at ``at``, and the DTIM count of the first beacon after it."""
    tsf = settings.tsf_us + round(at * 1e6)
    interval = settings.beacon_tu * 1024
    beacons_later = tsf // interval + 1 - settings.first_tsf_us // interval
    return tsf, (settings.first_count - beacons_later) % settings.dtim


def _packet(handed: Handed) -> Arp | Packet:
    if not handed.kind:
        return Udp(f"{_PREFIX}50", 9, f"{_PREFIX}1", 9, bytes(max(0, len(handed.payload) - _SEALED_BYTES)))
    return RecordedArp(handed.payload) if handed.kind == ARP else RecordedPacket(handed.payload)


def _when(at: float) -> int:
    return BEGIN_NS + round(at * SECOND)


def play(folder: Path, name: str, situation: Situation | None = None, seed: int = 7) -> Played:
    """Play the recording ``name`` of ``folder`` again and compare; without a situation its own frames have to do.

    Raises:
        OSError, ValueError, KeyError: it cannot be read.
    """
    recording = (folder / f"{name}.hwsim0.pcapng").read_bytes()
    script = read_script(folder, name)
    return play_script(script, recording, situation or infer(script, hear(recording, script.names)), seed)


def play_script(
    script: Script,
    recording: bytes,
    situation: Situation,
    seed: int = 7,
    figures: ApFigures = HOSTAPD_LAB,
) -> Played:
    """Play ``script`` and compare what comes of it with a recording.

    Raises:
        ValueError: the recording cannot be read.
    """
    recorded = tell(recording, script.names)
    recorded.events = [told for told in recorded.events if told.number not in situation.unheard]
    capture = Lab(script, situation, seed, figures).play()
    story = tell(capture, script.names, EPOCH_NS + BEGIN_NS)
    commands = [(command.at, command.words) for command in script.commands]
    verdict = compare_stories(recorded, story, commands, script.given)
    return Played(script.name, script.truth, situation, verdict, capture, recorded)
