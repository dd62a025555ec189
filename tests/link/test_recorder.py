"""Laws of the flight recorder's ring: what is kept, what is told, and that damage costs no more than what it hit."""

from __future__ import annotations

import binascii
import random
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfopen.link import journal
from halfopen.link.delivery import Receiver
from halfopen.link.flash import FlashFiles
from halfopen.link.journal import Change
from halfopen.link.recorder import BATCH, Recorder
from halfopen.link.rtc import RtcMemory, reset_reason

ROOT = Path(__file__).parents[2]
LIFE = Path(__file__).parent / "recorder_life.py"
ON_LITTLEFS = Path(__file__).parent / "recorder_on_littlefs.py"
_NAME = re.compile(r"#(\d+)\.([0-9a-f]{8})\.(\d+)(?:-(\d+))? (.*)")
DAY_S = 86400
LOSS = journal.transition_line(
    Change(81234, "ONLINE", "SEND_STALLED", "CLOSING", "send-stalled", 3, 1, True), 54, 81920, 45056
)


class Rtc:
    """What ``machine.RTC()`` has of memory: it holds up to 2048 bytes."""

    def __init__(self, held: bytes = b"") -> None:
        self.held = held

    def memory(self, data: bytes | None = None) -> bytes | None:
        if data is None:
            return self.held
        assert len(data) <= 2048
        self.held = bytes(data)
        return None


class Sectors(FlashFiles):
    """Flash files in memory; counts what is written, and fails when told to."""

    def __init__(self, sectors: dict[int, bytes], now: Callable[[], float], **limits: int) -> None:
        super().__init__("", seconds=now, **limits)  # type: ignore[arg-type]
        self.sectors = sectors
        self.times: list[float] = []
        self.full = False

    def read(self, bank: int) -> bytes:
        return self.sectors.get(bank, b"")

    def write(self, bank: int, at: int, block: bytes) -> None:
        assert at + len(block) <= self.size
        self.times.append(self._seconds())
        if self.full:
            raise OSError(28)
        held = self.read(bank).ljust(at, b"\0")
        self.sectors[bank] = held[:at] + block + held[at + len(block) :]


class ReadOnly:
    """A storage to be looked at: what is written to it is forgotten."""

    banks, waiting = 1, 0

    def __init__(self, held: bytes) -> None:
        self.held, self.size = held, 2048

    def read(self, bank: int) -> bytes:
        return self.held

    def write(self, bank: int, at: int, block: bytes) -> None:
        pass

    def pay(self, writes: int, left: int) -> bool:
        return True

    def stamp(self) -> bytes:
        return b""

    def restore(self, stamp: bytes) -> None:
        pass


def all_pending(recorder: Recorder) -> list[str]:
    return [line for _, line in recorder.pending(100_000)]


def read_independently(held: bytes) -> dict[int, tuple[int, int]]:
    """Sequence number → first and last byte of each whole line in ``held``, by the format's description alone."""
    found = {}
    for at in range(len(held) - 21):
        if held[at : at + 2] == b"\xa5\x5a":
            size, kind, _, _, number, _, check = struct.unpack("<BBIIIHI", held[at + 2 : at + 22])
            text = held[at + 22 : at + 22 + size]
            if len(text) == size and not kind and binascii.crc32(held[at : at + 18] + text) == check:
                found[number] = (at, at + 21 + size)
    return found


def full_ring(seed: int, lines: int = 60) -> bytes:
    """A ring that has gone round a few times, nothing of it delivered."""
    chance = random.Random(seed)
    rtc = Rtc()
    for boot in range(3):
        recorder = Recorder(RtcMemory(rtc), boot)
        for number in range(lines // 3):
            recorder(f"W ({number}) halfopen: " + "x" * chance.randrange(60))
    return rtc.held


class TestLines:
    def test_a_line_comes_back_as_the_journal_wrote_it(self) -> None:
        recorder = Recorder(RtcMemory(Rtc()), 0x5F3A09C1, "WDT_RESET")
        lines = [LOSS, journal.heap_line(81234, 81920, 79104), "I (5) app: hello", "E (6) x: " + "long " * 20]
        for line in lines:
            recorder(line)
        told: list[str] = []
        assert recorder.deliver(told.append) == 5
        assert told[0] == "#1.5f3a09c1.1 W (0) halfopen: boot 1 reset=WDT_RESET"
        assert [line.split(" ", 1)[1] for line in told[1:]] == [line.rstrip() for line in lines[:3]] + [
            lines[3]
        ]
        assert recorder.deliver(told.append) == 0

    @given(st.text(st.characters(exclude_categories=()), max_size=600))  # lone surrogates, too
    def test_no_line_breaks_out_of_its_own(self, hostile: str) -> None:
        rtc = Rtc()
        recorder = Recorder(RtcMemory(rtc), 1)
        recorder(hostile)
        told: list[str] = []
        recorder.deliver(told.append)
        assert len(told) == 2
        assert all(" " <= letter <= "~" for letter in told[1])
        if hostile.isascii() and hostile.isprintable() and len(hostile) <= 200:
            assert told[1] == f"#1.00000001.2 {hostile}"

    def test_a_forged_record_inside_a_line_is_never_one(self) -> None:
        forged = full_ring(1)[:200].decode("latin-1")
        rtc = Rtc()
        recorder = Recorder(RtcMemory(rtc), 1)
        recorder(forged)
        assert list(read_independently(rtc.held)) == [1, 2]

    def test_the_memory_of_an_esp32_holds_two_dozen_lines(self) -> None:
        recorder = Recorder(RtcMemory(Rtc()), 1)
        for _ in range(100):
            recorder(LOSS)
        assert len(all_pending(recorder)) >= 24

    def test_what_went_before_is_passed_on_even_if_nothing_can_be_written(self) -> None:
        said: list[str] = []
        storage = Sectors({}, lambda: 0.0)
        storage.full = True
        recorder = Recorder(storage, 1, "PWRON_RESET", said.append)
        recorder(LOSS)
        assert said == ["W (0) halfopen: boot 1 reset=PWRON_RESET", LOSS]
        assert recorder.failed == 2

    def test_the_reason_of_a_reset_by_the_ports_own_names(self) -> None:
        class Port:
            PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

            def __init__(self, cause: int) -> None:
                self.cause = cause

            def reset_cause(self) -> int:
                return self.cause

        assert [reset_reason(Port(cause)) for cause in (3, 5, 0)] == ["WDT_RESET", "SOFT_RESET", ""]


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, int]]:
    """What happens to a device: lines, resets (of the program, of the power), deliveries that end after some lines."""
    kinds = st.sampled_from(["line", "line", "line", "loss", "reset", "power", "deliver", "deliver"])
    return draw(st.lists(st.tuples(kinds, st.integers(0, 60)), max_size=80))


class TestRing:
    @settings(max_examples=150, deadline=None)
    @given(stories(), st.sampled_from([256, 512, 2048]))
    def test_every_line_is_delivered_once_or_told_as_lost(
        self, story: list[tuple[str, int]], size: int
    ) -> None:
        rtc, life = Rtc(), 1
        recorder = Recorder(RtcMemory(rtc, size), life)
        told: list[str] = []
        expected: set[tuple[int, int]] = set()  # era of the power, sequence number
        era = 0
        eras: list[int] = []

        def take(line: str) -> None:
            told.append(line)
            eras.append(era)

        for what, amount in [*story, ("deliver", 10_000)]:
            expected.add((era, recorder.sequence))
            if what in ("line", "loss"):
                recorder(("W" if what == "loss" else "I") + " (1) halfopen: " + "y" * amount)
            elif what == "power":
                recorder.deliver(take)  # so that what is lost with the power is known to be delivered
                rtc, era = Rtc(), era + 1
            if what in ("reset", "power"):
                life += 1
                recorder = Recorder(RtcMemory(rtc, size), life)
            elif what == "deliver":
                left = [amount]

                def some(line: str, left: list[int] = left) -> bool:
                    left[0] -= 1
                    if left[0] >= 0:
                        take(line)
                    return left[0] >= 0

                recorder.deliver(some)
            expected.add((era, recorder.sequence))
        numbers: list[tuple[int, int]] = []
        for line, of in zip(told, eras, strict=True):
            name = _NAME.fullmatch(line)
            assert name, line
            first, last = int(name[3]), int(name[4] or name[3])
            if name[4]:
                assert name[5] == f"W halfopen: lost {last - first + 1} lines"
            numbers += [(of, number) for number in range(first, last + 1)]
        assert numbers == sorted(set(numbers))
        newest = {of: max(number for at, number in expected if at == of) for of in range(era + 1)}
        assert set(numbers) == {(of, number) for of in newest for number in range(1, newest[of] + 1)}
        assert len(told) == len({line.split(" ")[0] for line in told}), "a name was used twice"

    @given(st.integers(0, 50), st.integers(0, 2047), st.integers(1, 255))
    @settings(deadline=None)
    def test_a_wrong_byte_costs_one_record(self, seed: int, at: int, change: int) -> None:
        held = full_ring(seed)
        whole = read_independently(held)
        damaged = bytearray(held)
        damaged[at] ^= change
        self.spared(bytes(damaged), whole, at, at)

    @given(st.integers(0, 50), st.integers(0, 2047))
    @settings(deadline=None)
    def test_a_cut_costs_what_it_cut(self, seed: int, length: int) -> None:
        held = full_ring(seed)
        self.spared(held[:length], read_independently(held), length, 2047)

    @given(st.integers(0, 50), st.integers(0, 2047), st.binary(min_size=1, max_size=400))
    @settings(deadline=None)
    def test_rubbish_costs_what_it_hit(self, seed: int, at: int, rubbish: bytes) -> None:
        held = full_ring(seed)
        rubbish = rubbish[: 2048 - at]
        damaged = held[:at] + rubbish + held[at + len(rubbish) :]
        self.spared(damaged, read_independently(held), at, at + len(rubbish) - 1)

    @given(st.binary(max_size=2048))
    def test_any_bytes_are_a_ring(self, held: bytes) -> None:
        recorder = Recorder(RtcMemory(Rtc(held)), 1)
        recorder(LOSS)
        assert all_pending(recorder)[-1].endswith(LOSS)

    @given(st.integers(0, 50), st.integers(0, 2**32), st.integers(0, 70))
    @settings(deadline=None)
    def test_a_copy_torn_anywhere_in_any_order_spares_the_rest(self, seed: int, mix: int, size: int) -> None:
        """A write that was interrupted: any of the bytes that change may be new, any may be old."""
        rtc = Rtc(full_ring(seed))
        before = Recorder(RtcMemory(rtc), 9)
        held, whole = rtc.held, read_independently(rtc.held)
        before("W (1) halfopen: " + "z" * size)
        chance = random.Random(mix)
        torn = bytes(chance.choice(pair) for pair in zip(held, rtc.held, strict=True))
        changed = [at for at in range(2048) if held[at] != rtc.held[at]]
        self.spared(torn, whole, changed[0], changed[-1])
        # and the ring goes on from there
        after = Recorder(RtcMemory(Rtc(torn)), 10)
        after(LOSS)
        assert all_pending(after)[-1].endswith(LOSS)

    def spared(self, held: bytes, whole: dict[int, tuple[int, int]], first: int, last: int) -> None:
        """Every record of ``whole`` outside ``first`` to ``last`` can still be read, in order, and nothing is made up."""
        untouched = {n for n, (begin, end) in whole.items() if end < first or begin > last}
        recorder = Recorder(ReadOnly(held), 77)
        names = [_NAME.fullmatch(line) for line in all_pending(recorder)]
        seen = [int(name[3]) for name in names if name and not name[4] and name[2] != "0000004d"]
        assert untouched <= set(seen)
        assert seen == sorted(set(seen))
        lost = [(int(name[3]), int(name[4])) for name in names if name and name[4]]
        for low, high in lost:
            assert not set(range(low, high + 1)) & set(seen)

    def test_damage_is_counted_and_told_at_the_next_boot(self) -> None:
        rtc = Rtc()
        recorder = Recorder(RtcMemory(rtc), 1)
        recorder("W (1) halfopen: one")
        recorder("W (2) halfopen: two")
        held = bytearray(rtc.held)
        held[rtc.held.index(b"one")] ^= 1
        again = Recorder(RtcMemory(Rtc(bytes(held))), 2, "WDT_RESET")
        assert again.damaged == 1
        assert [line.split(" ", 1)[1] for line in all_pending(again)] == [
            "W (0) halfopen: boot 1 reset=-",
            "W halfopen: lost 1 lines",
            "W (2) halfopen: two",
            "W (0) halfopen: boot 2 reset=WDT_RESET damaged=1",
        ]


class TestDelivery:
    def test_what_was_refused_is_offered_again_under_the_same_name(self) -> None:
        recorder = Recorder(RtcMemory(Rtc()), 1)
        for number in range(20):
            recorder(f"W ({number}) halfopen: line")
        offered: list[str] = []

        def broken(line: str) -> None:
            offered.append(line)
            if len(offered) == 12:
                raise OSError(113)

        assert recorder.deliver(broken) == 11
        again: list[str] = []
        assert recorder.deliver(again.append) == 10
        assert again[0] == offered[-1]

    def test_an_error_of_another_kind_goes_through_and_costs_no_mark(self) -> None:
        recorder = Recorder(RtcMemory(Rtc()), 1)
        recorder(LOSS)
        told: list[str] = []

        def faulty(line: str) -> None:
            if told:
                raise ZeroDivisionError
            told.append(line)

        with pytest.raises(ZeroDivisionError):
            recorder.deliver(faulty)
        recorder.deliver(told.append)
        assert len(told) == len(set(told)) == 2

    def test_lines_kept_while_delivering_wait_for_the_next_delivery(self) -> None:
        recorder = Recorder(RtcMemory(Rtc()), 1)
        assert recorder.deliver(lambda line: recorder("I (9) halfopen: sent")) == 1
        assert recorder.deliver(lambda line: None) == 1

    def test_a_crash_before_the_mark_repeats_the_batch_and_the_receiver_drops_it(self) -> None:
        rtc = Rtc()
        recorder = Recorder(RtcMemory(rtc), 1)
        for number in range(20):
            recorder(f"W ({number}) halfopen: line")
        taken: list[str] = []
        receiver = Receiver(lambda _, line: taken.append(line))
        sent = [receiver("sensor", line) for _, line in recorder.pending()]
        assert sent == [True] * BATCH
        after = Recorder(RtcMemory(rtc), 2)
        after.deliver(lambda line: receiver("sensor", line) or None)
        assert receiver.repeats == BATCH
        assert len(taken) == 22
        assert receiver("another", taken[0]), "the same name of another device is another line"


class TestFlash:
    def test_lines_wait_and_losses_do_not(self) -> None:
        sectors: dict[int, bytes] = {}
        recorder = Recorder(Sectors(sectors, lambda: 0.0), 1, "DEEPSLEEP_RESET")
        recorder("I (1) halfopen: nothing of note")
        assert not sectors
        recorder(LOSS)
        assert len(all_pending(Recorder(Sectors(dict(sectors), lambda: 0.0), 2))) == 4

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 3 * DAY_S), st.sampled_from("WWIDR")), max_size=120), st.booleans()
    )
    def test_no_span_of_time_sees_more_than_the_budget(
        self, steps: list[tuple[int, str]], stops: bool
    ) -> None:
        """``stops``: the clock begins anew at every reset, as after a loss of power."""
        sectors: dict[int, bytes] = {}
        clock, offset = [7e8], [0.0]

        def now() -> float:
            return clock[0] - offset[0]

        times: list[float] = []

        def start(life: int) -> tuple[Sectors, Recorder]:
            storage = Sectors(sectors, now, per_day=24, burst=6)
            return storage, Recorder(storage, life)

        storage, recorder = start(0)
        for number, (pause, what) in enumerate(steps):
            clock[0] += pause
            before = len(storage.times)
            if what == "R":
                if stops:
                    offset[0] = clock[0]
                storage, recorder = start(number + 1)
                before = 0
            elif what == "D":
                recorder.deliver(lambda line: None)
            else:
                recorder(what + " (1) halfopen: " + "x" * 150)
            times += [clock[0]] * (len(storage.times) - before)
        for first in range(len(times)):
            for last in range(first, len(times)):
                assert last - first + 1 <= 6 + (times[last] - times[first]) / 3600

    @pytest.mark.parametrize("clock_stops", [True, False])
    def test_a_device_that_restarts_every_ten_seconds_cannot_spend_more(self, clock_stops: bool) -> None:
        sectors: dict[int, bytes] = {}
        clock = [7e8]
        written = 0
        for boot in range(DAY_S // 10):
            clock[0] = 7e8 if clock_stops else clock[0] + 10
            storage = Sectors(sectors, lambda: clock[0])
            Recorder(storage, boot, "WDT_RESET")
            written += len(storage.times)
        assert written == 12 - 1 if clock_stops else 12 < written <= 12 + 48

    def test_a_delivery_is_noted_even_when_the_budget_is_spent(self) -> None:
        sectors: dict[int, bytes] = {}
        storage = Sectors(sectors, lambda: 0.0)
        recorder = Recorder(storage, 1)
        for number in range(40):
            recorder(f"W ({number}) halfopen: line")
        assert len(storage.times) == 11
        told: list[str] = []
        recorder.deliver(told.append)
        assert len(told) == 41
        after = Recorder(Sectors(sectors, lambda: 0.0), 2)
        assert len(all_pending(after)) == 1, "nothing is delivered twice"

    def test_what_finds_no_room_while_the_budget_is_spent_is_told_as_lost(self) -> None:
        recorder = Recorder(Sectors({}, lambda: 0.0, burst=1), 1)
        for number in range(100):
            recorder(f"W ({number}) halfopen: line")
        told: list[str] = []
        recorder.deliver(told.append)
        lost = _NAME.fullmatch(told[0])
        assert lost
        assert lost[5].startswith("W halfopen: lost ")
        assert told[-1].endswith("(99) halfopen: line")

    def test_thirty_days_with_a_reconnect_a_minute(self, require_tool: Callable[[str], str]) -> None:
        """On MicroPython's own littlefs, over a flash that counts: 12 and 48 a day, and what littlefs needs itself."""
        said = run(require_tool("micropython"), ON_LITTLEFS, "wear", "30")
        total, worst = (int(word) for word in said.split())
        assert 12 + 29 * 48 < total <= (12 + 30 * 48) * 1.03
        assert worst <= 40, "littlefs spreads erasures over its sectors"

    def test_power_cuts_inside_littlefs(self, require_tool: Callable[[str], str]) -> None:
        cuts, repeats, lines = (
            int(word) for word in run(require_tool("micropython"), ON_LITTLEFS, "cuts", "5", "300").split()
        )
        assert cuts == 300
        assert repeats > 20
        assert lines > 300


def run(interpreter: str, program: Path, *words: str) -> str:
    done = subprocess.run(
        [interpreter, str(program), str(ROOT / "src"), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("kind", ["rtc", "flash"])
def test_both_interpreters_tell_the_same(
    kind: str, tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    said = []
    for interpreter in (require_tool("micropython"), sys.executable):
        folder = tmp_path / Path(interpreter).name
        folder.mkdir()
        lives = [
            run(interpreter, LIFE, kind, str(folder), "2048", str(life), "40", "-1", "0") for life in (1, 2)
        ]
        said.append("".join(lives))
    assert said[0] == said[1]
    assert "S #2.10000002." in said[0]


def test_it_is_small_on_the_device(tmp_path: Path, require_tool: Callable[[str], str]) -> None:
    """Bytes as .mpy: the recorder, and what a device with RTC memory or with flash files loads beside the journal."""
    sizes = {}
    for name in ("recorder", "delivery", "rtc", "flash"):
        target = tmp_path / f"{name}.mpy"
        source = ROOT / "src" / "halfopen" / "link" / f"{name}.py"
        subprocess.run([require_tool("mpy-cross"), "-O3", str(source), "-o", str(target)], check=True)
        sizes[name] = target.stat().st_size
    assert sizes["recorder"] <= 3072
    assert sizes["recorder"] + sizes["delivery"] + sizes["rtc"] + sizes["flash"] <= 5632
