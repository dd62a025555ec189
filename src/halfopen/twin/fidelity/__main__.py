"""``python -m halfopen.twin.fidelity FOLDER… [PAGE.md]``: replay every recording of the folders, write the page.

A folder holds recordings of the wire (``NAME.pcapng``) or of the air (``NAME.hwsim0.pcapng``), each with
``NAME.truth.json``. A recording that is not among the known situations is played as its description or its frames say.
Without a page only verdicts are printed. Exit status 1 when a situation does not hold that is not named as a gap, 2 when
a folder cannot be read.
"""

from __future__ import annotations

import sys
from pathlib import Path

from halfopen.twin.fidelity.air import page as air_page
from halfopen.twin.fidelity.air.replay import Played, play
from halfopen.twin.fidelity.air.situations import SITUATIONS as AIR_SITUATIONS
from halfopen.twin.fidelity.comparing import Comparison, compare
from halfopen.twin.fidelity.page import page
from halfopen.twin.fidelity.situations import SITUATIONS


def main(arguments: list[str]) -> int:
    """Replay and compare; the exit status."""
    pages = [argument for argument in arguments if argument.endswith(".md")]
    folders = [Path(argument) for argument in arguments if argument not in pages]
    if not folders or len(pages) > 1:
        print("usage: python -m halfopen.twin.fidelity FOLDER… [PAGE.md]", file=sys.stderr)
        return 2
    wire: list[Comparison] = []
    air: list[Played] = []
    for folder in folders:
        recordings = sorted(path.name.removesuffix(".truth.json") for path in folder.glob("*.truth.json"))
        if not recordings:
            print(f"{folder}: no recording (NAME.pcapng with NAME.truth.json)", file=sys.stderr)
            return 2
        try:
            for name in recordings:
                if (folder / f"{name}.hwsim0.pcapng").is_file():
                    air.append(play(folder, name, AIR_SITUATIONS.get(name)))
                else:
                    wire.append(compare(folder, name, SITUATIONS.get(name)))
        except (OSError, ValueError, KeyError) as error:
            print(f"{folder}: {error}", file=sys.stderr)
            return 2
    verdicts = [(one.name, one.holds, one.situation.gap) for one in wire]
    verdicts += [(one.name, one.verdict.holds, "") for one in air]
    for name, holds, gap in verdicts:
        print(f"{name:26} {'holds' if holds else 'does not hold (a named gap)' if gap else 'DOES NOT HOLD'}")
    if pages:
        text = page(wire, air=bool(air)) + "\n" if wire else ""
        text += air_page.page(air) if air else ""
        Path(pages[0]).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    return 0 if all(holds or gap for _, holds, gap in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
