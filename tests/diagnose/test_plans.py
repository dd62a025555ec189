"""What is planned for a shape of lines is what its lines say, each with its own figures, and no pattern is tried for it."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from halfopen.diagnose.sources import said_of_memory, said_of_sockets, said_of_wifi
from halfopen.diagnose.sources.console import ConsoleSource
from halfopen.diagnose.sources.wordings import tells_digits_apart
from halfopen.formats import newlib_errno
from halfopen.formats.patterns import Pattern

#: A beginning long enough for the encoding to be told, of lines of few shapes, so that shapes are looked up behind it.
BEFORE = "".join(f"I ({100 + number % 9}) app: up\n" for number in range(400))


def told(lines: list[str], *, sieved: bool) -> list[tuple[object, ...]]:
    """All that a log of ``lines`` tells."""
    source = ConsoleSource("x.log", 0 if sieved else 1 << 30)
    data = ("\n".join(lines) + "\n").encode()
    events = [event for part in (BEFORE.encode(), data) for event in source.feed(part)]
    return [(type(event).__name__, *astuple(event)) for event in [*events, *source.end()]]


def read_by_pattern(lines: list[str]) -> int:
    """How many of ``lines`` the patterns were tried on."""
    source = ConsoleSource("x.log", 0)
    list(source.feed(BEFORE.encode()))
    read = []
    original = source._said_to_readers
    source._said_to_readers = lambda *given: read.append(given) or original(*given)  # type: ignore[method-assign, func-returns-value]
    list(source.feed(("\n".join(lines) + "\n").encode()))
    return len(read)


#: Messages of which one is enough to know what all of its shape say.
PLANNED = (
    "Free Heap: 183220 bytes, Min Free: 123456 bytes",
    "heap free 123,456 largest 40960 min 20000",
    "free internal: 4567, free psram: 1234567",
    "state: run -> init (c0)",
    "state: auth2 -> run (10)",
    "sta ip: 192.168.7.20, mask: 255.255.255.0, gw: 192.168.7.1",
    "socket created, fd=54",
    "recv failed: errno 113 on fd 54 after 12.5 s",
    "error in accept (23)",
    "poll_read select error 113, errno = Software caused connection abort, fd = 54",
    "rssi=-67 dBm",
    "No PING_RESP, disconnected",
    "queue depth 17",
)


@pytest.mark.parametrize("message", PLANNED)
def test_lines_of_a_shape_are_read_once(message: str) -> None:
    lines = [f"I ({3000 + number}) app: {message}" for number in range(60)]
    assert told(lines, sieved=True) == told(lines, sieved=False)
    assert len(told(lines, sieved=True)) > 60
    assert read_by_pattern(lines) <= 1


@pytest.mark.parametrize("message", PLANNED)
def test_other_digits_tell_other_figures(message: str) -> None:
    chance = random.Random(message)
    others = [re.sub("[0-9]", lambda _: chance.choice("0123456789"), message) for _ in range(200)]
    lines = [f"E ({3000 + number}) app: {each}" for number, each in enumerate([message, *others, message])]
    assert told(lines, sieved=True) == told(lines, sieved=False)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            (
                "free",
                "heap",
                "min",
                "largest",
                "block",
                "8bit",
                "kb",
                "123",
                "0456",
                "12",
                "=",
                ":",
                "rssi",
                "-67",
                "-99",
                "-101",
                "state: 1 -> 2 (0x1f)",
                "->",
                "errno",
                "113",
                "23",
                "fd",
                "7",
                "after 5 s",
                "error",
                "failed",
                "recv",
                "cc1101",
                "reason",
                "tls",
                "-0x7f00",
                "connected=1",
                "status",
                "pong after 12 ms",
            )
        ),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from((" ", "", ", ")),
    st.randoms(),
)
def test_any_words_are_planned_rightly(words: list[str], between: str, chance: random.Random) -> None:
    message = between.join(words)
    others = [re.sub("[0-9]", lambda _: chance.choice("0123456789"), message) for _ in range(12)]
    lines = [f"W ({3000 + number}) app: {each}" for number, each in enumerate([message, *others, message])]
    assert told(lines, sieved=True) == told(lines, sieved=False)


#: Patterns of readers by which plans are made; what a plan makes of the others it asks the reader itself.
OF_READERS = (
    *(
        getattr(said_of_memory, name)
        for name in ("_POOL", "_MINIMUM", "_LARGEST", "_SPLIT", "_ABOUT_MEMORY", "_NOT_HEAP")
    ),
    *(getattr(said_of_memory, name) for name in ("_STACK_LINE", "_TLS")),
    *(getattr(said_of_wifi, name) for name in ("_RSSI", "_SCAN_HIT")),
    *(
        getattr(said_of_sockets, name)
        for name in ("_NUMBER", "_TROUBLE", "_FD_IN", "_AFTER", "_NAMES", "_ADDRESS_TEXTS")
    ),
    *(verb for _, verb in said_of_sockets._VERBS),
    newlib_errno.NAME,
    newlib_errno.TEXT,
)


@pytest.mark.parametrize("pattern", OF_READERS, ids=lambda pattern: pattern.pattern[:40])
def test_patterns_that_plans_rest_on_take_any_digit(pattern: Pattern) -> None:
    assert not tells_digits_apart(pattern.pattern)


@pytest.mark.parametrize(
    ("pattern", "apart"),
    [
        (r"errno \d+", False),
        (r"[0-9a-f]+", False),
        (r"\w+ [^\d]\S", False),
        (r"a(?:b|c3)?", True),
        (r"[1-9]\d*", True),
        (r"(?!200)\d", True),
        (r"(\d) \1", True),
    ],
)
def test_digits_that_a_pattern_tells_apart_are_seen(pattern: str, apart: bool) -> None:
    assert tells_digits_apart(pattern) is apart
