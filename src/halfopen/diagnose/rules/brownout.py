"""HO701: the supply voltage collapsed."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import BrownedOut
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding


def brownout(timeline: Timeline) -> Iterator[Finding]:
    """The detector's message, or a reset reason that names it."""
    dips = list(timeline.of(BrownedOut))
    if dips:
        count = len({(d.where.source, d.at.epoch) for d in dips})
        summary = f"the brownout detector reset the device {often(count)}: the supply does not carry the radio's current peaks."
        yield prove(timeline, "HO701", summary, spread(dips), confidence=0.97)
