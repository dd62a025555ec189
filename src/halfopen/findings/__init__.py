"""What the program can say: findings, the evidence that proves them, and the catalogue of faults."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

Severity = Literal["error", "warning", "info"]
Firmware = Literal["esp-idf", "arduino", "esphome", "micropython"]

#: Firmware families a remedy is written for, in the order they are listed.
FIRMWARES: tuple[Firmware, ...] = ("esp-idf", "arduino", "esphome", "micropython")

#: One file per fault.
_CATALOGUE = Path(__file__).with_name("catalogue")

#: Severities from worst to mildest.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Evidence(Struct, frozen=True):
    """One line of a log or one frame of a capture that a user can open and see for himself.

    ``source`` is the path as the user gave it; ``line`` and ``frame`` count from 1 and exactly one of them is
    set; ``time`` is in seconds on the clock of that source (``None`` when it has none), for a frame on the clock of the
    first capture where several were put on one; ``text`` is verbatim for a line and a one-line rendering for a frame.
    """

    source: str
    line: int | None
    frame: int | None
    time: float | None
    text: str


class Remedy(Struct, frozen=True):
    """The change that cures a fault: one sentence, and working code per firmware family."""

    summary: str
    code: dict[Firmware, str] = field(default_factory=dict)


class Fault(Struct, frozen=True):
    """One catalogue entry: what the fault is, why the link dies of it, what proves it and what cures it.

    ``plain`` tells in the past tense what happens, in words that need no knowledge of networks. ``for_link`` is what is
    left to do for somebody who uses ``halfopen.link`` already, where the remedy would tell him what it does by itself.
    """

    code: str
    fault: str
    title: str
    plain: str
    severity: Severity
    detects: str
    why: str
    evidence: tuple[str, ...]
    remedy: Remedy
    references: tuple[str, ...]
    for_link: str = ""


class Finding(Struct, frozen=True):
    """A fault seen on one device, with its proof.

    ``confidence`` is 0 to 1. ``key`` is stable between runs over the same input, so that a live view can
    recognise a finding it has already shown. ``caused_by`` is the ``key`` of the finding that this one
    follows from.
    """

    code: str
    fault: str
    severity: Severity
    confidence: float
    key: str
    device: str
    summary: str
    evidence: tuple[Evidence, ...]
    remedy: Remedy
    caused_by: str | None = None


class Undecided(Struct, frozen=True):
    """Two or more faults that fit the evidence, what speaks for each, and what to capture next to decide."""

    faults: tuple[str, ...]
    next: str


@functools.cache
def codes() -> tuple[str, ...]:
    """All fault codes of the catalogue, in order (``"HO101"``, …)."""
    return tuple(sorted(file.stem for file in _CATALOGUE.glob("*.toml")))


@functools.cache
def fault(code: str) -> Fault:
    """The catalogue entry of ``code``; raises ``KeyError`` when the catalogue has none."""
    import tomllib  # a healthy device needs none of the texts

    try:
        text = (_CATALOGUE / f"{code}.toml").read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise KeyError(code) from None
    data = tomllib.loads(text)
    remedy = data["remedy"]
    return Fault(
        code=data["code"],
        fault=data["fault"],
        title=data["title"],
        plain=data["plain"],
        severity=data["severity"],
        detects=data["detects"].strip(),
        why=data["why"].strip(),
        evidence=tuple(data["evidence"]),
        remedy=Remedy(remedy["summary"], {name: remedy[name].strip("\n") for name in FIRMWARES}),
        references=tuple(data["references"]),
        for_link=remedy.get("link", ""),
    )


def named(which: str) -> Fault | None:
    """The fault with this code or name (``HO101``, ``leaked-sockets``), whatever the case; ``None`` when there is none."""
    wanted = which.strip()
    if wanted.upper() in codes():
        return fault(wanted.upper())
    return next((entry for entry in catalogue() if entry.fault == wanted.lower()), None)


def catalogue() -> tuple[Fault, ...]:
    """Every fault the program knows, in the order of its code."""
    return tuple(fault(code) for code in codes())
