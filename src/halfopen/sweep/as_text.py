"""A sweep for a terminal: the table, and a bar for how available each variation is beside the others."""

from __future__ import annotations

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from halfopen.sweep.answers import FIGURES, fingerprint
from halfopen.sweep.report import Sweep, heads, rows


def sweep_text(console: Console, sweep: Sweep) -> None:
    """Print one sweep."""
    console.print(Rule(Text(sweep.title, style="bold"), align="left", style="dim"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    best, headings, told = _best(sweep), heads(sweep), rows(sweep)
    same = [
        number for number in range(len(sweep.axes), len(headings)) if len({row[number] for row in told}) == 1
    ]
    if len(told) < 2:
        same = []
    for number, head in enumerate(headings):
        if number not in same:
            style = "bold" if number < len(sweep.axes) else ""
            longest = max(map(len, head.split()))
            table.add_column(Text(head, style="dim"), justify="right", style=style, min_width=longest)
    for row, cells in enumerate(told):
        marked = (
            (cell, "green" if (row, column) in best else "", column) for column, cell in enumerate(cells)
        )
        table.add_row(*(Text(cell, style=style) for cell, style, column in marked if column not in same))
    console.print(table)
    if same:
        alike = "; ".join(f"{headings[number]} {told[0][number]}" for number in same)
        console.print(Text(f"everywhere alike: {alike}", style="dim"))
    console.print(Text(f"{sweep.identity}; fingerprint {fingerprint(sweep.answers)}", style="dim"))
    console.print(Text(f"repeat: {sweep.command}", style="dim"))
    console.print()


def _best(sweep: Sweep) -> set[tuple[int, int]]:
    """Row and column of the best value of each figure, where the variations differ in it."""
    found: set[tuple[int, int]] = set()
    for column, figure in enumerate(FIGURES, len(sweep.axes)):
        values = [(answer.figures[figure.key], row) for row, answer in enumerate(sweep.answers)]
        known = [(value, row) for value, row in values if value is not None]
        if len({value for value, _ in known}) < 2:
            continue
        best = max(known)[0] if figure.more_is_better else min(known)[0]
        found |= {(row, column) for value, row in known if value == best}
    return found
