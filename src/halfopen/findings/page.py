"""A catalogue entry as a page of Markdown: what ``halfopen explain`` says, for the documentation.

``python -m halfopen.findings.page docs/faults`` writes one page per fault and the table of all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from halfopen.findings import FIRMWARES, Fault, Firmware, catalogue

#: Heading and highlighter of each firmware's remedy.
LANGUAGES: dict[Firmware, tuple[str, str]] = {
    "esp-idf": ("ESP-IDF", "c"),
    "arduino": ("Arduino", "cpp"),
    "esphome": ("ESPHome", "yaml"),
    "micropython": ("MicroPython", "python"),
}

#: What the first digit of a code stands for.
FAMILIES = {
    "1": "Sockets",
    "2": "TCP",
    "3": "Blocking",
    "4": "Wi-Fi",
    "5": "IP",
    "6": "Memory",
    "7": "System",
}


def as_markdown(fault: Fault) -> str:
    """The page of one fault."""
    lines = [
        f"# {fault.code}: {fault.title}",
        "",
        f"`{fault.fault}` · {fault.severity} · [all faults](README.md)",
        "",
        "## What it detects",
        "",
        fault.detects,
        "",
        "## Why the link dies",
        "",
        fault.why,
        "",
        "## Evidence",
        "",
        *bullets(fault.evidence),
        "",
        "## Remedy",
        "",
        fault.remedy.summary,
        "",
    ]
    for firmware in FIRMWARES:
        heading, language = LANGUAGES[firmware]
        lines += [f"### {heading}", "", f"```{language}", fault.remedy.code[firmware], "```", ""]
    lines += ["## References", "", *bullets(fault.references)]
    return "\n".join(lines) + "\n"


def as_table(faults: tuple[Fault, ...]) -> str:
    """The page that lists all faults, by family."""
    lines = [
        "# Faults",
        "",
        "All that `halfopen diagnose` can name; `halfopen explain HO101` prints the same in a terminal.",
    ]
    family = ""
    for fault in faults:
        if fault.code[2] != family:
            family = fault.code[2]
            lines += [
                "",
                f"## {FAMILIES[family]}",
                "",
                "| code | fault | severity | what it is |",
                "|---|---|---|---|",
            ]
        lines.append(
            f"| [{fault.code}]({fault.code}.md) | {fault.fault} | {fault.severity} | {fault.title} |"
        )
    return "\n".join(lines) + "\n"


def bullets(items: tuple[str, ...]) -> Iterator[str]:
    """The items as a Markdown list."""
    return (f"- {item}" for item in items)


def pages() -> dict[str, str]:
    """Every page of the documentation of faults, by file name."""
    faults = catalogue()
    return {"README.md": as_table(faults)} | {f"{fault.code}.md": as_markdown(fault) for fault in faults}


def main(arguments: list[str]) -> int:
    """Writes all pages into the folder named and removes pages of faults that are no more."""
    if len(arguments) != 1:
        print("usage: python -m halfopen.findings.page FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    written = pages()
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    for stale in set(folder.glob("HO*.md")) - {folder / name for name in written}:
        stale.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
