"""Reading a TOML table key by key: what is missing, unknown or of the wrong kind is told in one line with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ScenarioError(ValueError):
    """A scenario cannot be played; the message is one line: file, place, reason."""


class Table:
    """One table and its place in words (``devices[0].cure``). Ask for its keys, then call :meth:`done`."""

    def __init__(self, values: Mapping[str, Any], file: str, place: str = "") -> None:
        self._values = values
        self._file = file
        self._place = place
        self._asked: set[str] = set()

    def error(self, key: str, reason: str) -> ScenarioError:
        """The error that says that ``key`` is wrong."""
        place = ".".join(part for part in (self._place, key) if part)
        return ScenarioError(f"{self._file}: {_written(place)}: {_written(reason)}")

    def has(self, key: str) -> bool:
        """Whether ``key`` is there."""
        return key in self._values

    def _get(self, key: str, default: Any, kinds: tuple[type, ...], words: str) -> Any:
        self._asked.add(key)
        if key not in self._values:
            if default is None:
                raise self.error(key, f"missing: {words} expected")
            return default
        value = self._values[key]
        if isinstance(value, bool) != (bool in kinds) or not isinstance(value, kinds):
            raise self.error(key, f"is {value!r}: {words} expected")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without ``default`` it must be there."""
        return str(self._get(key, default, (str,), "a text"))

    def name(self, key: str, default: str | None = None) -> str:
        """A text that can name a file: letters, digits, ``-`` and ``_``, not longer than 60."""
        value = self.text(key, default)
        if not value or len(value) > 60 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in value):
            raise self.error(key, f"is {value!r}: letters, digits, - and _ expected, 1 to 60 of them")
        return value

    def number(self, key: str, default: float | None, low: float, high: float) -> float:
        """A number within bounds, both included."""
        value = float(self._get(key, default, (int, float), "a number"))
        if not low <= value <= high:
            raise self.error(key, f"is {value:g}: {low:g} to {high:g} expected")
        return value

    def whole(self, key: str, default: int | None, low: int, high: int) -> int:
        """A whole number within bounds, both included."""
        value = int(self._get(key, default, (int,), "a whole number"))
        if not low <= value <= high:
            raise self.error(key, f"is {value}: {low} to {high} expected")
        return value

    def switch(self, key: str, default: bool) -> bool:
        """``true`` or ``false``."""
        return bool(self._get(key, default, (bool,), "true or false"))

    def choice(self, key: str, default: str | None, allowed: tuple[str, ...]) -> str:
        """One of ``allowed``."""
        value = self.text(key, default)
        if value not in allowed:
            raise self.error(key, f"is {value!r}: one of {', '.join(allowed)} expected")
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        """A table as it is; empty when it is not there."""
        return dict(self._get(key, {}, (dict,), "a table"))

    def holds_table(self, key: str) -> bool:
        """Whether ``key`` is there and a table."""
        return isinstance(self._values.get(key), dict)

    def mapping_keys(self) -> list[str]:
        """The keys of this table."""
        return list(self._values)

    def table(self, key: str) -> Table:
        """A table within this one; empty when it is not there."""
        place = ".".join(part for part in (self._place, key) if part)
        return Table(self.mapping(key), self._file, place)

    def tables(self, key: str) -> list[Table]:
        """An array of tables; empty when it is not there."""
        found = self._get(key, [], (list,), "an array of tables")
        place = ".".join(part for part in (self._place, key) if part)
        for number, value in enumerate(found):
            if not isinstance(value, dict):
                raise self.error(f"{key}[{number}]", f"is {value!r}: a table expected")
        return [Table(value, self._file, f"{place}[{number}]") for number, value in enumerate(found)]

    def done(self) -> None:
        """Raise :class:`ScenarioError` for the first key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                raise self.error(key, f"unknown; known are {', '.join(sorted(self._asked))}")

    def rest(self) -> dict[str, Any]:
        """Every key that nobody asked for; they count as asked for now."""
        rest = {key: value for key, value in self._values.items() if key not in self._asked}
        self._asked.update(rest)
        return rest


def _written(text: str) -> str:
    """``text`` on one line of bounded length, with nothing in it that a terminal would obey."""
    safe = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return safe if len(safe) <= 300 else f"{safe[:280]} …"
