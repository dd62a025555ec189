"""The twin's air beside the lab's: every recording played again, its story the same; and what others read in it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from halfopen.diagnose import diagnose
from halfopen.twin.fidelity.air.comparing import Difference
from halfopen.twin.fidelity.air.hearing import hear
from halfopen.twin.fidelity.air.inferring import infer
from halfopen.twin.fidelity.air.replay import BEGIN_NS, Lab, Played, play, play_script
from halfopen.twin.fidelity.air.script import Script, read_script
from halfopen.twin.fidelity.air.situations import SITUATIONS
from halfopen.twin.fidelity.air.story import tell
from halfopen.twin.wifi.figures import HOSTAPD_LAB, ApFigures
from halfopen.twin.world import EPOCH_NS, MS, SECOND

#: tshark's severity of an expert's finding that is an error.
ERROR = str(0x00800000)
AIR = Path(__file__).parents[1] / "recordings" / "air"


@cache
def played(name: str) -> Played:
    return play(AIR, name, SITUATIONS[name])


@pytest.mark.parametrize("name", SITUATIONS)
def test_same_frames_same_order_same_acks_same_reasons_same_times(name: str) -> None:
    verdict = played(name).verdict
    assert [difference.words for difference in verdict.differences] == []
    assert verdict.holds


@pytest.mark.parametrize("name", SITUATIONS)
def test_hardly_anything_is_put_in(name: str) -> None:
    """A start of a program each, and one scan: the rest has to come by itself."""
    one = played(name)
    starts = [command for command in read_script(AIR, name).commands if command.frame]
    assert {command.verb for command in starts} <= {"power on", "connect", "connect without a scan", "scan"}
    assert one.verdict.given == len(starts) <= 6
    assert len(one.verdict.timed) + one.verdict.given == len(one.recorded.events) > one.verdict.given + 4


@pytest.mark.parametrize(
    "name", ["s2_inact_blackhole_open", "s4_psdoze_dtim10_open", "s7_dropout_bcnloss_open"]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_it_holds_whatever_the_seed_is(name: str, seed: int) -> None:
    assert [one.words for one in play(AIR, name, SITUATIONS[name], seed).verdict.differences] == []


def codes(path: Path) -> list[tuple[str, str]]:
    return sorted((finding.code, finding.severity) for finding in diagnose(str(path)).findings)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_recording_is_understood_by_its_frames(name: str) -> None:
    """What stands in the table, what hostapd drew among it, is what a rule finds in the recording itself."""
    script = read_script(AIR, name)
    inferred = infer(script, hear((AIR / f"{name}.hwsim0.pcapng").read_bytes(), script.names))
    named = SITUATIONS[name]
    assert replace(inferred, title=named.title, unheard=named.unheard) == named


@pytest.mark.parametrize("name", SITUATIONS)
def test_diagnose_says_of_the_twin_what_it_says_of_the_recording(name: str, tmp_path: Path) -> None:
    """Neither knows the other: twin and diagnose share nothing but ``formats``."""
    twin = tmp_path / "air.pcapng"
    twin.write_bytes(played(name).capture)
    assert codes(twin) == codes(AIR / f"{name}.hwsim0.pcapng")


@pytest.mark.parametrize("name", ["s2_inact_poll_ok", "s5_roam_open"])
def test_tshark_finds_nothing_malformed(
    name: str, tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    """WPA2 with handshake, poll and encrypted data; open with scans, power save, reassociation, TCP."""
    twin = tmp_path / "air.pcapng"
    twin.write_bytes(played(name).capture)
    fields = ("frame.protocols", "_ws.malformed", "_ws.expert.severity", "wlan.fcs.status")
    command = [require_tool("tshark"), "-r", twin, "-T", "fields"]
    command += [word for one in fields for word in ("-e", one)]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(rows) > 400
    for number, row in enumerate(rows, 1):
        protocols, malformed, severities, check = row.split("\t")
        assert protocols.startswith("radiotap:wlan_radio:wlan"), number
        assert (malformed, check == "0", ERROR in severities.split(",")) == ("", False, False), number


@pytest.mark.parametrize("name", ["s1_normal_open", "s3_kick_open"])
def test_a_sniffer_hears_what_the_labs_sniffer_heard(
    name: str, require_tool: Callable[[str], str], tmp_path: Path
) -> None:
    """… and one that misses a share of the frames hears the others, in order."""
    script = read_script(AIR, name)
    lab = Lab(script, SITUATIONS[name], 7, HOSTAPD_LAB)
    near = {"AP": -30.0, "STA": -50.0}
    lab.recorder.listen("near", near)
    lab.recorder.listen("far", near, misses=0.3)
    lab.play()
    begin = EPOCH_NS + BEGIN_NS
    whole, far = (tell(lab.recorder.pcapng(place), script.names, begin).events for place in ("near", "far"))
    theirs = tell((AIR / f"{name}.sniffer.pcapng").read_bytes(), script.names).events
    assert [event.shape for event in whole] == [event.shape for event in theirs]
    assert 0.4 * len(whole) < len(far) < 0.9 * len(whole)
    moments = {(event.time, event.shape): number for number, event in enumerate(whole)}
    places = [moments[event.time, event.shape] for event in far]
    assert places == sorted(places)
    twin = tmp_path / "near.pcapng"
    twin.write_bytes(lab.recorder.pcapng("near"))
    strengths = strengths_of(require_tool("tshark"), twin)
    assert strengths == {("02:00:00:00:00:00", "-30"), ("02:00:00:00:01:00", "-50")}
    assert strengths <= strengths_of(require_tool("tshark"), AIR / f"{name}.sniffer.pcapng")


def strengths_of(tshark: str, path: Path) -> set[tuple[str, ...]]:
    """Who is heard how strong."""
    command = [
        tshark,
        "-r",
        path,
        "-Y",
        "wlan.ta",
        "-T",
        "fields",
        "-e",
        "wlan.ta",
        "-e",
        "radiotap.dbm_antsignal",
    ]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {tuple(row.split("\t")) for row in rows}


# Planted: a twin that is wrong must not hold.


def test_a_wrong_draw_is_noticed() -> None:
    name = "s2_inact_skip_poll_open"
    kinds = {one.kind for one in play(AIR, name, replace(SITUATIONS[name], fuzz_s=(9,))).verdict.differences}
    assert kinds >= {"time"}


def replayed(script: Script, figures: ApFigures = HOSTAPD_LAB) -> list[Difference]:
    recording = (AIR / f"{script.name}.hwsim0.pcapng").read_bytes()
    return play_script(script, recording, SITUATIONS[script.name], figures=figures).verdict.differences


def test_a_wrong_phase_of_the_dtim_is_noticed() -> None:
    """What waits is fetched a few beacons later than it was."""
    script = read_script(AIR, "s4_psdoze_dtim10_open")
    script.access_points = [
        replace(one, first_count=(one.first_count + 4) % 10) for one in script.access_points
    ]
    assert len(replayed(script)) > 5


@pytest.mark.parametrize(
    ("name", "figure", "value", "says"),
    [
        ("s2_inact_blackhole_open", "disassoc_after_ns", 4 * SECOND, "reason 4, not acked 3.008 s after"),
        ("s2_inact_blackhole_open", "deauth_after_ns", 2 * SECOND, "reason 2, not acked 1.008 s after"),
        ("s2_inact_blackhole_open", "class3_after_ns", 300 * MS, "reason 7, acked 0.582 s after"),
        ("s3_sta_leave_open", "deauth_after_ns", 3 * SECOND, "the twin has no such frame there"),
        ("s3_kick_open", "think_ns", 200 * MS, "authentication 2 0, acked 0.0"),
        ("s6_wrong_psk", "key_every_ns", 2 * SECOND, "key message 1, acked"),
        ("s6_wrong_psk", "key_tries", 3, "the twin has no such frame there"),
        ("s7_dropout_open", "retries", 3, "only the twin has"),
    ],
)
def test_an_access_point_with_another_figure_is_noticed(
    name: str, figure: str, value: int, says: str
) -> None:
    other = replace(HOSTAPD_LAB, **{figure: value})
    words = [one.words for one in replayed(read_script(AIR, name), other)]
    assert any(says in one for one in words), words


def test_an_access_point_that_minds_lost_frames_is_noticed() -> None:
    script = read_script(AIR, "s7_dropout_open")
    script.access_points = [replace(one, low_ack=True) for one in script.access_points]
    assert replayed(script) == []  # fewer than hostapd minds
    words = [one.words for one in replayed(script, replace(HOSTAPD_LAB, low_ack=3))]
    assert any("reason 34" in one for one in words), words


def test_a_medium_that_nobody_blocked_is_noticed() -> None:
    script = read_script(AIR, "s7_dropout_open")
    script.commands = [command for command in script.commands if "block" not in command.verb]
    found = replayed(script)
    assert {one.kind for one in found} == {"data"}
    assert found[0].words.endswith("not acked; the twin's is acked")


def test_a_station_that_does_not_notice_is_noticed() -> None:
    name = "s7_dropout_bcnloss_open"
    wrong = replace(SITUATIONS[name], beacon_limit_s=0.0)
    words = [one.words for one in play(AIR, name, wrong).verdict.differences]
    assert any("null, awake, not acked; the twin has no such frame" in one for one in words)


def test_a_right_password_is_noticed() -> None:
    name = "s6_wrong_psk"
    words = [
        one.words
        for one in play(AIR, name, replace(SITUATIONS[name], wrong_password=False)).verdict.differences
    ]
    assert any("key message 3" in one for one in words)
    assert any("reason 15" in one for one in words)


def test_the_truth_names_the_recording() -> None:
    for name in SITUATIONS:
        assert json.loads((AIR / f"{name}.truth.json").read_text())["scenario"] == name
