"""What each recording of the lab was: its peer and its firmware's options, as far as the recording cannot say it."""

from __future__ import annotations

from collections.abc import Generator

from halfopen.twin.fidelity.inferring import SlowTalker, clients
from halfopen.twin.fidelity.replay import Event, Lab, Outcome, Situation
from halfopen.twin.fidelity.wire import Seen
from halfopen.twin.linux.services import Responder, Service, Stalled
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import SECOND


def _responder() -> dict[int, Service]:
    return {8080: Responder(40)}


def _keepalive(idle: int, interval: int, count: int) -> tuple[tuple[int, int], ...]:
    return (
        (names.SO_KEEPALIVE, 1),
        (names.TCP_KEEPIDLE, idle),
        (names.TCP_KEEPINTVL, interval),
        (names.TCP_KEEPCNT, count),
    )


def _streaming() -> dict[int, Service]:
    return {8080: SlowTalker(1024, on_request=True)}


_TIMEOUT = ((names.SO_RCVTIMEO, 5 * SECOND),)


# n: another task is blocked in recv(54) when the link goes down.
def _blocked_beside(lab: Lab, events: list[Event], _real: list[Seen]) -> None:
    began = next(event["t"] for event in events if event["what"] == "netdown") - 1.001

    def receive() -> Generator[Wait, bool, None]:
        yield from sleep(int(began * SECOND))
        started = lab.world.now
        try:
            value, error = len((yield from lab.calls.recv(54, 100))), "OK"
        except SocketError as failure:
            value, error = -1, failure.name
        lab.outcomes.append(
            Outcome("blocked recv returned", value, error, (lab.world.now - started) / SECOND)
        )

    lab.tasks.start("beside", receive())


SITUATIONS: dict[str, Situation] = {
    "a_leaky": Situation("every cycle a new socket, the old one never closed", _responder, _TIMEOUT),
    "b_close": Situation(
        "every cycle a new socket, the old one closed towards a dead peer", _responder, _TIMEOUT
    ),
    "c1_send_block": Situation(
        "blocking send() into a dead peer",
        _responder,
        gap="From 23 s on this process ran 4.4 % slow (its 250 ms timer took 260 ms), and it stood still for five seconds "
        "once; the other recordings of the same minutes did only the latter. Two retransmissions are 5.3 and 5.2 % "
        "early in the twin therefore, the end is 4.1 %.",
    ),
    "c2_recv_unacked": Situation("unacknowledged data, then a blocking recv()", _responder),
    "d1_ka_before": Situation("idle, keepalive 10/3/3, dead peer", _responder, _keepalive(10, 3, 3)),
    "d5_ka_rebooted": Situation("idle, keepalive 10/3/3, peer rebooted", _responder, _keepalive(10, 3, 3)),
    "e2_httpd_like": Situation("a server whose seven sessions are taken by the dead", dict, also=clients),
    "f1_zero_window_live": Situation("a peer that never reads", lambda: {8080: Stalled(4096)}),
    "f3_device_not_reading": Situation("a device that does not read", _streaming),
    # What was done to the network between the calls is in its description only.
    "g_connect": Situation(
        "connect(): refused, lost, no ARP, unreachable, netif down",
        _responder,
        before={
            5: Lab.blackhole,
            8: Lab.clear,
            11: Lab.reject,
            15: Lab.blackhole,
            22: Lab.clear,
        },
    ),
    "h_timewait": Situation("forty quick closes", _responder),
    "n_wifi_drop": Situation(
        "the link goes down under three sockets and comes back", _responder, also=_blocked_beside
    ),
}
