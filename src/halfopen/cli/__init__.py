"""The command line: one module a verb, loaded when it is asked for; what a verb needs is imported when it runs."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Any

import click

from halfopen import __version__

_SHELLS = ("bash", "zsh", "fish")
#: In which module of this package each verb stands, under its own name.
_VERBS = {
    "diagnose": "diagnosing",
    "explain": "explaining",
    "prove": "proving",
    "simulate": "simulating",
    "sweep": "sweeping",
}


class _Verbs(click.Group):
    """Verbs that are loaded when one is asked for, or all of them is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted((*_VERBS, *super().list_commands(ctx)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(f"halfopen.cli.{_VERBS[cmd_name]}"), cmd_name)
        return command


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  halfopen diagnose uart.log capture.pcapng",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda ctx, _, wanted: _version(ctx) if wanted and not ctx.resilient_parsing else None,
    help="Show the version, and whether the kernel runs compiled.",
)
def cli() -> None:
    """halfopen keeps ESP32 fleets connected: it names why a device dropped, proves it and gives the fix."""


def _version(context: click.Context) -> None:
    from halfopen.kernel import state

    kernel = {
        "compiled": "compiled",
        "interpreted": "interpreted: reinstall where a C compiler is, or from a wheel",
        "stale": "interpreted: its sources changed after they were compiled, reinstall",
    }
    click.echo(f"halfopen {__version__} (kernel {kernel[state()]})")
    context.exit()


@cli.command(epilog="Example:  halfopen completion bash >> ~/.bashrc")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the completion script for a shell."""
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(cli, {}, "halfopen", "_HALFOPEN_COMPLETE").source())


def main(args: list[str] | None = None) -> Any:
    """The entry point of the ``halfopen`` command.

    Exits 2 with one line when the output cannot be written, 130 when interrupted.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started this: what is written goes nowhere
            setattr(sys, name, io.StringIO())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="replace")  # a report must not die of an arrow on a cp1252 console
    try:
        return cli.main(args=args, prog_name="halfopen", standalone_mode=False)
    except click.Abort:
        click.echo("halfopen: interrupted", err=True)
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
