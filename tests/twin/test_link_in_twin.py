"""The third driver of the link passes the suite that the other two pass in namespaces: the same faults, as data."""

from __future__ import annotations

from typing import Any

import pytest
from tests.link import netlab
from tests.link.faults import FAULTS, Fault
from tests.link.undergoing import assert_survived, undergo
from tests.twin.twinlab import TwinLab, TwinSubject

from halfopen.link.machine import DIALING, ONLINE
from halfopen.twin.lwip.options import Options

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


@pytest.mark.parametrize("linger", [False, True], ids=["no linger", "linger"])
def test_a_dead_peer_leaves_no_block_behind_where_linger_is_built_in(linger: bool) -> None:
    lab = TwinLab(1)
    settings = {
        "host": netlab.PEER_IP,
        "port": netlab.ECHO,
        "heartbeat": "ping\n",
        "policy": {"silence_ms": 4000, "answer_ms": 2000},
    }
    subject = TwinSubject(lab, settings, options=Options(linger=linger))
    subject.must(10, what="change", state=ONLINE)
    lab.wait(1)
    lab.blackhole()
    subject.must(30, what="change", loss=True)
    lab.wait(2)
    assert subject.device.stack.pcbs()[0] - (subject.link.state == DIALING) == (not linger)
    assert subject.link.lingering == (not linger)
    assert ("linger" in {ended["why"] for ended in lab.network.truth.of("pcb-ended")}) == linger
    assert subject.quit()["held"] == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_without_keepalive_the_bounds_say_so(fault: Fault) -> None:
    lab = TwinLab(1)

    def begin(settings: dict[str, Any]) -> TwinSubject:
        return TwinSubject(lab, settings, keepalive=False)

    cause = ON_LWIP.get(fault.cause, fault.cause)
    outcome = undergo(fault, lab, begin, cause)
    assert_survived(outcome, fault, unnoticed=fault.name in NEEDS_KEEPALIVE, cause=cause)
