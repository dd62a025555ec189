"""Freezes the link into firmware: ``make device``, then FROZEN_MANIFEST names this file.

Frozen code runs from flash and leaves the heap to the program. To keep what the board freezes by itself, include its
manifest in one of your own, beside this one:

    include("$(PORT_DIR)/boards/manifest.py")
    include("/path/to/halfopen/device/manifest.py")

What is frozen are the packed sources, of which the .mpy files are made, too.
"""

package(  # noqa: F821  MicroPython's makemanifest.py offers it
    "halfopen",
    (
        *("link/on_micropython.py", "link/bounds.py", "link/limits.py", "link/names.py", "link/station.py"),
        *("link/budget.py", "link/sealing.py", "link/asked.py"),
        *("link/tls_on_micropython.py", "link/wlan.py", "link/awaiting.py"),
        *("link/recorder.py", "link/rtc.py", "link/flash.py", "link/delivery.py"),
        *("link/guard.py", "link/guard_on_micropython.py"),
    ),
    base_path="../build/device",
    opt=3,
)
