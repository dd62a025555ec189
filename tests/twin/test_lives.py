"""Lives of the link under drawn impairments: none breaks a promise, and planted defects are found."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from halfopen.link import machine
from halfopen.link.policy import NEVER, Policy
from halfopen.link.vitals import Vitals
from halfopen.twin.on_lwip import Link, Socket

#: So many lives at most until a planted defect must have broken a promise.
SEEDS_MAX = 1000
#: As many lives as fit into seconds; ``make soak`` lives many more.
LIVES = 40


@pytest.fixture(scope="module")
def lives(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("fuzz/fuzz_link_in_twin.py")


@pytest.mark.parametrize("first", range(0, LIVES, 10))
def test_no_promise_is_broken(lives: ModuleType, first: int) -> None:
    for seed in range(first, first + 10):
        lives.live(lives.drawn(seed))


def test_a_life_is_the_same_for_one_seed(lives: ModuleType) -> None:
    assert lives.drawn(7) == lives.drawn(7)
    assert lives.drawn(7) != lives.drawn(8)


def _forgets_to_close_after_a_failed_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    close = Socket.close
    dialed = Link._dialed

    def connected(link: Link) -> None:
        link._sock.stood = True
        dialed(link)

    def forgetful(sock: Any) -> None:
        if getattr(sock, "stood", False):
            close(sock)

    monkeypatch.setattr(Link, "_dialed", connected)
    monkeypatch.setattr(Socket, "close", forgetful)


def _has_no_deadline_for_a_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = Policy.deadline_ms

    def patient(policy: Policy, state: str) -> tuple[float, str]:
        return (NEVER, "") if state == machine.DIALING else deadline(policy, state)

    def promised(life: Any, simulation: Any, link: Link) -> None:
        monkeypatch.setattr(Policy, "deadline_ms", deadline)  # what is demanded stays
        judge(life, simulation, link)
        monkeypatch.setattr(Policy, "deadline_ms", patient)

    judge = _judge_of(monkeypatch, promised)
    monkeypatch.setattr(Policy, "deadline_ms", patient)


def _judge_of(monkeypatch: pytest.MonkeyPatch, instead: Callable[..., None]) -> Callable[..., None]:
    module = _LIVES[0]
    judge: Callable[..., None] = module.judge
    monkeypatch.setattr(module, "judge", instead)
    return judge


def _does_not_watch_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Vitals._clocks
    blind = (machine.SEND_STALLED, machine.SEND_EXPIRED)
    monkeypatch.setattr(Vitals, "_clocks", lambda vitals: [c for c in clocks(vitals) if c[1] not in blind])


def _never_asks_a_silent_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Vitals._clocks
    deaf = (machine.SILENCE_NOTICED, machine.SILENCE_EXPIRED)
    monkeypatch.setattr(Vitals, "_clocks", lambda vitals: [c for c in clocks(vitals) if c[1] not in deaf])


def _sets_no_keepalive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Socket, "set", lambda sock, option, value: None)


def _never_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Policy, "pause_before", lambda policy, failures, chance, draining: 86_400_000)


_LIVES: list[ModuleType] = []
DEFECTS = (
    _forgets_to_close_after_a_failed_dial,
    _has_no_deadline_for_a_dial,
    _does_not_watch_progress,
    _never_asks_a_silent_peer,
    _sets_no_keepalive,
    _never_tries_again,
)


@pytest.mark.parametrize("plant", DEFECTS, ids=lambda plant: plant.__name__.strip("_"))
def test_planted_defects_are_found(
    plant: Callable[[pytest.MonkeyPatch], None], lives: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    _LIVES[:] = [lives]
    plant(monkeypatch)
    for seed in range(SEEDS_MAX):
        try:
            lives.live(lives.drawn(seed))
        except lives.Broken:
            print(f"{plant.__name__}: seed {seed}")
            return
    pytest.fail(f"{plant.__name__} was not found in {SEEDS_MAX} lives")
