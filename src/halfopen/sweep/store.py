"""Results as they come, a line of JSON each, so that Ctrl-C or a power cut loses none and a run can be continued.

The first line says what the results are of; a file that is of something else is refused. A last line that was cut off is
dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO


class StoreError(ValueError):
    """A file cannot be continued or written; the message is one line."""


class Kept:
    """The results of one run in ``path``. Use it as a context: it is closed at its end."""

    def __init__(self, path: Path | None, about: dict[str, Any], *, resume: bool) -> None:
        """``about`` is what tells one run from another: JSON types only. Without ``path`` nothing is kept.

        Raises:
            StoreError: there are results already and ``resume`` is not wanted, or they are another run's.
            OSError: the file cannot be read or written.
        """
        self._file: TextIO | None = None
        about = json.loads(json.dumps(about))
        #: What an earlier run left.
        self.earlier: list[dict[str, Any]] = []
        if path is None:
            return
        if path.exists():
            if not resume:
                raise StoreError(
                    f"{path}: holds an earlier run; --resume continues it, another --out begins anew"
                )
            lines = list(_lines(path))
            if not lines or lines[0] != about:
                raise StoreError(f"{path}: is of another run: {_told(lines[0] if lines else None)}")
            self.earlier = lines[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = "".join(_line(one) for one in (about, *self.earlier))
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(whole, encoding="utf-8")
        fresh.replace(path)  # at no moment is there a file without what was there before
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> Kept:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, result: dict[str, Any]) -> None:
        """One result more; it is on its way to the disk when this returns."""
        if self._file is not None:
            self._file.write(_line(result))
            self._file.flush()


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a file, up to the first that is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for line in text.splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            return
        if not isinstance(values, dict):
            return
        yield values


def _told(about: dict[str, Any] | None) -> str:
    text = (
        "nothing that can be read"
        if about is None
        else ", ".join(f"{key} {value}" for key, value in about.items())
    )
    safe = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return safe if len(safe) <= 200 else f"{safe[:180]} …"
