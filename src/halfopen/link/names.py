"""Asks a DNS server for an IPv4 address without blocking: one datagram now and then, and an answer that is checked.

``getaddrinfo`` on the ESP32 stops everything, a watchdog's feeding included, for as long as the resolver likes.
"""

import random
import socket

#: A question is repeated after a second, two, four …: a datagram may be lost (RFC 1035 4.2.1 leaves it to the client).
_AGAIN_MS = 1000
_DATAGRAM_BYTES = 512  # RFC 1035 2.3.4: without EDNS no answer is longer
_NXDOMAIN = 3


def literal(host: str) -> str:
    """``host`` when it is an IPv4 address already, else the empty string."""
    parts = host.split(".")
    if len(parts) != 4:
        return ""
    for part in parts:
        if not part.isdigit() or int(part) > 255:
            return ""
    return host


def question(number: int, host: str) -> bytes:
    """The datagram that asks for the IPv4 address of ``host``. Raises :class:`ValueError` for a name that is none."""
    asked = (
        bytes([number >> 8, number & 255]) + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    )  # recursion desired
    for label in host.rstrip(".").split("."):
        spelt = label.encode()
        if not 0 < len(spelt) < 64:
            raise ValueError("no host has this name: " + host)
        asked += bytes([len(spelt)]) + spelt
    return asked + b"\x00\x00\x01\x00\x01"  # type A, class IN


def answer_in(datagram: bytes, asked: bytes) -> "str | None":
    """The first address that answers ``asked``; "" when there is none; ``None`` when this is no answer to it.

    A servant's failure is no answer either: another try may fare better.
    """
    size = len(asked)
    if len(datagram) < size or datagram[:2] != asked[:2] or datagram[12:size].lower() != asked[12:].lower():
        return None
    if not datagram[2] & 0x80 or datagram[3] & 15 not in (0, _NXDOMAIN):
        return None
    place = size
    for _ in range(datagram[6] << 8 | datagram[7]):
        while place < len(datagram) and 0 < datagram[place] < 0xC0:
            place += datagram[place] + 1
        place += 2 if place < len(datagram) and datagram[place] else 1
        if place + 10 > len(datagram):
            return None  # cut off
        kind, length = datagram[place + 1], datagram[place + 8] << 8 | datagram[place + 9]
        place += 10 + length
        if datagram[place - 10 - length] == 0 and kind == 1 and length == 4 and place <= len(datagram):
            return ".".join([str(part) for part in datagram[place - 4 : place]])
    return ""


class Lookup:
    """One question on the way. It is a resource with ``close()``; ``sock`` is readable when an answer came."""

    def __init__(self, host: str, server: str, now: int) -> None:
        """Raises :class:`OSError` for a name or server that is none, or when no socket is left."""
        try:
            self._asked = question(random.getrandbits(16), host)
        except ValueError as error:
            raise OSError(0, str(error)) from None
        self._server = socket.getaddrinfo(server, 53)[0][-1]
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self._gap_ms = _AGAIN_MS
        self._again_at = now

    def ask_again(self, now: int) -> int:
        """Send the question if it is time to; milliseconds until the next time."""
        if now >= self._again_at:
            try:
                self.sock.sendto(self._asked, self._server)
            except OSError:
                pass  # no route now: the next time, or the deadline
            self._again_at = now + self._gap_ms
            self._gap_ms *= 2
        return self._again_at - now

    def answer(self) -> "str | None":
        """The address that came, "" when the name has none, ``None`` when nothing useful came."""
        try:
            datagram, _ = self.sock.recvfrom(_DATAGRAM_BYTES)
        except OSError:
            return None
        return answer_in(datagram, self._asked)

    def close(self) -> None:
        """Give the socket back."""
        self.sock.close()
