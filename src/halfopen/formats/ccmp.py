"""WPA2-PSK with CCMP: session keys from a 4-way handshake, and frames opened with them.

After IEEE 802.11-2020, sections 12.5.3 (CCMP) and 12.7.1 (key derivation). The ciphers are those of the ``cryptography``
package, which is imported here and nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from halfopen.formats.eapol import CMAC_AES, ENCRYPTED_DATA, HMAC_SHA1_AES, KeyMessage

HEADER_SIZE = 8
TAG_SIZE = 8
_LABEL = b"Pairwise key expansion"
_SNAP = b"\xaa\xaa\x03"


class TemporalKey:
    """One CCMP key, pairwise or of a group."""

    __slots__ = ("_ccm", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._ccm = AESCCM(key, tag_length=TAG_SIZE)

    def opened(self, header: bytes, body: bytes, cut: int) -> bytes | None:
        """The content of a frame with this MAC header and frame body; ``None``: the key does not fit.

        Of a frame that the snap length cut short (``cut`` bytes are missing) what is there is opened: its tag cannot be
        checked, so only data that begins as LLC/SNAP is believed.
        """
        if len(body) < HEADER_SIZE + (0 if cut else TAG_SIZE):
            return None
        nonce = _nonce(header, body)
        sealed = body[HEADER_SIZE:]
        if not cut:
            try:
                return self._ccm.decrypt(nonce, sealed, _authenticated(header))
            except InvalidTag:
                return None
        sealed = sealed[: len(sealed) - max(TAG_SIZE - cut, 0)]
        counter = b"\x01" + nonce + b"\x00\x01"
        content = Cipher(algorithms.AES(self._key), modes.CTR(counter)).decryptor().update(sealed)
        return content if content.startswith(_SNAP) else None


def _management(header: bytes) -> bool:
    return not header[0] & 0x0C


def _priority_at(header: bytes) -> int | None:
    """Where the QoS control field stands."""
    if _management(header) or not header[0] & 0x80:
        return None
    return 30 if header[1] & 3 == 3 else 24


def _nonce(header: bytes, body: bytes) -> bytes:
    at = _priority_at(header)
    priority = 0x10 if _management(header) else 0 if at is None else header[at] & 15
    number = body[7:3:-1] + body[1::-1]
    return bytes([priority]) + header[10:16] + number


def _authenticated(header: bytes) -> bytes:
    """The header with everything masked that a retry or a relay may change."""
    at = _priority_at(header)
    first = header[0] if _management(header) else header[0] & 0x8F
    flags = (header[1] & 0xC7 | 0x40) & (0xFF if at is None else 0x7F)
    masked = bytes([first, flags]) + header[4:22] + bytes([header[22] & 15, 0])
    if not _management(header) and header[1] & 3 == 3:
        masked += header[24:30]
    return masked if at is None else masked + bytes([header[at] & 15, 0])


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What a 4-way handshake leaves both sides with; nothing of it is ever printed."""

    confirmation: bytes = field(repr=False)
    encryption: bytes = field(repr=False)
    version: int
    temporal: TemporalKey

    def confirms(self, message: KeyMessage) -> bool:
        """Whether the message's MIC was made with these keys."""
        return hmac.compare_digest(
            _mic(self.confirmation, message.version, message.without_mic()), message.mic
        )

    def unwrapped(self, message: KeyMessage) -> bytes | None:
        """The message's key data in the clear; ``None`` when they are damaged or of other keys."""
        if not message.information & ENCRYPTED_DATA:
            return None
        try:
            return aes_key_unwrap(self.encryption, message.key_data)
        except (InvalidUnwrap, ValueError):
            return None


def session_keys(
    pmk: bytes, ap: bytes, station: bytes, anonce: bytes, second: KeyMessage
) -> SessionKeys | None:
    """The keys that follow from message 2 and the access point's nonce; ``None`` when its MIC denies them."""
    if second.version not in (HMAC_SHA1_AES, CMAC_AES):
        return None
    context = min(ap, station) + max(ap, station)
    context += min(anonce, second.nonce) + max(anonce, second.nonce)
    expanded = _expanded(pmk, context, second.version)
    keys = SessionKeys(expanded[:16], expanded[16:32], second.version, TemporalKey(expanded[32:48]))
    return keys if keys.confirms(second) else None


def _expanded(pmk: bytes, context: bytes, version: int) -> bytes:
    """384 bits of key material."""
    material = b""
    for count in range(3):
        if version == CMAC_AES:
            block = (count + 1).to_bytes(2, "little") + _LABEL + context + (384).to_bytes(2, "little")
            material += hmac.digest(pmk, block, hashlib.sha256)
        else:
            material += hmac.digest(pmk, _LABEL + b"\x00" + context + bytes([count]), hashlib.sha1)
    return material[:48]


def _mic(key: bytes, version: int, frame: bytes) -> bytes:
    if version == CMAC_AES:
        cmac = CMAC(algorithms.AES(key))
        cmac.update(frame)
        return cmac.finalize()
    return hmac.digest(key, frame, hashlib.sha1)[:16]
