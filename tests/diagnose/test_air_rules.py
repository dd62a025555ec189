"""Rules on real captures of hostapd: what fires, and every trap that must stay silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.diagnose import diagnose, judged
from halfopen.diagnose.events import AddressGot, Event, LinkStateChanged, Moment, Provenance, WifiDropped
from halfopen.diagnose.radio import AirObserved, BeaconsObserved, FarewellSeen, JoinStepSeen, StationObserved
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


def log_of_a_drop(reason: int) -> list[Event]:
    """Three leases that the capture sees too, then a disconnect while running."""
    leases: list[Event] = [AddressGot(*at(t, n + 1), "10.0.0.9") for n, t in enumerate((10.0, 40.0, 95.0))]
    code = (reason << 8) | 0xA0
    return [
        *leases,
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
    report = judged([("uart.log", log), ("air.pcapng", air_with())])
    (finding,) = [f for f in report.findings if f.code == "HO402"]
    assert "Nobody sent" not in finding.summary
    assert report.clocks == ()


def test_forty_stations_of_one_access_point_are_forty_devices() -> None:
    where, moment, first = on_air(1, 1000.0)
    last = FrameRef(9000, 1400.0, "frame 9000")
    events: list[Event] = [
        CaptureObserved(where, moment, ("IEEE802_11_RADIOTAP",), 9000, 1000.0, 1400.0),
        AirObserved(where, moment, 9000, 100, (2437,), 0),
        BeaconsObserved(where, moment, AP, "lab", 6, 4000, 0.1024, 2, (), (), first, last),
    ]
    for n in range(40):
        station = f"02:00:00:00:02:{n:02x}"
        place, when, ref = on_air(100 + n, 1100.0 + n * 5)
        events.append(
            JoinStepSeen(place, when, "auth-response", station, AP, 17 if n % 2 else 0, True, ref, 0, 2)
        )
        events.append(StationObserved(place, when, station, (AP,), 10, ref, ref, -50, -60, 0))
    report = judged([("air.pcapng", events)])
    assert len(report.devices) == 40
    assert [f.fault for f in report.findings] == ["association-denied"] * 20
    assert len({f.device for f in report.findings}) == 20
