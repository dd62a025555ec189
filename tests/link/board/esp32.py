"""Stands in for the ESP32's ``esp32``: a heap that obeys a file (MicroPython).

The file named by HALFOPEN_HEAP holds ``total free largest least`` for each region, one a line.
"""

import os

HEAP_DATA = 4


def idf_heap_info(capabilities):
    path = os.getenv("HALFOPEN_HEAP")
    if not path:
        return [(270000, 120000, 65536, 90000), (4194304, 4000000, 4000000, 4000000)]
    with open(path) as file:
        return [tuple([int(word) for word in line.split()]) for line in file]
