"""The kernel is one source: compiled and interpreted it gives the same columns, and no build is stale."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import random
from array import array
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import halfopen.kernel
from halfopen.formats.capture import BLOCK_ENHANCED, LINK_ETHERNET, LINK_RADIOTAP, PcapngWriter
from halfopen.kernel import layout as k

KERNEL = Path(halfopen.kernel.__file__).parent
MODULES = ("records", "air", "packets", "flows", "hosts")
RECORDINGS = Path(__file__).parents[1] / "recordings"


def interpreted(name: str) -> ModuleType:
    """A kernel module from its source, whatever was built."""
    path = KERNEL / f"{name}.py"
    loader = importlib.machinery.SourceFileLoader(f"interpreted_{name}", str(path))
    spec = importlib.util.spec_from_file_location(f"interpreted_{name}", path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def columns(data: bytes, modules: dict[str, Any], link: int = LINK_ETHERNET) -> dict[str, Any]:
    """Everything that the kernel makes of a pcapng with one little-endian section and one interface."""
    buffer = bytearray(data)
    rows = array("q", bytes(8 * k.WIDTH * 600))
    cursor = array("q", bytes(8 * k.CURSOR_WIDTH))
    interfaces = array("q", [link, 0, k.TICKS_TIMES, 1, 1 << 62, 0])
    stops = []
    while True:  # over the section and interface blocks, whose length stands after their type
        stops.append(modules["records"].walk_pcapng(buffer, len(buffer), 0, interfaces, rows, cursor))
        at = cursor[k.POSITION]
        if (
            stops[-1] != k.STOP_BLOCK
            or not 12 <= (size := int.from_bytes(buffer[at + 4 : at + 8], "little")) <= 999
        ):
            break
        cursor[k.POSITION] += size
    count = cursor[k.ROWS]
    air, memory = array("q", bytes(8 * k.AIR_WIDTH * 600)), array("q", bytes(8 * k.MEMORY_WIDTH))
    made = modules["air"].read_air(buffer, rows, count, air, memory)
    modules["packets"].decode(buffer, rows, count)
    totals, picked = array("q", bytes(8 * k.A_WIDTH)), array("q", bytes(8 * 600))
    listed = modules["packets"].tally(rows, count, totals, picked)
    table, heads = array("q", bytes(8 * k.H_WIDTH * 8)), array("q", [-1] * 16)
    registers, words = array("q", [0, 0]), array("q", bytes(32))
    modules["hosts"].count_hosts(buffer, rows, count, 1, table, heads, registers, words)
    state, buckets = array("q", bytes(8 * k.FLOW_WIDTH * 64)), array("q", [-1] * 128)
    for slot in range(63):
        state[slot * k.FLOW_WIDTH + k.F_CHAIN] = slot + 1
    state[63 * k.FLOW_WIDTH + k.F_CHAIN] = -1
    flow_registers, notable = array("q", [0, 0, 127]), array("q", bytes(8 * 600))
    stopped = modules["flows"].analyse(buffer, rows, 0, count, 1, state, buckets, flow_registers, notable)
    return locals() | {"modules": None, "data": None}


def compiled() -> dict[str, ModuleType]:
    modules = {name: importlib.import_module(f"halfopen.kernel.{name}") for name in MODULES}
    if any(str(module.__file__).endswith(".py") for module in modules.values()):
        pytest.skip("the kernel is not compiled here")
    return modules


def test_recordings_give_the_same_columns() -> None:
    built, plain = compiled(), {name: interpreted(name) for name in MODULES}
    for path in sorted(RECORDINGS.glob("*/*.pcapng")):
        data = path.read_bytes()
        link = LINK_RADIOTAP if path.parent.name == "air" else LINK_ETHERNET
        ours, theirs = columns(data, built, link), columns(data, plain, link)
        assert ours["count"] > 0
        assert [name for name in ours if ours[name] != theirs[name]] == [], path.name


def test_damaged_captures_give_the_same_columns(load_script: Callable[[str], ModuleType]) -> None:
    built, plain = compiled(), {name: interpreted(name) for name in MODULES}
    fuzz = load_script("fuzz/fuzz_captures.py")
    for seed in range(60):
        dice = random.Random(seed)
        data = fuzz.mutate(dice, fuzz.walk(seed, 2, 30))
        ours, theirs = columns(data, built), columns(data, plain)
        assert [name for name in ours if ours[name] != theirs[name]] == [], f"seed {seed}"


def test_damaged_air_gives_the_same_columns(load_script: Callable[[str], ModuleType]) -> None:
    built, plain = compiled(), {name: interpreted(name) for name in MODULES}
    fuzz = load_script("fuzz/fuzz_captures.py")
    paths = sorted(RECORDINGS.glob("air/*.pcapng"))
    for seed in range(60):
        dice = random.Random(seed)
        data = fuzz.mutate(dice, paths[seed % len(paths)].read_bytes()[:30000])
        ours, theirs = columns(data, built, LINK_RADIOTAP), columns(data, plain, LINK_RADIOTAP)
        assert [name for name in ours if ours[name] != theirs[name]] == [], f"seed {seed}"


@pytest.mark.parametrize("mode", [k.TICKS_TIMES, k.TICKS_BINARY, k.TICKS_DIVIDED])
def test_extreme_times_are_the_same(mode: int) -> None:
    built, plain = compiled(), {name: interpreted(name) for name in MODULES}
    writer = PcapngWriter()
    words = [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    data = bytearray()
    for high in words:
        for low in words:
            head = b"".join(word.to_bytes(4, "little") for word in (0, high, low, 4, 4))
            data += writer.block(BLOCK_ENHANCED, head + b"abcd")
    factors = {k.TICKS_TIMES: (1, 10**9), k.TICKS_BINARY: (0, 20, 33, 40, 62), k.TICKS_DIVIDED: (10, 1 << 62)}
    limits = {
        k.TICKS_TIMES: lambda factor: (1 << 62) // factor,
        k.TICKS_BINARY: lambda _: (1 << 62) // 10**9 - 1,
    }
    for factor in factors[mode]:
        limit = limits.get(mode, lambda _: 0)(factor)
        times = []
        for modules in (built, plain):
            rows = array("q", bytes(8 * k.WIDTH * 30))
            cursor = array("q", bytes(8 * k.CURSOR_WIDTH))
            interfaces = array("q", [1, 0, mode, factor, limit, -(1 << 61)])
            modules["records"].walk_pcapng(data, len(data), 0, interfaces, rows, cursor)
            assert cursor[k.ROWS] == 25
            times.append(rows[k.TIME :: k.WIDTH])
        assert times[0] == times[1]


@pytest.mark.parametrize("name", MODULES)
def test_no_build_is_older_than_its_source(name: str) -> None:
    builds = [path for path in KERNEL.glob(f"{name}.*") if path.suffix in (".so", ".pyd")]
    for build in builds:
        for source in (KERNEL / f"{name}.py", KERNEL / f"{name}.pxd"):
            assert build.stat().st_mtime >= source.stat().st_mtime, (
                f"{build.name} is older than {source.name}: run pip install -e . --no-build-isolation"
            )


@pytest.mark.parametrize("name", MODULES)
def test_every_constant_is_declared(name: str) -> None:
    """An undeclared constant still works compiled, but as a Python object in the hot loop."""
    module = interpreted(name)
    declared = (KERNEL / f"{name}.pxd").read_text().replace(",", " ").split()
    constants = [each for each in vars(module) if each.isupper()]
    assert [each for each in constants if each not in declared] == []
