"""What in a text names somebody: networks, hosts, addresses and secrets, by how firmware and tools print them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MAC = r"(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])|(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])"
MAC = re.compile(_MAC)

#: Top-level names of hosts in logs: the usual ones, local ones, and two letters for countries. Endings of source files
#: and of calls (main.c, WiFi.begin) are none of them, except where a country has the same two letters.
_TOP = (
    "com|net|org|io|info|biz|edu|gov|mil|int|app|dev|cloud|online|xyz|tech|site|shop|store|me|tv|ai|co|eu|"
    "local|lan|home|internal|localdomain|intranet|corp|private|box|fritz|arpa|"
    "ac|ad|ae|ar|at|au|be|bg|br|by|ca|ch|cl|cn|cz|de|dk|ee|es|fi|fr|gr|hk|hr|hu|ie|il|in|ir|is|it|jp|kr|kz|lt|lu|lv|"
    "ma|mx|my|nl|no|nu|nz|pe|ph|pk|pl|pt|ro|rs|ru|sa|se|sg|si|sk|th|tn|tr|tw|ua|uk|us|vn|za"
)
_FQDN = (
    rf"(?<![\w.@/-])(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{{0,61}}[A-Za-z0-9])?\.)+(?:{_TOP})\.?(?![\w.-]*[\w-]|\()"
)
FQDN = re.compile(_FQDN, re.IGNORECASE)

_KEYS = (
    r"pass(?:word|wd|phrase|code)?|pwd|psk|pmk|wpa_?key|wifi_?pass\w*|secret|token|api[_ -]?key|(?:encryption|noise|private|shared|access)[_ -]?(?:psk|key)"
    r"|authorization|mqtt_?pass\w*"
)
_SECRET = (
    rf"(?:(?<![A-Za-z])(?:{_KEYS})[\"']?\s{{0,3}}[:=]\s{{0,3}}(?:(?:Basic|Bearer|Digest)\s+)?[\"']?|\bBearer\s+|(?<=://)[^\s/@:]{{1,64}}:(?=[^\s/@]{{1,256}}@))"
    r"(?P<value>[^\s\"',;@<>]{1,256})"
)
SECRET = re.compile(_SECRET, re.IGNORECASE)
_USER = re.compile(
    r"(?<![A-Za-z])(?:user(?:name)?|login|client[_ -]?id)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[^\s\"',;@<>()]{3,64})"
    r"|://(?P<info>[^\s/@:]{3,64})(?::[^\s/@]{1,128})?@",
    re.IGNORECASE,
)

#: Everything that can be told from its form alone, the longest forms first.
PATTERN = "|".join(
    (
        rf"(?P<secret>(?i:{_SECRET.replace('(?P<value>', '(?:')}))",
        r"(?P<mail>[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24})",
        rf"(?P<mac>{_MAC})",
        r"(?P<ipv6>(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}[0-9A-Fa-f]{1,4}(?![\w:])|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}(?![\w:]))",
        r"(?P<ipv4>(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d))",
        rf"(?P<fqdn>(?i:{_FQDN}))",
        r"(?P<bare>(?<![0-9A-Za-z])[0-9A-Fa-f]{12}(?![0-9A-Za-z]))",
        r"(?P<token>(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{16,}|[A-Za-z0-9+/_-]{24,}={0,2})(?![0-9A-Za-z]))",
    )
)

_QUOTED = r"[\"'\u2018\u201c](?P<q>[^\"'\u2019\u201d]{1,32})[\"'\u2019\u201d]"
_SSIDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\be?ssid\b[\"']?\s*[:=]?\s*{_QUOTED}",
        r"\be?ssid\b[\"']?\s*[:=]\s*(?P<q>[^\s\"',;|()\[\]<>][^\"',;|()\[\]<>\r\n]{0,31}?)"
        r"(?=\s*(?:[,;|()\[\]<>]|\s{2,}|$|\.{2,})|\s+(?:b?ssid|channel|chan|rssi|pass\w*|psk|auth\w*|ip|mac|key|on|with|bssid)\b)",
        # wifi: connected with NAME, aid = 1, channel 6
        r"\bconnected with (?P<q>[^\r\n]{1,32}?), (?:aid|channel|bssid)\b",
        rf"\b(?:connect(?:ing|ed)?|join(?:ing|ed)?|associat(?:ing|ed)|reconnecting)\b(?: to| with)?(?: (?:the )?(?:ap|wifi|wi-fi|wlan|network|ssid|access point))?[: ]*{_QUOTED}",
        r"\bconnect(?:ing|ed)? to (?:ap|wifi|wi-fi|wlan|network|ssid|access point)[: ]+(?P<q>[^\s\"',;:.]{1,32})",
        r"^(?:.{0,60}[>\])] ?)?\s*connecting to (?P<q>[^\s\"',;:.]{1,32})\s*\.*\s*$",
        # Tasmota: WIF: Connecting to AP1 NAME Channel 6 BSSId …
        r"\bAP[12] (?P<q>[^\r\n]{1,32}?) (?:Channel|in mode|as)\b",
        # MicroPython, in a script or at the prompt: name and password as two strings
        r"\bconnect\(\s*[\"'](?P<q>[^\"']{1,32})[\"']\s*,",
        # ESPHome's list of networks: - 'NAME' (AA:BB:…)
        rf"{_QUOTED}\s*\((?:hidden|[0-9a-f]{{2}}:)",
        rf"\b(?:found|scan(?:ned)?|saw) (?:ap|network|ssid)?[: ]*{_QUOTED}",
    )
)
_PYTHON_PASSWORD = re.compile(r"\bconnect\(\s*[\"'][^\"']{1,32}[\"']\s*,\s*[\"'](?P<value>[^\"']{1,64})[\"']")
_HOSTS = re.compile(
    r"\b(?:host ?name|hostname|mdns name|device name)[\"']?\s*[:=]\s*[\"']?(?P<value>[A-Za-z0-9][\w.-]{2,62})"
    r"|\b(?:in mode \S{1,4} as|server active on) (?P<tasmota>[A-Za-z0-9][\w-]{2,62})"
    r"|\b(?:mqtts?|https?|wss?|tcp|ssl|coaps?|ftp)://(?:[^\s/@]{1,200}@)?(?P<url>[A-Za-z0-9][\w.-]{1,253})",
    re.IGNORECASE,
)
#: Words that stand where a name could: a redacted report is no better for hiding them.
_NO_NAMES = frozenset(
    [
        "ap",
        "wifi",
        "wi-fi",
        "wlan",
        "network",
        "ssid",
        "access",
        "point",
        "the",
        "server",
        "broker",
        "mqtt",
        "internet",
        "host",
        "localhost",
        "null",
        "none",
        "true",
        "false",
        "failed",
        "timeout",
        "ok",
        "hidden",
        "unknown",
        "redacted",
        "[redacted]",
        "redacted>",
        "esp32",
    ]
)


def ssids_in(text: str) -> Iterator[str]:
    """Names of networks that ``text`` shows as such."""
    for pattern in _SSIDS:
        for found in pattern.finditer(text):
            name = found["q"].strip()
            if name.lower() not in _NO_NAMES and not name.replace(".", "").isdigit():
                yield name


def hosts_in(text: str) -> Iterator[str]:
    """Names of hosts that ``text`` shows as such, by a word before them or as part of an address (URL)."""
    for found in _HOSTS.finditer(text):
        name = (found["value"] or found["tasmota"] or found["url"]).rstrip(".")
        if name.lower() not in _NO_NAMES and not name.replace(".", "").isdigit():
            yield name


def secrets_in(text: str) -> Iterator[str]:
    """Passwords and keys long enough to be looked for elsewhere too."""
    for pattern in (SECRET, _PYTHON_PASSWORD):
        for found in pattern.finditer(text):
            if len(found["value"]) >= 6:
                yield found["value"]


def users_in(text: str) -> Iterator[str]:
    """Names of accounts and clients."""
    for found in _USER.finditer(text):
        yield found["value"] or found["info"]


def is_token(text: str) -> bool:
    """Whether a long run of letters and digits is a key rather than a word: hexadecimal, or mixed as base64 is."""
    if re.fullmatch("[0-9A-Fa-f]{16,}", text):
        return bool(re.search("[0-9]", text)) and bool(re.search("[A-Fa-f]", text))
    kinds = (str.isdigit, str.isupper, str.islower)
    return all(sum(map(kind, text)) >= 3 for kind in kinds)
