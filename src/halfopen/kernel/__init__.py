"""The hot loops: bytes in, columns out. Plain Python, compiled by Cython where a compiler is."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

#: What is compiled, all of it or nothing, in the order in which they import each other.
LOOPS = (
    "frames",
    "records",
    "air",
    "packets",
    "flows",
    "hosts",
    "quoting",
    "conversation",
    "retelling",
    "unsealing",
    "asking",
    "radio",
    "hearing",
    "scanner",
    "host_times",
    "headers",
    "shapes",
    "lines",
)
#: A module of the build beside the loops, which all of them use.
_SHARED = "shared"


@cache
def state() -> str:
    """How the loops run: ``compiled``; ``interpreted`` where nothing was compiled, to the same results some hundred times
    slower; ``stale`` where what was compiled does not fit the sources, which are then interpreted as well."""
    from importlib.machinery import EXTENSION_SUFFIXES

    built: dict[str, float] = {}
    changed = 0.0
    checkout = False  # Cython's C stands beside the sources only where they were compiled in place
    for folder in filter(os.path.isdir, __path__):
        for entry in os.scandir(folder):
            name, _, rest = entry.name.partition(".")
            if f".{rest}" in EXTENSION_SUFFIXES and name in (*LOOPS, _SHARED):
                built[name] = entry.stat().st_mtime
            elif rest == "pxd" or (rest == "py" and name in LOOPS):
                changed = max(changed, entry.stat().st_mtime)
            checkout = checkout or rest == "c"
    if not built:
        return "interpreted"
    whole = len(built) == len(LOOPS) + 1
    return "compiled" if whole and not (checkout and changed > min(built.values())) else "stale"


class _Sources:
    """Finds the loops' sources, whatever was compiled of them."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, _, loop = name.rpartition(".")
        if package != __name__ or loop not in LOOPS:
            return None
        from importlib.util import spec_from_file_location

        return spec_from_file_location(name, f"{__path__[0]}/{loop}.py")


def interpret() -> None:
    """From now on load the loops' sources; what is loaded already stays."""
    if _Sources not in sys.meta_path:
        sys.meta_path.insert(0, _Sources)


def is_compiled() -> bool:
    """Whether the loops run compiled."""
    return _Sources not in sys.meta_path and state() == "compiled"


# Structures of one module are known to the others by their layout: of two versions mixed, some names are missing and others
# lie. So a checkout that moved on (a pull, an edit) runs its sources until it is built again.
if state() == "stale":
    interpret()
