"""Situations with one fault of the radio, the access point or the power that is known: drawn as in ``faults``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from halfopen.sweep.scene import Scene

#: Why access points throw stations out, and with which frame (IEEE 802.11-2020, table 9-49): a command or a crash of its
#: own (1), leaving (3, 8), too many stations (5), too many failures (34).
_KICKS = ((1, "deauth"), (3, "deauth"), (5, "disassoc"), (8, "disassoc"), (34, "disassoc"))
#: Programs that are sound on a sound network, of every family.
_SOUND = (
    "careful-client",
    "link-client",
    "storming-client",
    "impatient-client",
    "queueing-client",
    "pinging-client",
    "micropython-poller",
    "esphome-transmitter",
)


#: Of these, those whose console has the driver's own lines: signal strength and missed beacons are seen nowhere else.
_PRINTING = ("careful-client", "storming-client", "pinging-client")


def _works(s: Scene, programs: tuple[str, ...] = _SOUND, *, slowly: bool = False) -> None:
    """A sound program that has something to do now and then."""
    lots = s.lots
    firmware = lots.one_of(programs)
    period = lots.between(20_000, 60_000) if slowly else lots.between(1000, 9000)
    if firmware in ("careful-client", "link-client", "storming-client", "impatient-client"):
        s.serve("responder", reply_bytes=lots.near(20, 400))
        s.run(firmware, period_ms=period)
    elif firmware == "queueing-client":
        s.serve("responder", reply_bytes=4)
        s.run(firmware, measure_ms=period, queue_max=40)
    elif firmware == "pinging-client":
        s.serve("responder", reply_bytes=2)
        s.run(firmware, ping_ms=period + 4000, checks=True)
    elif firmware == "micropython-poller":
        s.serve("responder", reply_bytes=lots.near(40, 400), closes=True)
        s.run(firmware, period_ms=period, closes=True)
    else:
        s.serve("sink")
        s.run(firmware, frame_ms=period + 4000)


def _again_and_again(s: Scene, kind: str, times: int, every: tuple[int, int], **more: Any) -> None:
    """Something at the device, from the first half minute on; the run ends a while after the last."""
    at = s.lots.between(15_000, 40_000)
    for _ in range(times):
        s.happens(s.name, kind, at, **more)
        at += s.lots.between(*every)
    s.duration_s = at // 1000 + s.lots.between(40, 120)


def _auth_expired(s: Scene) -> None:
    s.on_wifi()
    _works(s)
    times = s.lots.between(3, 8)
    _again_and_again(s, "station-kicked", times, (10_000, 60_000), reason=2, frame="deauth")


def _assoc_expired(s: Scene) -> None:
    lots = s.lots
    s.on_wifi(inactivity_s=lots.between(15, 60), skip_poll=True)
    s.wifi["power_save"] = "none"  # with power save the driver itself stays known
    s.serve("sink")
    s.run("quiet-client", renew_ms=lots.between(600, 1200) * 1000)
    s.duration_s = lots.between(300, 900)


def _kicked(s: Scene) -> None:
    s.on_wifi()
    _works(s)
    reason, frame = s.lots.one_of(_KICKS)
    _again_and_again(s, "station-kicked", s.lots.between(2, 6), (15_000, 90_000), reason=reason, frame=frame)


def _class3(s: Scene) -> None:
    s.on_wifi()
    _works(s)
    _again_and_again(s, "ap-forgets", s.lots.between(2, 6), (20_000, 90_000))


def _beacon_lost(s: Scene) -> None:
    lots = s.lots
    ap = s.on_wifi()
    _works(s)
    at = lots.between(20_000, 50_000)
    for _ in range(lots.between(1, 4)):
        end = at + lots.between(12_000, 40_000)
        if lots.happens(0.5):
            s.happens(s.name, "radio-dropout", at, end, direction=lots.one_of(("both", "to-device")))
        else:
            s.happens(ap, "ap-silent", at, end)
        at = end + lots.between(20_000, 60_000)
    s.duration_s = at // 1000 + lots.between(30, 90)


def _dozing(s: Scene) -> None:
    """Interrupts come late, so that a dozing radio misses the beacons it wakes for; its signal is good."""
    lots = s.lots
    s.on_wifi(dtim=lots.between(3, 10))
    s.wifi |= {"power_save": "min", "rssi_dbm": -lots.between(42, 60)}
    _works(s, _PRINTING, slowly=True)
    at = lots.between(20_000, 50_000)
    for _ in range(lots.between(2, 5)):
        end = at + lots.between(60_000, 150_000)
        s.happens(s.name, "late-wake", at, end, probability=1.0)
        at = end + lots.between(10_000, 60_000)
    s.duration_s = at // 1000 + lots.between(30, 90)


def _weak_signal(s: Scene) -> None:
    lots = s.lots
    s.on_wifi()
    s.wifi |= {"rssi_dbm": -lots.between(78, 84), "shadowing_db": lots.between(1, 4)}
    _works(s, _PRINTING)
    at = lots.between(30_000, 60_000)
    for _ in range(lots.between(2, 5)):
        end = at + lots.between(15_000, 50_000)
        s.happens(s.name, "fading", at, end, loss_db=lots.between(12, 20))
        at = end + lots.between(20_000, 60_000)
    s.duration_s = at // 1000 + lots.between(30, 90)


def _wrong_password(s: Scene) -> None:
    lots = s.lots
    s.on_wifi(password=lots.one_of(("correct-horse", "let-me-in-42", "0815-4711-a")))
    s.wifi["password"] = lots.one_of(("correct-h0rse", "letmein42", "password"))
    _works(s)
    s.duration_s = lots.between(90, 300)


def _handshake_lost(s: Scene) -> None:
    """After a good time it has to join again, and from the association on its frames, or both sides', are unheard."""
    lots = s.lots
    s.on_wifi()
    s.wifi["power_save"] = "none"
    _works(s)
    at = lots.between(30_000, 80_000)
    for _ in range(lots.between(1, 3)):
        s.happens(s.name, "station-kicked", at, reason=3, frame="deauth")
        # the driver scans, authenticates and associates within 190 ms; the first message of the handshake is 70 ms later
        if lots.happens(0.5):
            s.happens(s.name, "radio-dropout", at + 225, at + lots.between(4500, 6000), direction="to-peer")
        else:
            s.happens(s.name, "radio-dropout", at + 225, at + lots.between(10_500, 12_000))
        at += lots.between(30_000, 60_000)
    s.duration_s = at // 1000 + lots.between(40, 100)


def _not_found(s: Scene) -> None:
    lots = s.lots
    ap = s.on_wifi()
    _works(s)
    if lots.happens(0.5):
        s.wifi["ssid"] = lots.one_of(("lab-iot-5G", "home_2", "Warehouse"))
        s.duration_s = lots.between(60, 240)
    else:
        at = lots.between(20_000, 60_000)
        end = at + lots.between(60_000, 180_000)
        s.happens(ap, "ap-power-cut", at, end)
        s.duration_s = end // 1000 + lots.between(30, 90)


def _denied(s: Scene) -> None:
    lots = s.lots
    ap = s.on_wifi()
    _works(s)
    end = lots.between(60_000, 200_000)
    if lots.happens(0.5):
        s.happens(ap, "ap-full", 0, end)
    else:
        s.happens(s.name, "station-barred", 0, end)
    s.duration_s = end // 1000 + lots.between(40, 120)


def _ap_restarted(s: Scene) -> None:
    lots = s.lots
    ap = s.on_wifi()
    _works(s)
    at = lots.between(25_000, 90_000)
    s.happens(ap, lots.one_of(("ap-restarted", "ap-power-cut")), at, at + lots.between(10_000, 50_000))
    s.duration_s = at // 1000 + lots.between(120, 240)


def _radio_dropout(s: Scene) -> None:
    """Frames are unheard for some seconds, not for as long as the driver would give up its access point."""
    lots = s.lots
    s.on_wifi()
    s.serve("responder", reply_bytes=lots.near(20, 400))
    firmware = lots.one_of(("careful-client", "link-client", "storming-client"))
    s.run(firmware, period_ms=lots.between(300, 900))
    if firmware != "link-client":
        s.device["options"]["answer_ms"] = 25_000
    at = lots.between(20_000, 40_000)
    for _ in range(lots.between(2, 6)):
        end = at + lots.between(3000, 5500)
        s.happens(s.name, "radio-dropout", at, end, direction=lots.one_of(("both", "to-peer")))
        at = end + lots.between(15_000, 50_000)
    s.duration_s = at // 1000 + lots.between(30, 90)


def _stale_status(s: Scene) -> None:
    """The link is lost, by a drop-out that the driver notices or a kick, and the sketch's flag stays as it was."""
    lots = s.lots
    s.on_wifi()
    s.serve("responder", reply_bytes=lots.near(20, 400))
    s.run("stale-sketch", period_ms=lots.between(4000, 15_000))
    at = lots.between(60_000, 200_000)
    if lots.happens(0.6):
        s.happens(s.name, "radio-dropout", at, at + lots.between(11_000, 30_000))
    else:
        s.happens(s.name, "station-kicked", at, reason=lots.one_of((2, 3, 8)), frame="deauth")
    s.duration_s = at // 1000 + lots.between(200, 500)


def _brownout(s: Scene) -> None:
    if s.lots.happens(0.6):
        s.on_wifi()
    _works(s)
    _again_and_again(s, "brown-out", s.lots.between(1, 5), (15_000, 70_000))


def _crashed(s: Scene) -> None:
    """The watchdog aborts a program whose calls do not come back."""
    lots = s.lots
    s.on_wifi()
    s.serve("responder", reply_bytes=lots.near(20, 400))
    s.run("blocking-client", watched=True, panics=True, period_ms=lots.between(1000, 8000))
    at = lots.between(30_000, 90_000)
    for _ in range(lots.between(1, 3)):
        s.happens(s.peer, "flows-lost", at)
        at += lots.between(40_000, 90_000)
    s.duration_s = at // 1000 + lots.between(30, 90)


#: Code → how a situation with that fault is drawn.
RADIO_FAULTS: dict[str, Callable[[Scene], None]] = {
    "HO401": _auth_expired,
    "HO402": _assoc_expired,
    "HO403": _kicked,
    "HO404": _class3,
    "HO405": _beacon_lost,
    "HO406": _dozing,
    "HO407": _weak_signal,
    "HO408": _wrong_password,
    "HO409": _handshake_lost,
    "HO410": _not_found,
    "HO411": _denied,
    "HO412": _ap_restarted,
    "HO413": _radio_dropout,
    "HO414": _stale_status,
    "HO701": _brownout,
    "HO702": _crashed,
}


def sound_radio(s: Scene) -> None:
    """Put a sound program on Wi-Fi that does what Wi-Fi does when nothing is wrong: it dozes, renews keys, walks from one
    access point to the next, sleeps deeply."""
    lots = s.lots
    ap = s.on_wifi(dtim=lots.between(1, 3), rekey_s=lots.one_of((0, 600)))
    s.wifi |= {"power_save": lots.one_of(("none", "min", "max")), "listen_interval": lots.between(1, 3)}
    kind = lots.between(1, 5)
    if kind == 1:
        s.far = {**s.access_point, "name": "far", "channel": lots.one_of((1, 6, 11))}
        s.wifi |= {"roam_dbm": -70, "rssi_dbm": {ap: -lots.between(45, 55), "far": -lots.between(58, 66)}}
        s.happens(s.name, "fading", lots.between(60_000, 120_000), None, loss_db=4)
    elif kind == 2:
        s.wifi |= {"awake_s": lots.between(20, 60), "sleep_s": lots.between(30, 300)}
