"""Takes out of the link what not every program needs, into files that are loaded when it is first called.

A method named here leaves its class. Whoever asks for it finds ``__getattr__``, which loads the file that has it and gives
it back to the class, so that it is loaded once. All of them are first called on the way up to the first connection, or
by the program itself: never when memory has already run out.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter

from shortening import bound_by

_Files = dict[str, list[ast.stmt]]

_LOADER = """
def __getattr__({me}, {name}):
    {file} = {places!r}
    {file} = {file}[{file}.find("," + {name} + ",") + 1 :]
    {file} = {file}[{file}.find(" ") + 1 :].split(",", 1)[0]
    setattr({owner}, {name}, getattr({load}({file}), {name}))
    return getattr({me}, {name})
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


def loader(owner: str, load: str, late: dict[str, list[str]], free: list[str]) -> ast.stmt:
    """The method that finds what was parted, by the names that it has at last; ``free`` are names for its variables.

    A file's name follows the names that it has; the last file has whatever else is asked for.
    """
    *listed, (last, _) = late.items()
    places = f" {last}" + "".join([f",{','.join(names)}, {file}" for file, names in listed]) + ","
    code = _LOADER.format(me=free[0], name=free[1], file=free[2], places=places, owner=owner, load=load)
    return ast.parse(code).body[0]


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
        idle = _idle(files[core], exported)
        if not idle:
            return
        for node in idle:
            files[core].remove(node)
            for file, body in files.items():
                if file != core and bound_by(node) & loaded(body):
                    body.insert(0, copy.deepcopy(node))


def _idle(body: list[ast.stmt], exported: set[str]) -> list[ast.stmt]:
    """The definitions in ``body`` that nothing else there reads."""
    reads = [loaded([node]) for node in body]
    readers = Counter(name for names in reads for name in names)
    return [
        node
        for node, own in zip(body, reads, strict=True)
        if (bound := bound_by(node))
        and not bound & exported
        and not any(readers[name] > (name in own) for name in bound)
    ]


def loaded(body: list[ast.stmt]) -> set[str]:
    """The names that ``body`` reads."""
    nodes = [node for line in body for node in ast.walk(line)]
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
