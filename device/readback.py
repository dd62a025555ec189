"""Reads a traceback that came from a board: ``python device/readback.py FILE`` (or standard input).

The files for devices hold short names (``device/shortening.py``); ``device/names.json`` says what each means, and is written
with them. Use the one of the version that the board runs.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

NAMES = Path(__file__).with_name("names.json")
_FRAME = re.compile(r'(File "(?:[^"]*/)?(\w+)\.py", line \d+, in )(\w+)')
_ATTRIBUTE = re.compile(r"(has no attribute '|unexpected keyword argument ')(\w+)(?=')")


def read_back(text: str, names: dict[str, dict[str, str]]) -> str:
    """``text`` with the sources' names in frames of the link's own files, and in what names an attribute.

    ``names`` are the meanings by short name, as ``meanings``, and under ``files`` the link's files.
    """
    meanings = names["meanings"]

    def frame(found: re.Match[str]) -> str:
        ours = found[2] in names["files"]
        return found[1] + (meanings.get(found[3], found[3]) if ours else found[3])

    text = _FRAME.sub(frame, text)
    return _ATTRIBUTE.sub(lambda found: found[1] + meanings.get(found[2], found[2]), text)


def main() -> int:
    """Read and print; the exit status."""
    if len(sys.argv) > 2:
        print("usage: python device/readback.py [FILE]")
        return 2
    try:
        text = (
            Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace")
            if sys.argv[1:]
            else sys.stdin.read()
        )
    except OSError as error:
        print(f"readback: {sys.argv[1]}: {error.strerror}")
        return 2
    print(read_back(text, json.loads(NAMES.read_text(encoding="utf-8"))), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
