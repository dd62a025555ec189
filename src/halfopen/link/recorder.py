"""The flight recorder: the journal's last lines in memory that survives a reset, delivered after the next connection.

``recorder = Recorder(RtcMemory(machine.RTC()), life, reset_reason(machine))`` is what a link takes as ``say=``;
``recorder.deliver(to)`` sends what nobody has had yet. Where records are kept is ``rtc``'s or ``flash``'s.

A record is *magic 2, text's length 1, kind 1, boot 4, life 4, sequence 4, marked 2, CRC-32 4*, then the text; nothing
points to a record. Reading looks for magics and believes a checksum, so a torn or damaged record costs itself alone.
Lines are plain ASCII before they are kept, so none can hold a magic and pass for a record. A new record overwrites
the oldest in place and leaves every other byte as it was: a copy that a reset cuts short, in whatever order it copied,
tears the new record and the oldest, no other.

Each record says how far lines were delivered when it was written. A note (kind 1) says so by itself; it is written after
the lines went out, never before: a reset in between sends them again under the same names (see ``delivery``).
"""

import binascii
import struct

from halfopen.link import delivery, journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Record = tuple[int, int, int, int, int, bytes]  # kind, boot, life, sequence, marked, text

#: Lines read at once for delivery, and sent before a note is written (RAM of the device: about 1 KB).
BATCH = 8
_MAGIC = b"\xa5\x5a"
_HEAD = "<2sBBIIIHI"
_HEAD_BYTES = 22
_TEXT_MAX = 200
_LINE_MAX = 512
_UNMARKED_MAX = 65535
#: What journal lines are made of, each kept as one byte from 128 on. Append only: older records are read with it.
_WORDS = (
    b") halfopen: |) MEM: Free Heap: | bytes, Min Free: | cause=| attempt=| epoch=| heap=| block=| -> | by | fd=|"
    b"SOCKET_|CONNECT|ONLINE|CLOSING|PAUSED|RESOLVING|OPENING|DIALING|EXPIRED|JOIN"
).split(b"|")


class Recorder:
    """Keeps each line it is called with, and passes it on to ``say``.

    ``storage`` is ``rtc.RtcMemory`` or ``flash.FlashFiles``; ``life`` 32 random bits drawn anew at each start; ``reset``
    what ``rtc.reset_reason`` told. Never raises on damage or a storage that fails: ``damaged`` counts records that began
    and were not whole, ``failed`` writes that the storage refused.
    """

    def __init__(
        self, storage: "Any", life: int, reset: str = "", say: "Callable[[str], Any] | None" = None
    ) -> None:
        self._storage = storage
        self._say = say
        self._life = life & 0xFFFFFFFF
        self.damaged = self.failed = 0
        self._bank = self._at = 0
        self._waiting: list[tuple[int, bytes]] = []
        self._hurry = False
        boot = self._kept = self.marked = 0
        newest = noted = (-1, -1, -1)
        stamp = b""
        for bank, end, (kind, of, _, number, marked, text) in self._records(True):
            boot = max(boot, of)
            age = (number, marked, kind)
            if age > newest:
                newest = age
                self._kept, self.marked = number, marked
                self._bank, self._at = bank, end
            if kind and age > noted:
                noted, stamp = age, text
        storage.restore(stamp)
        #: How far the storage knows that lines were delivered.
        self._noted = self.marked
        self.boot = boot + 1
        #: The sequence number of the newest line.
        self.sequence = self._kept
        self(journal.boot_line(self.boot, reset, self.damaged))

    def __call__(self, line: str) -> None:
        """Keep ``line``; a warning or an error is written at once if the storage's budget allows."""
        self.sequence += 1
        self._waiting.append((self.sequence, _packed(line)))
        if line[:1] in ("W", "E"):
            self._hurry = True
        waiting = sum([_HEAD_BYTES + len(text) for _, text in self._waiting])
        if waiting >= self._storage.waiting or self._hurry:
            self._write(self._waiting, 1)
        while waiting > 2 * self._storage.waiting and self._waiting:  # nothing could be written for long
            waiting -= _HEAD_BYTES + len(self._waiting.pop(0)[1])
        if self._say is not None:
            self._say(line)

    def deliver(self, to: "Callable[[str], Any]") -> int:
        """Call ``to`` with each line that was not delivered, oldest first; how many it took.

        ``to`` returns when it sent the line or, where the transport can tell, when the other side has it. ``False`` or
        :class:`OSError` ends the delivery; the rest waits for the next one. Lines kept meanwhile wait, too.
        """
        last, taken, going = self.sequence, 0, True
        while going and self.marked < last:
            batch = self.pending()
            done = 0
            going = bool(batch) and batch[-1][0] < last
            try:
                for number, line in batch:
                    if to(line) is False:
                        going = False
                        break
                    done = number
                    taken += 1
            except OSError:
                going = False
            finally:
                self.mark(done, going)
        return taken

    def pending(self, most: int = BATCH) -> "list[tuple[int, str]]":
        """The next lines to deliver, named, each with the number to :meth:`mark` once it is delivered."""
        found = []
        for number, text in self._waiting[:most]:
            found.append((number, self.boot, self._life, text))
        for _, _, (kind, boot, life, number, _, text) in self._records() if self.marked < self._kept else ():
            if not kind and number > self.marked:
                found.append((number, boot, life, text))
                if len(found) > 2 * most:
                    found.sort()
                    del found[most:]
        found.sort()
        expected = self.marked + 1
        lines = []
        for number, boot, life, text in found[:most]:
            if number > expected:
                lost = journal.lost_line(number - expected)
                lines.append((number - 1, delivery.named(boot, life, f"{expected}-{number - 1}", lost)))
            lines.append((number, delivery.named(boot, life, str(number), _unpacked(text))))
            expected = number + 1
        return lines

    def mark(self, number: int, more: bool = False) -> None:
        """Lines up to ``number`` are delivered. ``more`` says that the next mark follows soon, if this one costs much."""
        if number > self.marked:
            self.marked = number
            self._waiting = [entry for entry in self._waiting if entry[0] > number]
        if self._noted < min(self.marked, self._kept):
            self._write([], more)

    def _write(self, waiting: "list[tuple[int, bytes]]", left: int) -> None:
        """Write ``waiting`` lines, and a note where one is due, if ``left`` writes can still be paid for afterwards."""
        storage = self._storage
        sizes = [_HEAD_BYTES + len(text) for _, text in waiting]
        note = not waiting or storage.stamp()
        if note:
            sizes.append(_HEAD_BYTES + len(storage.stamp()))
        places = self._places(sizes)
        if not storage.pay(len(places), left):
            return
        records = [self._record(0, number, text) for number, text in waiting]
        self._noted = self.marked
        if waiting:
            self._kept = waiting[-1][0]
            self._waiting = []
            self._hurry = False
        if note:
            records.append(self._record(1, self._kept, storage.stamp()))
        for bank, at, count in places:
            block = b"".join(records[:count])
            del records[:count]
            self._bank, self._at = bank, at + len(block)
            try:
                storage.write(bank, at, block)
            except OSError:
                self.failed += 1

    def _places(self, sizes: "list[int]") -> "list[tuple[int, int, int]]":
        """Bank, place in it and number of records for each write; no record crosses the end of a bank."""
        bank, at, end, count = self._bank, self._at, self._at, 0
        places = []
        for size in sizes:
            if end + size > self._storage.size:
                if count:
                    places.append((bank, at, count))
                bank = (bank + 1) % self._storage.banks
                at = end = count = 0
            end += size
            count += 1
        places.append((bank, at, count))
        return places

    def _record(self, kind: int, number: int, text: bytes) -> bytes:
        unmarked = min(max(number - self.marked, 0), _UNMARKED_MAX)
        head = struct.pack(_HEAD, _MAGIC, len(text), kind, self.boot, self._life, number, unmarked, 0)[:-4]
        return head + struct.pack("<I", binascii.crc32(head + text)) + text

    def _records(self, counting: bool = False) -> "Iterator[tuple[int, int, Record]]":
        """Every whole record with its bank and the place behind it, in the order of places."""
        for bank in range(self._storage.banks):
            data = self._storage.read(bank)
            at = data.find(_MAGIC)
            while at >= 0:
                begin, end = at + _HEAD_BYTES, at + _HEAD_BYTES
                if begin <= len(data):
                    _, size, kind, boot, life, number, unmarked, check = struct.unpack(_HEAD, data[at:begin])
                    end = begin + size
                text = bytes(data[begin:end])
                if end <= len(data) and check == binascii.crc32(bytes(data[at : begin - 4]) + text):
                    yield bank, end, (kind, boot, life, number, number - unmarked, text)
                    at = end - 1
                elif counting:
                    self.damaged += 1
                at = data.find(_MAGIC, at + 1)


def _packed(line: str) -> bytes:
    text = bytes(
        [ord(letter) if " " <= letter <= "~" else 63 for letter in line[:_LINE_MAX]]
    )  # 63: a question mark
    for number, word in enumerate(_WORDS):
        text = text.replace(word, bytes([128 + number]))
    return text[:_TEXT_MAX]


def _unpacked(text: bytes) -> str:
    known = 128 + len(_WORDS)
    return b"".join(
        [bytes([c]) if c < 128 else _WORDS[c - 128] if c < known else b"?" for c in text]
    ).decode()
