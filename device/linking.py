"""Reads the link's modules for a device: what only readers need goes, and one module's names mean another's things.

Names of the modules in one file stand in one namespace there, so no prefix is left; constants are put where they are used.
"""

from __future__ import annotations

import ast
from pathlib import Path

from shortening import bound_by

ROOT = Path(__file__).parents[1]
PACKAGE = "halfopen.link"
#: What no program on MicroPython can do, whatever is built in.
NEVER_ABLE = ("shutdown", "user_timeout")

#: Attributes that are ``None`` or an object that is true.
NEVER_EMPTY = (
    "vitals",
    "_connection",
    "_channel",
    "_radio",
    "_lookup",
    "_feed",
    "_restart",
    "_sock",
    "budget",
    "_yielded",
)


def text_of(name: str) -> str:
    """The source of the module ``name`` of the link."""
    return (ROOT / "src" / "halfopen" / "link" / f"{name}.py").read_text(encoding="utf-8")


def source(name: str) -> ast.Module:
    """The module ``name`` of the link without what only readers and type checkers need."""
    return ast.fix_missing_locations(Stripper().visit(ast.parse(text_of(name))))  # type: ignore[no-any-return]


def exported(name: str) -> set[str]:
    """What the module's ``__all__`` offers, wherever it comes from."""
    for node in ast.parse(text_of(name)).body:
        if isinstance(node, ast.Assign) and is_name(node.targets[0], "__all__"):
            return set(ast.literal_eval(node.value))
    return set()


class Stripper(ast.NodeTransformer):
    """Takes out docstrings, annotations, asserts, ``__all__``, what stands behind TYPE_CHECKING and what no device can do."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  as ast calls it

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        return None if node.value is None else ast.Assign([node.target], self.visit(node.value))

    def visit_If(self, node: ast.If) -> ast.AST | None:
        able = node.test.attr if isinstance(node.test, ast.Attribute) else ""
        never = able in NEVER_ABLE and ast.unparse(node.test) == f"self.capability.{able}"
        return None if never or is_name(node.test, "TYPE_CHECKING") else self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """``x is not None`` is ``x`` where ``x`` is never empty: three bytes less."""
        self.generic_visit(node)
        of, against = node.left, node.comparators[0]
        none = isinstance(against, ast.Constant) and against.value is None
        if none and isinstance(of, ast.Attribute) and of.attr in NEVER_EMPTY:
            return of if isinstance(node.ops[0], ast.IsNot) else ast.UnaryOp(ast.Not(), of)
        return node

    def visit_Assert(self, node: ast.Assert) -> None:
        return None

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        wanted = not any(is_name(target, "TYPE_CHECKING", "__all__") for target in node.targets)
        return self.generic_visit(node) if wanted else None


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def is_name(node: ast.expr, *names: str) -> bool:
    """Whether ``node`` is one of ``names``."""
    return isinstance(node, ast.Name) and node.id in names


class Linker(ast.NodeTransformer):
    """Turns one module's names for another's things into those things, and constants into their values.

    ``constants`` are (module, name) → value; modules in ``apart`` stay files of their own.
    """

    def __init__(
        self, name: str, constants: dict[tuple[str, str], ast.Constant], apart: tuple[str, ...]
    ) -> None:
        self._name, self._constants, self._apart = name, constants, apart
        self._modules: dict[str, str] = {}
        self._files: dict[str, str] = {}
        self._names: dict[str, tuple[str, str]] = {}
        #: Imports of what is not the link's, or of files beside this one, by the name that they bind.
        self.imports: dict[str, str] = {}

    def visit_Import(self, node: ast.Import) -> ast.stmt | None:
        return self._keep(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | None:
        if not (node.module or "").startswith(PACKAGE):
            return self._keep(node)
        owner = (node.module or "")[len(PACKAGE) + 1 :]
        stays = []
        for alias in node.names:
            if (owner or alias.name) in self._apart and (owner, alias.name) not in self._constants:
                stays.append(alias)
                if not owner:
                    self._files[alias.asname or alias.name] = alias.name
            elif owner:
                self._names[alias.asname or alias.name] = (owner, alias.name)
            else:
                self._modules[alias.asname or alias.name] = alias.name
        if node.col_offset and not owner:
            return _loading(stays[0].name, stays[0].name, None)
        if node.col_offset and stays:
            return _loading(stays[0].name, owner, stays[0].name)
        kept = ast.ImportFrom(node.module, stays, 0)
        return self._keep(ast.copy_location(kept, node)) if stays else None

    def _keep(self, node: ast.Import | ast.ImportFrom) -> ast.stmt | None:
        if node.col_offset:
            return node  # inside a function or a try
        for alias in node.names:
            one = (
                ast.Import([alias])
                if isinstance(node, ast.Import)
                else ast.ImportFrom(node.module, [alias], 0)
            )
            self.imports[alias.asname or alias.name] = ast.unparse(one)
        return None

    def _of(self, owner: str, name: str) -> ast.expr:
        return self._constants.get((owner, name)) or ast.Name(name, ast.Load())

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if not isinstance(node.ctx, ast.Load):
            return node
        if node.id in self._names:
            return self._of(*self._names[node.id])
        return self._constants.get((self._name, node.id), node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in self._modules:
            return self._of(self._modules[node.value.id], node.attr)
        if isinstance(node.value, ast.Name) and node.value.id in self._files:
            return self._constants.get((self._files[node.value.id], node.attr), node)
        return self.generic_visit(node)


def _loading(name: str, file: str, of: str | None) -> ast.stmt:
    """An import inside a function by the core's own ``load``, which says the package's name once."""
    return ast.parse(f"{name} = load({file!r})" + (f".{of}" if of else "")).body[0]


def constants_of(name: str, tree: ast.Module) -> dict[tuple[str, str], ast.Constant]:
    """The texts and whole numbers that ``tree`` names at its top."""
    found = {}
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str | int):
            found.update({(name, bound): value for bound in bound_by(node)})
    return found


def link(
    name: str, tree: ast.Module, linker: Linker, constants: dict[tuple[str, str], ast.Constant]
) -> list[ast.stmt]:
    """The definitions of the module ``name``, without constants, which are in place."""
    body = linker.visit(tree).body
    return [node for node in body if not any((name, bound) in constants for bound in bound_by(node))]
