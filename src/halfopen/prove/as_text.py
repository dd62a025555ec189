"""A proof for a terminal: the failing run and the cured one side by side, then what was checked."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from halfopen import findings
from halfopen.diagnose.report.as_text import MARKS, STYLES, plain
from halfopen.diagnose.rules.wording import duration
from halfopen.findings import Finding
from halfopen.prove import Proof
from halfopen.prove.figures import Figures
from halfopen.prove.playing import Run

_BARS = "▁▂▃▄▅▆▇█"
_BARS_WIDE = 24
#: Findings told of one run; the JSON and the page have all of them.
_FINDINGS_MAX = 5
#: Devices whose figures are told; the JSON and the page have all of them.
_DEVICES_MAX = 3
#: Codes of one run in a line of the summary: eighty columns are not many.
_CODES_MAX = 2
#: What the two times of the summary mean.
_MEANING = (
    "Of the cured device: dead for, how long it held a connection that was dead; back after, from the end of the last"
    " disturbance to its next exchange."
)


def proof_text(console: Console, proof: Proof) -> None:
    """Print one proof."""
    fault = findings.fault(proof.code)
    heading = plain(f"{proof.code} {fault.fault}: {proof.scenario.title}")
    console.print(Rule(Text(heading, style="bold"), align="left", style="dim"))
    console.print(_side_by_side(proof))
    hidden = len(proof.failing.figures) - _DEVICES_MAX
    if hidden > 0:
        console.print(Text(f"and {hidden} devices more", style="dim"))
    console.print()
    for why in proof.cures:
        console.print(Text.assemble(("Cure: ", "bold"), plain(why)))
    broken = [check for check in proof.checks if not check.held]
    if hidden > 0:
        kept = f"{len(proof.checks) - len(broken)} checks of all devices"
        console.print(Padding(Text.assemble(("✔ ", "green"), kept), (0, 0, 0, 2)))
    for check in broken if hidden > 0 else proof.checks:
        mark, style = ("✔", "green") if check.held else ("✖", "bold red")
        console.print(Padding(Text.assemble((f"{mark} ", style), plain(check.said)), (0, 0, 0, 2)))
    verdict = ("Held.", "bold green") if proof.held else ("Not held.", "bold red")
    console.print(Text.assemble(verdict, (f"  repeat: {plain(proof.command)}", "dim")))
    console.print()


def _side_by_side(proof: Proof) -> Table:
    """Both runs in columns: what was diagnosed, then the figures of each device."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), expand=True, show_header=True)
    table.add_column("", style="dim", width=15, no_wrap=True)
    table.add_column(Text("failing", style="bold red"), ratio=1)
    table.add_column(Text("cured", style="bold green"), ratio=1)
    runs = (proof.failing, proof.cured)
    table.add_row("diagnosis", *(_diagnosis(run) for run in runs))
    pairs = list(zip(proof.failing.figures, proof.cured.figures, strict=True))
    for failing, cured in pairs[:_DEVICES_MAX]:
        if len(pairs) > 1:
            table.add_row("", "", "")
            table.add_row("device", plain(failing.device), plain(cured.device))
        told = list(zip(runs, (failing, cured), strict=True))
        table.add_row("firmware", plain(failing.firmware), plain(cured.firmware))
        table.add_row("descriptors", *(_descriptors(run, figure) for run, figure in told))
        table.add_row("free heap", *(_heap(run, figure) for run, figure in told))
        for label, said in rows(failing, cured):
            table.add_row(label, *said)
    return table


def summary_text(console: Console, proofs: Sequence[Proof]) -> None:
    """Print what came of several proofs, a line each."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", "fault", "failing", "cured", "dead for", "back after"):
        table.add_column(Text(heading, style="dim"), no_wrap=True)
    for proof in proofs:
        held = Text("✔", style="green") if proof.held else Text("✖", style="bold red")
        figure = proof.cured.figures[0]
        name = f"{proof.code} {findings.fault(proof.code).fault}"
        table.add_row(
            held,
            name,
            _codes(proof.failing, proof.code),
            _codes(proof.cured, proof.code),
            let_go(figure),
            recovered(figure),
        )
    console.print(table)
    held_count = sum(proof.held for proof in proofs)
    style = "bold green" if held_count == len(proofs) else "bold red"
    console.print(Text(f"{held_count} of {len(proofs)} held.", style=style))
    console.print(Text(_MEANING, style="dim"))
    console.print(
        Text("halfopen prove CODE shows one of them side by side, --html FILE as a page.", style="dim")
    )


def rows(failing: Figures, cured: Figures) -> list[tuple[str, tuple[str, str]]]:
    """Label and what to say of the failing and of the cured device: what a table of figures has after the curves."""
    both = (failing, cured)
    found = [
        ("dead for", (let_go(failing), let_go(cured))),
        ("back after", (recovered(failing), recovered(cured))),
        ("longest outage", tuple(_outage(figure) for figure in both)),
        ("exchanges", tuple(str(figure.exchanges) for figure in both)),
    ]
    if failing.boots > 1 or cured.boots > 1:
        found.append(("boots", tuple(str(figure.boots) for figure in both)))
    return [(label, (told[0], told[1])) for label, told in found]


def let_go(figure: Figures) -> str:
    """How long a dead connection was held."""
    if not figure.died:
        return "–"
    return "for ever" if figure.let_go_s is None else f"{figure.let_go_s:.1f} s"


def recovered(figure: Figures) -> str:
    """How long after the last disturbance it worked again."""
    return "never" if figure.recovered_s is None else f"{figure.recovered_s:.1f} s"


def _outage(figure: Figures) -> str:
    return duration(figure.outage_s) if figure.exchanges else "–"


def _codes(run: Run, code: str) -> Text:
    told = Text()
    each: dict[str, Finding] = {}
    for finding in run.report.findings:
        each.setdefault(finding.code, finding)
    own_first = sorted(each.values(), key=lambda finding: finding.code != code)
    for finding in own_first[:_CODES_MAX]:
        told.append(f"{MARKS[finding.severity]}{finding.code} ", style=STYLES[finding.severity])
    return told if told else Text("–", style="dim")


def _diagnosis(run: Run) -> RenderableType:
    lines = [_line(finding) for finding in run.report.findings[:_FINDINGS_MAX]]
    more = len(run.report.findings) - _FINDINGS_MAX
    if more > 0:
        lines.append(Text(f"and {more} more", style="dim"))
    return Group(*lines) if lines else Text("nothing wrong was found", style="green")


def _line(finding: Finding) -> Text:
    return Text.assemble(
        (f"{MARKS[finding.severity]} {finding.code} ", STYLES[finding.severity]), finding.fault
    )


def _descriptors(run: Run, figure: Figures) -> Text:
    curve = bars([sample.descriptors for sample in run.samples[figure.device]], 0, figure.descriptors_max)
    end = f"{figure.descriptors_end} of {figure.descriptors_max} at the end"
    return Text.assemble((curve, "cyan"), "\n", end)


def _heap(run: Run, figure: Figures) -> Text:
    samples = run.samples[figure.device]
    most = max(sample.heap_free for sample in samples)
    curve = bars([sample.heap_free for sample in samples], 0, most)
    return Text.assemble(
        (curve, "cyan"), "\n", f"{_kilobytes(figure.heap_end)}, largest {_kilobytes(figure.largest_end)}"
    )


def _kilobytes(size: int) -> str:
    return f"{size / 1024:.1f} KB"


def bars(values: Sequence[float], low: float, high: float, wide: int = _BARS_WIDE) -> str:
    """``values`` over time as a line of ``wide`` bars: of each stretch the value farthest from the middle of all."""
    if not values:
        return ""
    middle = (low + high) / 2
    step = len(values) / min(wide, len(values))
    told = []
    for number in range(min(wide, len(values))):
        stretch = values[int(number * step) : max(int((number + 1) * step), int(number * step) + 1)]
        value = max(stretch, key=lambda v: abs(v - middle))
        share = (value - low) / (high - low) if high > low else 0.0
        told.append(_BARS[min(len(_BARS) - 1, max(0, math.floor(share * len(_BARS))))])
    return "".join(told)
