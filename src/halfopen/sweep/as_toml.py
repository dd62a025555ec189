"""Tables of a scenario as the TOML that a user would have written: what was drawn can be played, read and changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: The scenario as TOML tables: what ``tomllib`` gives and ``twin.scenario.of_tables`` takes.
Tables = dict[str, Any]

#: An array longer than this has each of its entries on a line of its own.
_LINE_MAX = 110


def as_toml(tables: Mapping[str, Any], about: str = "") -> str:
    """``tables`` as a file that says the same; ``about`` goes before it as comments."""
    lines = [f"# {line}".rstrip() for line in about.splitlines()]
    lines += [f"{key} = {_value(value)}" for key, value in tables.items() if not _has_heading(value)]
    for key, value in tables.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{key}]", *_section(key, value)]
        elif _has_heading(value):
            for table in value:
                lines += ["", f"[[{key}]]", *_section(key, table)]
    return "\n".join(lines) + "\n"


def _has_heading(value: object) -> bool:
    """Whether a value of the file is a table, or an array of them."""
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(entry, Mapping) for entry in value)
    )


def _section(place: str, table: Mapping[str, Any]) -> list[str]:
    """The values of a table; a table in it that holds another gets a heading of its own, at the end."""
    deep = {
        key: value
        for key, value in table.items()
        if isinstance(value, Mapping) and any(isinstance(inner, Mapping) for inner in value.values())
    }
    lines = [f"{key} = {_value(value)}" for key, value in table.items() if key not in deep]
    for key, value in deep.items():
        lines += ["", f"[{place}.{key}]", *_section(f"{place}.{key}", value)]
    return lines


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_value(entry)}" for key, entry in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        entries = [_value(entry) for entry in value]
        line = f"[{', '.join(entries)}]"
        return line if len(line) <= _LINE_MAX else "[\n" + "".join(f"  {entry},\n" for entry in entries) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace(
            "\x7f", "\\u007f"
        )  # a basic string of TOML is one of JSON's
    if isinstance(value, float):
        return repr(value)
    return str(value)
