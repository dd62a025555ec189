"""Wi-Fi disconnect reasons by number, as ESP-IDF's ``wifi_err_reason_t`` has them.

Source: esp_wifi_types.h / esp_wifi_types_generic.h of ESP-IDF v4.0 to v6.2-dev. Names move between versions (4 was
ASSOC_EXPIRE up to v5.5, DISASSOC_DUE_TO_INACTIVITY from v5.4), numbers do not: match on the number. ESPHome and some
applications print a text only; :func:`reason_in` finds the number behind it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from halfopen.formats.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: ``names`` the current name first, ``esphome`` the text ESPHome prints."""

    number: int
    names: tuple[str, ...]
    esphome: str


_ROWS: tuple[tuple[int, str, str], ...] = (
    (1, "UNSPECIFIED", ""),
    (2, "AUTH_EXPIRE", "Auth Expired"),
    (3, "AUTH_LEAVE", "Auth Leave"),
    (4, "DISASSOC_DUE_TO_INACTIVITY ASSOC_EXPIRE", "Association Expired"),
    (5, "ASSOC_TOOMANY", "Too Many Associations"),
    (6, "CLASS2_FRAME_FROM_NONAUTH_STA NOT_AUTHED", "Not Authenticated"),
    (7, "CLASS3_FRAME_FROM_NONASSOC_STA NOT_ASSOCED", "Not Associated"),
    (8, "ASSOC_LEAVE", "Association Leave"),
    (9, "ASSOC_NOT_AUTHED", "Association not Authenticated"),
    (10, "DISASSOC_PWRCAP_BAD", "Disassociate Power Cap Bad"),
    (11, "DISASSOC_SUPCHAN_BAD", "Disassociate Supported Channel Bad"),
    (12, "BSS_TRANSITION_DISASSOC", ""),
    (13, "IE_INVALID", "IE Invalid"),
    (14, "MIC_FAILURE", "Mic Failure"),
    (15, "4WAY_HANDSHAKE_TIMEOUT", "4-Way Handshake Timeout"),
    (16, "GROUP_KEY_UPDATE_TIMEOUT", "Group Key Update Timeout"),
    (17, "IE_IN_4WAY_DIFFERS", "IE In 4-Way Handshake Differs"),
    (18, "GROUP_CIPHER_INVALID", "Group Cipher Invalid"),
    (19, "PAIRWISE_CIPHER_INVALID", "Pairwise Cipher Invalid"),
    (20, "AKMP_INVALID", "AKMP Invalid"),
    (21, "UNSUPP_RSN_IE_VERSION", "Unsupported RSN IE version"),
    (22, "INVALID_RSN_IE_CAP", "Invalid RSN IE Cap"),
    (23, "802_1X_AUTH_FAILED", "802.1x Authentication Failed"),
    (24, "CIPHER_SUITE_REJECTED", "Cipher Suite Rejected"),
    (25, "TDLS_PEER_UNREACHABLE", ""),
    (26, "TDLS_UNSPECIFIED", ""),
    (27, "SSP_REQUESTED_DISASSOC", ""),
    (28, "NO_SSP_ROAMING_AGREEMENT", ""),
    (29, "BAD_CIPHER_OR_AKM", ""),
    (30, "NOT_AUTHORIZED_THIS_LOCATION", ""),
    (31, "SERVICE_CHANGE_PERCLUDES_TS", ""),
    (32, "UNSPECIFIED_QOS", ""),
    (33, "NOT_ENOUGH_BANDWIDTH", ""),
    (34, "MISSING_ACKS", ""),
    (35, "EXCEEDED_TXOP", ""),
    (36, "STA_LEAVING", ""),
    (37, "END_BA", ""),
    (38, "UNKNOWN_BA", ""),
    (39, "TIMEOUT", ""),
    (46, "PEER_INITIATED", ""),
    (47, "AP_INITIATED", ""),
    (48, "INVALID_FT_ACTION_FRAME_COUNT", ""),
    (49, "INVALID_PMKID", ""),
    (50, "INVALID_MDE", ""),
    (51, "INVALID_FTE", ""),
    (53, "INVALID_PMKID", ""),
    (67, "TRANSMISSION_LINK_ESTABLISH_FAILED", ""),
    (68, "ALTERATIVE_CHANNEL_OCCUPIED", ""),
    (200, "BEACON_TIMEOUT", "Beacon Timeout"),
    (201, "NO_AP_FOUND", "AP Not Found"),
    (202, "AUTH_FAIL", "Authentication Failed"),
    (203, "ASSOC_FAIL", "Association Failed"),
    (204, "HANDSHAKE_TIMEOUT", "Handshake Failed"),
    (205, "CONNECTION_FAIL", "Connection Failed"),
    (206, "AP_TSF_RESET", ""),
    (207, "ROAMING", "Station Roaming"),
    (208, "ASSOC_COMEBACK_TIME_TOO_LONG", ""),
    (209, "SA_QUERY_TIMEOUT", ""),
    (210, "NO_AP_FOUND_W_COMPATIBLE_SECURITY", ""),
    (211, "NO_AP_FOUND_IN_AUTHMODE_THRESHOLD", ""),
    (212, "NO_AP_FOUND_IN_RSSI_THRESHOLD", ""),
)

REASONS: dict[int, Reason] = {
    number: Reason(number, tuple(names.split()), esphome) for number, names, esphome in _ROWS
}

#: Texts that firmware prints and the headers do not have: MicroPython, ESPEasy and old drivers.
_OTHER_TEXTS = {
    "auth expire": 2,
    "auth leave": 3,
    "assoc expire": 4,
    "assoc too many": 5,
    "not authed": 6,
    "not assoced": 7,
    "assoc leave": 8,
    "beacon timeout": 200,
    "no ap found": 201,
    "auth fail": 202,
    "assoc fail": 203,
    "handshake timeout": 204,
    "hanshake timeout": 204,
    "4-way handshake timeout": 15,
    "4way handshake timeout": 15,
    "probe request unsuccessful": 201,
    "wrong password": 202,
}

_BY_NAME = {name: row.number for row in REASONS.values() for name in row.names}
_BY_NAME["INVALID_PMKID"] = 49
_BY_TEXT = {row.esphome.lower(): row.number for row in REASONS.values() if row.esphome} | _OTHER_TEXTS

_NAME = Pattern(r"(?:WIFI_REASON_|\b)(" + "|".join(sorted(_BY_NAME, key=len, reverse=True)) + r")\b")
_TEXT = Pattern("|".join(re.escape(text) for text in sorted(_BY_TEXT, key=len, reverse=True)), re.IGNORECASE)


def reason_in(text: str) -> int | None:
    """The reason that ``text`` names in words (``AUTH_EXPIRE``, ``Auth Expired``), else ``None``."""
    if found := _NAME.search(text):
        return _BY_NAME[found[1]]
    if found := _TEXT.search(text):
        return _BY_TEXT[found[0].lower()]
    return None


def spelled(number: int | None, idf: tuple[int, int] | None = None) -> str:
    """``2`` as ``reason 2 AUTH_EXPIRE``.

    Names moved with the ESP-IDF version ``idf`` (major, minor): 4, 6 and 7 carry their old names before v5.4, which
    users still search for.
    """
    if number is None:
        return "an unknown reason"
    row = REASONS.get(number)
    if row is None:
        return f"reason {number}"
    old = len(row.names) > 1 and (idf is None or idf < (5, 4))
    return f"reason {number} {row.names[1] if old else row.names[0]}"
