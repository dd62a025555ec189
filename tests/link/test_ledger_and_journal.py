"""Ownership of descriptors, and lines that are read back as they were written."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from halfopen.link import journal
from halfopen.link.host import ComputersLedger
from halfopen.link.journal import Change, SessionChange
from halfopen.link.ledger import Ledger


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def identity(sock: socket.socket) -> tuple[int, int] | None:
    try:
        stat = os.fstat(sock.fileno())
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


class TestLedger:
    def test_a_sweep_closes_what_it_knows_and_nothing_else(self) -> None:
        stranger = socket.socket()
        ledger = ComputersLedger(identity)
        mine = [socket.socket() for _ in range(5)]
        tickets = [ledger.enter(sock, "tcp") for sock in mine]
        assert ledger.sweep(keep=tickets[2]) == 4
        assert [sock.fileno() >= 0 for sock in mine] == [False, False, True, False, False]
        assert stranger.fileno() >= 0
        assert ledger.purposes() == ["tcp"]
        assert ledger.sweep() == 1
        assert (len(ledger), ledger.opened, ledger.closed, ledger.swept) == (0, 5, 5, 5)
        stranger.close()

    def test_closing_twice_closes_once(self) -> None:
        ledger = Ledger()
        ticket = ledger.enter(socket.socket(), "tcp")
        assert ledger.close(ticket)
        assert not ledger.close(ticket)
        assert (ledger.opened, ledger.closed) == (1, 1)

    def test_a_number_that_a_stranger_took_over_is_not_closed(self) -> None:
        ledger = ComputersLedger(identity)
        lost = socket.socket()
        ticket = ledger.enter(lost, "tcp")
        number = lost.fileno()
        os.close(number)  # somebody closes behind the ledger's back …
        reader, writer = os.pipe()  # … and the number goes to a stranger
        assert number in (reader, writer)
        ledger.close(ticket)
        os.fstat(reader)
        os.fstat(writer)
        os.close(reader)
        os.close(writer)

    def test_a_close_that_fails_still_frees(self) -> None:
        ledger = Ledger()
        sock = socket.socket()
        ticket = ledger.enter(sock, "tcp")
        os.close(sock.fileno())
        assert ledger.close(ticket)
        assert len(ledger) == 0


class TestJournal:
    CHANGE = Change(81234, "ONLINE", "SEND_STALLED", "CLOSING", "send-stalled", 3, 1, True)

    def test_a_transition_reads_back_as_written(self) -> None:
        line = journal.transition_line(self.CHANGE, 54, 81920, 45056)
        assert line == (
            "W (81234) halfopen: ONLINE -> CLOSING by SEND_STALLED fd=54 heap=81920 block=45056"
            " cause=send-stalled attempt=3 epoch=1"
        )
        entry = journal.read("halfopen", line.split(": ", 1)[1])
        assert entry is not None
        assert (entry.before, entry.state, entry.event, entry.cause) == (
            "ONLINE",
            "CLOSING",
            "SEND_STALLED",
            "send-stalled",
        )
        assert (entry.fd, entry.heap, entry.block, entry.attempt, entry.epoch) == (54, 81920, 45056, 3, 1)

    def test_a_servers_line_names_session_and_client(self) -> None:
        change = SessionChange(
            7, "ONLINE", "EVICTED", "CLOSING", "evicted", 0, 0, True, session=12, peer="10.0.0.7:51234"
        )
        line = journal.transition_line(change, 54, None, None)
        assert line == (
            "W (7) halfopen: ONLINE -> CLOSING by EVICTED fd=54 heap=- block=- cause=evicted"
            " session=12 peer=10.0.0.7:51234"
        )
        entry = journal.read("halfopen", line.split(": ", 1)[1])
        assert entry is not None
        assert (entry.session, entry.peer, entry.attempt) == (12, "10.0.0.7:51234", None)

    def test_what_a_port_cannot_tell_reads_back_as_unknown(self) -> None:
        line = journal.transition_line(
            Change(1, "IDLE", "STARTED", "JOINING", "", 0, 0, False), None, None, None
        )
        entry = journal.read("halfopen", line.split(": ", 1)[1])
        assert entry is not None
        assert (entry.fd, entry.heap, entry.block, entry.cause) == (None, None, None, "")

    @pytest.mark.parametrize(
        ("tag", "message"),
        [
            ("wifi", "ONLINE -> CLOSING by X"),
            ("halfopen", "bounds idle=20.0s"),
            ("halfopen", ""),
            ("halfopen", "a -> b"),
        ],
    )
    def test_other_lines_are_left_alone(self, tag: str, message: str) -> None:
        assert journal.read(tag, message) is None

    def test_damage_is_no_exception(self) -> None:
        entry = journal.read(
            "halfopen", "A -> B by C fd=٣ heap=99999999999999999999 block=-1 attempt= epoch cause"
        )
        assert entry is not None
        assert (entry.fd, entry.heap, entry.block, entry.attempt, entry.epoch) == (None,) * 5

    def test_bounds_say_when_nothing_can_notice(self) -> None:
        assert (
            journal.bounds_line(5, [("idle", 20000), ("zero-window", float("inf"))])
            == "W (5) halfopen: bounds idle=20.0s zero-window=infinite"
        )
        assert journal.bounds_line(5, [("idle", 20000)]).startswith("I ")
