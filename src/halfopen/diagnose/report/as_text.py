"""The report as text: for a terminal in colour, for a pipe without, readable at 80 columns."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from halfopen.diagnose.report import Report
from halfopen.diagnose.report.languages import TITLES, speaks
from halfopen.diagnose.report.quoting import place, utc
from halfopen.findings import FIRMWARES, Evidence, Fault, Finding, Firmware, Severity

if TYPE_CHECKING:
    from halfopen.diagnose.timeline import Device, Timeline

#: How a severity looks, and its mark beside the colour.
STYLES: dict[Severity, str] = {"error": "bold red", "warning": "bold yellow", "info": "bold cyan"}
MARKS: dict[Severity, str] = {"error": "✖", "warning": "▲", "info": "•"}
_LEXERS: dict[Firmware, str] = {"esp-idf": "c", "arduino": "cpp", "esphome": "yaml", "micropython": "python"}
#: A quoted line longer than this is cut in the middle; the file has the rest.
_QUOTE_MAX = 240


#: Width where no terminal says otherwise.
_COLUMNS = 80


def show(draw: Callable[[Console], None], output: TextIO | None = None) -> None:
    """Let ``draw`` print: in colour and full width on a terminal, as plain text of 80 columns into a pipe or file."""
    if output is None and sys.stdout.isatty():
        draw(Console(highlight=False, emoji=False))
        return
    collected = io.StringIO()
    draw(
        Console(
            highlight=False,
            emoji=False,
            width=_COLUMNS,
            color_system=None,
            legacy_windows=False,
            file=collected,
        )
    )
    target = sys.stdout if output is None else output
    # Rich pads lines to the width; nobody wants the blanks in a file.
    target.write("\n".join(line.rstrip() for line in collected.getvalue().split("\n")))


def report_text(
    console: Console, report: Report, firmware: str | None = None, everything: bool = False
) -> None:
    """Print ``report``: per device the root cause first with proof and fix, then what followed from it.

    ``firmware`` overrides the recognised family for the fixes; ``everything`` shows proof and fix of consequences
    and info findings too.
    """
    for device in report.devices:
        own = [f for f in report.findings if f.device == device.name]
        console.print(Rule(Text(_who(device), style="bold"), align="left", style="dim"))
        for clock in report.clocks:
            if clock.device == device.name:
                console.print(Text(plain(f"  {clock}"), style="dim"))
        if verdict := _verdict(own, _timeline(report, device)):
            console.print(verdict)
        for number, finding in enumerate(own, 1):
            cause = next((f for f in report.findings if f.key == finding.caused_by), None)
            brief = not everything and (finding.severity == "info" or (cause is not None and number > 3))
            console.print(_finding(finding, cause, brief))
        root = own[0] if own else None
        if root is not None and root.severity != "info":
            family = firmware or device.firmware
            each = list({finding.code: finding for finding in reversed(own)}.values())[::-1]
            for finding in each if everything else each[:1]:
                _remedy(console, finding, speaks(family), guessed=not family)
            for finding in [] if everything else each[1:]:
                if finding.severity != "info":
                    _remedy_in_brief(console, finding)
        console.print()
    _open_ends(console, report)


def _verdict(own: Sequence[Finding], timeline: Timeline | None) -> Text | None:
    """What stands before the findings: that there are none, or that a link did its work."""
    from halfopen.diagnose.report.story import got_over, wifi_unexplained

    if timeline is not None and (survived := got_over(timeline, own)):
        return Text(f"  {survived}", style="green")
    if own:
        return None
    if timeline is not None and (unexplained := wifi_unexplained(timeline)):
        return Text(f"  {unexplained}", style="bold yellow")
    return Text("  Nothing wrong was found.", style="green")


def _timeline(report: Report, device: Device) -> Timeline | None:
    return next((t for t in report.timelines if t.device.name == device.name), None)


def _open_ends(console: Console, report: Report) -> None:
    for clock in report.capture_clocks:
        console.print(Text.assemble(("Clock: ", "dim"), plain(str(clock))))
    for doubt in report.undecided:
        console.print(Text.assemble(("Undecided: ", "bold magenta"), (" or ".join(doubt.faults), "bold")))
        console.print(Padding(Text(doubt.next), (0, 0, 1, 2)))
    for note in report.notes:
        console.print(Text.assemble(("Note: ", "dim"), plain(note)))


def _who(device: Device) -> str:
    parts = [device.name, *(ip for ip in device.ips[:2] if ip != device.name)]
    firmware = " ".join(part for part in (device.firmware, device.version) if part)
    return plain("  ".join([*parts, *([firmware] if firmware else [])]))


def _finding(finding: Finding, cause: Finding | None, brief: bool) -> RenderableType:
    style = STYLES[finding.severity]
    head = Text.assemble(
        (f"{MARKS[finding.severity]} {finding.severity} ", style),
        (f"{finding.code} {finding.fault}", "bold"),
        (f"  {finding.confidence:.0%} sure", "dim"),
    )
    if cause is not None:
        whose = f" of {cause.device}" if cause.device != finding.device else ""
        head.append(plain(f"  follows from {cause.code}{whose}"), style="italic")
    body: list[RenderableType] = [head, Padding(Text(plain(finding.summary)), (0, 0, 0, 2))]
    quotes = finding.evidence[:1] if brief else finding.evidence
    body.append(Padding(_evidence(quotes), (0, 0, 1, 4)))
    return Group(*body)


def _evidence(quotes: Sequence[Evidence]) -> RenderableType:
    lines = []
    for quote in quotes:
        text = Text(plain(place(quote)), style="cyan")
        if quote.frame is not None and quote.time is not None and quote.time > 0:
            text.append(f" {utc(quote.time)}", style="dim")
        text.append("\n  " + plain(quote.text.strip()))
        lines.append(text)
    return Group(*lines)


def _remedy(console: Console, finding: Finding, firmware: Firmware, *, guessed: bool) -> None:
    if not finding.remedy.code:
        console.print(Text.assemble((f"Fix for {finding.code} ", "bold green"), ("[halfopen.link]", "green")))
        console.print(Padding(Text(finding.remedy.summary), (0, 0, 1, 2)))
        return
    doubt = "; firmware not recognised, --firmware chooses" if guessed else ""
    console.print(
        Text.assemble((f"Fix for {finding.code} ", "bold green"), (f"[{TITLES[firmware]}{doubt}]", "green"))
    )
    console.print(Padding(Text(finding.remedy.summary), (0, 0, 1, 2)))
    _code(console, finding.remedy.code.get(firmware, ""), firmware)
    console.print()


def _remedy_in_brief(console: Console, finding: Finding) -> None:
    console.print(Text.assemble((f"Fix for {finding.code}: ", "bold green"), finding.remedy.summary))
    if finding.remedy.code:
        console.print(Text(f"  halfopen explain {finding.code} shows the code.", style="dim"))
    console.print()


def _code(console: Console, code: str, firmware: Firmware) -> None:
    """Print ``code`` so that it can be copied: indented, never wrapped, coloured on a terminal."""
    text = Text(code)
    if console.is_terminal:
        from rich.syntax import Syntax  # brings Pygments, which only a terminal needs

        text = Syntax("", _LEXERS[firmware], theme="ansi_dark").highlight(code)
        text.rstrip()
    for line in text.split("\n", allow_blank=True):
        console.print(Text("    ") + line if line.plain else "", soft_wrap=True)


def catalogue_text(console: Console, faults: Sequence[Fault]) -> None:
    """Print one line per fault."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="bold")
    table.add_column("code", no_wrap=True)
    table.add_column("fault", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("what it is")
    for entry in faults:
        table.add_row(
            entry.code, entry.fault, Text(entry.severity, style=STYLES[entry.severity]), entry.title
        )
    console.print(table)


def fault_text(console: Console, entry: Fault, firmware: str | None = None) -> None:
    """Print one catalogue entry; ``firmware`` limits the fixes to one family."""
    console.print(
        Text.assemble(
            (f"{entry.code} {entry.fault}", "bold"), (f"  {entry.severity}", STYLES[entry.severity])
        )
    )
    console.print(Text(entry.title, style="bold"))
    for title, text in (("What it detects", entry.detects), ("Why the link dies", entry.why)):
        console.print(Text(f"\n{title}", style="bold underline"))
        console.print(Text(text))
    console.print(Text("\nEvidence", style="bold underline"))
    for item in entry.evidence:
        console.print(Padding(Text(f"- {item}"), (0, 0, 0, 2)))
    console.print(Text("\nRemedy", style="bold underline"))
    console.print(Text(entry.remedy.summary))
    for name in FIRMWARES:
        if firmware in (None, name):
            console.print(Text(f"\n{TITLES[name]}", style="bold green"))
            _code(console, entry.remedy.code[name], name)
    console.print(Text("\nReferences", style="bold underline"))
    for item in entry.references:
        console.print(Padding(Text(f"- {item}"), (0, 0, 0, 2)))


def plain(text: str) -> str:
    """``text`` from a device made harmless for a terminal: no control characters, no direction overrides, bounded."""
    safe = "".join(c if c.isprintable() or c in " \n" else "\ufffd" for c in text)
    if len(safe) > _QUOTE_MAX * 4:
        safe = f"{safe[: _QUOTE_MAX * 3]} … {safe[-_QUOTE_MAX:]}"
    return safe
