"""HO702: the firmware crashed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from halfopen.diagnose.events import Crashed, WatchdogFired
from halfopen.diagnose.rules.proof import Proof, prove
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.patterns import Pattern

#: What the panic handler says it was.
_PANIC = Pattern(
    r"Guru Meditation Error.*|\w+Prohibited|abort\(\) was called at PC \w+|assert failed.*|assertion .* failed"
    r"|stack (?:canary|overflow|smashing).*",
    re.IGNORECASE,
)


def crashed(timeline: Timeline) -> Iterator[Finding]:
    """A panic, an abort or a watchdog."""
    panics = list(timeline.of(Crashed))
    # the task watchdog alone only reports (CONFIG_ESP_TASK_WDT_PANIC is off by default)
    resets = {id(sign) for boot in timeline.boots for sign in boot.before}
    dogs = [e for e in timeline.of(WatchdogFired) if not e.task and (panics or id(e) in resets)]
    if not panics and not dogs:
        return
    words = _PANIC.search(panics[0].where.text) if panics else None
    what = words[0] if words else "a watchdog reset it" if dogs and not panics else "it aborted"
    if dogs and panics:
        what = f"a watchdog fired, then {what}"
    count = len({e.at.epoch for e in (*panics, *dogs)})
    proof: list[Proof] = [*panics[:2], *dogs[:2]]
    summary = (
        f"the firmware crashed ({what}){'' if count == 1 else f' in {count} boots'};"
        " its peers learn of it only when they send."
    )
    # the catalogue says info, for a crash beside its cause; ranking decides whether there is one
    yield prove(timeline, "HO702", summary, proof, confidence=0.9, severity="error")
