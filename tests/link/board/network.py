"""Stands in for the ESP32's ``network``: Wi-Fi that obeys a file, because the lab has wires only (MicroPython).

The file named by HALFOPEN_RADIO holds ``address resolver status rssi``, one line; without it the radio is always there.
"""

import os

STA_IF = 0


class WLAN:
    PM_NONE = 0

    def __init__(self, interface):
        self.told = []
        self._connecting = False

    def _says(self):
        path = os.getenv("HALFOPEN_RADIO")
        if not path:
            return "10.77.0.2", "10.77.0.1", 1010, "-50"
        with open(path) as file:
            address, resolver, status, rssi = file.read().split()
        return address, resolver, int(status), rssi

    def active(self, on=None):
        self.told.append("active" if on else "inactive")
        return on

    def config(self, **settings):
        self.told.append(settings)

    def connect(self, ssid, key):
        self.told.append("connect")

    def disconnect(self):
        self.told.append("disconnect")

    def isconnected(self):
        return True

    def status(self, what=None):
        _, _, status, rssi = self._says()
        if what is None:
            return status
        if rssi == "-":
            raise OSError("Wifi Not Connected")
        return int(rssi)

    def ifconfig(self):
        address, resolver, _, _ = self._says()
        return address, "255.255.255.0", "10.77.0.1", resolver
