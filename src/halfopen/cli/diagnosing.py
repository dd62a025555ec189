"""The verb ``diagnose``."""

from __future__ import annotations

import gc
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from halfopen.cli.completers import paths_and_globs
from halfopen.cli.progress import BytesRead
from halfopen.cli.writing import form_option, guard, narrow, refuse, write

if TYPE_CHECKING:
    from halfopen.diagnose.report import Excerpts, Report
    from halfopen.diagnose.report.redaction import Redaction
    from halfopen.formats.wifi_key import WifiKey


@click.command(
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
@click.argument("paths", nargs=-1, required=True, type=str, shell_complete=paths_and_globs)
@form_option("json")
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
    help="Then show the first finding's failure and cure in the simulator, as 'halfopen prove' does; with --html"
    " report.html as the page report.proof.html too.",
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
    # Facts are kept until the report is written, so that the collector finds nothing among them: it looks a tenth as often
    # as with other verbs, which is a thirtieth of the time.
    gc.set_threshold(500_000, 20, 20)
    from halfopen.diagnose import NothingToRead, diagnose, excerpts
    from halfopen.kernel import state
    from halfopen.ports.files import MissingInput

    if state() == "stale":
        click.echo(
            "halfopen: the kernel's sources changed after they were compiled: they run interpreted, some hundred times slower,"
            " until the package is installed again",
            err=True,
        )
    proof = html.with_name(f"{html.stem}.proof.html") if html is not None and proves else None
    guard(paths, {"--output": output, "--html": html, "--html with --prove": proof})
    if proves and form == "json":
        refuse("--prove prints text; for programs: halfopen prove CODE --format json")
    wifi_keys = _wifi_keys(keys) if keys else []
    try:
        with BytesRead() as progress:
            report = diagnose(*paths, progress=progress, wifi_keys=wifi_keys)
    except (MissingInput, NothingToRead) as error:
        refuse(*str(error).splitlines())
    around = excerpts(paths, report) if html is not None or redact else {}
    redaction = _redaction(report, around) if redact else None
    told = redaction.report(report) if redaction is not None else report
    if form == "json":
        from halfopen.diagnose.report.as_json import as_json

        write(as_json(told, ascii_only=output is None and narrow()) + "\n", output)
    else:
        _text(told, output, firmware, everything)
    if html is not None:
        _page(report, around, html, firmware, redaction)
    if proves:
        from halfopen.cli.proving import prove_first

        prove_first(report, proof)
    failed = fail_on is not None and _worst(report) <= ("error", "warning").index(fail_on)
    sys.exit(
        1 if failed else 0
    )  # from here: who ends the process need not wait until the facts are taken apart


def _wifi_keys(texts: tuple[str, ...]) -> list[WifiKey]:
    """The keys given on the command line and in files; what is wrong with one ends the program without showing it."""
    import importlib.util

    from halfopen.formats.wifi_key import WifiKeyError, wifi_keys, wifi_keys_of_lines

    if importlib.util.find_spec("cryptography") is None:
        refuse("--wifi-key needs the package cryptography: pip install 'halfopen[wifi]'")
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
            refuse(f"{place}: {getattr(error, 'strerror', None) or error}")
    return found


def _text(report: Report, output: Path | None, firmware: str | None, everything: bool) -> None:
    from halfopen.diagnose.report.as_text import report_text, show

    if output is None:
        show(lambda console: report_text(console, report, firmware, everything))
        return
    collected = io.StringIO()
    show(lambda console: report_text(console, report, firmware, everything), collected)
    write(collected.getvalue(), output)


def _redaction(report: Report, around: Excerpts) -> Redaction:
    from halfopen.diagnose.report.redaction import Redaction

    return Redaction(report, around)


def _page(
    report: Report, around: Excerpts, file: Path, firmware: str | None, redaction: Redaction | None
) -> None:
    from halfopen.diagnose.report.as_html import as_html

    page = as_html(report, around, firmware=firmware, redaction=redaction)
    write(page, file)
    click.echo(f"wrote {file} ({max(file.stat().st_size // 1000, 1)} KB)", err=True)


def _worst(report: Report) -> int:
    return min((("error", "warning", "info").index(f.severity) for f in report.findings), default=3)
