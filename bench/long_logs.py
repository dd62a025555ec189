"""Logs of any length for benchmarks: what devices of several makes print in weeks, seeded, written as a stream.

A log is a row of sessions, each one boot of one make of firmware with its own header, its clock going on from line to
line, and the damage that the tool which recorded it does. A given share of the lines says something of the
connection; the others are the chatter of an application, with the words that such chatter shares with trouble
(``connected``, ``ip``, ``read``, ``status``).
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

#: Lines of one boot.
SESSION_LINES = 20_000

#: Chatter: tag and text with two numbers.
_CHATTER = (
    ("app_main", "cycle %d took %d us"),
    ("sensor", "temperature %d.%d C, humidity inside its limits"),
    ("sensor", "pressure=%d.%d hPa"),
    ("bme280", "raw adc_T=%d adc_P=%d"),
    ("display", "page %d drawn, %d pixels changed"),
    ("scheduler", "task %d runs next, deadline %d ms away"),
    ("ota_check", "manifest version 1.%d.%d is the one that runs"),
    ("pump", "position %d of %d steps reached"),
    ("modbus", "slave %d: register 0x%x holds what was written"),
    ("mqtt", "publishing telemetry/%d with %d values"),
    ("http_server", "page /status/%d served, %d bytes"),
    ("nvs", "counter %d written to slot %d"),
    ("button", "pressed for %d ms, %d times today"),
    ("rules", "rule %d holds since %d minutes, nothing to do"),
    ("meter", "total %d kWh, tariff %d"),
    ("light", "fade step %d of %d, description unchanged"),
    ("audio", "buffer %d%% full, %d underruns so far"),
    ("gps", "fix %d satellites, precision %d cm"),
    ("motor", "current %d mA at speed %d rpm, ramp is up"),
    ("door", "opening angle %d, shipment counter %d"),
)
#: What says something, by what an ESP-IDF application and its driver print; tag and text with two numbers.
_SAYING = (
    ("MEM", "Free Heap: 1%d bytes, Min Free: %d bytes"),
    ("MEM", "Free Heap: 1%d bytes, Min Free: %d bytes"),
    ("wifi", "bcn_timeout,ap_probe_send_start"),
    ("wifi", "state: run -> init (c0)"),
    ("wifi", "state: init -> auth (b0)"),
    ("wifi", "state: assoc -> run (10)"),
    ("esp_netif_handlers", "sta ip: 192.168.7.20, mask: 255.255.255.0, gw: 192.168.7.1"),
    ("httpd", "httpd_accept_conn: error in accept (23)"),
    ("transport_base", "poll_read select error 113, errno = Software caused connection abort, fd = 54"),
    ("mqtt_client", "No PING_RESP, disconnected"),
    ("app", "socket created, fd=54"),
    ("app", "rssi=-6%.1d dBm"),
)

#: One make: (milliseconds since boot, level, tag, text) to a line.
_Maker = Callable[[int, str, str, str], str]


def _host(ms: int) -> str:
    """A wall clock as serial monitors print it."""
    return f"{ms // 3600000 % 24:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


_COLOURS = {"E": "\x1b[0;31m", "W": "\x1b[0;33m", "I": "\x1b[0;32m"}
_MAKES: tuple[tuple[_Maker, str], ...] = (
    (lambda ms, level, tag, text: f"{level} ({ms}) {tag}: {text}", "\r\n"),
    (lambda ms, level, tag, text: f"{_COLOURS[level]}{level} ({ms}) {tag}: {text}\x1b[0m", "\r\n"),
    (lambda ms, level, tag, text: f"{_host(ms)} -> [{ms:6}][{level}][{tag}.cpp:211] loop(): {text}", "\n"),
    (lambda ms, level, tag, text: f"[{_host(ms)}][{level}][{tag}:042]: {text}", "\n"),
    (lambda ms, level, tag, text: f"{_host(ms)} APP: {tag} {text}", "\r\n"),
    (
        lambda ms, level, tag, text: f"Mar 01 {_host(ms)[:8]} gateway node[7]: {level} ({ms}) {tag}: {text}",
        "\n",
    ),
)


#: Logs of one format each, by name: what a device prints alone, and behind the time that something puts before its lines.
FORMATS: dict[str, tuple[_Maker, str]] = {
    "esp-idf": _MAKES[0],
    "esp-idf, coloured": _MAKES[1],
    "esp-idf, monitor": (
        lambda ms, level, tag, text: f"{_host(ms)} > {level} ({ms}) {tag}: {text}",
        "\r\n",
    ),
    "esp-idf, wall clock": (
        lambda ms, level, tag, text: f"{level} ({_host(ms)}) {tag}: {text}",
        "\n",
    ),
    "esp-idf, syslog": _MAKES[5],
    "arduino": (lambda ms, level, tag, text: f"[{ms:6}][{level}][{tag}.cpp:211] loop(): {text}", "\n"),
    "arduino, monitor": _MAKES[2],
    "esphome": (lambda ms, level, tag, text: f"[{level}][{tag}:042]: {text}", "\n"),
    "esphome, dashboard": (lambda ms, level, tag, text: f"[{_host(ms)}][{level}][{tag}:042]: {text}", "\n"),
    "tasmota": (lambda ms, level, tag, text: f"{_host(ms)} APP: {tag} {text}", "\r\n"),
    "tasmota, dated": (
        lambda ms, level, tag, text: f"2026-03-01 {_host(ms)} {_host(ms)[:8]} APP: {tag} {text}",
        "\n",
    ),
    "espeasy": (lambda ms, level, tag, text: f"{ms} : Info   : {tag} {text}", "\n"),
    "no header": (lambda ms, level, tag, text: f"{tag} {text}", "\n"),
}


def _numbers(text: str, chance: random.Random) -> str:
    """``text`` with numbers of one or more digits in its places."""
    places = text.count("%") - 2 * text.count("%%")
    return text % tuple(chance.randrange(1, 90_000) for _ in range(places))


def _damaged(line: str, chance: random.Random) -> str:
    """A line as cables and monitors spoil it."""
    at = chance.randrange(len(line))
    match chance.randrange(4):
        case 0:
            return line[:at]
        case 1:
            return line[:at] + chr(chance.randrange(0x20)).replace("\n", "\0") + line[at:]
        case 2:
            return line[:at] + "\udcff" + line[at + 1 :]  # a byte that is no UTF-8
        case _:
            return line[:at] + line


def session(chance: random.Random, share: float, name: str = "") -> bytes:
    """One boot of one device: ROM lines, then its log, in which ``share`` of the lines says something; in the format of a
    ``name``, or in one that is drawn."""
    maker, ending = FORMATS[name] if name else chance.choice(_MAKES)
    lines = ["ets Jul 29 2019 12:21:46", "", "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"]
    ms = 300
    for _ in range(SESSION_LINES):
        ms += chance.randrange(1, 400)
        saying = chance.random() < share
        tag, text = chance.choice(_SAYING if saying else _CHATTER)
        level = "I" if chance.random() < 0.98 else "W"
        line = maker(ms, level, tag, _numbers(text, chance))
        if chance.random() < 0.0005:
            line = _damaged(line, chance)
        lines.append(line)
    return (ending.join(lines) + ending).encode("utf-8", "surrogateescape")


def sessions(seed: int, share: float, name: str = "") -> Iterator[bytes]:
    """Sessions without end; a few dozen different ones, over and over, since a benchmark waits for its input."""
    chance = random.Random(seed)
    known = [session(chance, share, name) for _ in range(4 if name else 24)]
    yield from known
    while True:
        yield chance.choice(known)


def write(stream: BinaryIO, size: int, seed: int = 9, share: float = 0.01, name: str = "") -> None:
    """Write a log of ``size`` bytes, the last line maybe cut."""
    for text in sessions(seed, share, name):
        stream.write(text[:size])
        size -= len(text)
        if size <= 0:
            return


def written(path: Path, size: int, seed: int = 9, share: float = 0.01, name: str = "") -> Path:
    """``path``, with such a log in it."""
    with path.open("wb") as stream:
        write(stream, size, seed, share, name)
    return path


if __name__ == "__main__":
    written(Path(sys.argv[1]), int(sys.argv[2]), share=float(sys.argv[3]), name="".join(sys.argv[4:5]))
