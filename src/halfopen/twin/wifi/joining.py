"""A station's driver as a table: from nothing to running and back, as the ESP32's state lines name it.

``TRANSITIONS[state, event]`` is the next state and the effects, which :mod:`halfopen.twin.wifi.station` carries out. An event
without a row changes nothing: a farewell from an access point that is not ours, a late response.
"""

from __future__ import annotations

# States. The driver prints HANDSHAKE as "run", too; RUN is when the keys are there.
OFF, INIT, SCANNING, AUTH, ASSOC, HANDSHAKE, RUN = (
    "off",
    "init",
    "scanning",
    "auth",
    "assoc",
    "handshake",
    "run",
)
STATES = (OFF, INIT, SCANNING, AUTH, ASSOC, HANDSHAKE, RUN)
#: A frame of the access point concerns a station in these states; it stands on the access point's channel.
TUNED = frozenset({AUTH, ASSOC, HANDSHAKE, RUN})
#: How the driver's own lines call them.
SAID = {SCANNING: "init", HANDSHAKE: "run"}

# Events
POWERED, CUT, CONNECT, FOUND, NOT_FOUND = "powered", "cut", "connect", "found", "not-found"
ACCEPTED, REFUSED, ADMITTED, ADMITTED_OPEN, NOT_ADMITTED = (
    "accepted",
    "refused",
    "admitted",
    "admitted-open",
    "not-admitted",
)
TIMED_OUT, KEYED, BID, BEACONS_LOST, CLOCK_RESET, LEAVE, ROAM = (
    "timed-out",
    "keyed",
    "bid",
    "beacons-lost",
    "clock-reset",
    "leave",
    "roam",
)

# Effects
SCAN, SEND_AUTH, SEND_ASSOC, AWAIT_KEYS, JOINED, FAIL, LOSE, SAY_FAREWELL, TRY_AGAIN, STOP, TELL_LEFT = (
    "scan",
    "send-auth",
    "send-assoc",
    "await-keys",
    "joined",
    "fail",
    "lose",
    "say-farewell",
    "try-again",
    "stop",
    "tell-left",
)

Row = tuple[str, tuple[str, ...]]


def _rows() -> dict[tuple[str, str], Row]:
    rows: dict[tuple[str, str], Row] = {
        (OFF, POWERED): (INIT, ()),
        (INIT, CONNECT): (SCANNING, (SCAN,)),
        (SCANNING, FOUND): (AUTH, (SEND_AUTH,)),
        (SCANNING, NOT_FOUND): (INIT, (STOP, FAIL, TRY_AGAIN)),
        (SCANNING, LEAVE): (INIT, (STOP,)),
        (AUTH, ACCEPTED): (ASSOC, (SEND_ASSOC,)),
        (AUTH, REFUSED): (INIT, (STOP, FAIL, TRY_AGAIN)),
        (ASSOC, ADMITTED): (HANDSHAKE, (AWAIT_KEYS,)),
        (ASSOC, ADMITTED_OPEN): (RUN, (JOINED,)),
        (ASSOC, NOT_ADMITTED): (INIT, (STOP, FAIL, TRY_AGAIN)),
        (HANDSHAKE, KEYED): (RUN, (JOINED,)),
        (HANDSHAKE, TIMED_OUT): (INIT, (SAY_FAREWELL, STOP, FAIL, TRY_AGAIN)),
        (RUN, BEACONS_LOST): (INIT, (STOP, LOSE, TRY_AGAIN)),
        (RUN, CLOCK_RESET): (INIT, (STOP, LOSE, TRY_AGAIN)),
        (RUN, BID): (INIT, (STOP, LOSE, TRY_AGAIN)),
        (RUN, ROAM): (AUTH, (STOP, SEND_AUTH)),
        (RUN, LEAVE): (INIT, (SAY_FAREWELL, STOP, LOSE)),
    }
    for state in (AUTH, ASSOC):
        rows[state, TIMED_OUT] = (INIT, (STOP, FAIL, TRY_AGAIN))
    for state in (AUTH, ASSOC, HANDSHAKE):
        rows[state, BID] = (INIT, (STOP, FAIL, TRY_AGAIN))
        rows[state, LEAVE] = (INIT, (SAY_FAREWELL, STOP))
    for state in STATES:
        rows[state, CUT] = (OFF, (STOP,))
    return rows


TRANSITIONS = _rows()
