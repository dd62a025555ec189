"""Faults of the radio and of the power, drawn: what an access point, the air or the supply does to a sound program.

As in :mod:`halfopen.sweep.faults` nothing here knows how a fault is recognised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from halfopen.sweep.scene import Scene

#: Programs that talk often enough to notice, in every dialect of a console.
_TALKERS = ("careful-client", "storming-client", "micropython-poller", "impatient-client")


def _talks(s: Scene, **wifi: Any) -> dict[str, Any]:
    """A sound client on Wi-Fi; its access point's table."""
    lots = s.lots
    firmware = lots.one_of(_TALKERS)
    s.serve("responder", reply_bytes=lots.near(20, 400), closes=firmware == "micropython-poller")
    s.run(firmware, period_ms=lots.between(2000, 12_000))
    return s.on_wifi(**wifi)


def _when(s: Scene) -> int:
    """When it begins (ms): the device has been at work for a while."""
    return s.lots.between(30_000, 90_000)


def _auth_expired(s: Scene) -> None:
    lots = s.lots
    _talks(s)
    if lots.happens(0.5):  # joining: the access point does not hear it
        lost = lots.between(90, 97) / 100
        s.happens(s.name, "radio-loss", 0, lots.between(60_000, 150_000), direction="to-peer", probability=lost)
    else:  # running: the access point parts with it, again and again
        begin = _when(s)
        s.happens(s.name, "station-kicked", begin, begin + 150_000, reason=2, frame="deauth", every_ms=lots.between(20, 60) * 1000)
    s.duration_s = 300


def _assoc_expired(s: Scene) -> None:
    lots = s.lots
    s.serve("talker", chunk_bytes=lots.near(20, 400), pause_ms=3_600_000)
    s.run("quiet-client")
    ap = s.on_wifi(power_save="none")
    ap |= {"inactivity_s": lots.between(20, 90), "skip_poll": True}
    s.duration_s = lots.between(300, 600)


def _kicked(s: Scene) -> None:
    lots = s.lots
    _talks(s)
    begin = _when(s)
    frame = lots.one_of(("deauth", "disassoc"))
    s.happens(
        s.name, "station-kicked", begin, begin + 120_000, reason=lots.one_of((1, 3, 5, 8, 34)), frame=frame,
        every_ms=lots.between(30, 90) * 1000,
    )
    s.duration_s = 300


def _class3(s: Scene) -> None:
    lots = s.lots
    _talks(s)
    begin = _when(s)
    for number in range(lots.between(1, 4)):
        s.happens(s.name, "ap-forgets", begin + number * 40_000)
    s.duration_s = 300


def _beacons_lost(s: Scene) -> None:
    lots = s.lots
    _talks(s)
    begin = _when(s)
    for number in range(lots.between(1, 3)):
        at = begin + number * 60_000
        s.happens(s.name, "radio-dropout", at, at + lots.between(12, 40) * 1000, direction=lots.one_of(("both", "to-device")))
    s.duration_s = 330


def _dozing(s: Scene) -> None:
    lots = s.lots
    ap = _talks(s, power_save=lots.one_of(("min", "max")), listen_interval=lots.between(3, 10))
    ap["dtim"] = lots.one_of((3, 10))
    s.happens(s.name, "late-wake", _when(s), None, probability=lots.between(90, 99) / 100)
    s.duration_s = lots.between(400, 800)


def _weak(s: Scene) -> None:
    lots = s.lots
    _talks(s, rssi_dbm=-lots.between(70, 76), shadowing_db=lots.between(1, 3))
    begin = _when(s)
    s.happens(s.name, "fading", begin, None, loss_db=lots.between(13, 18), shadowing_db=lots.between(2, 4))
    s.duration_s = lots.between(400, 800)


def _wrong_password(s: Scene) -> None:
    ap = _talks(s, password="wrong-" + str(s.lots.between(10, 99)))
    ap["security"] = "wpa2"
    s.duration_s = s.lots.between(60, 200)


def _handshake(s: Scene) -> None:
    lots = s.lots
    ap = _talks(s)
    ap["rekey_s"] = lots.between(60, 120)
    at = ap["rekey_s"] * 1000
    s.happens(s.name, "radio-dropout", at - 2000, at + lots.between(5000, 7000), direction="to-peer")
    s.duration_s = 300


def _not_found(s: Scene) -> None:
    lots = s.lots
    if lots.happens(0.6):
        _talks(s, ssid="Hone")
    else:
        _talks(s)
        begin = _when(s)
        s.happens("ap", "ap-power-cut", begin, begin + lots.between(120, 200) * 1000)
    s.duration_s = 300


def _denied(s: Scene) -> None:
    lots = s.lots
    _talks(s)
    kind, at = lots.one_of((("ap-full", "ap"), ("station-barred", s.name)))
    if lots.happens(0.5):
        s.happens(at, kind, 0, lots.between(40, 120) * 1000)
    else:
        begin = _when(s)
        s.happens(at, kind, begin, begin + lots.between(40, 120) * 1000)
        s.happens(s.name, "station-kicked", begin + 1000, reason=3, frame="deauth")
    s.duration_s = 300


def _ap_restarted(s: Scene) -> None:
    lots = s.lots
    _talks(s)
    begin = _when(s)
    kind = lots.one_of(("ap-restarted", "ap-power-cut"))
    s.happens("ap", kind, begin, begin + lots.between(20, 60) * 1000)
    s.duration_s = 300


def _dropout(s: Scene) -> None:
    lots = s.lots
    _talks(s)
    begin = _when(s)
    for number in range(lots.between(2, 5)):
        at = begin + number * 30_000
        s.happens(s.name, "radio-dropout", at, at + lots.between(3500, 5500), direction=lots.one_of(("both", "to-peer")))
    s.duration_s = 300


def _brownout(s: Scene) -> None:
    lots = s.lots
    if lots.happens(0.5):
        _talks(s)
    else:
        s.serve("responder", reply_bytes=lots.near(20, 400))
        s.run(lots.one_of(_TALKERS), period_ms=lots.between(2000, 12_000))
    begin = _when(s)
    for number in range(lots.between(1, 4)):
        s.happens(s.name, "brown-out", begin + number * lots.between(15, 40) * 1000)
    s.duration_s = 300


#: Code → how a situation with that fault is drawn.
RADIO_FAULTS: dict[str, Callable[[Scene], None]] = {
    "HO401": _auth_expired,
    "HO402": _assoc_expired,
    "HO403": _kicked,
    "HO404": _class3,
    "HO405": _beacons_lost,
    "HO406": _dozing,
    "HO407": _weak,
    "HO408": _wrong_password,
    "HO409": _handshake,
    "HO410": _not_found,
    "HO411": _denied,
    "HO412": _ap_restarted,
    "HO413": _dropout,
    "HO701": _brownout,
}


def sound_radio(s: Scene) -> None:
    """Put a sound program on Wi-Fi that does what Wi-Fi does when nothing is wrong."""
    lots = s.lots
    ap = s.on_wifi(power_save=lots.one_of(("none", "min", "min", "max")), listen_interval=lots.between(1, 4))
    ap["dtim"] = lots.between(1, 3)
    ap["rekey_s"] = lots.one_of((0, 600))
    if lots.happens(0.2):  # two access points of one network, and a walk from one to the other
        far = {**ap, "name": "far", "channel": lots.one_of((1, 6, 11))}
        s.access_points.append(far)
        s.wifi |= {"roam_dbm": -70, "rssi_dbm": {"ap": -50, "far": -62}}
        s.happens(s.name, "fading", lots.between(60_000, 120_000), None, loss_db=0)
    elif lots.happens(0.2):
        s.wifi |= {"awake_s": lots.between(20, 60), "sleep_s": lots.between(30, 300)}
