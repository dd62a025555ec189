"""The house is kept: names, sizes, dead files, docstrings, import law, types and style."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from halfopen.twin.firmware import PROGRAMS

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "halfopen"
MODULES = sorted(SOURCE.rglob("*.py"))

LINES_MAX = 700
FUNCTION_LINES_MAX = 70
BANNED = re.compile(r"(?:^|_)(?:utils?|helpers?|managers?|common|misc|base)(?:_|$)", re.IGNORECASE)
#: What must never stand in the repository: paths of one machine.
MACHINE_PATHS = re.compile(r"/work/(?:main|shared)|/root/|/home/\w+")


def name_of(module: Path) -> str:
    return str(module.relative_to(SOURCE))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_module_can_be_read_in_a_sitting(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LINES_MAX
    for function in functions(ast.parse(module.read_text())):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX, f"{function.name} has {length} lines"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_names_say_something(module: Path) -> None:
    assert not BANNED.search(module.stem)
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            assert not BANNED.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name)), node.name


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_what_is_public_is_explained(module: Path) -> None:
    tree = ast.parse(module.read_text())
    assert ast.get_docstring(tree), "module docstring"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                        inherited = any(isinstance(b, ast.Attribute) for b in node.bases)
                        assert inherited or ast.get_docstring(method), f"{node.name}.{method.name}"


def test_no_module_is_dead() -> None:
    imported: set[str] = set()
    for module in [*MODULES, *(ROOT / "bench").glob("*.py")]:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)
                imported.update(f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    run_by_name = {
        "halfopen.__main__",
        "halfopen.diagnose.sources.needed",
        "halfopen.findings.page",
        "halfopen.kernel",
        "halfopen.link.page",
    }
    imported_by_users = {
        f"halfopen.link.{name}"
        for name in (
            "on_asyncio",
            "handover",
            "on_micropython",
            "wlan",
            "recorder",
            "rtc",
            "flash",
            "awaiting",
            "guard_on_asyncio",
            "guard_on_micropython",
        )
    }
    run_by_name |= {f"halfopen.cli.{verb}ing" for verb in ("diagnos", "explain", "prov", "simulat", "sweep")}
    run_by_name |= {kind.__module__ for kind in PROGRAMS.values()}
    run_by_name |= {"halfopen.twin.fidelity.__main__"}
    run_by_name |= {"halfopen.sweep.faults", "halfopen.sweep.witnesses"}  # fuzz/score_diagnose.py
    entries = run_by_name | imported_by_users
    for module in MODULES:
        name = ".".join(module.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        used = name in imported | entries or any(other.startswith(f"{name}.") for other in imported)
        assert used, f"{name} is imported nowhere"


def test_repository_speaks_of_the_product_alone() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".yml", "") and path.is_file() and path != Path(__file__):
            found = MACHINE_PATHS.search(path.read_text(errors="replace"))
            assert not found, f"{name}: {found and found[0]}"


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_law() -> None:
    lint = "import sys; from importlinter.cli import lint_imports_command; sys.argv = ['lint-imports']; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_types() -> None:
    run("mypy")


def test_style() -> None:
    run("ruff", "check", "src", "tests", "fuzz", "bench", "examples")
    run("ruff", "format", "--check", "src", "tests", "fuzz", "bench", "examples")
