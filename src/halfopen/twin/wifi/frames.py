"""What travels on the air in the twin: 802.11 frames as objects. They become bytes only where something records them."""

from __future__ import annotations

from halfopen.formats import dot11 as d
from halfopen.twin.packets import Arp, Frame, Icmp, Packet, Tcp, Udp

#: Frame control flags (IEEE 802.11-2020, 9.2.4.1).
TO_DS, FROM_DS, RETRY, POWER, MORE, PROTECTED = 0x01, 0x02, 0x08, 0x10, 0x20, 0x40
#: Type and subtype of a PS-Poll, which formats.dot11 has no name for.
PS_POLL = 0x1A
#: MAC header, LLC/SNAP, check sequence; an IP header and what ICMP quotes.
_OVERHEAD, _IP, _ARP = 26 + 8 + 4, 20, 28


class AirFrame:
    """One 802.11 frame. ``receiver``, ``sender`` and ``third`` are its addresses 1 to 3; ``payload`` what it carries.

    ``body`` is what follows the header of a management frame, or an EAPOL frame in a data frame. ``why`` is for the truth.
    """

    __slots__ = ("body", "flags", "kind", "payload", "receiver", "sender", "third", "why")

    def __init__(
        self,
        kind: int,
        receiver: str,
        sender: str,
        third: str,
        body: bytes = b"",
        *,
        flags: int = 0,
        payload: Frame | None = None,
        why: str = "",
    ) -> None:
        self.kind = kind
        self.receiver = receiver
        self.sender = sender
        self.third = third
        self.body = body
        self.flags = flags
        self.payload = payload
        self.why = why

    @property
    def management(self) -> bool:
        """Whether it manages the link rather than carries something."""
        return self.kind < d.DATA

    def size(self) -> int:
        """Its length in bytes, from the header to the check sequence."""
        return _OVERHEAD + (len(self.body) if self.payload is None else size_of(self.payload.packet))


def size_of(packet: Arp | Packet) -> int:
    """The length of a packet without making bytes of it."""
    if isinstance(packet, Tcp):
        return _IP + 20 + (4 if packet.mss else 0) + len(packet.options) + len(packet.data)
    if isinstance(packet, Udp):
        return _IP + 8 + len(packet.data)
    if isinstance(packet, Icmp):
        return _IP + 8 + max(len(packet.rest), 36)
    return _ARP if isinstance(packet, Arp) else len(packet.encode())


def farewell(kind: int, receiver: str, sender: str, bssid: str, reason: int) -> AirFrame:
    """A deauthentication or disassociation."""
    return AirFrame(kind, receiver, sender, bssid, reason.to_bytes(2, "little"), why=f"reason-{reason}")


def null(bssid: str, station: str, *, power: bool, qos: bool, by_ap: bool = False) -> AirFrame:
    """A null frame: a sign of life that tells whether its sender dozes, or a poll by the access point."""
    kind = d.QOS_NULL if qos else d.NULL
    body = b"\x00\x00" if qos else b""
    if by_ap:
        return AirFrame(kind, station, bssid, bssid, body, flags=FROM_DS, why="inactivity-poll")
    return AirFrame(kind, bssid, station, bssid, body, flags=TO_DS | (POWER if power else 0), why="null")
