"""In which language a fix is shown to a device's owner."""

from __future__ import annotations

from halfopen.findings import FIRMWARES, Firmware

TITLES: dict[Firmware, str] = {
    "esp-idf": "ESP-IDF (C)",
    "arduino": "Arduino",
    "esphome": "ESPHome",
    "micropython": "MicroPython",
}
#: The firmware whose remedy fits families that have none of their own.
_SPEAKS: dict[str, Firmware] = {
    "tasmota": "arduino",
    "espeasy": "arduino",
    "host": "esphome",
    "circuitpython": "micropython",
    "cpython": "micropython",
    "halfopen.link": "micropython",
}


def speaks(family: str | None) -> Firmware:
    """The language of the firmware ``family``: its own, that of its kin, or ESP-IDF's C."""
    if family in FIRMWARES:
        return family
    return _SPEAKS.get(family or "", "esp-idf")
