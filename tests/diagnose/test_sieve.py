"""The sieve changes nothing but time: whatever says something passes it, and clocks, boots and numbers stay exact."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from halfopen.diagnose.sources import needed, sieve
from halfopen.diagnose.sources.console import ConsoleSource
from halfopen.formats.logline import read_line
from halfopen.formats.patterns import Pattern
from halfopen.kernel import line_layout as k

RECORDINGS = Path(__file__).parents[1] / "recordings"
#: Lines that name a clock and a dialect, so that those after them may be passed over.
BEFORE = "I (100) app: up\nI (101) app: still up\n"
HEADERS = (
    "I (900) app: ",
    "W (901) wifi:",
    "E app: ",
    "[   902][E][main.cpp:12] loop(): ",
    "[10:00:01][D][sensor:042]: ",
    "10:00:02.123 -> I (903) app: ",
    "00:00:03 MQT: ",
    "\x1b[0;31mE (904) app: ",
    "",
)
#: What patterns match, in the characters that wordings know; those of no ASCII are the matter of another test.
PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


def told(text: str, sieved_bytes_min: int) -> tuple[list[tuple[object, ...]], list[str], int]:
    """All that a log tells, sieved from so many bytes on."""
    source = ConsoleSource("x.log", sieved_bytes_min)
    data = text.encode("utf-8", "surrogateescape")
    # the beginning alone, as a live stream has it: the sieve is built before the rest comes
    events = [event for part in (data[:4200], data[4200:]) for event in source.feed(part)]
    events = source.with_recorded([*events, *source.end()])
    return [(type(e).__name__, *astuple(e)) for e in events], source.notes, source.lines


def assert_same(text: str) -> None:
    assert told(text, 0) == told(text, len(text) * 4 + 1)


def test_wordings_are_those_of_the_patterns() -> None:
    path = Path(sieve.__file__).with_name("wordings.txt")
    assert path.read_text(encoding="ascii").splitlines() == needed.needed(), "run make wordings"


def test_recordings_tell_the_same() -> None:
    for path in sorted(RECORDINGS.rglob("*.log")):
        assert_same(path.read_text(encoding="utf-8", errors="surrogateescape"))


def test_chatter_is_passed_over() -> None:
    """A canary: a sieve that lets everything through would tell the same, too."""
    chatter = "".join(f"I ({200 + n}) sensor: temperature {n} C, all is well\n" for n in range(5000))
    read: list[str] = []
    source = ConsoleSource("x.log", 0)
    list(source.feed((BEFORE * 300).encode()))
    original = source._line
    source._line = lambda raw: read.append(raw) or original(raw)  # type: ignore[method-assign, func-returns-value]
    assert list(source.feed(chatter.encode())) == []
    assert read == []
    assert source.lines == 5600


#: What tools and cables put among the characters of a line, and a byte that is no UTF-8.
STRAY = ("\t", "\0", "\x08", "\x1b[K", "\x1b[0m", "\u200e", "\udcff", "\ufeff", "_[", "\x9b")


def test_lines_are_passed_over_without_what_does_not_belong_to_them() -> None:
    """A canary like the one above, and what was wrong is noted."""
    chatter = "".join(
        f"I ({200 + n}) sensor: temp{stray}erature 7 C\n" for n, stray in enumerate(STRAY[:-2] * 20)
    )
    read: list[str] = []
    source = ConsoleSource("x.log", 0)
    list(source.feed((BEFORE * 300).encode()))
    original = source._line
    source._line = lambda raw: read.append(raw) or original(raw)  # type: ignore[method-assign, func-returns-value]
    assert list(source.feed(chatter.encode("utf-8", "surrogateescape"))) == []
    assert read == []
    assert (source.lines, [event.lines for event in source.end()]) == (760, [760])
    assert source.notes == ["x.log: some bytes are not UTF-8; they are shown as \ufffd"]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A line with stray characters in it, which says something or nothing."""
    text = draw(st.sampled_from(HEADERS)) + draw(
        st.sampled_from(
            (
                "page 7 drawn",
                "errno 23 in accept",
                "Free heap: 41234 bytes",
                "state: run -> init (c0)",
                "failed, rc=-2 try again in 5 seconds",
                "rssi=-77 dBm",
                "#7.5f3a09c1.123 W (81234) halfopen: ",
                "rst:0x1 (POWERON_RESET)",
                "x" * 52,
                "and so on, errno",
                "23 it was",
                "",
            )
        )
    )
    for stray in draw(st.lists(st.sampled_from((*STRAY, "\r")), max_size=3)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + stray + text[at:]
    return text


@settings(max_examples=200, deadline=None)
@given(st.lists(damaged(), max_size=30))
@example(["I (900) app: " + "x" * 30 + "\t" + "x" * 30 + " errno", "23 in accept"])
@example(["rst:0x1 (POWERON_RESET)", "I (300) app: failed, rc=-2 try again in 5 seconds"])
@example(["I (900) app: fine", "I (901) app: er\x08rno 23 in accept", "I (1) app: it\tbegan anew"])
def test_damaged_lines_tell_the_same(lines: list[str]) -> None:
    assert_same(BEFORE * 110 + "\n".join(lines))


PATTERNS = [
    (table.__name__.rpartition(".")[2], number, phrase.pattern)
    for table in needed.TABLES
    for number, phrase in enumerate(table.PHRASES)
] + [
    ("reader", number, pattern)
    for number, pattern in enumerate(p for each in needed.readers().values() for p in each)
]


def exchanged(message: str, chance: random.Random) -> str:
    """``message`` with other digits: of one shape with it."""
    return re.sub("[0-9]", lambda _: chance.choice("0123456789"), message)


@pytest.mark.parametrize(
    "pattern",
    [pattern for _, _, pattern in PATTERNS],
    ids=[f"{table}-{number}" for table, number, _ in PATTERNS],
)
def test_no_pattern_finds_anything_in_a_line_that_is_passed_over(pattern: Pattern) -> None:
    compiled = re.compile(pattern.pattern, pattern.flags)

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
    @given(st.from_regex(compiled, alphabet=PRINTABLE), st.sampled_from(HEADERS), st.booleans(), st.randoms())
    def check(message: str, header: str, coloured: bool, chance: random.Random) -> None:
        message = message.replace("\n", " ")
        alike = [message, *(exchanged(message, chance) for _ in range(3)), message]
        lines = [header + each + ("\x1b[0m" if coloured else "") + "\r" for each in alike]
        assert_same(BEFORE * 160 + "\n".join(lines) + "\nI (905) app: behind it\n")

    check()


LINE = st.one_of(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(
            (
                *HEADERS,
                "[10:00:01.5] ",
                "23:59:58.000 -> ",
                "00:00:01.000 > ",
                "2026-02-30 10:00:00 ",
                "2026-02-28T10:00:00Z ",
                "2026-02-28T10:00:00.5+01:00 host proc[1]: ",
                "Nov 22 07:48:41 host proc[1]: ",
                "<134>1 2026-11-26T06:49:31Z host proc - - - ",
                "[16:27:36:387] ",
                "[2026-06-22 16:28:24.375] ",
                "【2026-06-22 16:28:24:375】",
                "> ",
                "I (4294967290) ",
                "I (7) boot: ",
                "I (24-08-15 09:31:18.532) app: ",
                "I (01:30:11.537) app:",
                "I (1692099078532) app: ",
                "2101 : Info   : ",
                "2025-04-07 18:07:44.318 DEBUG (MainThread) [aioesphomeapi.connection] ",
                "INFO:halfopen:",
                "INFO ",
                "\x1b[0;36m",
                "[10:00:01]\x1b[0;32m",
                "[0;32m",
                "[10:00:01][1;31m",
                "2026-02-28T10:00:00.123456789Z ",
                "2026-02-28T10:00:00.1234567890Z ",
                "2026-02-28T10:00:00.1234567Z host proc[1]: ",
                "10:00:02.12345678 -> ",
                "10:00:02.12345678 ",
            )
        ),
        st.sampled_from((*HEADERS, "", "#7.5f3a09c1.123 W (81234) halfopen: ", "rst:0x1 (POWERON_RESET)")),
        st.one_of(
            st.text(max_size=90),
            st.sampled_from(
                (
                    "couldn't get hostname for :mqtt.example.net: the",
                    "function getaddrinfo() returns 202, addrinfo=0x0",
                    "ets Jul 29 2019 12:21:46",
                    '  File "main.py", line 3, in connect',
                    "OSError: 23",
                    "MPY: soft reboot",
                    "ESP-IDF v5.1 2nd stage bootloader",
                    "mode:DIO, clock div:1",
                    "errno 2333333333333333333333333",
                    "errno\x00 23",
                    "\x1b[31merrno\x1b[0m 23",
                    "errno 23[0m",
                    "errno\u00a023",
                    "errno[0;36m 23",
                    "err\u212aor re\u017fet temperature 21 °C",
                    "free heap \u0663\u0664",
                    "x" * 60,
                )
            ),
        ),
    ),
    st.text(max_size=40),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINE, max_size=30))
@example(["I (5000) app: a", "ets Jul 29 2019", "rst:0x1 (POWERON_RESET),boot:0x13", "plain", "I (3) app: b"])
@example(
    [
        "[23:59:59][D][a:1]: b",
        "[00:00:01][D][a:1]: b",
        "plain",
        "[00:00:02][D][a:1]: b",
        "fd=54 socket created",
    ]
)
@example(["I (100) app: " + "x" * 55, "", "errno 23 in accept"])
def test_any_lines_tell_the_same(lines: list[str]) -> None:
    text = BEFORE * 110 + "\n".join(line.replace("\ud800", "?") for line in lines)
    assert_same(text.encode("utf-8", "replace").decode())


@settings(max_examples=300, deadline=None)
@given(LINE)
def test_headers_are_those_of_logline(line: str) -> None:
    """What the kernel takes apart is what ``read_line`` reads."""
    from halfopen.diagnose.sources.walk import DIALECTS, LineWalk

    raw = line.replace("\n", " ").replace("\r", " ").encode("utf-8", "replace")
    walk = LineWalk(sieve.automaton(), 0)
    walk.enter(raw + b"\n")
    walker = walk._walker
    walker.watch = 0
    walker.named = -1
    walker.last_boot_ms = walker.host_us = walker.system_us = 0
    stopped = walk.next()
    if (stopped and not walker.regular) or walker.dialect == k.EMPTY:
        return
    found = read_line(raw.decode())
    header, times = walker.header, walker.header.times
    assert DIALECTS[walker.dialect] == found.dialect
    assert raw[header.message : header.message_end].decode() == found.message
    assert raw[header.tag : header.tag_end].decode() == found.tag
    assert header.boot_ms == (-1 if found.boot_ms is None else found.boot_ms)
    assert (times.host != 0, header.system != 0) == (found.host_s is not None, found.system_s is not None)


def test_a_wording_must_stand_where_its_pattern_asks_for_it() -> None:
    automaton = sieve.Automaton(dict.fromkeys(["\x01ota\x01", "\x02closed\x03", "errno \x04"], ("1",)))
    assert automaton.threshold % automaton.width == 0
    assert len(automaton.table) == len(automaton.rows) * automaton.width
