"""The recorder on MicroPython's own littlefs, over a flash that counts erasures and whose power can be cut.

Arguments: the folder that holds ``halfopen``, then ``wear`` and days, or ``cuts``, a seed and how many power cuts.
"""

import gc
import sys

sys.path.insert(0, sys.argv[1])

import vfs

from halfopen.link.flash import FlashFiles
from halfopen.link.recorder import Recorder

SECTOR = 4096
SECTORS = 64


class Chance:
    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) % 2147483648
        return (self.state >> 8) % limit


class Flash:
    """A block device of ``vfs``; ``power`` is how many further operations it carries out, the last one half (-1: all).

    Without power it answers EIO, which is told by a value: the collector closes files left open, and must not allocate.
    """

    def __init__(self, held=None):
        self.held = held or bytearray(b"\xff" * (SECTOR * SECTORS))
        self.erased = [0] * SECTORS
        self.power = -1

    def spend(self):
        if self.power > 0:
            self.power -= 1
        return self.power == 0

    def readblocks(self, block, buffer, offset=0):
        if self.power == 0:
            return -5
        at = block * SECTOR + offset
        buffer[:] = self.held[at : at + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        if self.power == 0:
            return -5
        size = len(buffer) // 2 if self.spend() else len(buffer)
        at = block * SECTOR + offset
        self.held[at : at + size] = buffer[:size]
        return 0

    def ioctl(self, what, block):
        if what == 4:
            return SECTORS
        if what == 5:
            return SECTOR
        if what == 6:
            if self.power == 0:
                return -5
            self.spend()
            at = block * SECTOR
            self.held[at : at + SECTOR] = b"\xff" * SECTOR
            self.erased[block] += 1
        return 0


def mounted(flash):
    """Mount what is there: as after power came back, nothing is remembered but the flash."""
    try:
        vfs.umount("/flash")
    except OSError:
        pass
    vfs.mount(vfs.VfsLfs2(flash), "/flash")


class Clock:
    now = 700000000

    def seconds(self):
        return Clock.now


def wear(days):
    flash = Flash()
    vfs.VfsLfs2.mkfs(flash)
    mounted(flash)
    flash.erased = [0] * SECTORS
    clock = Clock()
    recorder = Recorder(FlashFiles("/flash/ring", seconds=clock.seconds), 1, "PWRON_RESET")
    for minute in range(days * 1440):
        Clock.now += 60
        recorder(
            f"W ({minute}) halfopen: ONLINE -> CLOSING by SILENCE_EXPIRED fd=54 heap=1 block=1 cause=silent"
        )
        recorder(
            f"I ({minute}) halfopen: DIALING -> ONLINE by CONNECTED fd=54 heap=1 block=1 cause=- attempt=1"
        )
        recorder.deliver(lambda line: True)
    print(sum(flash.erased), max(flash.erased))


def cuts(seed, count):
    """Lines are kept and delivered until the power goes, in any operation of littlefs; then all must be there."""
    chance = Chance(seed)
    clock = Clock()
    flash = Flash()
    vfs.VfsLfs2.mkfs(flash)
    kept, received = {}, {}
    done = repeats = number = 0

    def storage():
        return FlashFiles("/flash/ring", per_day=86400, burst=80000, seconds=clock.seconds)

    while done < count:
        gc.collect()
        mounted(flash)
        Clock.now += 1
        flash.power = 1 + chance.below(120)
        recorder = Recorder(storage(), chance.below(1 << 30), "WDT_RESET")
        while flash.power:
            if chance.below(3):
                number += 1
                line = f"W ({number}) halfopen: line {number}"
                recorder(line)
                if flash.power:
                    kept[line] = True
            elif chance.below(2):
                batch = recorder.pending()
                for _, line in batch:
                    received[line] = True
                recorder.mark(batch[-1][0] if batch else 0)
        done += 1
        flash = Flash(flash.held)
        mounted(flash)
        look = Recorder(storage(), 0)
        seen = [line for _, line in look.pending(1000)]
        numbers = [int(line.split(" ")[0].split(".")[2].split("-")[0]) for line in seen]
        assert numbers == sorted(numbers), seen
        have = {}
        for name in (received, seen):
            for line in name:
                have[line.partition(" ")[2]] = True
        missing = [line for line in kept if line not in have]
        assert not missing, (done, missing, seen)
        for line in seen:  # delivered now, so that the ring does not overflow
            repeats += line in received
            received[line] = True
        look.mark(look.sequence)
        if len(kept) > 200:
            kept.clear()
            received.clear()
    print(done, repeats, number)


if sys.argv[2] == "wear":
    wear(int(sys.argv[3]))
else:
    cuts(int(sys.argv[3]), int(sys.argv[4]))
