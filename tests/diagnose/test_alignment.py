"""One clock for a log and a capture: generated pairs with known truth, and the real stack."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.diagnose.conftest import events_of
from tests.diagnose.wire import BEGIN_S, DEVICE, PEER, Wire

from halfopen.diagnose import diagnose, judged
from halfopen.diagnose.alignment import Alignment, Sighting, align
from halfopen.diagnose.clocks import aligned_boots, alignments
from halfopen.diagnose.events import AddressGot, Event, LinkStateChanged, Moment, Provenance
from halfopen.diagnose.sources.capture import CaptureSource
from halfopen.diagnose.traffic import FrameRef, LeaseObserved
from halfopen.link import journal
from halfopen.link.journal import Change

RECORDINGS = Path(__file__).parent.parent / "recordings"
KINDS = ("lease", "association", "syn to 10.0.0.1:1883", "reset", "farewell")
SEEDS = 1000


@dataclass(frozen=True)
class Boot:
    """What a log saw of one boot; ``offset`` and ``drift`` are the truth."""

    log: list[Sighting]
    offset: float
    drift: float
    span: float

    def worst(self, fit: Alignment) -> float:
        """How far a fit is off in this boot, seconds."""
        times = (self.log[0][1], self.span / 2, self.log[-1][1])
        return max(abs(fit.to_capture(t) - self.offset - t * (1 + self.drift)) for t in times)


def scene(seed: int, false_share: float = 0.3) -> tuple[list[Boot], list[Sighting]]:
    """One to four boots as a log saw them, and what a capture saw of all of them. Eight events at least: of fewer often
    just two are true, and two do not carry a clock."""
    chance = random.Random(seed)
    offset, drift = chance.uniform(1e9, 2e9), chance.uniform(-200e-6, 200e-6)
    boots: list[Boot] = []
    capture: list[Sighting] = []
    for _ in range(1 + chance.randint(0, 3)):
        count, span = chance.randint(8, 40), chance.choice((60.0, 600.0, 3600.0, 86400.0))
        log: list[Sighting] = []
        for at in sorted(chance.uniform(1, span) for _ in range(count)):
            kind = chance.choice(KINDS)
            if chance.random() < false_share:  # each saw something, but not the same thing
                log.append((kind, chance.uniform(1, span)))
                capture.append((kind, offset + chance.uniform(1, span)))
            else:
                log.append((kind, at))
                capture.append((kind, offset + at * (1 + drift) + chance.gauss(0, 0.01)))
        boots.append(Boot(log, offset, drift, span))
        offset += span * (1 + drift) + chance.uniform(1, 30)
    return boots, capture


def fits(boots: list[Boot], capture: list[Sighting]) -> dict[int, Alignment]:
    return aligned_boots({epoch: boot.log for epoch, boot in enumerate(boots)}, capture)


def test_every_boot_is_aligned_through_drift_and_false_matches() -> None:
    good = 0
    for seed in range(SEEDS):
        boots, capture = scene(seed)
        found = fits(boots, capture)
        good += all(n in found and boot.worst(found[n]) < 0.050 for n, boot in enumerate(boots))
    assert good >= 0.99 * SEEDS


def test_a_log_and_a_capture_of_different_days_are_refused() -> None:
    accepted = sum(bool(fits(scene(seed)[0], scene(seed + SEEDS)[1])) for seed in range(SEEDS))
    assert accepted <= 0.01 * SEEDS


def test_events_that_have_nothing_in_common_are_refused() -> None:
    accepted = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)
        log = [(chance.choice(KINDS), chance.uniform(0, 600)) for _ in range(20)]
        capture = [(chance.choice(KINDS), 1e9 + chance.uniform(0, 600)) for _ in range(20)]
        accepted += align(log, capture) is not None
    assert accepted <= 0.01 * SEEDS


def test_a_beat_that_fits_at_many_offsets_is_refused() -> None:
    log = [("syn to 10.0.0.1:1883", 10.0 * n) for n in range(20)]
    assert align(log, [(kind, 1e9 + at) for kind, at in log]) is None


def polling(seed: int, day: int = 0) -> tuple[Boot, list[Sighting]]:
    """A program that connects with an exact period, as a log and a capture saw it: both name the ports, the first of a
    boot by chance and then one by one. The capture began late or ended early, and two connections seem to have the port
    of another one. ``day`` tells boots of the same program apart."""
    same = random.Random(seed)  # the program is the same on each day, its ports and offset are not
    period, count = same.choice((5.0, 10.0, 30.0, 60.0)), same.randint(12, 60)
    chance = random.Random(seed + SEEDS * (day + 1))
    offset, drift, port = (
        chance.uniform(1e9, 2e9),
        chance.uniform(-200e-6, 200e-6),
        chance.randrange(49152, 65000),
    )
    log: list[Sighting] = []
    capture: list[Sighting] = []
    first = chance.randint(0, count // 3)
    for n in range(count):
        at = 2.0 + period * n + abs(chance.gauss(0, 0.002))
        name = f"established from {port + n}"
        log += [("syn to 10.0.0.1:8080", round(at, 3)), (name, round(at + 0.0003, 3))]
        if n >= first:
            seen = offset + at * (1 + drift) + chance.gauss(0, 0.001)
            capture += [("syn to 10.0.0.1:8080", seen), (name, seen + 0.0003)]
    for _ in range(2):
        wrong = capture.pop(2 * chance.randrange(len(capture) // 2) + 1)
        capture.append((f"established from {port + chance.randrange(count)}", wrong[1]))
    return Boot(log, offset, drift, 2.0 + period * count), capture


def test_connections_named_by_their_ports_outweigh_the_periods_of_an_exact_program() -> None:
    good = 0
    for seed in range(SEEDS):
        boot, capture = polling(seed)
        fit = align(boot.log, capture)
        good += fit is not None and boot.worst(fit) < 0.050
    assert good >= 0.999 * SEEDS


def test_ports_of_another_day_of_the_same_exact_program_are_refused() -> None:
    accepted = sum(align(polling(seed)[0].log, polling(seed, day=1)[1]) is not None for seed in range(SEEDS))
    assert accepted <= 0.01 * SEEDS


def test_ports_that_do_not_agree_outweigh_nothing() -> None:
    log = [(f"syn to 10.0.0.1:{1883}", 10.0 * n) for n in range(20)]
    named = [(f"established from {50000 + n}", 10.0 * n + 0.01) for n in range(20)]
    shuffled = [(kind, named[7 * n % 20][1]) for n, (kind, _) in enumerate(named)]
    assert align([*log, *named], [(kind, 1e9 + at) for kind, at in [*log, *named]]) is not None
    assert align([*log, *named], [(kind, 1e9 + at) for kind, at in [*log, *shuffled]]) is None


def test_a_journal_and_a_capture_get_one_clock_by_ports_and_refused_attempts() -> None:
    """halfopen's own link was refused twice, then connected; the capture shows the same with its own clock."""
    wire = Wire()
    lines = [journal.bounds_line(0, [("idle", 19500)])]
    for n, at in enumerate((1.0, 1.9)):
        refused = wire.talk(61610 + n)
        refused.syn(at)
        refused.next[DEVICE] += 1
        refused.rst(at + 0.002, PEER)
        lost = Change(round(at * 1000) + 3, "DIALING", "DIAL_FAILED", "CLOSING", "refused", n + 1, 0, True)
        lines.append(journal.transition_line(lost, 54, None, None))
    wire.talk(61612).open(3.4)
    online = Change(3403, "DIALING", "CONNECTED", "ONLINE", "", 3, 0, False)
    lines.append(journal.transition_line(online, 54, None, None, "port=61612"))
    capture = CaptureSource("wire.pcapng")
    report = judged(
        [
            ("uart.log", events_of("\n".join(lines) + "\n")),
            ("wire.pcapng", [*capture.feed(wire.bytes()), *capture.end()]),
        ]
    )
    (clock,) = report.clocks
    assert clock.alignment.matches == 3
    assert clock.alignment.offset == pytest.approx(BEGIN_S, abs=0.010)
    assert [(f.code, f.severity) for f in report.findings] == [("HO206", "info")]


@pytest.mark.parametrize("reboots", [1, 2, 3])
def test_each_boot_has_its_own_offset(reboots: int) -> None:
    chance = random.Random(reboots)
    console: list[Event] = []
    acks: list[FrameRef] = []
    truth: dict[int, float] = {}
    for epoch in range(reboots + 1):
        truth[epoch] = 1.7e9 + epoch * 5000 + chance.uniform(0, 100)
        for _ in range(12):
            at = chance.uniform(1, 3000)
            where = Provenance("uart.log", 1, None, "")
            console.append(AddressGot(where, Moment(epoch, boot=at), "10.0.0.9"))
            acks.append(FrameRef(1, truth[epoch] + at + chance.gauss(0, 0.005), ""))
    lease = LeaseObserved(
        Provenance("a.pcap", None, 1, ""),
        Moment(host=0.0),
        "02:00:00:00:00:01",
        "",
        "10.0.0.9",
        acks=tuple(acks),
    )
    found = alignments(console, [lease])
    assert {epoch: pytest.approx(fit.offset, abs=0.05) for epoch, fit in found.items()} == truth


@pytest.mark.parametrize("log", sorted((RECORDINGS / "lwip").glob("*.log")), ids=lambda path: path.name)
def test_the_real_stack_is_aligned(log: Path) -> None:
    capture = log.with_name(log.name.replace(".uart.log", ".pcapng"))
    (clock,) = diagnose(str(log), str(capture)).clocks
    assert clock.alignment.matches >= 2
    assert clock.alignment.residual < 0.020


def test_nothing_in_common_is_no_alignment() -> None:
    state = LinkStateChanged(Provenance("uart.log", 1, None, ""), Moment(0, boot=1.0), "init", "auth", 0xB0)
    assert alignments([state], []) == {}


def test_a_daily_join_is_no_clock() -> None:
    """Joining takes the same second of events every day: log and capture of two days must not be put together."""
    join = [("association", 1.0), ("lease", 2.4), ("syn to 10.0.0.1:1883", 3.1)]
    other_day = [(kind, 1e9 + at + 0.01) for kind, at in join]
    assert align(join, other_day) is None
    named = [*join, ("established from 62916", 3.2)]
    fit = align(named, [*other_day, ("established from 62916", 1e9 + 3.21)])
    assert fit is not None
    assert fit.matches == 4
