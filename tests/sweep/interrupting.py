"""Programs that are run to be interrupted, as by Ctrl-C in a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


def _hears_ctrl_c() -> None:
    """A test run in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(command: Sequence[str | Path], folder: Path) -> subprocess.Popen[str]:
    """``command``, running in ``folder`` in a group of its own: Ctrl-C goes to a terminal's whole group of processes."""
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_hears_ctrl_c,
    )


def interrupted(running: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit status, output and errors of ``running`` after Ctrl-C."""
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    return running.returncode, out, err


def interrupted_at(
    command: Sequence[str | Path], folder: Path, store: Path, lines: int
) -> tuple[int, str, str]:
    """The same of ``command``, once ``store`` has so many ``lines``."""
    running = started(command, folder)
    while running.poll() is None and (not store.exists() or store.read_bytes().count(b"\n") < lines):
        time.sleep(0.02)
    return interrupted(running)
