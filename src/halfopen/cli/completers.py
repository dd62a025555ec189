"""What a shell may complete: faults, scenarios, what can be varied, paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def fault_codes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Codes of faults."""
    from click.shell_completion import CompletionItem

    from halfopen import findings

    return [
        CompletionItem(f.code, help=f.fault)
        for f in findings.catalogue()
        if f.code.startswith(incomplete.upper())
    ]


def scenarios(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Codes that have a scenario, and files."""
    from click.shell_completion import CompletionItem

    from halfopen.prove import bundled

    codes = [code for code in bundled() if code.startswith(incomplete.upper())]
    return [CompletionItem(code) for code in codes] or [CompletionItem(incomplete, type="file")]


def variations(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names that can be varied."""
    from click.shell_completion import CompletionItem

    from halfopen.sweep.variations import KNOBS

    return [
        CompletionItem(f"{name}=", help=knob.about)
        for name, knob in KNOBS.items()
        if name.startswith(incomplete)
    ]


def paths_and_globs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete file names; what a path may be is checked when it is read."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]
