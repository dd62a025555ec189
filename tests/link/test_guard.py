"""The server side's decisions: whatever clients do, the newest is served or told, and the reserve is kept."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.link.guard_laws import ENFILE, POLICY, STEPS, World

from halfopen.link import guard as g
from halfopen.link import machine as m
from halfopen.link.capability import CAUSES, Capability
from halfopen.link.policy import NEVER, Policy

Steps = list[tuple[str, int, int]]
HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 9), st.sampled_from([0, 1, 90, 400, 999, 1000, 5000])),
    max_size=80,
)


def live(steps: Steps, **options: Any) -> World:
    world = World(**options)
    for what, number, milliseconds in steps:
        world.step(what, number, milliseconds)
    world.end()
    return world


@given(steps=HAPPENINGS, expects_answers=st.booleans(), patience_ms=st.sampled_from([0, 1000]))
@settings(max_examples=300, deadline=None)
def test_the_laws_hold_in_any_order(steps: Steps, expects_answers: bool, patience_ms: int) -> None:
    live(steps, expects_answers=expects_answers, patience_ms=patience_ms)


def by_chance(seed: int) -> Steps:
    chance = random.Random(seed)
    return [
        (chance.choice(STEPS), chance.randrange(10), chance.choice([0, 1, 90, 400, 999, 1000]))
        for _ in range(120)
    ]


def many_lives(count: int) -> None:
    for seed in range(count):
        live(by_chance(seed))


def forgets_the_cap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(g, "verdict", lambda *_: g.ACCEPTED)


def never_evicts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(g, "verdict", lambda serving, cap, *_: g.ACCEPTED if serving < cap else g.REFUSED)


def has_no_patience(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(g, "verdict", lambda serving, cap, *_: g.ACCEPTED if serving < cap else g.EVICTED)


def evicts_while_there_is_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        g,
        "verdict",
        lambda serving, cap, idle, patience, _: g.EVICTED if serving and idle >= patience
        else g.ACCEPTED if serving < cap else g.REFUSED,
    )  # fmt: skip


def evicts_the_liveliest(patch: pytest.MonkeyPatch) -> None:
    sound = g.Guard._in
    patch.setattr(g.Guard, "_in", lambda self, states: sound(self, states)[::-1])


def clears_no_door(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(g.Guard, "room", lambda self, now: [])


def forgets_to_close(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(g.SESSION, (m.ONLINE, g.EVICTED), (m.CLOSING, ()))


def parts_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(g.SESSION, (g.PARTING, m.PARTING_EXPIRED), (g.PARTING, ()))


def stops_listening(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(g.DOOR, (g.LISTENING, m.PCBS_EXHAUSTED), (m.IDLE, (g.CLOSE_LISTENER,)))


def spins(patch: pytest.MonkeyPatch) -> None:
    sound = g.Guard.listen_failed

    def failed(self: g.Guard, code: int, now: int) -> g.Effects:
        effects = sound(self, code, now)
        self._resume_at = now
        return effects

    patch.setattr(g.Guard, "listen_failed", failed)


def gives_up_on_descriptors(patch: pytest.MonkeyPatch) -> None:
    sound = g.Guard.listen_failed
    patch.setattr(g.Guard, "listen_failed", lambda self, code, now: sound(self, 105, now))


def counts_twice(patch: pytest.MonkeyPatch) -> None:
    sound = g.Guard.accepted

    def accepted(self: g.Guard, *told: Any) -> tuple[g.Session, g.Effects]:
        self.opened += 1
        return sound(self, *told)

    patch.setattr(g.Guard, "accepted", accepted)


DEFECTS = [
    forgets_the_cap, never_evicts, has_no_patience, evicts_while_there_is_room, evicts_the_liveliest, clears_no_door,
    forgets_to_close, parts_for_ever, stops_listening, spins, gives_up_on_descriptors, counts_twice,
]  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_a_planted_defect_is_found(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    many_lives(20)
    defect(monkeypatch)
    with pytest.raises((AssertionError, IndexError, KeyError)):
        many_lives(200)


class TestNumbers:
    def test_the_cap_leaves_the_reserve_the_listener_and_the_door(self) -> None:
        assert g.session_cap(g.ESP32_SOCKETS, 2) == 6
        assert g.session_cap(16, 0) == 14

    @pytest.mark.parametrize(("sockets", "reserve"), [(4, 2), (10, 8), (10, -1), (2, 0)])
    def test_what_leaves_no_session_is_refused(self, sockets: int, reserve: int) -> None:
        with pytest.raises(ValueError, match="session"):
            g.session_cap(sockets, reserve)

    @pytest.mark.parametrize(
        "wrong", [{"cap": 0}, {"cap": 2, "patience_ms": -1}, {"cap": 2, "patience_ms": float("nan")}]
    )
    def test_impossible_limits_are_refused(self, wrong: dict[str, float]) -> None:
        with pytest.raises(ValueError, match="<"):
            g.Guard(POLICY, Capability(), observe=lambda *_: None, **wrong)  # type: ignore[arg-type]

    @pytest.mark.parametrize("cause", CAUSES)
    def test_the_bound_is_the_links_own(self, cause: str) -> None:
        able = Capability(stack="lwip")
        guard = g.Guard(POLICY, able, cap=1, expects_answers=True, observe=lambda *_: None)
        assert guard.bound_ms(cause) == able.notices_ms(cause, POLICY, True)


class TestVerdict:
    @pytest.mark.parametrize(
        ("serving", "idle_ms", "heap", "verdict"),
        [
            (0, 0, m.HEAP_ENOUGH, g.ACCEPTED),
            (5, 9999, m.HEAP_ENOUGH, g.ACCEPTED),
            (6, 1000, m.HEAP_ENOUGH, g.EVICTED),
            (6, 999, m.HEAP_ENOUGH, g.REFUSED),
            (0, 0, m.HEAP_SHORT, g.REFUSED),
            (6, 9999, m.HEAP_SHORT, g.REFUSED),
        ],
    )
    def test_every_case(self, serving: int, idle_ms: int, heap: str, verdict: str) -> None:
        assert g.verdict(serving, 6, idle_ms, 1000, heap) == verdict


class TestLives:
    def test_a_closed_heap_gate_refuses_politely_and_says_why(self) -> None:
        world = World()
        ticket = world.ledger.enter(object(), "session")
        session, effects = world.core.accepted("client", ticket, 0, 10_000, 5_000)
        assert effects == [(g.SAY_FAREWELL, session)]
        assert (session.state, session.cause) == (g.PARTING, "heap-low")

    def test_the_listener_is_made_anew_when_it_breaks(self) -> None:
        world = World()
        world.step("broken listener", 0, 0)
        assert (world.core.state, world.listener) == (m.PAUSED, 0)
        world.step("wait", 0, POLICY.pause_ms)
        assert world.core.state == g.LISTENING
        assert world.listener

    def test_without_descriptors_the_one_that_parts_goes_first(self) -> None:
        world = World()
        for _ in range(3):
            world.step("come", 0, 0)
        world.step("release", 2, 2000)
        world.fail(ENFILE)
        assert [s.state for s in world.core.sessions.values()] == [m.ONLINE, m.ONLINE]

    def test_a_slow_client_is_told_apart_from_a_silent_one(self) -> None:
        """A byte now and then is no silence: that is what the handler's own deadline is for."""
        world = World()
        world.step("come", 0, 0)
        session = world.served[0]
        session.vitals.expects_answer_by(5000)
        for _ in range(4):
            world.step("say", 0, 1000)
        assert session.state == m.ONLINE
        world.step("say", 0, 1000)
        assert session.cause == "unanswered"

    def test_age_ends_even_a_lively_session(self) -> None:
        world = World()
        world.step("come", 0, 0)
        for _ in range(21):
            world.step("say", 0, 1000)
        assert world.served[0].cause == "aged"
        assert Policy().age_ms == NEVER  # asked for, never a surprise
