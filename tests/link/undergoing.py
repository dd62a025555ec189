"""One driver under one fault: what is done to it, what is measured, and what must be true afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.link.faults import DEAD_PEERS, QUICK, Fault

#: A promise is kept when it is kept within a tenth.
TOLERANCE = 1.1
#: A step that begins with a pause (500 ms and backoff) may take that long before its own deadline runs.
PAUSE_S = (500 + QUICK["backoff_max_ms"]) / 1000
#: A bound as long as this says that nothing on this port can notice.
NEVER_S = 1e9


@dataclass
class Outcome:
    """What one driver did under one fault."""

    bound_s: float = 0.0
    detected_s: float | None = None
    cause: str = ""
    fds_before: int = 0
    fds_recovered: int | None = None
    recovered: bool = False
    ended: dict[str, Any] = field(default_factory=dict)


def undergo(fault: Fault, lab: Any, begin: Callable[[dict[str, Any]], Any], cause: str = "") -> Outcome:
    """Put the driver whose program ``begin`` starts with the given settings through one fault in ``lab``.

    ``cause`` is what this port calls the loss, where it has another word for it.
    """
    outcome = Outcome()
    if fault.before is not None:
        fault.before(lab)
    subject = begin(fault.settings())
    bounds = subject.must(10, what="bounds")["bounds"]
    in_policy = fault.settings()["policy"].get(fault.bound, 500)
    outcome.bound_s = bounds.get(fault.bound, in_policy / 1000)
    if outcome.bound_s >= NEVER_S:
        return outcome
    if fault.before is None:
        subject.must(10, what="change", state="ONLINE")
        outcome.fds_before = fds(subject)
    dead_at = fault.inject(lab, subject)
    lost = notice(subject, fault, cause or fault.cause)
    if lost is not None:
        if fault.bound in ("full-buffer", "zero-window"):  # its clock starts at the last byte taken
            subject.tell("progress")
            dead_at = max(dead_at, subject.must(5, what="progress")["last"])
        outcome.detected_s = lost["at"] - dead_at
        outcome.cause = lost["cause"]
    fault.heal(lab, subject)
    outcome.recovered = subject.wait_for(8, what="change", state=fault.recovers_to) is not None
    if outcome.recovered and fault.before is None:
        outcome.fds_recovered = fds(subject)
    outcome.ended = subject.quit()
    return outcome


def notice(subject: Any, fault: Fault, cause: str) -> dict[str, Any] | None:
    """The loss that the fault causes; what was lost on the way there (a connection dropped on purpose) does not count."""
    while True:
        lost = subject.wait_for(12, what="change", loss=True)
        if lost is None or fault in DEAD_PEERS or lost["cause"] == cause:
            return lost


def fds(subject: Any) -> int:
    subject.tell("fds")
    said = subject.must(5, what="fds")
    assert said["held"] == 1
    return int(said["open"])


def assert_survived(outcome: Outcome, fault: Fault, *, unnoticed: bool = False, cause: str = "") -> None:
    """Noticed within the bound for the right cause, recovered, and no descriptor lost; ``cause`` where this port has
    another word for it. ``unnoticed``: nothing on this port can notice, and that is said at start."""
    assert (outcome.bound_s >= NEVER_S) == unnoticed
    if unnoticed:
        return
    said = f"{fault.name}: deadline {fault.bound} = {outcome.bound_s:.2f} s, noticed after {outcome.detected_s} s"
    assert outcome.detected_s is not None, said
    limit = outcome.bound_s * TOLERANCE + (0 if fault in DEAD_PEERS else PAUSE_S)
    assert outcome.detected_s <= limit, said
    assert outcome.cause == (cause or fault.cause), said
    assert outcome.recovered, said
    if outcome.fds_recovered is not None:
        assert outcome.fds_recovered == outcome.fds_before
    assert outcome.ended["after"] == outcome.ended["before"], outcome.ended
    assert outcome.ended["held"] == 0
    assert outcome.ended["swept"] == 0, "the sweep is for orphans, and a sound driver makes none"
    assert outcome.ended["errors"] == []
