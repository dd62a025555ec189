"""The verb ``sweep``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from halfopen.cli.completers import paths_and_globs, variations
from halfopen.cli.progress import Counted
from halfopen.cli.writing import form_option, refuse, write

if TYPE_CHECKING:
    from halfopen.sweep.as_toml import Tables
    from halfopen.sweep.cells import CellSums
    from halfopen.sweep.report import Sweep
    from halfopen.sweep.variations import Axis, Variation

_HOURS_MAX = 168


@click.command(
    epilog="""\b
Examples:
  halfopen sweep --vary policy.keepalive.idle=5..60            how fast is a dead peer noticed, at what price?
  halfopen sweep --vary policy.keepalive.idle=5..60/5 --vary policy.keepalive.count=2,3,5 --html sweep.html
  halfopen sweep mine.toml --vary heartbeat=true,false --vary nat.idle=30,120,600
  halfopen sweep --vary dtim=1,3,10 --vary power_save=none,min --jobs 2
  halfopen sweep --devices 10000 --hours 24 --impairments 10   a fleet for a day, nothing varied
  halfopen sweep --names                                       what can be varied
  halfopen sweep --vary period=5,60 --out night                Ctrl-C, then the same with --resume"""
)
@click.argument("scenario", metavar="[SCENARIO.toml]", required=False, shell_complete=paths_and_globs)
@click.option(
    "--vary",
    "varied",
    multiple=True,
    metavar="NAME=VALUES",
    shell_complete=variations,
    help="What to vary: 1,3,10, a range 5..60 or 5..60/5, true,false, words. Repeatable: every combination is played.",
)
@click.option("--names", is_flag=True, help="List what can be varied.")
@click.option(
    "--devices",
    type=click.IntRange(1, 1_000_000),
    help="Devices of the fleet, in as many cells (an access point with its devices) as that takes; three cells else.",
)
@click.option(
    "--hours", type=click.FloatRange(0.01, _HOURS_MAX), help="Hours of virtual time; the scenario's else."
)
@click.option(
    "--impairments",
    type=click.FloatRange(0, 10_000),
    help="Impairments that each device meets a day, drawn; 24 for the bundled fleet, none for a scenario of your own.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Chance of every cell."
)
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; as many as there are processors.")
@form_option("json", "csv")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with charts too: one file."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep every cell's sums in this folder as they come.",
)
@click.option("--resume", is_flag=True, help="Go on where an interrupted sweep with the same --out ended.")
def sweep(
    scenario: str | None,
    varied: tuple[str, ...],
    names: bool,
    devices: int | None,
    hours: float | None,
    impairments: float | None,
    seed: int,
    jobs: int | None,
    form: str,
    html: Path | None,
    out: Path | None,
    resume: bool,
) -> None:
    """Answer a design question over a simulated fleet: availability, time to notice, airtime, sockets.

    Every combination of the varied values is played with the same luck, so that variations differ by what was varied and
    by nothing else. Exit status: 0; 2 when something cannot be varied or played; 130 after Ctrl-C, with what is done.
    """
    if names:
        _list_names()
        return
    if resume and out is None:
        refuse("sweep: --resume goes with --out, which holds what is done")
    asked = _Asked(scenario, varied, devices, hours, impairments, seed)
    if html is not None and scenario is not None and html.resolve() == Path(scenario).resolve():
        refuse(f"--html {html}: is an input; nothing was written")
    told, interrupted = _run(asked, jobs, out, resume)
    _print(told, form)
    if html is not None:
        from halfopen.sweep.as_html import as_html

        write(as_html(told), html)
        click.echo(f"wrote {html} ({max(html.stat().st_size // 1000, 1)} KB)", err=True)
    if interrupted:
        again = (
            f"; go on: {told.command} --out {out} --resume"
            if out is not None
            else "; --out would have kept it"
        )
        click.echo(f"interrupted after {told.cells} of {told.wanted} cells{again}", err=True)
        sys.exit(130)


class _Asked:
    """What is to be played: checked, or refused in one line before anything runs."""

    def __init__(
        self,
        scenario: str | None,
        varied: tuple[str, ...],
        devices: int | None,
        hours: float | None,
        impairments: float | None,
        seed: int,
    ) -> None:
        from halfopen.sweep.cells import devices_of
        from halfopen.sweep.variations import VariationError, axis, variations
        from halfopen.twin.scenario import of_tables

        self.seed = seed
        self.file = scenario
        try:
            tables = _tables(scenario)
            of_tables(tables, scenario or "the bundled fleet")
            if hours is not None:
                tables["duration_s"] = max(1, round(hours * 3600))
            self.axes: tuple[Axis, ...] = tuple(axis(text) for text in varied)
            names = [one.name for one in self.axes]
            if len(set(names)) < len(names):
                refuse(f"--vary {next(name for name in names if names.count(name) > 1)}: given twice")
            self.variations: list[Variation] = variations(tables, self.axes)
            for one in self.variations:
                settings = ", ".join(f"{name}={value}" for name, value in one.settings)
                of_tables(one.tables, settings or scenario or "the bundled fleet")
        except (VariationError, ValueError) as error:
            refuse(str(error))
        self.tables = tables
        self.a_day = impairments if impairments is not None else (0.0 if scenario else 24.0)
        self.devices = devices or 3 * devices_of(tables)
        self.command = " ".join(
            (
                "halfopen sweep",
                *((scenario,) if scenario else ()),
                *(f"--vary {text}" for text in varied),
                *((f"--devices {devices}",) if devices else ()),
                *((f"--hours {hours:g}",) if hours is not None else ()),
                *((f"--impairments {impairments:g}",) if impairments is not None else ()),
                f"--seed {seed}",
            )
        )


def _tables(scenario: str | None) -> Tables:
    """The tables of the user's file, or of the bundled fleet."""
    import tomllib

    import halfopen.sweep
    from halfopen.twin.scenario import load

    if scenario is None:
        bundled = Path(halfopen.sweep.__file__).with_name("scenarios") / "fleet.toml"
        return tomllib.loads(bundled.read_text(encoding="utf-8"))
    load(Path(scenario))  # says in one line what is wrong with it
    return tomllib.loads(Path(scenario).read_text(encoding="utf-8"))


def _run(asked: _Asked, jobs: int | None, out: Path | None, resume: bool) -> tuple[Sweep, bool]:
    """Play every cell of every variation."""
    from halfopen.shards import WorkersLost, map_shards, processors
    from halfopen.sweep.answers import answers
    from halfopen.sweep.cells import CellSums, cells_of, played
    from halfopen.sweep.report import Sweep
    from halfopen.sweep.store import Kept, StoreError

    cells = [
        cell
        for number, one in enumerate(asked.variations)
        for cell in cells_of(one.tables, number, asked.seed, asked.devices, asked.a_day)
    ]
    found: list[CellSums] = []
    about = {"halfopen": "sweep", "command": asked.command, "cells": len(cells)}
    try:
        with Kept(out / "cells.jsonl" if out is not None else None, about, resume=resume) as store:
            found += [CellSums.of_dict(one) for one in store.earlier]
            had = {(one.variation, one.cell) for one in found}
            left = [cell for cell in cells if (cell.variation, cell.name) not in had]
            with Counted(len(left), "cells") as progress:

                def done(one: CellSums) -> None:
                    store.add(one.as_dict())
                    found.append(one)
                    progress.show(len(found) - len(had))

                jobs = min(jobs or processors(), len(left))
                interrupted = map_shards(played, left, jobs=jobs, done=done).interrupted
    except (StoreError, WorkersLost) as error:
        refuse(str(error))
    except (KeyError, TypeError):
        refuse(f"{out}/cells.jsonl: is damaged; another --out begins anew")
    except OSError as error:
        refuse(f"{out}: {error.strerror or error}")
    settings = [one.settings for one in asked.variations]
    return (
        Sweep(
            title=str(asked.tables["title"]),
            about=_about(asked),
            axes=asked.axes,
            answers=tuple(answers(settings, found)),
            wanted=len(cells),
            command=asked.command,
        ),
        interrupted,
    )


def _about(asked: _Asked) -> str:
    where = asked.file or "The bundled fleet"
    hours = asked.tables["duration_s"] / 3600
    drawn = (
        f"; each device meets {asked.a_day:g} impairments a day, drawn from seed {asked.seed}"
        if asked.a_day
        else ""
    )
    return f"{where}: {asked.devices:,} devices for {hours:g} h in each variation{drawn}."


def _print(told: Sweep, form: str) -> None:
    from halfopen.sweep.report import as_csv, as_json

    if form == "json":
        click.echo(as_json(told))
    elif form == "csv":
        click.echo(as_csv(told), nl=False)
    else:
        from halfopen.diagnose.report.as_text import show
        from halfopen.sweep.as_text import sweep_text

        show(lambda console: sweep_text(console, told))


def _list_names() -> NoReturn:
    from halfopen.sweep.variations import KNOBS

    width = max(map(len, KNOBS))
    for name, knob in KNOBS.items():
        click.echo(f"{name:{width}}  {knob.about}{f' [{knob.unit}]' if knob.unit else ''}")
    click.echo(f"{'option.NAME':{width}}  any option of a program: docs/how-to/simulate.md has them all")
    sys.exit(0)
