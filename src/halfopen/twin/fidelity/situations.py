"""What each recording of the lab was: its peer and its firmware's options, as far as the recording cannot say it."""

from __future__ import annotations

from halfopen.impairments.unreachable import Unreachable
from halfopen.twin.fidelity.replay import Lab, Situation
from halfopen.twin.linux.services import Caller, Responder, Service, Stalled, Talker
from halfopen.twin.lwip import names
from halfopen.twin.world import MS, SECOND


def _responder() -> dict[int, Service]:
    return {8080: Responder(40)}


def _keepalive(idle: int, interval: int, count: int) -> tuple[tuple[int, int], ...]:
    return (
        (names.SO_KEEPALIVE, 1),
        (names.TCP_KEEPIDLE, idle),
        (names.TCP_KEEPINTVL, interval),
        (names.TCP_KEEPCNT, count),
    )


class _SlowTalker(Talker):
    """The lab's streaming server: 40 ms from the request to the first byte."""

    think_ns = 41 * MS


def _streaming() -> dict[int, Service]:
    return {8080: _SlowTalker(1024, on_request=True)}


_TIMEOUT = ((names.SO_RCVTIMEO, 5 * SECOND),)

SITUATIONS: dict[str, Situation] = {
    "a_leaky": Situation("every cycle a new socket, the old one never closed", _responder, _TIMEOUT),
    "b_close": Situation("every cycle a new socket, the old one closed towards a dead peer", _responder, _TIMEOUT),
    "c1_send_block": Situation("blocking send() into a dead peer", _responder),
    "c2_recv_unacked": Situation("unacknowledged data, then a blocking recv()", _responder),
    "d1_ka_before": Situation("idle, keepalive 10/3/3, dead peer", _responder, _keepalive(10, 3, 3)),
    "d5_ka_rebooted": Situation("idle, keepalive 10/3/3, peer rebooted", _responder, _keepalive(10, 3, 3)),
    "f1_zero_window_live": Situation("a peer that never reads", lambda: {8080: Stalled(4096)}),
    "f3_device_not_reading": Situation("a device that does not read", _streaming),
    "h_timewait": Situation("forty quick closes", _responder),
}


def _call_in(lab: Lab, seconds: float, greeting: bytes) -> None:
    lab.world.at(int(seconds * SECOND), lab.peer.connect, lab.device.ip, 80, Caller(greeting))


__all__ = ["SITUATIONS", "MS", "Unreachable"]
