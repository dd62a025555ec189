"""Events, frames and evidence as places: of a picture, and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.pages.picture import Place

if TYPE_CHECKING:
    from halfopen.diagnose.events import Event
    from halfopen.diagnose.traffic import FrameRef
    from halfopen.findings import Evidence


def of_event(event: Event) -> Place:
    """Where ``event`` can be read."""
    where = event.where
    return Place(where.source, where.line, where.frame, where.text)


def of_frame(source: str, ref: FrameRef) -> Place:
    """A frame of the capture ``source``."""
    return Place(source, None, ref.frame, ref.text)


def of_evidence(quote: Evidence) -> Place:
    """What a finding quotes."""
    return Place(quote.source, quote.line, quote.frame, quote.text)


def place(quote: Evidence) -> str:
    """``uart.log:105`` or ``capture.pcapng frame 12``."""
    if quote.line is not None:
        return f"{quote.source}:{quote.line}"
    return f"{quote.source} frame {quote.frame}"


def utc(seconds: float) -> str:
    """A capture's time of day, UTC, with milliseconds."""
    day = seconds % 86400
    return f"{int(day // 3600):02}:{int(day % 3600 // 60):02}:{day % 60:06.3f} UTC"
