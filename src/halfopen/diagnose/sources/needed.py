"""Writes ``wordings.txt``: what a line must hold to be read at all, from every pattern that reads lines.

python -m halfopen.diagnose.sources.needed
"""

from __future__ import annotations

import re
from pathlib import Path

from halfopen.diagnose.sources import (
    console,
    recorded,
    said_of_memory,
    said_of_sockets,
    said_of_system,
    said_of_wifi,
)
from halfopen.diagnose.sources.phrase import Phrase
from halfopen.diagnose.sources.places import CALLS, DIGITS_TOLD, MEMORY, RADIO, WHOLE, spelled
from halfopen.diagnose.sources.wordings import Wordings, merit, shortest, tells_digits_apart, wordings
from halfopen.formats.patterns import Pattern

TABLES = (said_of_sockets, said_of_wifi, said_of_memory, said_of_system)


def of_phrase(phrase: Phrase) -> Wordings:
    """The wordings of one phrase: its pattern's or its needles, whichever keeps out more."""
    needles = frozenset(phrase.needles)
    try:
        return max(wordings(phrase.pattern.pattern, phrase.pattern.flags), needles, key=merit)
    except ValueError:
        return needles


def readers() -> dict[str, tuple[Pattern, ...]]:
    """The patterns without which the readers beside the phrases find nothing, by the names that a file has for readers."""
    return {
        CALLS: said_of_sockets.NEEDED,
        RADIO: said_of_wifi.NEEDED,
        MEMORY: said_of_memory.NEEDED,
    }


def telling_digits_apart() -> list[int]:
    """The phrases that may find something else where a digit is exchanged for another."""
    phrases = enumerate(phrase for table in TABLES for phrase in table.PHRASES)
    return [
        number
        for number, phrase in phrases
        if tells_digits_apart(phrase.source)
        or any(re.search(r"\d", word) for word in (*phrase.needles, *phrase.tags))
    ]


def needed() -> list[str]:
    """The lines of the file: wordings, spelled and in order, and who finds something where one stands; then who of them
    tells digits apart."""
    asked: dict[str, set[str]] = {}  # who asks for a wording: a reader, or a phrase by its number
    for number, phrase in enumerate(phrase for table in TABLES for phrase in table.PHRASES):
        for wording in of_phrase(phrase):
            asked.setdefault(wording, set()).add(str(number))
    for name, patterns in readers().items():
        for pattern in patterns:
            for wording in wordings(pattern.pattern, pattern.flags):
                asked.setdefault(wording, set()).add(name)
    kept: dict[str, set[str]] = {wording: set() for wording in shortest(asked)}
    for wording, names in asked.items():
        for part in kept:
            if part in wording:
                kept[part] |= names
    whole: set[str] = set()
    for pattern in (*console.NEEDED, *recorded.NEEDED):
        whole |= wordings(pattern.pattern, pattern.flags)
    return [
        *sorted(WHOLE + spelled(one) for one in shortest(whole)),
        *sorted(f"{spelled(wording)}\t{' '.join(sorted(names))}" for wording, names in kept.items()),
        DIGITS_TOLD + " ".join(map(str, telling_digits_apart())),
    ]


if __name__ == "__main__":
    Path(__file__).with_name("wordings.txt").write_text(
        "".join(f"{line}\n" for line in needed()), encoding="ascii"
    )
