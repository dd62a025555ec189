"""What drivers and firmware say of the radio: joins, drops, beacons, signal, power save, addresses."""

from __future__ import annotations

import re

from halfopen.diagnose.events import (
    AddressGot,
    AddressNamed,
    ApUnreachable,
    AuthRejected,
    BeaconIntervalTold,
    BeaconProbeFailed,
    BeaconsMissed,
    DhcpTimedOut,
    Event,
    JoinRefused,
    JoinRetried,
    JoinTimedOut,
    LeaseGiven,
    LinkStateChanged,
    Moment,
    NetifDowned,
    NetifUpped,
    PlannedPause,
    PowerSaveSet,
    Provenance,
    SignalSampled,
    SleepReported,
    StationJoined,
    StationLeft,
    StatusClaimed,
    WifiDropped,
    WifiJoined,
    WifiStarted,
)
from halfopen.diagnose.sources.phrase import Place, phrase
from halfopen.formats import wifi_reason
from halfopen.formats.logline import LogLine
from halfopen.formats.patterns import Pattern

_IP = r"(?:\d{1,3}\.){3}\d{1,3}"
#: An address that was given; all zeros is none. (The event behind ``sta ip`` never tells of none, and its line is planned.)
_GIVEN = rf"(?!0\.0\.0\.0\b){_IP}"
_MAC = r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"

PHRASES = (
    phrase(BeaconsMissed, "bcn_timout|bcn_timeout", r"bcn_time?out,? ?ap_probe_send_start"),
    phrase(BeaconProbeFailed, "ap_probe_send over", r"ap_probe_send over"),
    phrase(
        WifiStarted,
        "connecting",
        r"wifi[ :]*(?:: )?connecting (?:to )?'?(?P<ssid>[^'\s.]*)'?|^connecting to (?:network|wifi|wi-fi|ap)\b|^connecting (?:to )?'[^']+'",
    ),
    phrase(
        WifiJoined,
        "connected with ",
        r"connected with .*?aid ?= ?\d+, channel (?P<channel>\d+).*?bssid ?= ?(?P<bssid>" + _MAC + ")",
    ),
    phrase(
        WifiJoined,
        "connected ssid=|sta_connected|wifi connected|wifi: connected|connected to ap|wi-fi connected",
        r"event: \d+ - sta_connected|wifi_event_sta_connected|^wifi[ :]+connected|wi-fi connected|connected to ap\b|wifi connected(?! *[:=])|^(?:event: )?connected ssid=",
    ),
    phrase(WifiJoined, "connected", r"^connected$", ("wif",)),
    phrase(
        ApUnreachable,
        "cannot be reached|ap not found|no ap found|no network with|ssid not|+cwjap:3|no networks|could not find|no matching network|no_ssid_avail|access-point not found",
        r"wl_no_ssid_avail|access-point not found|ap cannot be reached|no (?:ap|network|wifi)s? found|^\+cwjap:3|no matching network|no network with that ssid|ssid not found|could not find (?:the )?(?:ap|network|ssid)",
    ),
    phrase(
        AuthRejected,
        "incorrect password|wrong password|wrong_password|bad password|+cwjap:2|authentication failure|connect_failed|authentication failed",
        r"^connectionerror: authentication failure|\bwl_connect_failed\b|wi-fi station authentication failed|(?:incorrect|wrong|bad|invalid) (?:wifi )?password|ap incorrect password|wl_(?:station_)?wrong_password|^\+cwjap:2",
    ),
    phrase(
        JoinTimedOut,
        "ap timeout|+cwjap:1|timeout while connecting to wifi",
        r"with ap timeout|^\+cwjap:1|^timeout while connecting to wifi",
    ),
    # the station example of ESP-IDF, which many programs began as, tells every failed attempt and no reason
    phrase(JoinRetried, "retry to connect to the ap", r"^retry to connect to the ap\b", ("wifi", "sta")),
    # CircuitPython's exception and MicroPython's WLAN.status() hold the driver's reason
    phrase(WifiDropped, "unknown failure", r"^connectionerror: unknown failure (?P<reason>\d{1,3})(?!\S)"),
    phrase(
        WifiDropped,
        "status",
        r"\b(?:wlan|wi-?fi|sta_if|nic)[ ._]?status(?:\(\))?[ :=>-]+(?P<reason>20[0-4]|21[0-2])(?!\S)",
    ),
    phrase(
        JoinRefused,
        "refused temporarily",
        r"association refused temporarily(?:, comeback time (?P<comeback_ms>\d+) msec)?",
    ),
    phrase(PowerSaveSet, "pm start", r"pm start, type: ?(?P<mode>[12])", on=True),
    phrase(PowerSaveSet, "pm start", r"pm start, type: ?0", on=False),
    phrase(
        PowerSaveSet,
        "set ps|power save|ps_none|pm_none|modem sleep|sleep off|light sleep|setsleep|power_save",
        r"wifi_ps_none|pm_none|power.?save(?: mode)?[ :=]+(?:none|off|disabled)|modem.?sleep (?:off|disabled)|sleep off|setsleep\((?:false|0)|set ?ps[: ]+(?:type: ?)?0",
        on=False,
    ),
    phrase(
        PowerSaveSet,
        "wifi_ps_m|power save|modem sleep|power_save|set ps|pm_performance|pm_powersave",
        r"(?P<mode>wifi_ps_m\w+_modem)|power.?save(?: mode)?[ :=]+(?:light|high|min|max|on|enabled)|modem.?sleep (?:on|enabled)|set ps type: ?[12]",
        on=True,
    ),
    phrase(
        SleepReported, "total sleep time", r"total sleep time: ?(?P<slept_us>\d+) us / (?P<total_us>\d+) us"
    ),
    phrase(
        BeaconIntervalTold,
        "beacon interval",
        r"beacon interval ?= ?(?P<interval_us>\d+) us, dtim period ?= ?(?P<dtim>\d+)",
    ),
    phrase(AddressGot, "ip", rf"(?:sta|eth) ip: ?(?P<ip>{_IP}), mask: ?{_IP}, gw: ?(?P<gateway>{_IP})"),
    phrase(
        AddressGot,
        "ip|addr|network config|ifconfig",
        rf"(?:got (?:new |same )?ip(?: address)?|(?<!ap )(?:sta |local )?ip address|ip_event_sta_got_ip|sta_got_ip|network config|ifconfig(?!=))['\"():=, ]*(?P<ip>{_GIVEN})(?!:\d)(?:.{{0,40}}(?:gw|gateway)[ :=]+(?P<gateway>{_IP}))?",
    ),
    phrase(AddressGot, "wifi: sta_got_ip|got_ip", rf"(?:sta_)?got_ip.*?(?P<ip>{_GIVEN})"),
    phrase(
        AddressNamed, "ip|addr", rf"(?:\baddr|\bip|local ip|ifconfig)(?: is)?[=: ]+(?P<ip>{_IP})\b(?!:\d)"
    ),
    phrase(
        DhcpTimedOut,
        "dhcp|no ip|ip address|no address|no lease|got_ip not|ip",
        r"dhcp_timeout\(\)|dhcp_fine_tmr\(\): request timeout|dhcp(?: client)?[: ]+(?:request |lease )?(?:timed? ?out|failed|no (?:answer|response|offer|lease))|(?:no|without) ip address|failed to (?:get|obtain) (?:an )?ip|\bno (?:ip|address|dhcp lease|lease)(?: address)?(?: yet)? (?:after|in|for|within) \d+|still no ip|got_ip not (?:seen|received)|(?:timed? ?out|waiting) (?:while )?(?:waiting )?for (?:an )?(?:ip|dhcp)|dhcp (?:discover|request).*(?:timeout|retry|no )|^no dhcpoffers received|^(?:local )?ip(?: address)?(?: is)?[ :=]+(?=0\.0\.0\.0(?!\S))\d\.",
    ),
    phrase(LeaseGiven, "assigned ip to a client", rf"assigned ip to a client, ip is: ?(?P<ip>{_IP})"),
    phrase(StationJoined, "station", rf"station: ?(?P<mac>{_MAC}) join"),
    phrase(StationLeft, "station", rf"station: ?(?P<mac>{_MAC}) leave"),
    phrase(
        NetifDowned,
        "netif down|link down|interface down",
        r"netif (?:is )?down|(?:wifi|sta|interface) (?:link )?down\b",
    ),
    phrase(NetifUpped, "netif up", r"netif (?:is )?up"),
    phrase(
        StatusClaimed,
        "connected|link=up|status|wifi",
        r"\bwl_connected\b|(?:\b|_)connected ?= ?(?:1|true|yes)\b|\blink ?= ?up\b|isconnected(?:\(\))?[ :=>-]*true|wi-?fi(?:[ .]status\(?\)?)?[ :=]+(?:connected|ok|up|3)\b|still connected|wifi ?= ?1\b",
        connected=True,
    ),
    phrase(
        StatusClaimed,
        "disconnected|link=|connected|wifi",
        r"\bwl_(?:disconnected|connection_lost)\b|(?:\b|_)connected ?= ?(?:0|false|no)\b|\blink ?= ?(?:down|lost)\b|isconnected(?:\(\))?[ :=>-]*false|\bwifi ?= ?0\b",
        connected=False,
    ),
    phrase(PlannedPause, "roam", r"roam", kind="roam"),
    phrase(PlannedPause, "wps", r"\bwps\b", kind="wps"),
    phrase(
        PlannedPause,
        "disconnect",
        r"esp_wifi_disconnect\(|wifi (?:stop|disconnect) requested|user requested disconnect|disconnecting on request|wifi\.disconnect\(",
        kind="leave",
    ),
    phrase(AddressNamed, "mode : sta", rf"mode : sta \((?P<mac>{_MAC})\)"),
    phrase(AddressNamed, "mac", rf"(?:local mac|mac(?: address)?|sta mac)[ :=]+(?P<mac>{_MAC})"),
)

_STATE = Pattern(r"state: (?P<old>\w+) -> (?P<new>\w+) \((?:0x)?(?P<code>[0-9a-f]+)\)", re.IGNORECASE)
_REASON = Pattern(
    r"(?:\b|_)reason(?:[ _]?code)?\b[ '\":=(]*(?:is )?(?P<number>\d{1,3})\b(?!-?way)|\breason(?:[ _]?code)?[ '\":=(]+0x(?P<hex>[0-9a-f]{1,2})\b|wi-?fi disconnected,? (?P<bare>\d{1,3})\b|\breason[ :='\"]+\((?P<bracket>\d+)\)",
    re.IGNORECASE,
)
_IN_BRACKETS = Pattern(r"timeout\((\d{3})\)")
#: What makes a reason one of Wi-Fi: firmware has reset, wake-up and close reasons too.
_DROP_WORDS = Pattern(
    r"disconn|sta_disc|\bssid|bssid|rssi|wi-?fi|wlan|\bap\b|reason[: ]+\d+ - [A-Z4]|wifi_reason|deauth|disassoc",
    re.IGNORECASE,
)
_OTHER_REASONS = Pattern(
    r"reset reason|wake-?up|boot reason|close reason|reboot reason|reason phrase|station:? (?:left|.*\bleave)|client left|day plan",
    re.IGNORECASE,
)
_BSSID = Pattern(rf"bssid[ =:]+(?P<mac>{_MAC})", re.IGNORECASE)
_RSSI = Pattern(r"(?:rssi|signal(?: strength)?)[^-\d\n]{0,24}(?P<dbm>-\d{2,3})\b", re.IGNORECASE)
_OTHER_RADIOS = Pattern(
    r"\b(?:ble|bt|bluetooth|lora\w*|zigbee|w?mbus\w*|esp-?now|cc1101|rf|sx12\d\d|nrf\w*|distance|txpower|manufacturerdata)\b|wmbus|\bbt_|ble_",
    re.IGNORECASE,
)
#: What may be the ``(0x`` of a state's code.
_HEXADECIMAL = Pattern(r"\([0-9]x")
#: Those whose names hold numbers.
_NUMBERED_RADIOS = Pattern(r"cc[0-9]{4}|sx[0-9]{4}")
_SCAN_HIT = Pattern(
    r"^- '|found (?:a better )?ap|scan result|\bch(?:annel)? ?[:=]? ?\d+.*rssi", re.IGNORECASE
)
#: Sensitivity of the ESP32 at 1 Mbit/s is -98 dBm (data sheet): nothing weaker is Wi-Fi.
_WIFI_DBM_MIN = -98
#: A loss of the Wi-Fi that a program tells without its reason.
_BARE_DROP = Pattern(
    r"\b(?:wi-?fi|wlan)[\w ]*: disconnected[.!]*$|: wi-?fi disconnected, trying to reconnect", re.IGNORECASE
)
#: MQTT, HTTP and web sockets have reasons and disconnects of their own.
_NOT_WIFI_TAGS = Pattern(
    r"mqtt|http|websocket|\bws\b|ble|bt_|api\b|aioesphomeapi|esp-tls|event$|tcpip|mqt$", re.IGNORECASE
)


#: Without one of these :func:`read_radio` finds nothing.
NEEDED = (_STATE, Pattern("reason|disconnect"), _RSSI)


def tells_digits_apart(lowered: str) -> bool:
    """Whether :func:`read_radio` may find something else where a digit is exchanged for another, beside other figures and what
    comes of a signal that is too weak."""
    if _NUMBERED_RADIOS.search(lowered) or ("->" in lowered and _HEXADECIMAL.search(lowered)):
        return True
    if "->" in lowered and _STATE.search(lowered):
        return False
    return "reason" in lowered or "disconnect" in lowered


def signal_place(line: LogLine, lowered: str) -> Place | None:
    """Where in the message the signal stands that :func:`read_radio` finds, if it is not too weak."""
    spoken = "rssi" in lowered or "signal" in lowered
    if not spoken or _OTHER_RADIOS.search(f"{line.tag} {lowered}") or _SCAN_HIT.search(line.message):
        return None
    found = _RSSI.search(line.message)
    return Place("rssi_dbm", *found.span("dbm"), int) if found else None


def state_places(message: str, lowered: str) -> list[Place]:
    """Where in the message the fields of the change of state stand that :func:`read_radio` finds."""
    state = _STATE.search(message) if "->" in lowered else None
    if state is None:
        return []
    return [
        Place("old", *state.span("old"), str.lower),
        Place("new", *state.span("new"), str.lower),
        Place("code", *state.span("code"), hexadecimal),
    ]


def hexadecimal(digits: str) -> int:
    """The number in hexadecimal ``digits``."""
    return int(digits, 16)


def read_radio(line: LogLine, lowered: str, where: Provenance, at: Moment) -> list[Event]:
    """State changes, disconnect reasons and signal strength."""
    events: list[Event] = []
    if "->" in lowered and (state := _STATE.search(line.message)):
        events.append(
            LinkStateChanged(
                where, at, state["old"].lower(), state["new"].lower(), hexadecimal(state["code"])
            )
        )
    elif "reason" in lowered or "disconnect" in lowered:
        events.extend(_drop(line, where, at))
    spoken = "rssi" in lowered or "signal" in lowered
    if spoken and not _OTHER_RADIOS.search(f"{line.tag} {lowered}") and (found := _RSSI.search(line.message)):
        dbm = int(found["dbm"])
        if dbm < _WIFI_DBM_MIN:  # LoRa, BLE: another receiver's signal
            return events
        if not _SCAN_HIT.search(line.message):  # a scan lists networks the device is not in
            events.append(SignalSampled(where, at, dbm))
    return events


def _drop(line: LogLine, where: Provenance, at: Moment) -> list[Event]:
    """A disconnect with its reason: number first, then the C name, then the firmware's text."""
    text = line.message
    tag = line.tag.lower()
    if line.dialect == "host" or _OTHER_REASONS.search(text):
        return []
    if not _DROP_WORDS.search(f"{tag} {text}"):
        return []
    if _NOT_WIFI_TAGS.search(tag) and "sta_disconnected" not in text.lower():
        return []
    if found := _REASON.search(text):
        hexadecimal_digits = found["hex"]
        number: int | None = (
            hexadecimal(hexadecimal_digits)
            if hexadecimal_digits
            else int(found["number"] or found["bare"] or found["bracket"])
        )
    else:
        number = wifi_reason.reason_in(text)
        if number is None and (bracketed := _IN_BRACKETS.search(text)):
            number = int(bracketed[1])
    if number is None and not _BARE_DROP.search(f"{tag}: {text}"):
        return []
    bssid = _BSSID.search(text)
    return [WifiDropped(where, at, number, bssid["mac"].lower() if bssid else "")]
