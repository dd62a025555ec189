"""The verb ``simulate``, and a user's sdkconfig; many seeds at once are ``swarming``'s."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from halfopen.cli.completers import paths_and_globs, scenarios
from halfopen.cli.progress import VirtualTime
from halfopen.cli.writing import guard_folder, refuse

if TYPE_CHECKING:
    from halfopen.twin.simulation import Simulation

#: The help of the option that both verbs of the twin take.
SDKCONFIG = "The limits of a real build: MAX_SOCKETS, buffers and timers are taken from this sdkconfig."


@click.command(
    epilog="""\b
Examples:
  halfopen simulate HO101 --out bench        the situation that proves a fault: logs, captures, the truth
  halfopen simulate HO101 --cured --out well the same with the cured firmware
  halfopen simulate mine.toml --seed 7 --out bench
  halfopen diagnose bench                    what halfopen says of it, as of a real bench
  halfopen simulate --seeds 10000 --jobs 2   a swarm: situations drawn from seeds; does the link keep its promises?
  halfopen simulate --seeds 4711..4711       one of them again
  halfopen simulate swarm/broken-4711.toml --check   what was cut down from it"""
)
@click.argument("which", metavar="[SCENARIO.toml|CODE]", required=False, shell_complete=scenarios)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The folder to write to.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Chance of this run; the scenario's own else."
)
@click.option("--cured", is_flag=True, help="Play each device with the firmware that its cure names.")
@click.option("--sdkconfig", type=str, shell_complete=paths_and_globs, help=SDKCONFIG)
@click.option(
    "--check", is_flag=True, help="Say whether each link keeps its promises; exit 1 when one does not."
)
@click.option(
    "--seeds",
    metavar="N|FIRST..LAST",
    help="Instead of one situation, one drawn from each of so many seeds: play them all, check every promise of the link,"
    " cut down what breaks one.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="Processes for --seeds; as many as there are processors."
)
@click.option("--resume", is_flag=True, help="Go on where an interrupted --seeds ended.")
def simulate(
    which: str | None,
    out: Path | None,
    seed: int | None,
    cured: bool,
    sdkconfig: str | None,
    check: bool,
    seeds: str | None,
    jobs: int | None,
    resume: bool,
) -> None:
    """Play a situation with simulated ESP32s and write what a bench would have given.

    For each device a console log and a capture, and truth.json, which says what was done and what happened. The same
    seed gives the same bytes. Exit status: 0; 1 when a promise was broken (--check, --seeds); 2 when the scenario cannot
    be played or the folder cannot be used; 130 after Ctrl-C in a swarm, whose results stay.
    """
    if seeds is not None:
        if which is not None or seed is not None or cured or check or sdkconfig:
            refuse("simulate: --seeds draws the situations; only --out, --jobs and --resume go with it")
        from halfopen.cli.swarming import swarm

        swarm(seeds, out or Path("swarm"), jobs, resume)
    if which is None:
        refuse("simulate: name a scenario, or give --seeds")
    if jobs is not None or resume:
        refuse("simulate: --jobs and --resume go with --seeds")
    if out is None and not check:
        refuse("simulate: --out is missing: the folder to write to")
    _play(which, out, seed, cured, sdkconfig, check)


def _play(
    which: str, out: Path | None, seed: int | None, cured: bool, sdkconfig: str | None, check: bool
) -> None:
    from halfopen.prove import scenario_of
    from halfopen.twin.simulation import Simulation
    from halfopen.twin.tables import ScenarioError

    try:
        scenario = scenario_of(which)
        if cured and not scenario.curable:
            raise ScenarioError(f"{scenario.file}: devices: none of them has a cure")
        limits = limits_of(sdkconfig)
        simulation = Simulation(
            (scenario.cured() if cured else scenario).limited(limits), seed, records=out is not None
        )
    except ValueError as error:
        refuse(str(error))
    if out is not None:
        guard_folder(out, simulation.file_names(), [Path(path) for path in (which, sdkconfig) if path])
    with VirtualTime() as progress:
        simulation.run(lambda seconds: progress.show(which, seconds, scenario.duration_s))
    options = "".join((" --cured" if cured else "", f" --sdkconfig {sdkconfig}" if sdkconfig else ""))
    if out is not None:
        _write(simulation, which, options, out)
    if check:
        _check(simulation)


def _write(simulation: Simulation, which: str, options: str, out: Path) -> None:
    """Write what the bench gave, and say how to go on."""
    try:
        written = simulation.write(out)
    except OSError as error:
        refuse(f"{out}: {error.strerror or error}")
    for path in written:
        click.echo(f"wrote {path} ({max(path.stat().st_size // 1000, 1)} KB)")
    click.echo(f"repeat it: halfopen simulate {which} --seed {simulation.seed}{options} --out {out}")
    click.echo(f"now try:   halfopen diagnose {out}")


def _check(simulation: Simulation) -> None:
    """Say which promises the links of a simulation kept; ends the program with 1 when one was broken."""
    from halfopen.sweep.promises import PROMISES, broken_promises

    links = sum(bool(device.links) for device in simulation.devices.values())
    if not links:
        refuse("--check: no device of the scenario runs link-client, so nothing is promised")
    broken = broken_promises(simulation)
    for one in broken:
        click.echo(f"✖ {one.promise}: {one.device}: {one.said}")
    if broken:
        sys.exit(1)
    click.echo(f"✔ {links} links kept their promises: {', '.join(PROMISES)}")


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
