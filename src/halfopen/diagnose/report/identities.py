"""What in a text names somebody: networks, hosts, addresses and secrets, by how firmware and tools print them."""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator

from halfopen.findings import codes, fault

_HEX = "[0-9A-Fa-f]"
#: Six bytes, also right after a word and its colon (``bssid:02:…``), with a nought left out, or as Cisco writes them.
_MAC = "|".join(
    rf"(?<!{_HEX})(?:{_HEX}{{2}}{sep}){{5}}{_HEX}{{2}}(?!{_HEX}|{sep}{_HEX}{{2}}(?![0-9A-Za-z]))"
    for sep in ":-"
)
_MAC += (
    rf"|(?<![0-9A-Za-z])(?:{_HEX}{{1,2}}:){{5}}{_HEX}{{1,2}}(?![0-9A-Za-z:])"
    rf"|(?<![0-9A-Za-z.])(?:{_HEX}{{4}}\.){{2}}{_HEX}{{4}}(?![0-9A-Za-z.])"
)
MAC = re.compile(_MAC)

#: Top-level names of hosts in logs: the usual ones, local ones, and two letters for countries. Endings of source files
#: and of calls (main.c, WiFi.begin) are none of them, except where a country has the same two letters.
_TOP = (
    "com|net|org|io|info|biz|edu|gov|mil|int|app|dev|cloud|online|xyz|tech|site|shop|store|me|tv|ai|co|eu|"
    "local|lan|home|internal|localdomain|intranet|corp|private|box|fritz|arpa|"
    "ac|ad|ae|ar|at|au|be|bg|br|by|ca|ch|cl|cn|cz|de|dk|ee|es|fi|fr|gr|hk|hr|hu|ie|il|in|ir|is|it|jp|kr|kz|lt|lu|lv|"
    "ma|mx|my|nl|no|nu|nz|pe|ph|pk|pl|pt|ro|rs|ru|sa|se|sg|si|sk|th|tn|tr|tw|ua|uk|us|vn|za"
)
#: Last parts of dotted names that are files, calls, attributes, classes of a language or loggers, not hosts.
_NOT_TOP = (
    "c|h|cc|cpp|hpp|cxx|ino|py|pyc|mpy|js|ts|rs|go|s|o|a|so|elf|bin|map|hex|log|txt|md|json|yaml|yml|toml|ini|cfg|conf|"
    "csv|html|htm|css|xml|png|jpg|jpeg|gif|svg|gz|zip|tar|pcap|pcapng|cap|pem|crt|cer|der|key|csr|db|sqlite|dat|img|"
    "tmp|bak|lock|sh|bat|exe|dll|uf2|lua|be|rules|mp3|wav|service|socket|"
    "begin|connect|connected|disconnect|disconnected|reconnect|status|setup|loop|print|println|printf|write|read|"
    "available|stop|start|end|close|open|send|recv|sendto|recvfrom|bind|listen|accept|settimeout|timeout|restart|"
    "reset|mode|config|active|isconnected|ifconfig|scan|run|sleep|init|deinit|get|set|put|post|request|requests|"
    "publish|subscribe|error|errors|exception|exceptions|connection|client|core|helpers|components|entity|util|utils|"
    "main|simple|robust|async|aio|protocol|transport|transports|base|events|tasks|queue|gather|handler|handlers|"
    "version|local_ip|localip|rssi|ssid|psk|bssid|mac|enable|disable|ping|wait|join|value|name|state|update|"
    "mqtt|wifi|network|esphome|zeroconf|websocket|websockets|http|bluetooth|esp|ota"
)
#: First parts of dotted names of programs.
_PROGRAMS = (
    "self|this|sys|os|time|machine|network|u?socket|u?asyncio|wlan|wifi|esp|serial|client|homeassistant|aioesphomeapi|"
    "custom_components|u?requests|umqtt|paho|logging|aiohttp|ssl|errno|gc|json|http|mqtt|arduino|esphome|components"
)
_LABEL = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?|_[\w-]{1,62})"
_FQDN = (
    rf"(?<![\w.@/-])(?:(?:{_LABEL}\.)+(?:{_TOP}|_(?:esphomelib|tcp|udp))"
    # not the name of a logger: [esp32.preferences:114]
    rf"|(?<!\[)(?!(?:{_PROGRAMS})\.)(?:{_LABEL}\.)+(?!(?:{_NOT_TOP})(?![\w-]))(?-i:[a-z]{{2,24}}|xn--[a-z0-9-]{{2,59}}))"
    r"\.?(?![\w.-]*[\w-]|\()"
)
FQDN = re.compile(_FQDN, re.IGNORECASE)

_KEYS = (
    r"pass(?:word|wd|phrase|code)?|pwd?|psk|pmk|wpa_?key|wifi_?pass\w*|secret|token|api[_ -]?key|(?:encryption|noise|private|shared|access)[_ -]?(?:psk|key)"
    r"|authorization|mqtt_?pass\w*"
)
#: Keys whose values may hold blanks; keys of the others never do.
_PASSWORDS = r"(?:wifi_?|mqtt_?|wpa_?|sta_?|ap_?)?(?:pass(?:word|wd|phrase|code)?|pwd?|psk)"
_FIELD_ENDS = (
    r"(?=\s*$|[\r\n]|[,;|)]\s|[,;]\s?[A-Za-z_]\w{0,20}\s?[:=]|\s{2}|&|\s+[A-Za-z_][\w-]{0,30}\s?[:=]|\s\()"
)
_SECRET = (
    rf"(?:(?<![A-Za-z])(?:{_KEYS})\\?[\"']?\s{{0,3}}[:=]\s{{0,3}}(?:(?:Basic|Bearer|Digest)\s+)?|\bBearer\s+)"
    r"(?:\"(?P<double>(?:[^\"\\\r\n]|\\.){1,256})\"|'(?P<single>[^\r\n]{1,256}?)'(?!\w)"
    r"|\u201c(?P<curly>[^\u201d\r\n]{1,256})\u201d)"
    rf"|(?<![A-Za-z]){_PASSWORDS}\\?[\"']?\s{{0,3}}[:=]\s{{0,3}}\\?[\"']?(?P<field>[^\s\"'&][^\r\n&]{{0,255}}?){_FIELD_ENDS}"
    rf"|(?:(?<![A-Za-z])(?:{_KEYS})\\?[\"']?\s{{0,3}}[:=]\s{{0,3}}(?:(?:Basic|Bearer|Digest)\s+)?\\?[\"']?|\bBearer\s+)"
    r"(?P<word>[^\s\"',;<>&\\]{1,256})"
    # the password of an account in an address (URL)
    r"|(?<=://)[^\s/@:]{1,64}:(?P<url>[^\s\"']{1,256})(?=@)"
)
SECRET = re.compile(_SECRET, re.IGNORECASE)
#: The same without names of groups, to be a part of a pattern.
_SECRET_PART = re.sub(r"\(\?P<\w+>", "(?:", _SECRET)
_ARGUMENT = r"(?:\"(?P<{0}1>(?:[^\"\\\r\n]|\\.){{1,128}})\"|'(?P<{0}2>[^'\r\n]{{1,128}})')"
#: Places where a call, a command or a sentence says what follows; the names of groups are kinds, numbered.
_PLACES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:wrong|incorrect|bad|invalid)\s+pass(?:word|phrase)?\s+[\"']?(?P<word1>[^\s\"':=,;]{4,64})",
        rf"(?<![A-Za-z]){_PASSWORDS}\s{{1,3}}{_ARGUMENT.format('secret')}",
        r"\bpass(?:word|phrase|code)\s+(?:is|was)\s+[\"']?(?P<word1>[^\s\"',;]{4,64})",
        r"\buser(?:name)?\s+[\"']?(?P<user1>[^\s\"':=,]{2,64})[\"']?,?\s+(?:and\s+)?pass(?:word|wd)?\s+[\"']?(?P<secret1>[^\s\"',]{2,64})",
        rf"\b(?:begin|connect|addAP|softAP|set_credentials)\(\s*{_ARGUMENT.format('ssid')}\s*,\s*(?:password\s*=\s*)?{_ARGUMENT.format('secret')}",
        rf"\bAT\+CW[JS]AP(?:_CUR|_DEF)?=\s*{_ARGUMENT.format('ssid')}(?:\s*,\s*{_ARGUMENT.format('secret')})?",
        rf"\+CWJAP(?:_CUR|_DEF)?:\s*{_ARGUMENT.format('ssid')}",
        r"\bAT\+MQTTUSERCFG=\d+,\d+,\"(?P<client1>[^\"]*)\",\"(?P<user1>[^\"]*)\",\"(?P<secret1>[^\"]*)\"",
        r"\b(?:set-)?cookie[\"']?\s{0,3}[:=]\s{0,3}(?P<secret1>[^\r\n]{1,512})",
        r"\b(?:psk|pmk|ptk|gtk|passphrase|key)\b[^\r\n]{0,40}hexdump\([^)\r\n]{0,40}\):?\s*(?P<secret1>(?:[0-9a-f]{2}\s?){2,128})",
        r"\bpin\s?[:=]\s?(?P<secret1>\d{4,8})\b",
        r"\b(?:mac|bssid|address|addr)[:= ]{1,3}(?P<mac1>(?:[0-9a-f]{2} ){5}[0-9a-f]{2})(?![0-9a-z]| [0-9a-f]{2}\b)",
        r"(?:/home/|/Users/|\b[A-Z]:[\\/]{1,2}Users[\\/]{1,2})(?P<user1>[^/\\\s:\"']{1,64})",
        # what this tool says of frames
        r"\bDHCP \w+ 0x[0-9a-f]{8} [0-9a-f:]{17}(?: [0-9.]{7,15})? \((?P<name1>[^\r\n]{1,255})\)",
        r"\bDNS (?:query|response) 0x[0-9a-f]{4}(?: [\w ]{1,20})? \w{1,10} (?P<name1>[^\s]{1,255})$",
        # a line of syslog or journald begins with time and host
        r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?P<host1>[A-Za-z0-9][\w.-]{0,62}) [\w./@-]{1,64}(?:\[\d+\])?: ",
        # Home Assistant: NAME @ 192.168.7.31: …
        r"(?:^|\] )(?P<host1>[^\W_][^@\[\]\r\n]{1,62}?) @ (?=[0-9a-f:.]{4,39}:? )",
    )
)
_USER = re.compile(
    r"(?<![A-Za-z])(?:user(?:name)?|login|client[_ -]?id)[\"']?\s{0,3}(?:[:=]\s{0,3}[\"']?|[\"'])(?P<value>[^\s\"',;@<>()]{3,64})"
    r"|://(?P<info>[^\s/@:]{3,64})(?::[^\s/@]{1,128})?@",
    re.IGNORECASE,
)

#: A hardware address without separators, alone or after a word (ESP32246F28C0FFEE).
BARE = (
    r"(?P<bare>(?:(?<![0-9A-Za-z])|(?<=[G-Zg-z])"
    r"|(?i:(?<=esp32)|(?<=esp8266)))[0-9A-Fa-f]{12}(?![0-9A-Za-z]))"
)
#: Everything that can be told from its form alone, the longest forms first.
PATTERN = "|".join(
    (
        rf"(?P<secret>(?i:{_SECRET_PART}))",
        # JSON web tokens, all parts; keys of a cloud; UUIDs; eight bytes and more (EUI-64, fingerprints)
        r"(?P<key>(?<![0-9A-Za-z])(?:eyJ[\w-]{4,2048}(?:\.[\w-]{1,2048}){1,4}|A[KS]IA[0-9A-Z]{16}"
        rf"|{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}|{_HEX}{{2}}(?:[:-]{_HEX}{{2}}){{6,63}})(?![0-9A-Za-z]))",
        r"(?P<mail>[\w.%+-]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z]{2,24})",
        rf"(?P<mac>{_MAC})",
        rf"(?P<ipv6>(?<![0-9A-Za-z.])(?<!::)(?=[0-9A-Fa-f:]*\d)(?:(?:{_HEX}{{1,4}}:){{2,7}}{_HEX}{{1,4}}(?![\w:])"
        rf"|(?:{_HEX}{{1,4}}:){{1,6}}(?::{_HEX}{{1,4}}){{1,6}}(?![\w:])|(?:{_HEX}{{1,4}}:){{1,7}}:(?![\w:])"
        rf"|(?<!:)::(?:{_HEX}{{1,4}}:){{0,6}}{_HEX}{{1,4}}(?![\w:.])))",
        r"(?P<ipv4>(?<![\d.])(?<![vV])(?i:(?<!version )(?<!version:)(?<!version: )(?<!firmware )(?<!release ))"
        r"(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d))",
        rf"(?P<fqdn>(?i:{_FQDN}))",
        BARE,
        r"(?P<token>(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{16,}|[A-Za-z0-9+/_-]{20,}={0,2})(?![0-9A-Za-z]))",
    )
)

#: A closing apostrophe has no letter after it: 'Uwe's iPhone' ends at its second one.
_QUOTED = (
    r"(?:\"(?P<q>[^\"\r\n]{1,32})\"|'(?P<single>[^\"\r\n]{1,32}?)'(?!\w)|\u2018(?P<curly>[^\r\n]{1,32}?)\u2019(?!\w)"
    r"|\u201c(?P<curlies>[^\u201d\r\n]{1,32})\u201d)"
)
_SSIDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\be?ssid\b[\"']?\s*[:=]?\s*{_QUOTED}",
        r"\be?ssid\b[\"']?\s*[:=]\s*(?P<q>[^\s\"',;|()\[\]<>][^\"',;|()\[\]<>\r\n]{0,31}?)"
        r"(?=\s*(?:[,;|()\[\]<>]|\s{2,}|$|\.{2,})|\s+[a-z_]\w{0,20}\s?[:=]|\s+(?:b?ssid|channel|chan|rssi|pass\w*|psk|auth\w*|ip|mac|key|on|with|bssid)\b)",
        r"\be?ssid\s+(?P<plain>[^\s\"',;:=|()\[\]<>]{2,32})",
        # wifi: connected with NAME, aid = 1, channel 6
        r"\bconnected with (?P<q>[^\r\n]{1,32}?), (?:aid|channel|bssid)\b",
        rf"\b(?:connect(?:ing|ed)?|join(?:ing|ed)?|associat(?:ing|ed)|reconnecting)\b(?: to| with)?(?: (?:the )?(?:ap|wifi|wi-fi|wlan|network|ssid|access point))?[: ]*{_QUOTED}",
        r"\bconnect(?:ing|ed)? to (?:ap|wifi|wi-fi|wlan|network|ssid|access point)[: ]+(?P<q>[^\s\"',;:.]{1,32})",
        r"^(?:.{0,60}[>\])] ?)?\s*connecting to (?P<q>[^\s\"',;:.]{1,32})\s*\.*\s*$",
        # Tasmota: WIF: Connecting to AP1 NAME Channel 6 BSSId …
        r"\bAP[12] (?P<q>[^\r\n]{1,32}?) (?:Channel|in mode|as)\b",
        # ESPHome's list of networks: - 'NAME' (AA:BB:…)
        rf"{_QUOTED}\s*\((?:hidden|[0-9a-f]{{2}}:)",
        # lists of networks: [2][AA:BB:…] NAME (-64), 1 | NAME | -67 | …
        r"\[(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\] (?P<q>[^\r\n]{1,32}?) \(-\d",
        r"\|\s*(?P<q>[^|\r\n]{1,32}?)\s*\|\s*-\d{2,3}\s*(?:dBm\s*)?\|",
        rf"\b(?:found|scan(?:ned)?|saw) (?:ap|network|ssid)?[: ]*{_QUOTED}",
    )
)
_HOSTS = re.compile(
    r"\b(?:host ?name|hostname|mdns name|device name)[\"']?\s*[:=]\s*[\"']?(?P<value>[^\W_][\w.-]{2,62})"
    r"|\b(?:setting )?hostname (?:set )?(?:to |is )?[\"']?(?P<said>[^\W_][\w.-]{2,62})"
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


#: Words of messages: a name that is one of them is replaced only where the text says that it is a name.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "socket sockets system unable descriptor descriptors root admin user none null true false ok fail failed error errno "
        "warning info debug connect connected connecting connection disconnect disconnected wrong invalid incorrect empty "
        "missing unknown default station wifi wlan ap sta scan scanning found lost timeout reason retry retrying device "
        "host server broker client mqtt http https tcp udp dns dhcp open files many heap memory boot reset restart task "
        "not is was set to for and the of in on at from with length required changed accepted rejected list config "
        "configuration mismatch authentication handshake expired auth guest esp esp32 esp8266 espressif home local test",
    )
)


@functools.cache
def _vocabulary() -> frozenset[str]:
    """The words of the catalogue's own texts besides the usual ones of messages."""
    return _COMMON | {word for text in own_texts() for word in re.findall(r"[a-z]{2,}", text.lower())}


@functools.cache
def own_texts() -> frozenset[str]:
    """What the catalogue says; it names nobody."""
    faults = [fault(code) for code in codes()]
    return frozenset(text for f in faults for text in (f.title, f.why, f.plain, f.remedy.summary))


def is_plain_word(name: str) -> bool:
    """Whether ``name`` is made of words that messages and the catalogue are made of too."""
    words = re.split(r"[\s.,;:()/]+", name.strip().casefold())
    return all(word in _vocabulary() or word.isdigit() or not word for word in words)


def _is_said(text: str) -> bool:
    """Whether ``text`` is plain words capitalised as messages do it: nobody says that a password is wRong."""
    return is_plain_word(text) and (text.islower() or text.isupper() or text == text.capitalize())


def placed_in(text: str, secrets: Collection[str] = ()) -> Iterator[tuple[int, int, str]]:
    """Where calls, commands and sentences of ``text`` name somebody: start, end and kind, in order, none overlapping.

    "password is wrong" tells no password, unless ``secrets`` (casefolded) has it from a place that leaves no doubt.
    """
    found = sorted(
        [
            (hit.start(group), hit.end(group), group[:-1])
            for pattern in _PLACES
            for hit in pattern.finditer(text)
            for group in pattern.groupindex
            if hit.start(group) < hit.end(group)
        ]
        # names of networks that are words: nowhere else are they replaced
        + [(start, end, "ssid") for start, end in _ssids_at(text) if is_plain_word(text[start:end])]
    )
    at = 0
    for start, end, kind in found:
        named = text[start:end]
        if kind == "word":
            doubtful = _is_said(named) and named.casefold() not in secrets
        else:
            doubtful = kind in ("user", "client", "host") and is_plain_word(named)
        if start < at or doubtful:
            continue
        if not set(named) <= set("*. "):
            at = end
            yield (
                start,
                end,
                {"word": "secret", "client": "user", "ssid": "SSID", "name": "host"}.get(kind, kind),
            )


def ssids_in(text: str) -> Iterator[str]:
    """Names of networks that ``text`` shows as such."""
    for start, end in _ssids_at(text):
        yield text[start:end].strip()


def _ssids_at(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _SSIDS:
        for found in pattern.finditer(text):
            group = found.lastgroup or ""
            name = found[group].strip()
            if group == "plain" and (is_plain_word(name) or not re.search("[A-Z0-9_-]", name)):
                continue
            if name and name.lower() not in _NO_NAMES and not name.replace(".", "").isdigit():
                yield found.span(group)


def hosts_in(text: str) -> Iterator[str]:
    """Names of hosts that ``text`` shows as such, by a word before them or as part of an address (URL)."""
    for found in _HOSTS.finditer(text):
        name = (found["value"] or found["said"] or found["tasmota"] or found["url"]).rstrip(".")
        if name.lower() not in _NO_NAMES and not name.replace(".", "").isdigit():
            yield name


def secrets_in(text: str) -> Iterator[str]:
    """Passwords and keys long enough to be looked for elsewhere too."""
    for found in SECRET.finditer(text):
        value = found[found.lastgroup or 0]
        if len(value) >= 6 and not set(value) <= set("*. "):
            yield value


def users_in(text: str) -> Iterator[str]:
    """Names of accounts and clients."""
    for found in _USER.finditer(text):
        yield found["value"] or found["info"]


def is_token(text: str) -> bool:
    """Whether a long run of letters and digits is a key rather than words: hexadecimal, or mixed as base64 is.

    Words, in whatever spelling (``WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT``), stay long in one kind of letter; a key changes
    kind every other letter and repeats few: 3.2 bits of entropy a letter are less than any random 20 letters have.
    """
    if re.fullmatch("[0-9A-Fa-f]{16,}", text):
        return bool(re.search("[0-9]", text)) and bool(re.search("[A-Fa-f]", text))
    kinds = (str.isdigit, str.isupper, str.islower)
    # folders and topics are judged part by part
    parts = [part for part in text.split("/") if len(part) >= 16]
    if any(all(sum(map(kind, part)) >= 3 for kind in kinds) for part in parts):
        return True
    counts = Counter(text)
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    runs = re.findall("[A-Z]?[a-z]+|[A-Z]+|[0-9]+", text)
    return entropy >= 3.2 and len(text) <= 2.6 * len(runs) and any(map(str.isdigit, text))
