"""What costs a device bytes and does nothing, or could be said in fewer: taken out, or said so."""

from __future__ import annotations

import ast
import builtins
import collections

from numbering import LAST_EVENT
from shortening import bound_by

_Files = dict[str, list[ast.stmt]]
#: Where naming one more begins to cost more than it saves (tried).
_MET_FIRST = 60


def drop_empty(files: _Files, kept: set[str]) -> None:
    """Methods of classes that do nothing, whoever derives from them, are not called, but for those in ``kept``."""
    nodes = [node for body in files.values() for line in body for node in ast.walk(line)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    named = [node.name for node in functions]
    empty = {
        node.name
        for node in functions
        if isinstance(node.body[0], ast.Pass)
        and named.count(node.name) == 1
        and not node.name.startswith("__")
    } - kept
    for body in files.values():
        body[:] = [_Dropping(empty).visit(line) for line in body]


class _Dropping(ast.NodeTransformer):
    """Takes out what calls or defines ``empty`` methods, and conditions of nothing."""

    def __init__(self, empty: set[str]) -> None:
        self._empty = empty

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | None:
        call = node.value.func if isinstance(node.value, ast.Call) else None
        return None if isinstance(call, ast.Attribute) and call.attr in self._empty else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt | None:
        if node.name in self._empty:
            return None
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_If(self, node: ast.If) -> ast.stmt | None:
        self.generic_visit(node)
        if not node.body and not node.orelse:
            return None
        node.body = node.body or [ast.Pass()]
        return node


def put_tuples(files: _Files, core: str) -> None:
    """Tuples of constants that ``core`` names stand where they are read."""
    found = {}
    for node in files[core]:
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(value, ast.Tuple) and all(isinstance(part, ast.Constant) for part in value.elts):
            found.update(dict.fromkeys(bound_by(node), value))
    files[core][:] = [node for node in files[core] if not bound_by(node) & set(found)]
    for body in files.values():
        body[:] = [_Putting(found).visit(line) for line in body]


class _Putting(ast.NodeTransformer):
    def __init__(self, found: dict[str, ast.Tuple]) -> None:
        self._found = found

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._found.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


def forget_unread(files: _Files, kept: set[str]) -> None:
    """Attributes that are set and never read are not set, but for those in ``kept``."""
    nodes = [node for body in files.values() for line in body for node in ast.walk(line)]
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    for body in files.values():
        body[:] = [_Forgetting(read | kept).visit(line) for line in body]


class _Forgetting(_Dropping):
    """Takes out what sets an attribute that is not in ``read``."""

    def __init__(self, read: set[str]) -> None:
        super().__init__(set())
        self._read = read

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | None:
        if all(
            isinstance(target, ast.Attribute) and target.attr not in self._read for target in node.targets
        ):
            return (
                None
                if isinstance(node.value, ast.Constant | ast.Name | ast.Attribute)
                else ast.Expr(node.value)
            )
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt | None:
        unread = isinstance(node.target, ast.Attribute) and node.target.attr not in self._read
        return None if unread and isinstance(node.value, ast.Constant) else node


def put_defaults(body: list[ast.stmt]) -> None:
    """What ``__init__`` sets to a constant is set in the class, and what has the same value at once."""
    for node in body:
        if not isinstance(node, ast.ClassDef):
            continue
        values: dict[str, tuple[ast.expr, list[str]]] = {}
        for line in list(node.body):
            if isinstance(line, ast.Assign) and _is_default(line.value):
                _note(values, line.value, [name for target in line.targets for name in [ast.unparse(target)]])
                node.body.remove(line)
            elif isinstance(line, ast.FunctionDef) and line.name == "__init__":
                me = line.args.args[0].arg
                for part in list(line.body):
                    if isinstance(part, ast.Assign) and _is_default(part.value) and _all_of(part.targets, me):
                        _note(values, part.value, [target.attr for target in part.targets])  # type: ignore[attr-defined]
                        line.body.remove(part)
                line.body = line.body or [ast.Pass()]
        node.body[:0] = [
            ast.Assign([ast.Name(name, ast.Store()) for name in names], value)
            for value, names in values.values()
        ]


def _is_default(node: ast.expr) -> bool:
    plain = isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id == "NEVER")
    sum_of_plain = isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant)
    return (
        plain
        or sum_of_plain
        or (isinstance(node, ast.Tuple) and all(isinstance(e, ast.Constant) for e in node.elts))
    )


def _all_of(targets: list[ast.expr], me: str) -> bool:
    return all(
        isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name) and t.value.id == me for t in targets
    )


def _note(values: dict[str, tuple[ast.expr, list[str]]], value: ast.expr, names: list[str]) -> None:
    plain = ast.Constant(eval(ast.unparse(value))) if isinstance(value, ast.BinOp) else value  # noqa: S307  32 * 1024
    values.setdefault(ast.dump(plain), (plain, []))[1].extend(names)


class Membership(ast.NodeTransformer):
    """``x in (1, 2)`` is said in bytes where the numbers are states or events, and so is whatever ``x`` may be."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        among = node.comparators[0]
        if isinstance(node.ops[0], ast.In | ast.NotIn) and isinstance(among, ast.Tuple):
            values = [part.value for part in among.elts if isinstance(part, ast.Constant)]
            if len(values) == len(among.elts) and all(type(v) is int and 0 < v <= LAST_EVENT for v in values):
                node.comparators = [ast.Constant(bytes(values))]  # type: ignore[arg-type]
        return node


def met_first(tree: ast.Module) -> ast.stmt:
    """A line that does nothing but name what ``tree`` names most: the first hundred names of a file are said in one byte."""
    own = {name for node in tree.body for name in bound_by(node)} | set(dir(builtins))
    own |= {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    counts: collections.Counter[str] = collections.Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            counts[node.attr] += 1
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            counts[node.name] += 2
        elif isinstance(node, ast.arg):
            counts[node.arg] += 1
        elif isinstance(node, ast.Name) and node.id in own:
            counts[node.id] += 1
    names = [name for name, _ in counts.most_common(_MET_FIRST) if not name.startswith("__")]
    return ast.parse("lambda: " + ".".join(names)).body[0]
