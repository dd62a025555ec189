"""Rules that are not asked where nothing but the wire tells of a device would not have found anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from halfopen.diagnose import diagnose
from halfopen.diagnose.rules import OFF_THE_WIRE, RULES
from halfopen.diagnose.timeline import Timeline
from halfopen.diagnose.traffic import FlowObserved

RECORDINGS = Path(__file__).parent.parent / "recordings"
PAIRS = sorted(path for path in RECORDINGS.glob("*/*.pcap*") if path.with_suffix("").suffix != ".gz")


def told(capture: Path) -> Iterator[Timeline]:
    """The devices of a capture and, where there is one beside it, of its log."""
    log = capture.with_name(f"{capture.name.partition('.')[0]}.uart.log")
    yield from diagnose(str(capture)).timelines
    if log.exists():
        yield from diagnose(str(capture), str(log)).timelines


def the_wire_of(timeline: Timeline) -> Timeline:
    """What the wire tells of the device."""
    wired = tuple(event for event in timeline.events if type(event).__module__ == FlowObserved.__module__)
    return replace(timeline, events=wired, clocks={}, others={}, apart=())


@pytest.mark.parametrize("capture", PAIRS, ids=lambda path: path.name)
def test_the_wire_alone_shows_none_of_these(capture: Path) -> None:
    for timeline in told(capture):
        wired = the_wire_of(timeline)
        assert wired.only_wired
        assert timeline.only_wired == (len(wired.events) == len(timeline.events))
        for code in OFF_THE_WIRE:
            assert list(RULES[code](wired)) == [], code


def test_a_log_alone_and_the_air_alone_ask_every_rule() -> None:
    (log,) = diagnose(str(RECORDINGS / "lwip" / "a_leaky.uart.log")).timelines
    assert not log.only_wired
    air = [timeline for path in RECORDINGS.glob("air/*.pcapng") for timeline in diagnose(str(path)).timelines]
    assert air
    assert not any(timeline.only_wired for timeline in air)
