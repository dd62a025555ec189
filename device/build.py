"""Builds what an ESP32 loads: ``python device/build.py OUT`` writes .mpy files and says how large they are.

A module costs a device its bytecode, its names and its tables, so the sources' trees are worked on before mpy-cross compiles
them:

- ``linking``: core and driver become one file, without docstrings, annotations and asserts, constants in place;
- ``numbering``: states, events, effects and causes are numbers, the machine's table three bytes a row;
- ``parting``: what not every program needs goes into files that are loaded when it is first called;
- ``inlining``: a function that is called once is written where it is called;
- ``tightening``: what does nothing goes, what can be said in fewer bytes is;
- ``shortening``: names that no program uses are short; ``device/names.json`` says what they mean.

No line of what a computer runs is changed, and the tests put the built files through the same faults as the sources.
"""

from __future__ import annotations

import argparse
import ast
import functools
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numbering
from inlining import inline, merge
from linking import PACKAGE, Linker, constants_of, exported, is_name, link, source
from parting import follow, loaded, loader, part, share_out
from shortening import Shortener, bound_by, users_names
from tightening import Membership, drop_empty, forget_unread, met_first, put_defaults, put_tuples

#: The modules of the one file that every program loads, dependencies first; the last gives the file its name.
CORE = (
    *("machine", "policy", "vitals", "journal", "keeper", "ledger", "capability", "buffered", "driver"),
    *("names", "blocking", "on_micropython"),
)
#: Files that a program loads when it wants them.
BESIDE = (
    *("limits", "budget", "wlan", "tls_on_micropython", "awaiting", "recorder", "rtc", "flash", "delivery"),
    *("guard", "guard_on_micropython"),
)
#: A class, and the only one that a device derives from it.
MERGED = ("Driver", "Link")
#: Its methods that are loaded when they are first called, by the file that they are in.
LATE = {
    "bounds": ("_say_what_it_can", "_bound_ms"),
    "budget": ("reboots_ago_ms", "_reboot"),
    "names": ("_look_up", "_name_answered", "_end_lookup"),
    "station": (
        *("_look_at_radio", "_begin_to_join", "_leave_wifi", "_disable_power_save", "_reason_of"),
        *("roamed", "radio_trouble"),
    ),
    "sealing": ("_start_tls", "_shake_hands", "_encrypt", "_received_sealed", "_decrypt"),
    # what programs ask for, or boards with the keepalive module; whatever no other file has is looked for here
    "asked": (
        *("bound", "lingering", "power_save_off", "wifi_lost", "prepare_sleep", "wake"),
        *("_say_goodbye", "_finish", "_set_keepalive", "_abort"),
    ),
}
#: Functions so small that they are put wherever they are called.
SMALL = {"method_of", "ask_again_ms", "failure_of"}
#: Attributes that MicroPython reads: of an exception, of a stream.
BORROWED = {"errno", "args"}
#: Classes whose public methods are the user's: kept although nothing here calls them.
USERS = ("Link", "Driver", "Connection", "Buffered", "Lost", "Policy", "Ledger", "Capability")
#: Those of them that programs make themselves.
MADE = {"Link", "Policy"}
#: Public names of theirs that are for the link itself.
INTERNAL = {
    *("expect_answer", "resume", "release", "accepted_up_to", "received"),
    *(
        "notices_ms",
        "stack_notices_ms",
        "cause_of",
        "said",
        "gate",
        "deadline_ms",
        "pause_before",
        "ask_again_ms",
    ),
}


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
    return len(method.body) == 1 and raised is not None and is_name(raised, "NotImplementedError")


def shake(files: dict[str, list[ast.stmt]], wanted: set[str]) -> None:
    """Leave out of the first file's classes what no file mentions, nor ``wanted``, until nothing more falls."""
    body = next(iter(files.values()))
    while True:
        known = mentioned([line for lines in files.values() for line in lines]) | wanted
        for node in body:
            if isinstance(node, ast.ClassDef):
                node.body = [line for line in node.body if _stays(node.name, line, known)] or [ast.Pass()]
        if mentioned([line for lines in files.values() for line in lines]) | wanted == known:
            return


def _stays(owner: str, line: ast.stmt, known: set[str]) -> bool:
    if not isinstance(line, ast.FunctionDef):
        return True
    if _is_hook(line) or line.name == "__repr__":
        return False
    users = owner in USERS and not line.name.startswith("_") and line.name not in INTERNAL
    return users or line.name in known or line.name.startswith("__")


def link_all() -> tuple[dict[str, ast.Module], dict[str, str]]:
    """Every file for the device by the module's name, and the dictionary of short names."""
    trees = {name: source(name) for name in (*CORE, *BESIDE)}
    constants = {
        key: value for name, tree in trees.items() for key, value in constants_of(name, tree).items()
    } | numbering.numbers()
    core = CORE[-1]
    files: dict[str, list[ast.stmt]] = {core: numbering.definitions()}
    replaced = {name for node in files[core] for name in bound_by(node)} | set(numbering.REPLACED)
    imports: dict[str, str] = {}
    for name, tree in trees.items():
        linker = Linker(name, constants, BESIDE)
        body = link(name, tree, linker, constants)
        imports |= linker.imports
        if name in CORE:
            files[core] += [
                node
                for node in body
                if not isinstance(node, ast.For | ast.Delete) and not bound_by(node) & replaced
            ]
        else:
            files[name] = body
    exports = exported(core)
    merged(files[core])
    part(files, core, MERGED[-1], LATE)
    public = {
        name
        for node in files[core]
        if bound_by(node) & set(USERS)
        for name in users_names(node, bound_by(node) <= MADE)
    } - INTERNAL
    public |= set(numbering.methods())
    late = {name for names in LATE.values() for name in names}
    shake(files, exports | late)
    share_out(files, core, exports)
    for _ in range(3):  # what a method that moved calls may move after it
        follow(files, core, public)
        share_out(files, core, exports)
    put_tuples(files, core)
    drop_empty(files, public)
    inline(files, public | late | exports, SMALL)
    for _ in range(3):
        follow(files, core, public | late)
        share_out(files, core, exports)
    forget_unread(files, public | BORROWED)
    put_defaults(files[core])
    files = {name: [Membership().visit(line) for line in body] for name, body in files.items()}
    return finished(files, imports, late)


#: A program may read a limit by its name.
_LIMIT_ASKED = """
def __getattr__(self, name):
    field = {load}("limits").field_of(name)
    if not field:
        raise AttributeError(name)
    return getattr(self, field)
"""


def finished(
    files: dict[str, list[ast.stmt]], imports: dict[str, str], late: set[str]
) -> tuple[dict[str, ast.Module], dict[str, str]]:
    """``files`` with their imports and short names, and the dictionary of these."""
    core = CORE[-1]
    trees = {}
    for file, body in files.items():
        reads = loaded(body)
        needed = [line for name, line in imports.items() if name in reads and file != name]
        names = set() if file == core else reads & {name for node in files[core] for name in offered_by(node)}
        names |= (
            exported(file) - {name for node in body for name in bound_by(node)} if file in BESIDE else set()
        )
        own = [f"from {PACKAGE}.{core} import {', '.join(sorted(names))}"] if names else []
        trees[file] = ast.Module([*ast.parse("\n".join([*needed, *own])).body, *body], [])
    within = {core, *LATE}
    policy = next(node for node in files[core] if isinstance(node, ast.ClassDef) and node.name == "Policy")
    limits = {name for line in policy.body if isinstance(line, ast.Assign) for name in bound_by(line)}
    users = {*USERS, *[name for name in late if not name.startswith("_")]}
    shortener = Shortener(trees, within, users, MADE, INTERNAL | limits, numbering.methods())
    made = {name: shortener.visit(tree) for name, tree in trees.items()}
    short = {file: [shortener.names.get(name, name) for name in names] for file, names in LATE.items()}
    owner = next(
        node for node in made[core].body if isinstance(node, ast.ClassDef) and node.name == MERGED[-1]
    )
    owner.body.append(loader(owner.name, shortener.names.get("load", "load"), short, shortener.free))
    policy.body.append(ast.parse(_LIMIT_ASKED.format(load=shortener.names["load"])).body[0])
    named = {name: shortener.names[name] for name in sorted(limits)}
    field_of = next(
        node for node in made["limits"].body if isinstance(node, ast.FunctionDef) and node.name == "field_of"
    )
    field_of.body = ast.parse(f"return {named!r}.get({field_of.args.args[0].arg}, '')").body
    made[core].body.insert(0, met_first(ast.fix_missing_locations(made[core])))
    return made, shortener.names


def offered_by(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of the core binds, what it tries to import with them."""
    if isinstance(node, ast.Try):
        return {name for line in node.body if isinstance(line, ast.Import) for name in [line.names[0].name]}
    return bound_by(node)


def merged(body: list[ast.stmt]) -> None:
    """Make one class of :data:`MERGED` in ``body``."""
    base, derived = (
        next(n for n in body if isinstance(n, ast.ClassDef) and n.name == name) for name in MERGED
    )
    body[body.index(derived)] = merge(base, derived)
    body.remove(base)


@functools.cache
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
    files, _ = texts()
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
