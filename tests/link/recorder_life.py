"""One life of a recorder, to be cut short: keeps lines, delivers them, and tells on standard output what it did.

Written in the device dialect; MicroPython and CPython run it. Arguments: the folder that holds ``halfopen``, ``rtc`` or
``flash``, the folder of the storage, bytes of RTC memory, which run this is, how many lines, at which moment to die (writes
and deliveries are counted together; -1: never) and how far into that moment (0 to 255).

It writes ``B line`` before a line is kept, ``K line`` after, ``S named line`` for a delivery and ``E`` at its end, each
with one call, so that what a killed process said is whole. It dies of SIGKILL: nothing in it runs afterwards.
"""

import os
import sys

sys.path.insert(0, sys.argv[1])

from halfopen.link.flash import FlashFiles
from halfopen.link.recorder import Recorder
from halfopen.link.rtc import RtcMemory

KIND, FOLDER = sys.argv[2], sys.argv[3]
SIZE, RUN, LINES, MOMENT, SHARE = [int(word) for word in sys.argv[4:9]]
ON_CPYTHON = sys.implementation.name == "cpython"


def die():
    if ON_CPYTHON:
        os.kill(os.getpid(), 9)
    os.system("kill -9 $PPID")


def tell(text):
    if ON_CPYTHON:
        os.write(1, (text + "\n").encode())
    else:
        sys.stdout.write(text + "\n")


class Moments:
    left = MOMENT

    def now(self):
        """Whether this is the moment."""
        Moments.left -= 1
        return Moments.left == -1


moments = Moments()


class RtcOfFile:
    """What ``machine.RTC()`` has of memory, in a file, copied in place from the first byte on like memcpy."""

    def __init__(self, name):
        self.name = name

    def memory(self, data=None):
        if data is None:
            try:
                with open(self.name, "rb") as file:
                    return file.read()
            except OSError:
                return b""
        before = self.memory()
        cut = len(data)
        dying = moments.now()
        if dying:  # within the bytes that change
            changed = [at for at in range(len(data)) if data[at : at + 1] != before[at : at + 1]]
            cut = changed[len(changed) * SHARE // 256] if changed else 0
        with open(self.name, "r+b" if before else "wb") as file:
            file.write(bytes(data[:cut]))
        if dying:
            die()
        return None


class MortalFlash(FlashFiles):
    def write(self, bank, at, block):
        dying = moments.now()
        cut = len(block) * SHARE // 256 if dying else len(block)
        if cut or not dying:
            super().write(bank, at, block[:cut])
        if dying:
            die()


def send(line):
    dying = moments.now()
    if dying and SHARE < 128:
        die()
    tell("S " + line)
    if dying:
        die()


if KIND == "rtc":
    storage = RtcMemory(RtcOfFile(FOLDER + "/rtc"), SIZE)
else:
    # a budget that does not end, so that every warning is written: the budget has its own tests
    storage = MortalFlash(FOLDER + "/ring", per_day=86400, burst=80000, waiting=300)

tell(f"B boot of run {RUN}")
recorder = Recorder(storage, 0x10000000 + RUN, "WDT_RESET", lambda line: tell("K " + line))
recorder.deliver(send)
for number in range(LINES):
    level = "I" if number % 3 == 1 else "W"
    line = f"{level} ({100 + 10 * number}) halfopen: run {RUN} line {number}"
    tell("B " + line)
    recorder(line)
    if number % 3 == 2:
        recorder.deliver(send)
tell("E")
