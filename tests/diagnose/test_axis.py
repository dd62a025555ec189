"""Where things lie on a picture: one clock where there is one, sections where there is none, never a pretence."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from halfopen.diagnose import diagnose, judged
from halfopen.diagnose.report.axis import Axis
from halfopen.diagnose.sources.console import ConsoleSource
from halfopen.diagnose.timeline import Timeline

RECORDINGS = Path(__file__).parents[1] / "recordings"


def timeline(log: str) -> Timeline:
    source = ConsoleSource("uart.log")
    events = [*source.feed(log.encode()), *source.end()]
    return judged([("uart.log", events)]).timelines[0]


def of_recordings(*names: str) -> Timeline:
    return diagnose(*(str(RECORDINGS / name) for name in names)).timelines[0]


def test_log_and_capture_share_the_captures_clock() -> None:
    told = of_recordings("lwip/a_leaky.uart.log", "lwip/a_leaky.pcapng")
    axis = Axis(told)
    assert [section.clock for section in axis.sections] == ["utc"]
    assert axis.common
    assert not axis.apart
    fit = told.clocks[0]
    for event in told.events:
        if event.where.line is not None and event.at.boot is not None:
            x = axis.of(event)
            assert x is not None
            wanted = fit.to_capture(event.at.boot) - axis.sections[0].since
            assert x == pytest.approx(min(max(wanted, 0.0), axis.end), abs=1e-6)


def test_without_alignment_sections_stand_side_by_side() -> None:
    told = of_recordings("lwip/a_leaky.uart.log", "lwip/a_leaky.pcapng")
    apart = Timeline(told.device, told.events)
    axis = Axis(apart)
    assert [section.clock for section in axis.sections] == ["elapsed", "utc"]
    assert axis.apart
    log, capture = axis.sections
    assert log.end < capture.start
    for event in apart.events:
        x = axis.of(event)
        if x is not None:
            section = log if event.where.line is not None else capture
            assert section.start <= x <= section.end


def test_boots_follow_each_other() -> None:
    one = "I (100) wifi: RSSI: -60\nI (60000) wifi: RSSI: -61\n"
    axis = Axis(timeline(one + "ets Jun  8 2016 00:22:57\nrst:0x1 (POWERON_RESET),boot:0x13\n" + one))
    assert [(s.clock, s.label) for s in axis.sections] == [
        ("elapsed", "boot 1 of uart.log"),
        ("elapsed", "boot 2 of uart.log"),
    ]
    places = [axis.of_line("uart.log", line) for line in (1, 2, 5, 6)]
    assert places == sorted(places, key=lambda place: place or 0.0)
    assert places[2] == pytest.approx(axis.sections[1].start + 0.0, abs=axis.sections[1].rate)


def test_boots_with_a_clock_through_them_share_a_section() -> None:
    log = (
        "[10:00:00.000]I (100) wifi: RSSI: -60\n[10:01:00.000]I (60100) wifi: RSSI: -61\n"
        "[10:02:00.000]I (100) wifi: RSSI: -60\n"
    )
    axis = Axis(timeline(log))
    assert [section.clock for section in axis.sections] == ["clock"]
    first, second = axis.of_line("uart.log", 1), axis.of_line("uart.log", 3)
    assert first is not None
    assert second is not None
    assert second - first == pytest.approx(120.0)


def test_a_log_without_times_counts_lines() -> None:
    axis = Axis(timeline("OSError: 23\nfree heap: 1000\nOSError: 23\n"))
    assert [section.clock for section in axis.sections] == ["line"]
    places = [axis.of_line("uart.log", line) for line in (1, 2, 3)]
    assert [later - earlier for earlier, later in itertools.pairwise(p or 0.0 for p in places)] == [1.0, 1.0]


def test_a_line_without_a_time_lies_with_the_line_before() -> None:
    told = timeline(
        "I (1000) wifi: RSSI: -60\nOSError: 23\nI (9000) wifi: RSSI: -60\nI (9500) wifi: RSSI: -61\n"
    )
    axis = Axis(told)
    assert axis.of_line("uart.log", 2) == axis.of_line("uart.log", 1)
    assert axis.of_line("elsewhere.log", 2) is None


@pytest.mark.parametrize("kind", ["air", "lwip", "field", "threads"])
def test_every_event_has_a_place_inside_its_section(kind: str) -> None:
    files = sorted((RECORDINGS / kind).glob("*"))[:: 12 if kind in ("field", "threads") else 5]
    for file in files:
        if file.suffix == ".json":
            continue
        for told in diagnose(str(file)).timelines:
            axis = Axis(told)
            for earlier, later in itertools.pairwise(axis.sections):
                assert earlier.end < later.start
            for event in told.events:
                x = axis.of(event)
                assert x is None or axis.start <= x <= axis.end


def test_a_clock_that_is_set_back_begins_a_section() -> None:
    """The end of summer time: an hour comes twice, and what came later must not lie before."""
    hour = "".join(f"[02:{m:02}:00][D][debug:1]: Free Heap: {90_000 - m * 10} bytes\n" for m in (10, 30, 50))
    axis = Axis(timeline(hour + hour))
    places = [axis.of_line("uart.log", n) for n in range(1, 7)]
    assert all(place is not None for place in places)
    assert places == sorted(places, key=lambda place: place or 0.0)
    assert len(axis.sections) == 2
