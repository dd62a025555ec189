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
from halfopen.diagnose.sources.places import WHOLE, spelled
from halfopen.diagnose.sources.wordings import Wordings, merit, shortest, wordings

TABLES = (said_of_sockets, said_of_wifi, said_of_memory, said_of_system)


def of_phrase(phrase: Phrase) -> Wordings:
    """The wordings of one phrase: its pattern's or its needles, whichever keeps out more."""
    needles = frozenset(phrase.needles)
    try:
        return max(wordings(phrase.pattern.pattern, phrase.pattern.flags), needles, key=merit)
    except ValueError:
        return needles


def readers() -> tuple[re.Pattern[str], ...]:
    """The patterns without which the readers beside the phrases find nothing."""
    return (
        *said_of_sockets.NEEDED,
        *said_of_wifi.NEEDED,
        *said_of_memory.NEEDED,
    )


def needed() -> list[str]:
    """All wordings, spelled, in order."""
    found: set[str] = set()
    for table in TABLES:
        for phrase in table.PHRASES:
            found |= of_phrase(phrase)
    for pattern in readers():
        found |= wordings(pattern.pattern, pattern.flags)
    whole: set[str] = set()
    for pattern in (*console.NEEDED, *recorded.NEEDED):
        whole |= wordings(pattern.pattern, pattern.flags)
    return [
        *sorted(WHOLE + spelled(one) for one in shortest(whole)),
        *sorted(map(spelled, shortest(found))),
    ]


if __name__ == "__main__":
    Path(__file__).with_name("wordings.txt").write_text(
        "".join(f"{line}\n" for line in needed()), encoding="ascii"
    )
