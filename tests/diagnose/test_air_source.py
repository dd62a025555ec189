"""What the air shows: as tshark reads it, as the recordings' makers know it, whatever the framing and the damage."""

from __future__ import annotations

import json
import random
import subprocess
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from tests.diagnose.airwaves import (
    ALL,
    AP,
    FROM_DS,
    ORDER,
    OTHER,
    POWER,
    PROTECTED,
    RETRY,
    STATION,
    TO_DS,
    ack,
    beacon,
    block_ack,
    capture,
    frame,
    radiotap,
    snap,
    with_fcs,
)

from halfopen.diagnose.events import Event
from halfopen.diagnose.radio import (
    AirObserved,
    BeaconsObserved,
    BufferingObserved,
    ChannelSwitchSeen,
    FarewellSeen,
    HandshakeSeen,
    JoinStepSeen,
    PollSeen,
    ProbingObserved,
    StationObserved,
    UnackedRun,
)
from halfopen.diagnose.sources.capture import CaptureSource
from halfopen.diagnose.sources.framing import BATCH, Framing
from halfopen.diagnose.traffic import CaptureObserved, FlowObserved, HostObserved
from halfopen.formats import packet as p
from halfopen.formats.capture import LINK_80211
from halfopen.formats.dot11 import in_map
from halfopen.kernel import layout as k
from halfopen.kernel.air import read_air
from halfopen.kernel.frames import Frames

RECORDINGS = Path(__file__).parents[1] / "recordings"
CAPTURES = sorted(RECORDINGS.glob("air/*.pcapng"))
SYN = snap(p.IPV4, p.tcp("10.0.0.1", 5000, "10.0.0.2", 80, p.SYN, 1, mss=1440))
FAREWELLS = {"deauth": 0x0C, "disassoc": 0x0A}
STEPS = {
    "auth-request": 0x0B,
    "auth-response": 0x0B,
    "assoc-request": 0x00,
    "assoc-response": 0x01,
    "reassoc-request": 0x02,
    "reassoc-response": 0x03,
}
Kind = TypeVar("Kind", bound=Event)


def read(data: bytes, size: int | None = None) -> list[Event]:
    source = CaptureSource("x.pcap")
    events = []
    for at in range(0, len(data), size or len(data)):
        events += source.feed(data[at : at + (size or len(data))])
    return events + list(source.end())


def told(data: bytes, kind: type[Kind]) -> list[Kind]:
    return [event for event in read(data) if isinstance(event, kind)]


def fields(tshark: str, path: Path, wanted: str, *names: str) -> Iterator[list[str]]:
    command = [tshark, "-n", "-r", str(path), "-Y", wanted, "-T", "fields"]
    for name in names:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        yield line.split("\t")


def number(text: str) -> int | None:
    return int(text, 0) if text else None


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_frames_agree_with_tshark(path: Path, require_tool: Callable[[str], str]) -> None:
    names = ("frame.number", "wlan.fc.type_subtype", "wlan.fixed.reason_code", "wlan.fixed.status_code")
    names += ("wlan.fixed.auth_seq", "wlan_rsna_eapol.keydes.msgnr", "wlan.fc.protected")
    wanted = "wlan.fc.retry == 0 && (wlan.fc.type_subtype in {0..3, 10, 11, 12} || eapol.type == 3)"
    theirs: dict[int, tuple[object, ...]] = {}
    for at, kind, reason, status, sequence, message, _ in fields(
        require_tool("tshark"), path, wanted, *names
    ):
        if message:
            theirs[int(at)] = ("key", int(message))
        elif int(kind, 16) in FAREWELLS.values():
            theirs[int(at)] = (int(kind, 16), number(reason))
        else:
            asks = int(kind, 16) == 0x0B and number(sequence) == 1
            theirs[int(at)] = (int(kind, 16), None if asks else number(status), number(sequence))
    ours: dict[int, tuple[object, ...]] = {}
    for event in read(path.read_bytes()):
        if isinstance(event, FarewellSeen):
            ours[event.ref.frame] = (FAREWELLS[event.kind], event.reason)
        elif isinstance(event, JoinStepSeen):
            ours[event.ref.frame] = (STEPS[event.step], event.status, event.sequence)
        elif isinstance(event, HandshakeSeen):
            ours[event.ref.frame] = ("key", event.message)
    assert ours == theirs


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_beacons_agree_with_tshark(path: Path, require_tool: Callable[[str], str]) -> None:
    names = ("wlan.bssid", "wlan.tim.dtim_period", "wlan.fixed.beacon", "wlan.ds.current_channel")
    beacons = list(fields(require_tool("tshark"), path, "wlan.fc.type_subtype == 8", *names))
    seen = told(path.read_bytes(), BeaconsObserved)
    assert {event.ap: event.count for event in seen} == {
        ap: sum(row[0] == ap for row in beacons) for ap in {row[0] for row in beacons}
    }
    for event in seen:
        last = [row for row in beacons if row[0] == event.ap][-1]
        assert [event.dtim, round(event.interval_s / 0.001024), event.channel] == list(map(int, last[1:]))
        assert event.ssid == "LabIoT"


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_traffic_maps_agree_with_tshark(path: Path, require_tool: Callable[[str], str]) -> None:
    """Every beacon's map: its period, and for each station whether frames wait for it."""
    names = ("frame.number", "wlan.tim.dtim_count", "wlan.tim.dtim_period", "wlan.tim.aid")
    theirs = {
        int(at): (int(count), int(period), {int(aid, 0) for aid in aids.split(",") if aid})
        for at, count, period, aids in fields(require_tool("tshark"), path, "wlan.tim.dtim_period", *names)
    }
    ours: dict[int, tuple[int, int, set[int]]] = {}
    number = 0
    air: array[int] = array("q", bytes(8 * k.AIR_WIDTH * BATCH))
    memory: array[int] = array("q", bytes(8 * k.MEMORY_WIDTH))

    def take(data: bytearray, rows: array[int], count: int) -> None:
        nonlocal number
        frames = Frames()
        frames.hold(data, rows)
        frames.hold_air(air, memory)
        read_air(frames, count)
        frames.release()
        for row in range(count):
            at = air[row * k.AIR_WIDTH + k.W_TIM]
            if at >= 0:
                tim = bytes(data[at : at + data[at - 1]])
                waiting = {aid for aid in range(1, 2008) if in_map(tim, aid)}
                ours[number + row + 1] = (tim[0], tim[1], waiting)
        number += count

    framing = Framing("x", take)
    framing.feed(path.read_bytes())
    framing.end()
    assert ours
    assert ours == theirs


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("air/*.hwsim0.pcapng")), ids=lambda path: path.name)
def test_farewells_are_those_that_were_sent(path: Path) -> None:
    truth = json.loads(path.with_name(path.name.replace(".hwsim0.pcapng", ".truth.json")).read_text("utf-8"))
    sent = [
        (row["frame"], row["src"] != "STA", row["reason"], None if row["dst"] == "BCAST" else row["acked"])
        for row in truth["reasons_on_air"]
    ]
    assert sent == [(e.ref.frame, e.by_ap, e.reason, e.acked) for e in told(path.read_bytes(), FarewellSeen)]
    stations = [event.station for event in told(path.read_bytes(), StationObserved)]
    assert truth["sta_mac"] in stations


def test_without_acknowledgements_nothing_is_said_of_them() -> None:
    events = read((RECORDINGS / "air" / "s3_kick_open.sniffer.pcapng").read_bytes())
    assert {event.acked for event in events if isinstance(event, (FarewellSeen, JoinStepSeen))} == {None}
    assert not any(isinstance(event, UnackedRun) for event in events)


@pytest.mark.parametrize(
    "name", [path.name.split(".")[0] for path in RECORDINGS.glob("wifi/*.peer_eth.pcapng")]
)
def test_conversations_are_those_seen_behind_the_access_point(name: str) -> None:
    air = told((RECORDINGS / "air" / f"{name}.hwsim0.pcapng").read_bytes(), FlowObserved)
    wire = told((RECORDINGS / "wifi" / f"{name}.peer_eth.pcapng").read_bytes(), FlowObserved)
    ends = {(flow.client.ip, flow.client.port, flow.client.mac, flow.server.port) for flow in wire}
    assert ends == {(flow.client.ip, flow.client.port, flow.client.mac, flow.server.port) for flow in air}
    for one, other in zip(air, wire, strict=True):  # the air also shows what was lost before the wire
        assert one.from_client.payload >= other.from_client.payload
        assert one.from_client.packets >= other.from_client.packets


@pytest.mark.parametrize("size", [1, 7, 1000, 4096])
def test_any_split_gives_the_same(size: int) -> None:
    data = (RECORDINGS / "air" / "s2_inact_blackhole_open.hwsim0.pcapng").read_bytes()
    assert repr(read(data, size)) == repr(read(data))


def test_damage_is_survived() -> None:
    dice = random.Random(5)
    for path in CAPTURES[::4]:
        data = bytearray(path.read_bytes()[:20000])
        for _ in range(15):
            damaged = bytearray(data)
            for _ in range(dice.randrange(1, 60)):
                damaged[dice.randrange(300, len(damaged))] = dice.randrange(256)
            whole = read(bytes(damaged))
            assert isinstance(whole[0], CaptureObserved)
            assert repr(read(bytes(damaged), 3000)) == repr(whole)


def test_order_and_text() -> None:
    goodbye = frame(0x0C, AP, STATION, AP, b"\x07\x00")
    events = read(capture(beacon(1, 0), goodbye, ack(STATION), frame(0x0A, ALL, AP, AP, b"\x08\x00")))
    names = [type(event).__name__ for event in events]
    assert names[:4] == ["CaptureObserved", "AirObserved", "FarewellSeen", "FarewellSeen"]
    farewell, group = (event for event in events if isinstance(event, FarewellSeen))
    assert farewell.where.text == f"{STATION} → {AP} Deauthentication reason 7, acked"
    assert (farewell.where.frame, farewell.ref.text, farewell.by_ap) == (2, farewell.where.text, False)
    assert (group.kind, group.station, group.broadcast, group.acked) == ("disassoc", "", True, None)
    whole = events[1]
    assert isinstance(whole, AirObserved)
    assert (whole.frames, whole.acks, whole.channels, whole.damaged) == (4, 1, (2412,), 0)


def test_protected_and_cut_farewells_have_no_reason() -> None:
    data = capture(frame(0x0C, AP, STATION, AP, b"secret", PROTECTED), frame(0x0C, AP, STATION, AP, b"\x07"))
    assert [(event.reason, event.protected) for event in told(data, FarewellSeen)] == [
        (None, True),
        (None, False),
    ]


@pytest.mark.parametrize(
    "head", [radiotap(0x10), radiotap(0x10, -60), radiotap(0x10, -60, 1), radiotap(0x10, -60, 3)]
)
def test_radiotap_headers(head: bytes) -> None:
    data = capture(with_fcs(frame(0x0C, AP, STATION, AP, b"\x07\x00")), head=head)
    assert told(data, FarewellSeen)[0].reason == 7
    assert told(data, AirObserved)[0].channels == (2412,)
    expected = -60 if len(head) > len(radiotap(0x10)) else None
    assert told(data, StationObserved)[0].rssi_median == expected


def test_a_bad_check_sequence_is_damage() -> None:
    data = capture(frame(0x0C, AP, STATION, AP, b"\x07\x00"), head=radiotap(0x40))
    assert told(data, FarewellSeen) == []
    assert told(data, AirObserved)[0].damaged == 1


def test_bare_frames() -> None:
    data = capture(frame(0x0C, AP, STATION, AP, b"\x07\x00"), link=LINK_80211, head=b"")
    assert told(data, FarewellSeen)[0].reason == 7
    assert told(data, CaptureObserved)[0].wireless == 1


@pytest.mark.parametrize(
    "content",
    [
        frame(0x20, AP, STATION, OTHER, SYN, TO_DS),
        frame(0x28, AP, STATION, OTHER, b"\x00\x00" + SYN, TO_DS),
        frame(0x28, AP, STATION, OTHER, b"\x00\x00" + bytes(4) + SYN, TO_DS | ORDER),
        frame(0x20, OTHER, AP, STATION, SYN, FROM_DS),
        frame(0x20, AP, "02:00:00:00:00:a1", OTHER, bytes.fromhex("020000000001") + SYN, TO_DS | FROM_DS),
    ],
)
@pytest.mark.parametrize("flags", [0, 0x10])
def test_data_is_read_like_ethernet(content: bytes, flags: int) -> None:
    data = capture(with_fcs(content) if flags else content, content, head=radiotap(flags))
    flow = told(data, FlowObserved)[0]
    assert (flow.client.ip, flow.client.mac, flow.where.frame) == ("10.0.0.1", STATION, 1)
    assert told(data, HostObserved)[0].mac == STATION
    assert told(data, CaptureObserved)[0].wireless == 2


def test_padding_before_the_payload_is_skipped() -> None:
    content = frame(0x28, AP, STATION, OTHER, b"\x00\x00" + b"\xee\xee" + SYN, TO_DS)
    assert told(capture(content, head=radiotap(0x20)), FlowObserved)[0].client.mac == STATION


@pytest.mark.parametrize(
    "content",
    [
        frame(0x28, AP, STATION, OTHER, b"\x80\x00" + SYN, TO_DS),  # several MSDUs
        frame(0x20, AP, STATION, OTHER, SYN, TO_DS | PROTECTED),
        frame(0x24, AP, STATION, OTHER, SYN, TO_DS),
        frame(0x20, AP, STATION, OTHER, SYN[:7], TO_DS),
    ],
)
def test_other_data_is_left_alone(content: bytes) -> None:
    assert told(capture(content), FlowObserved) == []
    assert told(capture(content), StationObserved)[0].sent == 1


def test_retries_and_relays_count_once() -> None:
    up = frame(0x20, AP, STATION, OTHER, SYN, TO_DS, 5)
    again = frame(0x20, AP, STATION, OTHER, SYN, TO_DS | RETRY, 5)
    down = frame(0x20, OTHER, AP, STATION, SYN, FROM_DS, 9)
    flow = told(capture(up, again, again, down), FlowObserved)[0]
    assert flow.from_client.packets == 1
    assert told(capture(again), FlowObserved)[0].from_client.packets == 1  # its first try was not heard
    assert told(capture(up, down, down), FlowObserved)[0].from_client.syns == 2


def test_retries_are_one_fact() -> None:
    first, again = (frame(0x0C, STATION, AP, AP, b"\x04\x00", flags, 7) for flags in (0, RETRY))
    one = told(capture(first, again, again, ack(AP)), FarewellSeen)
    assert [(event.ref.frame, event.acked) for event in one] == [(1, True)]
    assert told(capture(first, ack(AP), again), FarewellSeen)[0].acked is True
    voice = frame(0x24, AP, STATION, AP, b"", TO_DS, 1)
    late = capture(voice, first, (5000, ack(AP)))
    assert told(late, FarewellSeen)[0].acked is False
    stranger = capture(voice, first, ack(STATION))
    assert told(stranger, FarewellSeen)[0].acked is False


def test_runs_without_acknowledgement() -> None:
    sent = [(n * 50_000, frame(0x24, AP, STATION, AP, b"", TO_DS, n)) for n in range(1, 5)]
    data = capture(sent[0], ack(STATION), *sent[1:3], sent[3], ack(STATION))
    run = told(data, UnackedRun)[0]
    assert (run.station, run.ap, run.by_ap, run.count, run.nulls) == (STATION, AP, False, 2, 2)
    assert run.resumed is not None
    assert (run.first.frame, run.last.frame, run.resumed.frame) == (3, 4, 5)


def test_a_late_retry_ends_no_run_early() -> None:
    first, second = (frame(0x24, AP, STATION, AP, b"", TO_DS, n) for n in (1, 2))
    again = frame(0x24, AP, STATION, AP, b"", TO_DS | RETRY, 1)
    runs = told(capture(beacon(1, 1), first, second, again, (9000, ack(AP))), UnackedRun)
    assert [(run.count, run.first.frame, run.last.frame) for run in runs] == [(2, 2, 3)]


def test_block_acknowledgements() -> None:
    burst = [frame(0x28, AP, STATION, OTHER, b"\x00\x00" + SYN, TO_DS, 4094 + n & 0xFFF) for n in range(4)]
    before = [frame(0x24, AP, STATION, AP, b"", TO_DS, 40 + n) for n in range(8)]
    heard = [each for content in before for each in (content, ack(STATION))]
    partly = capture(*heard, *burst, block_ack(STATION, AP, 4094, 0b1001))
    assert [(run.first.frame, run.last.frame) for run in told(partly, UnackedRun)] == [(18, 19)]
    later = [(900_000 + n, frame(0x24, AP, STATION, AP, b"", TO_DS, 60 + n)) for n in range(2)]
    wholly = capture(*heard, *burst, block_ack(STATION, AP, 4094, 0b1111), *later)
    assert [(run.first.frame, run.last.frame) for run in told(wholly, UnackedRun)] == [(22, 23)]


def burst_of(tid: int = 0, count: int = 4) -> list[bytes]:
    body = bytes([tid, 0]) + SYN
    return [frame(0x28, AP, STATION, OTHER, body, TO_DS, n) for n in range(count)]


def test_long_block_acknowledgements_settle_long_bursts() -> None:
    """802.11ax: 256 frames and one bitmap of 32 octets."""
    long = b"\x94\x00\x00\x00" + block_ack(STATION, AP, 0, 0)[4:16] + bytes([4, 0, 0, 0]) + b"\xff" * 32
    assert told(capture(beacon(1, 1), *burst_of(count=200), long), UnackedRun) == []


@pytest.mark.parametrize("kind", [3, 11])
def test_block_acknowledgements_of_several_tids_or_stations_acknowledge(kind: int) -> None:
    other = b"\x94\x00\x00\x00" + block_ack(STATION, AP, 0, 0)[4:16] + bytes([kind << 1, 0]) + bytes(16)
    assert told(capture(beacon(1, 1), *burst_of(), other), UnackedRun) == []


def test_a_block_acknowledgement_is_of_its_own_tid() -> None:
    data = capture(beacon(1, 1), *burst_of(tid=5), block_ack(STATION, AP, 0, 0b1111))
    assert [run.count for run in told(data, UnackedRun)] == [4]
    kick = capture(frame(0x24, AP, STATION, AP, b"", TO_DS, 1), frame(0x0C, STATION, AP, AP, b"\x04\x00", 0, 2),
                   block_ack(AP, STATION, 0, 0xFF))  # fmt: skip
    assert told(kick, FarewellSeen)[0].acked is False


def test_frames_that_ask_for_no_acknowledgement_miss_none() -> None:
    assert told(capture(beacon(1, 1), *burst_of(tid=0x26, count=9)), UnackedRun) == []


def test_an_acknowledgement_may_follow_a_long_frame_late() -> None:
    """At 1 Mbit/s 1400 octets take 11 ms, and some sniffers stamp where a frame begins."""
    long = frame(0x20, AP, STATION, OTHER, bytes(1400), TO_DS, 1)
    kick = frame(0x0C, STATION, AP, AP, b"\x04\x00", 0, 2)
    voice = frame(0x24, AP, STATION, AP, b"", TO_DS, 3)
    frames = [
        (n * 50_000 + late, each) for n in range(9) for late, each in ((0, long), (12_000, ack(STATION)))
    ]
    assert told(capture(beacon(1, 1), *frames), UnackedRun) == []
    assert told(capture(voice, (1000, kick), (13_000, ack(AP))), FarewellSeen)[0].acked is False


def healthy(missed: float, seed: int) -> bytes:
    """A ping each way every second for ten minutes, as a sniffer hears it that misses some frames."""
    chance = random.Random(seed)
    frames: list[tuple[int, bytes]] = [(n * 102_400, beacon(n & 0xFFF, n * 102_400)) for n in range(5860)]
    for n in range(590):
        at = n * 1_000_000
        down = frame(0x20, STATION, AP, AP, b"\1" * 60, FROM_DS, n)
        up = frame(0x20, AP, STATION, AP, b"\1" * 60, TO_DS, n)
        frames += [(at, down), (at + 500, ack(AP)), (at + 5000, up), (at + 5500, ack(STATION))]
    return capture(*(item for item in sorted(frames) if chance.random() >= missed))


def test_a_sniffer_that_misses_frames_makes_no_dropouts() -> None:
    found = [
        run
        for seed in range(3)
        for missed in (0.05, 0.2, 0.4)
        for run in told(healthy(missed, seed), UnackedRun)
    ]
    assert found == []


def test_what_is_not_sent_again_was_acknowledged() -> None:
    """Where radios retry, a frame without a retry was heard by its receiver, whatever the sniffer missed."""
    retried = [frame(0x24, AP, OTHER, AP, b"", TO_DS | RETRY, n) for n in range(6)]
    retried = [each for content in retried for each in (content, ack(OTHER))]
    lost = [frame(0x24, AP, STATION, AP, b"", TO_DS, n) for n in range(9)]
    again = [bytes([each[0], each[1] | RETRY]) + each[2:] for each in lost]
    assert told(capture(beacon(1, 1), *retried, *lost), UnackedRun) == []
    both = [each for pair in zip(lost, again, strict=True) for each in pair]
    assert [run.count for run in told(capture(beacon(1, 1), *retried, *both), UnackedRun)] == [9]


def test_a_sequence_number_of_long_ago_is_no_retry() -> None:
    first = frame(0x0B, AP, STATION, AP, bytes([0, 0, 1, 0, 0, 0]), sequence=1)
    again = frame(0x0B, AP, STATION, AP, bytes([0, 0, 1, 0, 0, 0]), RETRY, 1)
    assert len(told(capture((0, first), (300_000, again)), JoinStepSeen)) == 1
    assert len(told(capture((0, first), (600_000_000, again)), JoinStepSeen)) == 2


def test_an_association_identifier_belongs_to_who_got_it_last() -> None:
    def answer(station: str) -> bytes:
        return frame(0x01, station, AP, AP, bytes([1, 0, 0, 0, 1, 0xC0]), sequence=5)

    frames = [(0, beacon(0, 0)), (10, answer(STATION)), (20, answer(OTHER))]
    frames += [((n + 1) * 102_400, beacon(n, n, bytes([0, 2, 0, 2]))) for n in range(5)]
    assert [event.station for event in told(capture(*frames), BufferingObserved)] == [OTHER]


def test_bare_frames_with_a_check_sequence() -> None:
    content = frame(0x0C, STATION, AP, AP, b"\x04\x00")
    (seen,) = told(capture(with_fcs(content), link=LINK_80211, head=b""), FarewellSeen)
    assert seen.reason == 4
    flow = frame(0x20, AP, STATION, OTHER, SYN, TO_DS)
    assert len(told(capture(with_fcs(flow), link=LINK_80211, head=b""), FlowObserved)) == 1


@pytest.mark.parametrize(("again_s", "expected"), [(1, (7, 1)), (9, (7, 1)), (13, (8, 0))])
def test_what_is_tried_again_within_ten_seconds_is_one_frame(again_s: int, expected: tuple[int, int]) -> None:
    """The station speaks in between every two seconds: one that is silent for longer may have started anew."""
    spoken = [(n * 1_999_000, frame(0x24, AP, STATION, AP, b"", TO_DS, n)) for n in range(7)]
    again = (again_s * 1_000_000, frame(0x24, AP, STATION, AP, b"", TO_DS | RETRY, 0))
    (station,) = told(capture(*sorted([*spoken, again])), StationObserved)
    assert (station.sent, station.retried) == expected


def test_polls_and_sleep() -> None:
    nap, wake = (frame(0x24, AP, STATION, AP, b"", TO_DS | power, 3 + bool(power)) for power in (POWER, 0))
    poll = frame(0x2C, STATION, AP, AP, b"\x00\x00", FROM_DS, 9)
    data = capture(nap, ack(STATION), wake, ack(STATION), poll)
    assert [(event.station, event.acked) for event in told(data, PollSeen)] == [(STATION, False)]
    (station,) = told(data, StationObserved)
    assert [(ref.frame, ref.text, dozing) for ref, dozing in station.turns] == [
        (1, f"{STATION} → {AP} Null dozing, acked", True),
        (3, f"{STATION} → {AP} Null awake, acked", False),
    ]
    assert station.dozes == 2


def test_idle_counts_from_what_the_access_point_heard() -> None:
    heard = (0, frame(0x24, AP, STATION, AP, b"", TO_DS, 1))
    unheard = (2_000_000, frame(0x24, AP, STATION, AP, b"", TO_DS, 2))
    bye = (5_000_000, frame(0x0A, STATION, AP, AP, b"\x04\x00", 0, 3))
    assert told(capture(heard, ack(STATION), unheard, bye), FarewellSeen)[0].idle_s == pytest.approx(5)
    assert told(capture(heard, unheard, bye), FarewellSeen)[0].idle_s == pytest.approx(3)
    assert told(capture(bye), FarewellSeen)[0].idle_s is None


def test_beacons_gaps_and_restarts() -> None:
    data = capture((0, beacon(1, 10**6)), (102_400, beacon(2, 10**6 + 102_400)), (3_000_000, beacon(1, 50)))
    seen = told(data, BeaconsObserved)[0]
    assert (seen.ssid, seen.channel, seen.count, seen.dtim, seen.interval_s) == ("home", 6, 3, 2, 0.1024)
    assert [(before.frame, after.frame) for before, after in seen.gaps] == [(2, 3)]
    assert [ref.frame for ref in seen.restarts] == [3]


def test_buffering() -> None:
    answer = frame(0x01, STATION, AP, AP, b"\x01\x00\x00\x00\x03\xc0", 0, 1)
    full, empty = bytes([0, 3, 0, 0x08]), bytes([0, 3, 0, 0])
    asks = frame(0x00, AP, STATION, AP, b"", 0, 1)
    down = (450_000, frame(0x20, STATION, AP, OTHER, SYN, FROM_DS, 8))
    times = [(n * 100_000, beacon(n, n * 100_000, full if n in (2, 3, 4) else empty)) for n in range(6)]
    seen = told(capture(times[0], asks, answer, *times[1:5], down, times[5]), BufferingObserved)
    assert [(event.station, event.most_beacons) for event in seen] == [(STATION, 3)]
    assert seen[0].waits_s == (pytest.approx(0.25),)
    assert [ref.frame for ref in seen[0].frames] == [5, 8]


def test_probing() -> None:
    ask = [frame(0x04, ALL, STATION, ALL, b"\x00\x04home", 0, n) for n in range(3)]
    answer = frame(0x05, STATION, AP, AP, bytes(8) + b"\x64\x00\x01\x00\x00\x04home", 0, 1)
    data = capture(ask[0], answer, ask[1], frame(0x04, ALL, STATION, ALL, b"\x00\x00", 0, 9), ask[2])
    seen = told(data, ProbingObserved)
    assert [(event.station, event.ssid, event.asked, event.answered) for event in seen] == [
        (STATION, "home", 3, 1)
    ]


def test_lists_are_bounded() -> None:
    data = capture(*(frame(0x0C, AP, STATION, AP, b"\x07\x00", 0, n & 0xFFF) for n in range(500)))
    frames = [event.ref.frame for event in told(data, FarewellSeen)]
    assert frames == [*range(1, 33), *range(469, 501)]
    assert told(data, StationObserved)[0].sent == 500


def test_who_is_never_heard_is_no_witness() -> None:
    """A sniffer near the access point: it hears what is sent to a far station, and nothing of what that one sends."""
    kick = frame(0x0C, STATION, AP, AP, b"\x04\x00", 0, 40)
    frames = [frame(0x20, STATION, AP, AP, b"\1" * 40, FROM_DS, n) for n in range(20)]
    near = [frame(0x24, AP, OTHER, AP, b"", TO_DS, 5), ack(OTHER)]
    far = capture(beacon(1, 1), *near, *frames, kick)
    (air,) = told(far, AirObserved)
    assert air.unheard == (STATION,)
    assert told(far, FarewellSeen)[0].acked is None
    assert told(far, UnackedRun) == []
    heard = capture(beacon(1, 1), *near, frame(0x24, AP, STATION, AP, b"", TO_DS, 6), *frames, kick)
    assert told(heard, AirObserved)[0].unheard == ()
    assert told(heard, FarewellSeen)[0].acked is False
    assert [run.count for run in told(heard, UnackedRun)] == [21]


def test_channel_switches_are_announced_once() -> None:
    def counting(n: int) -> bytes:
        return beacon(n, n * 102_400) + bytes([37, 3, 1, 11, 5 - n])

    frames = [(0, beacon(0, 1)), *((n * 102_400, counting(n)) for n in range(1, 5))]
    (seen,) = told(capture(*frames), ChannelSwitchSeen)
    assert (seen.ap, seen.channel, seen.ref.frame) == (AP, 11, 2)
    assert "announces a switch to channel 11" in seen.ref.text
    action = frame(0x0D, ALL, AP, AP, bytes([0, 4, 37, 3, 0, 36, 2]))
    extended = frame(0x0D, ALL, AP, AP, bytes([4, 4, 0, 115, 40, 2]))
    by_station = frame(0x0D, AP, STATION, AP, bytes([0, 4, 37, 3, 0, 44, 2]))
    found = told(
        capture(action, extended, by_station, beacon(5, 9) + bytes([60, 4, 0, 81, 1, 3])), ChannelSwitchSeen
    )
    assert [event.channel for event in found] == [36, 40, 1]


def test_dozing_is_measured() -> None:
    """Two seconds of dozing in ten, told by the power management bit of what the station sends."""
    bits = [0, POWER, 0, 0]
    frames = [
        (at, frame(0x24, AP, STATION, AP, b"", TO_DS | bit, n))
        for n, (at, bit) in enumerate(zip((0, 3_000_000, 5_000_000, 10_000_000), bits, strict=True))
    ]
    (station,) = told(capture(*frames), StationObserved)
    assert (station.dozed_s, station.watched_s, station.dozes) == (2.0, 10.0, 2)


def test_retries_are_counted_by_frame() -> None:
    first, again = (frame(0x24, AP, STATION, AP, b"", TO_DS | flag, 3) for flag in (0, RETRY))
    (station,) = told(capture(first, again, again), StationObserved)
    assert (station.sent, station.retried) == (1, 1)


def test_sae_is_told_by_its_steps() -> None:
    commit, confirm = (
        frame(0x0B, AP, STATION, AP, bytes([3, 0, n, 0, 0, 0]) + bytes(32), sequence=n) for n in (1, 2)
    )
    steps = told(capture(commit, confirm), JoinStepSeen)
    assert ["SAE commit status 0" in step.ref.text for step in steps] == [True, False]
    assert "SAE confirm status 0" in steps[1].ref.text
