"""Wi-Fi disconnect reasons by number, as ESP-IDF's ``wifi_err_reason_t`` has them.

Source: esp_wifi_types.h / esp_wifi_types_generic.h of ESP-IDF v4.0 to v6.2-dev. Names move between versions (4 was
ASSOC_EXPIRE up to v5.5, DISASSOC_DUE_TO_INACTIVITY from v5.4), numbers do not: match on the number. ESPHome and some
applications print a text only; :func:`reason_in` finds the number behind it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: ``names`` the current name first, ``esphome`` the text ESPHome prints, ``first`` the ESP-IDF
    version (major, minor) that is known to have it."""

    number: int
    names: tuple[str, ...]
    esphome: str
    first: tuple[int, int]


_ROWS: tuple[tuple[int, str, str, tuple[int, int]], ...] = (
    (1, "UNSPECIFIED", "", (4, 0)),
    (2, "AUTH_EXPIRE", "Auth Expired", (4, 0)),
    (3, "AUTH_LEAVE", "Auth Leave", (4, 0)),
    (4, "DISASSOC_DUE_TO_INACTIVITY ASSOC_EXPIRE", "Association Expired", (4, 0)),
    (5, "ASSOC_TOOMANY", "Too Many Associations", (4, 0)),
    (6, "CLASS2_FRAME_FROM_NONAUTH_STA NOT_AUTHED", "Not Authenticated", (4, 0)),
    (7, "CLASS3_FRAME_FROM_NONASSOC_STA NOT_ASSOCED", "Not Associated", (4, 0)),
    (8, "ASSOC_LEAVE", "Association Leave", (4, 0)),
    (9, "ASSOC_NOT_AUTHED", "Association not Authenticated", (4, 0)),
    (10, "DISASSOC_PWRCAP_BAD", "Disassociate Power Cap Bad", (4, 0)),
    (11, "DISASSOC_SUPCHAN_BAD", "Disassociate Supported Channel Bad", (4, 0)),
    (12, "BSS_TRANSITION_DISASSOC", "", (4, 4)),
    (13, "IE_INVALID", "IE Invalid", (4, 0)),
    (14, "MIC_FAILURE", "Mic Failure", (4, 0)),
    (15, "4WAY_HANDSHAKE_TIMEOUT", "4-Way Handshake Timeout", (4, 0)),
    (16, "GROUP_KEY_UPDATE_TIMEOUT", "Group Key Update Timeout", (4, 0)),
    (17, "IE_IN_4WAY_DIFFERS", "IE In 4-Way Handshake Differs", (4, 0)),
    (18, "GROUP_CIPHER_INVALID", "Group Cipher Invalid", (4, 0)),
    (19, "PAIRWISE_CIPHER_INVALID", "Pairwise Cipher Invalid", (4, 0)),
    (20, "AKMP_INVALID", "AKMP Invalid", (4, 0)),
    (21, "UNSUPP_RSN_IE_VERSION", "Unsupported RSN IE version", (4, 0)),
    (22, "INVALID_RSN_IE_CAP", "Invalid RSN IE Cap", (4, 0)),
    (23, "802_1X_AUTH_FAILED", "802.1x Authentication Failed", (4, 0)),
    (24, "CIPHER_SUITE_REJECTED", "Cipher Suite Rejected", (4, 0)),
    (25, "TDLS_PEER_UNREACHABLE", "", (5, 1)),
    (26, "TDLS_UNSPECIFIED", "", (5, 1)),
    (27, "SSP_REQUESTED_DISASSOC", "", (5, 1)),
    (28, "NO_SSP_ROAMING_AGREEMENT", "", (5, 1)),
    (29, "BAD_CIPHER_OR_AKM", "", (5, 1)),
    (30, "NOT_AUTHORIZED_THIS_LOCATION", "", (5, 1)),
    (31, "SERVICE_CHANGE_PERCLUDES_TS", "", (5, 1)),
    (32, "UNSPECIFIED_QOS", "", (5, 1)),
    (33, "NOT_ENOUGH_BANDWIDTH", "", (5, 1)),
    (34, "MISSING_ACKS", "", (5, 1)),
    (35, "EXCEEDED_TXOP", "", (5, 1)),
    (36, "STA_LEAVING", "", (5, 1)),
    (37, "END_BA", "", (5, 1)),
    (38, "UNKNOWN_BA", "", (5, 1)),
    (39, "TIMEOUT", "", (5, 1)),
    (46, "PEER_INITIATED", "", (5, 1)),
    (47, "AP_INITIATED", "", (5, 1)),
    (48, "INVALID_FT_ACTION_FRAME_COUNT", "", (5, 1)),
    (49, "INVALID_PMKID", "", (5, 1)),
    (50, "INVALID_MDE", "", (5, 1)),
    (51, "INVALID_FTE", "", (5, 1)),
    (53, "INVALID_PMKID", "", (4, 1)),
    (67, "TRANSMISSION_LINK_ESTABLISH_FAILED", "", (5, 1)),
    (68, "ALTERATIVE_CHANNEL_OCCUPIED", "", (5, 1)),
    (200, "BEACON_TIMEOUT", "Beacon Timeout", (4, 0)),
    (201, "NO_AP_FOUND", "AP Not Found", (4, 0)),
    (202, "AUTH_FAIL", "Authentication Failed", (4, 0)),
    (203, "ASSOC_FAIL", "Association Failed", (4, 0)),
    (204, "HANDSHAKE_TIMEOUT", "Handshake Failed", (4, 0)),
    (205, "CONNECTION_FAIL", "Connection Failed", (4, 0)),
    (206, "AP_TSF_RESET", "", (4, 2)),
    (207, "ROAMING", "Station Roaming", (4, 3)),
    (208, "ASSOC_COMEBACK_TIME_TOO_LONG", "", (5, 1)),
    (209, "SA_QUERY_TIMEOUT", "", (5, 1)),
    (210, "NO_AP_FOUND_W_COMPATIBLE_SECURITY", "", (5, 2)),
    (211, "NO_AP_FOUND_IN_AUTHMODE_THRESHOLD", "", (5, 2)),
    (212, "NO_AP_FOUND_IN_RSSI_THRESHOLD", "", (5, 2)),
)

REASONS: dict[int, Reason] = {
    number: Reason(number, tuple(names.split()), esphome, first) for number, names, esphome, first in _ROWS
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

_NAME = re.compile(r"(?:WIFI_REASON_|\b)(" + "|".join(sorted(_BY_NAME, key=len, reverse=True)) + r")\b")
_TEXT = re.compile(
    "|".join(re.escape(text) for text in sorted(_BY_TEXT, key=len, reverse=True)), re.IGNORECASE
)


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
    users still search for, and 53 was INVALID_PMKID up to v5.0.
    """
    if number is None:
        return "an unknown reason"
    row = REASONS.get(number)
    if row is None:
        return f"reason {number}"
    old = len(row.names) > 1 and (idf is None or idf < (5, 4))
    return f"reason {number} {row.names[1] if old else row.names[0]}"
