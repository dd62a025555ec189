"""Real faults on real sockets: noticed within the bound, recovered from, and no descriptor lost.

Every driver is put through every fault: a driver joins by adding its program to ``DRIVERS``. All labs run side by
side before the first assertion, because nearly all of their time is waiting.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.link import netlab
from tests.link.faults import DEAD_PEERS, FAULTS, QUICK, Fault
from tests.link.netlab import Lab, Subject

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
#: Interpreter and program that put a driver to use. On MicroPython it is what an ESP32 loads: the built .mpy files.
DRIVERS = {
    "on_asyncio": (sys.executable, str(HERE / "subject_on_asyncio.py")),
    "on_micropython": (
        *(str(BIN / "micropython"), "-X", "heapsize=16m"),  # for the largest write
        str(HERE / "subject_on_micropython.py"),
    ),
}
#: A promise is kept when it is kept within a tenth.
TOLERANCE = 1.1
#: A step that begins with a pause (500 ms and backoff) may take that long before its own deadline runs.
PAUSE_S = (500 + QUICK["backoff_max_ms"]) / 1000
#: A bound as long as this says that nothing on this port can notice.
NEVER_S = 1e9
#: What stock MicroPython cannot be told to do, so that its bounds must say never, and only those.
UNNOTICED = {
    "on_asyncio": (),
    "on_micropython": (
        "idle, keepalive",
        "idle, then written to, keepalive",
        "unacked data, TCP_USER_TIMEOUT",
        "full send buffer, TCP_USER_TIMEOUT",
        "peer rebooted, keepalive",
    ),
}
#: Labs at a time: they wait more than they work.
LABS = 6

pytestmark = pytest.mark.xdist_group("netlab")


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


def undergo(fault: Fault, command: tuple[str, ...], folders: tuple[Path, ...]) -> Outcome:
    """Put one driver through one fault in a lab of its own."""
    outcome = Outcome()
    with Lab() as lab:
        if fault.before is not None:
            fault.before(lab)
        subject = Subject(lab, command, fault.settings(), *folders)
        bounds = subject.must(10, what="bounds")["bounds"]
        in_policy = fault.settings()["policy"].get(fault.bound, 500)
        outcome.bound_s = bounds.get(fault.bound, in_policy / 1000)
        if outcome.bound_s >= NEVER_S:
            return outcome
        if fault.before is None:
            subject.must(10, what="change", state="ONLINE")
            outcome.fds_before = fds(subject)
        dead_at = fault.inject(lab, subject)
        lost = notice(subject, fault)
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


def notice(subject: Subject, fault: Fault) -> dict[str, Any] | None:
    """The loss that the fault causes; what was lost on the way there (a connection dropped on purpose) does not count."""
    while True:
        lost = subject.wait_for(12, what="change", loss=True)
        if lost is None or fault in DEAD_PEERS or lost["cause"] == fault.cause:
            return lost


def fds(subject: Subject) -> int:
    subject.tell("fds")
    said = subject.must(5, what="fds")
    assert said["held"] == 1
    return int(said["open"])


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, device_files: Path
) -> Iterator[dict[tuple[str, str], Future[Outcome]]]:
    """Every driver under every fault that was selected, by names."""
    reason = netlab.missing()
    if reason:
        if os.environ.get("HALFOPEN_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    wanted = [
        (item.callspec.params["driver"], item.callspec.params["fault"])
        for item in request.session.items
        if item.module is request.module and isinstance(item, pytest.Function)
    ]
    with ThreadPoolExecutor(LABS) as pool:
        yield {
            (driver, fault.name): pool.submit(undergo, fault, DRIVERS[driver], (device_files, HERE / "board"))
            for driver, fault in wanted
        }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("driver", DRIVERS)
def test_noticed_in_time_recovered_and_nothing_lost(
    driver: str, fault: Fault, outcomes: dict[tuple[str, str], Future[Outcome]]
) -> None:
    outcome = outcomes[driver, fault.name].result()
    assert (outcome.bound_s >= NEVER_S) == (fault.name in UNNOTICED[driver])
    if fault.name in UNNOTICED[driver]:
        return  # the promise is that nothing will notice, and it is said at start
    said = f"{fault.name}: deadline {fault.bound} = {outcome.bound_s:.2f} s, noticed after {outcome.detected_s} s"
    assert outcome.detected_s is not None, said
    limit = outcome.bound_s * TOLERANCE + (0 if fault in DEAD_PEERS else PAUSE_S)
    assert outcome.detected_s <= limit, said
    assert outcome.cause == fault.cause, said
    assert outcome.recovered, said
    if outcome.fds_recovered is not None:
        assert outcome.fds_recovered == outcome.fds_before
    assert outcome.ended["after"] == outcome.ended["before"], outcome.ended
    assert outcome.ended["held"] == 0
    assert outcome.ended["swept"] == 0, "the sweep is for orphans, and a sound driver makes none"
    assert outcome.ended["errors"] == []
