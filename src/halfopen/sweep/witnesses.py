"""Whether a fault really showed in a world that was played: from the twin's truth and the device's insides alone.

A situation with a known fault is worth asking an examiner about only when the fault came about; most draws do it, and
``showed`` says which. Nothing here reads what an examiner reads but the words of a program about its own memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from halfopen.twin.device import Device
from halfopen.twin.lwip import names
from halfopen.twin.simulation import Simulation
from halfopen.twin.world import MS

#: lwIP tells a device that a peer is dead within this with keepalive 10/3/3; who holds on longer does not know (s).
_KNOWN_BY_S = 20
_ENFILE = 23


def showed(code: str, simulation: Simulation) -> bool:
    """Whether the fault ``code`` came about on the first device of a simulation that was run.

    Raises:
        KeyError: nobody can tell that fault.
    """
    return WITNESSES[code](simulation, next(iter(simulation.devices.values())))


def _events(s: Simulation, d: Device, what: str) -> list[dict[str, object]]:
    return s.truth.of(what, d.name)


def _failures(s: Simulation, d: Device, *numbers: int) -> list[dict[str, object]]:
    return [event for event in _events(s, d, "call-failed") if event["errno"] in numbers]


def _leaked(s: Simulation, d: Device) -> bool:
    held = len(d.stack.sockets.open_descriptors())
    return held >= 3 and bool(_failures(s, d, _ENFILE))


def _sessions_filled(s: Simulation, d: Device) -> bool:
    return max(sample.descriptors for sample in s.samples[d.name]) >= min(
        d.stack.options.max_sockets, getattr(d.firmware, "max_open_sockets", 99) + 3
    )


def _lingered(s: Simulation, d: Device) -> bool:
    return any(sample.pcbs - sample.descriptors >= 3 for sample in s.samples[d.name])


def _used_dead(s: Simulation, d: Device) -> bool:
    per_fd = Counter(event["fd"] for event in _failures(s, d, names.ECONNRESET, names.ENOTCONN))
    return any(count >= 2 for count in per_fd.values())


def _held_on(s: Simulation, d: Device) -> bool:
    """A connection that died was held on to for longer than keepalive would have taken."""
    deaths = [one.begin_ms for _, one in s.scenario.impairments]
    if not deaths:
        return False
    stood = closed = None
    for event in s.truth.events:
        if event["who"] == d.name and event["what"] == "connected" and event["at_ms"] < deaths[0]:
            stood = event["fd"]
        elif event["who"] == d.name and event["what"] == "socket-closed" and event["at_ms"] >= deaths[0]:
            closed = closed or (event["at_ms"] if event["fd"] == stood else None)
    ended = closed if closed is not None else s.world.now / MS
    return stood is not None and float(ended) - deaths[0] > _KNOWN_BY_S * 1000


def _window_closed(s: Simulation, d: Device) -> bool:
    return any(pcb.rcv_wnd == 0 for pcb in d.stack.tcp.active)


def _was_blocked(s: Simulation, d: Device) -> bool:
    """The watchdog said so, or an application that had worked did nothing for a minute."""
    if _events(s, d, "watchdog-fired"):
        return True
    served = [float(str(event["at_ms"])) for event in _events(s, d, "exchanged")]
    pauses = pairwise([*served, s.world.now / MS])
    return any(later - earlier > 60_000 for earlier, later in pauses)


def _had_no_address(s: Simulation, d: Device) -> bool:
    ups = _events(s, d, "netif-up")
    return not ups or float(str(ups[0]["at_ms"])) > 15_000


def _heap_fell(s: Simulation, d: Device) -> bool:
    samples = s.samples[d.name]
    early = samples[len(samples) // 10].heap_free
    return samples[-1].heap_free < 0.9 * early


def _heap_in_pieces(s: Simulation, d: Device) -> bool:
    return f"malloc({getattr(d.firmware, 'picture_bytes', 0)}) failed" in d.console.text() and any(
        sample.heap_free > getattr(d.firmware, "picture_bytes", 0) > sample.heap_largest
        for sample in s.samples[d.name]
    )


def _heap_gone(s: Simulation, d: Device) -> bool:
    return bool(_events(s, d, "heap-refused")) or "malloc(" in d.console.text()


def _left(*reasons: int, times: int = 1) -> Callable[[Simulation, Device], bool]:
    """Whether the radio was thrown off, or could not join, for one of these reasons so often."""

    def did(s: Simulation, d: Device) -> bool:
        events = [*_events(s, d, "disassociated"), *_events(s, d, "join-failed")]
        return sum(event["reason"] in reasons for event in events) >= times

    return did


def _of_ap(what: str, **facts: object) -> Callable[[Simulation, Device], bool]:
    """Whether an access point noted such a thing."""
    return lambda s, d: any(
        all(event.get(key) == value for key, value in facts.items()) for event in s.truth.of(what)
    )


def _happened(*kinds: str) -> Callable[[Simulation, Device], bool]:
    """Whether what was to happen did, and the radio noticed: it was with an access point before."""
    return lambda s, d: (
        bool(_events(s, d, "associated"))
        and any(event["kind"] in kinds for event in s.truth.of("impairment-began"))
    )


#: Code → whether it showed.
WITNESSES: dict[str, Callable[[Simulation, Device], bool]] = {
    "HO101": _leaked,
    "HO102": _sessions_filled,
    "HO103": _lingered,
    "HO104": _used_dead,
    "HO201": _held_on,
    "HO202": _held_on,
    "HO203": lambda s, d: "errno: 11" in d.console.text(),
    "HO204": _window_closed,
    "HO205": lambda s, d: d.boots > 1,
    "HO206": lambda s, d: any(event["call"] == "connect" for event in _events(s, d, "call-failed")),
    "HO207": lambda s, d: len(_events(s, d, "socket-opened")) >= 10,
    "HO208": lambda s, d: any(event["why"] == "reset-by-peer" for event in _events(s, d, "pcb-ended")),
    "HO301": _was_blocked,
    "HO501": _had_no_address,
    "HO502": lambda s, d: bool(_events(s, d, "lookup-failed")),
    "HO601": _heap_fell,
    "HO602": _heap_in_pieces,
    "HO603": _heap_gone,
    "HO604": lambda s, d: "mbedtls_ssl_" in d.console.text(),
    "HO401": _left(2, times=2),
    "HO402": _left(4),
    "HO403": _left(1, 3, 5, 8, 34),
    "HO404": _left(6, 7),
    "HO405": _left(200),
    "HO406": lambda s, d: len(_events(s, d, "beacons-lost")) >= 2,
    "HO407": _left(200, 201, 204, 2, 34, 4),
    "HO408": _left(15, 202, 204),
    "HO409": lambda s, d: bool(_events(s, d, "exchanged")) and _left(15, 204, 2, 203, 202)(s, d),
    "HO410": _left(201, 200),
    "HO411": _of_ap("station-refused"),
    "HO412": _happened("ap-restarted", "ap-power-cut"),
    "HO413": _happened("radio-dropout"),
    "HO414": lambda s, d: bool(_events(s, d, "disassociated")) and d.console.lines > 0 and not d.joined,
    "HO701": lambda s, d: bool(_events(s, d, "browned-out")),
    "HO702": lambda s, d: d.boots > 1 and bool(_events(s, d, "watchdog-fired")),
}
