"""A WPA2 network for tests: its handshake and its encrypted frames, as a sniffer hears them.

Written from IEEE 802.11-2020 apart from the program; tshark, given the same passphrase, opens what is made here.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from tests.diagnose.airwaves import ALL, AP, FROM_DS, ORDER, PROTECTED, STATION, TO_DS, ack, frame, raw, snap

SSID, PASSPHRASE = "home", "correct horse"
EAPOL = 0x888E
DATA, QOS_DATA, DEAUTH, AUTH, ASSOC_REQUEST, ASSOC_RESPONSE = 0x20, 0x28, 0x0C, 0x0B, 0x00, 0x01


def rsn(suite: int = 2, cipher: int = 4, capabilities: int = 0) -> bytes:
    """An RSN element that offers one cipher and one key management suite."""
    oui = b"\x00\x0f\xac"
    content = struct.pack("<H", 1) + oui + bytes([4]) + struct.pack("<H", 1) + oui + bytes([cipher])
    content += struct.pack("<H", 1) + oui + bytes([suite]) + struct.pack("<H", capabilities)
    return bytes([48, len(content)]) + content


@dataclass
class Wpa2:
    """One station at one access point. ``suite`` is 2 (PSK) or 6 (PSK with SHA-256); ``salt`` makes its nonces differ
    from those of another session."""

    station: str = STATION
    ap: str = AP
    ssid: str = SSID
    passphrase: str = PASSPHRASE
    suite: int = 2
    salt: bytes = b"1"
    gtk: bytes = bytes(range(16))
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pmk = hashlib.pbkdf2_hmac("sha1", self.passphrase.encode(), self.ssid.encode(), 4096, 32)
        self.anonce = hashlib.sha256(b"ap" + self.salt).digest()
        self.snonce = hashlib.sha256(b"station" + self.salt).digest()
        ends, nonces = sorted((raw(self.ap), raw(self.station))), sorted((self.anonce, self.snonce))
        context = b"".join(ends) + b"".join(nonces)
        label = b"Pairwise key expansion"
        if self.suite == 6:
            blocks = (
                hmac.digest(pmk, struct.pack("<H", n) + label + context + struct.pack("<H", 384), "sha256")
                for n in (1, 2)
            )
        else:
            blocks = (hmac.digest(pmk, label + b"\0" + context + bytes([n]), "sha1") for n in range(3))
        ptk = b"".join(blocks)
        self.kck, self.kek, self.tk = ptk[:16], ptk[16:32], ptk[32:48]

    # --- the handshake ---

    def handshake(self, *messages: int) -> list[bytes]:
        """The EAPOL frames of messages 1 to 4 (all without ``messages``), each acknowledged."""
        heard = []
        for number in messages or (1, 2, 3, 4):
            by_ap = number in (1, 3)
            heard += [self.data(self.message(number), EAPOL, by_ap=by_ap, sequence=10 + number, sealed=False)]
            heard += [ack(self.ap if by_ap else self.station)]
        return heard

    def message(self, number: int) -> bytes:
        """An EAPOL-Key frame: 1 to 4 of the 4-way handshake, 5 the first of a group rekey."""
        version = 3 if self.suite == 6 else 2
        flags = {1: 0x0088, 2: 0x0108, 3: 0x13C8, 4: 0x0308, 5: 0x1380, 6: 0x0300}[number]
        nonce = {1: self.anonce, 2: self.snonce, 3: self.anonce}.get(number, bytes(32))
        content = rsn(self.suite) if number == 2 else b""
        if number in (3, 5):
            kde = b"\x00\x0f\xac\x01" + bytes([1, 0]) + self.gtk
            plain = (rsn(self.suite) if number == 3 else b"") + bytes([0xDD, len(kde)]) + kde
            if len(plain) % 8:
                plain += b"\xdd" + bytes(-(len(plain) + 1) % 8)
            content = aes_key_wrap(self.kek, plain)
        body = struct.pack(">BHHQ", 2, flags | version, 16 if number in (1, 3) else 0, (number + 1) // 2)
        body += nonce + bytes(32)
        tail = struct.pack(">H", len(content)) + content
        head = struct.pack(">BBH", 2, 3, len(body) + 16 + len(tail))
        if number == 1:
            return head + body + bytes(16) + tail
        return head + body + self.mic(head + body + bytes(16) + tail) + tail

    def mic(self, message: bytes) -> bytes:
        if self.suite == 6:
            cmac = CMAC(AES(self.kck))
            cmac.update(message)
            return cmac.finalize()
        return hmac.digest(self.kck, message, "sha1")[:16]

    # --- frames ---

    def data(
        self,
        packet: bytes,
        ethertype: int = 0x0800,
        *,
        by_ap: bool = False,
        sequence: int = 100,
        tid: int | None = None,
        order: bool = False,
        sealed: bool = True,
        flags: int = 0,
        group: bool = False,
    ) -> bytes:
        """A data frame with an Ethernet payload, encrypted when ``sealed``; QoS data with a ``tid``."""
        return self.frame_of(
            snap(ethertype, packet), by_ap=by_ap, sequence=sequence, tid=tid, order=order, sealed=sealed,
            flags=flags, group=group,
        )  # fmt: skip

    def several(self, *packets: bytes, by_ap: bool = True, sequence: int = 100, sealed: bool = True) -> bytes:
        """An A-MSDU of IPv4 packets."""
        ends = raw(self.station) + raw(self.ap) if by_ap else raw(self.ap) + raw(self.station)
        body = b""
        for packet in packets:
            content = snap(0x0800, packet)
            body += bytes(-len(body) % 4) + ends + struct.pack(">H", len(content)) + content
        return self.frame_of(body, by_ap=by_ap, sequence=sequence, tid=0x80, sealed=sealed)

    def frame_of(
        self,
        content: bytes,
        *,
        by_ap: bool,
        sequence: int,
        tid: int | None = None,
        order: bool = False,
        sealed: bool = True,
        flags: int = 0,
        group: bool = False,
    ) -> bytes:
        flags |= (FROM_DS if by_ap else TO_DS) | (PROTECTED if sealed else 0) | (ORDER if order else 0)
        to, sender, third = (self.station, self.ap, self.ap) if by_ap else (self.ap, self.station, self.ap)
        if group:
            to = ALL
        control = b"" if tid is None else bytes([tid, 0]) + (bytes(4) if order else b"")
        kind = DATA if tid is None else QOS_DATA
        head = frame(kind, to, sender, third, control, flags, sequence)
        if not sealed:
            return head + content
        masked = bytes([head[0] & 0x8F, head[1] & (0x47 if control else 0xC7)]) + head[4:22]
        masked += bytes([head[22] & 15, 0]) + (bytes([head[24] & 15, 0]) if control else b"")
        key, number = (self.gtk, 1) if group else (self.tk, 0)
        return head + self.seal(content, sender, masked, key, (tid or 0) & 15, number)

    def farewell(self, reason: int, *, sequence: int = 200) -> bytes:
        """A protected deauthentication by the access point."""
        head = frame(DEAUTH, self.station, self.ap, self.ap, b"", PROTECTED, sequence)
        masked = bytes([head[0], head[1] & 0xC7]) + head[4:22] + bytes([head[22] & 15, 0])
        return head + self.seal(struct.pack("<H", reason), self.ap, masked, self.tk, 0x10, 0)

    def seal(
        self, content: bytes, sender: str, masked: bytes, key: bytes, priority: int, key_number: int
    ) -> bytes:
        """CCMP header, ciphertext and MIC."""
        number = self.numbers[sender] = self.numbers.get(sender, 0) + 1
        pn = number.to_bytes(6, "big")
        nonce = bytes([priority]) + raw(sender) + pn
        sealed = AESCCM(key, tag_length=8).encrypt(nonce, content, masked)
        return bytes([pn[5], pn[4], 0, 0x20 | key_number << 6, pn[3], pn[2], pn[1], pn[0]]) + sealed

    # --- joining ---

    def joining(self, algorithm: int = 0) -> list[bytes]:
        """Authentication and association."""
        request = struct.pack("<HH", 0x11, 10) + bytes([0, len(self.ssid)]) + self.ssid.encode()
        return [
            frame(AUTH, self.ap, self.station, self.ap, struct.pack("<HHH", algorithm, 1, 0), sequence=1),
            ack(self.station),
            frame(AUTH, self.station, self.ap, self.ap, struct.pack("<HHH", algorithm, 2, 0), sequence=1),
            ack(self.ap),
            frame(ASSOC_REQUEST, self.ap, self.station, self.ap, request + rsn(self.suite), sequence=2),
            ack(self.station),
            frame(
                ASSOC_RESPONSE,
                self.station,
                self.ap,
                self.ap,
                struct.pack("<HHH", 0x11, 0, 0xC001),
                sequence=2,
            ),
            ack(self.ap),
        ]
