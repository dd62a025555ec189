"""The kernel of logs is one source, too: compiled and interpreted it stops at the same lines and reads the same in them."""

from __future__ import annotations

import random
import re
from array import array
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.kernel.test_one_source import KERNEL, RECORDINGS, compiled, interpreted

from halfopen.diagnose.sources import sieve, walk
from halfopen.formats.logline import cleaned
from halfopen.kernel import line_layout as k
from halfopen.kernel import shape_layout


@pytest.fixture(scope="module")
def kernels() -> tuple[dict[str, ModuleType], dict[str, ModuleType]]:
    """The kernel compiled and interpreted; where it is not compiled there is nothing to compare."""
    return compiled(), interpreted()


def stops(data: bytes, kernel: dict[str, ModuleType]) -> list[Any]:
    """Every line at which the kernel stops, with all that it has to say of it, of its text once that is cleaned, and of those
    passed over: in a block that is swept, and twice in one whose shapes are looked up, where every other shape that speaks is
    planned."""
    automaton = sieve.automaton()
    lines = kernel["lines"].LineWalker(walk._TAGS, *automaton.parts)
    marks, ends = array("q", bytes(8 * len(data))), array("q", bytes(8 * k.LANES))
    bounds = array("q", [0])
    for lane in range(1, k.LANES):
        bounds.append(max(data.find(b"\n", len(data) * lane // k.LANES) + 1, bounds[-1]))
    bounds.append(len(data))
    kernel["scanner"].sweep(
        data, bounds, automaton.table, automaton.symbols, automaton.threshold, marks, ends
    )
    told: list[Any] = [array("q", marks), ends]
    lines.marks = marks
    lines.named, lines.last_boot_ms, lines.host_us, lines.system_us, lines.watch = -1, 0, 0, 0, 0
    names = [name for name in vars(kernel_fields()) if name not in ("data", "header", "shapes")]
    for swept in (True, False, False):
        lines.enter(data, len(data), len(data))
        if swept:
            lines.enter_swept(bounds, ends, 1)
        planned = 0
        while lines.walk():
            told.append([*(getattr(lines, name) for name in names), *lines.said])
            told.append([getattr(lines.header, name) for name in HEADER_FIELDS])
            told.append([getattr(lines.header.times, name) for name in TIME_FIELDS])
            if not lines.regular:
                raw = data[lines.line : lines.line_end].decode("utf-8", "replace")
                text = cleaned(raw).encode()
                heard = lines.listen(text, len(text), len(text) // 3)
                told.append([heard, *lines.said, lines.pass_cleaned(text, len(text))])
                told.append([getattr(lines, name) for name in names])
            if not lines.regular:  # as a caller that took the line's times for what they are
                lines.last_boot_ms = max(lines.header.boot_ms, lines.last_boot_ms)
                lines.held, lines.last = k.HELD_NOTHING, -1
            elif lines.slot >= 0 and not lines.planned:
                planned += 1
                lines.plan(planned, 1, *PROVISOS[planned % len(PROVISOS)])
        told.append(list(lines.lines_told[: lines.told * k.TOLD_WIDTH]))
        told.append(list(lines.times_told[: lines.told * k.TIME_WIDTH]))
    return told


#: When a plan tells what a line says.
PROVISOS = (
    (k.PLAN_NEVER, 0, 0, 0),
    (k.PLAN_ALWAYS, 0, 0, 0),
    (k.PLAN_DIGIT_NOT, 3, 1, 1),
    (k.PLAN_NUMBER, 3, 1, 1),
    (k.PLAN_SILENT, 0, 0, 0),
)
HEADER_FIELDS = (  # noqa: SIM905  a list to read
    "boot_ms system system_seconds system_fraction system_digits system_day level tag tag_end message message_end text "
    "coloured escapes foreign system_clock system_dated stamp stamp_digits stamp_kind"
).split()
TIME_FIELDS = ("host", "seconds", "fraction", "digits", "day", "clock", "has_date")


UNLISTED = (  # noqa: SIM905  a list to read
    "meanings rows pool table symbols threshold marks line_marks bounds ends said traits lines_told times_told"
).split()


def kernel_fields() -> Any:
    """A walker of the interpreted kernel, whose fields have names that can be listed."""
    plain = interpreted()["lines"]
    walker = plain.LineWalker(array("q"), array("q"), array("q"), b"", 1, 0, array("i"), b"", 0)
    for name in UNLISTED:
        delattr(walker, name)
    return walker


def test_recordings_are_walked_alike(
    kernels: tuple[dict[str, ModuleType], dict[str, ModuleType]],
) -> None:
    walked = 0
    for path in sorted(RECORDINGS.rglob("*.log"))[::9]:
        data = path.read_bytes() + b"\n"
        built, plain = (stops(data, kernel) for kernel in kernels)
        assert built == plain, path.name
        walked += len(built)
    assert walked > 200


def test_damaged_logs_are_walked_alike(
    kernels: tuple[dict[str, ModuleType], dict[str, ModuleType]], load_script: Callable[[str], ModuleType]
) -> None:
    fuzz = load_script("fuzz/fuzz_logs.py")
    for seed in range(4):
        data = fuzz.mutated(random.Random(seed))[:12000] + b"\n"
        built, plain = (stops(data, kernel) for kernel in kernels)
        assert built == plain, f"seed {seed}"


@pytest.mark.parametrize("name", ["scanner", "host_times", "headers", "shapes", "lines"])
def test_every_constant_is_declared(name: str) -> None:
    """An undeclared constant still works compiled, but as a Python object in the hot loop."""
    declared = Path(KERNEL / f"{name}.pxd").read_text().replace(",", " ").split()
    constants = [each for each in vars(interpreted()[name]) if each.isupper()]
    assert [each for each in constants if each not in declared] == []


def test_the_compiler_knows_the_same_constants() -> None:
    text = (KERNEL / "shape_layout.pxd").read_text()
    declared = {
        name: int(value, 0)
        for name, value in re.findall(r'([A-Z_]+) (?:= |")(-?(?:0x[0-9A-F]+|[0-9]+))', text)
    }
    assert declared == {name: value for name, value in vars(shape_layout).items() if name.isupper()}
