"""Writes what a bench would have captured: pcapng with nanoseconds, as the lab's captures are.

The file says of itself that it is simulated; ``frames`` beside it says why each frame was sent, which no capture can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from halfopen.formats.capture import Interface, PcapngWriter
from halfopen.twin.world import EPOCH_NS

if TYPE_CHECKING:
    from halfopen.twin.network import Link
    from halfopen.twin.packets import Frame
    from halfopen.twin.world import World

#: if_tsresol: 10^-9, as dumpcap writes.
_NANOSECONDS = 9


class Tap:
    """A recorder's ear on one link."""

    __slots__ = ("_index", "_recorder")

    def __init__(self, recorder: Recorder, index: int) -> None:
        self._recorder = recorder
        self._index = index

    def record(self, now: int, frame: Frame) -> None:
        """A frame passes."""
        self._recorder.take(now, frame, self._index)


class Recorder:
    """Keeps the frames that pass its taps, as bytes. ``epoch_ns`` is the world's beginning on a calendar."""

    def __init__(self, world: World, epoch_ns: int = EPOCH_NS) -> None:
        self._world = world
        self._epoch_ns = epoch_ns
        self._names: list[str] = []
        #: Time (ns since the world began), interface, bytes and reason of every frame.
        self.frames: list[tuple[int, int, bytes, str]] = []

    def tap(self, link: Link) -> None:
        """Record what passes ``link``, from now on; each link becomes an interface named for its node.

        Raises:
            ValueError: somebody records there already.
        """
        if link.tap is not None:
            raise ValueError(f"{link.node.name} is recorded already")
        link.network.settle()
        link.tap = Tap(self, len(self._names))
        self._names.append(link.node.name)

    def take(self, now: int, frame: Frame, interface: int) -> None:
        """Keep one frame."""
        self.frames.append((now, interface, frame.encode(), frame.packet.why))

    def pcapng(self) -> bytes:
        """The whole capture file."""
        writer = PcapngWriter([Interface(resolution=_NANOSECONDS) for _ in self._names] or [Interface()])
        parts = [writer.header()]
        for when, interface, frame, _ in self.frames:
            parts.append(writer.record(self._epoch_ns + when, frame, interface))
        return b"".join(parts)

    def reasons(self) -> list[dict[str, Any]]:
        """``number`` (from 1) and ``why`` of every frame that has a reason of its own."""
        return [{"number": number, "why": why} for number, (_, _, _, why) in enumerate(self.frames, 1) if why]
