"""The views of a timeline: disconnects told once, outages, restarts, descriptors, the heap's slope."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.diagnose.conftest import events_of

from halfopen import findings
from halfopen.diagnose.devices import timelines
from halfopen.diagnose.events import HeapSampled, Moment, Provenance
from halfopen.diagnose.rules import causality
from halfopen.diagnose.rules.heap_trend import of_samples
from halfopen.diagnose.timeline import Timeline


def timeline_of(text: str) -> Timeline:
    (timeline,) = timelines([("uart.log", events_of(text))])
    return timeline


def test_three_reports_of_one_disconnect_are_one() -> None:
    timeline = timeline_of(
        """
        I (976) wifi:connected with lab, aid = 1, channel 6, BW20, bssid = 02:00:00:7e:31:40
        I (5000) wifi:state: run -> init (c800)
        [  5010][W][WiFiGeneric.cpp:1062] _eventCallback(): Reason: 200 - BEACON_TIMEOUT
        W (5020) app: wifi disconnected, reason 200
        I (6000) wifi:state: init -> auth (b0)
        I (7000) wifi:state: auth -> init (200)
        """
    )
    assert [(d.reason, d.stage, d.by, len(d.events)) for d in timeline.drops] == [
        (200, "running", "local", 3),
        (2, "joining", "local", 1),
    ]
    (outage,) = timeline.outages
    assert not outage.recovered


@pytest.mark.parametrize(
    ("line", "planned"),
    [
        ("I (5000) wifi:state: run -> init (cc0)", "roam"),
        ("I (5000) wifi:state: run -> init (0)", "leave"),
        ("I (5000) wifi:state: run -> init (3c0)", ""),
    ],
)
def test_what_was_meant_is_no_loss(line: str, planned: str) -> None:
    timeline = timeline_of(
        f"I (976) wifi:connected with lab, aid = 1, channel 6, BW20, bssid = 02:00:00:7e:31:40\n{line}\n"
    )
    assert [d.planned for d in timeline.drops] == [planned]
    assert len(timeline.outages) == (0 if planned else 1)


def test_silence_about_failures_means_that_it_was_back() -> None:
    log = "W (1000) app: wifi disconnected, reason 200\nI (%d) app: alive\n"
    assert [o.recovered for o in timeline_of(log % 300_000).outages] == [True]
    assert [o.recovered for o in timeline_of(log % 5_000).outages] == [False]


def test_a_number_handed_out_again_had_been_closed() -> None:
    ledger = timeline_of(
        """
        I (1) NET: Socket created, fd=54
        I (2) NET: Socket created, fd=55
        I (3) NET: close(fd=55) = 0 (0 ms)
        I (4) NET: Socket created, fd=55
        I (5) NET: Socket created, fd=54
        """
    ).ledger
    assert [(o.fd, o.closed is not None) for o in ledger.opened] == [
        (54, True),
        (55, True),
        (55, False),
        (54, False),
    ]


@pytest.mark.parametrize(
    ("sign", "planned"),
    [
        ("I (9000) ota: image complete, rebooting to activate", True),
        ("I (9000) app: Entering deep sleep for 60 s", True),
        ("I (9000) app: all well", False),
    ],
)
def test_restarts_that_were_announced(sign: str, planned: bool) -> None:
    boots = timeline_of(
        f"I (8000) app: up\n{sign}\nets Jul 29 2019 12:21:46\nrst:0xc (SW_CPU_RESET),boot:0x13\nI (300) app: up\n"
    ).boots
    assert [(b.reason, b.planned) for b in boots] == [("SW_CPU_RESET", planned)]


def samples(values: list[int]) -> tuple[HeapSampled, ...]:
    return tuple(
        HeapSampled(Provenance("a.log", n + 1, None, ""), Moment(0, float(n)), free=v)
        for n, v in enumerate(values)
    )


def test_slope_of_a_leak_survives_outliers() -> None:
    values = [200_000 - 3_600 * n for n in range(12)]
    values[4] = 20_000
    trend = of_samples(samples(values))
    assert trend.slope == pytest.approx(-3600)
    assert trend.low <= -3600 <= trend.high < 0


def test_startup_is_no_leak() -> None:
    trend = of_samples(samples([264_000, 231_000, 201_000, 180_000] + [178_000] * 30))
    assert trend.still_falling() < 0.05


@given(st.lists(st.integers(0, 400_000), min_size=4, max_size=60))
def test_interval_holds_the_slope_whatever_the_samples(values: list[int]) -> None:
    trend = of_samples(samples(values))
    assert trend.low <= trend.slope <= trend.high
    assert 0 <= trend.returned <= 1


def test_two_logs_of_one_mac_are_one_device() -> None:
    text = "I (806) wifi:mode : sta (02:00:00:d9:bc:c4)\n"
    assert len(timelines([("a.log", events_of(text, "a.log")), ("b.log", events_of(text, "b.log"))])) == 1
    other = text.replace("c4", "c5")
    assert len(timelines([("a.log", events_of(text, "a.log")), ("b.log", events_of(other, "b.log"))])) == 2


def test_host_log_of_many_devices_is_sorted_by_name() -> None:
    line = "2025-01-19 03:12:{:02}.113 WARNING (MainThread) [aioesphomeapi.connection] {} @ 192.168.60.{}: Connection error occurred: Ping response not received after 90.0 seconds\n"
    log = "".join(line.format(n, name, 30 + n) for n, name in enumerate(["plug", "lamp", "plug", "door"]))
    found = timelines([("ha.log", events_of(log))])
    assert sorted(t.device.name for t in found) == ["door", "lamp", "plug"]


def test_tables_of_causes_name_faults_that_exist() -> None:
    known = {fault.fault for fault in findings.catalogue()}
    for table in (causality._ABSORBED, causality._LINKED):
        assert set(table) <= known
        assert {effect for effects in table.values() for effect in effects} <= known
    assert set(causality._PRECEDENCE) == known


def test_boots_of_a_second_log_are_not_those_of_the_first() -> None:
    """Both logs begin at boot 0 of their own; no span is measured from one into the other."""
    text = "I (806) wifi:mode : sta (02:00:00:d9:bc:c4)\nI (90000) main: connected\n"
    (timeline,) = timelines([(name, events_of(text, name)) for name in ("a.log", "b.log")])
    assert {event.at.epoch for event in timeline.events if event.where.source == "a.log"} == {0}
    assert {event.at.epoch for event in timeline.events if event.where.source == "b.log"} == {1}
    assert timeline.boots == ()


def test_a_log_without_events_is_a_device_of_which_nothing_is_known() -> None:
    (timeline,) = timelines([("blank.log", [])])
    assert (timeline.device.name, timeline.events) == ("blank.log", ())
