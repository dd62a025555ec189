"""What verbs share when they write or refuse to: one line and exit status 2, and nothing written over an input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def form_option(*forms: str) -> Callable[[_Command], _Command]:
    """The option ``--format``, passed on as ``form``: text, which is the default, or one of ``forms``."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", *forms]),
        default="text",
        show_default=True,
        help="How to print it.",
    )


def refuse(*reasons: str) -> NoReturn:
    """One line for each of ``reasons``, and exit status 2."""
    for reason in reasons:
        click.echo(f"halfopen: {reason}", err=True)
    sys.exit(2)


def narrow() -> bool:
    """Whether standard output cannot carry more than ASCII."""
    return not (sys.stdout.encoding or "").lower().startswith("utf")


def write(text: str, output: Path | None) -> None:
    """Write ``text`` to ``output``, or to standard output without one."""
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        # a file name may hold bytes that are no UTF-8
        output.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        refuse(f"{output}: {error.strerror}")


def guard(paths: tuple[str, ...], targets: dict[str, Path | None]) -> None:
    """Refuse to write where something is read, or two things to one place."""
    from halfopen.ports.files import MissingInput, inputs

    try:
        taken = {item.path.resolve(): "is an input" for item in inputs(paths) if item.path is not None}
    except MissingInput:
        return  # said when it is read
    for option, target in targets.items():
        if target is None:
            continue
        why = "is not a file" if str(target) == "-" else taken.get(target.resolve())
        if why is not None:
            refuse(f"{option} {target}: {why}; nothing was written")
        taken[target.resolve()] = f"is what {option} writes"


def guard_folder(folder: Path, names: list[str], inputs: list[Path]) -> None:
    """Refuse to write over an input, and into a folder that holds what a run with other devices left or anybody else."""
    taken = {path.resolve() for path in inputs if path.is_file()}
    if folder.exists() and not folder.is_dir():
        refuse(f"{folder}: is not a folder; nothing was written")
    for name in names:
        if (folder / name).resolve() in taken:
            refuse(f"{folder / name}: is an input; nothing was written")
    others = (
        sorted(path.name for path in folder.iterdir() if path.name not in names) if folder.is_dir() else []
    )
    if others and any((folder / other).resolve() not in taken for other in others):
        refuse(f"{folder}: holds {others[0]}, which is not of this run; choose another folder")
