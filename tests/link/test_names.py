"""The board's own resolver: what it asks, and that an answer is believed only when it is one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.link.names import answer_in, literal, question

ASKED = question(0x1234, "broker.lan")
A, CNAME, IN = 1, 5, 1


def record(name: bytes, kind: int, data: bytes) -> bytes:
    return name + struct.pack(">HHIH", kind, IN, 60, len(data)) + data


def answer(*records: bytes, asked: bytes = ASKED, code: int = 0, count: int | None = None) -> bytes:
    size = len(records) if count is None else count
    return (
        asked[:2]
        + bytes([0x81, 0x80 | code])
        + b"\0\1"
        + struct.pack(">HHH", size, 0, 0)
        + asked[12:]
        + b"".join(records)
    )


POINTER = b"\xc0\x0c"


def test_an_address_is_found_behind_an_alias_too() -> None:
    assert answer_in(answer(record(POINTER, A, bytes([10, 0, 0, 7]))), ASKED) == "10.0.0.7"
    alias = record(POINTER, CNAME, b"\4real\3lan\0")
    assert answer_in(answer(alias, record(b"\4real\3lan\0", A, bytes([10, 0, 0, 8]))), ASKED) == "10.0.0.8"
    assert answer_in(answer(alias, record(b"\4real\xc0\x13", A, bytes([10, 0, 0, 9]))), ASKED) == "10.0.0.9"


def test_a_name_without_an_address_is_told_from_no_answer() -> None:
    assert answer_in(answer(code=3), ASKED) == ""  # NXDOMAIN
    assert answer_in(answer(), ASKED) == ""
    assert answer_in(answer(code=2), ASKED) is None  # SERVFAIL: another try may fare better
    assert (
        answer_in(
            answer(record(POINTER, A, bytes([10, 0, 0, 7])), asked=question(0x1235, "broker.lan")), ASKED
        )
        is None
    )
    assert (
        answer_in(
            answer(record(POINTER, A, bytes([10, 0, 0, 7])), asked=question(0x1234, "other.lan")), ASKED
        )
        is None
    )
    assert answer_in(ASKED, ASKED) is None  # our own question, sent back


def test_case_does_not_matter() -> None:
    shouted = ASKED[:12] + ASKED[12:].replace(b"broker", b"BROKER")
    assert answer_in(answer(record(POINTER, A, bytes([10, 0, 0, 7])), asked=shouted), ASKED) == "10.0.0.7"


@given(st.binary(max_size=200))
def test_garbage_is_no_answer_and_no_error(noise: bytes) -> None:
    assert answer_in(noise, ASKED) in (None, "")
    found = answer_in(answer(noise, count=3), ASKED)
    assert found is None or found == literal(found)


@given(st.integers(0, 60), st.binary(min_size=1, max_size=1))
def test_a_damaged_answer_is_no_error(place: int, byte: bytes) -> None:
    whole = answer(
        record(POINTER, CNAME, b"\4real\3lan\0"), record(b"\4real\xc0\x13", A, bytes([10, 0, 0, 9]))
    )
    for damaged in (whole[:place], whole[:place] + byte + whole[place + 1 :]):
        found = answer_in(damaged, ASKED)
        assert found is None or found == literal(found)


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "ü" * 40])
def test_a_name_that_no_host_has_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no host"):
        question(1, name)


@pytest.mark.parametrize("host", ["1.2.3", "1.2.3.256", "1.2.3.x", "1.2.3.4.5", "", "a.b.c.d"])
def test_what_is_no_address_is_a_name(host: str) -> None:
    assert literal(host) == ""


def test_an_address_is_itself() -> None:
    assert literal("192.168.0.1") == "192.168.0.1"
