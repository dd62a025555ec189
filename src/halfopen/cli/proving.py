"""The verb ``prove``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from halfopen.cli.completers import paths_and_globs, scenarios
from halfopen.cli.progress import VirtualTime
from halfopen.cli.simulating import SDKCONFIG, limits_of
from halfopen.cli.writing import form_option, guard, guard_folder, narrow, refuse, write

if TYPE_CHECKING:
    from halfopen.diagnose.report import Report
    from halfopen.prove import Proof


@click.command(
    epilog="""\b
Examples:
  halfopen prove HO101                       sockets that leak, and the cure on the same network
  halfopen prove HO101 --html proof.html     two pictures on one axis, to mail
  halfopen prove HO102 --sdkconfig sdkconfig with the limits of your own build
  halfopen prove --all                       every fault that can be proved, a line each
  halfopen prove mine.toml                   a scenario of your own that names a fault and a cure"""
)
@click.argument("which", required=False, metavar="[CODE|FAULT|SCENARIO.toml]", shell_complete=scenarios)
@click.option("--all", "everything", is_flag=True, help="Every fault that comes with a scenario.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Chance of both runs; the scenario's own else."
)
@click.option("--sdkconfig", type=str, shell_complete=paths_and_globs, help=SDKCONFIG)
@form_option("json")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with both timelines too: one file.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep logs and captures of both runs in this folder.",
)
def prove(
    which: str | None,
    everything: bool,
    seed: int | None,
    sdkconfig: str | None,
    form: str,
    html: Path | None,
    out: Path | None,
) -> None:
    """Show a failure and its cure on the same impairments, both diagnosed.

    Exit status: 0 when it held, 1 when it did not, 2 when the scenario or an option cannot be used.
    """
    if everything == (which is not None):
        refuse("prove: name one fault or scenario, or give --all")
    if everything and (html is not None or out is not None):
        refuse("prove: --html and --out go with one fault, not with --all")
    if everything:
        _prove_all(seed, sdkconfig, form)
    assert which is not None
    _prove_one(which, seed, sdkconfig, form, html, out)


def _prove_one(
    which: str, seed: int | None, sdkconfig: str | None, form: str, html: Path | None, out: Path | None
) -> NoReturn:
    """Prove one fault, print and write what is asked for, and end the program."""
    from halfopen.prove import prove, scenario_of

    try:
        scenario = scenario_of(which)
        inputs = (*((which,) if Path(which).is_file() else ()), *((sdkconfig,) if sdkconfig else ()))
        guard(inputs, {"--html": html})
        with VirtualTime() as progress:
            told = prove(
                scenario,
                seed=seed,
                sdkconfig=limits_of(sdkconfig),
                sdkconfig_name=sdkconfig or "",
                progress=lambda name, seconds: progress.show(
                    f"{which}, {name}", seconds, scenario.duration_s
                ),
            )
    except ValueError as error:
        refuse(str(error))
    if form == "json":
        from halfopen.prove.as_json import as_json

        click.echo(as_json(told, ascii_only=narrow()))
    else:
        from halfopen.diagnose.report.as_text import show
        from halfopen.prove.as_text import proof_text

        show(lambda console: proof_text(console, told))
    if out is not None:
        _keep(told, out, [Path(path) for path in inputs])
    if html is not None:
        _page(told, html)
    sys.exit(0 if told.held else 1)


def _page(proof: Proof, file: Path) -> None:
    from halfopen.prove.as_html import as_html

    write(as_html(proof), file)
    click.echo(f"wrote {file} ({max(file.stat().st_size // 1000, 1)} KB)", err=True)


def prove_first(report: Report, html: Path | None) -> None:
    """Show the cure of the first finding that the simulator can make, as the page ``html`` too."""
    from halfopen.diagnose.report.as_text import show
    from halfopen.prove import bundled, prove, scenario_of
    from halfopen.prove.as_text import proof_text

    known = bundled()
    code = next((finding.code for finding in report.findings if finding.code in known), None)
    if code is None:
        found = ", ".join(dict.fromkeys(finding.code for finding in report.findings))
        what = f"{found}: no scenario for it yet" if found else "no finding, nothing to prove"
        click.echo(f"{what}; 'halfopen prove --all' shows what can be proved", err=True)
        return
    with VirtualTime() as progress:
        progress.show(code, 0, 0)
        told = prove(scenario_of(code))
    show(lambda console: proof_text(console, told))
    if html is not None:
        _page(told, html)


def _prove_all(seed: int | None, sdkconfig: str | None, form: str) -> NoReturn:
    """Prove every fault, print what came of it, and end the program."""
    from halfopen.prove import bundled, prove, scenario_of

    told: list[Proof] = []
    try:
        limits = limits_of(sdkconfig)
        with VirtualTime() as progress:
            for code in bundled():
                progress.show(code, 0, 0)
                told.append(
                    prove(scenario_of(code), seed=seed, sdkconfig=limits, sdkconfig_name=sdkconfig or "")
                )
    except ValueError as error:
        refuse(str(error))
    if form == "json":
        from halfopen.prove.as_json import all_as_json

        click.echo(all_as_json(told, ascii_only=narrow()))
    else:
        from halfopen.diagnose.report.as_text import show
        from halfopen.prove.as_text import summary_text

        show(lambda console: summary_text(console, told))
    sys.exit(0 if all(proof.held for proof in told) else 1)


def _keep(proof: Proof, out: Path, inputs: list[Path]) -> None:
    """Write the files of both runs below ``out``."""
    for run in (proof.failing, proof.cured):
        folder = out / run.name
        guard_folder(folder, list(run.files), inputs)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in run.files.items():
                (folder / name).write_bytes(content)
        except OSError as error:
            refuse(f"{folder}: {error.strerror or error}")
    click.echo(f"wrote {out}/failing and {out}/cured: halfopen diagnose {out}/failing", err=True)
