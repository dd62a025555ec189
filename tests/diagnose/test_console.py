"""The console source: every format, every kind of damage, any split of the bytes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple
from tests.diagnose.conftest import events_of

from halfopen.diagnose.events import (
    AddressGot,
    BeaconsMissed,
    Booted,
    CallFailed,
    Event,
    FirmwareNamed,
    HeapSampled,
    HeartbeatMissed,
    LinkStateChanged,
    ResolveFailed,
    SocketRefused,
    WifiDropped,
)
from halfopen.diagnose.sources.console import LINE_CHARACTERS_MAX, ConsoleError, ConsoleSource
from halfopen.formats.logline import read_line

LOGS = sorted((Path(__file__).parent.parent / "recordings" / "logs").glob("*.log"))

ACCEPT_FAILED = "httpd: httpd_accept_conn: error in accept (23)"


@pytest.mark.parametrize(
    ("line", "dialect", "tag", "boot_ms"),
    [
        ("I (468530) wifi:bcn_timout,ap_probe_send_start", "esp-idf", "wifi", 468530),
        ("I (100) wifi: state: init -> auth (b0)", "esp-idf", "wifi", 100),
        ("I (01:30:11.537) wifi_init: rx ba win: 6", "esp-idf", "wifi_init", None),
        ("I (24-08-15 09:31:18.532) app: hello", "esp-idf", "app", None),
        ("I (2024-08-15 09:31:18.532) app: hello", "esp-idf", "app", None),
        ("I (1692099078532) app: hello", "esp-idf", "app", None),
        ("W app: DRAM log without a time", "esp-idf", "app", None),
        ("I (22) a message without a tag", "esp-idf", "", 22),
        ("\x1b[0;31mE (5) app: red\x1b[0m", "esp-idf", "app", 5),
        ("␛[0;31mE (5) app: red␛[0m", "esp-idf", "app", 5),
        ("[1B][0;31mE (5) app: red[1B][0m", "esp-idf", "app", 5),
        ("_[0;31mE (5) app: red_[0m", "esp-idf", "app", 5),
        ("[0;31mE (5) app: red[0m", "esp-idf", "app", 5),
        ("[1;33mW (5) app: yellow[0m  ", "esp-idf", "app", 5),
        ("[0;36m[D][sensor:093]: 'Temp'[0m", "esphome", "sensor", None),
        ("I\u00a0(5)\u00a0app:\u00a0copied from a page", "esp-idf", "app", 5),
        ("[E][WiFiClient.cpp:201] connect(): socket: 23", "arduino", "WiFiClient.cpp", None),
        ("[  8120][D][WiFiGeneric.cpp:1040] _eventCallback(): x", "arduino", "WiFiGeneric.cpp", 8120),
        ("[I][wifi:193]: WiFi Connecting to 'lab'...", "esphome", "wifi", None),
        ("[D][esp-idf:000][httpd]: E (66626) httpd: x", "esphome", "httpd", 66626),
        ("[16:02:34][D][mqtt:224]: Resolving", "esphome", "mqtt", None),
        ("[16:02:34.123][C][wifi:1194]: WiFi:", "esphome", "wifi", None),
        ("00:44:38.204 WIF: Checking connection...", "tasmota", "WIF", None),
        ("00:00:28.231-188/49 MQT: x", "tasmota", "MQT", None),
        ("2101 : Info   : WIFI : Connecting lab", "espeasy", "", 2101),
        (
            "2025-04-07 18:07:44.318 DEBUG (MainThread) [aioesphomeapi.connection] a @ 10.0.0.1: b",
            "host",
            "aioesphomeapi.connection",
            None,
        ),
        ("13:28:08.277 -> I (9) app: x", "esp-idf", "app", 9),
        ("14:48:53.270 --> I (9) app: x", "esp-idf", "app", 9),
        ("14:01:39.549 > I (9) app: x", "esp-idf", "app", 9),
        ("[16:27:36:387] I (9) app: x", "esp-idf", "app", 9),
        ("【2020-06-22 16:28:24:375】I (9) app: x", "esp-idf", "app", 9),
        ("2020-08-28 11:14:46 I (9) app: x", "esp-idf", "app", 9),
        ("2020-08-28T11:14:46.123456789Z I (9) app: x", "esp-idf", "app", 9),
        ("2020-08-28T11:14:46.12345678Z [I][wifi:303]: WiFi:", "esphome", "wifi", None),
        ("> I (678219) mesh: quoted", "esp-idf", "mesh", 678219),
        ("Guru Meditation Error: Core  0 panic'ed", "", "", None),
        ("Invalid thing here", "", "", None),
    ],
)
def test_header_is_read(line: str, dialect: str, tag: str, boot_ms: int | None) -> None:
    found = read_line(line)
    assert (found.dialect, found.tag, found.boot_ms) == (dialect, tag, boot_ms)
    assert "[0m" not in found.message


def test_what_only_looks_like_a_colour_stays() -> None:
    assert read_line("I (5) app: depth [0m, 5m], at [0;99m").message == "depth [0m, 5m], at [0;99m"


def test_nanoseconds_are_a_time() -> None:
    later = read_line("2020-08-28T11:14:46.250000000Z I (9) app: x").host_s
    earlier = read_line("2020-08-28T11:14:45.5Z I (9) app: x").host_s
    assert later is not None
    assert earlier is not None
    assert later - earlier == 0.75


@pytest.mark.parametrize(
    "damaged",
    [
        f"W (37940) {ACCEPT_FAILED}\r\n",
        f"W (37940) {ACCEPT_FAILED}␍␊\n",
        f"\x1b[0;33mW (37940) {ACCEPT_FAILED}\x1b[0m\n",
        f"[21:10:14:000] W (37940) {ACCEPT_FAILED}\n",
        f"> W (37940) {ACCEPT_FAILED}\n",
        f"[23:53:43][I][esp-idf:000][httpd]: E (90730) {ACCEPT_FAILED}\n",
        f"W (37940) {ACCEPT_FAILED}",
        f"W (1) app: progress\rW (37940) {ACCEPT_FAILED}\n",
    ],
)
def test_damage_does_not_hide_what_is_said(damaged: str) -> None:
    refused = [e for e in events_of(damaged.encode()) if isinstance(e, SocketRefused)]
    assert [(e.errno, e.accepting, e.where.line) for e in refused] == [(23, True, 1)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_of_terminals(encoding: str) -> None:
    text = f"I (1) app: start {'x' * 40}\r\nE (2) {ACCEPT_FAILED}\r\n"
    refused = [e for e in events_of(text.encode(encoding)) if isinstance(e, SocketRefused)]
    assert [e.where.line for e in refused] == [2]


def test_bad_utf8_is_noted_and_read() -> None:
    source = ConsoleSource("bad.log")
    events = [
        *source.feed(b"I (1) app: \xff\xfe\xfa caf\xe9\nE (2) " + ACCEPT_FAILED.encode() + b"\n"),
        *source.end(),
    ]
    assert any(isinstance(e, SocketRefused) for e in events)
    assert source.notes == ["bad.log: some bytes are not UTF-8; they are shown as \ufffd"]


def test_binary_log_is_refused_politely() -> None:
    source = ConsoleSource("bin.log")
    with pytest.raises(ConsoleError, match="binary log"):
        list(source.feed(bytes([1, 2, 0, 5, 16, 3, 8, 1] * 1000)))


def test_picture_is_no_log() -> None:
    source = ConsoleSource("photo.png")
    with pytest.raises(ConsoleError, match="neither a console log nor a capture"):
        list(
            source.feed(
                b"\x89PNG" + random.Random(1).randbytes(8192).translate(bytes(b % 27 for b in range(256)))
            )
        )


def test_line_wrapped_by_a_mail_client_is_one_line() -> None:
    wrapped = (
        "E (156664) esp-tls: couldn't get hostname for :mqtt.example.net: the\n"
        "function getaddrinfo() returns 202, addrinfo=0x0\n"
    )
    failed = [e for e in events_of(wrapped.encode()) if isinstance(e, ResolveFailed)]
    assert failed
    assert failed[0].where.line == 1


def test_line_broken_by_a_terminal_is_one_line() -> None:
    whole = (
        "[23:53:43.200][I][esp-idf:000][httpd]: E (90730) httpd: httpd_accept_conn: error in accept (23)\n"
    )
    other = "[23:53:44.500][I][app:000]: one more line that a terminal broke, whatever it says of the pump\n"
    for line in (whole, other + whole):
        broken = "\n".join(each[at : at + 80] for each in line.splitlines() for at in range(0, len(each), 80))
        refused = [e for e in events_of(f"{broken}\n".encode()) if isinstance(e, SocketRefused)]
        assert [e.errno for e in refused] == [23]


def test_driver_line_split_over_esphome_lines() -> None:
    events = events_of(
        """
        [10:00:00][D][esp-idf:000]: I (12992) wifi:
        [10:00:00][D][esp-idf:000]: state: run -> init (fc0)
        [10:00:00][D][esp-idf:000]:
        """
    )
    (state,) = [e for e in events if isinstance(e, LinkStateChanged)]
    assert (state.old, state.new, state.reason, state.by) == ("run", "init", 15, "deauth")


def test_state_code_decodes_reason_and_sender() -> None:
    events = events_of(
        """
        I (1000) wifi:state: auth -> init (200)
        I (2000) wifi:state: run -> init (2c0)
        I (3000) wifi:state: run -> init (0xc800)
        I (4000) wifi:state: run -> init (4a0)
        """
    )
    states = [(e.reason, e.by) for e in events if isinstance(e, LinkStateChanged)]
    assert states == [(2, "local"), (2, "deauth"), (200, "local"), (4, "disassoc")]


def test_clock_wraps_at_32_bits_and_is_no_reboot() -> None:
    events = events_of(
        """
        I (4294960000) wifi:bcn_timout,ap_probe_send_start
        I (2704) wifi:bcn_timout,ap_probe_send_start
        """
    )
    first, second = [e for e in events if isinstance(e, BeaconsMissed)]
    assert second.at.since(first.at) == pytest.approx(10.0)
    assert not any(isinstance(e, Booted) for e in events)


def test_reboot_starts_a_new_epoch_however_many_lines_announce_it() -> None:
    events = events_of(
        """
        I (900000) app: running
        ets Jul 29 2019 12:21:46

        rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)
        configsip: 0, SPIWP:0xee
        I (29) boot: ESP-IDF v5.1.2 2nd stage bootloader
        I (300) app: up again
        I (60000) app: lost its ROM lines
        I (310) app: up a third time
        """
    )
    assert [(e.at.epoch, e.reason) for e in events if isinstance(e, Booted)] == [
        (1, ""),
        (1, "SW_CPU_RESET"),
        (2, ""),
    ]
    later = events_of("I (900000) app: a\nI (50) app: b\n")
    assert [e.at.epoch for e in later if isinstance(e, Booted)] == [1]


def test_two_clocks_in_one_file_are_kept_apart() -> None:
    events = events_of(
        """
        I (01:30:11.537) app: free heap 200000
        I (3938) wifi:bcn_timout,ap_probe_send_start
        I (01:30:13.537) app: free heap 190000
        """
    )
    first, second = [e for e in events if isinstance(e, HeapSampled)]
    (missed,) = [e for e in events if isinstance(e, BeaconsMissed)]
    assert second.at.since(first.at) == pytest.approx(2.0)
    assert missed.at.since(first.at) is None
    assert [type(e) for e in events if isinstance(e, (HeapSampled, BeaconsMissed))] == [
        HeapSampled,
        BeaconsMissed,
        HeapSampled,
    ]


@pytest.mark.parametrize(
    ("message", "free", "minimum", "largest"),
    [
        ("MEM: Free Heap: 196368 bytes, Min Free: 195936 bytes", 196368, 195936, None),
        ("app: heap=77860", 77860, None, None),
        ("app: esp_get_free_heap_size: 49180", 49180, None, None),
        ("app: esp_get_minimum_free_heap_size: 472", None, 472, None),
        ("app: heap_caps_get_largest_free_block: 39396", None, None, 39396),
        ("app: free internal 61240, largest 27648", 61240, None, 27648),
        ("app: heap=171240 min=170060 maxalloc=110580", 171240, 170060, 110580),
        ("app: ESP.getFreeHeap() = 118454, ESP.getMaxAllocHeap() = 77812", 118454, None, 77812),
        ("app: [APP] Free memory: 56244 bytes", 56244, None, None),
        ("app: Available heap: 109480", 109480, None, None),
        ("app: alive, heap 231044", 231044, None, None),
    ],
)
def test_heap_in_every_spelling(
    message: str, free: int | None, minimum: int | None, largest: int | None
) -> None:
    (sample,) = [e for e in events_of(f"I (1) {message}\n".encode()) if isinstance(e, HeapSampled)]
    assert (sample.free, sample.minimum, sample.largest) == (free, minimum, largest)


@pytest.mark.parametrize(
    "message",
    [
        "flash: free space 120000",
        "app: stack high water 1200 free",
        "wifi:alloc eb len=76 type=2 fail, heap:2872652",
    ],
)
def test_other_free_things_are_no_heap(message: str) -> None:
    assert not [e for e in events_of(f"I (1) {message}\n".encode()) if isinstance(e, HeapSampled)]


@pytest.mark.parametrize(
    ("line", "call", "errno"),
    [
        (
            "E (1) NET: recv failed: errno 113 (Software caused connection abort) fd=54 after 19171 ms",
            "recv",
            113,
        ),
        ("E (1) TRANS_SSL: esp_tls_conn_read error, errno=Socket is not connected", "recv", 128),
        ('[1][E][WiFiClient.cpp:422] write(): fail on fd 48, errno: 11, "No more processes"', "send", 11),
        ("W (1) httpd_txrx: httpd_sock_err: error in recv : 11", "recv", 11),
        ("E (1) HTTP_CLIENT: transport_read: error - 104 | Connection reset by peer", "recv", 104),
        ("OSError: [Errno 104] ECONNRESET", "other", 104),
    ],
)
def test_failed_calls_in_every_spelling(line: str, call: str, errno: int) -> None:
    (failed,) = [e for e in events_of(f"{line}\n".encode()) if isinstance(e, CallFailed)]
    assert (failed.call, failed.errno) == (call, errno)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1][W][WiFiGeneric.cpp:876] _eventCallback(): Reason: 15 - 4WAY_HANDSHAKE_TIMEOUT", 15),
        (
            "[W][wifi_esp32:336]: Event: Disconnected ssid='a' bssid=02:00:00:74:EC:10 reason='Auth Expired'",
            2,
        ),
        ("I (101127) wifi: STA_DISCONNECTED, reason:201", 201),
        ("3654 : Info   : WIFI : Disconnected! Reason: '(2) Auth expire' Connected for 1551 ms", 2),
        ("W (1) app: wifi disconnected: WIFI_REASON_ASSOC_EXPIRE", 4),
    ],
)
def test_wifi_reasons_in_every_spelling(line: str, reason: int) -> None:
    assert [e.reason for e in events_of(f"{line}\n".encode()) if isinstance(e, WifiDropped)] == [reason]


@pytest.mark.parametrize(
    "line",
    [
        "E (1) esp-tls: couldn't get hostname for :a.example: getaddrinfo() returns 202, addrinfo=0x0",
        "I (1) app: reset reason 15",
        "I (1) ws: websocket closed, reason 4",
        "I (1) farm: wakeup cause 7, reason: 7 day plan",
        "I (1) setup: station left, reason 4",
    ],
)
def test_other_reasons_are_no_wifi_reasons(line: str) -> None:
    assert not [e for e in events_of(f"{line}\n".encode()) if isinstance(e, WifiDropped)]


def test_firmware_and_version_are_recognised() -> None:
    named = [
        (e.family, e.version)
        for e in events_of("MicroPython v1.24.1 on 2024-11-29; Generic ESP32 module with ESP32\n")
        if isinstance(e, FirmwareNamed)
    ]
    assert named == [("micropython", "v1.24.1")]
    named = [
        (e.family, e.version)
        for e in events_of("I (66) boot: ESP-IDF v5.2.1 2nd stage bootloader\n")
        if isinstance(e, FirmwareNamed)
    ]
    assert ("esp-idf", "v5.2.1") in named


def test_endless_line_is_cut_and_memory_stays_small() -> None:
    source = ConsoleSource("endless.log")
    for _ in range(200):
        assert not list(source.feed(b"x" * 65536))
    assert len(source._blocks._rest) < 5 * LINE_CHARACTERS_MAX
    list(source.end())
    assert "longer than" in source.notes[0]


def told(data: bytes, cuts: list[int]) -> list[tuple[object, ...]]:
    source = ConsoleSource("split.log")
    events: list[Event] = []
    start = 0
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        events.extend(source.feed(data[start:cut]))
        start = max(start, cut)
    events.extend(source.end())
    return [(type(e).__name__, *astuple(e)) for e in events]


@settings(max_examples=60, deadline=None)
@given(log=st.sampled_from(LOGS), cuts=st.lists(st.integers(0, 1 << 16), max_size=12))
def test_any_split_of_the_bytes_tells_the_same(log: Path, cuts: list[int]) -> None:
    data = log.read_bytes()
    assert told(data, cuts) == told(data, [])


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=2000))
@example(data=b"I (99999999999999999999) a: b\n")
@example(data=b"[99:99:99][I][a:1]: b\n2024-02-31 10:00:00 I (5) a: b\n")
@example(data=b"I (2024-99-99 99:99:99.999) a: b\n")
def test_no_bytes_make_it_fail(data: bytes) -> None:
    source = ConsoleSource("fuzz.log")
    try:
        list(source.feed(data))
        list(source.end())
    except ConsoleError:
        pass


@pytest.mark.parametrize("word", ["New", "Same"])
def test_an_address_of_the_arduino_core_is_a_join(word: str) -> None:
    line = f"[212892][V][STA.cpp:186] _onStaEvent(): STA Got {word} IP:192.168.5.100\n"
    (got,) = [event for event in events_of(line.encode()) if isinstance(event, AddressGot)]
    assert got.ip == "192.168.5.100"


def test_a_number_with_too_many_points_is_no_number() -> None:
    (missed,) = [
        event
        for event in events_of("I (5) mqtt: ping response not received after 1.2.3 seconds\n")
        if isinstance(event, HeartbeatMissed)
    ]
    assert missed.after_s is None
