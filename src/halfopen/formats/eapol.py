"""EAPOL-Key: the messages of the 4-way handshake and of a group rekey, and what travels in them.

Numbers are those of IEEE 802.11-2020, sections 9.4.2.24 (RSNE), 12.7.2 (EAPOL-Key) and 12.7.3 (key data).
"""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.formats.dot11 import elements

ETHERTYPE_EAPOL = 0x888E
EAPOL_KEY = 3

PAIRWISE = 0x0008
ACK = 0x0080
MIC = 0x0100
SECURE = 0x0200
ENCRYPTED_DATA = 0x1000
#: Key descriptor versions: which algorithms make the MIC and wrap the key data.
HMAC_SHA1_AES = 2
CMAC_AES = 3

_INFORMATION_AT = 5
_NONCE_AT = 17
_MIC_AT = 81
_KEY_LENGTH_AT = 97
_KEY_AT = 99

ELEMENT_RSN = 48
ELEMENT_VENDOR = 221
_OUI = b"\x00\x0f\xac"
_KDE_GTK = _OUI + b"\x01"

#: Authentication and key management suites (table 9-151) by what they rest on.
AKM_8021X = frozenset((1, 3, 5, 11, 12, 13, 22, 23))
AKM_PSK = frozenset((2, 6))
AKM_FT_PSK = frozenset((4, 19))
AKM_SAE = frozenset((8, 9, 24, 25))
AKM_OWE = 18
CIPHER_CCMP = 4
CIPHERS = {1: "WEP-40", 2: "TKIP", 4: "CCMP", 5: "WEP-104", 8: "GCMP-128", 9: "GCMP-256", 10: "CCMP-256"}


@dataclass(frozen=True, slots=True)
class KeyMessage:
    """One EAPOL-Key frame. ``number`` is 1 to 4 in the 4-way handshake, 5 and 6 in a group rekey; ``information`` its
    flags; ``frame`` all of it from the EAPOL version on."""

    number: int
    information: int
    nonce: bytes
    mic: bytes
    key_data: bytes
    frame: bytes

    @property
    def version(self) -> int:
        """The key descriptor version; 0 leaves it to the key management suite (SAE, OWE and others)."""
        return self.information & 7

    def without_mic(self) -> bytes:
        """The frame as its MIC was computed."""
        return self.frame[:_MIC_AT] + bytes(16) + self.frame[_MIC_AT + 16 :]


@dataclass(frozen=True, slots=True)
class Security:
    """What an RSN element offers or chose: pairwise ciphers and key management suites by number."""

    ciphers: tuple[int, ...]
    suites: tuple[int, ...]


def message_number(eapol: bytes) -> int | None:
    """Which message of the 4-way handshake (1 to 4) or of a group rekey (5, 6) this is; ``None``: no EAPOL-Key."""
    if len(eapol) < _INFORMATION_AT + 2 or eapol[1] != EAPOL_KEY:
        return None
    information = int.from_bytes(eapol[_INFORMATION_AT : _INFORMATION_AT + 2], "big")
    if not information & PAIRWISE:
        return 5 if information & ACK else 6
    if information & ACK:
        return 3 if information & MIC else 1
    if (
        len(eapol) >= _KEY_AT
    ):  # the second message of a rekey is as secure as the fourth, which brings no key data
        return 2 if any(eapol[_KEY_LENGTH_AT:_KEY_AT]) else 4
    return 4 if information & SECURE else 2


def key_message(eapol: bytes) -> KeyMessage | None:
    """The EAPOL-Key frame at the beginning of ``eapol``; ``None`` when it is none or is cut."""
    number = message_number(eapol)
    if number is None or len(eapol) < _KEY_AT:
        return None
    frame = eapol[: 4 + int.from_bytes(eapol[2:4], "big")]  # Ethernet pads short frames
    size = int.from_bytes(eapol[_KEY_LENGTH_AT:_KEY_AT], "big")
    if len(frame) < _KEY_AT + size:
        return None
    return KeyMessage(
        number,
        int.from_bytes(eapol[_INFORMATION_AT : _INFORMATION_AT + 2], "big"),
        frame[_NONCE_AT : _NONCE_AT + 32],
        frame[_MIC_AT : _MIC_AT + 16],
        frame[_KEY_AT : _KEY_AT + size],
        frame,
    )


def group_key(key_data: bytes) -> tuple[int, bytes] | None:
    """Number and value of the group key in unwrapped key data, if there is one."""
    for identifier, content in elements(key_data, 0):
        if identifier == ELEMENT_VENDOR and content[:4] == _KDE_GTK and len(content) > 6:
            return content[4] & 3, content[6:]
    return None


def security(body: bytes, at: int) -> Security | None:
    """The RSN element among the elements from ``at`` on; ``None`` when there is none that can be read."""
    for identifier, content in elements(body, at):
        if identifier == ELEMENT_RSN:
            return _security(content)
    return None


def _security(content: bytes) -> Security | None:
    ciphers, at = _suites(content, 6)  # version and group cipher stand before
    suites, _ = _suites(content, at)
    return Security(ciphers, suites) if ciphers and suites else None


def _suites(content: bytes, at: int) -> tuple[tuple[int, ...], int]:
    """The numbers of a list of suites, those of vendors left out, and where it ends."""
    count = int.from_bytes(content[at : at + 2], "little")
    end = at + 2 + 4 * count
    if end > len(content):
        return (), len(content)
    selectors = (content[start : start + 4] for start in range(at + 2, end, 4))
    return tuple(selector[3] for selector in selectors if selector[:3] == _OUI), end
