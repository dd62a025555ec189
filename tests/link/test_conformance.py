"""Real faults on real sockets: noticed within the bound, recovered from, and no descriptor lost.

Every driver is put through every fault: a driver joins by adding its program to ``DRIVERS``. All labs run side by
side before the first assertion, because nearly all of their time is waiting.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.link import netlab
from tests.link.faults import FAULTS, Fault
from tests.link.netlab import Lab, Subject
from tests.link.undergoing import Outcome, assert_survived, undergo

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


def undergo_in_namespaces(fault: Fault, command: tuple[str, ...], folders: tuple[Path, ...]) -> Outcome:
    """Put one driver through one fault in a lab of its own."""
    with Lab() as lab:
        return undergo(fault, lab, lambda settings: Subject(lab, command, settings, *folders))


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
            (driver, fault.name): pool.submit(
                undergo_in_namespaces, fault, DRIVERS[driver], (device_files, HERE / "board")
            )
            for driver, fault in wanted
        }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("driver", DRIVERS)
def test_noticed_in_time_recovered_and_nothing_lost(
    driver: str, fault: Fault, outcomes: dict[tuple[str, str], Future[Outcome]]
) -> None:
    outcome = outcomes[driver, fault.name].result()
    assert_survived(outcome, fault, unnoticed=fault.name in UNNOTICED[driver])
