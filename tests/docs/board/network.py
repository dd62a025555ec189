"""Stands in for the ESP32's ``network``: a router that somebody unplugs (MicroPython).

The file named by HALFOPEN_ROUTER says ``on`` or ``off``. What follows takes about the time that it takes an ESP32,
divided by HALFOPEN_HURRY: a scan of all channels, a join, a lease, and a station's patience with missing beacons.
"""

import os
import time

STA_IF = 0

SCAN_MS = 2400
JOIN_MS = 1200
LEASE_MS = 800
#: ESP-IDF's esp_wifi_set_inactive_time(): 6 s without a beacon are the default.
BEACONS_MS = 6000

IDLE, CONNECTING, GOT_IP = 1000, 1001, 1010
BEACON_TIMEOUT, NO_AP_FOUND = 200, 201


class WLAN:
    PM_NONE = 0

    def __init__(self, interface):
        self._hurry = int(os.getenv("HALFOPEN_HURRY") or 1)
        self._status = IDLE
        self._active = False
        self._joined = False
        self._since = self._gone = time.ticks_ms()

    def _look(self):
        """What became of it since somebody looked last."""
        with open(os.getenv("HALFOPEN_ROUTER")) as file:
            there = file.read().strip() == "on"
        now = time.ticks_ms()
        passed = time.ticks_diff(now, self._since) * self._hurry
        if self._status == GOT_IP:
            if there:
                self._gone = now
            elif time.ticks_diff(now, self._gone) * self._hurry >= BEACONS_MS:
                self._status, self._joined = BEACON_TIMEOUT, False
        elif self._status == CONNECTING:
            self._joined = there and passed >= JOIN_MS
            if there and passed >= JOIN_MS + LEASE_MS:
                self._status, self._gone = GOT_IP, now
            elif not there and passed >= SCAN_MS:
                self._status, self._joined = NO_AP_FOUND, False

    def active(self, on=None):
        if on is not None:
            self._active = on
            if not on:
                self._status, self._joined = IDLE, False
        return self._active

    def config(self, **settings):
        if not self._active:
            raise OSError("Wifi Not Started")

    def connect(self, ssid, key):
        if not self._active:
            raise OSError("Wifi Not Started")
        self._status, self._joined, self._since = CONNECTING, False, time.ticks_ms()

    def disconnect(self):
        self._status, self._joined = IDLE, False

    def isconnected(self):
        self._look()
        return self._status == GOT_IP

    def status(self, what=None):
        self._look()
        if what is None:
            return self._status
        if not self._joined:
            raise OSError("Wifi Not Connected")
        return -58

    def ifconfig(self):
        self._look()
        if self._status != GOT_IP:
            return "0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0"
        return "192.168.1.57", "255.255.255.0", "192.168.1.1", "192.168.1.1"
