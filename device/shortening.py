"""Gives what only the link itself names a short name: letters that say nothing to a device cost it flash and heap.

Kept are the names that programs use, and those that MicroPython gives its own things. One dictionary holds for all
files, so a name has one meaning wherever it stands, and ``device/readback.py`` can read a board's traceback with it.
Parameters that nobody passes by name are called by their turn, as short names of attributes: the two never meet.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import collections
import io
import keyword
import select
import socket
import ssl
import string
from collections.abc import Iterator

#: What stands in one of these is never renamed, whoever has it.
_FOREIGN = (
    *(builtins, str, bytes, bytearray, memoryview, list, dict, set, tuple, int, float, OSError, property),
    *(io.IOBase, socket.socket, ssl.SSLContext, ssl.SSLSocket, asyncio.Task, collections.deque),
    select.poll() if hasattr(select, "poll") else select,
)
_FOREIGN_NAMES = {name for kind in _FOREIGN for name in dir(kind)}
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def bound_by(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of a module or of a class binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return set()


def _parameters(node: _Function) -> list[ast.arg]:
    given = node.args
    return [*given.args, *given.kwonlyargs, *[arg for arg in (given.vararg, given.kwarg) if arg is not None]]


def _defined(trees: list[ast.Module]) -> set[str]:
    """What the link itself names: globals, methods, and attributes that it sets."""
    found = set()
    for node in [node for tree in trees for node in ast.walk(tree)]:
        if isinstance(node, ast.Module | ast.ClassDef):
            found |= {name for line in node.body for name in bound_by(line)}
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
    return found


def users_names(node: ast.ClassDef | ast.FunctionDef, made: bool) -> set[str]:
    """What a program may say of it: public members, parameters of what it calls; ``made``: of the constructor, too."""
    public = {node.name}
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and (
            (part.name == "__init__" and made) or not part.name.startswith("_")
        ):
            public |= {part.name, *[arg.arg for arg in _parameters(part)]}
        elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            public.add(part.attr)
    if isinstance(node, ast.ClassDef):
        public |= {name for line in node.body for name in bound_by(line)}
    return {name for name in public if not name.startswith("_")}


def _by_modules(tree: ast.Module) -> set[str]:
    """Modules that ``tree`` imports, and what it asks of them."""
    modules = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
    }
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
    }
    return modules | asked


#: Names that every MicroPython holds and a .mpy file says in one or two bytes (static_qstr_list of py/makeqstrdata.py):
#: where nothing else of the link is called so, they cost neither flash nor heap.
_HELD = (
    "abs all any append bool bytearray bytecode bytes callable classmethod clear const copy count dict "
    "dir divmod end endswith eval exec extend find format from_bytes get globals hash id index insert "
    "isalpha isdigit islower isspace issubclass isupper items iter join key keys list little locals lower "
    "lstrip map micropython next object open ord pop popitem pow range read readinto readline remove "
    "replace reverse rfind rindex round rsplit rstrip send sep set setdefault sort sorted split start "
    "startswith staticmethod step stop str strip sum throw to_bytes tuple type update upper value values "
    "zip "
)


def _short(taken: set[str]) -> Iterator[str]:
    letters = string.ascii_lowercase + string.ascii_uppercase
    for name in (
        *_HELD.split(),
        *letters,
        *[one + two for one in letters for two in letters + string.digits],
    ):
        if name not in taken and not keyword.iskeyword(name):
            yield name


class Shortener(ast.NodeTransformer):
    """Renames in trees of whole files. ``names`` is the dictionary, long → short."""

    def __init__(
        self,
        files: dict[str, ast.Module],
        core: set[str],
        users: set[str],
        made: set[str],
        private: set[str],
        fixed: dict[str, str],
    ) -> None:
        """``users`` are the definitions of the files ``core`` that programs use, those of all other files are; ``made`` are
        the classes among them that programs make themselves.

        ``private`` are public names of theirs that programs do without, ``fixed`` are names given already.
        """
        trees = list(files.values())
        kept = _FOREIGN_NAMES.union(*[_by_modules(tree) for tree in trees])
        for file, tree in files.items():
            for node in tree.body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef) and (
                    file not in core or node.name in users
                ):
                    kept |= users_names(node, file not in core or node.name in made)
        kept -= private
        every = [node for tree in trees for node in ast.walk(tree)]
        said = {node.arg for node in every if isinstance(node, ast.keyword) and node.arg}
        said &= {node.arg for node in every if isinstance(node, ast.arg)}
        counts: collections.Counter[str] = collections.Counter()
        plain: set[str] = set()
        for node in every:
            names = _named(node)
            counts.update(names)
            if not isinstance(node, ast.Attribute):
                plain |= names
        wanted = {name for name in _defined(trees) | said if not name.startswith("__")} - kept - set(fixed)
        short = _short(set(counts) | set(fixed.values()))
        self.names = dict(fixed)
        for name in sorted(wanted, key=lambda name: (-counts[name], name)):
            self.names[name] = next(short)
        #: Short names that only attributes have: free for parameters.
        self.free = [at for name, at in self.names.items() if name not in plain | said]
        self._said = said
        self._turns: list[dict[str, str]] = []
        self._public = {
            node.name
            for file, tree in files.items()
            for node in tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and (file not in core or node.name in users)
        }
        self._makeable = made | {
            n.name for file in set(files) - core for n in files[file].body if isinstance(n, ast.ClassDef)
        }
        self._private = private
        self._in_users = self._made = False

    def _new(self, name: str) -> str:
        for turns in reversed(self._turns):
            if name in turns:
                return turns[name]
        return self.names.get(name, name)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._new(node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        return ast.Attribute(self.visit(node.value), self.names.get(node.attr, node.attr), node.ctx)

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        name = None if node.arg is None else self.names.get(node.arg, node.arg)
        return ast.keyword(name, self.visit(node.value))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = None if node.name is None else self._new(node.name)
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        names = [
            ast.alias(self.names.get(a.name, a.name), a.asname and self._new(a.asname)) for a in node.names
        ]
        return ast.ImportFrom(node.module, names, node.level)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._in_users, self._made = node.name in self._public, node.name in self._makeable
        node.name = self.names.get(node.name, node.name)
        self.generic_visit(node)
        self._in_users = False
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        public = self._in_users or node.name in self._public
        by_name = public and (
            self._made if node.name == "__init__" else node.name[0] != "_" and node.name not in self._private
        )
        node.name = self.names.get(node.name, node.name)
        return self._visit_function(node, by_name)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  as ast calls it

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._visit_function(node, False)

    def _visit_function(self, node: _Function, by_name: bool) -> ast.AST:
        """Rename in a function; ``by_name`` where programs may pass its parameters by name."""
        node.args.defaults = [self.visit(value) for value in node.args.defaults]
        node.args.kw_defaults = [value and self.visit(value) for value in node.args.kw_defaults]
        given = [
            arg
            for arg in _parameters(node)
            if not (by_name and arg is not node.args.args[0]) and arg.arg not in self._said
        ]
        begin = sum(map(len, self._turns))
        self._turns.append({arg.arg: self.free[begin + turn] for turn, arg in enumerate(given)})
        for arg in _parameters(node):
            arg.arg = self._turns[-1].get(arg.arg) or self.names.get(arg.arg, arg.arg)
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = [self.visit(line) for line in node.body]
        self._turns.pop()
        return node


def _named(node: ast.AST) -> set[str]:
    """The names that ``node`` itself says."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Attribute):
        return {node.attr}
    if isinstance(node, ast.arg | ast.keyword):
        return {node.arg} if node.arg else set()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler):
        return {node.name} if node.name else set()
    if isinstance(node, ast.alias):
        return {node.asname or node.name}
    return set()
