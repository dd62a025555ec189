"""A hundred clients vanish, without FIN or RST: the guarded server serves the next one, the unguarded one starves.

Both have as many descriptors as an ESP32 has sockets. Every server of a driver runs in one lab at the same time, because
nearly all of their time is waiting.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from tests.link import netlab
from tests.link.guarded import DRIVERS, Server
from tests.link.netlab import DEVICE_IP, HERE, Lab

from halfopen.link.guard import ESP32_SOCKETS

CLIENTS = HERE / "vanishing_clients.py"
VANISH = {"server": DEVICE_IP, "count": 100, "spacing_s": 0.015, "patience_s": 2.2}
QUICK = {"silence_ms": 600, "answer_ms": 400}
TOLERANCE = 1.1

pytestmark = pytest.mark.xdist_group("netlab-guard")


class Outcome:
    """What came of a driver's servers in one lab."""

    def __init__(self, driver: str, micropython: str) -> None:
        with Lab() as lab, ThreadPoolExecutor(4) as pool:
            servers = {
                "default": Server(lab, driver, micropython, port=8001, guarded=True, patient=True),
                "hasty": Server(
                    lab, driver, micropython, port=8002, guarded=True, patient=True, options={"patience_ms": 100}
                ),
                "unguarded": Server(lab, driver, micropython, port=8003, guarded=False),
                "heartbeat": Server(
                    lab, driver, micropython, port=8004, guarded=True, patient=True, heartbeat="?\n", policy=QUICK
                ),
            }  # fmt: skip
            asked = {
                name: pool.submit(
                    lab.ask_peer,
                    CLIENTS,
                    {**VANISH, "port": server.port, **({"count": 5} if name == "heartbeat" else {})},
                    30,
                )
                for name, server in servers.items()
            }
            self.clients = {name: answer.result() for name, answer in asked.items()}
            beating = servers["heartbeat"]
            while len([s for s in beating.said if s.get("state") == "GONE"]) < 6:
                beating.must(5, what="change")
            self.heartbeat = beating.said
            self.bounds = beating.listening["bounds"]
            self.ended = {name: server.quit() for name, server in servers.items()}
            self.said = {name: server.said for name, server in servers.items()}


@pytest.fixture(scope="module")
def outcomes(require_tool: Callable[[str], str]) -> Iterator[dict[str, Future[Outcome]]]:
    reason = netlab.missing()
    if reason:
        if os.environ.get("HALFOPEN_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    micropython = require_tool("micropython")
    with ThreadPoolExecutor(len(DRIVERS)) as pool:
        yield {driver: pool.submit(Outcome, driver, micropython) for driver in DRIVERS}


@pytest.mark.parametrize("driver", DRIVERS)
class TestAHundredClientsVanish:
    @pytest.mark.parametrize("server", ["default", "hasty"])
    def test_the_next_one_is_served_within_two_seconds(
        self, driver: str, server: str, outcomes: dict[str, Future[Outcome]]
    ) -> None:
        outcome = outcomes[driver].result()
        clients = outcome.clients[server]
        assert clients["last"] == "served"
        assert clients["last_s"] < 2.0
        # nobody was left to guess: each was served or told
        assert clients["ends"]["served"] + clients["ends"].get("refused", 0) == VANISH["count"]
        if server == "hasty":
            assert clients["ends"]["served"] > VANISH["count"] / 2
        ended = outcome.ended[server]
        assert (ended["after"], ended["held"], ended["errors"]) == (ended["before"], 0, [])

    def test_the_unguarded_server_beside_it_starves(
        self, driver: str, outcomes: dict[str, Future[Outcome]]
    ) -> None:
        clients = outcomes[driver].result().clients["unguarded"]
        assert clients["ends"]["served"] == ESP32_SOCKETS - 1  # all but the listening socket
        assert clients["last"] == "hung"
        assert clients["last_s"] >= VANISH["patience_s"]

    def test_it_never_ran_out_of_descriptors(self, driver: str, outcomes: dict[str, Future[Outcome]]) -> None:
        """With as many as an ESP32 has, two of them in reserve."""
        said = outcomes[driver].result().said
        for server in ("default", "hasty"):
            events = [s["event"] for s in said[server] if s["what"] == "change"]
            assert "EVICTED" in events
            assert "DESCRIPTORS_EXHAUSTED" not in events

    def test_clients_that_owe_an_answer_are_gone_within_the_bound(
        self, driver: str, outcomes: dict[str, Future[Outcome]]
    ) -> None:
        outcome = outcomes[driver].result()
        told = [s for s in outcome.heartbeat if s["what"] == "change" and s["session"]]
        came = {s["session"]: s["heard_at"] for s in told if s["event"] == "ACCEPTED"}
        left = {s["session"]: s for s in told if s["event"] == "SILENCE_EXPIRED"}
        assert len(left) == 5
        assert outcome.bounds["idle"] == pytest.approx(1.0)
        for session, said in left.items():
            assert said["heard_at"] - came[session] <= outcome.bounds["idle"] * TOLERANCE
            assert said["cause"] == "silent"
