"""How recorded lines travel: who each line is, as a syslog line or an MQTT message, and the receiver that drops repeats.

``#7.5f3a09c1.123 W (81234) halfopen: ONLINE -> CLOSING by …`` is line 123 of boot 7. The eight hexadecimal digits were
drawn at that boot, so that a device that lost its memory, and counts from 1 again, never reuses a name.
``#7.5f3a09c1.6-13 W halfopen: lost 8 lines`` stands for lines 6 to 13.

A line is sent again, under the same name, when the device was reset between sending it and noting that it was sent:
no sender can avoid that alone. Whoever receives lines therefore drops names it has seen (:class:`Receiver`).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Names a receiver remembers: many times what a ring holds, so more than a device ever sends again.
REMEMBERED = 4096
_LOCAL0 = 16 * 8  # RFC 5424, 6.2.1: facility times eight plus severity
_SEVERITIES = {"E": 3, "W": 4, "I": 6}
_HOSTNAME_MAX = 255  # RFC 5424, 6


def named(boot: int, life: int, number: str, line: str) -> str:
    """``line`` with its name before it; ``number`` is ``123``, or ``6-13`` for what stands for many."""
    return f"#{boot}.{life:08x}.{number} {line}"


def syslog(line: str, device: str, time: str = "-") -> str:
    """``line`` (as :func:`named` made it) as an RFC 5424 message of ``device``.

    ``time`` is the moment of sending as RFC 3339 writes it; the moment of the event stands in the line itself, on the
    clock of that boot.
    """
    severity = _SEVERITIES.get(line.partition(" ")[2][:1], 7)
    return f"<{_LOCAL0 + severity}>1 {time} {plain(device)[:_HOSTNAME_MAX]} halfopen - - - {line}"


def mqtt(line: str, device: str) -> "tuple[str, bytes]":
    """Topic and payload for ``line``; publish with QoS 1, so that the broker says that it has it."""
    return f"halfopen/{plain(device)}/journal", line.encode()


def to_syslog(sendto: "Callable[[bytes, Any], Any]", address: "Any", device: str) -> "Callable[[str], None]":
    """For ``Recorder.deliver``: one datagram a line by ``sendto`` of a UDP socket. Nobody acknowledges a datagram."""

    def send(line: str) -> None:
        sendto(syslog(line, device).encode(), address)

    return send


def to_mqtt(publish: "Callable[[str, bytes], Any]", device: str) -> "Callable[[str], Any]":
    """For ``Recorder.deliver``: ``publish(topic, payload)`` returns when the broker acknowledged, else ``False``."""
    return lambda line: publish(*mqtt(line, device))


def plain(device: str) -> str:
    """``device`` without what means something in a syslog header or a topic; ``-`` when nothing is left."""
    return (
        "".join([c for c in device if c in "-_.:" or ("a" <= c.lower() <= "z") or ("0" <= c <= "9")]) or "-"
    )


class Receiver:
    """Passes each line on once. ``take`` is called with device and line; ``repeats`` counts what was dropped."""

    def __init__(self, take: "Callable[[str, str], Any]") -> None:
        self._take = take
        self._seen: dict[tuple[str, str], None] = {}
        self._order: list[tuple[str, str]] = []
        self._next = 0
        self.repeats = 0

    def __call__(self, device: str, line: str) -> bool:
        """Take ``line`` of ``device`` (as they came, hostile or not); whether it was new."""
        name = (device, line.partition(" ")[0])
        if name in self._seen:
            self.repeats += 1
            return False
        if len(self._order) < REMEMBERED:
            self._order.append(name)
        else:
            del self._seen[self._order[self._next]]
            self._order[self._next] = name
            self._next = (self._next + 1) % REMEMBERED
        self._seen[name] = None
        self._take(device, line)
        return True
