"""What was done in a recording, read from its truth: settings, commands and their moments; and what there was to send.

A moment is the truth's, corrected by how the lab's notes were made: some were written when the command had returned,
some before its program had started. How long a program took to come up cannot be known from a note: that moment is the
first frame it sent, and the comparison calls it given. All other frames have to come by themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halfopen.formats import dot11
from halfopen.twin.fidelity.air.hearing import Heard, beacons, hear
from halfopen.twin.fidelity.air.story import CARRIED
from halfopen.twin.fidelity.wire import read_frames

STATION, ACCESS_POINT = "STA", "AP"

#: The lab writes a note of hostapd_cli when it has returned: 11 to 13 ms after its frame (s3_kick, s3_class3).
_RETURNED_S = -0.012
#: … and of ``iw … power_save``: the frame that tells the access point's HT side was out 15 to 80 ms before.
_IW_RETURNED_S = -0.08
#: … but of wpa_cli and ip when it calls them: 112 to 131 ms until the first frame (s1, s5).
_CALLED_S = 0.11
#: hostapd dies 11 to 17 ms after the signal (s3_ap_restart, s5_roam).
_STOPPED_S = 0.014
_SENT = re.compile(rb"[UB] \d+ (\d{10}\.\d+)$")
_LLC = 8


@dataclass(frozen=True, slots=True)
class Command:
    """Something done at ``at`` (s from the capture's beginning). ``frame`` is the recorded frame that tells the moment
    where the note cannot; 0 otherwise."""

    at: float
    verb: str
    who: str
    words: str
    reason: int = 0
    frame: int = 0
    target: str = ""


@dataclass(frozen=True, slots=True)
class Handed:
    """Something the upper layers handed down at ``at`` (s): by whom, to whom, an ethertype (0: encrypted) and bytes.

    Sender and receiver are stations by role, others by address; :data:`EVERYBODY` is everybody.
    """

    at: float
    sender: str
    receiver: str
    kind: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ApSettings:
    """An access point of the lab as its configuration says, and the phase of its beacons."""

    name: str
    bssid: str
    ssid: str
    secured: bool
    channel: int
    beacon_tu: int
    dtim: int
    inactivity_s: int
    skip_poll: bool
    #: Stations that do not acknowledge many frames in a row have to go (disassoc_low_ack).
    low_ack: bool
    capacity: int
    #: TSF (us) at the capture's beginning, and the DTIM count of the first beacon with its TSF.
    tsf_us: int
    first_count: int
    first_tsf_us: int


@dataclass(slots=True)
class Script:
    """A recording as it can be played again."""

    name: str
    truth: str
    truth_class: str
    end: float
    names: dict[str, str]
    access_points: list[ApSettings]
    commands: list[Command] = field(default_factory=list)
    traffic: list[Handed] = field(default_factory=list)

    @property
    def given(self) -> list[int]:
        """Numbers of the recorded frames that tell a moment."""
        return [command.frame for command in self.commands if command.frame]


def read_script(folder: Path, name: str) -> Script:
    """The script of ``name`` (``name.truth.json`` and ``name.hwsim0.pcapng`` in ``folder``).

    Raises:
        OSError, ValueError, KeyError: it cannot be read.
    """
    truth = json.loads((folder / f"{name}.truth.json").read_text(encoding="utf-8"))
    capture = (folder / f"{name}.hwsim0.pcapng").read_bytes()
    begin = read_frames(capture)[0][0] / 1e9
    names = roles(truth)
    heard = hear(capture, names)
    points = [_settings(ap, names, heard) for ap in truth["aps"]]
    script = Script(name, truth["truth"], truth["truth_class"], heard[-1].time, names, points)
    script.commands = sorted(_commands(truth["events"], begin, heard, points), key=lambda one: one.at)
    script.traffic = sorted(_traffic(heard, names, begin), key=lambda one: one.at)
    return script


def roles(truth: dict[str, Any]) -> dict[str, str]:
    """Who is who: access points and stations by their addresses."""
    points = truth["aps"]
    names = {
        ap["bssid"]: ACCESS_POINT + (str(number) if len(points) > 1 else "")
        for number, ap in enumerate(points, 1)
    }
    names[truth["sta_mac"]] = STATION
    for event in truth["events"]:
        if "mac" in event:
            names.setdefault(event["mac"], f"{STATION}2")
    return names


def _settings(ap: dict[str, Any], names: dict[str, str], heard: list[Heard]) -> ApSettings:
    extra = dict(line.split("=", 1) for line in ap["extra"].split("\n") if "=" in line)
    name = names[ap["bssid"]]
    first = next((beacon for beacon in beacons(heard) if beacon.sender == name), None)
    if first is None:
        raise ValueError(f"no beacon of {ap['bssid']}")
    return ApSettings(
        name,
        ap["bssid"],
        ap["ssid"],
        ap["sec"] != "open",
        ap["channel"],
        ap["beacon_int_tu"],
        ap["dtim_period"],
        int(extra.get("ap_max_inactivity", 300)),
        extra.get("skip_inactivity_poll") == "1",
        extra.get("disassoc_low_ack") != "0",
        int(extra.get("max_num_sta", 2007)),
        first.tsf - round(first.time * 1e6),
        first.count,
        first.tsf,
    )


# What the lab noted → verb, how many seconds from the note to the deed.
_DEEDS: tuple[tuple[str, str, float], ...] = (
    (r"MEDIUM_BLOCK", "block", 0.0),
    (r"MEDIUM_UNBLOCK", "unblock", 0.0),
    (r"hostapd_cli disassociate \S+ reason=(\d+)", "disassociate", _RETURNED_S),
    (r"hostapd_cli deauthenticate \S+ reason=(\d+)", "deauthenticate", _RETURNED_S),
    (r"AP power cut", "cut", 0.0),
    (r"graceful hostapd stop|AP1 graceful stop", "stop", _STOPPED_S),
    (r"wpa_cli disconnect|ip link set sta down", "leave", _CALLED_S),
    (r"wpa_cli reconnect", "connect", _CALLED_S),
    (r"wpa_cli roam", "roam", _CALLED_S),
    (r"STA sends disassoc reason (\d+)", "leave by disassociation", 0.0),
    (r"STA sends deauth reason (\d+)", "leave", 0.0),
    (r"power_save on", "doze", _IW_RETURNED_S),
    (r"power_save off", "wake", _IW_RETURNED_S),
    (r"STA power-cut", "die", 0.0),
)


def _commands(
    events: list[dict[str, Any]], begin: float, heard: list[Heard], points: list[ApSettings]
) -> Iterator[Command]:
    started = 0
    before = 0.0
    for event in events:
        what, at = str(event["what"]), event["t"] - begin
        if what == "hostapd started":
            name = points[min(started, len(points) - 1)].name
            started += 1
            yield _boot(heard, at, name)
        elif what in ("wpa_supplicant started", "first STA occupies AP", "sta connected"):
            command = _start(heard, what, at, before)
            if command is not None:
                yield command
        elif what == "associated to":
            yield from _scan(heard, at)
        else:
            yield from _deed(event, what, at, points)
        before = at


def _deed(event: dict[str, Any], what: str, at: float, points: list[ApSettings]) -> Iterator[Command]:
    for pattern, verb, later in _DEEDS:
        match = re.match(pattern, what)
        if match is None:
            continue
        if "r" in event:  # the program's own clock, when the kernel had taken the frame
            at += json.loads(event["r"])["t"] - event["t"] + _RETURNED_S
        reason = int(match.group(1)) if match.groups() else 3
        target = next((point.name for point in points if point.bssid == event.get("bssid")), "")
        who = points[0].name if verb in ("disassociate", "deauthenticate", "cut", "stop") else STATION
        yield Command(at + later, verb, who, re.split(r"[:(]| \d\d:", what)[0].strip(), reason, target=target)
        return


def _boot(heard: list[Heard], at: float, name: str) -> Command:
    """An access point boots, by the farewell to all with which it begins; without one, when the note says."""
    for one in heard:
        if one.kind == dot11.DEAUTH and one.sender == name and one.time >= max(at, 0.0):
            return Command(one.time, "power on", name, f"{name} boots", frame=one.number)
    return Command(max(at, 0.0), "power on", name, f"{name} boots")


def _start(heard: list[Heard], what: str, at: float, before: float) -> Command | None:
    """A station begins to look for its network, by its first frame after the note; ``sta connected`` is noted at the
    end of a join that a program without a scan began."""
    who = f"{STATION}2" if what.startswith("first STA") else STATION
    first, last = (before, at) if what != "wpa_supplicant started" else (at, float("inf"))
    kinds = (dot11.PROBE_REQUEST, dot11.AUTH)
    for one in heard:
        if one.sender == who and one.kind in kinds and first <= one.time <= last:
            verb = "connect" if one.kind == dot11.PROBE_REQUEST else "connect without a scan"
            return Command(one.time, verb, who, f"{who} looks for its network", frame=one.number)
    return None


def _scan(heard: list[Heard], at: float) -> Iterator[Command]:
    """A scan that somebody asked for and nobody noted: the first nap of the station after it had joined."""
    for one in heard:
        if one.time > at and one.sender == STATION and one.is_null and one.dozes:
            yield Command(
                one.time, "scan", STATION, "a scan that the lab's notes leave out", frame=one.number
            )
            return


def _traffic(heard: list[Heard], names: dict[str, str], begin: float) -> Iterator[Handed]:
    stations = {role for role in names.values() if role.startswith(STATION)}
    for one in heard:
        if not one.is_data or one.handshake is not None:
            continue
        if one.sender not in stations and one.third in stations:
            continue  # an access point repeats what a station sent to everybody
        if one.ethertype not in CARRIED:
            continue
        payload = one.body[_LLC if one.ethertype else 0 :]
        upward = one.sender in stations
        told = _SENT.search(payload)
        at = float(told.group(1)) - begin if told else one.time
        sender, receiver = (one.sender, one.third) if upward else (one.third, one.receiver)
        yield Handed(at, sender, receiver, one.ethertype or 0, payload)
