"""A camera that needs one large block for each picture, in a heap that small, long-lived pieces have cut up."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from halfopen.twin.firmware.idf_calls import IdfCalls
from halfopen.twin.firmware.program import Firmware
from halfopen.twin.tasks import Wait, sleep
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.device import Device

#: A picture is sent in pieces of this many bytes.
_PIECE = 1024
#: What a picture leaves behind for later: its name, time and size, in a list of bounded length.
_NOTE = 96
#: Work memory of a picture's filter, given back when it is done, and the room it varies in.
_WORK, _WORK_VARIES = 3000, 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageClient(Firmware):
    """Every ``period_ms`` a picture of ``picture_bytes`` is taken into one block and sent.

    Notes of the last ``notes_max`` pictures stay in memory between the filter's work buffers. With ``early`` the block
    for the picture is allocated once, at start.
    """

    NAME: ClassVar[str] = "image-client"

    host: str = "192.168.5.1"
    port: int = 8080
    period_ms: int = 5000
    picture_bytes: int = 24000
    notes_max: int = 60
    early: bool = False

    def start(self, device: Device) -> None:
        """One task that does everything."""
        device.start("camera", self._run(device))

    def _run(self, device: Device) -> Generator[Wait, bool, None]:
        net = IdfCalls(device)
        kept = device.heap.take(self.picture_bytes, "picture") if self.early else None
        yield from device.wait_for_address()
        notes: list[int] = []
        while True:
            heap = device.heap
            net.log("I", "app", f"esp_get_free_heap_size: {heap.free}")
            net.log("I", "app", f"heap_caps_get_largest_free_block: {heap.largest}")
            self._filter(device, notes)
            block = kept if kept is not None else heap.take(self.picture_bytes, "picture")
            if block is None:
                net.log("E", "camera", f"malloc({self.picture_bytes}) failed")
            else:
                yield from self._upload(device, net)
                if kept is None:
                    heap.give(block)
            yield from sleep(self.period_ms * MS)

    def _filter(self, device: Device, notes: list[int]) -> None:
        """Two work buffers with a note between them: what stays of each picture is a small piece in the way."""
        heap = device.heap
        first = heap.take(_WORK + device.chance.between(0, _WORK_VARIES), "filter")
        note = heap.take(_NOTE, "note")
        if first is not None:
            heap.give(first)
        if note is not None:
            notes.append(note)
        if len(notes) > self.notes_max:
            heap.give(notes.pop(device.chance.between(0, len(notes) - 1)))

    def _upload(self, device: Device, net: IdfCalls) -> Generator[Wait, bool, None]:
        fd = net.open()
        if fd is None:
            return
        net.timeouts(fd, 10000, 10000)
        if (yield from net.connect(fd, self.host, self.port)):
            sent = yield from net.send(fd, b"j" * _PIECE)
            answer = (yield from net.recv(fd, 256)) if sent else None
            if answer:
                device.exchanged(len(answer))
        yield from net.close(fd)
