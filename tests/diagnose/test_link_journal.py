"""The journal of halfopen's own link is evidence like any other."""

from __future__ import annotations

import textwrap

from tests.diagnose.conftest import events_of

from halfopen.diagnose import judged
from halfopen.diagnose.events import (
    CallFailed,
    Connected,
    ConnectFailed,
    HeapSampled,
    HeartbeatAnswered,
    HeartbeatMissed,
    HeartbeatSent,
    ResolveFailed,
    SendStalled,
    SocketClosed,
    SocketOpened,
    SocketRefused,
)
from halfopen.link import journal
from halfopen.link.journal import Change


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
        HeartbeatSent,
        HeartbeatAnswered,
        HeartbeatSent,
        HeartbeatMissed,
        SocketClosed,
        ConnectFailed,
        CallFailed,
        SendStalled,
        SocketRefused,
        ResolveFailed,
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
    assert not [event for event in events_of(bounds) if isinstance(event, (SendStalled, HeapSampled))]
    other = events_of("I (10) app: socket created, fd=54\n")
    assert [event for event in other if isinstance(event, SocketOpened)]


def served(*changes: tuple[int, str, str, str, str, int]) -> str:
    """Lines of a guarded server: session, state, event, next state, cause, descriptor; 100 ms apart."""
    lines = []
    for number, (session, before, event, state, cause, fd) in enumerate(changes):
        change = Change(
            100 * number,
            before,
            event,
            state,
            cause,
            0,
            0,
            cause != "",
            session,
            f"10.0.0.7:{50000 + session}",
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
    for peer in ("", "-", "x:", ":99999999999", "a:٣", "1.2.3.4:5:6"):
        assert [e.peer_port for e in events_of(line + peer) if isinstance(e, SocketOpened)] in ([None], [6])


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
