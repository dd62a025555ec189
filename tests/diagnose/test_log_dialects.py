"""Wordings of firmwares and programs that say the same thing differently: what each must be read as, and what it must not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from halfopen.diagnose.report import Report

Diagnose = Callable[[str], Report]


def serious(report: Report) -> list[str]:
    return [f.code for f in report.findings if f.severity != "info"]


def first(report: Report) -> str:
    return next(iter(serious(report)), "")


# Joining ----------------------------------------------------------------------------------------------------------


def station_example(state: str) -> str:
    """The station example of ESP-IDF, whose program counts its attempts and tells no reason; ``state`` after each."""
    lines = ["I (712) wifi:mode : sta (02:00:00:11:22:33)"]
    for n in range(5):
        lines += [
            f"I ({3100 + 2410 * n}) wifi station: retry to connect to the AP",
            f"I ({3101 + 2410 * n}) wifi station: connect to the AP fail",
            *([f"I ({3200 + 2410 * n}) {state}"] if state else []),
        ]
    return "\n".join(lines) + "\n"


def test_attempts_without_one_authentication_found_no_access_point(diagnose_text: Diagnose) -> None:
    assert serious(diagnose_text(station_example(""))) == ["HO410"]


def test_attempts_that_reached_the_access_point_are_told_by_its_answer(diagnose_text: Diagnose) -> None:
    assert "HO410" not in serious(diagnose_text(station_example("wifi:state: run -> init (fc0)")))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("I (4100) example_common: Wi-Fi disconnected 201, trying to reconnect...", "HO410"),
        ("I (4100) example_connect: Wi-Fi disconnected 2, trying to reconnect...", "HO401"),
        ("Status: WL_NO_SSID_AVAIL", "HO410"),
        ("ConnectionError: No network with that ssid", "HO410"),
        ("ConnectionError: Authentication failure", "HO408"),
        ("ConnectionError: Unknown failure 2", "HO401"),
        ("wlan.status() = 201", "HO410"),
        ("wifi status: 202", "HO408"),
    ],
)
def test_reasons_in_the_words_of_programs(line: str, code: str, diagnose_text: Diagnose) -> None:
    assert first(diagnose_text(f"{line}\n" * 3)) == code


def test_http_status_is_no_reason(diagnose_text: Diagnose) -> None:
    assert diagnose_text("I (4100) upload: http status: 201\n" * 4).findings == ()


def test_attempts_that_failed_some_times_name_no_errno(diagnose_text: Diagnose) -> None:
    text = """
    I (3000) example_connect: Wi-Fi disconnected 201, trying to reconnect...
    I (5500) example_connect: Wi-Fi disconnected 201, trying to reconnect...
    I (8000) example_connect: WiFi Connect failed 7 times, stop reconnect.
    """
    assert serious(diagnose_text(text)) == ["HO410"]


@pytest.mark.parametrize(("comeback_ms", "found"), [(205_824, ["HO411"]), (1024, [])])
def test_put_off_for_minutes_is_refused(comeback_ms: int, found: list[str], diagnose_text: Diagnose) -> None:
    text = f"""
    I (730) wifi:state: init -> auth (b0)
    I (760) wifi:state: auth -> assoc (0)
    E (761) wifi:Association refused temporarily, comeback time {comeback_ms} mSec
    """
    assert serious(diagnose_text(text)) == found


def test_losses_without_a_reason_that_follow_each_other_at_once(diagnose_text: Diagnose) -> None:
    lines = [f"I ({581_469_823 + 1570 * n}) WiFi: Disconnected" for n in range(14)]
    assert serious(diagnose_text("\n".join(lines) + "\n")) == ["HO207"]


def test_loss_without_a_reason_is_the_one_that_the_driver_tells_of(diagnose_text: Diagnose) -> None:
    text = """
    I (9000) esp_netif_handlers: sta ip: 192.168.7.31, mask: 255.255.255.0, gw: 192.168.7.1
    I (98187) wifi:state: run -> init (0xc800)
    I (98190) WiFi: Disconnected
    I (98990) WiFi: Disconnected
    """
    assert serious(diagnose_text(text)) == ["HO405"]


# Addresses --------------------------------------------------------------------------------------------------------


def test_zeros_are_no_address(diagnose_text: Diagnose) -> None:
    assert first(diagnose_text("WiFi connected\nIP address: 0.0.0.0\n" * 2)) == "HO501"


def test_zeros_before_the_lease_are_no_fault(diagnose_text: Diagnose) -> None:
    assert serious(diagnose_text("WiFi connected\nIP address: 0.0.0.0\nIP address: 192.168.7.31\n")) == []


def test_address_of_a_station_that_never_got_in(diagnose_text: Diagnose) -> None:
    text = "[  812][W][WiFiGeneric.cpp:950] _eventCallback(): Reason: 15 - 4WAY_HANDSHAKE_TIMEOUT\nIP address: 0.0.0.0\n"
    assert "HO501" not in serious(diagnose_text(text * 3))


def test_address_of_the_own_access_point_is_no_join(diagnose_text: Diagnose) -> None:
    text = """
    *wm:Connecting to SAVED AP: shed
    *wm:[EVENT] WIFI_REASON:  201
    *wm:StartAP with SSID:  Shed-Setup
    *wm:AP IP address: 192.168.4.1
    """
    assert serious(diagnose_text(text)) == ["HO410"]


def test_joined_and_timed_out_without_an_address(diagnose_text: Diagnose) -> None:
    lines = []
    for n in range(3):
        lines += [
            f"[09:1{n}:00][V][wifi_esp32:468]: Event: Connected ssid='shed' bssid=02:00:00:00:01:00 channel=6",
            f"[09:1{n}:30][W][wifi:627]: Timeout while connecting to WiFi.",
        ]
    assert first(diagnose_text("\n".join(lines) + "\n")) == "HO501"


# Connections ------------------------------------------------------------------------------------------------------


def test_connection_closed_is_no_failed_connect(diagnose_text: Diagnose) -> None:
    text = """
    [11:20:00][D][api:102]: Accept 192.168.7.9
    [11:40:12][W][api.connection:096]: hub 2024.6.0 (192.168.7.9): Socket operation failed: CONNECTION_CLOSED errno=104
    """
    assert "HO206" not in [f.code for f in diagnose_text(text).findings]


@pytest.mark.parametrize(
    "line",
    [
        "[ 15310][I][NetworkClient.cpp:253] connect(): select returned due to timeout 3000 ms for fd 48",
        "E (5220) mqtt_client: Error transport connect",
        "E (42592) esp-tls: mbedtls_ssl_handshake returned -0x7280",
        "E (42592) esp-tls-mbedtls: mbedtls_ssl_handshake returned -0x50",
        "2025-03-01 10:00:00.120 WARNING (MainThread) [aioesphomeapi.reconnect_logic] Can't connect to ESPHome API for shed"
        " @ 192.168.7.77: Timeout while connecting to [AddrInfo(family=2)] (TimeoutAPIError)",
    ],
)
def test_connections_that_are_not_made(line: str, diagnose_text: Diagnose) -> None:
    assert serious(diagnose_text(f"{line}\n" * 3)) == ["HO206"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("E (2552) esp-tls: couldn't get hostname for :hub.test: getaddrinfo() returns 202", "HO502"),
        ("E (9940) esp-tls: mbedtls_ssl_handshake returned -0x7F00", "HO604"),
    ],
)
def test_transport_that_fails_for_a_reason_is_told_by_it(
    line: str, code: str, diagnose_text: Diagnose
) -> None:
    assert serious(diagnose_text(f"{line}\nE (9950) mqtt_client: Error transport connect\n" * 3)) == [code]


def test_failed_attempts_that_each_hold_another_descriptor_leak(diagnose_text: Diagnose) -> None:
    def attempts(descriptors: list[int]) -> Report:
        return diagnose_text(
            "".join(
                f"[{15310 + 20000 * n}][E][NetworkClient.cpp:253] connect(): socket error on fd {fd}, errno: 113,"
                ' "Software caused connection abort"\n'
                for n, fd in enumerate(descriptors)
            )
        )

    assert "HO101" in serious(attempts([48, 49, 50, 51, 52, 53]))
    assert "HO101" not in serious(attempts([48, 49, 50, 51, 52, 48, 49, 50, 51, 52]))


def test_calls_typed_at_the_prompt(diagnose_text: Diagnose) -> None:
    text = """
    >>> s.connect(("192.168.7.99", 80))
    Traceback (most recent call last):
      File "<stdin>", line 1, in <module>
    OSError: [Errno 113] EHOSTUNREACH
    >>> s.connect(("192.168.7.99", 80))
    Traceback (most recent call last):
      File "<stdin>", line 1, in <module>
    OSError: 128
    >>> s.connect(("192.168.7.10", 80))
    Traceback (most recent call last):
      File "<stdin>", line 1, in <module>
    OSError: 128
    """
    assert serious(diagnose_text(text)) == ["HO206", "HO104"]


@pytest.mark.parametrize(
    "line",
    [
        "[ 12110][E][WiFiUdp.cpp:170] beginPacket(): could not get host from dns: 11",
        "gaierror: (-2, 'Name or service not known')",
    ],
)
def test_names_that_are_not_found(line: str, diagnose_text: Diagnose) -> None:
    assert serious(diagnose_text(f"{line}\n" * 3)) == ["HO502"]


@pytest.mark.parametrize(
    "line",
    [
        "WARNING Disconnected from API: Timeout while waiting for message response!",
        "1730625349: Client shed-sensor has exceeded timeout, disconnecting.",
        "1730625349: Client shed-sensor [192.168.7.31:50112] has exceeded timeout, disconnecting.",
    ],
)
def test_silence_that_the_other_side_notices(line: str, diagnose_text: Diagnose) -> None:
    assert serious(diagnose_text(f"{line}\n")) == ["HO201"]


# Memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "mbedtls_ssl_handshake error: -4290",  # RSA public key, of which the bignums' allocation
        "mbedtls_ssl_handshake error: -7f00",
        "OSError: (-17040, 'MBEDTLS_ERR_RSA_PUBLIC_FAILED+MBEDTLS_ERR_MPI_ALLOC_FAILED')",
    ],
)
def test_sums_of_codes_hold_the_allocation_that_failed(line: str, diagnose_text: Diagnose) -> None:
    assert "HO604" in serious(diagnose_text(f"{line}\n"))


@pytest.mark.parametrize(
    "line", ["mbedtls_ssl_handshake error: -2700", "E (10) esp-tls: TLS error -144, retry"]
)
def test_other_codes_are_not_for_want_of_memory(line: str, diagnose_text: Diagnose) -> None:
    assert "HO604" not in serious(diagnose_text(f"{line}\n"))


def test_wanted_size_and_the_block_that_was_left(diagnose_text: Diagnose) -> None:
    report = diagnose_text(
        """
        21342298   DEBUG   Fetcher.cpp:878      Available heap: 109500
        21342414   ERROR   Watch.cpp:67         Failed to allocate 16717 bytes
        21342415   ERROR   Watch.cpp:68         Largest available HEAP block: 16372 bytes
        """
    )
    (finding,) = (f for f in report.findings if f.severity != "info" and f.code == "HO602")
    assert "16717 bytes were wanted" in finding.summary
    assert "HO603" not in serious(report)


@pytest.mark.parametrize(("free", "code"), [(90_104, "HO602"), (36_104, "HO603")])
def test_failed_allocation_without_a_size(free: int, code: str, diagnose_text: Diagnose) -> None:
    text = f"heap_caps_get_free_size: {free}\nheap_caps_get_largest_free_block: {free // 3 + 1500}\nmalloc failed\n"
    assert first(diagnose_text(text)) == code


def heap_around_calls(lost: int) -> str:
    """A program that prints its heap before and after what it does, and loses ``lost`` bytes each time."""
    lines = []
    for n in range(8):
        heap = 84_212 - lost * n
        lines += [
            f"I ({60_000 * n + 1000}) app: free heap before connect: {heap}",
            f"I ({60_000 * n + 2000}) app: free heap after connect: {heap - 23_208}",
            f"I ({60_000 * n + 9000}) app: free heap after close: {heap - lost}",
        ]
    return "\n".join(lines) + "\n"


def test_heap_printed_at_several_places_is_compared_with_itself(diagnose_text: Diagnose) -> None:
    assert "HO601" in serious(diagnose_text(heap_around_calls(4200)))
    assert serious(diagnose_text(heap_around_calls(0))) == []


# Restarts and watchdogs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "[12:15:02][E][api:128]: No client connected to API. Rebooting...",
        "[12:15:02][E][api:146]: No clients; rebooting",
        "[12:15:02][E][wifi:742]: Can't connect to WiFi; rebooting",
    ],
)
def test_firmware_that_restarts_itself(line: str, diagnose_text: Diagnose) -> None:
    assert serious(diagnose_text(f"{line}\n")) == ["HO205"]


def test_restart_that_a_user_asked_for(diagnose_text: Diagnose) -> None:
    text = """
    10:00:00.120 RSL: RESULT = {"Restart":"Restarting"}
    10:00:02.000 APP: Restarting
    ets Jul 29 2019 12:21:46

    rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)
    00:00:00.001 HDW: ESP32-D0WD-V3
    """
    assert serious(diagnose_text(text)) == []


@pytest.mark.parametrize(("task", "found"), [("mqtt_task", ["HO301"]), ("display", [])])
def test_task_that_never_lets_its_processor_idle(
    task: str, found: list[str], diagnose_text: Diagnose
) -> None:
    report = diagnose_text(
        f"""
        E (10310) task_wdt: Task watchdog got triggered. The following tasks/users did not reset the watchdog in time:
        E (10310) task_wdt:  - IDLE0 (CPU 0)
        E (10310) task_wdt: Tasks currently running:
        E (10310) task_wdt: CPU 0: {task}
        E (10310) task_wdt: CPU 1: IDLE1
        """
    )
    assert serious(report) == found


@pytest.mark.parametrize(
    ("component", "took_ms", "found"),
    [
        ("http_request", 5012, ["HO301"]),
        ("display", 5012, []),
        ("esphome.ota", 5012, []),
        ("http_request", 812, []),
    ],
)
def test_component_that_waits_in_the_main_loop(
    component: str, took_ms: int, found: list[str], diagnose_text: Diagnose
) -> None:
    line = f"[W][component:237]: Component {component} took a long time for an operation ({took_ms} ms)."
    assert serious(diagnose_text(f"[10:00:00]{line}\n[10:00:30]{line}\n")) == found


def test_brownout_in_the_words_of_the_reset_reason(diagnose_text: Diagnose) -> None:
    line = (
        '00:00:01.500 RSL: INFO3 = {"Info3":{"RestartReason":"Reset when the vdd voltage is not stable"}}\n'
    )
    assert serious(diagnose_text(line)) == ["HO701"]


def test_reasons_in_hexadecimal(diagnose_text: Diagnose) -> None:
    text = "".join(
        f"E ({at}) net: WIFI_EVENT_STA_DISCONNECTED, reason:0xc8 rssi:-61\n" for at in (9000, 99000, 299000)
    )
    assert serious(diagnose_text(text)) == ["HO405"]


@pytest.mark.parametrize(("got_through", "found"), [(False, ["HO405"]), (True, [])])
def test_beacons_missed_and_nothing_since(
    got_through: bool, found: list[str], diagnose_text: Diagnose
) -> None:
    lines = ["I (45210) wifi:bcn_timeout,ap_probe_send_start"]
    for at in (51200, 81200):
        lines.append(
            f'[ {at}][E][WiFiClient.cpp:275] connect(): socket error on fd 48, errno: 113, "Software caused connection abort"'
        )
    lines += ["I (99000) app: MQTT_EVENT_CONNECTED"] if got_through else []
    assert serious(diagnose_text("\n".join(lines) + "\n")) == found


@pytest.mark.parametrize(("internal", "found"), [(3144, "HO603"), (93_144, "HO206")])
def test_connections_that_fail_with_next_to_no_heap(
    internal: int, found: str, diagnose_text: Diagnose
) -> None:
    text = f"""
    E (27325194) esp-tls: [sock=58] select() timeout
    E (27338194) esp-tls: [sock=58] select() timeout
    I (27347724) DIAG: Heap free: internal={internal} largest_free=1280 PSRAM=8209812
    """
    assert first(diagnose_text(text)) == found


def test_socket_that_cannot_be_allocated_is_no_memory(diagnose_text: Diagnose) -> None:
    lines = []
    for n in range(6):
        lines += [
            f"I ({5000 * n + 100}) example: ... allocated socket {4098 + n}",
            f"I ({5000 * n + 900}) example: ... connected",
        ]
    lines += [
        "E (40100) example: ... Failed to allocate socket.",
        "E (42100) example: ... Failed to allocate socket.",
    ]
    assert serious(diagnose_text("\n".join(lines) + "\n")) == ["HO101"]


def test_messages_that_queue_up_for_a_slow_client(diagnose_text: Diagnose) -> None:
    line = "E (322929) async_ws: _queueMessage() 491: Too many messages queued: discarding new message\n"
    assert serious(diagnose_text(line * 4)) == ["HO203"]


@pytest.mark.parametrize(("size", "found"), [(594, ["HO603"]), (26_594, [])])
def test_one_refused_allocation(size: int, found: list[str], diagnose_text: Diagnose) -> None:
    text = f"""
    [109224][E][outbox.cpp:58] push(): malloc({size}) failed
    [209224][I][app.cpp:11] loop(): alive
    [309224][I][app.cpp:11] loop(): free heap 61200
    """
    report = diagnose_text(text)
    assert serious(report) == found
    assert "1 allocation failed" in report.findings[0].summary
