"""Wi-Fi of an ESP32 under MicroPython, as the link asks for it: join, address, leave, power save off.

The driver's own reconnecting is switched off: it would go on for ever and hide what happens. ``isconnected()`` is not
asked, because it stays true when the lease is lost: the address is. Not tried on hardware.
"""

import network  # type: ignore[import-not-found]

#: STAT_CONNECTING of MicroPython's ESP32 port; with STAT_IDLE (1000) and STAT_GOT_IP (1010) the numbers above all
#: reasons of IEEE 802.11 and of ESP-IDF (200 and up).
_FIRST_STATUS = 1000
#: Reasons that a radio dozing through beacons or the access point's patience gives: expired, inactive, beacons lost.
_DOZED_OFF = (2, 4, 200)


class Wlan:
    """The station interface. ``ssid`` and ``key`` are what it joins with; ``key`` is never printed."""

    def __init__(self, ssid: str, key: str = "") -> None:
        self._ssid, self._key = ssid, key
        self._wlan = network.WLAN(network.STA_IF)

    def join(self) -> bool:
        """Begin to join, where it has not joined; false when the driver refuses."""
        if self.joined() and self.address():
            return True
        try:
            self._wlan.active(True)
            try:
                self._wlan.disconnect()  # a join under way would make connect() fail
            except OSError:
                pass
            self._wlan.config(reconnects=0)
            self._wlan.connect(self._ssid, self._key)
        except OSError:
            return False
        return True

    def joined(self) -> "bool | None":
        """True when layer 2 stands, false when the driver gave up, ``None`` while it tries."""
        if 0 < self._wlan.status() < _FIRST_STATUS:
            return False
        try:
            self._wlan.status(
                "rssi"
            )  # the driver knows it of an access point that it is associated with only
        except OSError:
            return None
        return True

    def address(self) -> str:
        """The address, "" without one."""
        ip = str(self._wlan.ifconfig()[0])
        return "" if ip == "0.0.0.0" else ip  # noqa: S104  what an interface without an address says

    def resolver(self) -> str:
        """The DNS server's address that the lease named."""
        return str(self._wlan.ifconfig()[3])

    def reason(self) -> int:
        """The driver's status: a reason of IEEE 802.11 or ESP-IDF, from 1000 on a state that is none."""
        return int(self._wlan.status())

    def dozed_off(self) -> bool:
        """Whether the last reason was an expiry or lost beacons."""
        return self.reason() in _DOZED_OFF

    def leave(self) -> None:
        """Switch the radio off, so that the next join begins anew."""
        self._wlan.active(False)

    def disable_power_save(self) -> None:
        """Keep the receiver on between beacons (WIFI_PS_NONE)."""
        self._wlan.config(pm=self._wlan.PM_NONE)
