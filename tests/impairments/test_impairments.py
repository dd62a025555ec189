"""Impairments are data: they come from tables, go back to tables, and say in one line what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen import impairments
from halfopen.impairments import KINDS, impairment

FOLDER = Path(impairments.__file__).parent


def test_one_kind_a_file_named_for_it() -> None:
    files = {path.stem.replace("_", "-") for path in FOLDER.glob("*.py")} - {"--init--", "span"}
    assert set(KINDS) == files


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_table_makes_it_and_it_makes_the_table(kind: str) -> None:
    made = impairment({"kind": kind, "begin_ms": 10, "end_ms": 20.5})
    assert kind == made.KIND
    assert impairment(made.as_dict()) == made
    assert (made.begin_ms, made.end_ms) == (10, 20.5)
    assert type(made).__doc__


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({}, "kind is None: one of ap-forgets, "),
        ({"kind": "earthquake"}, "kind is 'earthquake': one of "),
        ({"kind": []}, "kind is []: one of "),
        ({"kind": "blackhole", "begin_ms": float("inf")}, "begin_ms is inf: a finite number expected"),
        ({"kind": "blackhole", "begin_ms": float("nan")}, "begin_ms is nan: a finite number expected"),
        ({"kind": "blackhole", "end_ms": float("inf")}, "end_ms is inf: a finite number expected"),
        ({"kind": "delay", "delay_ms": float("nan")}, "delay_ms is nan: a finite number expected"),
        ({"kind": "loss", "probability": 2}, "probability is 2: 0 to 1 expected"),
        ({"kind": "loss", "probability": "half"}, "probability is 'half': a number expected"),
        ({"kind": "loss", "probability": True}, "probability is True: a number expected"),
        ({"kind": "loss", "direction": "up"}, "direction is 'up': one of both, to-peer, to-device expected"),
        (
            {"kind": "loss", "chance": 1},
            "loss knows no 'chance'; it knows begin_ms, end_ms, probability, direction",
        ),
        ({"kind": "delay", "delay_ms": -1}, "delay_ms is -1: it cannot be negative"),
        ({"kind": "blackhole", "arp_answers": 1}, "arp_answers is 1: bool expected"),
        ({"kind": "blackhole", "begin_ms": -1}, "begin_ms is -1: before the start"),
        ({"kind": "blackhole", "begin_ms": 5, "end_ms": 4}, "end_ms 4 is before begin_ms 5"),
        ({"kind": "flows-lost", "answer": "shout"}, "answer is 'shout': one of silent, reset expected"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(table: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as wrong:
        impairment(table)
    assert str(wrong.value).startswith(complaint)
