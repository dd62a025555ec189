"""The third driver of the link passes the suite that the other two pass in namespaces: the same faults, as data."""

from __future__ import annotations

from typing import Any

import pytest
from tests.link.faults import FAULTS, Fault
from tests.link.undergoing import assert_survived, undergo
from tests.twin.twinlab import TwinLab, TwinSubject

#: lwIP's own words for what Linux calls ETIMEDOUT and ECONNREFUSED (FACTS: keepalive and retransmissions end in
#: ECONNABORTED, a refused connect in ECONNRESET).
ON_LWIP = {"stack-timeout": "ECONNABORTED", "refused": "reset"}
#: What stock MicroPython, which cannot set keepalive, must say that it cannot notice.
NEEDS_KEEPALIVE = (
    "idle, keepalive",
    "idle, then written to, keepalive",
    "unacked data, TCP_USER_TIMEOUT",
    "full send buffer, TCP_USER_TIMEOUT",
    "peer rebooted, keepalive",
)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_noticed_in_time_recovered_and_nothing_lost(fault: Fault, seed: int) -> None:
    lab = TwinLab(seed)
    cause = ON_LWIP.get(fault.cause, fault.cause)
    outcome = undergo(fault, lab, lambda settings: TwinSubject(lab, settings), cause)
    assert_survived(outcome, fault, cause=cause)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_without_keepalive_the_bounds_say_so(fault: Fault) -> None:
    lab = TwinLab(1)

    def begin(settings: dict[str, Any]) -> TwinSubject:
        return TwinSubject(lab, settings, keepalive=False)

    cause = ON_LWIP.get(fault.cause, fault.cause)
    outcome = undergo(fault, lab, begin, cause)
    assert_survived(outcome, fault, unnoticed=fault.name in NEEDS_KEEPALIVE, cause=cause)
