"""Wi-Fi in the twin: what each impairment makes of a station, in closed form as when it is recorded, and what the air shows."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.twin.test_world import SOURCE

from halfopen.impairments.span import TO_DEVICE, TO_PEER
from halfopen.twin.network import Network
from halfopen.twin.packets import ECHO_REPLY, Frame, Icmp
from halfopen.twin.scenario import loads
from halfopen.twin.simulation import Simulation
from halfopen.twin.wifi import association, joining
from halfopen.twin.wifi.access_point import AccessPoint
from halfopen.twin.wifi.air import Air
from halfopen.twin.wifi.beating import Beat
from halfopen.twin.wifi.figures import ASSUMPTIONS, ESP32
from halfopen.twin.wifi.recorder import AirRecorder
from halfopen.twin.wifi.signal import SHADOW_NS, Signal
from halfopen.twin.wifi.station import Station
from halfopen.twin.world import MS, SECOND, World

SCENARIOS = SOURCE / "halfopen/prove/scenarios"
#: One station whose firmware asks every five seconds.
HOME = """
title = "A station at home"
duration_s = 200
[[peers]]
name = "server"
ip = "192.168.5.2"
services = [{ port = 8080, kind = "responder" }]
[[access_points]]
name = "ap"
dtim = 3
inactivity_s = 30
[[devices]]
name = "sensor"
firmware = "careful-client"
options = { host = "192.168.5.2", period_ms = 5000 }
"""


def played(text: str, *, records: bool = False) -> Simulation:
    simulation = Simulation(loads(text, "home.toml"), records=records)
    simulation.run()
    return simulation


def impaired(kind: str, at: str, **values: Any) -> str:
    lines = "".join(f"{key} = {repr(value).replace(chr(39), chr(34))}\n" for key, value in values.items())
    return f'{HOME}[[impairments]]\nat = "{at}"\nkind = "{kind}"\n{lines}'.replace("True", "true")


def reasons(simulation: Simulation) -> list[int]:
    """What the station was told, one after the other, repetitions once."""
    told: list[int] = []
    for event in simulation.truth.events:
        if event["what"] in ("disassociated", "join-failed") and event["reason"] not in told[-1:]:
            told.append(event["reason"])
    return told


def facts(simulation: Simulation) -> list[tuple[float, str, str, Any]]:
    kept = {
        "associated",
        "beacons-lost",
        "disassociated",
        "farewell-sent",
        "join-failed",
        "netif-down",
        "netif-up",
        "station-forgotten",
        "station-refused",
    }
    return [
        (event["at_ms"], event["who"], event["what"], event.get("reason"))
        for event in simulation.truth.events
        if event["what"] in kept
    ]


# The tables ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table", [association.TRANSITIONS, joining.TRANSITIONS], ids=["association", "joining"]
)
def test_every_state_is_reached_and_left_and_every_effect_is_known(table: dict[Any, Any]) -> None:
    states = {state for state, _ in table}
    reached = {state for state, _ in table.values()}
    assert reached <= states | {association.ABSENT}
    for state in states:
        assert any(target != state for (source, _), (target, _) in table.items() if source == state), state
    world = World()
    air = Air(world)
    ap = AccessPoint(air, "ap", bssid="02:00:00:7e:31:40")
    link = Network(world).join(_Node(), "24:6f:28:00:00:01")
    station = Station(air, link, "device", mac="24:6f:28:00:00:01")
    known = set(ap._effects) | set(station._effects)
    assert {effect for _, effects in table.values() for effect in effects} <= known


class _Node:
    name, mac, ip = "device", "24:6f:28:00:00:01", "192.168.5.100"

    def receive(self, frame: Frame) -> None:
        """Nothing is sent to it."""


def test_a_station_that_fails_or_is_put_out_stands_at_the_beginning() -> None:
    for (state, event), (target, effects) in joining.TRANSITIONS.items():
        if joining.FAIL in effects or joining.LOSE in effects:
            assert target == joining.INIT, (state, event)
            assert joining.STOP in effects, (state, event)


# Closed forms -------------------------------------------------------------------------------------------------


@given(
    born=st.integers(0, 10**10),
    interval=st.integers(15, 1000),
    dtim=st.integers(1, 12),
    count=st.integers(0, 11),
    now=st.integers(0, 10**12),
)
def test_beacons_in_closed_form_are_those_counted_one_by_one(
    born: int, interval: int, dtim: int, count: int, now: int
) -> None:
    beat = Beat(born, interval, dtim)
    beat.follow(born, 0, count % dtim)
    number = beat.number_after(now)
    assert beat.time_of(number) > now
    assert number == 0 or beat.time_of(number - 1) <= now
    next_dtim = beat.number_after(now, dtim)
    assert beat.count(next_dtim) == 0
    assert all(beat.count(between) for between in range(number, next_dtim))
    if now >= beat.born:
        last = beat.number_until(now, dtim)
        assert beat.time_of(last) <= now < beat.time_of(last + dtim)
        assert beat.count(last) == 0


@given(st.integers(0, 2**64 - 1), st.floats(0, 10), st.floats(0, 10), st.integers(0, 10**14))
def test_a_signal_keeps_its_bounds(seed: int, shadowing: float, multipath: float, now: int) -> None:
    signal = Signal(seed, -60.0, shadowing, multipath)
    block = now // SHADOW_NS * SHADOW_NS
    assert signal.weakest - 1e-9 <= signal.at(now) == signal.at(now)
    assert signal.weakest_until(block, block + SHADOW_NS) <= signal.at(now) + 1e-9


@pytest.mark.parametrize("power_save", ["none", "min", "max"])
def test_a_quiet_day_costs_no_event_per_beacon_keepalive_or_poll(power_save: str) -> None:
    world = World(7)
    air = Air(world)
    ap = AccessPoint(air, "ap", bssid="02:00:00:7e:31:40", inactivity_s=30)
    ap.power_on()
    link = Network(world).join(_Node(), "24:6f:28:00:00:01")
    station = Station(air, link, "device", mac="24:6f:28:00:00:01", power_save=power_save)
    station.connect()
    world.run(24 * 3600 * SECOND)
    assert station.state == "run"
    assert world.events < 30  # of 843,750 beacons
    before = station.airtime_us
    air.settle()
    nulls = 8640 if power_save != "none" else 24 * 3600 / 45
    assert station.airtime_us - before > nulls * 100  # and yet the air was used: more than 0.1 ms each
    assert ap.table[station.mac].state == association.AUTHORIZED


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(SCENARIOS.glob("*.toml")) if "[[access_points]]" in path.read_text()],
    ids=lambda path: path.stem,
)
def test_what_is_not_played_comes_out_as_what_is(path: Path) -> None:
    text = re.sub(r"duration_s = \d+", "duration_s = 400", path.read_text())
    scenario = loads(text.partition("[[impairments]]")[0], path.name)
    for one in (scenario, scenario.cured()):
        runs = [Simulation(one, records=records) for records in (True, False)]
        for run in runs:
            run.run()
        assert facts(runs[0]) == facts(runs[1])


# What befalls a station ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "at", "values", "expected"),
    [
        ("radio-dropout", "sensor", {"begin_ms": 50000, "end_ms": 70000}, [200, 201]),
        ("radio-dropout", "sensor", {"begin_ms": 50000, "end_ms": 54000}, []),
        ("radio-dropout", "sensor", {"begin_ms": 50000, "end_ms": 70000, "direction": "to-device"}, [200, 201]),
        ("link-down", "sensor", {"begin_ms": 50000, "end_ms": 60000}, [200, 201]),
        ("ap-silent", "ap", {"begin_ms": 50000, "end_ms": 70000}, [200, 201]),
        ("ap-power-cut", "ap", {"begin_ms": 50000, "end_ms": 51000}, [206]),
        ("ap-power-cut", "ap", {"begin_ms": 50000, "end_ms": 70000}, [200, 201]),
        ("ap-forgets", "sensor", {"begin_ms": 50000}, [7]),
        ("station-kicked", "sensor", {"begin_ms": 50000, "reason": 5}, [5]),
        ("station-kicked", "sensor", {"begin_ms": 50000, "reason": 34, "every_ms": 60000, "end_ms": 120000}, [34]),
        ("fading", "sensor", {"begin_ms": 50000, "end_ms": 90000, "loss_db": 60.0}, [200, 201]),
        ("late-wake", "sensor", {"begin_ms": 50000, "end_ms": 90000, "probability": 1.0}, []),
        ("station-barred", "sensor", {"begin_ms": 0, "end_ms": 30000}, [202]),
        ("ap-full", "ap", {"begin_ms": 0, "end_ms": 30000}, [5]),
        ("password-changed", "ap", {"begin_ms": 0, "end_ms": 30000, "password": "not-what-it-was"}, [15]),
        ("power-cut", "sensor", {"begin_ms": 50000, "end_ms": 60000}, []),
        ("brown-out", "sensor", {"begin_ms": 50000}, []),
    ],
)  # fmt: skip
def test_an_impairment_tells_the_station_what_a_driver_would_say_and_is_survived(
    kind: str, at: str, values: dict[str, Any], expected: list[int]
) -> None:
    simulation = played(impaired(kind, at, **values))
    assert reasons(simulation) == expected
    exchanged = simulation.truth.of("exchanged", "sensor")
    assert exchanged[-1]["at_ms"] > 190_000
    assert simulation.access_points["ap"].table[simulation.devices["sensor"].stack.mac].state == "authorized"


def test_a_graceful_restart_is_heard_by_who_is_awake_and_missed_by_who_dozes() -> None:
    restart = impaired("ap-restarted", "ap", begin_ms=50000, end_ms=70000)
    assert reasons(played(restart)) == [200, 201]
    awake = restart.replace("period_ms = 5000 }", 'period_ms = 5000 }\nwifi = { power_save = "none" }')
    assert reasons(played(awake)) == [3, 201]


def test_a_deaf_station_is_polled_disassociated_and_deauthenticated_as_the_recordings_have_it() -> None:
    text = HOME.replace("period_ms = 5000 }", 'period_ms = 5000 }\nwifi = { power_save = "none" }')
    deaf = f'{text}[[impairments]]\nat = "sensor"\nkind = "radio-dropout"\nbegin_ms = 50000\n'
    simulation = played(deaf)
    polled = next(e for e in simulation.truth.of("station-polled", "ap") if not e["acked"])
    farewells = [
        (e["frame"], e["reason"], e["acked"], round((e["at_ms"] - polled["at_ms"]) / 1000, 1))
        for e in simulation.truth.of("farewell-sent", "ap")
        if e["at_ms"] > polled["at_ms"]
    ]
    assert farewells == [("disassoc", 4, False, 3.0), ("deauth", 2, False, 4.0)]
    assert simulation.truth.of("station-forgotten", "ap")[0]["why"] == "inactivity"


def test_a_station_that_acknowledges_nothing_is_put_out_for_excess_retries() -> None:
    text = HOME.replace("period_ms = 5000 }", 'period_ms = 5000 }\nwifi = { power_save = "none" }')
    text += '[[impairments]]\nat = "sensor"\nkind = "radio-dropout"\ndirection = "to-device"\nbegin_ms = 50000\nend_ms = 54500\n'
    simulation = Simulation(loads(text, "deaf.toml"), records=False)
    server, sensor = simulation.hosts["server"], simulation.devices["sensor"]
    for number in range(60):
        simulation.world.at(50 * SECOND + number * 60 * MS, server.ping, sensor.stack.configured)
    simulation.run()
    farewells = [(e["frame"], e["reason"], e["acked"]) for e in simulation.truth.of("farewell-sent", "ap")]
    assert farewells[1:3] == [("disassoc", 34, False), ("disassoc", 7, True)]  # the first is the boot's
    assert reasons(simulation) == [7]


def test_a_group_key_that_nobody_confirms_ends_in_16() -> None:
    text = HOME.replace('name = "ap"\n', 'name = "ap"\nrekey_s = 60\n')
    healthy = played(text)
    assert not reasons(healthy)
    text = text.replace("period_ms = 5000 }", 'period_ms = 5000 }\nwifi = { power_save = "none" }')
    text += '[[impairments]]\nat = "sensor"\nkind = "radio-dropout"\ndirection = "to-peer"\nbegin_ms = 59500\nend_ms = 63900\n'
    simulation = played(text)
    assert reasons(simulation)[0] == 16
    assert simulation.truth.of("exchanged", "sensor")[-1]["at_ms"] > 190_000


def test_roaming_sends_nothing_to_the_old_access_point_which_cleans_up_later() -> None:
    text = HOME + (
        '[[access_points]]\nname = "far"\nchannel = 11\n'
        '[[impairments]]\nat = "sensor"\nkind = "fading"\nloss_db = 0.0\nbegin_ms = 1000\n'
    )
    strengths = "{ ap = -84, far = -60 }"
    text = text.replace(
        "period_ms = 5000 }", f"period_ms = 5000 }}\nwifi = {{ rssi_dbm = {strengths}, roam_dbm = -70.0 }}"
    )
    simulation = Simulation(loads(text, "roam.toml"))
    far, sensor = simulation.access_points["far"], simulation.devices["sensor"]
    simulation.world.at(0, far.silence, True)
    simulation.world.at(20 * SECOND, far.silence, False)
    simulation.run()
    roamed = simulation.truth.of("roamed", "sensor")
    assert [(e["source"], e["to"]) for e in roamed] == [("ap", "far")]
    assert sensor.station is not None
    assert sensor.station.ap is far
    assert not simulation.truth.of("netif-down", "sensor")
    forgotten = simulation.truth.of("station-forgotten", "ap")
    assert [e["why"] for e in forgotten] == ["inactivity"]
    assert forgotten[0]["at_ms"] > roamed[0]["at_ms"] + 10_000


def test_a_dozing_station_fetches_within_its_dtim_and_an_awake_one_at_once() -> None:
    waits = {}
    for power_save in ("none", "min"):
        text = HOME.replace("period_ms = 5000", "period_ms = 60000").replace("dtim = 3", "dtim = 10")
        text = text.replace("60000 }", f'60000 }}\nwifi = {{ power_save = "{power_save}" }}')
        simulation = Simulation(loads(text, "ping.toml"))
        server, sensor = simulation.hosts["server"], simulation.devices["sensor"]
        answers: list[int] = []
        take = server._take

        def listen(
            packet: Any, take: Any = take, answers: list[int] = answers, world: World = simulation.world
        ) -> None:
            if isinstance(packet, Icmp) and packet.kind == ECHO_REPLY:
                answers.append(world.now)
            take(packet)

        server._take = listen  # type: ignore[method-assign]
        sent = [20 * SECOND + number * 1_370 * MS for number in range(20)]
        for when in sent:
            simulation.world.at(when, server.ping, sensor.stack.configured)
        simulation.run()
        assert len(answers) == len(sent)
        waits[power_save] = [answer - when for when, answer in zip(sent, answers, strict=True)]
    assert max(waits["none"]) < 15 * MS
    assert max(waits["min"]) < 1024 * MS + 15 * MS  # DTIM 10 x 102.4 ms
    assert sorted(waits["min"])[10] > 200 * MS


def test_frames_are_fetched_one_by_one_with_ps_poll(
    tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    tshark = require_tool("tshark")
    world = World(7)
    air = Air(world)
    recorder = AirRecorder(air)
    recorder.listen("air")
    ap = AccessPoint(air, "ap", bssid="02:00:00:7e:31:40", dtim=10, security="open")
    ap.power_on()
    node = _Node()
    got: list[int] = []
    node.receive = lambda frame: got.append(world.now)  # type: ignore[method-assign,assignment]
    link = Network(world).join(node, node.mac)
    station = Station(air, link, "device", mac=node.mac, figures=replace(ESP32, fetches_by="ps-poll"))
    station.connect()
    for number in range(3):
        ping = Icmp("192.168.5.1", node.ip, ECHO_REPLY, 0, bytes(36))
        world.at(5 * SECOND + number, station.bring, Frame(node.mac, "02:50:56:00:00:01", ping))
    world.run(10 * SECOND)
    assert len(got) == 3
    (tmp_path / "air.pcapng").write_bytes(recorder.pcapng("air"))
    shown = subprocess.run(
        [tshark, "-r", str(tmp_path / "air.pcapng"), "-T", "fields", "-e", "wlan.fc.moredata",
         "-Y", "wlan.fc.type_subtype == 0x1a || icmp"], capture_output=True, text=True, check=True,
    )  # fmt: skip
    more = [int(word in ("1", "True")) for word in shown.stdout.split()]
    assert more == [
        0,
        1,
        0,
        1,
        0,
        0,
    ]  # a poll and a frame, three times; the first two frames say that there are more


def test_deep_sleep_leaves_and_comes_back_as_a_new_boot() -> None:
    text = HOME.replace("period_ms = 5000 }", "period_ms = 5000 }\nwifi = { awake_s = 20, sleep_s = 40 }")
    simulation = played(text)
    sensor = simulation.devices["sensor"]
    assert sensor.boots == 4  # at 0, 61, 121 and 182 s
    assert [e["reason"] for e in simulation.truth.of("disassociated", "sensor")] == [8, 8, 8]
    assert sensor.console.text().count("rst:0x5 (DEEPSLEEP_RESET)") == 3
    assert {e["why"] for e in simulation.truth.of("station-forgotten", "ap")} <= {"left", "inactivity"}


@pytest.mark.parametrize("wired", [False, True])
def test_a_device_without_power_is_gone_and_boots_when_it_is_back(wired: bool) -> None:
    text = impaired("power-cut", "sensor", begin_ms=50000, end_ms=90000)
    if wired:
        text = re.sub(r"\[\[access_points\]\].*?(?=\[\[devices)", "", text, flags=re.DOTALL)
    simulation = played(text)
    times = [event["at_ms"] for event in simulation.truth.of("exchanged", "sensor")]
    assert not any(50_000 < at < 90_000 for at in times)
    assert times[-1] > 190_000
    assert [event["at_ms"] for event in simulation.truth.of("booted", "sensor")] == [0, 90_000]
    assert "POWERON_RESET" in simulation.devices["sensor"].console.text().split("ets Jul")[2]


def test_a_chip_that_resets_while_it_boots_starts_its_program_once() -> None:
    """Found by the swarm (seed 9800): the start of the boot that the reset ended came as well, and two programs ran."""
    text = impaired("power-cut", "sensor", begin_ms=50000, end_ms=90000)
    sensor = played(f'{text}[[impairments]]\nat = "sensor"\nkind = "brown-out"\nbegin_ms = 90612\n').devices[
        "sensor"
    ]
    assert sensor.boots == 3
    assert sensor.console.text().count("mode : sta") == 2


def test_others_on_the_channel_cost_time_and_tries() -> None:
    quiet, busy = (
        played(HOME if not share else impaired("dense-network", "ap", begin_ms=0, busy=share))
        for share in (0, 0.8)
    )
    spent = [s.devices["sensor"].station.airtime_us for s in (quiet, busy)]  # type: ignore[union-attr]
    assert spent[1] > 1.1 * spent[0]
    assert busy.truth.of("exchanged", "sensor")[-1]["at_ms"] > 190_000


def test_blocking_one_direction_leaves_the_other() -> None:
    simulation = Simulation(loads(HOME, "one-way.toml"), records=False)
    station, ap = simulation.devices["sensor"].station, simulation.access_points["ap"]
    assert station is not None
    assert simulation.air is not None
    simulation.air.block(ap, station, TO_PEER)
    path = station.path_to(ap)
    assert (path.fails(TO_PEER, 0), path.fails(TO_DEVICE, 0)) == (1.0, 0.0)
    simulation.air.block(ap, station, TO_PEER, blocked=False)
    assert path.fails(TO_PEER, 0) == 0.0


# The article's chain ------------------------------------------------------------------------------------------


def chain(change: Callable[[str], str] = str, *, cured: bool = False) -> Simulation:
    scenario = loads(change((SCENARIOS / "the-articles-chain.toml").read_text()), "chain.toml")
    return Simulation(scenario.cured() if cured else scenario, records=False)


def forgotten(simulation: Simulation) -> list[float]:
    return [event["at_ms"] for event in simulation.truth.of("station-forgotten", "router")]


def test_a_missed_beacon_ends_in_a_write_that_hangs_while_the_device_answers_pings() -> None:
    simulation = chain()
    sensor, server = simulation.devices["sensor"], simulation.hosts["server"]
    simulation.world.run(until=900 * SECOND)
    assert forgotten(simulation)[0] < 200_000
    assert 7 in [event["reason"] for event in simulation.truth.of("disassociated", "sensor")]
    assert sensor.station is not None
    assert sensor.station.state == "run"
    assert [task.waiting_for for task in sensor.tasks.tasks] == ["send(54)"]
    last = simulation.truth.of("exchanged", "sensor")[-1]["at_ms"]
    assert last < 600_000
    heard: list[int] = []
    take = server._take
    server._take = lambda packet: (heard.append(1) if isinstance(packet, Icmp) else None, take(packet))  # type: ignore[method-assign,func-returns-value,assignment]
    for second in range(20):
        simulation.world.at((901 + 2 * second) * SECOND, server.ping, sensor.stack.ip)
    simulation.world.run(until=960 * SECOND)
    assert len(heard) >= 15  # a beacon in three is missed, and with it now and then a ping
    assert [task.waiting_for for task in sensor.tasks.tasks] == ["send(54)"]


def test_with_power_save_off_the_access_point_forgets_nobody() -> None:
    simulation = chain(lambda text: text.replace('power_save = "max"', 'power_save = "none"'))
    simulation.run()
    assert not forgotten(simulation)
    assert simulation.truth.of("exchanged", "sensor")[-1]["at_ms"] > 1_400_000
    assert len(simulation.truth.of("socket-opened", "sensor")) == 1


def test_with_a_deadline_the_write_ends_and_a_new_connection_takes_over() -> None:
    simulation = chain(
        lambda text: text.replace("period_ms = 45000 }", "period_ms = 45000, deadline_s = 30 }", 1)
    )
    simulation.run()
    assert forgotten(simulation)
    times = [event["at_ms"] for event in simulation.truth.of("exchanged", "sensor")]
    assert times[-1] > 1_400_000
    assert max(after - before for before, after in pairwise(times)) < 150_000


def test_with_the_link_it_is_noticed_within_the_bound_though_the_access_point_forgets() -> None:
    forgets = '[[impairments]]\nat = "sensor"\nkind = "ap-forgets"\nbegin_ms = 300000\n'
    simulation = chain(lambda text: text + forgets, cured=True)
    simulation.run()
    assert [event["at_ms"] for event in simulation.truth.of("station-forgotten", "router")] == [300_000]
    opened = [event["at_ms"] for event in simulation.truth.of("socket-opened", "sensor")]
    assert len(opened) == 2
    assert (
        300_000 < opened[1] < 300_000 + 35_000
    )  # at most 10 s until something is sent, 19.5 s to notice, a pause
    assert simulation.truth.of("exchanged", "sensor")[-1]["at_ms"] > 1_400_000


# What is printed and recorded ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("firmware", "lines"),
    [
        (
            "careful-client",
            [
                "I (#) wifi:bcn_timeout,ap_probe_send_start",
                "I (#) wifi:ap_probe_send over, resett wifi status to disassoc",
                "I (#) wifi:state: run -> init (c800)",
                "W (#) wifi station: STA disconnected, reason 200, retry to connect to the AP",
                "I (#) wifi:state: init -> auth (b0)",
                "I (#) wifi:state: auth -> assoc (0)",
                "I (#) wifi:state: assoc -> run (10)",
                "I (#) wifi:connected with lab-iot, aid = 1, channel 6, BW20, bssid = 02:00:00:7e:31:40",
                "I (#) wifi:AP's beacon interval = 102400 us, DTIM period = 3",
            ],
        ),
        ("queueing-client", ["[#][W][STA.cpp:150] _onStaArduinoEvent(): Reason: 200 - BEACON_TIMEOUT"]),
        (
            "esphome-transmitter",
            [
                "[#][W][wifi_esp32:737]: Disconnected ssid='lab-iot' bssid=02:00:00:7E:31:40 reason='Beacon Timeout'"
            ],
        ),
        ("link-client", ["I (#) wifi: STA_DISCONNECTED, reason:200:beacon timeout"]),
    ],
)
def test_each_dialect_prints_the_loss_in_its_words(firmware: str, lines: list[str]) -> None:
    text = impaired("radio-dropout", "sensor", begin_ms=50000, end_ms=70000)
    text = text.replace("careful-client", firmware).replace(", period_ms = 5000", "")
    log = played(text).devices["sensor"].console.text()
    told = [re.sub(r"^(\w \(|\[)[ \d:.]+(\)|\])", r"\1#\2", line) for line in log.splitlines()]
    place = 0
    for line in lines:
        assert line in told[place:], line
        place = told.index(line, place) + 1


def test_the_air_is_sound_for_tshark_and_the_sniffer_misses_some(
    tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    tshark = require_tool("tshark")
    text = impaired("station-kicked", "sensor", begin_ms=50000, every_ms=40000, end_ms=190000)
    text += '[sniffer]\nrssi_dbm = -60\nmisses = 0.2\n[[impairments]]\nat = "sensor"\nkind = "radio-dropout"\nbegin_ms = 100000\nend_ms = 112000\n'
    text = text.replace('name = "ap"\n', 'name = "ap"\nrekey_s = 60\n')
    counts = {}
    for security in ("wpa2", "open"):
        secured = text.replace('name = "ap"\n', f'name = "ap"\nsecurity = "{security}"\n', 1)
        for name, content in played(secured, records=True).files().items():
            if name in ("air.pcapng", "sniffer.pcapng"):
                path = tmp_path / name
                path.write_bytes(content)
                bad = subprocess.run(
                    [tshark, "-r", str(path), "-Y", "_ws.malformed || _ws.expert.severity == error"],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                assert bad.stdout == ""
                fields = [
                    "-T",
                    "fields",
                    "-e",
                    "wlan.fc.type_subtype",
                    "-e",
                    "wlan.fc.retry",
                    "-e",
                    "eapol.keydes.type",
                ]
                seen = subprocess.run(
                    [tshark, "-r", str(path), *fields], capture_output=True, text=True, check=True
                )
                counts[security, name] = seen.stdout.splitlines()
    air, sniffer = counts["wpa2", "air.pcapng"], counts["wpa2", "sniffer.pcapng"]
    assert 0.7 < len(sniffer) / len(air) < 0.9
    assert sum(line.startswith("0x0008") for line in air) == pytest.approx(200 / 0.1024, abs=2)
    assert sum(line.endswith("\t2") for line in air) >= 16  # four messages, five joins
    assert any("\tTrue\t" in line or "\t1\t" in line for line in air)  # tries again while nobody answers
    assert not any(line.endswith("\t2") for line in counts["open", "air.pcapng"])


def test_a_scenario_without_access_points_has_no_air_and_says_what_wants_some() -> None:
    wired = re.sub(r"\[\[access_points\]\].*?(?=\[\[devices)", "", HOME, flags=re.DOTALL)
    simulation = Simulation(loads(wired, "wired.toml"))
    assert simulation.air is None
    assert simulation.file_names() == ["sensor.log", "sensor.pcapng", "truth.json"]
    for extra, said in (
        ("wifi = { power_save = 'max' }", "devices[0].wifi: there are no access_points"),
        ("[sniffer]", "sniffer: there are no access_points to listen to"),
    ):
        with pytest.raises(ValueError, match=re.escape(said)):
            loads(f"{wired}{extra}\n", "wired.toml")


def test_assumptions_are_data_that_can_be_printed() -> None:
    assert len(ASSUMPTIONS) >= 10
    assert all(one.place and one.value and one.why for one in ASSUMPTIONS)
