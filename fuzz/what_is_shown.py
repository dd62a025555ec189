"""What a log and a capture can show of each fault, and what is true beside it in the scenarios that are drawn.

Both tables are declared from how the faults are proved (the evidence of the catalogue, ``docs/faults``) and from how the
scenarios are made (``sweep/faults.py``), never from what diagnose makes of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from halfopen.twin.simulation import Simulation

_ENFILE = 23


class Unshown(NamedTuple):
    """Why a witness cannot show a fault, and in which scenarios, by the twin's truth (``None``: in none that is drawn)."""

    why: str
    when: Callable[[Simulation], bool] | None = None


def _accept_never_failed(simulation: Simulation) -> bool:
    return not any(event["errno"] == _ENFILE for event in simulation.truth.of("call-failed"))


def _ap_lost_power(simulation: Simulation) -> bool:
    return any(event["what"] == "ap-stopped" and not event["graceful"] for event in simulation.truth.events)


def _farewell_unheard(simulation: Simulation) -> bool:
    return not any(event["reason"] == 3 for event in simulation.truth.of("disassociated"))


def _put_out_with_8(simulation: Simulation) -> bool:
    return all(getattr(one, "reason", 0) == 8 for _, one in simulation.scenario.impairments)


#: A station stays awake so long after a frame: ``CONFIG_ESP_WIFI_SLP_DEFAULT_MIN_ACTIVE_TIME``.
_AWAKE_MS = 50


def _answered_awake(simulation: Simulation) -> bool:
    path = simulation.scenario
    return 2 * (path.delay_ms + path.jitter_ms) < _AWAKE_MS


_HEAP = Unshown("the heap is not on the wire")
_RESTARTED = Unshown(
    "an access point without power is heard to begin anew, which is HO412: that it was not found meanwhile follows from it",
    _ap_lost_power,
)
_NOTHING_WAITS = Unshown(
    "its answers come while it is still awake, so no frame waits for it, and what it does not hear is not on the air",
    _answered_awake,
)
_BELIEVED = Unshown("what a program believes of its connection is not on the air")
_PRINTED = Unshown("the reason of a reset is printed, not sent")

#: Fault → witness → why it cannot show it. What is not here can be shown.
UNSHOWN: dict[str, dict[str, Unshown]] = {
    "HO102": {
        "log": Unshown(
            "a server at its own limit stops listening and prints nothing; only one that runs out of descriptors is told",
            _accept_never_failed,
        )
    },
    "HO104": {
        "capture": Unshown("on a connection that is gone nothing is sent: the errors stay in the device")
    },
    "HO202": {"log": Unshown("its evidence is a flow without probes; no line tells what was not sent")},
    "HO204": {"log": Unshown("a program that does not read knows nothing of its window")},
    "HO301": {
        "capture": Unshown(
            "the peer is gone in these scenarios, so nobody asks the device anything: a thread that waits and a program"
            " that has given up nothing look alike"
        )
    },
    "HO403": {
        "log": Unshown(
            "reason 8 in a log is what a station that leaves by itself prints, too", _put_out_with_8
        )
    },
    "HO406": {"capture": _NOTHING_WAITS, "sniffer": _NOTHING_WAITS},
    "HO407": {
        "capture": Unshown(
            "what a sniffer hears is its own signal: it tells of the station's where it stands near the AP"
        ),
        "sniffer": Unshown(
            "what it hears is its own signal: it tells of the station's where it stands near the AP"
        ),
    },
    "HO410": {"capture": _RESTARTED, "sniffer": _RESTARTED},
    "HO412": {
        "log": Unshown(
            "to a station an access point without power is one out of reach; only a farewell that it hears tells more",
            _farewell_unheard,
        )
    },
    "HO413": {
        "log": Unshown(
            "the station stays joined and the driver prints nothing; the program only waits longer"
        )
    },
    "HO414": {"capture": _BELIEVED, "sniffer": _BELIEVED},
    "HO601": {"capture": _HEAP},
    "HO602": {"capture": _HEAP},
    "HO603": {"capture": _HEAP},
    "HO604": {"capture": Unshown("the TLS library's error stays in the device")},
    "HO701": {"capture": _PRINTED},
    "HO702": {"capture": _PRINTED},
}

#: Fault → what is true beside it in its scenarios → why.
COMPANIONS: dict[str, dict[str, str]] = {
    "HO101": {
        "HO201": "the connections that are leaked die without a word",
        "HO202": "and nothing probes them",
    },
    "HO103": {"HO201": "the connections that are closed had died without a word"},
    "HO203": {"HO201": "what stalls is a path that lost the connection"},
    "HO205": {
        "HO201": "the call that the watchdog ends waits for a peer that is gone",
        "HO301": "and has no deadline",
    },
    "HO301": {"HO201": "the call waits for a peer that is gone", "HO206": "and cannot be reached"},
    "HO404": {"HO413": "the access point that forgot the station acknowledges it no more"},
    "HO405": {
        "HO410": "nor can its network be found until it is heard again",
        "HO413": "its frames are lost, too",
    },
    "HO406": {"HO405": "beacons are what it sleeps through"},
    "HO407": {
        "HO405": "of a weak signal the beacons are lost first",
        "HO410": "and the network is not found",
        "HO413": "frames are lost",
        "HO401": "and answers to a join",
        "HO402": "and answers to a join",
        "HO409": "and the handshake",
    },
    "HO409": {
        "HO403": "the access point parts with it so that it must join again",
        "HO410": "its probes are unheard, too",
        "HO413": "the access point's frames are unheard",
    },
    "HO410": {
        "HO412": "one without power",
        "HO405": "whose beacons are gone",
        "HO203": "what is to be sent waits",
    },
    "HO411": {"HO207": "the driver asks again at once, for as long as it is refused"},
    "HO412": {
        "HO405": "the beacons are gone meanwhile",
        "HO410": "and the network",
        "HO413": "frames are unheard",
    },
    "HO414": {
        "HO403": "the access point put it out",
        "HO401": "or, with reason 2, so",
        "HO405": "or its beacons were lost",
        "HO413": "and its frames",
        "HO207": "the sketch dials a connection that it believes in, again and again",
    },
    "HO701": {"HO205": "the chip restarts"},
    "HO702": {
        "HO205": "the chip restarts",
        "HO201": "the call waits for a peer that is gone",
        "HO301": "for ever",
    },
    "HO603": {"HO203": "the queue that eats the heap does not drain", "HO201": "while the network is gone"},
}


def unshown(code: str, witness: str, simulation: Simulation) -> str:
    """Why ``witness`` cannot show ``code`` in what was played; ``""`` when it can."""
    entry = UNSHOWN.get(code, {}).get(witness)
    return entry.why if entry is not None and (entry.when is None or entry.when(simulation)) else ""
