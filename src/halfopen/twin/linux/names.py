"""A name server: answers what it knows, says "no such name" to the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.formats.dns import dns, read_dns
from halfopen.twin.packets import Udp

if TYPE_CHECKING:
    from halfopen.twin.linux.host import Host

_NO_SUCH_NAME = 3


class NameServer:
    """Serves port 53 of its host once ``names`` holds something."""

    def __init__(self, host: Host) -> None:
        self._host = host
        #: Name → address.
        self.names: dict[str, str] = {}

    def take(self, packet: Udp) -> None:
        """A query came."""
        query = read_dns(packet.data)
        if query is None or query.response:
            return
        address = self.names.get(query.name)
        answer = dns(
            query.number,
            query.name or "invalid",
            query.kind,
            response=True,
            rcode=0 if address else _NO_SUCH_NAME,
            answers=(address,) if address else (),
        )
        self._host.send(Udp(self._host.ip, 53, packet.source, packet.sport, answer))
