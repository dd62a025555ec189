"""What a recording was, read from itself: for recordings of the lab that nobody has told of."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.formats import dot11
from halfopen.twin.fidelity.air.hearing import Heard
from halfopen.twin.fidelity.air.script import STATION, ApSettings, Script
from halfopen.twin.fidelity.air.situations import Situation

#: hostapd draws whole seconds (``os_random() % 20``).
FUZZ_MOST_S = 19
_BEACON_LIMIT_S = 1.0
#: A timer that is due within so much is the one that fired: each adds some 50 ms.
_HOP_S = 0.5
#: Two probes that belong to one visit of a channel, in seconds.
_TOGETHER_S = 0.01
_FIRST_CHANNEL_MHZ, _CHANNEL_MHZ = 2407, 5
#: The reason of a disassociation for silence, and the last message of the handshake.
_INACTIVE, _LAST_MESSAGE = 4, 4


def infer(script: Script, heard: list[Heard]) -> Situation:
    """The situation that a recording's own frames and the class of its truth tell of."""
    points, truth_class = script.access_points, script.truth_class
    probes = [one for one in heard if one.kind == dot11.PROBE_REQUEST and one.sender == STATION]
    joins = next(
        (one.time for one in heard if one.kind == dot11.AUTH and one.sender == STATION), float("inf")
    )
    first = [one for one in probes if one.time < joins]
    together = [one for one in first if one.time - first[0].time < _TOGETHER_S]
    asks_for = tuple(dict.fromkeys(dot11.ssid_of(one.body, 0) for one in together))
    served = {point.ssid for point in points}
    return Situation(
        "as its frames say",
        channels=tuple(dict.fromkeys(_channel(one) for one in first)) or (points[0].channel,),
        ssid=next((name for name in asks_for if name and name not in served), ""),
        asks_for=asks_for or ("",),
        wrong_password="WRONG_PSK" in truth_class,
        beacon_limit_s=_BEACON_LIMIT_S if "BEACON_LOSS" in truth_class else 0.0,
        dtim_only="DTIM_SLEEP" in truth_class,
        fuzz_s=tuple(fuzz for point in points for fuzz in drawn(heard, point)),
    )


def _channel(one: Heard) -> int:
    return (one.frequency_mhz - _FIRST_CHANNEL_MHZ) // _CHANNEL_MHZ


def drawn(heard: list[Heard], point: ApSettings) -> Iterator[int]:
    """What hostapd drew for its inactivity timer until it first polled a station, or sent it away without.

    It looks when the limit has passed since the association, and again after the limit, plus what it draws, less the
    whole seconds since it last heard the station.
    """
    polled = next((one.time for one in heard if _parts_for_silence(one, point.name)), None)
    if polled is None:
        return
    admitted = max((one.time for one in heard if _admits(one, point) and one.time < polled), default=polled)
    look = admitted + point.inactivity_s
    while look < polled - _HOP_S:
        signs = (one.time for one in heard if _is_sign(one, point.name) and one.time <= look)
        quiet = int(look - max(signs, default=admitted))
        fuzz = max(0, min(round(polled - look) - point.inactivity_s + quiet, FUZZ_MOST_S))
        yield fuzz
        look += max(point.inactivity_s + fuzz - quiet, 1)


def _parts_for_silence(one: Heard, name: str) -> bool:
    return one.sender == name and (one.is_null or (one.kind == dot11.DISASSOC and one.word(0) == _INACTIVE))


def _admits(one: Heard, point: ApSettings) -> bool:
    if point.secured:
        return one.receiver == point.name and one.handshake == _LAST_MESSAGE
    return one.sender == point.name and one.kind in (dot11.ASSOC_RESPONSE, dot11.REASSOC_RESPONSE)


def _is_sign(one: Heard, name: str) -> bool:
    """The access point heard the station, or was acknowledged by it."""
    return bool(one.acked) and name in (one.sender, one.receiver)
