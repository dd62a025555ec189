"""WPA2-PSK with CCMP: session keys from a 4-way handshake, and the ciphers that open frames with them.

After IEEE 802.11-2020, sections 12.5.3 (CCMP) and 12.7.1 (key derivation). The ciphers are those of the ``cryptography``
package, which is imported here and nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from halfopen.formats.eapol import CMAC_AES, ENCRYPTED_DATA, HMAC_SHA1_AES, KeyMessage

#: Takes whole blocks and a buffer for what comes of them; how many bytes that were.
Into = Callable[[Any, Any], int]
_LABEL = b"Pairwise key expansion"


def ciphers(key: bytes) -> tuple[Into, Into]:
    """AES under a key, encrypting whole blocks into a buffer (15 bytes longer at least): each block for itself, and chained
    from zeros on, each call going on where the one before ended. CCMP is made of the two (``kernel/unsealing.py``)."""
    aes = algorithms.AES(key)
    blocks = Cipher(aes, modes.ECB()).encryptor()  # noqa: S305 — of counters, which never repeat
    return blocks.update_into, Cipher(aes, modes.CBC(bytes(16))).encryptor().update_into


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What a 4-way handshake leaves both sides with; nothing of it is ever printed."""

    confirmation: bytes = field(repr=False)
    encryption: bytes = field(repr=False)
    version: int
    temporal: bytes = field(repr=False)

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
    keys = SessionKeys(expanded[:16], expanded[16:32], second.version, expanded[32:48])
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
