"""The kernel is one source: compiled and interpreted it gives the same columns, and no build is stale."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.machinery
import importlib.util
import os
import random
import re
import shutil
import subprocess
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import halfopen.kernel
from halfopen.formats import capture
from halfopen.formats.capture import BLOCK_ENHANCED, LINK_ETHERNET, LINK_RADIOTAP, PcapngWriter
from halfopen.kernel import LOOPS, is_compiled
from halfopen.kernel import layout as k
from halfopen.kernel import protocol as p

KERNEL = Path(halfopen.kernel.__file__).parent
RECORDINGS = Path(__file__).parents[1] / "recordings"


@functools.cache
def interpreted() -> dict[str, ModuleType]:
    """The kernel's modules from their sources, whatever was built."""
    modules: dict[str, ModuleType] = {}
    names = {name: f"halfopen.kernel.{name}" for name in LOOPS}
    before = {full: sys.modules.get(full) for full in names.values()}
    try:
        for name, full in names.items():
            path = KERNEL / f"{name}.py"
            loader = importlib.machinery.SourceFileLoader(full, str(path))
            spec = importlib.util.spec_from_file_location(full, path, loader=loader)
            assert spec is not None
            modules[name] = sys.modules[full] = importlib.util.module_from_spec(spec)
            setattr(halfopen.kernel, name, modules[name])
            loader.exec_module(modules[name])
    finally:
        for name, full in names.items():
            if (module := before[full]) is not None:
                sys.modules[full] = module
                setattr(halfopen.kernel, name, module)
            else:
                del sys.modules[full]
                delattr(halfopen.kernel, name)
    return modules


def columns(data: bytes, modules: dict[str, Any], link: int = LINK_ETHERNET) -> dict[str, Any]:
    """Everything that the kernel makes of a pcapng with one little-endian section and one interface."""
    buffer = bytearray(data)
    rows = array("q", bytes(8 * k.WIDTH * 600))
    interfaces = array("q", [link, 0, k.TICKS_TIMES, 1, 1 << 62, 0])
    frames, walk = modules["frames"].Frames(), modules["records"].Walk()
    frames.hold(buffer, rows)
    walk.hold(interfaces, 0)
    stops = []
    while True:  # over the section and interface blocks, whose length stands after their type
        stops.append(modules["records"].walk_pcapng(frames, walk, len(buffer)))
        at = walk.position
        if (
            stops[-1] != k.STOP_BLOCK
            or not 12 <= (size := int.from_bytes(buffer[at + 4 : at + 8], "little")) <= 999
        ):
            break
        walk.position += size
    count = walk.count
    stand = (walk.position, walk.needed, walk.damage, walk.culprit, walk.last_time)
    air, memory = array("q", bytes(8 * k.AIR_WIDTH * 600)), array("q", bytes(8 * k.MEMORY_WIDTH))
    frames.hold_air(air, memory)
    made = modules["air"].read_air(frames, count)
    modules["packets"].decode(frames, count)
    totals, picked = array("q", bytes(8 * k.A_WIDTH)), array("q", bytes(8 * 600))
    listed = modules["packets"].tally(frames, count, totals, picked)
    table, heads = array("q", bytes(8 * k.H_WIDTH * 8)), array("q", [-1] * 16)
    crowd = modules["hosts"].Crowd()
    crowd.hold(table, heads)
    silent = modules["hosts"].count_hosts(frames, crowd, count, 1)
    told = (crowd.used, crowd.lost, silent)
    state, buckets = array("q", bytes(8 * k.FLOW_WIDTH * 64)), array("q", [-1] * 128)
    for slot in range(63):
        state[slot * k.FLOW_WIDTH + k.F_CHAIN] = slot + 1
    state[63 * k.FLOW_WIDTH + k.F_CHAIN] = -1
    flows, notable = modules["flows"].Flows(), array("q", bytes(8 * 600))
    flows.free = 0
    flows.hold(state, buckets, notable)
    stopped = modules["flows"].analyse(frames, flows, 0, count, 1)
    followed = (flows.free, flows.listed, stopped)
    return {name: value for name, value in locals().items() if isinstance(value, int | tuple | list | array)}


def compiled() -> dict[str, ModuleType]:
    modules = {name: importlib.import_module(f"halfopen.kernel.{name}") for name in LOOPS}
    if any(str(module.__file__).endswith(".py") for module in modules.values()):
        pytest.skip("the kernel is not compiled here")
    return modules


def test_recordings_give_the_same_columns() -> None:
    built, plain = compiled(), interpreted()
    for path in sorted(RECORDINGS.glob("*/*.pcapng")):
        data = path.read_bytes()
        link = LINK_RADIOTAP if path.parent.name == "air" else LINK_ETHERNET
        ours, theirs = columns(data, built, link), columns(data, plain, link)
        assert ours["count"] > 0
        assert [name for name in ours if ours[name] != theirs[name]] == [], path.name


def test_damaged_captures_give_the_same_columns(load_script: Callable[[str], ModuleType]) -> None:
    built, plain = compiled(), interpreted()
    fuzz = load_script("fuzz/fuzz_captures.py")
    for seed in range(60):
        dice = random.Random(seed)
        data = fuzz.mutate(dice, fuzz.walk(seed, 2, 30))
        ours, theirs = columns(data, built), columns(data, plain)
        assert [name for name in ours if ours[name] != theirs[name]] == [], f"seed {seed}"


def test_damaged_air_gives_the_same_columns(load_script: Callable[[str], ModuleType]) -> None:
    built, plain = compiled(), interpreted()
    fuzz = load_script("fuzz/fuzz_captures.py")
    paths = sorted(RECORDINGS.glob("air/*.pcapng"))
    for seed in range(60):
        dice = random.Random(seed)
        data = fuzz.mutate(dice, paths[seed % len(paths)].read_bytes()[:30000])
        ours, theirs = columns(data, built, LINK_RADIOTAP), columns(data, plain, LINK_RADIOTAP)
        assert [name for name in ours if ours[name] != theirs[name]] == [], f"seed {seed}"


@pytest.mark.parametrize("mode", [k.TICKS_TIMES, k.TICKS_BINARY, k.TICKS_DIVIDED])
def test_extreme_times_are_the_same(mode: int) -> None:
    built, plain = compiled(), interpreted()
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
            interfaces = array("q", [1, 0, mode, factor, limit, -(1 << 61)])
            frames, walk = modules["frames"].Frames(), modules["records"].Walk()
            frames.hold(data, rows)
            walk.hold(interfaces, 0)
            modules["records"].walk_pcapng(frames, walk, len(data))
            assert walk.count == 25
            times.append(rows[k.TIME :: k.WIDTH])
        assert times[0] == times[1]


@pytest.mark.parametrize("name", LOOPS)
def test_no_build_is_older_than_its_source(name: str) -> None:
    builds = [path for path in KERNEL.glob(f"{name}.*") if path.suffix in (".so", ".pyd")]
    for build in builds:
        for source in (KERNEL / f"{name}.py", KERNEL / f"{name}.pxd"):
            assert build.stat().st_mtime >= source.stat().st_mtime, (
                f"{build.name} is older than {source.name}: run pip install -e . --no-build-isolation"
            )


@pytest.mark.parametrize("module", [k, p], ids=lambda module: module.__name__)
def test_the_compiler_knows_the_same_constants(module: ModuleType) -> None:
    """A constant that only the source knew would still work compiled, but as a Python object in the hot loop."""
    text = (KERNEL / f"{module.__name__.rpartition('.')[2]}.pxd").read_text()
    declared = {
        name: int(value, 0)
        for name, value in re.findall(
            r"^ +(?:#define HALFOPEN_)?([A-Z0-9_]+)(?: =|) (-?(?:0x[0-9a-f]+|[0-9]+))(?:LL)?$", text, re.M
        )
    }
    assert declared == {name: value for name, value in vars(module).items() if name.isupper()}


def test_the_kernel_and_the_formats_mean_the_same_links() -> None:
    """They know nothing of each other, so that each says the numbers of tcpdump's registry."""
    of_kernel, of_formats = (
        {
            name: value
            for name, value in vars(module).items()
            if name.startswith("LINK_") and type(value) is int
        }
        for module in (k, capture)
    )
    shared = of_kernel.keys() & of_formats.keys()
    assert len(shared) >= 10
    assert {name: of_kernel[name] for name in shared} == {name: of_formats[name] for name in shared}


@pytest.mark.parametrize("name", LOOPS)
def test_no_number_is_too_long_for_the_compiler(name: str) -> None:
    """A literal of more than 32 bits becomes a Python object in the hot loop; as a constant that is declared it does not."""
    numbers = [
        node.value
        for loop in ast.walk(ast.parse((KERNEL / f"{name}.py").read_text()))
        if isinstance(loop, ast.FunctionDef)
        for node in ast.walk(loop)
        if isinstance(node, ast.Constant) and type(node.value) is int
    ]
    assert [number for number in numbers if number >= 1 << 31] == []


def test_the_version_says_which_kernel_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "halfopen", "--version"], capture_output=True, text=True, check=True
    )
    assert f"(kernel {'compiled' if is_compiled() else 'interpreted'}" in done.stdout
    built = any(path.suffix in (".so", ".pyd") for path in KERNEL.iterdir())
    assert is_compiled() == built


def other(package: Path, *asked: str) -> subprocess.CompletedProcess[str]:
    """The program of another copy of the package."""
    return subprocess.run(
        [sys.executable, "-m", "halfopen", *asked],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        timeout=60,
    )


@pytest.mark.parametrize("change", ["an edited source", "a module that is not built"])
def test_a_build_that_does_not_fit_its_sources_is_left_aside(change: str, tmp_path: Path) -> None:
    """After a pull, old structures beside new sources would end in an ImportError, or worse."""
    compiled()
    package = tmp_path / "halfopen"
    shutil.copytree(KERNEL.parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "kernel" / "flows.c").touch()
    capture = str(RECORDINGS / "lwip" / "e2_httpd_like.pcapng")
    whole = other(package, "diagnose", capture, "--format", "json")
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "(kernel compiled)" in other(package, "--version").stdout
    if change == "an edited source":
        source = package / "kernel" / "conversation.py"
        source.write_text(source.read_text().replace("def forget(", "def give_up("))
        caller = package / "kernel" / "flow_table.py"
        caller.write_text(
            caller.read_text().replace("import Story, forget", "import Story, give_up as forget")
        )
    else:
        next((package / "kernel").glob("asking.*.*")).unlink()
    assert "(kernel interpreted: its sources changed" in other(package, "--version").stdout
    told = other(package, "diagnose", capture, "--format", "json")
    assert (told.returncode, told.stdout) == (0, whole.stdout)
    assert told.stderr.startswith("halfopen: the kernel's sources changed after they were compiled")
