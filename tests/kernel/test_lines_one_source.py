"""The kernel of logs is one source, too: compiled and interpreted it stops at the same lines and reads the same in them."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.kernel.test_one_source import KERNEL, RECORDINGS, compiled, interpreted

from halfopen.diagnose.sources import sieve, walk
from halfopen.kernel import line_layout as k


@pytest.fixture(scope="module")
def kernels() -> tuple[dict[str, ModuleType], dict[str, ModuleType]]:
    """The kernel compiled and interpreted; where it is not compiled there is nothing to compare."""
    return compiled(), interpreted()


def stops(data: bytes, kernel: dict[str, ModuleType]) -> list[Any]:
    """Every line at which the kernel stops, with all that it has to say of it and of those passed over."""
    automaton = sieve.automaton()
    lines = kernel["lines"].LineWalker(
        walk._TAGS, automaton.meanings, automaton.rows, automaton.pool, automaton.width, automaton.line_end
    )
    marks, ends = array("q", bytes(8 * len(data))), array("q", bytes(8 * k.LANES))
    bounds = array("q", [0])
    for lane in range(1, k.LANES):
        bounds.append(max(data.find(b"\n", len(data) * lane // k.LANES) + 1, bounds[-1]))
    bounds.append(len(data))
    kernel["scanner"].sweep(
        data, bounds, automaton.table, automaton.symbols, automaton.threshold, marks, ends
    )
    told: list[Any] = [marks, ends]
    lines.enter(data, bounds, marks, ends)
    lines.named, lines.last_boot_ms, lines.host_us, lines.system_us, lines.watch = -1, 0, 0, 0, 0
    names = [name for name in vars(kernel_fields()) if name not in ("data", "header")]
    while lines.walk():
        told.append([*(getattr(lines, name) for name in names), *lines.said])
        told.append([getattr(lines.header, name) for name in HEADER_FIELDS])
        told.append([getattr(lines.header.times, name) for name in TIME_FIELDS])
        if not lines.regular:  # as a caller that took the line's times for what they are
            lines.last_boot_ms = max(lines.header.boot_ms, lines.last_boot_ms)
            lines.held, lines.last = k.HELD_NOTHING, -1
    return told


HEADER_FIELDS = (  # noqa: SIM905  a list to read
    "boot_ms system system_seconds system_fraction system_digits system_day level tag tag_end message message_end text "
    "coloured escapes foreign"
).split()
TIME_FIELDS = ("host", "seconds", "fraction", "digits", "day")


def kernel_fields() -> Any:
    """A walker of the interpreted kernel, whose fields have names that can be listed."""
    plain = interpreted()["lines"]
    walker = plain.LineWalker(array("q"), array("q"), array("q"), b"", 1, 0)
    for name in ("meanings", "rows", "pool", "marks", "bounds", "ends", "said"):
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


@pytest.mark.parametrize("name", ["scanner", "host_times", "headers", "lines"])
def test_every_constant_is_declared(name: str) -> None:
    """An undeclared constant still works compiled, but as a Python object in the hot loop."""
    declared = Path(KERNEL / f"{name}.pxd").read_text().replace(",", " ").split()
    constants = [each for each in vars(interpreted()[name]) if each.isupper()]
    assert [each for each in constants if each not in declared] == []
