"""Build single 802.11 frames as a monitor interface captures them: radiotap, headers, bodies with their elements.

Numbers are those of IEEE 802.11-2020, chapter 9; addresses are text (``24:6f:28:aa:bb:cc``); every function returns bytes.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from halfopen.formats import eapol
from halfopen.formats.packet import mac_bytes

#: Element identifiers (table 9-92) that formats.dot11 does not read.
_TIM, _EXTENDED_RATES = 5, 50
_RSN = 48
#: Supported rates of 802.11b/g in units of 500 kbit/s, the top bit for those that all must know.
_BASIC = bytes([0x82, 0x84, 0x8B, 0x96, 0x0C, 0x12, 0x18, 0x24])
_MORE = bytes([0x30, 0x48, 0x60, 0x6C])
#: CCMP for all and for each, PSK (section 9.4.2.24).
RSN_PSK = bytes.fromhex("0100000fac040100000fac040100000fac020000")
#: Capabilities: an infrastructure network, privacy, short slots.
_ESS, _PRIVACY, _SHORT_SLOT = 0x0001, 0x0010, 0x0400
#: Bits of EAPOL-Key's information field for each message; 5 and 6 are those of a group rekey (section 12.7.2).
_INSTALL = 0x0040
_INFORMATION = {
    1: eapol.HMAC_SHA1_AES | eapol.PAIRWISE | eapol.ACK,
    2: eapol.HMAC_SHA1_AES | eapol.PAIRWISE | eapol.MIC,
    3: eapol.HMAC_SHA1_AES
    | eapol.PAIRWISE
    | eapol.ACK
    | eapol.MIC
    | eapol.SECURE
    | eapol.ENCRYPTED_DATA
    | _INSTALL,
    4: eapol.HMAC_SHA1_AES | eapol.PAIRWISE | eapol.MIC | eapol.SECURE,
    5: eapol.HMAC_SHA1_AES | eapol.ACK | eapol.MIC | eapol.SECURE | eapol.ENCRYPTED_DATA,
    6: eapol.HMAC_SHA1_AES | eapol.MIC | eapol.SECURE,
}
#: Bytes of wrapped key data: RSN element and group key, padded and wrapped (M3); the group key alone (rekey).
_KEY_DATA = {2: len(RSN_PSK) + 2, 3: 56, 5: 40}


@dataclass(frozen=True, slots=True)
class Described:
    """What an access point announces of itself; ``interval_tu`` in units of 1024 us."""

    ssid: str
    channel: int
    interval_tu: int
    secure: bool


def frequency(channel: int) -> int:
    """The middle of a channel in MHz."""
    if channel == 14:
        return 2484
    return 2407 + 5 * channel if channel < 14 else 5000 + 5 * channel


def radiotap(time_us: int, mbit: float, channel: int, dbm: int | None = None) -> bytes:
    """A header with time stamp, flags, rate (Mbit/s), channel and, for a receiver that measures it, signal."""
    five = channel > 14
    flags = (0x0100 if five else 0x0080) | (0x0020 if mbit in (1.0, 2.0, 5.5, 11.0) else 0x0040)
    present = 0x0F | (0x20 if dbm is not None else 0)
    rate = min(int(mbit * 2), 108)
    head = struct.pack("<QBBHH", time_us & (2**64 - 1), 0, rate, frequency(channel), flags)
    if dbm is not None:
        head += struct.pack("b", max(-127, min(0, dbm)))
    return struct.pack("<BBHI", 0, 0, 8 + len(head), present) + head


def header(
    kind: int, flags: int, one: str, two: str, three: str, sequence: int, duration_us: int = 0
) -> bytes:
    """A header of three addresses; ``kind`` is type << 4 | subtype."""
    control = bytes([(kind & 0x0F) << 4 | (kind >> 4) << 2, flags])
    return (
        control
        + struct.pack("<H", duration_us)
        + mac_bytes(one)
        + mac_bytes(two)
        + mac_bytes(three)
        + struct.pack("<H", (sequence & 0xFFF) << 4)
    )


def acknowledgement(receiver: str) -> bytes:
    """An ACK."""
    return b"\xd4\x00\x00\x00" + mac_bytes(receiver)


def ps_poll(bssid: str, station: str, aid: int) -> bytes:
    """A PS-Poll: the duration field holds the association identifier."""
    return b"\xa4\x10" + struct.pack("<H", aid | 0xC000) + mac_bytes(bssid) + mac_bytes(station)


def element(identifier: int, content: bytes) -> bytes:
    """One element."""
    return bytes([identifier, len(content)]) + content


def traffic_map(count: int, period: int, group: bool, aids: frozenset[int]) -> bytes:
    """The content of a TIM element: for all (``group``) and for whom frames wait."""
    octets = sorted({aid // 8 for aid in aids})
    first = (octets[0] if octets else 0) & ~1
    last = octets[-1] if octets else 0
    bitmap = bytearray(last - first + 1)
    for aid in aids:
        bitmap[aid // 8 - first] |= 1 << aid % 8
    return bytes([count, period, first | group]) + bytes(bitmap)


def announcement(described: Described, time_us: int = 0, tim: bytes = b"") -> bytes:
    """The body of a probe response or, with ``tim``, of a beacon; ``time_us`` is the access point's clock."""
    capabilities = _ESS | _SHORT_SLOT | (_PRIVACY if described.secure else 0)
    body = struct.pack("<QHH", time_us & (2**64 - 1), described.interval_tu, capabilities)
    body += element(0, described.ssid.encode()[:32]) + element(1, _BASIC)
    body += element(3, bytes([described.channel]))
    if tim:
        body += element(_TIM, tim)
    body += element(_EXTENDED_RATES, _MORE)
    return body + (element(_RSN, RSN_PSK) if described.secure else b"")


def probe_request(ssid: str = "") -> bytes:
    """The body of a probe request, for any network without ``ssid``."""
    return element(0, ssid.encode()[:32]) + element(1, _BASIC) + element(_EXTENDED_RATES, _MORE)


def authentication(algorithm: int, sequence: int, status: int) -> bytes:
    """The body of an authentication frame."""
    return struct.pack("<HHH", algorithm, sequence, status)


def association_request(ssid: str, listen_interval: int, *, secure: bool, former: str = "") -> bytes:
    """The body of an association request, of a reassociation request with the ``former`` access point."""
    body = struct.pack("<HH", _ESS | _SHORT_SLOT | (_PRIVACY if secure else 0), listen_interval)
    body += mac_bytes(former) if former else b""
    body += element(0, ssid.encode()[:32]) + element(1, _BASIC) + element(_EXTENDED_RATES, _MORE)
    return body + (element(_RSN, RSN_PSK) if secure else b"")


def association_response(status: int, aid: int, *, secure: bool) -> bytes:
    """The body of an association response."""
    capabilities = _ESS | _SHORT_SLOT | (_PRIVACY if secure else 0)
    return (
        struct.pack("<HHH", capabilities, status, aid | 0xC000)
        + element(1, _BASIC)
        + element(_EXTENDED_RATES, _MORE)
    )


def snap(kind: int, content: bytes) -> bytes:
    """LLC/SNAP before a packet of an EtherType."""
    return b"\xaa\xaa\x03\x00\x00\x00" + struct.pack(">H", kind) + content


def key_frame(number: int, replay: int, nonce: int) -> bytes:
    """An EAPOL-Key frame: 1 to 4 of the 4-way handshake, 5 and 6 of a group rekey.

    Nonce, MIC and key data are filled from ``nonce``: they look like the real ones and open nothing.
    """
    seed = hashlib.sha256(struct.pack("<QB", nonce & (2**64 - 1), number)).digest()
    information = _INFORMATION[number]
    data = b""
    if number == 2:
        data = element(_RSN, RSN_PSK)
    elif number in _KEY_DATA:
        data = opaque(nonce ^ number, _KEY_DATA[number])
    body = struct.pack(">BHHQ", 2, information, 16 if number in (1, 3, 5) else 0, replay)
    own = hashlib.sha256(struct.pack("<QB", nonce & (2**64 - 1), number % 2)).digest()
    body += own if number in (1, 2, 3) else bytes(32)
    body += bytes(16) + bytes(8) + bytes(8)
    body += seed[:16] if information & eapol.MIC else bytes(16)
    body += struct.pack(">H", len(data)) + data
    return struct.pack(">BBH", 2, eapol.EAPOL_KEY, len(body)) + body


def sealed(number: int, content: bytes, seed: int) -> bytes:
    """What CCMP makes of a frame body, for an eye without the key: its header with the packet number, as many bytes that
    tell nothing, and eight more for the check."""
    head = bytes([number & 0xFF, number >> 8 & 0xFF, 0, 0x20]) + struct.pack("<I", number >> 16 & 0xFFFFFFFF)
    return head + opaque(seed ^ number, len(content) + 8)


def opaque(seed: int, size: int) -> bytes:
    """``size`` bytes that tell nothing, the same for the same ``seed``."""
    return hashlib.shake_128(struct.pack("<Q", seed & (2**64 - 1))).digest(size)
