"""Rules on captures of situations that the recordings of the real stack do not hold, and on healthy look-alikes."""

from __future__ import annotations

import pytest
from tests.diagnose.wire import ACK, DEVICE, DEVICE_MAC, PEER, Wire

from halfopen.diagnose.report import Report
from halfopen.formats import packet


def told(report: Report) -> list[tuple[str, str]]:
    return [(f.fault, f.severity) for f in report.findings]


def serious(report: Report) -> list[str]:
    return [f.fault for f in report.findings if f.severity != "info"]


def exchange(wire: Wire, port: int, at: float) -> None:
    """Connect, ask, get an answer, close in an orderly way."""
    talk = wire.talk(port).open(at)
    talk.send(at + 0.1, DEVICE)
    talk.send(at + 0.2, PEER, 60)
    talk.fin(at + 0.3, DEVICE)
    talk.fin(at + 0.31, PEER)


def test_polling_client_is_healthy() -> None:
    wire = Wire()
    for n in range(30):
        exchange(wire, 50000 + n, n * 10.0)
    assert told(wire.report()) == []


def test_answered_keepalives_for_hours_are_healthy() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(0.1, DEVICE)
    for n in range(100):
        talk.probe(60.0 + n * 60, DEVICE, answered=True)
    assert told(wire.report()) == []


def test_close_wait_is_a_leak() -> None:
    wire = Wire()
    for n in range(7):
        talk = wire.talk(50000 + n).open(n * 20.0)
        talk.send(n * 20 + 0.1, DEVICE)
        talk.send(n * 20 + 0.2, PEER)
        talk.fin(n * 20 + 5, PEER)
    wire.talk(50010).open(300)
    report = wire.report()
    assert serious(report) == ["leaked-sockets"]
    assert "CLOSE_WAIT" in report.findings[0].summary


def test_one_connection_left_in_close_wait_is_none() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.fin(5, PEER)
    wire.talk(50001).open(60)
    assert "leaked-sockets" not in serious(wire.report())


def test_accepting_for_ever_ends_in_resets() -> None:
    wire = Wire()
    for n in range(9):
        talk = wire.talk(40000 + n, 80, client=PEER).open(n * 2.0)
        talk.send(n * 2 + 0.1, PEER, 5)
    for n in range(9, 14):
        talk = wire.talk(40000 + n, 80, client=PEER).open(n * 2.0)
        talk.rst(n * 2 + 0.05, DEVICE)
    report = wire.report()
    assert serious(report)[0] == "sessions-exhausted"
    assert "reset at once" in report.findings[0].summary


@pytest.mark.parametrize(("idle", "interval"), [(10.0, 3.0), (5.0, 5.0)])
def test_keepalive_death_within_its_bound_is_info(idle: float, interval: float) -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, DEVICE)
    for n in range(3):
        talk.probe(1 + idle + n * interval, DEVICE, answered=False)
    talk.rst(1 + idle + 3 * interval, DEVICE)
    assert told(wire.report()) == [("half-open", "info")]


@pytest.mark.parametrize(
    ("by", "after", "severity"),
    [(DEVICE, 18.2, "info"), (PEER, 4.3, "info"), (DEVICE, 45.0, "error"), (PEER, 45.0, "error")],
)
def test_data_repeated_until_a_reset_within_the_bound_is_info(by: str, after: float, severity: str) -> None:
    """Keepalive gives up beside unacked data (lwIP), or the peer is back and knows nothing of the connection."""
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, DEVICE)
    talk.send(5, DEVICE, acked=False)
    for gap in (1.1, 4.1, 10.1):
        if gap < after:
            talk.resend(5 + gap, DEVICE)
    talk.rst(5 + after, by)
    found = next(f for f in wire.report().findings if f.code == "HO201")
    assert found.severity == severity
    assert ("the device noticed within its bound" in found.summary) == (severity == "info")
    assert ("the peer answered with RST only" in found.summary) == (by == PEER)
    if severity == "info":
        assert "RST" in found.evidence[2].text


def test_one_unnoticed_death_among_many_noticed_is_an_error() -> None:
    wire = Wire()
    for n in range(5):
        talk = wire.talk(50000 + n).open(n * 100.0)
        talk.send(n * 100 + 1, DEVICE, acked=False)
        for gap in (1.1, 4.1, 10.1):
            talk.resend(n * 100 + 1 + gap, DEVICE)
        if n < 4:
            talk.rst(n * 100 + 19.2, DEVICE)
    found = next(f for f in wire.report().findings if f.code == "HO201")
    assert found.severity == "error"
    assert "50004" in found.evidence[0].text


def test_a_peer_that_gives_a_vanished_device_up_is_no_notice_of_the_device() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, DEVICE)
    talk.send(5, PEER, acked=False)
    for gap in (0.3, 0.9, 2.1, 4.5):
        talk.resend(5 + gap, PEER)
    talk.rst(15, PEER)
    assert "half-open" in serious(wire.report())


def test_peer_that_probes_a_vanished_device() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, DEVICE)
    for n in range(9):
        talk.probe(121 + n * 75, PEER, answered=False)
    report = wire.report()
    assert serious(report) == ["half-open"]
    assert "no answer from the device" in report.findings[0].summary


def test_silence_without_probes_and_then_a_replacement() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, DEVICE)
    talk.send(900, PEER)
    other = wire.talk(50001).open(960)
    other.send(961, DEVICE)
    assert serious(wire.report()) == ["no-keepalive"]


def test_an_answered_retransmission_long_before_the_silence_does_not_excuse_it() -> None:
    """lwIP delays its ACK up to 250 ms, so a peer repeats data after 206 ms: that notices nothing."""
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, PEER, acked=False)
    talk.resend(1.206, PEER, acked=True)
    talk.send(60, DEVICE)
    talk.send(400, PEER)
    wire.talk(50001).open(460).send(461, DEVICE)
    assert serious(wire.report()) == ["no-keepalive"]


def test_data_repeated_after_the_silence_and_answered_shows_that_the_connection_lived() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, DEVICE)
    talk.send(400, PEER, acked=False)
    talk.resend(400.3, PEER, acked=True)
    wire.talk(50001).open(460).send(461, DEVICE)
    assert "no-keepalive" not in serious(wire.report())


def test_silence_that_ends_well_is_healthy() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, DEVICE)
    talk.send(900, PEER)
    assert told(wire.report()) == []


def test_requests_acknowledged_and_never_answered_while_pings_are() -> None:
    wire = Wire()
    for n in range(3):
        talk = wire.talk(40000 + n, 6053, client=PEER).open(n * 30.0)
        talk.send(n * 30 + 0.1, PEER, 20)
        for retry in range(1, 4):
            talk.probe(n * 30 + retry * 8, PEER, answered=True)
        wire.ping(n * 30 + 3, n)
    report = wire.report()
    assert serious(report) == ["blocked-call"]
    assert "pings were answered" in report.findings[0].summary


def test_slow_answer_is_no_blocked_call() -> None:
    wire = Wire()
    talk = wire.talk(40000, 6053, client=PEER).open(0)
    talk.send(0.1, PEER, 20)
    talk.send(6.0, DEVICE, 100)
    assert told(wire.report()) == []


def test_refused_connections() -> None:
    wire = Wire()
    for n in range(4):
        talk = wire.talk(50000 + n)
        talk.syn(n * 7.0)
        talk.next[DEVICE] += 1
        talk.rst(n * 7 + 0.01, PEER)
    assert serious(wire.report()) == ["peer-unreachable"]


def test_unanswered_syns_and_arp() -> None:
    wire = Wire()
    talk = wire.talk(50000)
    for n in range(13):
        talk.syn(n * 1.5)
    for n in range(5):
        wire.frame(30.0 + n, DEVICE, packet.arp(DEVICE_MAC, DEVICE, "192.168.9.77"), packet.ARP)
    report = wire.report()
    assert serious(report) == ["peer-unreachable"]
    assert "192.168.9.77 answered none of 5 ARP requests" in report.findings[0].summary


def test_one_refused_attempt_before_success_is_info() -> None:
    wire = Wire()
    talk = wire.talk(50000)
    talk.syn(0)
    talk.next[DEVICE] += 1
    talk.rst(0.01, PEER)
    exchange(wire, 50001, 5.0)
    assert told(wire.report()) == [("peer-unreachable", "info")]


def test_storm_of_short_connections() -> None:
    wire = Wire()
    for n in range(40):
        talk = wire.talk(50000 + n).open(n * 2.0)
        talk.send(n * 2 + 0.1, DEVICE)
        talk.rst(n * 2 + 0.2, PEER)
    assert "reconnect-storm" in serious(wire.report())


def test_radio_gone_for_seconds_and_back() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, PEER)
    talk.send(2, PEER, acked=False)
    for at in (2.3, 2.9, 4.1, 6.5):
        talk.resend(at, PEER)
    talk.resend(11.3, PEER, acked=True)
    talk.send(12, DEVICE)
    assert serious(wire.report()) == ["radio-dropout"]


def test_one_lost_packet_is_healthy() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, PEER, acked=False)
    talk.resend(1.3, PEER, acked=True)
    talk.send(2, DEVICE)
    assert told(wire.report()) == []


def test_window_closed_for_a_second_is_healthy() -> None:
    wire = Wire()
    talk = wire.talk(50000).open(0)
    talk.send(1, PEER, 1000)
    talk.window[DEVICE] = 0
    talk.raw(1.2, DEVICE, ACK)
    talk.probe(1.5, PEER, answered=True)
    talk.window[DEVICE] = 5760
    talk.raw(2.0, DEVICE, ACK)
    talk.send(2.1, PEER, 100)
    assert told(wire.report()) == []


def test_rebooted_device_resets_what_it_forgot() -> None:
    wire = Wire()
    old = wire.talk(50000).open(0)
    old.send(1, DEVICE)
    old.send(3, PEER, acked=False)
    for at in (3.3, 3.9, 5.1, 7.5):
        old.resend(at, PEER)
    wire.frame(9, DEVICE, packet.arp(DEVICE_MAC, DEVICE, DEVICE), packet.ARP)
    fresh = wire.talk(50777).open(9.5)
    fresh.send(9.6, DEVICE)
    old.resend(12.3, PEER)
    old.rst(12.31, DEVICE)
    assert set(serious(wire.report())) & {"device-rebooted", "half-open"}
    assert "device-rebooted" in [fault for fault, _ in told(wire.report())]


def test_dhcp_discovers_without_offers() -> None:
    wire = Wire()
    for n in range(4):
        wire.discover(n * 4.0)
    assert serious(wire.report()) == ["dhcp-failed"]


def test_dns_without_answers() -> None:
    wire = Wire()
    for n in range(4):
        wire.query(n * 2.0, "mqtt.example.net", n)
    assert serious(wire.report()) == ["dns-failed"]
