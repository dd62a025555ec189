"""Faults and their healthy look-alikes that drawn scenarios showed to be confused: one pair a test, on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.diagnose.wire import ACK, DEVICE, DEVICE_MAC, PEER, PEER_MAC, RST, Wire

from halfopen.diagnose.report import Report
from halfopen.formats import packet

Diagnose = Callable[[str], Report]


def serious(report: Report) -> list[str]:
    return [f.code for f in report.findings if f.severity != "info"]


def codes(report: Report) -> list[str]:
    return [f.code for f in report.findings]


def announce(wire: Wire, at: float) -> None:
    wire.frame(at, DEVICE, packet.arp(DEVICE_MAC, DEVICE, DEVICE), packet.ARP)


def ask_arp(wire: Wire, at: float, target: str) -> None:
    wire.frame(at, DEVICE, packet.arp(DEVICE_MAC, DEVICE, target), packet.ARP)


# Sockets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closes", [False, True])
def test_connections_that_the_stack_still_answers_for_long_after_the_program_moved_on(closes: bool) -> None:
    wire = Wire()
    talks = []
    for n in range(7):
        talk = wire.talk(50000 + n, 80).open(n * 6.0)
        talk.send(n * 6 + 0.1, DEVICE)
        if closes:
            talk.fin(n * 6 + 5, DEVICE)
        talks.append(talk)
    for talk in talks:  # the server that had stalled answers at last, and the capture ends
        talk.send(90, PEER)
        talk.fin(90.1, PEER)
    assert ("HO101" in serious(wire.report())) is not closes


@pytest.mark.parametrize("idle", [True, False])
def test_clients_reset_at_once_while_sessions_that_were_served_sit_idle(idle: bool) -> None:
    wire = Wire()
    for n in range(5):
        talk = wire.talk(40000 + n, 80, client=PEER).open(n * 2.0)
        talk.send(n * 2 + 0.1, PEER, 5)
        talk.send(n * 2 + 0.2, DEVICE, 300)
        if not idle:
            talk.fin(n * 2 + 0.3, PEER)
            talk.fin(n * 2 + 0.4, DEVICE)
    for n in range(5, 9):
        talk = wire.talk(40000 + n, 80, client=PEER).open(20 + n * 2.0)
        talk.send(20 + n * 2 + 0.01, PEER, 5, acked=False)
        talk.rst(20 + n * 2 + 0.02, DEVICE)
    assert ("HO102" in serious(wire.report())) is idle


# TCP --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answered", [False, True])
def test_the_first_word_after_minutes_of_silence_is_a_fin_that_nobody_hears(answered: bool) -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(0.1, DEVICE)
    if answered:
        talk.fin(400, DEVICE)
        talk.fin(400.1, PEER)
    else:
        for n in range(3):
            talk.raw(400 + 3.0 * n, DEVICE, ACK | 1)
    assert ("HO202" in codes(wire.report())) is not answered


@pytest.mark.parametrize("window", [0, 501])
def test_a_reset_without_a_window_is_of_a_peer_that_knows_no_connection(window: int) -> None:
    """Answered probes keep the silence before the reset shorter than others that passed without harm."""
    wire = Wire()
    talk = wire.talk(50000).open(0)
    for n in range(3):
        talk.send(20.0 * n + 0.1, DEVICE)
        talk.probe(20.0 * n + 10.2, DEVICE, answered=True)
    talk.send(59.9, DEVICE, acked=False)
    talk.window[PEER] = window
    talk.raw(59.95, PEER, RST)
    assert ("HO208" in codes(wire.report())) is (window == 0)


def test_a_device_that_delivers_and_closes_is_no_storm() -> None:
    wire = Wire()
    for n in range(30):
        talk = wire.talk(50000 + n).open(n * 9.0)
        talk.send(n * 9 + 0.1, DEVICE)
        talk.fin(n * 9 + 0.11, DEVICE)
        talk.fin(n * 9 + 0.2, PEER)
    assert codes(wire.report()) == []


def test_answers_that_come_after_the_device_has_left_are_of_no_use() -> None:
    wire = Wire()
    talks = []
    for n in range(40):
        talk = wire.talk(50000 + n).open(n * 4.0)
        talk.send(n * 4 + 0.1, DEVICE)
        talk.fin(n * 4 + 3, DEVICE)
        talks.append(talk)
    for talk in talks:  # the service that hung goes on
        talk.raw(300, PEER, ACK | 8, payload=b"late")
        talk.raw(300.001, DEVICE, RST)
    assert "HO207" in serious(wire.report())


@pytest.mark.parametrize("port", [50001, 61234])
def test_a_device_that_counts_its_ports_on_did_not_restart(port: int) -> None:
    """Both fall silent, announce themselves and know the old connection no more; only one lost the port it was at."""
    wire = Wire()
    old = wire.talk(50000).open(0)
    old.send(1, DEVICE)
    old.send(3, PEER, acked=False)
    for at in (3.3, 3.9, 5.1, 7.5):
        old.resend(at, PEER)
    announce(wire, 9)
    wire.talk(port).open(9.5).send(9.6, DEVICE)
    old.resend(12.3, PEER)
    old.rst(12.31, DEVICE)
    assert ("HO205" in codes(wire.report())) is (port == 61234)


@pytest.mark.parametrize(("port", "in_the_middle"), [(50001, True), (61234, True), (61234, False)])
def test_a_restart_in_the_middle_of_an_exchange(port: int, in_the_middle: bool) -> None:
    wire = Wire()
    old = wire.talk(50000).open(0)
    old.send(1, DEVICE)
    old.send(1.1, PEER)
    old.send(6, DEVICE, acked=not in_the_middle)
    if in_the_middle:
        old.resend(7.5, DEVICE)
    announce(wire, 12)
    wire.talk(port).open(12.5).send(12.6, DEVICE)
    assert ("HO205" in serious(wire.report())) is (in_the_middle and port == 61234)


def test_a_dead_connection_that_nobody_gives_up_may_be_a_blocked_call() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, DEVICE)
    talk.send(1.1, PEER)
    talk.send(6, DEVICE, acked=False)
    for at in (7.5, 10.5, 16.5, 28.5, 52.5, 100.5):
        talk.resend(at, DEVICE)
    report = wire.report()
    assert serious(report) == ["HO201"]
    assert ("HO201", "HO301") in [doubt.faults for doubt in report.undecided]
    wire.talk(50001).open(40)
    assert wire.report().undecided == ()


# Who does not answer ----------------------------------------------------------------------------------------------


def test_a_host_that_stops_answering_arp_is_told_though_it_answered_before() -> None:
    wire = Wire()
    ask_arp(wire, 0, PEER)
    wire.frame(0.01, PEER, packet.arp(PEER_MAC, PEER, DEVICE, DEVICE_MAC, reply=True), packet.ARP)
    for n in range(6):
        ask_arp(wire, 20.0 + n, PEER)
    report = wire.report()
    assert serious(report) == ["HO206"]
    assert "none of 6 ARP requests" in report.findings[0].summary


def test_arp_for_the_peer_of_a_connection_that_stands_is_no_attempt_to_connect() -> None:
    wire = Wire()
    wire.talk(50000).open(0).send(1, DEVICE)
    for n in range(6):
        ask_arp(wire, 400.0 + n, PEER)
    assert "HO206" not in codes(wire.report())


@pytest.mark.parametrize(("apart_s", "heard"), [(0.1, False), (3.0, True)])
def test_queries_that_are_still_on_their_way_are_not_unanswered(apart_s: float, heard: bool) -> None:
    wire = Wire()
    wire.query(0, "mqtt.example.net", 1)
    answer = packet.udp(PEER, 53, DEVICE, 51001, bytes([0, 1, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]))
    wire.frame(0.05, PEER, answer)
    for n in range(4):
        wire.query(10 + n * apart_s, "mqtt.example.net", 10 + n)
    report = wire.report()
    assert ("HO502" in serious(report)) is heard
    assert not heard or "4 DNS queries" in report.findings[0].summary


# Logs -------------------------------------------------------------------------------------------------------------


def exchanges(count: int, last: str = "") -> str:
    """A client that sends and receives every five seconds, and a task that prints the heap once a minute until 1000 s."""
    lines = []
    for n in range(count):
        lines.append(f"I ({5000 * n + 2000}) NET: send(fd=54) = 40 (0 ms)")
        if n < count - 1:
            lines.append(f"I ({5000 * n + 2080}) NET: Received 24 bytes (fd=54)")
    lines += [last] if last else []
    begin = 5000 * count // 60_000 + 1
    lines += [
        f"I ({60_000 * n}) MEM: Free Heap: 198028 bytes, Min Free: 198028 bytes" for n in range(begin, 17)
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("count", "last", "blocked"),
    [
        (8, "", True),
        (2, "", False),  # one answer is no habit
        (8, "E (42000) NET: recv failed: errno 11 (No more processes) fd=54 after 5000 ms", False),
    ],
)
def test_silence_after_a_send_while_other_tasks_print(
    count: int, last: str, blocked: bool, diagnose_text: Diagnose
) -> None:
    assert ("HO301" in serious(diagnose_text(exchanges(count, last)))) is blocked


WATCHDOG = """
E (69938) task_wdt: Task watchdog got triggered. The following tasks/users did not reset the watchdog in time:
E (69938) task_wdt:  - tcp_client (CPU 0)
E (69938) task_wdt: Tasks currently running:
E (69938) task_wdt: CPU 0: IDLE0
E (69938) task_wdt: CPU 1: IDLE1
"""


def test_a_watchdog_that_only_reports_is_no_crash(diagnose_text: Diagnose) -> None:
    log = f"I (64938) NET: send(fd=54) = 40 (0 ms)\n{WATCHDOG}I (80000) MEM: Free Heap: 198028 bytes\n"
    assert codes(diagnose_text(log)) == ["HO301"]
    panic = "E (69938) task_wdt: Aborting.\n\nabort() was called at PC 0x400e2ce1 on core 0\n\nRebooting...\n"
    assert "HO702" in codes(diagnose_text(log + panic))


def test_a_lease_that_came_late_is_told_and_one_restarted_for_is_an_error(diagnose_text: Diagnose) -> None:
    boot = "ets Jul 29 2019 12:21:46\n\nrst:0x{} (_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\nConnecting to lab-iot\n"
    failed, came = "DHCP timeout, no IP address\n", "WiFi connected, IP address: 192.168.5.100\n"
    late = diagnose_text(boot.format("1") + failed + came)
    assert [(f.code, f.severity) for f in late.findings] == [("HO501", "info")]
    restarted = diagnose_text(boot.format("1") + failed + boot.format("c") + came)
    assert serious(restarted) == ["HO501"]


def heap(samples: list[int], more: str = "") -> str:
    lines = [f"I ({10_000 * n + 1000}) MEM: Free Heap: {free} bytes" for n, free in enumerate(samples)]
    return "\n".join(lines) + "\n" + more


def test_a_heap_that_ran_out_leaks_though_it_falls_no_more(diagnose_text: Diagnose) -> None:
    falling = list(range(100_000, 1000, -4000))
    assert "HO601" in serious(diagnose_text(heap(falling + [2600] * 60)))
    refused = "E (900000) APP: malloc(1902) failed\n"
    assert "HO601" in serious(
        diagnose_text(heap(list(range(100_000, 12_000, -4000)) + [12_500] * 60, refused))
    )


def test_a_cache_that_is_full_is_no_leak(diagnose_text: Diagnose) -> None:
    """It fell with every sample for most of the time, and has stopped."""
    filling = list(range(176_000, 166_000, -200))
    assert "HO601" in serious(diagnose_text(heap(filling)))
    assert codes(diagnose_text(heap(filling + [166_200] * 20))) == []


def test_what_a_full_table_of_sockets_took_from_the_heap_is_no_leak_of_its_own(
    diagnose_text: Diagnose,
) -> None:
    log = heap(
        list(range(98_000, 70_000, -2200)),
        'Traceback (most recent call last):\n  File "main.py"\nOSError: 23\n',
    )
    assert serious(diagnose_text(log)) == ["HO101"]
