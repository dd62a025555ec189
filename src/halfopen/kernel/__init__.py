"""The hot loops: bytes in, columns out. Plain Python, compiled by Cython where a compiler is."""

from __future__ import annotations

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


def is_compiled() -> bool:
    """Whether the loops run compiled; interpreted they say the same, some hundred times slower."""
    from importlib.machinery import EXTENSION_SUFFIXES, PathFinder

    return all(
        (spec := PathFinder.find_spec(f"{__name__}.{name}", __path__)) is not None
        and (spec.origin or "").endswith(tuple(EXTENSION_SUFFIXES))
        for name in LOOPS
    )
