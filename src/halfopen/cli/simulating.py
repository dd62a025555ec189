"""The verb ``simulate``, and a user's sdkconfig."""

from __future__ import annotations

from pathlib import Path

import click

from halfopen.cli.completers import paths_and_globs, scenarios
from halfopen.cli.progress import VirtualTime
from halfopen.cli.writing import guard_folder, refuse

#: The help of the option that both verbs of the twin take.
SDKCONFIG = "The limits of a real build: MAX_SOCKETS, buffers and timers are taken from this sdkconfig."


@click.command(
    epilog="""\b
Examples:
  halfopen simulate HO101 --out bench        the situation that proves a fault: logs, captures, the truth
  halfopen simulate HO101 --cured --out well the same with the cured firmware
  halfopen simulate mine.toml --seed 7 --out bench
  halfopen diagnose bench                    what halfopen says of it, as of a real bench"""
)
@click.argument("which", metavar="SCENARIO.toml|CODE", shell_complete=scenarios)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder to write to."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Chance of this run; the scenario's own else."
)
@click.option("--cured", is_flag=True, help="Play each device with the firmware that its cure names.")
@click.option("--sdkconfig", type=str, shell_complete=paths_and_globs, help=SDKCONFIG)
def simulate(which: str, out: Path, seed: int | None, cured: bool, sdkconfig: str | None) -> None:
    """Play a situation with simulated ESP32s and write what a bench would have given.

    For each device a console log and a capture, and truth.json, which says what was done and what happened. The same
    seed gives the same bytes. Exit status: 0; 2 when the scenario cannot be played or the folder cannot be used.
    """
    from halfopen.prove import scenario_of
    from halfopen.twin.simulation import Simulation
    from halfopen.twin.tables import ScenarioError

    try:
        scenario = scenario_of(which)
        if cured and not scenario.curable:
            raise ScenarioError(f"{scenario.file}: devices: none of them has a cure")
        limits = limits_of(sdkconfig)
        simulation = Simulation((scenario.cured() if cured else scenario).limited(limits), seed)
    except ValueError as error:
        refuse(str(error))
    guard_folder(out, simulation.file_names(), [Path(path) for path in (which, sdkconfig) if path])
    with VirtualTime() as progress:
        simulation.run(lambda seconds: progress.show(which, seconds, scenario.duration_s))
    try:
        written = simulation.write(out)
    except OSError as error:
        refuse(f"{out}: {error.strerror or error}")
    for path in written:
        click.echo(f"wrote {path} ({max(path.stat().st_size // 1000, 1)} KB)")
    options = "".join((" --cured" if cured else "", f" --sdkconfig {sdkconfig}" if sdkconfig else ""))
    click.echo(f"repeat it: halfopen simulate {which} --seed {simulation.seed}{options} --out {out}")
    click.echo(f"now try:   halfopen diagnose {out}")


def limits_of(sdkconfig: str | None) -> str:
    """The text of a user's ``sdkconfig``, checked; empty without one. Raises :class:`ValueError` with one line."""
    if not sdkconfig:
        return ""
    from halfopen.twin.lwip.options import SYMBOLS, Options

    try:
        text = Path(sdkconfig).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise ValueError(f"{sdkconfig}: {error.strerror or error}") from None
    Options.of_sdkconfig(text, sdkconfig)
    taken = [line.strip() for line in text.splitlines() if line.strip().partition("=")[0] in SYMBOLS]
    if not taken:
        raise ValueError(f"{sdkconfig}: sets no limit that the twin knows, such as {SYMBOLS[0]}=16")
    click.echo(f"from {sdkconfig}: {', '.join(taken)}", err=True)
    return text
