"""A situation with one fault that is known, or with none: drawn from a seed, to see what an examiner makes of it.

``drawn_fault("HO101", 7)`` gives the tables of a scenario whose ``code`` is that fault: a program that has it, and the
circumstances in which it shows. Programs, names, times, counts and periods vary; nothing here knows how a fault is
recognised. Whether it did show in the world is :mod:`halfopen.sweep.witnesses`' to say, from the twin's truth alone.
"""

from __future__ import annotations

from collections.abc import Callable

from halfopen.sweep.as_toml import Tables
from halfopen.sweep.lots import Lots
from halfopen.sweep.radio_faults import RADIO_FAULTS, sound_radio
from halfopen.sweep.scene import Scene

HEALTHY = "healthy"


def drawn_fault(code: str, seed: int) -> Tables:
    """The situation of ``seed`` with the fault ``code`` and no other cause; ``HEALTHY``: with none.

    Raises:
        KeyError: nothing here makes that fault; ``FAULTS`` has what can be made.
    """
    draw = _healthy if code == HEALTHY else FAULTS[code]
    scene = Scene(Lots.of(seed, f"fault {code}"), "" if code == HEALTHY else code, seed)
    draw(scene)
    return scene.tables()


# HO1xx: sockets -----------------------------------------------------------------------------------------------


def _leaked_sockets(s: Scene) -> None:
    lots = s.lots
    sockets = lots.between(5, 16)
    if lots.happens(0.3):
        s.port = 80
        s.serve("responder", reply_bytes=lots.near(20, 400), closes=True)
        period, timeout = lots.between(3000, 8000), lots.between(2000, 7000)
        s.run("micropython-poller", period_ms=period, timeout_ms=timeout)
        begin = lots.between(20_000, 90_000)
        end = begin + (sockets + 3) * (period + timeout)
        s.happens(s.peer, "peer-stalled", begin, end)
        s.duration_s = end // 1000 + lots.between(60, 200)
    else:
        s.serve("responder", reply_bytes=lots.near(20, 900))
        answer, period = lots.between(2000, 7000), lots.between(500, 3000)
        s.run(
            "leaky-client",
            request_bytes=lots.near(20, 1200),
            period_ms=period,
            answer_ms=answer,
            retry_ms=lots.between(1000, 5000),
        )
        last = s.forgets(sockets + lots.between(0, 3), lots.between(8000, 40_000), answer + 3 * period + 1000)
        s.duration_s = last // 1000 + lots.between(40, 200)
    s.device["sdkconfig"] = {"CONFIG_LWIP_MAX_SOCKETS": sockets}


def _sessions_exhausted(s: Scene) -> None:
    lots = s.lots
    s.port = 8080
    s.serve("sink")
    most, uplinks = lots.between(4, 7), lots.between(0, 1)
    sockets = most + 3 + uplinks - (1 if lots.happens(0.5) else 0)
    s.device = {
        "firmware": "http-server",
        "options": {
            "max_open_sockets": most,
            "backlog": lots.between(3, 6),
            "uplinks": uplinks,
            "uplink_host": s.ip,
            "page_bytes": lots.near(100, 1200),
        },
        "sdkconfig": {"CONFIG_LWIP_MAX_SOCKETS": sockets},
    }
    every, count = lots.between(3000, 12_000), most + lots.between(5, 10)
    visitor = {"device": s.name, "port": 80}
    then = lots.one_of(("vanish", "hold"))
    s.callers = [
        {
            "name": lots.one_of(("phone", "browser", "laptop")),
            "count": count,
            **visitor,
            "begin_ms": lots.between(4000, 9000),
        }
        | {"every_ms": every, "then": then, "after_ms": lots.between(800, 2500)},
        {
            "name": "tablet",
            **visitor,
            "begin_ms": 12_000,
            "repeat_ms": lots.between(15_000, 30_000),
            "after_ms": 1000,
        },
    ]
    s.duration_s = (9000 + count * every) // 1000 + lots.between(60, 240)


def _lingering_connections(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=lots.near(20, 200))
    answer, period = lots.between(2500, 6000), lots.between(500, 2500)
    s.run("leaky-client", closes=True, request_bytes=lots.near(100, 1300), period_ms=period, answer_ms=answer)
    s.forgets(lots.between(6, 14), lots.between(8000, 30_000), answer + 3 * period + 1000)
    s.duration_s = lots.between(300, 1500)


def _dead_descriptor(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=lots.near(20, 400))
    s.run(
        "stubborn-client",
        request_bytes=lots.near(20, 400),
        period_ms=lots.between(1000, 6000),
        answer_ms=lots.between(1000, 4000),
    )
    begin = lots.between(15_000, 60_000)
    if lots.happens(0.6):
        s.happens(s.peer, "peer-rebooted", begin, begin + lots.between(500, 9000))
    else:
        s.happens(s.peer, "flows-lost", begin, answer="reset")
    s.duration_s = begin // 1000 + lots.between(100, 240)


# HO2xx: TCP ---------------------------------------------------------------------------------------------------


def _half_open(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=2)
    ping = lots.between(5000, 20_000)
    s.run("pinging-client", ping_ms=ping)
    begin = lots.between(30_000, 90_000)
    kind = lots.one_of(("flows-lost", "blackhole", "peer-vanished"))
    if kind == "flows-lost":
        s.happens(s.peer, kind, begin)
    else:
        s.happens(s.peer, kind, begin, begin + lots.between(1300, 1800) * 1000)
    s.duration_s = begin // 1000 + lots.between(8 * ping // 1000 + 60, 1100)


def _no_keepalive(s: Scene) -> None:
    lots = s.lots
    s.serve("sink")
    renew = lots.between(240, 600) * 1000
    s.run("quiet-client", renew_ms=renew)
    begin = lots.between(40_000, 200_000)
    if lots.happens(0.5):
        s.happens(s.peer, "peer-rebooted", begin, begin + lots.between(500, 5000))
    else:
        s.happens(s.peer, "flows-lost", begin)
    s.duration_s = 2 * renew // 1000 + lots.between(60, 300)


def _stalled_transmit(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=4)
    measure = lots.between(100, 400)
    s.run(
        "queueing-client",
        message_bytes=lots.near(100, 400),
        measure_ms=measure,
        send_ms=lots.between(500, 3000),
        queue_max=lots.between(10, 40),
        report_ms=3_600_000,
    )
    begin = lots.between(15_000, 60_000)
    s.happens(s.peer, "flows-lost", begin)
    s.duration_s = begin // 1000 + lots.between(120, 600)


def _zero_window(s: Scene) -> None:
    lots = s.lots
    s.serve("talker", chunk_bytes=lots.between(1000, 1440), pause_ms=lots.between(200, 1500))
    s.run("deaf-client", report_bytes=lots.near(20, 400), period_ms=lots.between(3000, 9000))
    s.duration_s = lots.between(150, 500)


def _device_rebooted(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=lots.near(20, 400))
    s.run(
        "blocking-client",
        watched=True,
        panics=True,
        period_ms=lots.between(1000, 8000),
        report_ms=lots.between(20_000, 90_000),
    )
    begin = lots.between(30_000, 90_000)
    s.happens(s.peer, "flows-lost", begin)
    s.duration_s = begin // 1000 + lots.between(60, 240)


def _peer_unreachable(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=40)
    begin = lots.between(0, 2000)
    way = lots.one_of(("refused", "syn-lost", "no-arp"))
    if way == "no-arp":
        s.ip, s.near = f"192.168.5.{lots.between(2, 9)}", True
    s.run("storming-client", retry_ms=lots.between(15_000, 30_000), period_ms=lots.between(1000, 5000))
    end = begin + lots.between(25_000, 80_000)
    if way == "refused":
        s.happens(s.peer, "service-refused", begin, end, port=s.port)
    elif way == "syn-lost":
        s.happens(s.peer, "blackhole", begin, end)
    else:
        s.happens(s.peer, "peer-vanished", begin, end + 40_000)
    s.duration_s = lots.between(180, 300)


def _reconnect_storm(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=40)
    retry = lots.between(1000, 4000)
    s.run(
        "storming-client",
        period_ms=lots.between(1000, 5000),
        retry_ms=retry,
        answer_ms=lots.between(2000, 6000),
    )
    begin = lots.between(15_000, 60_000)
    end = begin + lots.between(150, 400) * 1000
    if lots.happens(0.5):
        s.happens(s.peer, "peer-stalled", begin, end)
    else:
        # who is connected learns of it, and then everybody is refused
        s.happens(s.peer, "service-refused", begin, end, port=s.port)
        s.happens(s.peer, "flows-lost", begin, answer="reset")
    s.duration_s = end // 1000 + lots.between(30, 120)


def _peer_restarted(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=lots.near(20, 400))
    firmware = lots.one_of(("careful-client", "storming-client", "link-client"))
    s.run(firmware, period_ms=lots.between(8000, 25_000), request_bytes=lots.near(20, 400))
    begin = lots.between(30_000, 90_000)
    s.happens(s.peer, "peer-rebooted", begin, begin + lots.between(300, 2500))
    s.duration_s = begin // 1000 + lots.between(90, 240)


# HO3xx: blocking ----------------------------------------------------------------------------------------------


def _blocked_call(s: Scene) -> None:
    lots = s.lots
    if lots.happens(0.25):
        s.serve("sink")
        s.run(
            "esphome-transmitter",
            panics=True,
            frame_ms=lots.between(8000, 20_000),
            frame_bytes=lots.near(40, 400),
        )
        begin = lots.between(30_000, 60_000)
        s.happens(s.peer, "blackhole", begin, begin + lots.between(60, 120) * 1000)
        s.duration_s = begin // 1000 + lots.between(150, 240)
        return
    s.serve("responder", reply_bytes=lots.near(20, 400))
    watched = lots.happens(0.4)
    s.run(
        "blocking-client",
        period_ms=lots.between(1000, 9000),
        request_bytes=lots.near(20, 900),
        report_ms=lots.between(20_000, 90_000),
        watched=watched,
    )
    begin = lots.between(30_000, 90_000)
    s.happens(s.peer, "flows-lost", begin)
    s.duration_s = begin // 1000 + lots.between(300, 1400)


# HO5xx: IP, HO6xx: memory -------------------------------------------------------------------------------------


def _dhcp_failed(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=40)
    join = lots.between(10_000, 30_000)
    if lots.happens(0.7):
        s.run("impatient-client", period_ms=lots.between(3000, 9000), join_ms=join)
    else:
        s.run("link-client", period_ms=lots.between(3000, 9000))
    s.device["lease"] = True
    s.happens("gateway", "dhcp-silent", 0, join * 2 + lots.between(5000, 60_000))
    s.duration_s = lots.between(200, 360)


def _dns_failed(s: Scene) -> None:
    lots = s.lots
    s.domain = f"{s.peer}.example"
    s.serve("responder", reply_bytes=40)
    s.run("resolving-client", period_ms=lots.between(4000, 15_000), request_bytes=lots.near(20, 400))
    begin = lots.between(20_000, 90_000)
    s.happens("gateway", "dns-silent", begin, begin + lots.between(60, 200) * 1000)
    s.duration_s = begin // 1000 + lots.between(220, 400)


def _heap_leak(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=lots.near(40, 900))
    period, leak = lots.between(4000, 15_000), lots.near(300, 3000)
    s.run("wasteful-client", period_ms=period, leak_bytes=leak)
    s.device["heap_bytes"] = lots.between(80, 240) * 1000
    s.duration_s = max(600, min(3600, period * lots.between(40, 110) // 1000))


def _heap_fragmented(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=40)
    period, heap = lots.between(3000, 8000), lots.between(44, 60) * 1000
    s.run(
        "image-client",
        period_ms=period,
        picture_bytes=heap // 2 + lots.between(0, 1500),
        notes_max=lots.between(50, 70),
    )
    s.device["heap_bytes"] = heap
    s.duration_s = period * lots.between(150, 200) // 1000


def _heap_exhausted(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=4)
    measure, size = lots.between(200, 500), lots.near(300, 800)
    heap = lots.between(50, 80) * 1000
    s.run(
        "queueing-client",
        measure_ms=measure,
        message_bytes=size,
        report_ms=lots.one_of((10_000, 30_000, 3_600_000)),
    )
    s.device["heap_bytes"] = heap
    begin = lots.between(20_000, 60_000)
    full = heap // size * measure
    end = begin + full * 5 // 4 + lots.between(10_000, 40_000)
    s.happens(s.name, "link-down", begin, end)
    s.duration_s = end // 1000 + lots.between(100, 200)


def _tls_memory(s: Scene) -> None:
    lots = s.lots
    s.port = 8883
    s.serve("responder", reply_bytes=900)
    s.serve("responder", 443, reply_bytes=900)
    s.run(
        "tls-client", port=False, fetch_ms=lots.between(15_000, 60_000), message_ms=lots.between(2000, 9000)
    )
    s.device["heap_bytes"] = lots.between(40, 46) * 1000
    s.duration_s = lots.between(200, 500)


#: Code → how a situation with that fault is drawn.
FAULTS: dict[str, Callable[[Scene], None]] = {
    "HO101": _leaked_sockets,
    "HO102": _sessions_exhausted,
    "HO103": _lingering_connections,
    "HO104": _dead_descriptor,
    "HO201": _half_open,
    "HO202": _no_keepalive,
    "HO203": _stalled_transmit,
    "HO204": _zero_window,
    "HO205": _device_rebooted,
    "HO206": _peer_unreachable,
    "HO207": _reconnect_storm,
    "HO208": _peer_restarted,
    "HO301": _blocked_call,
    "HO501": _dhcp_failed,
    "HO502": _dns_failed,
    "HO601": _heap_leak,
    "HO602": _heap_fragmented,
    "HO603": _heap_exhausted,
    "HO604": _tls_memory,
    **RADIO_FAULTS,
}


def _healthy(s: Scene) -> None:
    """Nothing is wrong: programs that are sound, a path that at most loses a packet now and then."""
    lots = s.lots
    s.duration_s = lots.between(300, 1800)
    lots.one_of(_SOUND)(s)
    if lots.happens(0.6):
        sound_radio(s)
    if lots.happens(0.2):
        s.happens(s.name, "loss", 0, probability=lots.between(1, 5) / 1000)


def _asks(s: Scene) -> None:
    s.serve("responder", reply_bytes=s.lots.near(20, 900))
    firmware = s.lots.one_of(
        ("careful-client", "link-client", "storming-client", "stubborn-client", "blocking-client")
    )
    s.run(firmware, period_ms=s.lots.between(1000, 15_000), request_bytes=s.lots.near(20, 900))


def _pings(s: Scene) -> None:
    s.serve("responder", reply_bytes=2)
    s.run("pinging-client", ping_ms=s.lots.between(5000, 60_000), checks=s.lots.happens(0.5))


def _waits(s: Scene) -> None:
    s.serve("talker", chunk_bytes=s.lots.near(20, 400), pause_ms=s.lots.between(5000, 60_000))
    if s.lots.happens(0.5):
        s.run("quiet-client", keep_idle_s=s.lots.between(5, 30))
    else:
        s.run("link-client", listens=True)


def _fetches(s: Scene) -> None:
    lots = s.lots
    s.serve("responder", reply_bytes=lots.near(40, 900), closes=lots.happens(0.5))
    s.domain = f"{s.peer}.example"
    if lots.happens(0.5):
        s.run("resolving-client", period_ms=lots.between(5000, 30_000))
    else:
        s.run("wasteful-client", period_ms=lots.between(5000, 30_000), frees=True)
        s.device["options"]["host"] = s.ip


def _polls(s: Scene) -> None:
    s.port = 80
    s.serve("responder", reply_bytes=s.lots.near(40, 400), closes=True)
    s.run("micropython-poller", period_ms=s.lots.between(3000, 30_000), closes=s.lots.happens(0.5))


def _is_sketch(s: Scene) -> None:
    s.serve("responder", reply_bytes=4)
    if s.lots.happens(0.5):
        s.run("impatient-client", period_ms=s.lots.between(3000, 30_000))
    else:
        s.run("queueing-client", measure_ms=s.lots.between(500, 5000), queue_max=50)


def _passes_on(s: Scene) -> None:
    s.serve("sink")
    s.run("esphome-transmitter", frame_ms=s.lots.between(5000, 30_000))


def _serves(s: Scene) -> None:
    lots = s.lots
    s.serve("sink", 8080)
    firmware = lots.one_of(("http-server", "guard-server"))
    s.device = {"firmware": firmware, "options": {"uplinks": lots.between(0, 1), "uplink_host": s.ip}}
    s.callers = [
        {
            "name": "browser",
            "count": lots.between(1, 3),
            "device": s.name,
            "begin_ms": lots.between(4000, 9000),
        }
        | {
            "every_ms": lots.between(2000, 9000),
            "repeat_ms": lots.between(8000, 40_000),
            "after_ms": lots.between(500, 2000),
        }
    ]


def _fits_in_memory(s: Scene) -> None:
    if s.lots.happens(0.5):
        s.port = 8883
        s.serve("responder", reply_bytes=900)
        s.serve("responder", 443, reply_bytes=900)
        s.run("tls-client", port=False, dynamic=True, fetch_ms=s.lots.between(15_000, 90_000))
    else:
        s.serve("responder", reply_bytes=40)
        # what it keeps is soon full: a cache that fills until the end looks like a leak to anybody
        s.run(
            "image-client",
            early=True,
            period_ms=s.lots.between(4000, 20_000),
            notes_max=s.lots.between(5, 12),
        )


_SOUND = (_asks, _pings, _waits, _fetches, _polls, _is_sketch, _passes_on, _serves, _fits_in_memory)
