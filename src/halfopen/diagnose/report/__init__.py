"""What is told in the end, and how: the same findings as text and as a page for people, as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from halfopen.diagnose.alignment import Alignment
    from halfopen.diagnose.capture_clocks import CaptureClock
    from halfopen.diagnose.timeline import Device, Timeline
    from halfopen.findings import Finding, Undecided


class Clock(Struct, frozen=True):
    """How one boot of a device (counted from 1 in its ``log``) was aligned with its capture. A boot that is missing
    could not be aligned: no time of its log is compared with one of the capture."""

    device: str
    log: str
    boot: int
    alignment: Alignment

    def __str__(self) -> str:
        fit = self.alignment
        drift = f", drift {fit.drift * 1e6:.0f} ppm" if fit.drift else ""
        residual = f"residual {fit.residual * 1000:.0f} ms{drift}"
        return f"clocks of {PurePath(self.log).name} (boot {self.boot}) and capture: {fit.matches} matches, {residual}"


#: Lines shown before and after a quoted one.
LINES_AROUND = 3

#: Lines of logs with their neighbours: source → number → text.
Excerpts = Mapping[str, Mapping[int, str]]


class Report(Struct, frozen=True):
    """What is known after reading: findings ranked by cause, what is undecided, whom it is about, and notes on input
    that could only be read in part. ``capture_clocks`` says how captures were put on the clock of the first; times of
    evidence are on that clock. ``timelines`` are the devices' events, in the order of ``devices``."""

    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...]
    devices: tuple[Device, ...]
    notes: tuple[str, ...]
    clocks: tuple[Clock, ...] = ()
    capture_clocks: tuple[CaptureClock, ...] = ()
    timelines: tuple[Timeline, ...] = ()
