"""The keeper: gates, clocks, pauses and escalation, and whatever order the world chooses."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from halfopen.link import machine as m
from halfopen.link import policy as p
from halfopen.link.capability import CAUSES, Capability
from halfopen.link.journal import Change
from halfopen.link.keeper import Keeper
from halfopen.link.options import LinuxCapability
from halfopen.link.policy import NEVER, Policy

LINUX = LinuxCapability(
    stack="linux", keepalive="tuned", user_timeout=True, linger=True, shutdown=True, pollhup=True
)
LWIP = Capability(stack="lwip", keepalive="tuned", wifi=True, reboot=True)
MICROPYTHON = Capability(stack="lwip", wifi=True, reboot=True)


class Kept:
    """A keeper with a clock of its own and the changes it told."""

    def __init__(
        self, able: Capability = LWIP, chance: float = 0.0, tls: bool = False, **limits: Any
    ) -> None:
        self.now, self.tls = 0, tls
        self.changes: list[Change] = []
        answers = limits.pop("expects_answers", True)
        self.keeper = Keeper(
            Policy(**limits),
            able,
            expects_answers=answers,
            chance=lambda: chance,
            observe=self.changes.append,
        )

    def on(self, *events: str, cause: str = "") -> tuple[str, ...]:
        effects: tuple[str, ...] = ()
        for event in events:
            effects = self.keeper.on(event, self.now, cause)
        return effects

    def gate(self, free: int | None, largest: int | None) -> str:
        return self.keeper.policy.gate(free, largest, self.tls)

    def queued(self, size: int, now: int) -> None:
        assert self.keeper.vitals is not None
        self.keeper.vitals.bytes_queued(size, now)

    def wait(self) -> tuple[str, ...]:
        """Let time pass to the next deadline."""
        assert self.keeper.wake_at() < NEVER
        self.now = max(self.now, int(self.keeper.wake_at()))
        return self.keeper.tick(self.now)

    def to(self, state: str) -> Kept:
        way = {
            m.IDLE: m.STARTED,
            m.JOINING: m.JOINED,
            m.LEASING: m.LEASE_OBTAINED,
            m.GATED: m.HEAP_ENOUGH,
            m.RESOLVING: m.NAME_KNOWN,
            m.OPENING: m.SOCKET_OPENED,
            m.DIALING: m.CONNECTED,
            m.CLOSING: m.SOCKET_CLOSED,
        }
        while self.keeper.state != state:
            if self.keeper.state == m.PAUSED:
                self.wait()
            else:
                self.on(way[self.keeper.state])
        return self


def lose(kept: Kept, cause: str = p.RESET) -> str:
    """One whole failed connection; the event that ends the pause after it."""
    kept.to(m.ONLINE).on(m.SOCKET_FAILED, m.SOCKET_CLOSED, cause=cause)
    kept.wait()
    return kept.changes[-1].event


class TestTheGate:
    def test_the_articles_32_kilobytes_open_it(self) -> None:
        kept = Kept().to(m.GATED)
        assert kept.on(kept.gate(32 * 1024 - 1, 20000)) == (m.SWEEP,)
        assert kept.on(kept.gate(32 * 1024, 4096)) == (m.RESOLVE_NAME,)

    @pytest.mark.parametrize(("tls", "needed"), [(False, 4096), (True, 17 * 1024)])
    def test_the_largest_block_counts_too(self, tls: bool, needed: int) -> None:
        kept = Kept(tls=tls).to(m.GATED)
        assert kept.on(kept.gate(100000, needed - 1)) == (m.SWEEP,)
        assert kept.on(kept.gate(100000, needed)) == (m.RESOLVE_NAME,)

    def test_what_a_port_cannot_tell_does_not_close_it(self) -> None:
        assert Kept().gate(None, None) == m.HEAP_ENOUGH

    def test_it_is_looked_at_again_and_then_escalates(self) -> None:
        kept = Kept(gate_ms=5000, gate_poll_ms=1000, socket_tries=1).to(m.GATED)
        looked = 0
        kept.on(kept.gate(1, 1))
        while m.CHECK_HEAP in kept.wait():
            looked += 1
            kept.on(kept.gate(1, 1))
        assert (looked, kept.keeper.state, kept.now) == (4, m.PAUSED, 5000)
        assert kept.keeper.cause == p.HEAP_LOW
        # dropping the network frees every PCB, so memory that stays short bounces Wi-Fi
        assert kept.wait() == (m.FORGET_NAME, m.LEAVE_WIFI, m.JOIN_WIFI)


class TestDeadlines:
    @pytest.mark.parametrize(
        ("state", "limit", "cause"),
        [
            (m.JOINING, "join_ms", p.JOIN_TIMEOUT),
            (m.LEASING, "lease_ms", p.LEASE_TIMEOUT),
            (m.RESOLVING, "resolve_ms", p.NAME_TIMEOUT),
            (m.DIALING, "dial_ms", p.DIAL_TIMEOUT),
        ],
    )
    def test_each_step_has_its_own(self, state: str, limit: str, cause: str) -> None:
        kept = Kept(**{limit: 4321}).to(state)
        began = kept.now
        kept.wait()
        assert kept.now - began == 4321
        assert kept.keeper.cause == cause
        assert kept.keeper.state in (m.PAUSED, m.CLOSING)

    def test_tls_has_its_own(self) -> None:
        kept = Kept(secure_ms=777).to(m.DIALING)
        kept.on(m.CONNECTED_FOR_TLS)
        assert kept.wait() == (m.CLOSE_SOCKET,)
        assert (kept.now, kept.keeper.cause) == (777, p.TLS_TIMEOUT)


class TestLiveness:
    def test_silence_asks_and_then_ends(self) -> None:
        kept = Kept(silence_ms=9000, answer_ms=2000).to(m.ONLINE)
        assert kept.wait() == (m.QUEUE_HEARTBEAT,)
        assert (kept.now, kept.keeper.state) == (9000, m.DOUBTED)
        assert kept.wait() == (m.CLOSE_SOCKET,)
        assert (kept.now, kept.keeper.cause) == (11000, p.SILENT)

    def test_an_answer_ends_the_doubt(self) -> None:
        kept = Kept(silence_ms=9000, answer_ms=2000).to(m.ONLINE)
        kept.wait()
        kept.now += 1999
        kept.on(m.HEARD)
        assert (kept.keeper.state, kept.keeper.wake_at()) == (m.ONLINE, kept.now + 9000)

    def test_the_answer_is_due_from_queueing_not_from_sending(self) -> None:
        """A full buffer that never takes the heartbeat postpones nothing."""
        kept = Kept(silence_ms=9000, answer_ms=2000, progress_ms=60000).to(m.ONLINE)
        kept.queued(5000, 0)
        kept.wait()
        kept.queued(1, kept.now)
        kept.wait()
        assert (kept.now, kept.keeper.cause) == (11000, p.SILENT)

    def test_no_progress_ends_it_though_the_peer_talks(self) -> None:
        kept = Kept(progress_ms=3000, silence_ms=1000).to(m.ONLINE)
        kept.queued(5000, 0)
        for kept.now in range(500, 3000, 500):
            kept.on(m.HEARD)
        kept.wait()
        assert (kept.now, kept.keeper.cause) == (3000, p.SEND_STALLED)

    def test_progress_alone_does_not_save_an_endless_write(self) -> None:
        kept = Kept(progress_ms=3000, write_ms=10000, expects_answers=False).to(m.ONLINE)
        kept.queued(5000, 0)
        for kept.now in range(1000, 10000, 1000):
            kept.keeper.accepted(1, kept.now)
        kept.wait()
        assert (kept.now, kept.keeper.cause) == (10000, p.SEND_SLOW)

    def test_nothing_queued_nothing_stalls(self) -> None:
        kept = Kept(expects_answers=False).to(m.ONLINE)
        kept.queued(10, 0)
        kept.keeper.accepted(10, 5)
        assert kept.keeper.wake_at() == NEVER

    def test_more_than_was_queued_cannot_be_accepted(self) -> None:
        kept = Kept().to(m.ONLINE)
        with pytest.raises(AssertionError, match="queued"):
            kept.keeper.accepted(1, 0)

    def test_age_is_the_last_resort(self) -> None:
        kept = Kept(age_ms=100000, expects_answers=False).to(m.ONLINE)
        kept.wait()
        assert (kept.now, kept.keeper.cause) == (100000, p.AGED)

    def test_silence_proves_nothing_while_nobody_reads(self) -> None:
        kept = Kept().to(m.ONLINE)
        assert kept.keeper.vitals is not None
        kept.keeper.vitals.deafened(True, 0)
        assert kept.keeper.wake_at() == NEVER
        kept.keeper.vitals.deafened(False, 500000)
        assert kept.keeper.wake_at() == 500000 + Policy().silence_ms


class TestPauses:
    @pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
    def test_500_ms_and_a_share_of_a_backoff_that_doubles_to_its_cap(self, chance: float) -> None:
        kept = Kept(chance=chance)
        for failures in range(1, 12):
            kept.to(m.DIALING).on(m.DIAL_FAILED, m.SOCKET_CLOSED, cause=p.REFUSED)
            backoff = min(500 * 2 ** (failures - 1), 60000)
            assert kept.keeper.wake_at() - kept.now == 500 + int(chance * backoff)

    def test_only_sustained_uptime_takes_the_backoff_back(self) -> None:
        kept = Kept(chance=0.999)
        for _ in range(5):
            lose(kept)
        kept.to(m.ONLINE)
        kept.now += 59000
        kept.on(m.SOCKET_FAILED, m.SOCKET_CLOSED, cause=p.RESET)
        assert kept.keeper.wake_at() - kept.now > 10000
        kept.to(m.ONLINE)
        kept.now += 60000
        kept.on(m.SOCKET_FAILED, m.SOCKET_CLOSED, cause=p.RESET)
        assert kept.keeper.wake_at() - kept.now < 1001

    def test_memory_that_pcbs_hold_must_drain(self) -> None:
        kept = Kept().to(m.OPENING)
        kept.on(m.PCBS_EXHAUSTED)
        assert kept.keeper.wake_at() == 60500

    def test_closes_towards_dead_peers_are_counted_for_19_minutes(self) -> None:
        kept = Kept(lingering_max=3)
        for _ in range(3):
            kept.to(m.ONLINE)
            kept.wait()
            kept.wait()
            kept.on(m.SOCKET_CLOSED)
        assert kept.keeper.lingering(kept.now) == 3
        assert kept.keeper.wake_at() - kept.now == 60500
        assert kept.keeper.lingering(kept.now + 1159000) == 0

    def test_a_network_that_goes_down_takes_lingering_pcbs_with_it(self) -> None:
        kept = Kept().to(m.ONLINE)
        kept.wait()
        kept.wait()
        kept.on(m.SOCKET_CLOSED)
        assert kept.keeper.lingering(kept.now) == 1
        kept.to(m.ONLINE).on(m.WIFI_LOST)
        assert kept.keeper.lingering(kept.now) == 0

    def test_an_abort_leaves_nothing_behind(self) -> None:
        kept = Kept(able=LINUX).to(m.ONLINE)
        kept.wait()
        kept.wait()
        assert kept.keeper.lingering(kept.now) == 0

    def test_leaving_on_purpose_is_no_failure(self) -> None:
        kept = Kept(chance=0.999)
        for _ in range(20):
            kept.to(m.ONLINE).on(m.RELEASED, m.SOCKET_CLOSED)
        assert m.RETRY_NAME not in [change.event for change in kept.changes]
        assert kept.keeper.wake_at() - kept.now < 1001


class TestEscalation:
    def test_a_dead_broker_never_bounces_wifi(self) -> None:
        kept = Kept()
        retries = []
        for _ in range(300):
            # the name is answered whenever it is asked, nobody answers the dial
            kept.to(m.RESOLVING)
            asked = kept.changes[-2].event == m.RETRY_NAME or len(retries) == 0
            kept.on(m.NAME_RESOLVED if asked else m.NAME_KNOWN, m.SOCKET_OPENED)
            kept.wait()
            kept.on(m.SOCKET_CLOSED)
            kept.wait()
            retries.append(kept.changes[-1].event)
        assert set(retries) == {m.RETRY_SOCKET, m.RETRY_NAME}
        assert retries[:3] == [m.RETRY_SOCKET, m.RETRY_SOCKET, m.RETRY_NAME]

    def test_names_that_stay_unanswered_bounce_wifi_within_a_budget_and_then_reboot_once(self) -> None:
        kept = Kept(resolve_ms=1000, backoff_max_ms=500)
        retries = []
        while kept.now < 3600000 and kept.keeper.state != m.REBOOTING:
            kept.to(m.RESOLVING)
            kept.wait()
            kept.wait()
            retries.append(kept.changes[-1].event)
        assert retries.count(m.RETRY_WIFI) == 4
        assert retries[-1] == m.RETRY_REBOOT
        assert retries[:3] == [m.RETRY_NAME, m.RETRY_NAME, m.RETRY_WIFI]

    def test_a_spent_budget_goes_on_gently_for_ever(self) -> None:
        kept = Kept(able=Capability(stack="lwip"), resolve_ms=1000)
        for _ in range(50):
            kept.to(m.RESOLVING)
            kept.wait()
            kept.wait()
            assert kept.changes[-1].event == m.RETRY_NAME

    def test_a_reboot_that_was_kept_counts(self) -> None:
        kept = Kept(able=Capability(stack="lwip", reboot=True), resolve_ms=1000)
        kept.keeper.escalation.budget.reboots.append(0)
        for _ in range(20):
            kept.to(m.RESOLVING)
            kept.wait()
            kept.wait()
        assert m.RETRY_REBOOT not in [change.event for change in kept.changes]

    def test_a_lost_wifi_is_joined_again_at_once(self) -> None:
        kept = Kept().to(m.ONLINE)
        kept.on(m.WIFI_LOST, m.SOCKET_CLOSED)
        assert kept.wait() == (m.JOIN_WIFI,)

    def test_repeated_beacon_loss_ends_power_save(self) -> None:
        kept = Kept(doze_troubles=3).to(m.ONLINE)
        assert [kept.keeper.escalation.budget.doze_trouble(0) for _ in range(4)] == [
            False,
            False,
            True,
            False,
        ]
        assert kept.on(m.DOZE_FORBIDDEN) == (m.DISABLE_POWER_SAVE,)


class TestSleepAndRoam:
    def test_sleep_says_goodbye_first_and_a_wake_is_a_new_epoch(self) -> None:
        kept = Kept(parting_ms=300).to(m.ONLINE)
        assert kept.on(m.SLEEP_ASKED) == (m.SAY_GOODBYE,)
        assert kept.keeper.sockets_held == 1
        assert kept.wait() == (m.CLOSE_SOCKET,)
        kept.on(m.SOCKET_CLOSED)
        assert (kept.keeper.state, kept.keeper.sockets_held, kept.keeper.wake_at()) == (m.ASLEEP, 0, NEVER)
        assert m.SWEEP in kept.on(m.WOKE)
        assert kept.keeper.epoch == 1

    def test_a_roam_that_keeps_the_address_keeps_its_socket(self) -> None:
        kept = Kept().to(m.ONLINE)
        assert kept.on(m.ROAMED) == ()
        assert kept.keeper.state == m.ONLINE
        assert kept.on(m.ADDRESS_CHANGED) == (m.CLOSE_SOCKET,)
        assert kept.keeper.cause == p.MOVED


class TestWhatTheWorldDoes:
    """Orders of events in which a machine could get stuck, or climb too high."""

    @pytest.mark.parametrize("closed", [True, False])
    def test_wifi_lost_after_the_socket_failed_is_joined_again(self, closed: bool) -> None:
        kept = Kept().to(m.ONLINE)
        kept.on(m.SOCKET_FAILED, cause=p.RESET)
        if closed:
            kept.on(m.SOCKET_CLOSED, m.WIFI_LOST)
        else:
            kept.on(m.WIFI_LOST, m.SOCKET_CLOSED)
        kept.wait()
        assert kept.changes[-1].event == m.RETRY_JOIN

    def test_a_netif_that_is_down_accuses_the_radio_on_lwip_alone(self) -> None:
        number = errno.EHOSTUNREACH
        assert LWIP.cause_of(number) == p.UNREACHABLE
        assert LINUX.cause_of(number) == "EHOSTUNREACH"

    def test_memory_that_failed_weeks_ago_accuses_nobody(self) -> None:
        kept = Kept(socket_tries=3).to(m.OPENING)
        for _ in range(2):
            kept.on(m.PCBS_EXHAUSTED)
            kept.to(m.OPENING)
        kept.on(m.SOCKET_OPENED)
        kept.on(m.DIAL_FAILED, m.SOCKET_CLOSED, cause=p.REFUSED)
        kept.to(m.OPENING)
        kept.on(m.PCBS_EXHAUSTED)
        kept.wait()
        assert m.RETRY_WIFI not in [change.event for change in kept.changes]

    def test_wifi_lost_is_joined_again_however_short_memory_was(self) -> None:
        kept = Kept(wifi_budget=0, reboot_budget=0)
        for _ in range(5):
            kept.to(m.OPENING).on(m.PCBS_EXHAUSTED)
        kept.on(m.WIFI_LOST)
        kept.wait()
        assert kept.changes[-1].event == m.RETRY_JOIN

    def test_a_device_that_sleeps_after_a_long_uptime_begins_with_a_short_pause(self) -> None:
        kept = Kept(chance=1.0)
        for _ in range(6):
            lose(kept)
        kept.to(m.ONLINE)
        kept.now += 7_200_000
        kept.on(m.SLEEP_ASKED, m.PARTED, m.SOCKET_CLOSED, m.WOKE)
        kept.to(m.DIALING).on(m.DIAL_FAILED, m.SOCKET_CLOSED, cause=p.REFUSED)
        assert kept.keeper.wake_at() - kept.now <= 1000

    def test_an_orderly_sleep_is_no_loss(self) -> None:
        kept = Kept().to(m.ONLINE)
        kept.on(m.SLEEP_ASKED, m.PEER_CLOSED)
        assert [change.is_loss for change in kept.changes if change.state == m.ASLEEP] == [False]

    def test_woken_before_it_slept_it_comes_back(self) -> None:
        kept = Kept().to(m.ONLINE)
        kept.on(m.SLEEP_ASKED, m.WOKE)
        assert kept.keeper.state == m.CLOSING
        assert kept.to(m.ONLINE).keeper.epoch == 0

    @pytest.mark.parametrize(
        ("events", "lingering"),
        [
            ((m.SILENCE_NOTICED, m.RELEASED), 1),  # given back while in doubt
            ((m.SLEEP_ASKED, m.PARTING_EXPIRED), 1),  # a goodbye that was not answered
            ((m.SILENCE_NOTICED, m.PEER_CLOSED), 0),  # in doubt, but it lives
            ((m.RELEASED,), 0),
        ],
    )
    def test_pcbs_that_linger_are_counted_whatever_the_way_out(
        self, events: tuple[str, ...], lingering: int
    ) -> None:
        kept = Kept().to(m.ONLINE)
        kept.on(*events)
        assert kept.keeper.lingering(kept.now) == lingering

    def test_beacons_lost_once_in_a_while_do_not_end_power_save(self) -> None:
        kept = Kept(doze_troubles=3).to(m.ONLINE)
        for _ in range(9):
            assert not kept.keeper.escalation.budget.doze_trouble(kept.now)
            kept.now += 3_000_000
        assert [kept.keeper.escalation.budget.doze_trouble(kept.now) for _ in range(2)] == [False, True]

    def test_devices_that_ran_out_of_pcbs_together_do_not_come_back_in_step(self) -> None:
        pauses = set()
        for chance in (0.0, 0.5, 0.99):
            kept = Kept(chance=chance).to(m.OPENING)
            kept.on(m.PCBS_EXHAUSTED)
            pauses.add(kept.keeper.wake_at())
        assert len(pauses) == 3
        assert min(pauses) >= 60500


class TestBounds:
    """Against the measurements: 19.2 s on lwIP, 19.4 s on Linux, 13.1 and 31.7 s with TCP_USER_TIMEOUT."""

    def bounds(self, able: Capability, answers: bool, **limits: Any) -> list[float]:
        return [able.notices_ms(cause, Policy(**limits), answers) for cause in CAUSES]

    def test_lwip_keepalive_sees_unacked_data_too_but_no_zero_window(self) -> None:
        assert self.bounds(LWIP, False, progress_ms=NEVER, write_ms=NEVER) == [19500, 19500, 19500, NEVER]

    def test_linux_keepalive_is_blind_while_data_is_unacked(self) -> None:
        """One byte written before the last probe is enough: then only the retransmissions' end would tell."""
        able = LinuxCapability(stack="linux", keepalive="tuned")
        assert self.bounds(able, False, progress_ms=NEVER, write_ms=NEVER) == [NEVER] * 4

    @pytest.mark.parametrize(("unacked_ms", "measured"), [(5000, 13100), (30000, 31700)])
    def test_user_timeout_overrides_the_probe_count(self, unacked_ms: int, measured: int) -> None:
        idle, unacked, *_ = self.bounds(
            LINUX, False, unacked_ms=unacked_ms, progress_ms=NEVER, write_ms=NEVER
        )
        assert unacked_ms + 400 <= unacked <= unacked_ms * 1.125 + 1000
        assert measured <= idle - unacked <= measured * 1.15  # what keepalive takes, before a write blinds it

    def test_writing_late_after_the_peers_death_is_within_the_bound(self) -> None:
        assert 36480 <= self.bounds(LINUX, False)[0] <= 45000  # measured with a write 18.5 s after the death

    def test_a_port_that_cannot_set_keepalive_is_bounded_by_the_heartbeat_alone(self) -> None:
        assert self.bounds(MICROPYTHON, True) == [20000, 20000, 20000, 21000]
        assert self.bounds(MICROPYTHON, False) == [NEVER, NEVER, 21000, 21000]

    def test_a_zero_window_is_seen_by_progress_alone(self) -> None:
        assert self.bounds(LINUX, True, progress_ms=NEVER, write_ms=NEVER)[3] == NEVER
        assert self.bounds(LINUX, True, progress_ms=7000)[3] == 7350

    def test_age_bounds_all(self) -> None:
        assert self.bounds(MICROPYTHON, False, age_ms=9000) == [9000] * 4

    def test_an_unknown_cause_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="idle, unacked"):
            LINUX.notices_ms("sunspots", Policy(), True)


@pytest.mark.parametrize(
    "limits",
    [
        {"dial_ms": NEVER},
        {"dial_ms": 0},
        {"silence_ms": 0},
        {"pause_ms": 0},
        {"keep_count": 0},
        {"backoff_ms": 1000, "backoff_max_ms": 10},
        {"wifi_budget": -1},
        {"keep_count": 128},
        {"keep_idle_s": 40000},
        {"unacked_ms": 3e9},
        {"backoff_max_ms": NEVER},
        {"pause_ms": NEVER},
        {"budget_window_ms": -1},
        {"silence_ms": float("nan")},
    ],
)
def test_a_policy_no_link_could_keep_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(limits)).split("_")[0]):
        Policy(**limits)


@pytest.mark.parametrize("name", ["silence", "deadline_ms", "ask_again_ms", "_FROM_ZERO", "__init__"])
def test_a_limit_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        Policy(**{name: 5})


class AnyWorld(RuleBasedStateMachine):
    """Whatever happens in whatever order, the counts stay right and there is always a way on."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Kept(chance=0.7, uptime_ms=5000)

    @rule(data=st.data(), passes=st.integers(0, 30000))
    def something_happens(self, data: st.DataObject, passes: int) -> None:
        keeper = self.kept.keeper
        possible = [e for e in m.possible(keeper.state) if not e.startswith(("RETRY", "HEAP_REC"))]
        self.kept.now += passes
        keeper.on(data.draw(st.sampled_from(possible)), self.kept.now)

    @rule(size=st.integers(0, 5000))
    def bytes_are_queued(self, size: int) -> None:
        if self.kept.keeper.vitals is not None:
            self.kept.keeper.vitals.bytes_queued(size, self.kept.now)

    @rule(share=st.floats(0, 1))
    def the_socket_takes_some(self, share: float) -> None:
        vitals = self.kept.keeper.vitals
        if vitals is not None:
            self.kept.keeper.accepted(int(vitals.pending_bytes() * share), self.kept.now)

    @rule()
    def time_passes(self) -> None:
        if self.kept.keeper.wake_at() < NEVER:
            before = len(self.kept.changes)
            self.kept.wait()
            assert len(self.kept.changes) > before or self.kept.keeper.state == m.GATED

    @invariant()
    def descriptors_balance(self) -> None:
        keeper = self.kept.keeper
        assert keeper.sockets_held == (keeper.state in m.HOLDS)

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        keeper = self.kept.keeper
        waits_for_the_driver = (m.IDLE, m.ASLEEP, m.REBOOTING, m.OPENING, m.CLOSING)
        assert keeper.state in waits_for_the_driver or keeper.wake_at() < NEVER

    @invariant()
    def budgets_are_kept(self) -> None:
        escalation = self.kept.keeper.escalation.budget
        window = self.kept.now - 3600000
        assert len([at for at in escalation.bounces if at > window]) <= 4
        assert len([at for at in escalation.reboots if at > window]) <= 1

    @invariant()
    def a_retry_was_paused_for(self) -> None:
        changes = self.kept.changes
        if len(changes) > 1 and changes[-1].event.startswith("RETRY"):
            paused = next(
                c.at for c in reversed(changes[:-1]) if c.state == m.PAUSED and c.before != m.PAUSED
            )
            assert changes[-1].at - paused >= 500


TestAnyWorld = AnyWorld.TestCase
TestAnyWorld.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
