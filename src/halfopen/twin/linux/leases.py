"""A DHCP server: one address for each device it is told of."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from halfopen.formats import dhcp as messages
from halfopen.formats.dhcp import DhcpMessage, dhcp, read_dhcp
from halfopen.formats.packet import ip_bytes
from halfopen.twin.packets import BROADCAST, Frame, Udp

if TYPE_CHECKING:
    from halfopen.twin.linux.host import Host

LEASE_S = 3600


class LeaseServer:
    """Serves DHCP on its host once ``leases`` holds something."""

    def __init__(self, host: Host) -> None:
        self._host = host
        #: MAC → address.
        self.leases: dict[str, str] = {}

    def take(self, packet: Udp) -> None:
        """A message came; only DISCOVER and REQUEST are answered."""
        asked = read_dhcp(packet.data)
        if asked is None or asked.mac not in self.leases:
            return
        kind = {messages.DISCOVER: messages.OFFER, messages.REQUEST: messages.ACK}.get(asked.kind)
        if kind is None:
            return
        host = self._host
        own = ip_bytes(host.ip)
        body = dhcp(
            DhcpMessage(asked.mac, kind, asked.number, given_ip=self.leases[asked.mac]),
            (
                (messages.OPTION_SERVER, own),
                (messages.OPTION_LEASE, struct.pack(">I", LEASE_S)),
                (messages.OPTION_MASK, bytes([255, 255, 255, 0])),
                (messages.OPTION_ROUTER, ip_bytes(host.network.gateway)),
                (messages.OPTION_RESOLVER, own),
            ),
        )
        answer = Udp(host.ip, messages.SERVER_PORT, "255.255.255.255", messages.CLIENT_PORT, body)
        host.link.send(Frame(BROADCAST, host.mac, answer))
