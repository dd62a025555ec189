"""``python -m halfopen.twin.fidelity FOLDER [PAGE]``: replay every recording of a folder, write the page.

A recording that is not among the known situations is played as its description says. Without PAGE only verdicts are
printed. Exit status 1 when a situation does not hold that is not named as a gap, 2 when
the folder cannot be read.
"""

from __future__ import annotations

import sys
from pathlib import Path

from halfopen.twin.fidelity.comparing import compare
from halfopen.twin.fidelity.page import page
from halfopen.twin.fidelity.situations import SITUATIONS


def main(arguments: list[str]) -> int:
    """Replay and compare; the exit status."""
    if not 1 <= len(arguments) <= 2:
        print("usage: python -m halfopen.twin.fidelity FOLDER [PAGE]", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    recordings = sorted(path.name.removesuffix(".truth.json") for path in folder.glob("*.truth.json"))
    if not recordings:
        print(f"{folder}: no recording (NAME.pcapng with NAME.truth.json)", file=sys.stderr)
        return 2
    try:
        comparisons = [compare(folder, name, SITUATIONS.get(name)) for name in recordings]
    except (OSError, ValueError, KeyError) as error:
        print(f"{folder}: {error}", file=sys.stderr)
        return 2
    for one in comparisons:
        verdict = (
            "holds" if one.holds else "does not hold (a named gap)" if one.situation.gap else "DOES NOT HOLD"
        )
        print(f"{one.name:22} {verdict}")
    if len(arguments) == 2:
        Path(arguments[1]).write_text(page(comparisons), encoding="utf-8")
    return 0 if all(one.holds or one.situation.gap for one in comparisons) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
