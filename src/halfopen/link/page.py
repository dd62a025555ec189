"""Draws docs/internals/machine.md from the table: ``python -m halfopen.link.page docs/internals/machine.md``."""

import sys
from pathlib import Path

from halfopen.link import machine as m

#: Rows that every state has; drawn once in words, so that the way of a connection can be seen.
_AT_ANY_TIME = (m.STOPPED, m.SLEEP_ASKED, m.DOZE_FORBIDDEN)

_HEAD = """# The machine

Generated from `TRANSITIONS` in `halfopen/link/machine.py` by `make machine`; a test compares. The five stages are those
of the article this project started from; under them are the states, which the journal prints. A state marked ● owns
the one descriptor of the attempt.

"""

_NOTES = """
Not drawn, because every state has them: `STOPPED` leads to IDLE, `SLEEP_ASKED` to ASLEEP (by way of RETIRING where a
peer must be told), `DOZE_FORBIDDEN` switches power save off and stays. Each closes what is held.

## How it keeps its promises

- **held + opened − closed = holds**: `SOCKET_OPENED` takes the descriptor, the effect `CLOSE_SOCKET` gives it back.
- **Gate before memory**: `OPEN_SOCKET` and `RESOLVE_NAME` follow `HEAP_ENOUGH` on every path.
- **Close before retry**: every retry leaves PAUSED, and PAUSED is only reached with nothing held.
- **Sweep before dial**: `SWEEP` stands before `OPEN_SOCKET` in its row.
- **A way on from everywhere**: each state is left on each of its failures and at its deadline (`Policy.deadline_ms`).

`tests/link/laws.py` walks every row and every reachable situation; `tests/link/test_machine.py` plants defects of each
kind and shows that the walk finds them.

## Every row

| state | event | next | effects |
|---|---|---|---|
"""


def diagram() -> str:
    """The drawing, in Mermaid: stages as boxes, events on the arrows."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {m.IDLE}"]
    for number, (name, states) in enumerate(m.STAGES):
        lines.append(f'    state "{name}" as stage{number} {{')
        lines += [f'        state "{state}{" ●" if state in m.HOLDS else ""}" as {state}' for state in states]
        lines.append("    }")
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, event), (after, effects) in m.TRANSITIONS.items():
        if event not in _AT_ANY_TIME and (after != state or effects):
            arrows.setdefault((state, after), []).append(event)
    for (state, after), events in arrows.items():
        lines.append(f"    {state} --> {after}: {'<br>'.join(events)}")
    return "\n".join([*lines, "```"]) + "\n"


def page() -> str:
    """The whole page."""
    order = [state for _, states in m.STAGES for state in states]
    rows = sorted(m.TRANSITIONS.items(), key=lambda row: (order.index(row[0][0]), row[0][1]))
    table = [
        f"| {state} | {event} | {after} | {', '.join(effects) or '–'} |"
        for (state, event), (after, effects) in rows
    ]
    return _HEAD + diagram() + _NOTES + "\n".join(table) + "\n"


def main() -> int:
    """Write the page to the path given; the exit status."""
    if len(sys.argv) != 2:
        print("usage: python -m halfopen.link.page docs/internals/machine.md")
        return 2
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
