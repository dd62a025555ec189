"""Pages made from the recordings, and the sizes they are looked at in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from halfopen.diagnose import diagnose, excerpts
from halfopen.diagnose.report.as_html import as_html

RECORDINGS = Path(__file__).parents[1] / "recordings"
DESK, PHONE = (1440, 1000), (390, 844)


def settle(page: Any) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def report_page(*names: str) -> str:
    """The page on recordings, by their names below tests/recordings."""
    paths = [str(RECORDINGS / name) for name in names]
    report = diagnose(*paths)
    return as_html(report, excerpts(paths, report))
