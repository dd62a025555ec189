"""What a recording was, read from its own description and log: for recordings that nobody has told of.

The lab's descriptions name the options (``keepalive 10/3/3``, ``SO_RCVTIMEO 5 s``) and the peer (``never reads``,
``streams data``). Calls that the truth file leaves out (a loop of ``send``) are in the log.
"""

from __future__ import annotations

import re

from halfopen.twin.fidelity.replay import Event, Lab, Situation
from halfopen.twin.fidelity.wire import Seen
from halfopen.twin.linux.services import Caller, Responder, Service, Stalled, Talker
from halfopen.twin.lwip import names
from halfopen.twin.packets import SYN
from halfopen.twin.world import MS, SECOND

_KEEPALIVE = re.compile(r"keepalive\D{0,12}(\d+)/(\d+)/(\d+)", re.IGNORECASE)
_TIMEOUT = re.compile(r"SO_(RCV|SND)TIMEO\D{0,6}(\d+(?:\.\d+)?)\s*(ms|s)?")
_BUFFER = re.compile(r"SO_RCVBUF\D{0,3}(\d+)")
_SENT = re.compile(r"\((\d+)\) NET: send\(fd=(\d+)\) = (\d+) \((\d+) ms\)")
_FAILED = re.compile(r"\((\d+)\) NET: Error occurred during sending: .* fd=(\d+) after (\d+) ms")
_CONNECTED = re.compile(r"\((\d+)\) NET: Successfully connected")
#: The default of a socket whose buffer nobody set is never filled in a recording; the lab's small one was this.
_SMALL_BUFFER = 4096


class SlowTalker(Talker):
    """The lab's streaming server: 40 ms from the request to the first byte."""

    think_ns = 41 * MS


def infer(description: str) -> Situation:
    """The situation that a description tells of."""
    return Situation(
        "as its description says",
        lambda: {8080: _service(description)},
        options=_options(description),
        also=clients,
    )


def clients(lab: Lab, _events: list[Event], real: list[Seen]) -> None:
    """Clients that called the device come again when they came; each says HELLO and is never heard of again."""
    callers: dict[int, float] = {}
    for seen in real:
        if not seen.from_device and seen.kind == "TCP" and seen.flags == SYN:
            callers.setdefault(seen.flow, seen.time)
    for when in callers.values():
        lab.world.at(int(when * SECOND), _call_in, lab)


def _call_in(lab: Lab) -> None:
    caller = Caller(b"HELLO", patience_ns=8 * SECOND)
    connection = lab.peer.connect(lab.device.ip, 80, caller)

    def vanish() -> None:
        # Whoever got through goes away without a word; the others try on.
        if caller.outcome == "connected":
            lab.lose_port(connection.port)

    lab.world.after(1500 * MS, vanish)


def _service(description: str) -> Service:
    lowered = description.lower()
    if "never reads" in lowered or "not read" in lowered.replace("device does not read", ""):
        found = _BUFFER.search(description)
        return Stalled(int(found[1]) if found else _SMALL_BUFFER)
    if "streams" in lowered:
        return SlowTalker(1024, on_request=True)
    return Responder(40)


def _options(description: str) -> tuple[tuple[int, int], ...]:
    options: list[tuple[int, int]] = []
    if found := _KEEPALIVE.search(description):
        values = (1, *map(int, found.groups()))
        keys = (names.SO_KEEPALIVE, names.TCP_KEEPIDLE, names.TCP_KEEPINTVL, names.TCP_KEEPCNT)
        options += zip(keys, values, strict=True)
    for which, value, unit in _TIMEOUT.findall(description):
        if description[: description.find(f"SO_{which}TIMEO")].rstrip().endswith("no"):
            continue
        span = int(float(value) * (MS if unit == "ms" else SECOND))
        options.append((names.SO_RCVTIMEO if which == "RCV" else names.SO_SNDTIMEO, span))
    return tuple(options)


def with_sends(events: list[Event], log: str) -> list[Event]:
    """``events`` with the sends that only the log has; unchanged where the truth lists as many as the log."""
    told = sum(1 for event in events if str(event["what"]).startswith("send"))
    sent = [tuple(map(int, found)) for found in _SENT.findall(log)]
    connected = _CONNECTED.search(log)
    begun = next((event for event in events if str(event["what"]).startswith("connect")), None)
    if told >= len(sent) or connected is None or begun is None:
        return events
    shift = begun["t"] - int(connected[1]) / 1000
    made = [
        {"t": at / 1000 + shift, "what": f"send {fd} {size}", "ret": size, "err": "OK", "ms": ms}
        for at, fd, size, ms in sent
    ]
    if found := _FAILED.search(log):
        at, fd, ms = map(int, found.groups())
        made.append({"t": at / 1000 + shift, "what": f"send {fd} {sent[-1][2]}", "ms": ms})
    kept = [event for event in events if event.get("ret") is not None or "blocked" not in str(event["what"])]
    return sorted((*kept, *made), key=lambda event: event["t"] - (event.get("ms") or 0) / 1000)
