"""Builds what an ESP32 loads: ``python device/build.py OUT`` writes .mpy files and says how large they are.

A module costs a device its bytecode, its names and its tables, so the sources are packed before mpy-cross compiles them:

- the core and the driver become one file (every name is stored once a file);
- docstrings, annotations, asserts and what stands behind TYPE_CHECKING go; constants are put where they are used;
- the machine's table becomes four bytes a row, read by the same ``step()``;
- what nothing on a device calls is left out.

Names stay, so that a traceback still says something. No line of what a computer runs is changed, and the tests put
the packed files through the same faults as the sources.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numbering  # noqa: E402
from inlining import inline, merge  # noqa: E402
from shortening import Shortener, bound_by, users_names  # noqa: E402

ROOT = Path(__file__).parents[1]
PACKAGE = "halfopen.link"
#: The modules of the one file that every program loads, dependencies first; the last gives the file its name.
CORE = (
    *("machine", "policy", "vitals", "journal", "keeper", "ledger", "capability", "buffered", "driver"),
    *("names", "blocking", "on_micropython"),
)
#: Files that a program loads when it wants them.
BESIDE = (
    *("wlan", "tls_on_micropython", "awaiting", "recorder", "rtc", "flash", "delivery"),
    *("guard", "guard_on_micropython"),
)
#: Classes whose public methods are the user's: kept although nothing here calls them.
USERS = ("Link", "Driver", "Connection", "Buffered", "Lost", "Policy", "Ledger", "Capability")
#: A class, and the only one that a device derives from it.
MERGED = ("Driver", "Link")
#: Public names of theirs that are for the link itself.
INTERNAL = ("expect_answer", "resume", "release", "accepted_up_to", "received")


def text_of(name: str) -> str:
    """The source of the module ``name`` of the link."""
    return (ROOT / "src" / "halfopen" / "link" / f"{name}.py").read_text(encoding="utf-8")


def source(name: str) -> ast.Module:
    """The module ``name`` of the link without what only readers and type checkers need."""
    return ast.fix_missing_locations(Stripper().visit(ast.parse(text_of(name))))  # type: ignore[no-any-return]


def exported(name: str) -> set[str]:
    """What the module's ``__all__`` offers, wherever it comes from."""
    for node in ast.parse(text_of(name)).body:
        if isinstance(node, ast.Assign) and _is_name(node.targets[0], "__all__"):
            return set(ast.literal_eval(node.value))
    return set()


class Stripper(ast.NodeTransformer):
    """Takes out docstrings, annotations, asserts, ``__all__`` and what stands behind TYPE_CHECKING."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [line for line in node.body if not _is_text(line)]
            if not node.body:
                node.body = [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        return None if node.value is None else ast.Assign([node.target], self.visit(node.value))

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if _is_name(node.test, "TYPE_CHECKING") else self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        return None

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        wanted = not any(_is_name(target, "TYPE_CHECKING", "__all__") for target in node.targets)
        return self.generic_visit(node) if wanted else None


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_name(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Name) and node.id in names


class Linker(ast.NodeTransformer):
    """Turns one module's names for another's things into those things, and constants into their values.

    ``constants`` are (module, name) → value; names of CORE modules stand in one namespace, so no prefix is left.
    """

    def __init__(self, name: str, constants: dict[tuple[str, str], ast.Constant]) -> None:
        self._name, self._constants = name, constants
        self._modules: dict[str, str] = {}
        #: Modules that stay files of their own.
        self._beside: dict[str, str] = {}
        self._names: dict[str, tuple[str, str]] = {}
        #: Imports of what is not the link's.
        self.foreign: list[str] = []
        #: Names of the core that a module beside it needs.
        self.wanted: set[str] = set()

    def visit_Import(self, node: ast.Import) -> ast.stmt | None:
        return self._keep(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | None:
        if not (node.module or "").startswith(PACKAGE):
            return self._keep(node)
        owner = (node.module or "")[len(PACKAGE) + 1 :]
        stays = []
        for alias in node.names:
            if (owner or alias.name) in BESIDE and (owner, alias.name) not in self._constants:
                stays.append(alias)
                if not owner:
                    self._beside[alias.asname or alias.name] = alias.name
                continue
            if owner:
                self._names[alias.asname or alias.name] = (owner, alias.name)
            else:
                self._modules[alias.asname or alias.name] = alias.name
        if not stays:
            return None
        kept = ast.ImportFrom(node.module, stays, 0)
        return self._keep(ast.copy_location(kept, node))

    def _keep(self, node: ast.Import | ast.ImportFrom) -> ast.stmt | None:
        if node.col_offset:
            return node  # inside a function or a try
        self.foreign.append(ast.unparse(node))
        return None

    def _of(self, owner: str, name: str) -> ast.expr:
        if (owner, name) in self._constants:
            return self._constants[owner, name]
        self.wanted.add(name)
        return ast.Name(name, ast.Load())

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if not isinstance(node.ctx, ast.Load):
            return node
        if node.id in self._names:
            return self._of(*self._names[node.id])
        return self._constants.get((self._name, node.id), node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in self._modules:
            return self._of(self._modules[node.value.id], node.attr)
        if isinstance(node.value, ast.Name) and node.value.id in self._beside:
            return self._constants.get((self._beside[node.value.id], node.attr), node)
        return self.generic_visit(node)


def constants_of(name: str, tree: ast.Module) -> dict[tuple[str, str], ast.Constant]:
    """The texts and whole numbers that ``tree`` names at its top."""
    found = {}
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign) else None
        if (
            isinstance(node, ast.Assign)
            and isinstance(value, ast.Constant)
            and isinstance(value.value, str | int)
        ):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[name, target.id] = value
    return found


def mentioned(trees: list[ast.stmt]) -> set[str]:
    """Every name, attribute and text in ``trees``: whatever can lead to a call."""
    names = set(numbering.methods())  # carried out by their letters
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                names.add(node.id)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
    return names


def _is_hook(method: ast.FunctionDef) -> bool:
    """Whether it only says that a derived class must have it."""
    raised = method.body[-1].exc if isinstance(method.body[-1], ast.Raise) else None
    return len(method.body) == 1 and raised is not None and _is_name(raised, "NotImplementedError")


def shake(body: list[ast.stmt], wanted: set[str]) -> list[ast.stmt]:
    """Leave out what nothing mentions, neither here nor among ``wanted``, until nothing more falls."""
    while True:
        known = mentioned(body) | wanted
        kept = []
        for node in body:
            if isinstance(node, ast.ClassDef):
                node.body = [line for line in node.body if _stays(node.name, line, known)] or [ast.Pass()]
            names = bound_by(node)
            if not names or names & known:
                kept.append(node)
        if mentioned(kept) | wanted == known:
            return kept
        body = kept


def _stays(owner: str, line: ast.stmt, known: set[str]) -> bool:
    if not isinstance(line, ast.FunctionDef):
        return True
    if _is_hook(line):
        return False
    users = owner in USERS and not line.name.startswith("_")
    return users or line.name in known or line.name.startswith("__")


def link_all() -> tuple[dict[str, ast.Module], dict[str, str]]:
    """Every file for the device by the module's name, and the dictionary of short names."""
    trees = {name: source(name) for name in (*CORE, *BESIDE)}
    constants = {
        key: value for name, tree in trees.items() for key, value in constants_of(name, tree).items()
    } | numbering.numbers()
    foreign: dict[str, None] = {}
    core: list[ast.stmt] = numbering.definitions()
    replaced = {*_all_bound(core), *numbering.REPLACED}
    beside: dict[str, tuple[Linker, list[ast.stmt]]] = {}
    for name, tree in trees.items():
        linker = Linker(name, constants)
        body = linker.visit(tree).body
        body = [node for node in body if not any((name, bound) in constants for bound in bound_by(node))]
        if name in CORE:
            body = [node for node in body if not isinstance(node, ast.For | ast.Delete) and not bound_by(node) & replaced]
            for bound in _all_bound(body) & _all_bound(core):
                raise SystemExit(f"device/build.py: {bound} is defined twice in {', '.join(CORE)}")
            core += body
            foreign.update(dict.fromkeys(linker.foreign))
        else:
            linker.wanted |= exported(name) - _all_bound(body)
            beside[name] = linker, body
    core = merged(core)
    kept = shake(copy.deepcopy(core), exported(CORE[-1]))
    public = {name for node in kept if bound_by(node) & set(USERS) for name in users_names(node)} - set(INTERNAL)
    others = [line for _, body in beside.values() for line in body]
    kept = inline(kept, others, public | set(numbering.methods()) | exported(CORE[-1]))
    files = {CORE[-1]: module_of(list(foreign), kept)}
    for name, (linker, body) in beside.items():
        borrowed = [node for node in core if bound_by(node) and not bound_by(node) & _all_bound(kept)]
        own = needed(borrowed, linker.wanted)  # what the core itself does without
        names = ", ".join(sorted((linker.wanted | loaded(own)) & _all_bound(kept)))
        imports = [*linker.foreign, *([f"from {PACKAGE}.{CORE[-1]} import {names}"] if names else [])]
        files[name] = module_of(imports, [*copy.deepcopy(own), *body])
    shortener = Shortener(files, CORE[-1], USERS, set(INTERNAL), numbering.methods())
    return {name: shortener.visit(tree) for name, tree in files.items()}, shortener.names


def merged(body: list[ast.stmt]) -> list[ast.stmt]:
    """``body`` with :data:`MERGED` in one class."""
    base, derived = (next(n for n in body if isinstance(n, ast.ClassDef) and n.name == name) for name in MERGED)
    body[body.index(derived)] = merge(base, derived)
    body.remove(base)
    return body


def needed(body: list[ast.stmt], wanted: set[str]) -> list[ast.stmt]:
    """The definitions of ``body`` that ``wanted`` names, and those that they need."""
    while True:
        found = [node for node in body if bound_by(node) & wanted]
        more = wanted | loaded(found)
        if more == wanted:
            return found
        wanted = more


def loaded(body: list[ast.stmt]) -> set[str]:
    """The names that ``body`` reads."""
    nodes = [node for line in body for node in ast.walk(line)]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _all_bound(body: list[ast.stmt]) -> set[str]:
    return {bound for node in body for bound in bound_by(node)}


def module_of(imports: list[str], body: list[ast.stmt]) -> ast.Module:
    """A whole file."""
    return ast.Module([*ast.parse("\n".join(imports)).body, *body], [])


def texts() -> tuple[dict[str, str], dict[str, str]]:
    """The text of every file for the device by the module's name, and the dictionary of short names."""
    files, names = link_all()
    return {name: ast.unparse(ast.fix_missing_locations(tree)) + "\n" for name, tree in files.items()}, names


def build(out: Path) -> dict[str, int]:
    """Write the .mpy files below ``out`` as ``halfopen/link/NAME.mpy``; their sizes in bytes by name."""
    folder = out / "halfopen" / "link"
    folder.mkdir(parents=True, exist_ok=True)
    compiler = Path(sys.executable).with_name("mpy-cross")
    command = str(compiler) if compiler.exists() else shutil.which("mpy-cross")
    if command is None:
        raise SystemExit("device/build.py: mpy-cross is not installed")
    sizes = {}
    files, names = texts()
    for name, text in files.items():
        packed, made = folder / f"{name}.py", folder / f"{name}.mpy"
        packed.write_text(text, encoding="utf-8")
        subprocess.run([command, "-O3", "-s", f"{name}.py", "-o", str(made), str(packed)], check=True)
        packed.unlink()
        sizes[name] = made.stat().st_size
    return sizes


def main() -> int:
    """Build, and say what came of it; the exit status."""
    parser = argparse.ArgumentParser(description="build the .mpy files that an ESP32 loads")
    parser.add_argument("out", type=Path, help="the folder to write halfopen/link/*.mpy into")
    for name, size in build(parser.parse_args().out).items():
        print(f"{size:6} bytes  {PACKAGE}.{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
