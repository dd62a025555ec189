"""The table keeps its laws, and a defect planted in it is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.link import laws

from halfopen.link import machine as m
from halfopen.link import page

Row = tuple[str, str]
Rows = dict[Row, tuple[str, tuple[str, ...]]]


def test_the_table_keeps_every_law() -> None:
    assert laws.broken_laws(m.TRANSITIONS) == []


def test_stages_are_the_articles_and_hold_every_state() -> None:
    assert [name for name, _ in m.STAGES[1:]] == [
        "Initialize Wi-Fi",
        "Check System Heap",
        "Instantiate Socket",
        "Monitor and Transmit",
        "Close Socket & Free FD",
    ]
    mentioned = {state for state, _ in m.TRANSITIONS} | {after for after, _ in m.TRANSITIONS.values()}
    assert mentioned == set(laws.STATES)
    assert all(m.stage(state) for state in laws.STATES)


def test_names_are_their_own_values() -> None:
    """What a journal prints is what the source calls it."""
    for name in dir(m):
        if name.isupper() and isinstance(value := getattr(m, name), str):
            assert value == name


def test_an_impossible_event_names_itself_its_state_and_what_was_possible() -> None:
    with pytest.raises(m.ImpossibleEvent) as raised:
        m.step(m.CLOSING, m.SEND_ASKED)
    assert (raised.value.event, raised.value.state) == (m.SEND_ASKED, m.CLOSING)
    assert m.SOCKET_CLOSED in raised.value.possible
    for word in (m.SEND_ASKED, m.CLOSING, *raised.value.possible):
        assert word in str(raised.value)


def test_a_name_that_is_no_state_has_no_stage() -> None:
    with pytest.raises(ValueError, match="HALFWAY"):
        m.stage("HALFWAY")


def without(effects: tuple[str, ...], dropped: str) -> tuple[str, ...]:
    return tuple(effect for effect in effects if effect != dropped)


def defects() -> Iterator[tuple[str, Row, tuple[str, tuple[str, ...]] | None]]:
    """Every defect of every kind, each planted in every row that can carry it; ``None`` drops the row."""
    for row, (after, effects) in m.TRANSITIONS.items():
        state, event = row
        if m.CLOSE_SOCKET in effects:
            yield "a close is forgotten", row, (after, without(effects, m.CLOSE_SOCKET))
            yield "the pause is skipped", row, (m.GATED, (*effects, m.CHECK_HEAP))
        else:
            yield "a close of what is not held", row, (after, (*effects, m.CLOSE_SOCKET))
        if state not in (m.ONLINE, m.DOUBTED):
            yield "a send before gate and connect", row, (after, (*effects, m.SEND_BYTES))
        if m.SWEEP in effects and m.OPEN_SOCKET in effects:
            yield "a dial without a sweep", row, (after, (m.OPEN_SOCKET,))
            yield "the sweep comes after the dial", row, (after, (m.OPEN_SOCKET, m.SWEEP))
        if m.CHECK_HEAP in effects and state != m.GATED:
            yield "the gate is passed by", row, (m.RESOLVING, (m.RESOLVE_NAME,))
        if event in (*laws.FAILURES.get(state, ()), m.STOPPED) and state not in (m.IDLE, m.ASLEEP):
            if event != m.STOPPED:
                yield "a failure leaves the machine where it was", row, (state, ())
            yield "a failure is not taken", row, None
        if state == m.PAUSED and event.startswith("RETRY"):
            yield "a retry is not taken", row, None
        if m.OPEN_SOCKET not in effects and after in (m.CLOSING, m.PAUSED):
            yield "a dial before the close", row, (after, (m.OPEN_SOCKET, *effects))


DEFECTS = list(defects())


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in DEFECTS}))
def test_a_planted_defect_is_found(kind: str) -> None:
    planted = [(row, changed) for other, row, changed in DEFECTS if other == kind]
    assert planted
    survived = []
    for row, changed in planted:
        table: Rows = dict(m.TRANSITIONS)
        if changed is None:
            del table[row]
        else:
            table[row] = changed
        if not laws.broken_laws(table):
            survived.append((row, changed))
    assert survived == []


def test_the_page_was_drawn_from_this_table() -> None:
    written = Path(__file__).parents[2] / "docs" / "internals" / "machine.md"
    assert written.read_text(encoding="utf-8") == page.page(), "run make machine"
