"""Faults of the air and their look-alikes that drawn scenarios showed to be missed or confused: one pair a test."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.diagnose.test_air_rules import (
    AP,
    STATION,
    air_with,
    farewell,
    handshake,
    on_air,
    restarts,
    serious,
)

from halfopen.diagnose import judged
from halfopen.diagnose.events import Event
from halfopen.diagnose.radio import (
    BeaconsObserved,
    BufferingObserved,
    FarewellSeen,
    JoinStepSeen,
    ProbingObserved,
    StationObserved,
    UnackedRun,
)
from halfopen.diagnose.report import Report
from halfopen.diagnose.traffic import FrameRef

Diagnose = Callable[[str], Report]


def told(*events: Event) -> list[str]:
    return serious(judged([("air.pcapng", list(events))]))


def join(frame: int, time: float, step: str = "auth-request") -> JoinStepSeen:
    where, moment, ref = on_air(frame, time)
    return JoinStepSeen(where, moment, step, STATION, AP, None, True, ref)  # type: ignore[arg-type]


def probes(*times: float) -> ProbingObserved:
    where, moment, _ = on_air(300, times[0])
    refs = tuple(FrameRef(300 + n, t, "probe") for n, t in enumerate(times))
    return ProbingObserved(where, moment, STATION, "lab", len(times), 1, refs)


def unacked(by_ap: bool, first: float, last: float, resumed: float | None, count: int = 4) -> UnackedRun:
    where, moment, ref = on_air(200, first)
    back = FrameRef(260, resumed, "") if resumed is not None else None
    return UnackedRun(where, moment, STATION, AP, by_ap, count, ref, FrameRef(250, last, ""), back)


@pytest.mark.parametrize(
    ("looked", "kicked", "expected"),
    [
        ((1210.0, 1212.0, 1214.0), False, True),
        ((), False, False),  # it was off, and began anew
        ((1210.0, 1212.0, 1214.0), True, False),  # it had been put out
    ],
)
def test_a_station_that_heard_nothing_while_beacons_went_on(
    looked: tuple[float, ...], kicked: bool, expected: bool
) -> None:
    events = [
        unacked(True, 1200.0, 1216.0, 1221.0),
        join(500, 1220.0),
        *([probes(*looked)] if looked else []),
    ]
    events += [farewell(205, 1201.0, 3)] if kicked else []
    assert ("beacon-lost" in told(*air_with(*events))) is expected


@pytest.mark.parametrize("restarted", [False, True])
def test_a_silent_access_point_is_lost_and_one_that_begins_anew_restarted(restarted: bool) -> None:
    silence = restarts((1200.0, 1240.0))
    beacons = silence if restarted else replace(silence, restarts=())
    events = [
        e
        for e in air_with(probes(1210.0, 1212.0, 1214.0), join(500, 1241.0))
        if not isinstance(e, BeaconsObserved)
    ]
    assert told(*events, beacons) == (["ap-restarted"] if restarted else ["beacon-lost"])


def test_a_lost_handshake_after_one_that_went_well() -> None:
    done = [handshake(50 + n, 1006.0 + n / 10, n + 1, True) for n in range(4)]
    lost = [handshake(510 + n, 1221.0 + n, 2, False) for n in range(3)]
    again = [join(500, 1220.0), *lost, farewell(520, 1225.0, 15, acked=False)]
    assert "handshake-timeout" in told(*air_with(*done, *again))


@pytest.mark.parametrize(
    ("last", "resumed", "expected"),
    [(1201.4, 1204.5, True), (1200.1, 1204.5, False), (1201.4, 1201.6, False)],
)
def test_a_dropout_lasts_until_a_frame_is_heard_again(last: float, resumed: float, expected: bool) -> None:
    """TCP sends ever more seldom: two frames a second apart, and the next is heard after four."""
    run = unacked(False, 1200.0, last, resumed, count=2)
    assert ("radio-dropout" in told(*air_with(run))) is expected


@pytest.mark.parametrize(("idle_s", "expected"), [(11.0, []), (300.0, ["auth-expired"])])
def test_who_just_spoke_did_not_expire(idle_s: float, expected: list[str]) -> None:
    """hostapd's deauthentication 2 follows a leave; here the sniffer missed the leave, and the station comes back later."""
    where, moment, ref = on_air(520, 1225.0)
    bye = FarewellSeen(where, moment, "deauth", STATION, AP, True, 2, False, False, False, ref, idle_s)
    assert told(*air_with(bye, join(600, 1300.0), join(601, 1300.1, "assoc-request"))) == expected


@pytest.mark.parametrize(("retried", "expected"), [(0, ["dozing-radio"]), (40, [])])
def test_frames_wait_for_a_sleeper_and_for_one_that_hears_badly(retried: int, expected: list[str]) -> None:
    where, moment, first = on_air(1, 1000.0)
    last = FrameRef(900, 1400.0, "frame 900")
    station = StationObserved(
        where,
        moment,
        STATION,
        (AP,),
        300,
        first,
        last,
        -50,
        -60,
        4,
        dozed_s=350.0,
        watched_s=400.0,
        retried=retried,
    )
    held = BufferingObserved(where, moment, STATION, AP, (1.8, 1.7, 1.9, 1.6, 1.8, 1.7), 18, (first,))
    events = [e for e in air_with(held) if not isinstance(e, StationObserved)]
    assert told(*events, station) == expected


# Logs -------------------------------------------------------------------------------------------------------------


def test_arduino_names_a_reason_that_begins_with_a_digit(diagnose_text: Diagnose) -> None:
    line = "[{:6}][W][STA.cpp:150] _onStaArduinoEvent(): Reason: 15 - 4WAY_HANDSHAKE_TIMEOUT\n"
    log = "Connecting to lab-iot\n" + "".join(line.format(4900 + 4254 * n) for n in range(6))
    assert serious(diagnose_text(log)) == ["wrong-credentials"]


@pytest.mark.parametrize("joined", [True, False])
def test_refused_with_the_right_password(joined: bool, diagnose_text: Diagnose) -> None:
    line = "[{:6}][W][STA.cpp:150] _onStaArduinoEvent(): Reason: 202 - AUTH_FAIL\n"
    log = "".join(line.format(800 + 3000 * n) for n in range(9))
    log += "[ 60552][V][STA.cpp:186] _onStaEvent(): STA Got New IP: 192.168.5.100\n" if joined else ""
    assert ("association-denied" in serious(diagnose_text(log))) is joined
    assert ("wrong-credentials" in serious(diagnose_text(log))) is not joined


@pytest.mark.parametrize(("not_found", "expected"), [(0, True), (8, False)])
def test_an_access_point_that_is_gone_was_not_slept_through(
    not_found: int, expected: bool, diagnose_text: Diagnose
) -> None:
    lines = ["I (930) wifi:connected with lab, aid = 1, channel 6, BW20, bssid = 02:00:00:00:01:00"]
    lines += ["I (931) wifi:security: WPA2-PSK, phy: bgn, rssi: -45", "I (932) wifi:pm start, type: 1"]
    for n in range(3):
        at = 60_000 * (n + 1)
        lines += [f"I ({at}) wifi:bcn_timeout,ap_probe_send_start"]
        lines += [f"I ({at + 2500}) wifi:ap_probe_send over, resett wifi status to disassoc"]
        lines += [f"I ({at + 2501}) wifi:state: run -> init (c800)"]
        lines += [f"I ({at + 2502}) wifi:pm stop, total sleep time: 40000000 us / 50000000 us"]
        lines += [f"W ({at + 2503}) wifi station: STA disconnected, reason 200, retry to connect to the AP"]
        lines += [
            f"W ({at + 4500 + 2000 * k}) wifi station: STA disconnected, reason 201, retry to connect to the AP"
            for k in range(not_found)
        ]
        back = at + 5000 + 2000 * not_found
        lines += [f"I ({back}) wifi:connected with lab, aid = 1, channel 6, BW20, bssid = 02:00:00:00:01:00"]
        lines += [f"I ({back + 1}) wifi:pm start, type: 1"]
    assert ("dozing-radio" in serious(diagnose_text("\n".join(lines) + "\n"))) is expected
