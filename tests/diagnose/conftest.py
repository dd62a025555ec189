"""Logs and captures as text and packets, straight to findings."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from halfopen.diagnose import judged
from halfopen.diagnose.events import Event
from halfopen.diagnose.report import Report
from halfopen.diagnose.sources.console import ConsoleSource


def events_of(text: str | bytes, name: str = "uart.log") -> list[Event]:
    """The events of a log given as text (dedented) or as the bytes themselves."""
    data = text if isinstance(text, bytes) else textwrap.dedent(text).lstrip("\n").encode()
    source = ConsoleSource(name)
    return [*source.feed(data), *source.end()]


@pytest.fixture
def diagnose_text() -> Callable[[str], Report]:
    """``diagnose_text(log)``: the report on one log given as text."""
    return lambda text: judged([("uart.log", events_of(text))])
