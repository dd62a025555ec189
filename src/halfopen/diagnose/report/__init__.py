"""What is told in the end, and how: the same findings as text for people and as JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.diagnose.timeline import Device
from halfopen.findings import Finding, Undecided


@dataclass(frozen=True, slots=True)
class Report:
    """What is known after reading: findings ranked by cause, what is undecided, whom it is about, and notes on input
    that could only be read in part."""

    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...]
    devices: tuple[Device, ...]
    notes: tuple[str, ...]
