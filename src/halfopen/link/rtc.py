"""The ESP32's RTC memory for the recorder, and what reset it.

``machine`` of MicroPython is handed in, as nothing else than an ESP32 has these parts of it (and ``halfopen.link.machine``
is another). MicroPython keeps user memory in ``RTC_NOINIT`` (ports/esp32/machine_rtc.c): a board built with
MICROPY_HW_RTC_MEM_INIT_ALWAYS loses it at every reset but deep sleep.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RtcMemory:
    """The ESP32's RTC memory: survives soft resets, watchdogs and deep sleep, not a loss of power.

    ``rtc`` is ``machine.RTC()``; ``size`` at most MICROPY_HW_RTC_USER_MEM_MAX, 2048 bytes by default. All of it belongs to
    the recorder.
    """

    banks = 1
    #: Bytes of lines that may wait before they are written: none, as writing here wears nothing.
    waiting = 0

    def __init__(self, rtc: "Any", size: int = 2048) -> None:
        self._rtc = rtc
        self.size = size
        self._image = bytearray(size)
        held = rtc.memory()[:size]
        self._image[: len(held)] = held

    def read(self, bank: int) -> bytearray:
        """All of it; do not change it."""
        return self._image

    def write(self, bank: int, at: int, block: bytes) -> None:
        """Put ``block`` at ``at``."""
        self._image[at : at + len(block)] = block
        self._rtc.memory(self._image)

    def pay(self, writes: int, left: int) -> bool:
        """Whether it may be written to: always."""
        return True

    def stamp(self) -> bytes:
        """Nothing to remember."""
        return b""

    def restore(self, stamp: bytes) -> None:
        """Nothing was remembered."""


def reset_reason(port: "Any") -> str:
    """What ``port`` (MicroPython's module ``machine``) says reset it: ``WDT_RESET`` and the like, ``""`` if nothing.

    On the ESP32 a brown-out is told as ``PWRON_RESET``, a panic and ``machine.reset()`` both as ``HARD_RESET``.
    """
    for name in ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET"):
        if getattr(port, name, None) == port.reset_cause():
            return name
    return ""
