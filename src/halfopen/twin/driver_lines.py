"""What firmware prints of Wi-Fi: the driver's lines and the application's, in each dialect, from what a station tells.

ESP-IDF prints the driver's own lines (``state: run -> init (c800)``: the reason and the first byte of the frame that caused
it) and the example's; Arduino, ESPHome and MicroPython print the event, each with its own words for a reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from halfopen.formats import wifi_reason

if TYPE_CHECKING:
    from halfopen.twin.console import Console
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.station import Station
    from halfopen.twin.world import World

_US = 1_000
#: MicroPython's texts (ports/esp32/network_wlan.c); every other reason has none.
_MICROPYTHON = {200: "beacon timeout", 201: "no AP found", 202: "authentication failed"}
#: ESPHome has a text for these two that its table of reasons has not.
_ESPHOME = {201: "Probe Request Unsuccessful"}
#: The driver's numbers of power save modes.
_MODES = {"none": 0, "min": 1, "max": 2}


class DriverLines:
    """Prints on ``console`` what ``station`` tells."""

    def __init__(self, world: World, console: Console, station: Station) -> None:
        self._world = world
        self._console = console
        self._station = station
        self._running_since = -1
        self._channel = 1
        station.on_told = self.tell
        self._tellers = {
            "state": self._state,
            "connected": self._connected,
            "beacons-missed": lambda _: self._driver("bcn_timeout,ap_probe_send_start"),
            "probing-over": lambda _: self._driver("ap_probe_send over, resett wifi status to disassoc"),
            "disconnected": self._disconnected,
            "roaming": self._roaming,
        }

    def tell(self, what: str, facts: dict[str, Any]) -> None:
        """Print what that means."""
        self._tellers[what](facts)

    def _driver(self, message: str) -> None:
        if self._console.dialect == "esp-idf":
            self._console.wifi("I", message)

    def _state(self, facts: dict[str, Any]) -> None:
        if facts["new"] == "auth":
            ap = self._station.ap
            channel = ap.channel if ap is not None else self._channel
            self._driver(
                f"new:<{channel},0>, old:<{self._channel},0>, ap:<255,255>, sta:<{channel},0>, prof:1"
            )
            self._channel = channel
        self._driver(f"state: {facts['old']} -> {facts['new']} ({facts['code']:x})")

    def _connected(self, facts: dict[str, Any]) -> None:
        station = self._station
        ap: AccessPoint = facts["ap"]
        self._running_since = self._world.now
        self._driver(
            f"connected with {ap.ssid}, aid = {facts['aid']}, channel {ap.channel}, BW20, bssid = {ap.bssid}"
        )
        security = "WPA2-PSK" if ap.security != "open" else "Open Auth"
        self._driver(f"security: {security}, phy: bgn, rssi: {facts['rssi']}")
        self._driver(f"pm start, type: {_MODES[station.power_save]}")
        if station.power_save != "none" and self._console.dialect == "esp-idf":
            # The driver tells it with the first beacon that it hears.
            wait = ap.beat.after(self._world.now) - self._world.now
            self._world.after(wait, self._interval, ap, self._running_since)

    def _interval(self, ap: AccessPoint, since: int) -> None:
        if self._running_since == since and self._station.ap is ap:
            interval_us = ap.beat.interval // _US
            self._driver(f"AP's beacon interval = {interval_us} us, DTIM period = {ap.beat.dtim}")

    def _roaming(self, facts: dict[str, Any]) -> None:
        if self._console.dialect == "esp-idf":
            self._console.idf(
                "I", "ROAM", f"Found a better AP {facts['bssid']} at channel {facts['channel']}"
            )

    def _disconnected(self, facts: dict[str, Any]) -> None:
        console, reason = self._console, facts["reason"]
        if self._running_since >= 0 and console.dialect == "esp-idf":
            ran = (self._world.now - self._running_since) // _US
            slept = 0 if self._station.power_save == "none" else ran * 9 // 10
            self._driver(f"pm stop, total sleep time: {slept} us / {ran} us")
        self._running_since = -1
        row = wifi_reason.REASONS.get(reason)
        if console.dialect == "esp-idf":
            again = "" if reason == 8 else ", retry to connect to the AP"
            console.idf("W", "wifi station", f"STA disconnected, reason {reason}{again}")
        elif console.dialect == "arduino":
            name = row.names[-1] if row is not None else "UNKNOWN"
            console.arduino("W", "STA.cpp:150", "_onStaArduinoEvent", f"Reason: {reason} - {name}")
        elif console.dialect == "esphome":
            words = _ESPHOME.get(reason) or (row.esphome if row is not None else "") or "Unspecified"
            where = f"ssid='{self._station.ssid}' bssid={facts['bssid'].upper() or '00:00:00:00:00:00'}"
            console.esphome("W", "wifi_esp32", 737, f"Disconnected {where} reason='{words}'")
        else:
            words = _MICROPYTHON.get(reason, "")
            console.print(f"I ({console.uptime_ms}) wifi: STA_DISCONNECTED, reason:{reason}:{words}")
