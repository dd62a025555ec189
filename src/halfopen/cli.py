"""The command line. Everything a verb needs is imported when the verb runs, so that ``--help`` stays fast."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from halfopen import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from halfopen.diagnose import Progress
    from halfopen.diagnose.report import Excerpts, Report
    from halfopen.diagnose.report.redaction import Redaction
    from halfopen.formats.wifi_key import WifiKey
    from halfopen.prove import Proof

_SHELLS = ("bash", "zsh", "fish")
_SDKCONFIG = "The limits of a real build: MAX_SOCKETS, buffers and timers are taken from this sdkconfig."


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  halfopen diagnose uart.log capture.pcapng",
)
@click.version_option(__version__, prog_name="halfopen")
def cli() -> None:
    """halfopen keeps ESP32 fleets connected: it names why a device dropped, proves it and gives the fix."""


def _fault_codes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from halfopen import findings

    return [
        CompletionItem(f.code, help=f.fault)
        for f in findings.catalogue()
        if f.code.startswith(incomplete.upper())
    ]


def _scenarios(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Codes that have a scenario, and files."""
    from click.shell_completion import CompletionItem

    from halfopen.prove import bundled

    codes = [code for code in bundled() if code.startswith(incomplete.upper())]
    return [CompletionItem(code) for code in codes] or [CompletionItem(incomplete, type="file")]


def _sdkconfigs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _paths(ctx, param, incomplete)


def _paths(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete file names; what a path may be is checked when it is read."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


@cli.command(
    epilog="""\b
Examples:
  halfopen diagnose uart.log capture.pcapng     one device, both witnesses
  halfopen diagnose logs/ 'captures/*.pcap.gz'  folders, globs, gzip
  idf.py monitor | tee uart.log                 record, then diagnose the file
  dumpcap -w - | halfopen diagnose -            a live capture, read to its end
  halfopen diagnose air.pcapng --wifi-key 'home:correct horse'   open WPA2 in a monitor-mode capture
  halfopen diagnose air.pcapng --wifi-key @keys.txt              keys from a file, one a line
  halfopen diagnose uart.log --format json      for programs
  halfopen diagnose uart.log --html report.html a page with the timeline, to mail or attach
  halfopen diagnose uart.log --redact --html r.html   the same without names and addresses
  halfopen diagnose uart.log --prove            then the failure and its cure, simulated
  halfopen diagnose uart.log --fail-on error    exit 1 on an error: a gate for CI"""
)
@click.argument("paths", nargs=-1, required=True, type=str, shell_complete=_paths)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the report.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["warning", "error"]),
    help="Exit 1 when a finding is at least this severe.",
)
@click.option(
    "--firmware",
    type=click.Choice(["esp-idf", "arduino", "esphome", "micropython"]),
    help="Show fixes for this firmware instead of the one recognised.",
)
@click.option(
    "--wifi-key",
    "keys",
    multiple=True,
    metavar="SSID:PASSPHRASE",
    help="Open WPA2-PSK in captures of the air; repeatable. @FILE reads keys from a file, one a line, and keeps them out"
    " of the shell's history. Keys appear in no output.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Show fixes and evidence of consequences and info findings too."
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file."
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with a timeline picture too: one file to mail or to attach to an issue.",
)
@click.option(
    "--redact",
    is_flag=True,
    help="Replace SSIDs, addresses, host names, accounts and secrets everywhere, so that the report can be published."
    " Coordinates, serial numbers, MQTT topics, versions, and names that are common words outside of their place stay:"
    " look it over.",
)
@click.option(
    "--prove",
    "proves",
    is_flag=True,
    help="Then show the first finding's failure and cure in the simulator, as 'halfopen prove' does.",
)
def diagnose(
    paths: tuple[str, ...],
    form: str,
    fail_on: str | None,
    firmware: str | None,
    keys: tuple[str, ...],
    everything: bool,
    output: Path | None,
    html: Path | None,
    redact: bool,
    proves: bool,
) -> None:
    """Say which device failed, what failed first, what followed, the lines and frames that prove it, and the fix.

    PATHS are console logs of any ESP32 firmware and packet captures (pcap, pcapng), also gzip'd: files, folders,
    globs, or - for standard input. Exit status: 0; 1 with --fail-on; 2 when nothing could be read.
    """
    from halfopen.diagnose import NothingToRead, diagnose, excerpts
    from halfopen.ports.files import MissingInput

    _guard(paths, {"--output": output, "--html": html})
    if proves and form == "json":
        _refuse("--prove prints text; for programs: halfopen prove CODE --format json")
    wifi_keys = _wifi_keys(keys)
    try:
        with _progress() as progress:
            report = diagnose(*paths, progress=progress, wifi_keys=wifi_keys)
    except (MissingInput, NothingToRead) as error:
        for line in str(error).splitlines():
            click.echo(f"halfopen: {line}", err=True)
        sys.exit(2)
    around = excerpts(paths, report) if html is not None or redact else {}
    redaction = _redaction(report, around) if redact else None
    told = redaction.report(report) if redaction is not None else report
    if form == "json":
        from halfopen.diagnose.report.as_json import as_json

        _write(as_json(told, ascii_only=output is None and _narrow()) + "\n", output)
    else:
        _text(told, output, firmware, everything)
    if html is not None:
        _page(report, around, html, firmware, redaction)
    if proves:
        _prove_first(report)
    if fail_on is not None and _worst(report) <= ("error", "warning").index(fail_on):
        sys.exit(1)


@cli.command(
    epilog="""\b
Examples:
  halfopen explain          the whole catalogue
  halfopen explain HO101    one fault: what it is, why the link dies, proof, fixes
  halfopen explain leaked-sockets --firmware esphome"""
)
@click.argument("which", required=False, shell_complete=_fault_codes, metavar="[CODE|FAULT]")
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
    wanted = which.strip().lower()
    entry = next((f for f in findings.catalogue() if wanted in (f.code.lower(), f.fault)), None)
    if entry is None:
        import difflib

        known = [name for f in findings.catalogue() for name in (f.code, f.fault)]
        near = difflib.get_close_matches(which, known, n=9, cutoff=0.5)
        # HO105 is nearer to HO104 than to HO510, though both share as many letters
        best = max(near, key=lambda name: name.lower()[:4] == wanted[:4], default="")
        hint = f"; did you mean {best}?" if best else "; 'halfopen explain' lists them all"
        click.echo(f"halfopen: no fault is called {which!r}{hint}", err=True)
        sys.exit(2)
    show(lambda console: fault_text(console, entry, firmware))


@cli.command(
    epilog="""\b
Examples:
  halfopen simulate HO101 --out bench        the situation that proves a fault: logs, captures, the truth
  halfopen simulate HO101 --cured --out well the same with the cured firmware
  halfopen simulate mine.toml --seed 7 --out bench
  halfopen diagnose bench                    what halfopen says of it, as of a real bench"""
)
@click.argument("which", metavar="SCENARIO.toml|CODE", shell_complete=_scenarios)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder to write to."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Chance of this run; the scenario's own else."
)
@click.option("--cured", is_flag=True, help="Play each device with the firmware that its cure names.")
@click.option("--sdkconfig", type=str, shell_complete=_sdkconfigs, help=_SDKCONFIG)
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
        limits = _limits(sdkconfig)
        simulation = Simulation((scenario.cured() if cured else scenario).limited(limits), seed)
    except ValueError as error:
        _refuse(str(error))
    names = [
        *(f"{name}{ending}" for name in simulation.devices for ending in (".log", ".pcapng")),
        "truth.json",
    ]
    _guard_folder(out, names, [Path(path) for path in (which, sdkconfig) if path])
    with _VirtualTime() as progress:
        simulation.run(lambda seconds: progress.show(which, seconds, scenario.duration_s))
    try:
        written = simulation.write(out)
    except OSError as error:
        _refuse(f"{out}: {error.strerror or error}")
    for path in written:
        click.echo(f"wrote {path} ({max(path.stat().st_size // 1000, 1)} KB)")
    options = "".join((" --cured" if cured else "", f" --sdkconfig {sdkconfig}" if sdkconfig else ""))
    click.echo(f"repeat it: halfopen simulate {which} --seed {simulation.seed}{options} --out {out}")
    click.echo(f"now try:   halfopen diagnose {out}")


@cli.command(
    epilog="""\b
Examples:
  halfopen prove HO101                       sockets that leak, and the cure on the same network
  halfopen prove HO101 --html proof.html     two pictures on one axis, to mail
  halfopen prove HO102 --sdkconfig sdkconfig with the limits of your own build
  halfopen prove --all                       every fault that can be proved, a line each
  halfopen prove mine.toml                   a scenario of your own that names a fault and a cure"""
)
@click.argument("which", required=False, metavar="[CODE|FAULT|SCENARIO.toml]", shell_complete=_scenarios)
@click.option("--all", "everything", is_flag=True, help="Every fault that comes with a scenario.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Chance of both runs; the scenario's own else."
)
@click.option("--sdkconfig", type=str, shell_complete=_sdkconfigs, help=_SDKCONFIG)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
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
        _refuse("prove: name one fault or scenario, or give --all")
    if everything and (html is not None or out is not None):
        _refuse("prove: --html and --out go with one fault, not with --all")
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
        _guard(inputs, {"--html": html})
        with _VirtualTime() as progress:
            told = prove(
                scenario,
                seed=seed,
                sdkconfig=_limits(sdkconfig),
                sdkconfig_name=sdkconfig or "",
                progress=lambda name, seconds: progress.show(
                    f"{which}, {name}", seconds, scenario.duration_s
                ),
            )
    except ValueError as error:
        _refuse(str(error))
    if form == "json":
        from halfopen.prove.as_json import as_json

        click.echo(as_json(told, ascii_only=_narrow()))
    else:
        from halfopen.diagnose.report.as_text import show
        from halfopen.prove.as_text import proof_text

        show(lambda console: proof_text(console, told))
    if out is not None:
        _keep(told, out, [Path(path) for path in inputs])
    if html is not None:
        from halfopen.prove.as_html import as_html

        _write(as_html(told), html)
        click.echo(f"wrote {html} ({max(html.stat().st_size // 1000, 1)} KB)", err=True)
    sys.exit(0 if told.held else 1)


def _prove_first(report: Report) -> None:
    """Show the cure of the first finding that the simulator can make."""
    from halfopen.diagnose.report.as_text import show
    from halfopen.prove import bundled, prove, scenario_of
    from halfopen.prove.as_text import proof_text

    known = bundled()
    code = next((finding.code for finding in report.findings if finding.code in known), None)
    if code is None:
        click.echo(f"nothing to prove here: {', '.join(known)} can be proved", err=True)
        return
    with _VirtualTime() as progress:
        progress.show(code, 0, 0)
        told = prove(scenario_of(code))
    show(lambda console: proof_text(console, told))


def _prove_all(seed: int | None, sdkconfig: str | None, form: str) -> NoReturn:
    """Prove every fault, print what came of it, and end the program."""
    from halfopen.prove import bundled, prove, scenario_of

    told: list[Proof] = []
    try:
        limits = _limits(sdkconfig)
        with _VirtualTime() as progress:
            for code in bundled():
                progress.show(code, 0, 0)
                told.append(
                    prove(scenario_of(code), seed=seed, sdkconfig=limits, sdkconfig_name=sdkconfig or "")
                )
    except ValueError as error:
        _refuse(str(error))
    if form == "json":
        from halfopen.prove.as_json import all_as_json

        click.echo(all_as_json(told, ascii_only=_narrow()))
    else:
        from halfopen.diagnose.report.as_text import show
        from halfopen.prove.as_text import summary_text

        show(lambda console: summary_text(console, told))
    sys.exit(0 if all(proof.held for proof in told) else 1)


def _keep(proof: Proof, out: Path, inputs: list[Path]) -> None:
    """Write the files of both runs below ``out``."""
    for run in (proof.failing, proof.cured):
        folder = out / run.name
        _guard_folder(folder, list(run.files), inputs)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in run.files.items():
                (folder / name).write_bytes(content)
        except OSError as error:
            _refuse(f"{folder}: {error.strerror or error}")
    click.echo(f"wrote {out}/failing and {out}/cured: halfopen diagnose {out}/failing", err=True)


def _limits(sdkconfig: str | None) -> str:
    """The text of a user's ``sdkconfig``, checked; empty without one. Raises :class:`ValueError` with one line."""
    if not sdkconfig:
        return ""
    from halfopen.twin.lwip.options import Options

    try:
        text = Path(sdkconfig).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise ValueError(f"{sdkconfig}: {error.strerror or error}") from None
    Options.of_sdkconfig(text, sdkconfig)
    return text


def _guard_folder(folder: Path, names: list[str], inputs: list[Path]) -> None:
    """Refuse to write over an input, and into a folder that holds what a run with other devices left or anybody else."""
    taken = {path.resolve() for path in inputs if path.is_file()}
    if folder.exists() and not folder.is_dir():
        _refuse(f"{folder}: is not a folder; nothing was written")
    for name in names:
        if (folder / name).resolve() in taken:
            _refuse(f"{folder / name}: is an input; nothing was written")
    others = (
        sorted(path.name for path in folder.iterdir() if path.name not in names) if folder.is_dir() else []
    )
    if others and any((folder / other).resolve() not in taken for other in others):
        _refuse(f"{folder}: holds {others[0]}, which is not of this run; choose another folder")


def _narrow() -> bool:
    """Whether standard output cannot carry more than ASCII."""
    return not (sys.stdout.encoding or "").lower().startswith("utf")


def _refuse(reason: str) -> NoReturn:
    """One line and exit status 2."""
    click.echo(f"halfopen: {reason}", err=True)
    sys.exit(2)


class _VirtualTime:
    """Progress on standard error while a world runs, on a terminal only and not before it takes a while."""

    _FROM_S = 0.5

    def __enter__(self) -> _VirtualTime:
        import time

        self._clock = time.monotonic
        self._began = self._told = self._clock()
        self._terminal = sys.stderr.isatty()
        self._shown = False
        return self

    def __exit__(self, *exc: object) -> None:
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)

    def show(self, name: str, seconds: int, whole: int) -> None:
        """``seconds`` of ``whole`` seconds of virtual time have passed."""
        now = self._clock()
        if not self._terminal or now - self._began < self._FROM_S or now - self._told < 0.1:
            return
        self._told, self._shown = now, True
        far = f": {seconds} of {whole} s" if whole else ""
        click.echo(f"\r\x1b[K{name}{far}", err=True, nl=False)


@cli.command(epilog="Example:  halfopen completion bash >> ~/.bashrc")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the completion script for a shell."""
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(cli, {}, "halfopen", "_HALFOPEN_COMPLETE").source())


def _wifi_keys(texts: tuple[str, ...]) -> list[WifiKey]:
    """The keys given on the command line and in files; what is wrong with one ends the program without showing it."""
    import importlib.util

    from halfopen.formats.wifi_key import WifiKeyError, wifi_keys, wifi_keys_of_lines

    if texts and importlib.util.find_spec("cryptography") is None:
        click.echo(
            "halfopen: --wifi-key needs the package cryptography: pip install 'halfopen[wifi]'", err=True
        )
        sys.exit(2)
    found: list[WifiKey] = []
    for text in texts:
        place = "--wifi-key"
        try:
            if text.startswith("@"):
                # a name with a colon may be a key whose SSID begins with @: it is not repeated
                place = "--wifi-key @FILE" if ":" in text or text == "@" else text[1:]
                with Path(text[1:]).open(encoding="utf-8-sig", errors="surrogateescape") as lines:
                    found += wifi_keys_of_lines(lines)
            else:
                found += wifi_keys(text)
        except (WifiKeyError, OSError) as error:
            click.echo(f"halfopen: {place}: {getattr(error, 'strerror', None) or error}", err=True)
            sys.exit(2)
    return found


class _progress:  # noqa: N801  used as a context manager, like a function
    """Progress on standard error while much is read, on a terminal only."""

    #: Below this reading takes no time worth a display.
    _FROM_BYTES = 8 << 20

    def __enter__(self) -> Progress | None:
        self._shown = False
        return self._show if sys.stderr.isatty() else None

    def __exit__(self, *exc: object) -> None:
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)

    def _show(self, name: str, done: int) -> None:
        if done >= self._FROM_BYTES:
            self._shown = True
            click.echo(f"\r\x1b[K{Path(name).name}: {done >> 20} MB read", err=True, nl=False)


def _text(report: Report, output: Path | None, firmware: str | None, everything: bool) -> None:
    from halfopen.diagnose.report.as_text import report_text, show

    if output is None:
        show(lambda console: report_text(console, report, firmware, everything))
        return
    collected = io.StringIO()
    show(lambda console: report_text(console, report, firmware, everything), collected)
    _write(collected.getvalue(), output)


def _guard(paths: tuple[str, ...], targets: dict[str, Path | None]) -> None:
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
            click.echo(f"halfopen: {option} {target}: {why}; nothing was written", err=True)
            sys.exit(2)
        taken[target.resolve()] = f"is what {option} writes"


def _redaction(report: Report, around: Excerpts) -> Redaction:
    from halfopen.diagnose.report.redaction import Redaction

    return Redaction(report, around)


def _page(
    report: Report, around: Excerpts, file: Path, firmware: str | None, redaction: Redaction | None
) -> None:
    from halfopen.diagnose.report.as_html import as_html

    page = as_html(report, around, firmware=firmware, redaction=redaction)
    _write(page, file)
    click.echo(f"wrote {file} ({max(file.stat().st_size // 1000, 1)} KB)", err=True)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        # a file name may hold bytes that are no UTF-8
        output.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        click.echo(f"halfopen: {output}: {error.strerror}", err=True)
        sys.exit(2)


def _worst(report: Report) -> int:
    return min((("error", "warning", "info").index(f.severity) for f in report.findings), default=3)


def main(args: list[str] | None = None) -> Any:
    """The entry point of the ``halfopen`` command.

    Exits 2 with one line when the output cannot be written, 130 when interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="replace")  # a report must not die of an arrow on a cp1252 console
    try:
        return cli.main(args=args, prog_name="halfopen", standalone_mode=False)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption) and "wifi-key" in error.option_name:
            # what was glued to the option may be a passphrase: it is not repeated
            click.UsageError("write --wifi-key 'SSID:PASSPHRASE', with a blank between", error.ctx).show()
            sys.exit(error.exit_code)
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # the reader has seen enough; nothing more may be written, not even on the way out
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        click.echo(f"halfopen: {error.strerror or error}", err=True)
        sys.exit(2)
