"""Regular expressions that are compiled when first used.

A reader of logs knows some sixty, and compiling them takes longer than reading a short log; one log needs a few.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any


class Pattern:
    """What :func:`re.compile` makes of ``source`` and ``flags``, made when first used.

    From then on the methods of the compiled pattern stand in this object, so that calling them costs no more than before.
    """

    pattern: str
    flags: int
    search: Callable[[str], re.Match[str] | None]
    match: Callable[[str], re.Match[str] | None]
    fullmatch: Callable[[str], re.Match[str] | None]
    finditer: Callable[[str], Iterator[re.Match[str]]]
    sub: Callable[[str, str], str]

    def __init__(self, source: str, flags: int = 0) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Compile; only asked for what is not there yet."""
        if name not in Pattern.__annotations__:
            raise AttributeError(name)
        compiled = re.compile(self._source, self._flags)
        for each in Pattern.__annotations__:
            setattr(self, each, getattr(compiled, each))
        return getattr(compiled, name)
