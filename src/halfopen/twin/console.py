"""What a device prints, in the form of its firmware: one writer for each kind of line, one boot for each kind of firmware.

Shapes: ESP-IDF's log V1 (``esp_log.h``), the Wi-Fi library's lines without a blank after the tag, Arduino's
``esp32-hal-log.h``, ESPHome's logger with the host's time before it, MicroPython's plain text and tracebacks. Errors are
spelled as newlib's ``strerror`` does. The wordings of drivers and components are those that ESP-IDF v5 prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.formats import newlib_errno
from halfopen.twin.world import MS, SECOND

if TYPE_CHECKING:
    from halfopen.twin.world import World

#: Firmware families a console can speak as.
DIALECTS = ("esp-idf", "arduino", "esphome", "micropython")
#: What the ROM of an ESP32 prints first, and the reset it names (esp32 rom/rtc.h).
_ROM = "ets Jul 29 2019 12:21:46"
POWER_ON = "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"
SOFTWARE_RESET = "rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"
BROWNOUT_RESET = "rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"
DEEP_SLEEP_WAKE = "rst:0x5 (DEEPSLEEP_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"
#: ESP-IDF's second-stage loader and the application's start, milliseconds after reset.
_IDF_START = (
    (29, "boot", "ESP-IDF v5.3.1 2nd stage bootloader"),
    (33, "boot", "chip revision: v3.0"),
    (128, "boot", "End of partition table"),
    (347, "cpu_start", "Multicore app"),
    (361, "app_init", "ESP-IDF:          v5.3.1"),
    (636, "main_task", "Calling app_main()"),
)
#: When the application has control, milliseconds after reset.
STARTED_MS = 666


class Console:
    """Everything that one device's serial line carried; ``text()`` is the log that a user saves."""

    def __init__(self, world: World, dialect: str) -> None:
        self._world = world
        self.dialect = dialect
        self._lines: list[str] = []
        self._booted_at = world.now

    def text(self) -> str:
        """The whole log, one line feed after each line."""
        return "\n".join(self._lines) + "\n" if self._lines else ""

    @property
    def lines(self) -> int:
        """Lines printed so far."""
        return len(self._lines)

    @property
    def uptime_ms(self) -> int:
        """Milliseconds since the reset, as ``esp_log_timestamp`` counts them."""
        return (self._world.now - self._booted_at) // MS

    def print(self, text: str) -> None:
        """One line as it is."""
        self._lines.append(text)

    def idf(self, level: str, tag: str, message: str) -> None:
        """A line of ``ESP_LOGx``."""
        self._lines.append(f"{level} ({self.uptime_ms}) {tag}: {message}")

    def tell(self, level: str, tag: str, message: str) -> None:
        """A line of the application's own: with a level and a tag where it is C, by ``print`` where it is MicroPython."""
        if self.dialect == "micropython":
            self.print(message)
        else:
            self.idf(level, tag, message)

    def wifi(self, level: str, message: str) -> None:
        """A line of the Wi-Fi library: no blank after its tag."""
        self._lines.append(f"{level} ({self.uptime_ms}) wifi:{message}")

    def arduino(self, level: str, place: str, function: str, message: str) -> None:
        """A line of ``log_e`` and its like; ``place`` is ``File.cpp:123``."""
        self._lines.append(f"[{self.uptime_ms:6}][{level}][{place}] {function}(): {message}")

    def esphome(self, level: str, tag: str, line: int, message: str) -> None:
        """A line of ESPHome's logger as ``esphome logs`` shows it: the time is the host's."""
        self._lines.append(f"{self.clock()}[{level}][{tag}:{line:03}]: {message}")

    def clock(self) -> str:
        """The host's time of day as ``esphome logs`` writes it, ``[HH:MM:SS.mmm]``."""
        seconds, rest = divmod(self._world.now, SECOND)
        hours, seconds = divmod(seconds, 3600)
        return f"[{hours % 24:02}:{seconds // 60:02}:{seconds % 60:02}.{rest // MS:03}]"

    # What every firmware of a family prints by itself -------------------------------------------------------

    def boot(self, reset: str = POWER_ON) -> None:
        """The ROM's and the loader's lines; the clock of the log starts anew."""
        self._booted_at = self._world.now
        self._lines += [_ROM, "", reset]
        if self.dialect in ("esp-idf", "esphome"):
            self._lines += [f"I ({at}) {tag}: {message}" for at, tag, message in _IDF_START]
        else:
            self._lines += ["configsip: 0, SPIWP:0xee", "mode:DIO, clock div:2", "entry 0x400805e4"]

    def wifi_started(self, mac: str) -> None:
        """The driver was started in station mode."""
        if self.dialect == "esp-idf":
            self.wifi("I", f"mode : sta ({mac})")
        elif self.dialect == "esphome":
            self.esphome("C", "wifi", 611, "Starting")

    def associated(self, bssid: str) -> None:
        """The station has joined its access point."""
        if self.dialect == "esp-idf":
            self.wifi("I", "state: init -> auth (b0)")
            self.wifi("I", "state: auth -> assoc (0)")
            self.wifi("I", "state: assoc -> run (10)")
            self.wifi("I", f"connected with lab-iot, aid = 1, channel 6, BW20, bssid = {bssid}")
            self.wifi("I", "security: WPA2-PSK, phy: bgn, rssi: -58")

    def got_address(self, ip: str, gateway: str) -> None:
        """The interface has an address: a lease, or a static one."""
        if self.dialect == "esp-idf":
            self.idf("I", "esp_netif_handlers", f"sta ip: {ip}, mask: 255.255.255.0, gw: {gateway}")
        elif self.dialect == "arduino":
            self.arduino("V", "STA.cpp:186", "_onStaEvent", f"STA Got New IP: {ip}")
        elif self.dialect == "esphome":
            self.esphome("I", "wifi", 1029, "Connected")
            self.esphome("C", "wifi", 1001, f"  IP Address: {ip}")
        else:
            self.print(f"network config: ('{ip}', '255.255.255.0', '{gateway}', '{gateway}')")

    def disconnected(self, bssid: str, *, left: bool) -> None:
        """The link is gone: the station ``left`` by itself (reason 8), or missed its access point's beacons (200)."""
        if self.dialect == "esp-idf":
            if not left:
                self.wifi("I", "bcn_timeout,ap_probe_send_start")
                self.wifi("I", "ap_probe_send over, resett wifi status to disassoc")
            self.wifi("I", f"state: run -> init ({'0' if left else 'c800'})")
            self.wifi("I", "pm stop, total sleep time: 0 us / 0 us")
            words = (
                "STA disconnected, reason 8"
                if left
                else "STA disconnected, reason 200, retry to connect to the AP"
            )
            self.idf("W", "wifi station", words)
        elif self.dialect == "arduino":
            reason = "8 - ASSOC_LEAVE" if left else "200 - BEACON_TIMEOUT"
            self.arduino("W", "STA.cpp:150", "_onStaArduinoEvent", f"Reason: {reason}")
        elif self.dialect == "esphome":
            reason = "Association Leave" if left else "Beacon Timeout"
            self.esphome(
                "W", "wifi_esp32", 737, f"Disconnected ssid='lab-iot' bssid={bssid} reason='{reason}'"
            )
        else:
            self.print(
                f"I ({self.uptime_ms}) wifi: STA_DISCONNECTED, reason:{'8:' if left else '200:beacon timeout'}"
            )

    def heap(self, free: int, minimum: int) -> None:
        """The article's line before and after every network transaction."""
        self.idf("I", "MEM", f"Free Heap: {free} bytes, Min Free: {minimum} bytes")

    def starved(self, tasks: list[str], running: str) -> None:
        """The task watchdog's report (``esp_task_wdt.c`` of ESP-IDF v5)."""
        tell = "Task watchdog got triggered. The following tasks/users did not reset the watchdog in time:"
        self.idf("E", "task_wdt", tell)
        for name in tasks:
            self.idf("E", "task_wdt", f" - {_of_core(name)} (CPU 0)")
        self.idf("E", "task_wdt", "Tasks currently running:")
        self.idf("E", "task_wdt", f"CPU 0: {_of_core(running)}")
        self.idf("E", "task_wdt", "CPU 1: IDLE1")

    def browned_out(self) -> None:
        """The brownout detector's line (``brownout.c``)."""
        self._lines += ["", "Brownout detector was triggered", ""]

    def aborted(self) -> None:
        """``abort()`` in the watchdog, and the reboot after it."""
        self.idf("E", "task_wdt", "Aborting.")
        self._lines += ["", "abort() was called at PC 0x400e2ce1 on core 0", ""]
        self._lines += ["Backtrace: 0x40081902:0x3ffb0f10 0x4008c3a1:0x3ffb0f30 0x400e2ce1:0x3ffb0f50", ""]
        self._lines += ["Rebooting..."]


def _of_core(task: str) -> str:
    """The idle task of the core that the twin has."""
    return "IDLE0" if task == "IDLE" else task


def strerror(number: int) -> str:
    """``113`` as ``errno 113 (Software caused connection abort)``."""
    return f"errno {number} ({newlib_errno.TEXTS.get(number, 'Unknown error')})"
