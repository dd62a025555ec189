"""Progress on standard error, on a terminal only and not before it takes a while."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import Self

    from halfopen.diagnose import Progress


class _Line:
    """A line on standard error that is written over and taken away at the end."""

    def __enter__(self) -> Self:
        import time

        self._clock = time.monotonic
        self._began = self._told = self._clock()
        self._terminal = sys.stderr.isatty()
        self._shown = False
        return self

    def __exit__(self, *exc: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the line away, so that something else can be said."""
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._shown = False


class VirtualTime(_Line):
    """Progress on standard error while a world runs, on a terminal only and not before it takes a while."""

    _FROM_S = 0.5

    def show(self, name: str, seconds: int, whole: int) -> None:
        """``seconds`` of ``whole`` seconds of virtual time have passed."""
        now = self._clock()
        if not self._terminal or now - self._began < self._FROM_S or now - self._told < 0.1:
            return
        self._told, self._shown = now, True
        far = f": {seconds} of {whole} s" if whole else ""
        click.echo(f"\r\x1b[K{name}{far}", err=True, nl=False)


class Counted(_Line):
    """Progress on standard error while many things are done one by one, on a terminal only: how many, how long still."""

    def __init__(self, whole: int, what: str) -> None:
        """``whole`` of them in all; ``what`` they are called."""
        self._whole, self._what = whole, what

    def show(self, done: int, more: str = "") -> None:
        """``done`` of them are done since the beginning; ``more`` is said after it."""
        now = self._clock()
        if not self._terminal or now - self._told < 0.2:
            return
        self._told, self._shown = now, True
        left = (now - self._began) * (self._whole - done) / done if done else 0.0
        still = f", {left / 60:.0f} min left" if left > 90 else f", {left:.0f} s left"
        click.echo(f"\r\x1b[K{done:,} of {self._whole:,} {self._what}{still}{more}", err=True, nl=False)


class BytesRead:
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
