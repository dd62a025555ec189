"""Writes a function that is called at one place into that place, and a class that is derived once into the one derived.

A function costs a device its name, a frame and about a hundred bytes of heap however little it does. The sources stay
in small pieces; a traceback from a board names the function that took the piece in.
"""

from __future__ import annotations

import ast
import collections
import copy
from collections.abc import Iterator

_Body = list[ast.stmt]


def merge(base: ast.ClassDef, derived: ast.ClassDef) -> ast.ClassDef:
    """One class that does what ``derived`` does; what it overrides and still calls gets a name of its own."""
    own = {line.name: line for line in derived.body if isinstance(line, ast.FunctionDef)}
    kept: _Body = []
    for line in base.body:
        if isinstance(line, ast.FunctionDef) and line.name in own:
            called = _SuperCalls(line.name, f"_{line.name.strip('_')}_of_{base.name.lower()}")
            called.visit(own[line.name])
            if not called.found:
                continue
            line.name = called.instead
        kept.append(line)
    return ast.ClassDef(derived.name, base.bases, [], [*kept, *derived.body], [])


class _SuperCalls(ast.NodeTransformer):
    """Turns ``super().name(…)`` into ``self.instead(…)``."""

    def __init__(self, name: str, instead: str) -> None:
        self._name, self.instead, self.found = name, instead, False

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        of = node.value
        if node.attr == self._name and isinstance(of, ast.Call) and ast.unparse(of.func) == "super":
            self.found = True
            return ast.Attribute(ast.Name("self", ast.Load()), self.instead, node.ctx)
        return self.generic_visit(node)


def inline(files: dict[str, _Body], keep: set[str], small: set[str]) -> None:
    """Put every function of the first file in place that is called once there, or in all the other ``files``.

    Functions whose names are in ``keep`` stay, and those whose name means several things. Those in ``small`` are put in
    place wherever they are called.
    """
    body = next(iter(files.values()))
    others = [line for lines in files.values() for line in lines if lines is not body]
    done: set[str] = set()
    while (found := next(_once_called(body, others, keep | done, small), None)) is not None:
        owner, function = found
        done.add(function.name)
        caller = _Caller(function)
        here, elsewhere = _said(body)[function.name], _said(others)[function.name]
        for line in body if here else others:
            caller.visit(line)
        if caller.written and not (here and elsewhere):
            owner.remove(function)


def _said(lines: _Body) -> collections.Counter[str]:
    """How often each name is read, as a name or as an attribute."""
    return collections.Counter(
        node.attr if isinstance(node, ast.Attribute) else node.id
        for line in lines
        for node in ast.walk(line)
        if isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    )


def _once_called(
    body: _Body, others: _Body, keep: set[str], small: set[str]
) -> Iterator[tuple[_Body, ast.FunctionDef]]:
    """Functions that could be written where they are called, each with the body in which it stands."""
    owners = [body, *[line.body for line in body if isinstance(line, ast.ClassDef)]]
    nodes = [node for line in [*body, *others] for node in ast.walk(line)]
    defined = collections.Counter(
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    stored = {
        node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    stored |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    here, there = _said(body), _said(others)
    for owner in owners:
        for line in owner:
            if (
                isinstance(line, ast.FunctionDef)
                and line.name not in keep | stored
                and not line.decorator_list
                and not line.args.vararg
                and not line.args.kwarg
                and defined[line.name] == 1
                and (here[line.name] == 1 or here[line.name] + there[line.name] == 1 or line.name in small)
                and not any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(line))
            ):
                yield owner, line


def _is_simple(node: ast.expr) -> bool:
    """Whether reading it twice, or later, is the same as reading it once: a local name or a constant."""
    return isinstance(node, ast.Name | ast.Constant)


def _is_chain(node: ast.expr) -> bool:
    """Whether it is a name's attribute, or an attribute of one."""
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_chain(node.value))


class _Caller(ast.NodeTransformer):
    """Writes ``function`` in the place of its one call, where that can be done."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self._function = function
        self._bound = {
            part.id
            for part in ast.walk(function)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }
        self._bound |= {
            part.name for part in ast.walk(function) if isinstance(part, ast.ExceptHandler) and part.name
        }
        self.written = False
        self._callers: list[ast.FunctionDef] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node is self._function:
            return node
        self._callers.append(node)
        node.body = self._lines(node.body, True)
        self._callers.pop()
        return node

    def _is_call(self, node: ast.AST | None) -> bool:
        called = node.func if isinstance(node, ast.Call) else None
        name = (
            called.attr
            if isinstance(called, ast.Attribute)
            else called.id
            if isinstance(called, ast.Name)
            else ""
        )
        return name == self._function.name

    def _lines(self, lines: _Body, last: bool) -> _Body:
        """``lines`` with the call written out; ``last`` when the function ends behind them."""
        out: _Body = []
        for place, line in enumerate(lines):
            at_end = last and place == len(lines) - 1
            out += self._line(line, at_end)
        return out

    def _line(self, line: ast.stmt, at_end: bool) -> _Body:
        value = getattr(line, "value", None)
        if self._is_call(value) and self._arguments(value) is not None:
            before, body = self._given(value)
            if isinstance(line, ast.Return):
                written = [*before, *body] if _ends(body) else [*before, *body, ast.Return(None)]
                return self._wrote(written)
            if isinstance(line, ast.Expr):
                plain = body if at_end and not _returns_value(body) else _without_returns(body, None)
                if plain is not None:
                    return self._wrote([*before, *plain])
            if isinstance(line, ast.Assign) and len(line.targets) == 1:
                plain = _without_returns(body, line.targets[0])
                if plain is not None:
                    return self._wrote([*before, *plain])
        if isinstance(line, ast.If):
            line.test = self.visit(line.test)
            line.body = self._lines(line.body, at_end)
            line.orelse = self._lines(line.orelse, at_end)
            return [line]
        if isinstance(line, ast.For | ast.While | ast.Try | ast.With):
            for part in ("body", "orelse", "finalbody"):
                setattr(line, part, self._lines(getattr(line, part, []), False))
            for handler in getattr(line, "handlers", []):
                handler.body = self._lines(handler.body, False)
            for part in ("test", "iter", "items"):
                inner = getattr(line, part, None)
                if isinstance(inner, ast.expr):
                    setattr(line, part, self.visit(inner))
            return [line]
        return [self.visit(line)]

    def _wrote(self, lines: _Body) -> _Body:
        self.written = True
        return lines or [ast.Pass()]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        body = self._function.body
        if (
            not self._is_call(node)
            or len(body) != 1
            or not isinstance(body[0], ast.Return)
            or body[0].value is None
        ):
            return node
        given = self._arguments(node)
        if given is None:
            return node
        uses = collections.Counter(part.id for part in ast.walk(body[0]) if isinstance(part, ast.Name))
        deep = any(
            isinstance(part, ast.Lambda | ast.ListComp | ast.GeneratorExp) for part in ast.walk(body[0])
        )
        for name, value in given.items():
            if not _is_simple(value) and (
                uses[name] > 1 or deep or sum(not _is_simple(v) for v in given.values()) > 1
            ):
                return node
        self.written = True
        return _Substitute(given).visit(copy.deepcopy(body[0].value))  # type: ignore[no-any-return]

    def _arguments(self, call: ast.Call) -> dict[str, ast.expr] | None:
        """What each parameter is given, by its name."""
        named = [arg.arg for arg in self._function.args.args]
        given = list(call.args)
        if isinstance(call.func, ast.Attribute) and named[:1] == ["self"]:
            given.insert(0, call.func.value)
        if any(isinstance(value, ast.Starred) for value in given) or self._function.args.kwonlyargs:
            return None
        found = dict(zip(named, given, strict=False))
        for keyword in call.keywords:
            if keyword.arg is None:
                return None
            found[keyword.arg] = keyword.value
        defaults = self._function.args.defaults
        for name, value in zip(named[len(named) - len(defaults) :], defaults, strict=True):
            found.setdefault(name, value)
        return found

    def _given(self, call: ast.Call) -> tuple[_Body, _Body]:
        """The lines that bind what is no plain name, and the function's lines with arguments in place."""
        caller = self._callers[-1]
        taken = {part.id for part in ast.walk(caller) if isinstance(part, ast.Name)}
        taken |= {
            arg.arg for part in ast.walk(caller) if isinstance(part, ast.arguments) for arg in part.args
        }
        taken |= {part.name for part in ast.walk(caller) if isinstance(part, ast.ExceptHandler) and part.name}
        instead: dict[str, ast.expr] = {}
        before: _Body = []
        lines = self._function.body
        uses = collections.Counter(
            part.id for line in lines for part in ast.walk(line) if isinstance(part, ast.Name)
        )
        alone = len(lines) == 1 and not isinstance(lines[0], ast.While | ast.For | ast.Try)
        for name, value in self._arguments(call).items():
            read_once = alone and uses[name] == 1 and _is_chain(value)
            if (_is_simple(value) or read_once) and name not in self._bound:
                instead[name] = value
                continue
            local = _fresh(name, taken)
            taken.add(local)
            before.append(ast.Assign([ast.Name(local, ast.Store())], value))
            instead[name] = ast.Name(local, ast.Load())
        for name in self._bound - set(instead):
            if name in taken:
                instead[name] = ast.Name(_fresh(name, taken), ast.Load())
        body = [_Substitute(instead).visit(copy.deepcopy(line)) for line in self._function.body]
        return before, body


def _fresh(name: str, taken: set[str]) -> str:
    number = 2
    while name in taken:
        name, number = f"{name.rstrip('0123456789')}{number}", number + 1
    return name


class _Substitute(ast.NodeTransformer):
    """Puts arguments where parameters are read."""

    def __init__(self, instead: dict[str, ast.expr]) -> None:
        self._instead = instead

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self._instead:
            return node
        value = self._instead[node.id]
        return ast.Name(value.id, node.ctx) if isinstance(value, ast.Name) else copy.deepcopy(value)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        value = self._instead.get(node.name or "")
        if isinstance(value, ast.Name):
            node.name = value.id
        return self.generic_visit(node)


def _ends(body: _Body) -> bool:
    """Whether nothing falls out of the end of ``body``."""
    last = body[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and _ends(last.body) and _ends(last.orelse)
    return isinstance(last, ast.Return | ast.Raise)


def _returns_value(body: _Body) -> bool:
    return any(
        isinstance(part, ast.Return) and part.value is not None for line in body for part in ast.walk(line)
    )


def _without_returns(body: _Body, target: ast.expr | None) -> _Body | None:
    """``body`` with its value put into ``target`` instead of returned; ``None`` where a return stands in a loop or try."""
    out: _Body = []
    for place, line in enumerate(body):
        rest = body[place + 1 :]
        if isinstance(line, ast.Return):
            value = line.value or ast.Constant(None)
            if target is not None:
                return [*out, ast.Assign([target], value)]
            return out if _is_simple(value) else [*out, ast.Expr(value)]
        if not any(isinstance(part, ast.Return) for part in ast.walk(line)):
            out.append(line)
            continue
        if not isinstance(line, ast.If):
            return None
        if rest and not _ends(line.body):
            return None
        then = _without_returns(line.body, target)
        otherwise = _without_returns([*line.orelse, *rest], target)
        if then is None or otherwise is None:
            return None
        return [*out, ast.If(line.test, then or [ast.Pass()], otherwise)]
    return out if target is None else [*out, ast.Assign([target], ast.Constant(None))]
