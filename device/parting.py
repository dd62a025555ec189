"""Takes out of the link what not every program needs, into files that are loaded when it is first called.

A method named here leaves its class. Whoever asks for it finds ``__getattr__``, which loads the file that has it and gives
it back to the class, so that it is loaded once. All of them are first called on the way up to the first connection, or
by the program itself: never when memory has already run out.
"""

from __future__ import annotations

import ast
import copy

from shortening import bound_by

_Files = dict[str, list[ast.stmt]]

_LOADER = """
def __getattr__({me}, {name}):
    for {file} in {places!r}.split(" "):
        if "," + {name} + "," in {file}:
            {file} = {file}.split(",", 1)[0]
            setattr({owner}, {name}, getattr(__import__({package!r} + {file}, None, None, ({file},)), {name}))
            return getattr({me}, {name})
    raise AttributeError({name})
"""


def part(files: _Files, core: str, owner: str, late: dict[str, tuple[str, ...]]) -> None:
    """Take the methods that ``late`` names by file out of the class ``owner`` of the file ``core``, as functions."""
    body = next(node.body for node in files[core] if isinstance(node, ast.ClassDef) and node.name == owner)
    methods = {line.name: line for line in body if isinstance(line, ast.FunctionDef)}
    for file, names in late.items():
        for name in names:
            if name not in methods:
                raise SystemExit(f"device/parting.py: {owner} has no method {name}")
            body.remove(methods[name])
            files.setdefault(file, []).append(methods[name])


def loader(owner: str, package: str, late: dict[str, list[str]], free: list[str]) -> ast.stmt:
    """The method that finds what was parted, by the names that it has at last; ``free`` are names for its variables."""
    places = " ".join([f"{file},{','.join(names)}," for file, names in late.items()])
    me, name, file = free[:3]
    code = _LOADER.format(me=me, name=name, file=file, places=places, owner=owner, package=package + ".")
    return ast.parse(code).body[0]


def drop_empty(files: _Files, kept: set[str]) -> None:
    """Methods of classes that do nothing, whoever derives from them, are not called, but for those in ``kept``."""
    nodes = [node for body in files.values() for line in body for node in ast.walk(line)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    named = [node.name for node in functions]
    empty = {
        node.name
        for node in functions
        if isinstance(node.body[0], ast.Pass) and named.count(node.name) == 1 and not node.name.startswith("__")
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
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Name):
            if all(isinstance(part, ast.Constant) for part in node.value.elts):
                found[node.targets[0].id] = node.value
    files[core][:] = [node for node in files[core] if not bound_by(node) & set(found)]
    for body in files.values():
        body[:] = [_Putting(found).visit(line) for line in body]


class _Putting(ast.NodeTransformer):
    def __init__(self, found: dict[str, ast.Tuple]) -> None:
        self._found = found

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._found.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


def follow(files: _Files, core: str, kept: set[str]) -> None:
    """Methods that only other files call become functions of ``core``, but for those in ``kept``; then they can move."""
    while _follow_one(files, core, kept):
        pass


def _follow_one(files: _Files, core: str, kept: set[str]) -> bool:
    said = _attributes(files[core])
    for node in files[core]:
        for line in node.body if isinstance(node, ast.ClassDef) else []:
            if (
                isinstance(line, ast.FunctionDef)
                and line.name not in kept | said
                and not line.name.startswith("__")
                and not line.decorator_list
            ):
                node.body.remove(line)
                node.body = node.body or [ast.Pass()]
                files[core].append(line)
                for body in files.values():
                    body[:] = [_AsFunction(line.name).visit(part) for part in body]
                return True
    return False


def _attributes(body: list[ast.stmt]) -> set[str]:
    return {node.attr for line in body for node in ast.walk(line) if isinstance(node, ast.Attribute)}


class _AsFunction(ast.NodeTransformer):
    """Turns ``object.name(…)`` into ``name(object, …)``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == self._name:
            return ast.Call(ast.Name(self._name, ast.Load()), [node.func.value, *node.args], node.keywords)
        return node


def share_out(files: _Files, core: str, exported: set[str]) -> None:
    """Definitions at the top of ``core`` that it does without go to each file that needs them, or nowhere."""
    while True:
        idle = [node for node in files[core] if _is_idle(node, files[core], exported)]
        if not idle:
            return
        for node in idle:
            files[core].remove(node)
            for file, body in files.items():
                if file != core and bound_by(node) & loaded(body):
                    body.insert(0, copy.deepcopy(node))


def _is_idle(node: ast.stmt, body: list[ast.stmt], exported: set[str]) -> bool:
    bound = bound_by(node)
    return bool(bound) and not bound & exported and not bound & loaded([line for line in body if line is not node])


def loaded(body: list[ast.stmt]) -> set[str]:
    """The names that ``body`` reads."""
    nodes = [node for line in body for node in ast.walk(line)]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


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
        if all(isinstance(target, ast.Attribute) and target.attr not in self._read for target in node.targets):
            return None if isinstance(node.value, ast.Constant | ast.Name | ast.Attribute) else ast.Expr(node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt | None:
        unread = isinstance(node.target, ast.Attribute) and node.target.attr not in self._read
        return None if unread and isinstance(node.value, ast.Constant) else node
