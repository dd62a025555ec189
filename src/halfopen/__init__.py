"""halfopen keeps ESP32 fleets connected.

It explains from a serial log and a packet capture why a device dropped (``halfopen diagnose``), with the
lines and frames that prove it and the change that cures it. This module imports nothing, so that the parts
meant for the device can ship with it.
"""

__version__ = "0.1.0"
