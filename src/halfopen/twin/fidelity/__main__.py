"""``python -m halfopen.twin.fidelity FOLDER [PAGE]``: replay every recording of a folder that is known, write the page.

Without PAGE the verdicts are printed. Exit status 1 when a situation does not hold that is not named as a gap, 2 when
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
    known = [name for name in SITUATIONS if (folder / f"{name}.truth.json").is_file()]
    if not known:
        print(f"{folder}: no recording that is known here", file=sys.stderr)
        return 2
    try:
        comparisons = [compare(folder, name, SITUATIONS[name]) for name in known]
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
