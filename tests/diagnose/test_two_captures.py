"""Two captures of one run on one clock: generated pairs with known truth, and real air beside real wire."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.diagnose.other_clock import on_another_clock
from tests.diagnose.wire import ACK as ACK_FLAG
from tests.diagnose.wire import BEGIN_S, DEVICE, PEER, PSH, Wire

from halfopen import findings
from halfopen.diagnose import diagnose, judged
from halfopen.diagnose.alignment import Sighting
from halfopen.diagnose.capture_clocks import Shown, aligned, by_clock, shown
from halfopen.diagnose.events import (
    Connected,
    ConnectStarted,
    Event,
    LinkStateChanged,
    Moment,
    Provenance,
    WifiDropped,
)
from halfopen.diagnose.radio import FarewellSeen, JoinStepSeen
from halfopen.diagnose.report import Report
from halfopen.diagnose.report.as_json import as_json
from halfopen.diagnose.report.as_text import report_text
from halfopen.diagnose.rules.causality import ranked
from halfopen.diagnose.sources.capture import CaptureSource
from halfopen.diagnose.traffic import CaptureObserved, FlowObserved, FrameRef
from halfopen.findings import Evidence, Finding

RECORDINGS = Path(__file__).parent.parent / "recordings"
PAIRS = (
    "s1_normal_open",
    "s3_ap_restart_open",
    "s7_dropout_bcnloss_open",
    "s7_dropout_open",
    "s7_sta_reset_open",
)
SEEDS = 1000
OFFSET_S = 3600.25


def air(name: str) -> Path:
    return RECORDINGS / "air" / f"{name}.hwsim0.pcapng"


def wire(name: str) -> Path:
    return RECORDINGS / "wifi" / f"{name}.peer_eth.pcapng"


def read(data: bytes, name: str) -> list[Event]:
    source = CaptureSource(name)
    return [*source.feed(data), *source.end()]


def pair(name: str, offset_s: float = 0.0, drift: float = 0.0) -> Report:
    """The diagnosis of the air and of the wire, whose clock was set off by ``offset_s``."""
    moved = on_another_clock(wire(name).read_bytes(), offset_s, drift)
    return judged([("air", read(air(name).read_bytes(), "air")), ("wire", read(moved, "wire"))])


# Generated pairs: what the fit finds, and what it refuses.


def scene(seed: int) -> tuple[list[Sighting], list[Sighting], float, float, float]:
    """What two captures saw of one run, 30 % of it wrong: sightings, offset, drift and span."""
    chance = random.Random(seed)
    offset, drift = chance.uniform(-1e6, 1e6), chance.uniform(-200e-6, 200e-6)
    count, span = chance.randint(6, 40), chance.choice((20.0, 60.0, 600.0, 3600.0, 86400.0))
    own: list[Sighting] = []
    reference: list[Sighting] = []
    for number in range(count):
        at = chance.uniform(0, span)
        there = at * (1 + drift) + chance.gauss(0, 0.001) + (chance.random() < 0.1) * chance.uniform(0, 0.03)
        if chance.random() < 0.3:  # the same wording, but not the same frame
            there = chance.uniform(0, span)
        own.append((f"frame {number}", BEGIN_S + at))
        reference.append((f"frame {number}", BEGIN_S + offset + there))
    return own, reference, offset, drift, span


def test_offset_and_drift_are_found_through_false_matches() -> None:
    good = 0
    for seed in range(SEEDS):
        own, reference, offset, drift, span = scene(seed)
        fit = aligned(Shown(tuple(own), ()), Shown(tuple(reference), ()), BEGIN_S)
        if fit is not None:
            good += all(
                abs(fit.to_capture(t) - offset - t * (1 + drift)) < 0.050 for t in (0.0, span / 2, span)
            )
    assert good >= 0.99 * SEEDS


def test_frames_that_agree_in_wording_only_are_refused() -> None:
    accepted = 0
    for seed in range(SEEDS):
        own, reference, *_, span = scene(seed)
        chance = random.Random(seed)
        elsewhere = [(kind, BEGIN_S + chance.uniform(0, span)) for kind, _ in reference]
        accepted += aligned(Shown(tuple(own), ()), Shown(tuple(elsewhere), ()), BEGIN_S) is not None
    assert accepted <= 0.01 * SEEDS


def joins(chance: random.Random, times: Sequence[float], hearing: float) -> list[Sighting]:
    """Joins as a sniffer hears them, ``hearing`` of the frames: each looks like the other."""
    steps = ("auth-request", "auth-response", "assoc-request", "assoc-response", "m1", "m2", "m3", "m4")
    return [
        (step, at + 0.012 * n + chance.uniform(0, 0.004))
        for at in times
        for n, step in enumerate(steps)
        if chance.random() < hearing
    ]


def test_two_sniffers_of_the_same_joins_agree_and_of_other_joins_do_not() -> None:
    good = wrong = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)
        times = sorted(chance.uniform(0, 1800) for _ in range(chance.randint(4, 20)))
        offset, drift = chance.uniform(-1e6, 1e6), chance.uniform(-200e-6, 200e-6)
        heard = joins(chance, times, 1.0)
        own = [(kind, BEGIN_S + at) for kind, at in heard if chance.random() < 0.8]
        there = [
            (kind, BEGIN_S + offset + at * (1 + drift) + chance.gauss(0, 0.001))
            for kind, at in heard
            if chance.random() < 0.8
        ]
        fit = aligned(Shown((), tuple(own)), Shown((), tuple(there)), BEGIN_S)
        good += fit is not None and abs(fit.to_capture(900.0) - offset - 900.0 * (1 + drift)) < 0.050
        others = joins(chance, sorted(chance.uniform(0, 1800) for _ in times), 0.8)
        other = [(kind, BEGIN_S + at) for kind, at in others]
        wrong += aligned(Shown((), tuple(own)), Shown((), tuple(other)), BEGIN_S) is not None
    assert good >= 0.99 * SEEDS
    assert wrong <= 0.01 * SEEDS


# Real air, real wire.


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("drift", [-200e-6, 0.0, 200e-6])
@pytest.mark.parametrize("offset_s", [0.0, OFFSET_S, -7.5])
def test_a_real_pair_is_put_on_one_clock(name: str, offset_s: float, drift: float) -> None:
    report = pair(name, offset_s, drift)
    (clock,) = report.capture_clocks
    assert (clock.source, clock.reference) == ("wire", "air")
    assert clock.matches >= 3
    assert clock.residual < 0.010
    frames = next(e for e in read(wire(name).read_bytes(), "wire") if isinstance(e, CaptureObserved))
    for truth in (frames.started, frames.ended):
        told = truth + offset_s + (truth - frames.started) * drift
        assert abs(clock.to_reference(told) - truth) < 0.050
    assert not any("no common clock" in note for note in report.notes)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("offset_s", [0.0, OFFSET_S])
def test_a_pair_says_what_the_air_alone_says_once_and_proved_twice(name: str, offset_s: float) -> None:
    alone = judged([("air", read(air(name).read_bytes(), "air"))])
    both = pair(name, offset_s, 200e-6)
    told = [(f.key, f.severity, f.confidence, f.summary, f.caused_by) for f in both.findings]
    assert told == [(f.key, f.severity, f.confidence, f.summary, f.caused_by) for f in alone.findings]
    for finding, single in zip(both.findings, alone.findings, strict=True):
        own = [quote for quote in finding.evidence if quote.source == "air"]
        assert own == list(single.evidence[: len(own)])
        assert finding.evidence[0].source == "air"


@pytest.mark.parametrize("offset_s", [0.0, OFFSET_S])
def test_one_finding_carries_the_frames_of_both_captures(offset_s: float) -> None:
    report = pair("s7_dropout_open", offset_s)
    dropout = next(f for f in report.findings if f.code == "HO413")
    assert {quote.source for quote in dropout.evidence} == {"air", "wire"}
    reset = next(f for f in pair("s7_sta_reset_open", offset_s).findings if f.code == "HO205")
    rst, syn, rst_behind, syn_behind = reset.evidence
    assert [quote.source for quote in reset.evidence] == ["air", "air", "wire", "wire"]
    assert (rst_behind.frame, syn_behind.frame) == (58, 33)  # as tshark numbers them in the wire's file
    assert rst.text == rst_behind.text
    assert rst.time == pytest.approx(rst_behind.time, abs=0.05)
    assert syn.time == pytest.approx(syn_behind.time, abs=0.05)


def test_the_order_given_chooses_the_clock_not_the_verdict() -> None:
    there = read(on_another_clock(wire("s7_sta_reset_open").read_bytes(), OFFSET_S), "wire")
    here = read(air("s7_sta_reset_open").read_bytes(), "air")
    one, other = judged([("air", here), ("wire", there)]), judged([("wire", there), ("air", here)])
    assert [f.summary for f in one.findings] == [f.summary for f in other.findings]
    gap = one.findings[0].evidence[0].time, other.findings[0].evidence[0].time
    assert gap[1] == pytest.approx((gap[0] or 0.0) + OFFSET_S, abs=0.05)
    assert other.capture_clocks[0].offset == pytest.approx(-one.capture_clocks[0].offset, abs=0.05)


def test_two_sniffers_hear_each_farewell_once() -> None:
    far = RECORDINGS / "air" / "s3_kick_open.sniffer.pcapng"
    alone = judged([("near", read(air("s3_kick_open").read_bytes(), "near"))])
    moved = on_another_clock(far.read_bytes(), OFFSET_S, -100e-6)
    both = judged([("near", read(air("s3_kick_open").read_bytes(), "near")), ("far", read(moved, "far"))])
    assert both.capture_clocks[0].matches >= 10
    assert [f.summary for f in both.findings] == [f.summary for f in alone.findings]


@pytest.mark.parametrize("name", ["s7_dropout_open", "s7_dropout_bcnloss_open", "s7_sta_reset_open"])
def test_two_sniffers_and_the_wire_say_what_one_sniffer_says(name: str) -> None:
    """The second sniffer stood far off and heard one direction only."""
    far = (RECORDINGS / "air" / f"{name}.sniffer.pcapng").read_bytes()
    near = read(air(name).read_bytes(), "near")
    behind = on_another_clock(wire(name).read_bytes(), -OFFSET_S, -150e-6)
    report = judged(
        [
            ("far", read(on_another_clock(far, OFFSET_S), "far")),
            ("near", near),
            ("wire", read(behind, "wire")),
        ]
    )
    assert {clock.source for clock in report.capture_clocks} == {"near", "wire"}
    alone = judged([("near", near)])
    assert [f.code for f in report.findings] == [f.code for f in alone.findings]
    dropout = next(f for f in report.findings if f.code == "HO413")
    assert {quote.source for quote in dropout.evidence} == {"near", "wire"}


def test_captures_of_different_runs_are_never_put_on_one_clock() -> None:
    paths = [*sorted((RECORDINGS / "air").glob("*.pcapng")), *sorted((RECORDINGS / "wifi").glob("*.pcapng"))]
    seen = {path: shown(read(path.read_bytes(), path.name)) for path in paths}
    refused = 0
    for one, other in itertools.combinations(paths, 2):
        same_run = one.name.split(".")[0] == other.name.split(".")[0]
        fit = aligned(seen[one], seen[other], BEGIN_S)
        assert (fit is not None) == same_run, (one.name, other.name)
        refused += fit is None
    assert refused > 300


def test_what_has_no_common_clock_stays_apart_and_the_report_says_so() -> None:
    here, there = air("s7_dropout_open"), wire("s7_sta_reset_open")
    report = diagnose(str(here), str(there))
    assert report.capture_clocks == ()
    (note,) = [note for note in report.notes if "no common clock" in note]
    assert note.startswith(f"{here}, {there}: ")
    (device,) = report.devices
    assert device.sources == (str(here), str(there))
    alone = [f for path in (here, there) for f in diagnose(str(path)).findings]
    assert [f.summary for f in report.findings] == [f.summary for f in alone]
    assert len({f.key for f in report.findings}) == len(report.findings)
    for finding in report.findings:
        assert len({quote.source for quote in finding.evidence}) == 1
        cause = next((f for f in report.findings if f.key == finding.caused_by), finding)
        assert cause.evidence[0].source == finding.evidence[0].source


def test_equal_clocks_without_a_match_are_not_pretended() -> None:
    radio_only = [
        event
        for event in read(air("s7_dropout_open").read_bytes(), "air")
        if type(event).__module__.endswith("radio") or isinstance(event, CaptureObserved)
    ]  # what an encrypted network shows
    report = judged([("air", radio_only), ("wire", read(wire("s7_dropout_open").read_bytes(), "wire"))])
    assert report.capture_clocks == ()
    assert any("no common clock" in note for note in report.notes)
    assert [{q.source for q in f.evidence} for f in report.findings] == [{"air"}, {"wire"}]


# What the rules count, on a wire made by hand and read by two sniffers.


def left_open(count: int) -> Wire:
    """Connections that the device leaves open although the peer closed them."""
    made = Wire()
    for number in range(count):
        at = 40.0 * number
        talk = made.talk(50_000 + number).open(at)
        talk.send(at + 1, DEVICE)
        talk.fin(at + 2, PEER)
    return made


@pytest.mark.parametrize("offset_s", [0.0, OFFSET_S])
def test_connections_seen_twice_are_counted_once(offset_s: float) -> None:
    data = left_open(6).bytes()
    alone = judged([("a.pcapng", read(data, "a.pcapng"))])
    second = read(on_another_clock(data, offset_s, 50e-6), "b.pcapng")
    both = judged([("a.pcapng", read(data, "a.pcapng")), ("b.pcapng", second)])
    assert [f.code for f in alone.findings][:1] == ["HO101"]
    assert [f.summary for f in both.findings] == [f.summary for f in alone.findings]
    assert {q.source for q in both.findings[0].evidence} == {"a.pcapng", "b.pcapng"}


def test_the_witness_with_more_packets_stands() -> None:
    data = left_open(6).bytes()
    deaf = Wire()
    for number in range(
        6
    ):  # heard the handshakes and the FINs, not the data: the device seems to have said nothing
        talk = deaf.talk(50_000 + number).open(40.0 * number)
        talk.next[DEVICE] += 40
        talk.fin(40.0 * number + 2, PEER)
    both = judged([("deaf", read(deaf.bytes(), "deaf")), ("whole", read(data, "whole"))])
    (finding,) = [f for f in both.findings if f.code == "HO101"]
    assert finding.evidence[0].source == "whole"


def test_silence_is_measured_to_the_end_of_the_capture_that_shows_it() -> None:
    """A sniffer that goes on listening elsewhere does not make a connection silent that it cannot hear."""
    short, long = Wire(), Wire()
    for number in range(4):
        for made in (short, long):
            talk = made.talk(50_000 + number).open(10.0 * number)
            talk.send(10.0 * number + 1, DEVICE)
            talk.fin(10.0 * number + 2, DEVICE)
            talk.fin(10.0 * number + 2.5, PEER)
    short.talk(51_000, 8883).open(35.0)
    for number in range(60):
        long.ping(40.0 + 10 * number, number)
    first, second = read(short.bytes(), "short"), read(on_another_clock(long.bytes(), OFFSET_S), "long")
    report = judged([("short", first), ("long", second)])
    assert len(report.capture_clocks) == 1
    assert not [f for f in report.findings if f.code == "HO202"]


@pytest.mark.parametrize("offset_s", [0.0, OFFSET_S])
def test_orphans_of_two_captures_are_told_apart_by_more_than_their_number(offset_s: float) -> None:
    """Both captures count their conversations from one: the first of each is not the same."""
    parts = Wire(), Wire()
    for number in range(4):  # shared, so that there is a clock
        for made in parts:
            talk = made.talk(50_000 + number).open(10.0 * number)
            talk.fin(10.0 * number + 1, DEVICE)
            talk.fin(10.0 * number + 1.5, PEER)
    for number, made in enumerate(parts):  # one orphan in each alone
        talk = made.talk(52_000 + number).open(50.0 + number)
        for n in range(6):
            talk.raw(52.0 + 2**n, DEVICE, 1 | ACK_FLAG)
    first, second = (made.bytes() for made in parts)
    moved = on_another_clock(second, offset_s)
    report = judged([("a", read(first, "a")), ("b", read(moved, "b"))])
    (finding,) = [f for f in report.findings if f.code == "HO103"]
    assert "2 connections were closed towards a peer that never answered" in finding.summary
    assert {q.source for q in finding.evidence} == {"a", "b"}


def finding_at(code: str, source: str, time: float) -> Finding:
    entry = findings.fault(code)
    quote = Evidence(source, None, 1, time, "frame")
    return Finding(code, entry.fault, entry.severity, 0.9, code, "esp", "", (quote,), entry.remedy)


@pytest.mark.parametrize(("rebooted_s", "cause"), [(30.0, "HO205"), (90.0, None)])
def test_on_one_clock_an_effect_does_not_precede_its_cause(rebooted_s: float, cause: str | None) -> None:
    """The air shows the cause, the wire the effect."""
    told = ranked([finding_at("HO205", "air", rebooted_s), finding_at("HO208", "wire", 60.0)])
    assert next(f for f in told if f.code == "HO208").caused_by == cause


def test_a_third_capture_joins_through_the_second() -> None:
    """The first and the third overlap the second, not each other."""
    early, whole, late = Wire(), Wire(), Wire()
    for number in range(8):
        for made in (early, whole) if number < 4 else (whole, late):
            talk = made.talk(50_000 + number).open(30.0 * number)
            talk.send(30.0 * number + 1, DEVICE)
            talk.fin(30.0 * number + 2, DEVICE)
    captures = [
        ("early", read(early.bytes(), "early")),
        ("late", read(on_another_clock(late.bytes(), 500.0), "late")),
        ("whole", read(on_another_clock(whole.bytes(), -90.0), "whole")),
    ]
    (one,) = by_clock(captures)
    assert [name for name, _ in one.captures] == ["early", "whole", "late"]
    offsets = {clock.source: clock.offset for clock in one.clocks}
    assert offsets == {"whole": pytest.approx(90.0, abs=0.01), "late": pytest.approx(-500.0, abs=0.01)}


def test_one_direction_suffices() -> None:
    """A sniffer that hears the access point only knows no client's SYN: numbers are compared as they were sent."""
    whole, half = Wire(), Wire()
    for number in range(4):
        talk = whole.talk(50_000 + number).open(20.0 * number)
        talk.send(20.0 * number + 1, PEER)
        talk.fin(20.0 * number + 2, PEER)
        heard = half.talk(50_000 + number)
        heard.next[DEVICE] += 1
        heard.raw(20.0 * number + 0.001, PEER, 2 | ACK_FLAG, mss=1460)
        heard.next[PEER] += 1
        heard.raw(20.0 * number + 1, PEER, PSH | ACK_FLAG, payload=bytes(40))
        heard.next[PEER] += 40
        heard.raw(20.0 * number + 2, PEER, 1 | ACK_FLAG)
    moved = on_another_clock(half.bytes(), OFFSET_S)
    (one,) = by_clock([("whole", read(whole.bytes(), "whole")), ("half", read(moved, "half"))])
    assert one.clocks[0].offset == pytest.approx(-OFFSET_S, abs=0.01)
    assert one.clocks[0].matches >= 8


# A log beside both.

STATION, AP = "02:00:00:00:01:00", "02:00:00:00:00:00"
BOOTED_S = 1_795_327_540.0


def console(*told: tuple[float, type[Event], tuple[object, ...]]) -> list[Event]:
    """A log that counts from ``BOOTED_S`` on the air's clock."""
    return [
        kind(Provenance("uart.log", n, None, f"line {n}"), Moment(0, boot=at - BOOTED_S), *values)
        for n, (at, kind, values) in enumerate(told, 1)
    ]


def connections(seen: Sequence[Event]) -> list[Event]:
    """A log of the connections that a capture shows, on its clock."""
    told: list[tuple[float, type[Event], tuple[object, ...]]] = []
    for flow in (event for event in seen if isinstance(event, FlowObserved)):
        assert flow.established is not None
        began = flow.at.host or 0.0
        told.append((began - 0.004, ConnectStarted, (54, flow.server.ip, flow.server.port)))
        told.append((flow.established.time + 0.003, Connected, (54, flow.client.port)))
    return console(*told)


def test_a_log_is_put_on_the_clock_of_air_and_wire() -> None:
    here = read(air("s7_sta_reset_open").read_bytes(), "air")
    there = read(on_another_clock(wire("s7_sta_reset_open").read_bytes(), OFFSET_S, 100e-6), "wire")
    report = judged([("uart.log", connections(here)), ("wire", there), ("air", here)])
    (clock,) = report.clocks
    (capture_clock,) = report.capture_clocks
    assert (capture_clock.source, capture_clock.reference) == ("air", "wire")
    assert clock.alignment.offset == pytest.approx(BOOTED_S + OFFSET_S, abs=0.05)
    assert len(report.devices) == 1


def test_a_log_goes_with_the_capture_that_it_fits() -> None:
    """The air is of another run: the log is not compared with it although it was given first."""
    other = read(air("s7_dropout_open").read_bytes(), "air")
    there = read(wire("s7_sta_reset_open").read_bytes(), "wire")
    report = judged([("uart.log", connections(there)), ("air", other), ("wire", there)])
    (clock,) = report.clocks
    assert clock.alignment.offset == pytest.approx(BOOTED_S, abs=0.05)
    assert any("no common clock" in note for note in report.notes)
    assert {f.code for f in report.findings if f.key.endswith("/clock-2")} == {"HO413", "HO203"}
    assert [f.evidence[0].source for f in report.findings if f.code == "HO205"] == ["wire"]


def ref_of(source: str, frame: int, time: float) -> tuple[Provenance, Moment, FrameRef]:
    text = f"frame {frame}"
    return Provenance(source, None, frame, text), Moment(host=time), FrameRef(frame, time, text)


def test_a_log_links_encrypted_air_with_the_wire() -> None:
    """Joins and farewells are all that the air shows without the key; connections are all that the wire shows."""
    chance = random.Random(7)
    told: list[tuple[float, type[Event], tuple[object, ...]]] = []
    heard: list[Event] = []
    made = Wire()
    for number in range(6):
        at = 100.0 * number + chance.uniform(0, 60)
        told.append((BOOTED_S + at, LinkStateChanged, ("assoc", "run", 0x10)))
        told.append((BOOTED_S + at + 2, ConnectStarted, (54, PEER, 1883)))
        told.append((BOOTED_S + at + 2.004, Connected, (54, 50_000 + number)))
        told.append((BOOTED_S + at + 20, WifiDropped, (8,)))
        made.talk(50_000 + number).open(at + 2)
        where, moment, ref = ref_of("air", 10 * number + 1, BOOTED_S + 77.0 + at)
        heard.append(JoinStepSeen(where, moment, "assoc-response", STATION, AP, 0, True, ref))
        where, moment, ref = ref_of("air", 10 * number + 2, BOOTED_S + 77.0 + at + 20)
        heard.append(FarewellSeen(where, moment, "disassoc", STATION, AP, False, 8, False, True, True, ref))
    where, moment, _ = ref_of("air", 1, BOOTED_S + 77.0)
    whole = CaptureObserved(where, moment, ("IEEE802_11_RADIOTAP",), 60, BOOTED_S + 77.0, BOOTED_S + 700.0)
    report = judged(
        [("uart.log", console(*told)), ("air", [whole, *heard]), ("wire", read(made.bytes(), "wire"))]
    )
    (clock,) = report.capture_clocks
    assert clock.through == "uart.log"
    assert clock.to_reference(BEGIN_S + 300.0) == pytest.approx(BOOTED_S + 77.0 + 300.0, abs=0.05)
    assert not any("no common clock" in note for note in report.notes)


# What the report shows of it.


def test_the_fit_is_reported_in_text_and_json() -> None:
    report = pair("s7_dropout_open", OFFSET_S, 200e-6)
    (entry,) = json.loads(as_json(report))["clocks"]
    assert entry["capture"] == "wire"
    assert entry["reference"] == "air"
    assert entry["offset"] == pytest.approx(-OFFSET_S, abs=0.05)
    assert entry["drift_ppm"] == pytest.approx(-200, abs=20)
    assert entry["matches"] >= 3
    assert entry["residual"] < 0.01
    assert entry["through"] is None
    out = StringIO()
    report_text(Console(file=out, width=200, color_system=None), report)
    (line,) = [line for line in out.getvalue().splitlines() if line.startswith("Clock: ")]
    assert line.startswith(
        "Clock: wire moved by -3600.250 s to the clock of air: 8 matches, residual 0.3 ms, drift -199 ppm"
    )


def test_one_machine_is_a_fit_of_no_offset() -> None:
    (clock,) = pair("s7_dropout_open").capture_clocks
    assert abs(clock.offset) < 0.050


def test_a_folder_of_runs_pairs_each_log_with_its_own_capture() -> None:
    """Twelve runs of one device, a log and a capture each, that share addresses, ports and timing."""
    report = diagnose(str(RECORDINGS / "lwip"))
    assert [device.mac for device in report.devices] == ["02:12:34:56:78:ab"]
    assert sorted(Path(clock.log).name for clock in report.clocks) == sorted(
        path.name for path in (RECORDINGS / "lwip").glob("*.log")
    )
    assert report.capture_clocks == ()
    told: set[str] = set()
    for finding in report.findings:
        runs = {Path(quote.source).name.split(".")[0] for quote in finding.evidence}
        assert len(runs) == 1, finding.summary
        told |= runs
    alone = {
        Path(q.source).name.split(".")[0]
        for log in (RECORDINGS / "lwip").glob("*.log")
        for f in diagnose(str(log), str(log.with_name(log.name.replace(".uart.log", ".pcapng")))).findings
        for q in f.evidence
    }
    assert told == alone
