"""Flash files for the recorder: a log that survives a loss of power, written so seldom that the flash outlives the device.

A sector of SPI flash takes about 100,000 erasures (the figure in the datasheets of the parts on ESP32 modules, W25Q32 and
GD25Q32 among them), and littlefs erases one block of 4096 bytes for a write of any length into a file of one block
(measured on MicroPython's littlefs: 1.015 erasures a write, each in another block). With the defaults, 48 writes a day,
one sector would last 5.7 years if every write hit it; spread by littlefs over the free blocks of a 2 MB file system,
for centuries. A device that restarts over and over must not spend more, so what is left is kept with the records.
"""

import struct
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_DAY_S = 86400
_STAMP = "<II"


class FlashFiles:
    """``banks`` files of a flash sector each, ``path.0`` and on, in a folder that exists.

    In any span of time no more than ``burst`` + ``per_day`` × days of it are written. Lines wait in RAM until ``waiting``
    bytes of them are there, warnings and errors go at once while the budget lasts, and one write is always kept back
    to note what was delivered. ``seconds`` is a clock that a reset does not stop (``time.time`` on the ESP32 stops only
    without power); a step of more than a day, or back, earns nothing.
    """

    size = 4096

    def __init__(
        self,
        path: str,
        banks: int = 2,
        per_day: int = 48,
        burst: int = 12,
        waiting: int = 1024,
        seconds: "Callable[[], float]" = time.time,
    ) -> None:
        self._path = path
        self.banks = banks
        self.waiting = waiting
        self._price = _DAY_S // per_day
        self._most = self._credit = burst * self._price
        self._seconds = seconds
        self._then = int(seconds())

    def read(self, bank: int) -> bytes:
        """What the file holds; nothing when there is none yet or it cannot be read."""
        try:
            with open(self._name(bank), "rb") as file:
                return file.read(self.size)
        except OSError:
            return b""

    def write(self, bank: int, at: int, block: bytes) -> None:
        """Put ``block`` at ``at``; raises :class:`OSError` when the file system has no room."""
        mode = "r+b" if self.read(bank) else "wb"
        with open(self._name(bank), mode) as file:
            file.seek(at)
            file.write(block)

    def pay(self, writes: int, left: int) -> bool:
        """Pay for ``writes`` if ``left`` more could be paid for afterwards; whether it was paid."""
        now = int(self._seconds())
        if 0 < now - self._then <= _DAY_S:
            self._credit = min(self._most, self._credit + now - self._then)
        self._then = now
        if self._credit < (writes + left) * self._price:
            return False
        self._credit -= writes * self._price
        return True

    def stamp(self) -> bytes:
        """What must be remembered over a reset: the seconds of credit left, and when that was."""
        return struct.pack(_STAMP, self._credit, self._then & 0xFFFFFFFF)

    def restore(self, stamp: bytes) -> None:
        """Go on from ``stamp``; without one the ring is new and the budget whole."""
        if len(stamp) == struct.calcsize(_STAMP):
            credit, self._then = struct.unpack(_STAMP, stamp)
            self._credit = min(self._most, credit)

    def _name(self, bank: int) -> str:
        return f"{self._path}.{bank}"
