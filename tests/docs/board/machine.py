"""Stands in for the ESP32's ``machine``: a watchdog that tells when it was not fed, and a reset that ends the program."""

import sys
import time


class WDT:
    def __init__(self, timeout=5000):
        self._timeout = timeout
        self._fed = time.ticks_ms()

    def feed(self):
        now = time.ticks_ms()
        if time.ticks_diff(now, self._fed) > self._timeout:
            print("the watchdog has reset the board")
            sys.exit(3)
        self._fed = now


def reset():
    print("the board was reset")
    sys.exit(4)
