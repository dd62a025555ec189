"""The kernel is compiled as a whole or not at all, and installs where no compiler is: ``setup.py`` on a small kernel."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Two modules that know each other's structures, as the kernel's do.
KERNEL = {
    "__init__.py": 'LOOPS = ("counter", "adder")\n',
    "counter.py": "class Counter:\n    def __init__(self):\n        self.count = 0\n",
    "counter.pxd": "cdef class Counter:\n    cdef public long long count\n",
    "adder.py": "from halfopen.kernel.counter import Counter\n\n\ndef add(counter, amount):\n    counter.count += amount\n    return counter.count\n",
    "adder.pxd": "from halfopen.kernel.counter cimport Counter\n\ncpdef long long add(Counter counter, long long amount)\n",
}
PROJECT = '[project]\nname = "halfopen"\nversion = "1"\n[tool.setuptools]\npackage-dir = { "" = "src" }\n'
ADD = "from halfopen.kernel import adder, counter; print(adder.add(counter.Counter(), 5), adder.__file__)"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for needed in ("setuptools", "Cython"):
        if importlib.util.find_spec(needed) is None:
            if os.environ.get("HALFOPEN_REQUIRE_ALL") == "1":
                pytest.fail(f"{needed} is not installed")
            pytest.skip(f"{needed} is not installed")
    kernel = tmp_path / "src/halfopen/kernel"
    kernel.mkdir(parents=True)
    (kernel.parent / "__init__.py").touch()
    for name, text in KERNEL.items():
        (kernel / name).write_text(text)
    shutil.copy(ROOT / "setup.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


def build(tree: Path, **environment: str) -> tuple[str, set[str], str, str]:
    """What building in place said, which modules it left compiled, what adding then gives and from which kind of file."""
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(
        command,
        cwd=tree,
        env={**os.environ, "CFLAGS": "-O0", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    kernel = tree / "src/halfopen/kernel"
    built = {file.name.partition(".")[0] for file in kernel.iterdir() if file.suffix in (".so", ".pyd")}
    used = subprocess.run(
        [sys.executable, "-c", ADD], cwd=tree / "src", capture_output=True, text=True, timeout=60, check=True
    )
    total, file = used.stdout.split()
    return done.stdout, built, total, Path(file).suffix


def test_all_is_compiled_and_what_cannot_be_takes_the_rest_with_it(
    tree: Path, require_tool: Callable[[str], str]
) -> None:
    require_tool("gcc")
    assert build(tree)[1:] == ({"shared", "counter", "adder"}, "5", ".so")
    declared = tree / "src/halfopen/kernel/adder.pxd"
    declared.write_text(declared.read_text() + 'cdef extern from "missing.h":\n    long long MISSING\n')
    said, *rest = build(tree)
    assert "interpreted" in said
    assert rest == [set(), "5", ".py"]


def test_what_cython_refuses_takes_the_rest_with_it(tree: Path) -> None:
    (tree / "src/halfopen/kernel/adder.pxd").write_text("cdef class\n")
    said, *rest = build(tree)
    assert "interpreted" in said
    assert rest == [set(), "5", ".py"]


def test_no_compiler_is_no_error(tree: Path) -> None:
    said, *rest = build(tree, CC="/nowhere/cc")
    assert "interpreted" in said
    assert rest == [set(), "5", ".py"]
