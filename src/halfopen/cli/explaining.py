"""The verb ``explain``."""

from __future__ import annotations

import click

from halfopen.cli.completers import fault_codes
from halfopen.cli.writing import refuse


@click.command(
    epilog="""\b
Examples:
  halfopen explain          the whole catalogue
  halfopen explain HO101    one fault: what it is, why the link dies, proof, fixes
  halfopen explain leaked-sockets --firmware esphome"""
)
@click.argument("which", required=False, shell_complete=fault_codes, metavar="[CODE|FAULT]")
@click.option(
    "--firmware",
    type=click.Choice(["esp-idf", "arduino", "esphome", "micropython"]),
    help="Show the fix for this firmware only.",
)
def explain(which: str | None, firmware: str | None) -> None:
    """Explain one fault by code or name, or list every fault the program knows."""
    from halfopen import findings
    from halfopen.diagnose.report.as_text import catalogue_text, fault_text, show

    if which is None:
        show(lambda console: catalogue_text(console, findings.catalogue()))
        return
    entry = findings.named(which)
    if entry is None:
        import difflib

        wanted = which.strip().lower()
        known = [name for f in findings.catalogue() for name in (f.code, f.fault)]
        near = difflib.get_close_matches(which, known, n=9, cutoff=0.5)
        # HO105 is nearer to HO104 than to HO510, though both share as many letters
        best = max(near, key=lambda name: name.lower()[:4] == wanted[:4], default="")
        hint = f"; did you mean {best}?" if best else "; 'halfopen explain' lists them all"
        refuse(f"no fault is called {which!r}{hint}")
    show(lambda console: fault_text(console, entry, firmware))
