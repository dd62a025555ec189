"""What a flight recorder delivered is the device's log of that time: by boot, in order, once, before what came later."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.diagnose.conftest import events_of

from halfopen.diagnose import diagnose
from halfopen.diagnose.boots import boots_of
from halfopen.diagnose.events import (
    Booted,
    Connected,
    Event,
    LogEnded,
    SocketClosed,
    SocketOpened,
    SocketRefused,
)
from halfopen.diagnose.sources.console import ConsoleSource
from halfopen.link import journal
from halfopen.link.delivery import syslog
from halfopen.link.journal import Change
from halfopen.link.recorder import Recorder
from halfopen.link.rtc import RtcMemory


class Rtc:
    """What ``machine.RTC()`` has of memory."""

    def __init__(self) -> None:
        self.held = b""

    def memory(self, data: bytes | None = None) -> bytes:
        if data is not None:
            self.held = bytes(data)
        return self.held


def opened(at: int, fd: int) -> str:
    change = Change(at, "OPENING", "SOCKET_OPENED", "DIALING", "", 1, 0, False)
    return journal.transition_line(change, fd, 90000, 30000)


def refused(at: int) -> str:
    change = Change(at, "OPENING", "DESCRIPTORS_EXHAUSTED", "PAUSED", "descriptors-exhausted", 9, 0, True)
    return journal.transition_line(change, None, 70000, 30000)


def online(at: int) -> str:
    change = Change(at, "DIALING", "CONNECTED", "ONLINE", "", 1, 0, False)
    return journal.transition_line(change, 54, 90000, 30000)


def closed(at: int) -> str:
    change = Change(at, "CLOSING", "SOCKET_CLOSED", "PAUSED", "", 1, 0, False)
    return journal.transition_line(change, 54, 90000, 30000)


def outage(rtc: Rtc, delivered: Callable[[str], object]) -> list[str]:
    """A boot that runs out of sockets, one that follows it and delivers; what the second prints by itself."""
    recorder = Recorder(RtcMemory(rtc), 0x11111111, "PWRON_RESET")
    for number in range(10):
        recorder(opened(5000 * number + 100, 54 + number))
    recorder(refused(51000))
    live: list[str] = []
    recorder = Recorder(RtcMemory(rtc), 0x22222222, "WDT_RESET", live.append)
    recorder(opened(120, 54))
    recorder(online(180))
    recorder.deliver(delivered)
    recorder(closed(90000))
    return live


def story(text: str, name: str = "uart.log") -> list[Event]:
    source = ConsoleSource(name)
    return source.with_recorded([*source.feed(text.encode()), *source.end()])


def told(events: list[Event]) -> list[tuple[type[Event], int, float | None]]:
    return [(type(event), event.at.epoch, event.at.boot) for event in events]


def console(with_delivery: Callable[[str], str] = str) -> str:
    """The console of a device whose second boot prints what it delivers, between its own lines."""
    lines: list[str] = []
    delivered: list[str] = []
    live = outage(Rtc(), lambda line: delivered.append(with_delivery(line)))
    lines = [*live[:3], *delivered, *live[3:]]
    return "\n".join(lines) + "\n"


def test_an_earlier_boot_is_told_before_the_live_one() -> None:
    events = story(console())
    epochs = [event.at.epoch for event in events]
    assert epochs == sorted(epochs)
    assert set(epochs) == {0, 1}
    assert [event.at.epoch for event in events if isinstance(event, SocketOpened)] == [0] * 10 + [1]
    assert [event.at.epoch for event in events if isinstance(event, SocketRefused)] == [0]
    assert [boot.reason for boot in boots_of(events)] == ["WDT_RESET"]
    assert isinstance(events[-1], LogEnded)
    # the running boot delivered its own lines, too: they are there once
    assert len([event for event in events if isinstance(event, Connected)]) == 1


@pytest.mark.parametrize(
    "wrapped",
    [
        str,
        lambda line: syslog(line, "sensor-7"),
        lambda line: syslog(line, "sensor-7", "2026-11-26T06:49:31Z"),
        lambda line: f"Nov 26 06:49:31 sensor-7 halfopen: {line}",
        lambda line: f"2026-11-26T06:49:31.123+00:00 sensor-7 halfopen {line}",
        lambda line: f"[06:49:31] {line}",
        lambda line: f"halfopen/sensor-7/journal {line}\r",
    ],
    ids=["plain", "rfc5424", "rfc5424-time", "bsd", "rsyslog", "terminal", "mosquitto_sub-v"],
)
def test_whatever_carried_the_lines(wrapped: Callable[[str], str], tmp_path: Path) -> None:
    log = tmp_path / "device.log"
    log.write_text(console(wrapped))
    report = diagnose(str(log))
    found = {finding.code: finding for finding in report.findings}
    assert set(found) == {"HO101", "HO205"}
    assert "54 to 63" in found["HO101"].summary
    assert "WDT_RESET" in found["HO205"].summary
    lines = log.read_text().splitlines()
    for finding in report.findings:
        for quote in finding.evidence:
            assert quote.line is not None
            assert lines[quote.line - 1].rstrip() == quote.text
    assert any("15 recorded lines of 2 boots" in note for note in report.notes)


def test_what_was_sent_again_is_told_once() -> None:
    delivered: list[str] = []
    live = outage(Rtc(), delivered.append)
    plain = story("\n".join([*delivered, *live]))
    again = story("\n".join([*delivered[:6], *delivered[2:], *live, *delivered[-3:]]))
    assert told(again)[:-1] == told(plain)[:-1]


def test_a_delivery_alone_is_a_log(tmp_path: Path) -> None:
    delivered: list[str] = []
    outage(Rtc(), delivered.append)
    log = tmp_path / "delivered.log"
    log.write_text("\n".join(delivered))
    report = diagnose(str(log))
    assert [finding.code for finding in report.findings] == ["HO101", "HO205"]


def test_an_outage_without_a_restart_stays_one_boot() -> None:
    """No live line says which boot this is; the recorder's newest is the running one."""
    rtc = Rtc()
    recorder = Recorder(RtcMemory(rtc), 1, "PWRON_RESET")
    recorder(opened(1000, 54))
    recorder(closed(2000))
    recorder(opened(3000, 54))
    delivered: list[str] = []
    recorder.deliver(delivered.append)
    events = story("\n".join([opened(3000, 54), online(3100), *delivered, closed(9000)]))
    kinds = [
        (type(event), event.at.boot)
        for event in events
        if isinstance(event, (SocketOpened, SocketClosed, Connected))
    ]
    assert kinds == [
        (SocketOpened, 1.0),
        (SocketClosed, 2.0),
        (SocketOpened, 3.0),
        (Connected, 3.1),
        (SocketClosed, 9.0),
    ]
    assert {event.at.epoch for event in events} == {0}


def test_a_clock_that_cannot_be_the_running_one_is_an_earlier_boot() -> None:
    recorder = Recorder(RtcMemory(Rtc()), 1, "PWRON_RESET")
    recorder(opened(500_000, 54))
    delivered: list[str] = []
    recorder.deliver(delivered.append)
    events = story("\n".join([online(100), *delivered, closed(9000)]))
    assert [
        (event.at.epoch, event.at.boot) for event in events if isinstance(event, (SocketOpened, Connected))
    ] == [
        (0, 500.0),
        (1, 0.1),
    ]
    assert len(boots_of(events)) == 1


def test_boot_lines_of_a_live_log_count_its_boots() -> None:
    live: list[str] = []
    rtc = Rtc()
    for reset in ("PWRON_RESET", "WDT_RESET", "DEEPSLEEP_RESET"):
        recorder = Recorder(RtcMemory(rtc), 1, reset, live.append)
        recorder(online(100))
    boots = boots_of(story("\n".join(live)))
    assert [(boot.reason, boot.planned) for boot in boots] == [
        ("WDT_RESET", False),
        ("DEEPSLEEP_RESET", True),
    ]


def test_the_roms_word_on_a_boot_and_the_recorders_are_one() -> None:
    rom = "ets Jun  8 2016 00:22:57\n\nrst:0x10 (RTCWDT_RTC_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\nI (31) boot: x\nI (50) cpu_start: y\n"
    first = rom.replace("0x10 (RTCWDT_RTC_RESET)", "0x1 (POWERON_RESET)")
    log = "".join(
        f"{head}{journal.boot_line(number, 'WDT_RESET', 0)}\n{online(6000)}\n"
        for number, head in ((7, first), (8, rom))
    )
    assert [boot.reason for boot in boots_of(story(log))] == ["RTCWDT_RTC_RESET"]


@pytest.mark.parametrize(
    "carried",
    [
        syslog,
        lambda line, device: f"2026-11-26T06:49:31.5+00:00 {device} halfopen {line}",
        lambda line, device: f"Nov 26 06:49:31 {device} halfopen[-]: {line}",
        lambda line, device: f"halfopen/{device}/journal {line}",
    ],
    ids=["rfc5424", "rsyslog", "bsd", "mosquitto_sub-v"],
)
def test_two_devices_behind_one_server_are_two(carried: Callable[[str, str], str], tmp_path: Path) -> None:
    lines: dict[str, list[str]] = {"kitchen": [], "cellar": []}
    outage(Rtc(), lambda line: lines["kitchen"].append(carried(line, "kitchen")))
    recorder = Recorder(RtcMemory(Rtc()), 5, "PWRON_RESET")
    recorder(opened(1000, 54))
    recorder(online(1100))
    recorder.deliver(lambda line: lines["cellar"].append(carried(line, "cellar")))
    log = tmp_path / "syslog.log"
    log.write_text("\n".join([*lines["kitchen"][:4], *lines["cellar"], *lines["kitchen"][4:]]))
    report = diagnose(str(log))
    assert {device.name for device in report.devices} == {"kitchen", "cellar"}
    assert {(finding.code, finding.device) for finding in report.findings} == {
        ("HO101", "kitchen"),
        ("HO205", "kitchen"),
    }


@pytest.mark.parametrize(
    "device",
    [
        "\x1b[31mred",
        "<script>alert(1)</script>",
        "a b] #1.00000000.1 W (1) halfopen: x",
        "../../etc",
        "x" * 500,
        "",
        "\u202eevil",
    ],
)
def test_a_name_is_text_of_a_stranger(device: str, tmp_path: Path) -> None:
    """The sender strips it; a reader that gets it raw, from another sender, shows nothing of it that could act."""
    sent = syslog("#1.00000001.1 W (0) halfopen: boot 1 reset=-", device)
    assert all(" " < letter <= "~" for letter in sent.split(" ")[2])
    assert "<" not in sent.split(" ")[2]
    raw = [
        f"<132>1 - {device} halfopen - - - #1.00000001.{n} {opened(1000 + n, 53 + n)}" for n in range(1, 11)
    ]
    log = tmp_path / "syslog.log"
    log.write_text("\n".join([*raw, f"<132>1 - {device} halfopen - - - #1.00000001.11 {refused(9000)}"]))
    report = diagnose(str(log))
    for one in report.devices:
        assert "<" not in one.name
        assert "\x1b" not in one.name
        assert len(one.name) < 100
    for finding in report.findings:
        for quote in finding.evidence:
            assert "\x1b" not in quote.text
            assert "\u202e" not in quote.text


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.integers(1, 5000), max_size=8))
def test_order_of_arrival_repeats_and_pieces_do_not_matter(chance: random.Random, cuts: list[int]) -> None:
    """Datagrams overtake each other and come twice."""
    delivered: list[str] = []
    outage(Rtc(), delivered.append)
    mixed = delivered + chance.sample(delivered, 5)
    chance.shuffle(mixed)
    came = {boot: [mixed.index(line) for line in delivered if line[1] == boot] for boot in "12"}
    # a boot of which every line comes after all of a later one is that of a device that lost its memory
    assume(min(came["1"]) < max(came["2"]))
    data = "\n".join(mixed).encode()
    source = ConsoleSource("uart.log")
    events: list[Event] = []
    start = 0
    for end in [*sorted(cuts), len(data)]:
        events += source.feed(data[start:end])
        start = max(start, end)
    events += source.end()
    expected = [line for line in told(story("\n".join(delivered))) if line[0] is not Booted]
    got = [line for line in told(source.with_recorded(events)) if line[0] is not Booted]
    assert got[:-1] == expected[:-1]


def test_a_device_that_lost_its_memory_counts_anew_and_comes_later() -> None:
    delivered: list[str] = []
    outage(Rtc(), delivered.append)
    recorder = Recorder(RtcMemory(Rtc()), 0x33333333, "PWRON_RESET")
    recorder(closed(777))
    recorder.deliver(delivered.append)
    events = story("\n".join(delivered))
    assert [event.at.epoch for event in events if isinstance(event, SocketClosed)] == [2]


def test_what_a_recorder_lost_is_said() -> None:
    rtc = Rtc()
    recorder = Recorder(RtcMemory(rtc, 512), 1)
    for number in range(50):
        recorder(opened(number, 54))
    delivered: list[str] = []
    recorder.deliver(delivered.append)
    source = ConsoleSource("uart.log")
    events = [*source.feed("\n".join(delivered).encode()), *source.end()]
    assert source.notes == [
        f"uart.log: {len(delivered)} recorded lines of 1 boots, told before what came later;"
        f" the recorder says that it lost {51 - (len(delivered) - 1)} lines"
    ]
    assert len([e for e in source.with_recorded(events) if isinstance(e, SocketOpened)]) == len(delivered) - 1


def test_a_hash_in_a_line_is_no_name() -> None:
    log = (
        "I (10) app: issue #7.5f3a09c1.1 is open\nI (20) app: socket created, fd=54 #1\n#7.5f3a09c1.1 hello\n"
    )
    assert told(story(log)) == told(events_of(log))


@pytest.mark.parametrize(
    "carried", ["<134>1 - sensor-7 halfopen - - - ", "2026-11-26T06:49:31.5+00:00 sensor-7 halfopen "]
)
def test_live_and_recorded_lines_behind_one_server(carried: str) -> None:
    """The live lines of the boot that delivers follow those of the first with no sign of a boot but what is recorded."""
    rtc = Rtc()
    live: list[str] = []
    delivered: list[str] = []
    recorder = Recorder(RtcMemory(rtc), 1, "PWRON_RESET", live.append)
    recorder(online(1000))
    recorder = Recorder(RtcMemory(rtc), 2, "WDT_RESET")
    recorder(opened(300, 54))
    recorder.deliver(delivered.append)
    events = story("".join(f"{carried}{line}\n" for line in [*live, *delivered, closed(9000)]))
    kinds = [
        (type(event), event.at.epoch, event.at.boot)
        for event in events
        if isinstance(event, (SocketOpened, SocketClosed, Connected))
    ]
    assert kinds == [(Connected, 0, 1.0), (SocketOpened, 1, 0.3), (SocketClosed, 1, 9.0)]
    assert [boot.reason for boot in boots_of(events)] == ["WDT_RESET"]


def test_twenty_thousand_boots_under_few_numbers_are_read() -> None:
    """A hostile log; were every boot compared with every other, this would take minutes."""
    lines = []
    for number in range(20_000):
        lines.append(f"#1.{number:08x}.{number % 7 + 1} {opened(number % 900, 54)}")
        if number % 2:
            lines.append(f"#{20_001 - number}.{number:08x}.1 {closed(5)}")
    events = story("\n".join([online(5), *lines]))
    assert len([event for event in events if isinstance(event, SocketOpened)]) == 20_000
    assert len([event for event in events if isinstance(event, SocketClosed)]) == 10_000
