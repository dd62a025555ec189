"""Rules on real captures of hostapd: what fires, and every trap that must stay silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from halfopen.diagnose import diagnose, judged
from halfopen.diagnose.events import (
    AddressGot,
    Event,
    LinkStateChanged,
    LogEnded,
    Moment,
    Provenance,
    WifiDropped,
)
from halfopen.diagnose.radio import (
    AirObserved,
    BeaconsObserved,
    BufferingObserved,
    ChannelSwitchSeen,
    FarewellSeen,
    HandshakeSeen,
    JoinStepSeen,
    KeysUsed,
    PollSeen,
    ProbingObserved,
    StationObserved,
    UnackedRun,
)
from halfopen.diagnose.report import Report
from halfopen.diagnose.traffic import CaptureObserved, FrameRef, LeaseObserved

AIR = Path(__file__).parent.parent / "recordings" / "air"
STATION, AP = "02:00:00:00:01:00", "02:00:00:00:00:00"

#: Recording → what may be told first (nothing: healthy), and what is tolerated beside it (truth files of the lab).
CASES: dict[str, tuple[set[str], set[str]]] = {
    "s1_normal_open.hwsim0": (set(), set()),
    "s2_inact_blackhole_open.hwsim0": (
        {"assoc-expired", "class3-rejected", "radio-dropout"},
        {"auth-expired"},
    ),
    "s2_inact_poll_ok.hwsim0": (set(), set()),
    "s2_inact_skip_poll_open.hwsim0": ({"assoc-expired"}, set()),
    "s3_ap_restart_open.hwsim0": ({"ap-restarted"}, {"kicked-by-ap"}),
    "s3_class3_open.hwsim0": ({"class3-rejected"}, {"kicked-by-ap", "radio-dropout"}),
    "s3_kick_open.hwsim0": ({"kicked-by-ap"}, {"auth-expired", "assoc-expired"}),
    "s3_sta_leave_open.hwsim0": (set(), set()),
    "s4_ps_dtim3_open.hwsim0": (set(), set()),
    "s4_psdoze_dtim10_open.hwsim0": (set(), {"dozing-radio"}),
    "s5_roam_open.hwsim0": (set(), set()),
    "s6_ap_full.hwsim0": ({"association-denied"}, set()),
    "s6_no_ap.hwsim0": ({"ap-not-found"}, set()),
    "s6_wrong_psk.hwsim0": ({"wrong-credentials"}, set()),
    "s7_dropout_bcnloss_open.hwsim0": ({"radio-dropout", "beacon-lost"}, {"stalled-transmit"}),
    "s7_dropout_open.hwsim0": ({"radio-dropout"}, {"stalled-transmit", "half-open"}),
    "s8_dhcp_fail_open.hwsim0": ({"dhcp-failed"}, set()),
}


def serious(report: Report) -> list[str]:
    return [f.fault for f in report.findings if f.severity != "info"]


@pytest.mark.parametrize("name", CASES)
def test_the_air_is_judged_as_it_was(name: str) -> None:
    expected, tolerated = CASES[name]
    told = serious(diagnose(str(AIR / f"{name}.pcapng")))
    assert set(told) <= expected | tolerated
    assert bool(told) or not expected
    assert not expected or told[0] in expected


def test_every_frame_quoted_is_in_the_capture() -> None:
    for name in CASES:
        path = str(AIR / f"{name}.pcapng")
        report = diagnose(path)
        for finding in report.findings:
            assert finding.evidence
            assert all(q.source == path and q.frame is not None and q.frame >= 1 for q in finding.evidence)


# What a log and the air say together, made by hand.


def at(boot: float, line: int = 1) -> tuple[Provenance, Moment]:
    return Provenance("uart.log", line, None, f"line {line}"), Moment(0, boot=boot)


def on_air(frame: int, time: float) -> tuple[Provenance, Moment, FrameRef]:
    return (
        Provenance("air.pcapng", None, frame, f"frame {frame}"),
        Moment(host=time),
        FrameRef(frame, time, f"frame {frame}"),
    )


def log_of_leases() -> list[Event]:
    """Three leases that the capture sees too, and nothing for the next minutes."""
    return [
        *(AddressGot(*at(t, n + 1), "10.0.0.9") for n, t in enumerate((10.0, 40.0, 95.0))),
        LogEnded(*at(390.0, 20), 20),
    ]


def log_of_a_drop(reason: int) -> list[Event]:
    """Three leases that the capture sees too, then a disconnect while running."""
    code = (reason << 8) | 0xA0
    return [
        *log_of_leases()[:-1],
        LinkStateChanged(*at(200.0, 8), "run", "init", code),
        WifiDropped(*at(200.01, 9), reason),
    ]


def air_with(*farewells: Event) -> list[Event]:
    """A capture that began 1000 s into its own clock when the device booted, and heard beacons all along."""
    where, moment, first = on_air(1, 1000.0)
    last = FrameRef(900, 1400.0, "frame 900")
    acks = tuple(FrameRef(20 + n, 1000.0 + t, "") for n, t in enumerate((10.0, 40.0, 95.0)))
    return [
        CaptureObserved(where, moment, ("IEEE802_11_RADIOTAP",), 900, 1000.0, 1400.0),
        AirObserved(where, moment, 900, 100, (2437,), 0),
        JoinStepSeen(where, moment, "assoc-response", STATION, AP, 0, True, FrameRef(5, 1005.0, "")),
        *farewells,
        BeaconsObserved(where, moment, AP, "lab", 6, 4000, 0.1024, 2, (), (), first, last),
        StationObserved(where, moment, STATION, (AP,), 300, first, last, -50, -60, 0),
        LeaseObserved(where, moment, STATION, "", "10.0.0.9", acks=acks),
    ]


def test_a_reason_that_nobody_sent_was_the_stations_own() -> None:
    report = judged([("uart.log", log_of_a_drop(4)), ("air.pcapng", air_with())])
    (finding,) = [f for f in report.findings if f.code == "HO402"]
    assert "Nobody sent such a frame" in finding.summary


def test_a_kick_that_both_saw_is_one_finding_with_both_proofs() -> None:
    where, moment, ref = on_air(77, 1200.0)
    kick = FarewellSeen(where, moment, "disassoc", STATION, AP, True, 4, False, True, False, ref)
    report = judged([("uart.log", log_of_a_drop(4)), ("air.pcapng", air_with(kick))])
    (finding,) = [f for f in report.findings if f.code == "HO402"]
    assert "Nobody sent" not in finding.summary
    assert {q.source for q in finding.evidence} == {"uart.log", "air.pcapng"}


def test_without_a_common_clock_nothing_is_pretended() -> None:
    log = [event for event in log_of_a_drop(4) if not isinstance(event, AddressGot)]
    report = judged([("uart.log", log), ("air.pcapng", air_with(farewell(77, 1200.0, 4)))])
    told = [f for f in report.findings if f.code == "HO402"]
    assert [{q.source for q in f.evidence} for f in told] == [{"uart.log"}, {"air.pcapng"}]
    assert len({f.key for f in told}) == 2
    assert not any("Nobody sent" in f.summary or "The access point" in f.summary for f in told)
    assert report.clocks == ()
    assert any(note.startswith("uart.log: ") and "no common clock" in note for note in report.notes)


def farewell(
    frame: int, time: float, reason: int | None, *, kind: str = "deauth", acked: bool | None = True
) -> FarewellSeen:
    where, moment, ref = on_air(frame, time)
    return FarewellSeen(where, moment, kind, STATION, AP, True, reason, False, acked, reason is None, ref)  # type: ignore[arg-type]


@pytest.mark.parametrize(("reason", "code"), [(2, "HO401"), (4, "HO402"), (3, "HO403")])
def test_what_nobody_sent_blames_nobody(reason: int, code: str) -> None:
    report = judged([("uart.log", log_of_a_drop(reason)), ("air.pcapng", air_with())])
    (finding,) = [f for f in report.findings if f.code == code]
    assert "Nobody sent such a frame" in finding.summary
    assert finding.confidence == 0.5
    assert "the access point had dropped" not in finding.summary
    assert "put the running station out" not in finding.summary


def test_a_farewell_of_another_reason_at_that_moment_was_sent() -> None:
    hidden = farewell(77, 1200.2, None, kind="disassoc")
    report = judged([("uart.log", log_of_a_drop(4)), ("air.pcapng", air_with(hidden))])
    (finding,) = [f for f in report.findings if f.code == "HO402"]
    assert "Nobody sent" not in finding.summary
    assert finding.confidence == 0.75


def test_a_kick_that_the_log_outlived_is_no_finding() -> None:
    """Acknowledged by the radio and ignored by the station, as an unprotected farewell under PMF."""
    kick = farewell(77, 1200.0, 7)
    assert judged([("uart.log", log_of_leases()), ("air.pcapng", air_with(kick))]).findings == ()
    assert [f.code for f in judged([("air.pcapng", air_with(kick))]).findings] == ["HO404"]


def test_a_kick_that_the_log_confirms_by_a_new_lease_stands() -> None:
    kick = farewell(77, 1200.0, 7)
    log = log_of_leases()
    log.insert(3, AddressGot(*at(205.0, 9), "10.0.0.9"))
    assert [f.code for f in judged([("uart.log", log), ("air.pcapng", air_with(kick))]).findings] == ["HO404"]


def test_a_protected_farewell_after_an_unanswered_poll_was_inactivity() -> None:
    where, moment, ref = on_air(70, 1197.0)
    poll = PollSeen(where, moment, STATION, AP, False, ref)
    gone = farewell(77, 1200.0, None, kind="disassoc", acked=False)
    follow_up = farewell(78, 1201.0, None, acked=False)
    where, moment, ref = on_air(90, 1210.0)
    back = JoinStepSeen(where, moment, "assoc-request", STATION, AP, None, True, ref)
    report = judged([("air.pcapng", air_with(poll, gone, follow_up, back))])
    assert serious(report) == ["assoc-expired"]
    assert "protection hides the reason, the poll before tells it" in report.findings[0].summary
    assert {q.frame for q in report.findings[0].evidence} == {70, 77}


def test_a_protected_farewell_without_a_poll_is_a_kick_of_unknown_reason() -> None:
    report = judged([("air.pcapng", air_with(farewell(77, 1200.0, None)))])
    assert serious(report) == ["kicked-by-ap"]
    assert "protection (PMF) hides the reason" in report.findings[0].summary


@pytest.mark.parametrize(("acked", "expected"), [(True, "wrong-credentials"), (False, "handshake-timeout")])
def test_the_air_decides_what_reason_204_cannot(acked: bool, expected: str) -> None:
    log: list[Event] = []
    air: list[Event] = []
    for n in range(4):
        boot = 10.0 + n * n * 7
        log.append(LinkStateChanged(*at(boot, 2 * n + 1), "assoc", "run", 0x10))
        log.append(WifiDropped(*at(boot + 4.0, 2 * n + 2), 204))
        where, moment, ref = on_air(100 * n + 1, 1000.0 + boot)
        air.append(JoinStepSeen(where, moment, "assoc-response", STATION, AP, 0, True, ref))
        for k in range(2):
            where, moment, ref = on_air(100 * n + 2 + k, 1000.0 + boot + 1 + k)
            air.append(HandshakeSeen(where, moment, 2, STATION, AP, acked, ref))
    alone = judged([("uart.log", log)])
    assert {f.fault for f in alone.findings} >= {"wrong-credentials", "handshake-timeout"}
    assert alone.undecided
    together = judged([("uart.log", log), ("air.pcapng", air_with(*air))])
    assert together.clocks
    assert serious(together)[0] == expected
    assert len({"wrong-credentials", "handshake-timeout"} & {f.fault for f in together.findings}) == 1
    assert {q.source for q in together.findings[0].evidence} == {"uart.log", "air.pcapng"}
    assert not any(set(doubt.faults) == {"HO408", "HO409"} for doubt in together.undecided)


@pytest.mark.parametrize(("dozed", "expected"), [(80.0, ["dozing-radio"]), (2.0, [])])
def test_a_scan_elsewhere_is_no_power_save(dozed: float, expected: list[str]) -> None:
    where, moment, first = on_air(1, 1000.0)
    station = StationObserved(where, moment, STATION, (AP,), 300, first, first, -50, -60, 40, dozed, 100.0)
    held = BufferingObserved(where, moment, STATION, AP, (0.4,) * 6, 4, (first,))
    events = [e for e in air_with(held) if not isinstance(e, StationObserved)]
    assert serious(judged([("air.pcapng", [*events, station])])) == expected


def moved(frame: int, time: float) -> ChannelSwitchSeen:
    where, moment, ref = on_air(frame, time)
    return ChannelSwitchSeen(where, moment, AP, 11, ref)


def test_a_station_that_missed_a_channel_switch_is_told_so() -> None:
    where, moment, first = on_air(200, 1203.0)
    last = FrameRef(202, 1203.5, "frame 202")
    run = UnackedRun(where, moment, STATION, AP, False, 2, first, last, None, 2)
    where, moment, ref = on_air(210, 1206.0)
    back = JoinStepSeen(where, moment, "auth-request", STATION, AP, None, True, ref)
    gone = [
        replace(e, last=FrameRef(190, 1200.5, "")) if isinstance(e, BeaconsObserved) else e
        for e in air_with(run, back)
    ]
    assert "beacon-lost" not in serious(judged([("air.pcapng", gone)]))  # the sniffer lost the beacons too
    report = judged([("air.pcapng", [moved(180, 1200.0), *gone])])
    assert "beacon-lost" in serious(report)
    assert "announced its move to channel 11" in report.findings[0].summary


def test_a_logged_beacon_loss_names_the_channel_switch_before_it() -> None:
    report = judged([("uart.log", log_of_a_drop(200)), ("air.pcapng", air_with(moved(180, 1195.0)))])
    (finding,) = [f for f in report.findings if f.code == "HO405"]
    assert "had announced its move to channel 11" in finding.summary
    assert {q.source for q in finding.evidence} == {"uart.log", "air.pcapng"}


@pytest.mark.parametrize(
    ("sequence", "status", "expected"),
    [
        (1, 1, ["association-denied"]),
        (2, 1, ["wrong-credentials"]),
        (1, 17, ["association-denied"]),
        (1, 76, []),
        (1, 77, []),
    ],
)
def test_sae_refusals(sequence: int, status: int, expected: list[str]) -> None:
    """A refused commit is the access point's policy, a refused confirm the password; 76 and 77 ask for another commit."""
    steps = []
    for n in range(3):
        where, moment, ref = on_air(50 + n, 1020.0 + n)
        steps.append(
            JoinStepSeen(where, moment, "auth-response", STATION, AP, status, True, ref, 3, sequence)
        )
    events = [e for e in air_with(*steps) if not (isinstance(e, JoinStepSeen) and e.step == "assoc-response")]
    assert serious(judged([("air.pcapng", events)])) == expected


def handshake(frame: int, time: float, message: int, acked: bool) -> HandshakeSeen:
    where, moment, ref = on_air(frame, time)
    return HandshakeSeen(where, moment, message, STATION, AP, acked, ref)


def test_a_station_that_never_heard_m1() -> None:
    asked = [handshake(50 + n, 1006.0 + n, 1, False) for n in range(4)]
    report = judged([("air.pcapng", air_with(*asked, farewell(60, 1010.0, 2)))])
    assert serious(report)[0] == "handshake-timeout"
    assert "M1 of the 4-way handshake was sent 4 times" in report.findings[0].summary
    (expired,) = [f for f in report.findings if f.code == "HO401"]
    assert "before the 4-way handshake was done" in expired.summary
    assert expired.caused_by == report.findings[0].key


def test_a_kick_after_the_handshake_came_while_running() -> None:
    done = [handshake(50 + n, 1006.0 + n / 10, n + 1, True) for n in range(4)]
    report = judged([("air.pcapng", air_with(*done, farewell(60, 1200.0, 2)))])
    assert serious(report) == ["auth-expired"]
    assert "while it was running" in report.findings[0].summary


@pytest.mark.parametrize(
    ("beacon_dbm", "station_dbm", "retried", "expected"),
    [
        (-45, -88, 100, ["weak-signal"]),
        (-45, -60, 100, []),  # heard well: something else makes it retry
        (-80, -88, 100, []),  # the sniffer is far from both
        (-45, -88, 10, []),  # weak where the sniffer is, and yet the access point hears it
    ],
)
def test_a_weak_station_beside_a_strong_access_point(
    beacon_dbm: int, station_dbm: int, retried: int, expected: list[str]
) -> None:
    def told(event: Event) -> Event:
        if isinstance(event, BeaconsObserved):
            return replace(event, rssi_median=beacon_dbm)
        if isinstance(event, StationObserved):
            return replace(event, rssi_median=station_dbm, retried=retried)
        return event

    assert serious(judged([("air.pcapng", [told(event) for event in air_with()])])) == expected


# What came afterwards decides what it was.


def test_encrypted_data_proves_the_password() -> None:
    """The sniffer missed M3 and M4; the station goes on with encrypted data."""
    steps: list[Event] = []
    for n in range(3):
        steps.append(handshake(50 + 10 * n, 1006.0 + n * 60, 2, True))
        where, moment, ref = on_air(51 + 10 * n, 1006.5 + n * 60)
        steps.append(KeysUsed(where, moment, STATION, AP, ref))
    assert judged([("air.pcapng", air_with(*steps))]).findings == ()
    alone = [step for step in steps if not isinstance(step, KeysUsed)]
    assert serious(judged([("air.pcapng", air_with(*alone))])) == ["wrong-credentials"]


def test_a_farewell_after_which_data_flows_on_was_ignored() -> None:
    kick = replace(farewell(77, 1200.0, 7), outlived=True)
    assert judged([("air.pcapng", air_with(kick))]).findings == ()


def probing(station: StationObserved | None, *, beacons: bool = True) -> list[Event]:
    where, moment, ref = on_air(30, 1030.0)
    asked = ProbingObserved(where, moment, STATION, "office", 5, 0, (ref,) * 3)
    kept = [e for e in air_with() if not isinstance(e, (StationObserved, JoinStepSeen, LeaseObserved))]
    kept = [e for e in kept if beacons or not isinstance(e, BeaconsObserved)]
    return [*kept, asked, *([station] if station else [])]


def test_a_connected_station_may_look_for_another_network() -> None:
    where, moment, first = on_air(1, 1000.0)
    station = StationObserved(where, moment, STATION, (), 300, first, first, -50, -60, 0)
    late = FrameRef(800, 1390.0, "frame 800")
    talks = replace(station, aps=(AP,), talked=(first, late))
    assert serious(judged([("air.pcapng", probing(station))])) == ["ap-not-found"]
    assert serious(judged([("air.pcapng", probing(talks))])) == []
    assert (
        serious(judged([("air.pcapng", probing(station, beacons=False))])) == []
    )  # who answers is not heard


def restarts(*gaps: tuple[float, float], ap: str = AP) -> BeaconsObserved:
    where, moment, first = on_air(1, 1000.0)
    silences = tuple(
        (FrameRef(int(a), a, "last before"), FrameRef(int(b), b, "first after")) for a, b in gaps
    )
    begun = tuple(after for _, after in silences)
    last = FrameRef(9000, 1400.0, "")
    return BeaconsObserved(where, moment, ap, "lab", 6, 4000, 0.1024, 2, silences, begun, first, last)


def test_every_restart_is_told_to_who_lived_there() -> None:
    events = [e for e in air_with() if not isinstance(e, BeaconsObserved)]
    report = judged([("air.pcapng", [*events, restarts((1050.0, 1060.0), (1200.0, 1212.0))])])
    assert [f.code for f in report.findings] == ["HO412", "HO412"]
    assert len({f.key for f in report.findings}) == 2
    where, moment, ref = on_air(40, 1040.0)
    roamed = JoinStepSeen(where, moment, "reassoc-response", STATION, "02:00:00:00:00:a1", 0, True, ref)
    report = judged([("air.pcapng", [*events, roamed, restarts((1050.0, 1060.0))])])
    assert report.findings == ()


def test_a_restart_concerns_a_station_that_joined_before_the_capture() -> None:
    where, moment, first = on_air(1, 1000.0)
    station = StationObserved(
        where, moment, STATION, (AP,), 300, first, first, -50, -60, 0, talked=(first, first)
    )
    kept = [e for e in air_with() if not isinstance(e, (BeaconsObserved, JoinStepSeen, StationObserved))]
    report = judged([("air.pcapng", [*kept, station, restarts((1050.0, 1060.0))])])
    assert serious(report) == ["ap-restarted"]


def test_a_sniffer_that_hops_cannot_say_that_nobody_sent() -> None:
    hopping = [
        replace(e, channels=(2412, 2437, 2462)) if isinstance(e, AirObserved) else e for e in air_with()
    ]
    report = judged([("uart.log", log_of_a_drop(4)), ("air.pcapng", hopping)])
    assert not any("Nobody sent" in f.summary for f in report.findings)


def test_reason_7_that_the_sniffer_missed_was_sent_all_the_same() -> None:
    report = judged([("uart.log", log_of_a_drop(7)), ("air.pcapng", air_with())])
    (finding,) = [f for f in report.findings if f.code == "HO404"]
    assert "The sniffer did not hear the frame" in finding.summary
    assert "by itself" not in finding.summary


def test_proof_comes_from_the_attempt_that_the_log_tells() -> None:
    """Boot 1 is in the capture, boot 2 is not: its reason 204 is not explained by what was heard of boot 1."""
    log: list[Event] = [AddressGot(*at(t, n + 1), "10.0.0.9") for n, t in enumerate((10.0, 40.0, 95.0))]
    for n in range(3):
        place = Provenance("uart.log", 50 + n, None, f"line {50 + n}")
        log.append(WifiDropped(place, Moment(1, boot=5.0 + 10 * n), 204))
    stalled = [handshake(60 + n, 1010.0 + n, 2, True) for n in range(4)]
    report = judged([("uart.log", log), ("air.pcapng", air_with(*stalled))])
    assert report.clocks
    assert not any("On the air" in f.summary for f in report.findings)


def test_a_kick_of_another_time_is_a_finding_of_its_own() -> None:
    log = log_of_a_drop(4)
    report = judged([("uart.log", log), ("air.pcapng", air_with(farewell(90, 1380.0, 4)))])
    told = [f for f in report.findings if f.code == "HO402"]
    assert len(told) == 2
    assert [{q.source for q in f.evidence} for f in told] in (
        [{"uart.log"}, {"air.pcapng"}],
        [{"air.pcapng"}, {"uart.log"}],
    )
    assert len({f.key for f in told}) == 2
