"""The journal of halfopen's own link is evidence like any other."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import socket
import ssl
import textwrap
from pathlib import Path

import pytest
from rich.console import Console
from tests.diagnose.conftest import events_of
from tests.link.device import echo, peer

from halfopen import findings
from halfopen.diagnose import diagnose, judged
from halfopen.diagnose.events import (
    AddressGot,
    BoundsTold,
    CallFailed,
    CapabilityTold,
    Connected,
    ConnectFailed,
    GateShut,
    HeapSampled,
    HeartbeatAnswered,
    HeartbeatMissed,
    HeartbeatSent,
    LinkLost,
    LinkOnline,
    OrphansSwept,
    PlannedPause,
    PowerSaveSet,
    ResolveFailed,
    SendStalled,
    SocketClosed,
    SocketOpened,
    SocketRefused,
    WifiDropped,
    WifiJoined,
    WifiStarted,
    Woke,
)
from halfopen.diagnose.report import Report
from halfopen.diagnose.report.as_html import as_html
from halfopen.diagnose.report.as_text import report_text
from halfopen.link import journal, machine, policy
from halfopen.link.journal import Change
from halfopen.link.on_asyncio import Link, Policy

RECORDINGS = Path(__file__).parents[1] / "recordings"


def written(*changes: tuple[str, str, str, str], fd: int | None = 54, heap: int | None = 90000) -> str:
    """Lines as the link writes them, one second apart."""
    lines = []
    for number, (before, event, state, cause) in enumerate(changes):
        change = Change(1000 * number, before, event, state, cause, 1, 0, cause != "")
        lines.append(journal.transition_line(change, fd, heap, 30000 if heap else None))
    return "\n".join(lines) + "\n"


def test_what_is_written_is_read_back() -> None:
    log = written(
        ("OPENING", "SOCKET_OPENED", "DIALING", ""),
        ("DIALING", "CONNECTED", "ONLINE", ""),
        ("ONLINE", "SILENCE_NOTICED", "DOUBTED", ""),
        ("DOUBTED", "HEARD", "ONLINE", ""),
        ("ONLINE", "SILENCE_NOTICED", "DOUBTED", ""),
        ("DOUBTED", "SILENCE_EXPIRED", "CLOSING", "silent"),
        ("CLOSING", "SOCKET_CLOSED", "PAUSED", ""),
        ("DIALING", "DIAL_FAILED", "CLOSING", "refused"),
        ("ONLINE", "SOCKET_FAILED", "CLOSING", "reset"),
        ("ONLINE", "SEND_STALLED", "CLOSING", "send-stalled"),
        ("OPENING", "DESCRIPTORS_EXHAUSTED", "PAUSED", "descriptors-exhausted"),
        ("RESOLVING", "NAME_EXPIRED", "PAUSED", "name-timeout"),
    )
    told = [event for event in events_of(log) if event.at.boot is not None]
    kinds = [type(event) for event in told if not isinstance(event, HeapSampled)]
    assert [kind for kind in kinds if kind.__name__ not in ("FirmwareNamed", "LogEnded")] == [
        SocketOpened,
        Connected,
        LinkOnline,
        HeartbeatSent,
        HeartbeatAnswered,
        HeartbeatSent,
        HeartbeatMissed,
        LinkLost,
        SocketClosed,
        ConnectFailed,
        LinkLost,
        CallFailed,
        LinkLost,
        SendStalled,
        LinkLost,
        SocketRefused,
        LinkLost,
        ResolveFailed,
        LinkLost,
    ]
    by_kind = {type(event): event for event in told}
    assert by_kind[SocketOpened].fd == 54  # type: ignore[attr-defined]
    assert by_kind[CallFailed].errno == 104  # type: ignore[attr-defined]
    assert by_kind[ConnectFailed].errno == 111  # type: ignore[attr-defined]
    heaps = [event for event in told if isinstance(event, HeapSampled)]
    assert len(heaps) == 12
    assert (heaps[0].free, heaps[0].largest) == (90000, 30000)


def test_the_articles_heap_line_is_read_too() -> None:
    heap = [e for e in events_of(journal.heap_line(5, 65000, 60000)) if isinstance(e, HeapSampled)]
    assert [(sample.free, sample.minimum) for sample in heap] == [(65000, 60000)]


def test_bounds_are_no_measurement_and_a_strangers_tag_is_read_as_before() -> None:
    bounds = journal.bounds_line(5, [("idle", 20000), ("zero-window", float("inf"))])
    told = events_of(bounds)
    assert not [event for event in told if isinstance(event, (SendStalled, HeapSampled))]
    said = [event for event in told if isinstance(event, BoundsTold)]
    assert [(b.idle_s, b.unacked_s, b.zero_window_s) for b in said] == [(20.0, None, float("inf"))]
    other = events_of("I (10) app: socket created, fd=54\n")
    assert [event for event in other if isinstance(event, SocketOpened)]


def served(*changes: tuple[int, str, str, str, str, int]) -> str:
    """Lines of a guarded server: session, state, event, next state, cause, descriptor; 100 ms apart."""
    lines = []
    for number, (session, before, event, state, cause, fd) in enumerate(changes):
        change = journal.SessionChange(
            100 * number,
            before,
            event,
            state,
            cause,
            0,
            0,
            cause != "",
            session=session,
            peer=f"10.0.0.7:{50000 + session}",
        )
        lines.append(journal.transition_line(change, fd if session else None, 90000, None))
    return "\n".join(lines) + "\n"


def test_a_servers_lines_tell_of_its_descriptors_only() -> None:
    log = served(
        (0, "IDLE", "STARTED", "LISTENING", "", 0),
        (1, "LISTENING", "ACCEPTED", "ONLINE", "", 55),
        (1, "ONLINE", "SILENCE_NOTICED", "DOUBTED", "", 55),
        (1, "DOUBTED", "SILENCE_EXPIRED", "CLOSING", "silent", 55),
        (1, "CLOSING", "SOCKET_CLOSED", "GONE", "", 55),
        (2, "LISTENING", "REFUSED", "PARTING", "crowded", 56),
        (0, "LISTENING", "DESCRIPTORS_EXHAUSTED", "PAUSED", "descriptors-exhausted", 0),
    )
    told = [
        e
        for e in events_of(log)
        if isinstance(e, (SocketOpened, SocketClosed, SocketRefused, HeartbeatMissed))
    ]
    assert [type(event) for event in told] == [SocketOpened, SocketClosed, SocketOpened, SocketRefused]
    opened, closed, _, refused = told
    assert (opened.fd, opened.accepted, opened.peer_port, closed.fd) == (55, True, 50001, 55)  # type: ignore[union-attr]
    assert (refused.errno, refused.accepting) == (23, True)  # type: ignore[union-attr]


def test_a_hostile_peer_is_no_exception() -> None:
    line = "I (1) halfopen: LISTENING -> ONLINE by ACCEPTED fd=5 heap=- block=- cause=- session=1 peer="
    for client in ("", "-", "x:", ":99999999999", "a:٣", "1.2.3.4:5:6"):
        assert [e.peer_port for e in events_of(line + client) if isinstance(e, SocketOpened)] in ([None], [6])


def test_a_guarded_server_under_siege_is_no_sick_device() -> None:
    """A hundred clients that come and vanish, six at a time: nothing leaks, so nothing is found."""
    lines: list[tuple[int, str, str, str, str, int]] = []
    for number in range(1, 101):
        old, new = 55 + (number - 6) % 7, 55 + number % 7
        if number > 6:
            lines.append((number - 6, "ONLINE", "EVICTED", "CLOSING", "evicted", old))
        lines.append((number, "LISTENING", "ACCEPTED", "ONLINE", "", new))
        if number > 6:
            lines.append((number - 6, "CLOSING", "SOCKET_CLOSED", "GONE", "", old))
    assert not judged([("uart.log", events_of(served(*lines)))]).findings


def test_a_server_without_descriptors_is_named_for_what_it_is() -> None:
    log = served(*[(0, "LISTENING", "DESCRIPTORS_EXHAUSTED", "PAUSED", "descriptors-exhausted", 0)] * 3)
    report = judged([("uart.log", events_of(log))])
    assert report.findings[0].code == "HO102"


def test_a_leak_in_the_journal_is_diagnosed() -> None:
    """A driver that opened and never closed would be convicted by its own journal."""
    lines = []
    for number in range(10):
        change = Change(5000 * number, "OPENING", "SOCKET_OPENED", "DIALING", "", number, 0, False)
        lines.append(journal.transition_line(change, 54 + number, 90000 - 2000 * number, 30000))
    change = Change(50000, "OPENING", "DESCRIPTORS_EXHAUSTED", "PAUSED", "descriptors-exhausted", 10, 0, True)
    lines.append(journal.transition_line(change, None, 70000, 30000))
    report = judged([("uart.log", events_of(textwrap.dedent("\n".join(lines))))])
    assert report.findings[0].code == "HO101"
    assert "54 to 63" in report.findings[0].summary


def recorded(name: str) -> Report:
    return diagnose(str(RECORDINGS / f"journals/{name}.log"))


def lines_of(name: str) -> list[str]:
    return (RECORDINGS / f"journals/{name}.log").read_text().splitlines()


def judged_lines(lines: list[str]) -> Report:
    return judged([("uart.log", events_of("\n".join(lines) + "\n"))])


def text_of(report: Report) -> str:
    written = io.StringIO()
    report_text(Console(file=written, width=200, color_system=None), report)
    return re.sub(r"\s+", " ", written.getvalue())


#: What nobody outside the link can see: bytes that come and go, doubts, and steps between two things that are told.
_UNTOLD = {
    "STARTED",
    "HEARD",
    "SEND_ASKED",
    "HEAP_ENOUGH",
    "HEAP_RECHECK_DUE",
    "NAME_RESOLVED",
    "NAME_KNOWN",
    "AGE_REACHED",
    "RELEASED",
    "PARTED",
    "PARTING_EXPIRED",
    "RETRY_SOCKET",
    "RETRY_NAME",
}


@pytest.mark.parametrize("event", sorted({event for _, event in machine.TRANSITIONS} - _UNTOLD))
def test_no_event_of_the_journal_is_lost(event: str) -> None:
    before, (state, _) = next((at, to) for (at, by), to in machine.TRANSITIONS.items() if by == event)
    cause = policy.CAUSE_OF.get(event, "socket-refused" if event == "SOCKET_REFUSED" else "")
    change = Change(5000, before, event, state, cause, 1, 0, False)
    told = events_of(journal.transition_line(change, None, None, None))
    kinds = {type(e).__name__ for e in told} - {"FirmwareNamed", "LogEnded"}
    assert kinds


def test_what_the_radio_and_the_port_do_is_read_from_a_board() -> None:
    told = events_of("\n".join([*lines_of("wifi-lost-often"), *lines_of("names-dead")]))
    count = {kind: sum(type(e) is kind for e in told) for kind in {type(e) for e in told}}
    assert count[WifiDropped] == 12, "six losses and six failed joins"
    assert count[WifiStarted] >= 13
    assert count[WifiJoined] >= 7
    assert count[AddressGot] >= 7
    assert count[CapabilityTold] == 2
    assert count[PowerSaveSet] >= 1
    assert [e.kind for e in told if isinstance(e, PlannedPause)] == ["bounce", "reboot"]
    starved = [e for e in events_of("\n".join(lines_of("heap-starved"))) if isinstance(e, GateShut)]
    assert [(e.free, e.largest) for e in starved if e.given_up] == [(20000, 9000)] * 4
    slept = events_of("\n".join(lines_of("slept-and-woke")))
    assert [type(e) for e in slept if isinstance(e, (PlannedPause, Woke))] == [PlannedPause, Woke] * 2


#: As regular expressions: whoever records the journals again gets other tenths of seconds.
SURVIVED = {
    "noticed-and-recovered": (
        "HO201",
        r"noticed in 20\.\d s \(bound 20\.0 s\), recovered in \d\.\d s \(bound 175\.5 s\)",
    ),
    "board-noticed-and-recovered": (
        "HO201",
        r"noticed in 20\.\d s \(bound 20\.0 s\), recovered in \d\.\d s",
    ),
    "stalled-and-recovered": ("HO201", r"noticed in 18\.\d s \(bound 42\.1 s\), recovered in \d\.\d s"),
    "board-stalled-and-recovered": ("HO203", r"noticed in 20\.\d s \(bound 21\.0 s\), recovered in \d\.\d s"),
    "server-restarts": ("HO206", r"recovered in [\d.]+ s after \d failed attempts"),
    "wifi-lost-with-reasons": (
        "HO405",
        r"twice \(reason 200 BEACON_TIMEOUT\)\. The link got over each: recovered within \d\.\d s",
    ),
}


@pytest.mark.parametrize("name", SURVIVED)
def test_a_loss_noticed_within_the_bound_and_recovered_from_is_info(name: str) -> None:
    code, figures = SURVIVED[name]
    found = next(f for f in recorded(name).findings if f.code == code)
    assert found.severity == "info"
    assert re.search(figures, found.summary)


WORSE = {
    "again-and-again": ("HO201", "error", "lost its connection 7 times within 36 s"),
    "never-back": ("HO201", "error", "not back when the log ended, 25 s and 6 failed attempts later"),
    "heap-starved": ("HO603", "error", "gave up 4 times waiting for heap: down to 20000 bytes"),
    "block-short": ("HO602", "error", "90000 bytes were free, but the largest block was 2000"),
    "blind": ("HO202", "warning", "nothing on it can notice a dead peer"),
    "no-lease": ("HO501", "error", "3 waits for an address ended without a lease"),
    "names-dead": ("HO502", "error", "1 Wi-Fi restart and 1 reboot on request later"),
}


@pytest.mark.parametrize("name", WORSE)
def test_what_the_link_did_not_get_over_is_as_bad_as_ever(name: str) -> None:
    code, severity, figures = WORSE[name]
    leading = recorded(name).findings[0]
    assert (leading.code, leading.severity) == (code, severity)
    assert figures in leading.summary


def test_a_log_that_ends_with_the_loss_tells_nothing_of_the_way_back() -> None:
    lines = lines_of("noticed-and-recovered")
    lost = next(n for n, line in enumerate(lines) if "SILENCE_EXPIRED" in line)
    found = judged_lines(lines[: lost + 1]).findings[0]
    assert found.code == "HO201"
    assert "the log ends with the loss: what became of it is not told" in found.summary


def test_noticed_too_late_or_back_too_late_is_an_error() -> None:
    lines = lines_of("noticed-and-recovered")
    late = judged_lines([re.sub(r"quiet=\d+", "quiet=48000", line) for line in lines]).findings[0]
    assert (late.code, late.severity) == ("HO201", "error")
    assert "noticed after 48.0 s, later than its bound of 20.0 s" in late.summary
    untold = judged_lines([re.sub(r" quiet=\d+", "", line) for line in lines]).findings[0]
    assert untold.severity == "error"
    lost = next(n for n, line in enumerate(lines) if "SILENCE_EXPIRED" in line)
    slow = [
        *lines[: lost + 2],
        *(re.sub(r"\((\d+)\)", lambda m: f"({int(m[1]) + 300000})", x) for x in lines[lost + 2 :]),
    ]
    back = judged_lines(slow).findings[0]
    assert (back.code, back.severity) == ("HO201", "error")
    assert "back only after 5 min, its pauses and deadlines allow 175.5 s" in back.summary


CAPABLE = "I (0) halfopen: capability stack={} keepalive={} user_timeout=no linger=no shutdown=yes pollhup=no wifi=no reboot=no"
INFINITE = float("inf")


@pytest.mark.parametrize(
    ("stack", "keepalive", "idle", "unacked", "cause", "severity", "figure"),
    [
        (
            "lwip",
            "tuned",
            19500,
            19500,
            "ECONNABORTED",
            "info",
            "own timers, which take 19.5 s at most, recovered",
        ),
        (
            "linux",
            "tuned",
            41600,
            22100,
            "stack-timeout",
            "info",
            "own timers, which take 41.6 s at most, recovered",
        ),
        # nothing but retransmissions notices what is never acknowledged
        (
            "other",
            "tuned",
            21400,
            INFINITE,
            "stack-timeout",
            "error",
            "gave it up 47.2 s after the last byte was heard",
        ),
        ("lwip", "none", INFINITE, INFINITE, "ECONNABORTED", "error", "less than the link's bound of 30.0 s"),
        # a heartbeat counts bytes heard: its silence is the link's own
        (
            "lwip",
            "tuned",
            19500,
            19500,
            "silent",
            "error",
            "noticed after 47.2 s, later than its bound of 19.5 s",
        ),
    ],
)
def test_what_the_link_did_not_hear_cannot_show_that_the_stack_was_late(
    stack: str, keepalive: str, idle: float, unacked: float, cause: str, severity: str, figure: str
) -> None:
    """A client that only sends hears nothing for 47 s; ACKs came until 19 s before keepalive gave the peer up."""
    by = "SILENCE_EXPIRED" if cause == "silent" else "SOCKET_FAILED"
    lost = Change(48000, "ONLINE", by, "CLOSING", cause, 1, 0, True, 47178)
    back = Change(49000, "DIALING", "CONNECTED", "ONLINE", "", 2, 0, False)
    lines = [
        CAPABLE.format(stack, keepalive),
        journal.bounds_line(0, [("idle", idle), ("unacked", unacked)]),
        *(journal.transition_line(change, 54, None, None) for change in (lost, back)),
    ]
    found = next(f for f in judged_lines(lines).findings if f.code == "HO201")
    assert found.severity == severity
    assert figure in found.summary
    soon = [line.replace("quiet=47178", "quiet=18200") for line in lines]
    assert "noticed in 18.2 s" in next(f for f in judged_lines(soon).findings if f.code == "HO201").summary


@pytest.mark.parametrize(
    ("back_s", "severity", "figure"),
    [
        (120, "info", "the link got over it: recovered in 2 min after 10 failed attempts (bound 175.5 s)"),
        (200, "error", "back only after 3 min, its pauses and deadlines allow 175.5 s"),
    ],
)
def test_attempts_that_fail_are_an_episode_however_many_where_the_link_is_back_in_time(
    back_s: int, severity: str, figure: str
) -> None:
    at = [1000, 1900, 3100, 5400, 9000, 15000, 27000, 45000, 70000, 98000]
    changes = [
        Change(ms, "DIALING", "DIAL_FAILED", "CLOSING", "refused", n, 0, True) for n, ms in enumerate(at, 1)
    ]
    changes.append(Change(1000 + 1000 * back_s, "DIALING", "CONNECTED", "ONLINE", "", 11, 0, False))
    lines = [journal.bounds_line(0, [("idle", 19500)])]
    lines += [journal.transition_line(change, 54, None, None) for change in changes]
    found = next(f for f in judged_lines(lines).findings if f.code == "HO206")
    assert found.severity == severity
    assert figure in found.summary


def test_four_losses_an_hour_pass_and_five_do_not() -> None:
    def lives(gap_s: int, losses: int) -> str:
        lines = [journal.bounds_line(0, [("idle", 20000)])]
        for number in range(losses):
            at = 30000 + 1000 * gap_s * number
            lost = Change(at, "DOUBTED", "SILENCE_EXPIRED", "CLOSING", "silent", 1, 0, True, 20010)
            back = Change(at + 900, "DIALING", "CONNECTED", "ONLINE", "", 1, 0, False)
            lines += [journal.transition_line(change, 54, None, None) for change in (lost, back)]
        return "\n".join(lines)

    severities = {
        (gap_s, losses): judged([("uart.log", events_of(lives(gap_s, losses)))]).findings[0].severity
        for gap_s, losses in ((600, 4), (600, 5), (1000, 12))
    }
    assert severities == {(600, 4): "info", (600, 5): "error", (1000, 12): "info"}


def test_why_the_wifi_went_stays_open_and_the_report_says_so() -> None:
    report = recorded("wifi-lost-often")
    assert not report.findings
    assert report.undecided[0].faults == ("HO405", "HO401", "HO402", "HO410")
    assert "lost 6 times and 6 attempts to join failed" in report.undecided[0].next
    told = text_of(report)
    assert "The Wi-Fi was lost 6 times and joining failed 6 times, and this log cannot say why." in told
    assert "Nothing wrong" not in told
    assert "this log cannot say why." in as_html(report)


@pytest.mark.parametrize(("stack", "family"), [("lwip", "micropython"), ("linux", "cpython")])
def test_a_link_on_lwip_is_on_no_computer_even_where_its_sockets_have_shutdown(
    stack: str, family: str
) -> None:
    boot = ["rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"] if stack == "lwip" else []
    journal_lines = written((machine.IDLE, machine.STARTED, machine.JOINING, "")).splitlines()
    report = judged_lines([*boot, CAPABLE.format(stack, "tuned"), *journal_lines])
    assert [device.firmware for device in report.devices] == [family]


def test_a_link_that_did_its_work_is_told_so() -> None:
    report = recorded("noticed-and-recovered")
    sentence = r"The link noticed a loss in 20\.\d s and recovered in \d\.\d s\."
    page = as_html(report)
    assert re.search(sentence, text_of(report))
    assert re.search(sentence, page)
    assert "Nothing needs to be done." in page
    assert not report.undecided


def test_a_user_of_the_link_is_not_told_to_build_one() -> None:
    for name in ("never-back", "blind", "heap-starved", "again-and-again"):
        report = recorded(name)
        assert report.devices[0].firmware in ("cpython", "micropython")
        told = text_of(report)
        assert "[halfopen.link]" in told
        assert "setsockopt" not in told + as_html(report)
        assert report.findings[0].remedy.summary == findings.fault(report.findings[0].code).for_link


def test_a_reboot_the_link_asked_for_is_no_crash() -> None:
    again = lines_of("noticed-and-recovered")
    asked = judged_lines([*lines_of("names-dead"), *again])
    assert "HO205" not in [f.code for f in asked.findings]
    unasked = judged_lines([*[x for x in lines_of("never-back") if "STOPPED" not in x], *again])
    assert "HO205" in [f.code for f in unasked.findings]
    stopped = judged_lines([*lines_of("again-and-again"), *again])
    assert "HO205" not in [f.code for f in stopped.findings]


async def _live(
    lines: list[str], port: int, seconds: float, *, tls: bool = False, orphan: bool = False
) -> None:
    link = Link(
        "127.0.0.1",
        port,
        say=lines.append,
        tls=ssl.create_default_context() if tls else None,
        memory=lambda: (None, None),
        policy=Policy(pause_ms=10, backoff_ms=10, backoff_max_ms=50),
    )
    if orphan:
        link.ledger.enter(socket.socket(), "left behind")
    with contextlib.suppress(TimeoutError):
        async with link:
            await asyncio.wait_for(anext(aiter(link)), seconds)


def test_orphans_that_a_sweep_closed_are_told() -> None:
    lines: list[str] = []
    with peer(echo) as port:
        asyncio.run(_live(lines, port, 5, orphan=True))
    told = events_of("\n".join(lines))
    assert [e.count for e in told if isinstance(e, OrphansSwept)] == [1]
    found = judged([("uart.log", told)]).findings
    assert [(f.code, f.severity) for f in found] == [("HO101", "info")]
    assert "1 descriptor open that nothing used any more" in found[0].summary


def test_tls_that_fails_is_an_unreachable_peer_and_an_open_question() -> None:
    lines: list[str] = []
    with peer(echo) as port:
        asyncio.run(_live(lines, port, 0.5, tls=True))
    report = judged_lines(lines)
    assert report.findings[0].code == "HO206"
    assert "the TLS handshake was refused" in report.findings[0].summary
    assert [doubt.faults for doubt in report.undecided] == [("HO206", "HO604")]


def test_a_request_without_an_answer_is_told() -> None:
    lines = [journal.bounds_line(0, [("idle", 20000)])]
    for at, before, event, state, cause in (
        (9000, "ONLINE", "ANSWER_EXPIRED", "CLOSING", "unanswered"),
        (9700, "DIALING", "CONNECTED", "ONLINE", ""),
    ):
        change = Change(at, before, event, state, cause, 1, 0, cause != "", 3000 if cause else None)
        lines.append(journal.transition_line(change, 54, None, None))
    found = judged_lines(lines).findings
    assert [(f.code, f.severity) for f in found] == [("HO201", "info")]
    assert "the peer left 1 request unanswered for as long as the program waits" in found[0].summary


def test_bounds_of_a_server_are_not_the_links() -> None:
    blind = [("idle", float("inf"))]
    started = journal.SessionChange(0, "IDLE", "STARTED", "LISTENING", "", 0, 0, False)
    server = [journal.bounds_line(0, blind), journal.transition_line(started, None, None, None)]
    assert not judged_lines(server).findings
    assert not judged_lines([journal.bounds_line(0, [("idle", 20000)]), *server]).findings
    assert [f.code for f in judged_lines([*server, journal.bounds_line(0, blind)]).findings] == ["HO202"]


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "INFO:halfopen.link:",
        "WARNING:halfopen.link:",
        "INFO halfopen.link: ",
        "halfopen.link: ",
        "halfopen.link - INFO - ",
        "2026-11-26 09:00:01,123 INFO halfopen.link: ",
        "2026-11-26 09:00:01,123 - halfopen.link - WARNING - ",
    ],
)
def test_a_journal_that_pythons_logging_wrote_is_read_alike(prefix: str) -> None:
    line = "W (81234) halfopen: DOUBTED -> CLOSING by SILENCE_EXPIRED fd=7 heap=90000 block=- cause=silent attempt=1 epoch=0 quiet=20000"
    told = [(type(event), event.at.boot) for event in events_of(prefix + line)]
    assert told == [(type(event), event.at.boot) for event in events_of(line)]
    assert HeartbeatMissed in [kind for kind, _ in told]
