"""What all firmware of the twin shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from halfopen.twin.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """What all programs share. ``panics``: CONFIG_ESP_TASK_WDT_PANIC, the watchdog reboots the chip."""

    #: Name in a scenario.
    NAME: ClassVar[str] = ""
    #: The kind of console it has.
    SPEAKS: ClassVar[str] = "esp-idf"

    panics: bool = False

    def start(self, device: Device) -> None:
        """Start the program's tasks on ``device``, which has just booted and is joining its access point."""
        raise NotImplementedError
