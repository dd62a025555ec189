"""The key of a Wi-Fi network as a user writes it: ``SSID:PASSPHRASE``. No text made here ever holds the secret."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass, field

#: IEEE 802.11-2020 section 9.4.2.2 and annex J.4.
SSID_BYTES_MAX = 32
PASSPHRASE_LENGTHS = range(8, 64)
PSK_DIGITS = 64
_ROUNDS = 4096


class WifiKeyError(ValueError):
    """The text is no key of a network; the message says why without repeating it."""


@dataclass(frozen=True, slots=True)
class WifiKey:
    """A network's name and its pairwise master key (32 bytes), which is never printed."""

    ssid: str
    pmk: bytes = field(repr=False)


def wifi_keys(text: str) -> tuple[WifiKey, ...]:
    """The keys that ``SSID:PASSPHRASE`` may mean: one for each colon that leaves a passphrase of 8 to 63 characters, or
    64 hexadecimal digits (the PSK itself). A name with a colon in it needs no escape: the handshake tells which fits.

    Raises :class:`WifiKeyError`.
    """
    if ":" not in text:
        raise WifiKeyError("no colon between SSID and passphrase")
    splits = [(text[:at], text[at + 1 :]) for at, letter in enumerate(text) if letter == ":"]
    named = [(ssid, secret) for ssid, secret in splits if 0 < len(_bytes(ssid)) <= SSID_BYTES_MAX]
    if not named:
        raise WifiKeyError(f"the SSID must have 1 to {SSID_BYTES_MAX} bytes")
    keys = tuple(WifiKey(ssid, pmk) for ssid, secret in named if (pmk := _pmk(ssid, secret)) is not None)
    if not keys:
        raise WifiKeyError("a passphrase has 8 to 63 printable ASCII characters, a PSK 64 hexadecimal digits")
    return keys


def wifi_keys_of_lines(lines: Iterable[str]) -> tuple[WifiKey, ...]:
    """The keys of a file: one a line; empty lines and lines that begin with ``#`` are left out.

    Raises :class:`WifiKeyError`, which names the line.
    """
    found: list[WifiKey] = []
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if text.strip() and not text.startswith("#"):
            try:
                found += wifi_keys(text)
            except WifiKeyError as error:
                raise WifiKeyError(f"line {number}: {error}") from None
    return tuple(found)


def _pmk(ssid: str, secret: str) -> bytes | None:
    if len(secret) == PSK_DIGITS and all(letter in string.hexdigits for letter in secret):
        return bytes.fromhex(secret)
    if len(secret) not in PASSPHRASE_LENGTHS or not all(" " <= letter <= "~" for letter in secret):
        return None
    return hashlib.pbkdf2_hmac("sha1", secret.encode(), _bytes(ssid), _ROUNDS, 32)


def _bytes(ssid: str) -> bytes:
    """A name as it goes on the air; a command line may hold bytes that are no UTF-8."""
    return ssid.encode("utf-8", "surrogateescape")
