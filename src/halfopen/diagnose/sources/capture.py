"""Captures: bytes of a pcap or pcapng in, facts of the traffic and of the air out.

The bytes may come in any pieces: files, pipes and live streams are read alike, and the split changes nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from halfopen.diagnose.events import Event, Moment, Provenance
from halfopen.diagnose.sources.conversations import Conversations
from halfopen.diagnose.sources.framing import BATCH, NS, CaptureError, Framing
from halfopen.diagnose.sources.hosts import Hosts
from halfopen.diagnose.sources.lookups import Lookups
from halfopen.diagnose.traffic import CaptureObserved
from halfopen.formats.capture import LINK_80211, LINK_NAMES, WIRELESS_LINKS, is_capture
from halfopen.kernel import layout as k
from halfopen.kernel.frames import Frames
from halfopen.kernel.packets import decode, tally

if TYPE_CHECKING:
    from halfopen.diagnose.sources.air import Air
    from halfopen.formats.wifi_key import WifiKey

__all__ = ["CaptureError", "CaptureSource", "is_capture"]


class CaptureSource:
    """One capture, named as the user named it; ``keys`` are those of encrypted networks in it.

    ``notes`` says in one line each where and why input was unusable; facts come out of :meth:`end`.
    """

    def __init__(self, name: str, keys: Sequence[WifiKey] = ()) -> None:
        self.name = name
        self.notes: list[str] = []
        self._framing = Framing(name, self._take)
        self._frames = Frames()
        self._totals: array[int] = array("q", bytes(8 * k.A_WIDTH))
        self._picked: array[int] = array("q", bytes(8 * BATCH))
        self._keys = keys
        self._air: Air | None = None  # from the first 802.11 frame on
        self._ethernet = 0  # 802.11 frames whose payload was read as Ethernet
        self._conversations = Conversations(name)
        self._hosts = Hosts(name)
        self._lookups = Lookups(name)

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take the next bytes of the file, in pieces of any size; yields nothing yet.

        Raises:
            CaptureError: the first four bytes belong to no capture.
        """
        self._framing.feed(data)
        return iter(())

    def end(self) -> Iterator[Event]:
        """The file is over: everything that it shows."""
        self._framing.end()
        self._note()
        yield self._observed()
        if self._air is not None:
            yield from self._air.observed()
        conversations = self._conversations.rendered()
        marks = (mark for conversation in conversations for mark in conversation.lwip_marks())
        yield from self._hosts.observed(marks, self._lookups)
        yield from self._lookups.observed()
        for conversation in conversations:
            yield conversation.flow()

    def _take(self, data: bytearray, rows: array[int], count: int) -> None:
        frame = self._totals[k.A_FRAMES] + 1
        if not WIRELESS_LINKS.isdisjoint(self._framing.links):
            self._air = self._air or self._listening()
            self._ethernet += self._air.take(data, rows, count, frame, bare=LINK_80211 in self._framing.links)
        done = 0
        for row, parts in self._air.parts.items() if self._air is not None else ():
            self._analyse(data, rows[done * k.WIDTH : (row + 1) * k.WIDTH], row + 1 - done, frame + done)
            for at in range(0, len(parts), k.WIDTH):
                self._analyse(data, parts[at : at + k.WIDTH], 1, frame + row, part=True)
            done = row + 1
        self._analyse(data, rows[done * k.WIDTH :] if done else rows, count - done, frame + done)

    def _listening(self) -> Air:
        from halfopen.diagnose.sources.air import Air  # not needed for a capture of wires

        return Air(self.name, self._keys)

    def _analyse(
        self, data: bytearray, rows: array[int], count: int, frame: int, *, part: bool = False
    ) -> None:
        """Follow the first ``count`` rows, the first of which is number ``frame``; a ``part`` of a frame that was counted
        does not count again."""
        frames = self._frames
        frames.hold(data, rows)
        decode(frames, count)
        self._hosts.count(frames, count, frame)
        self._conversations.analyse(frames, data, rows, count, frame, self._picked)
        totals = array("q", bytes(8 * k.A_WIDTH)) if part else self._totals
        listed = tally(frames, count, totals, self._picked)
        frames.release()
        if listed:
            self._lookups.see(data, rows, self._picked, listed, frame)

    def _note(self) -> None:
        if self._framing.damage:
            frames = self._totals[k.A_FRAMES]
            self.notes.append(f"{self.name}: {self._framing.damage}; read {frames} frames before it")
        for crowd in (self._air, self._conversations, self._hosts, self._lookups):
            if crowd is None:
                continue
            self.notes += [f"{self.name}: {line}" for line in crowd.losses()]

    def _observed(self) -> CaptureObserved:
        totals = self._totals
        return CaptureObserved(
            where=Provenance(self.name, None, 1 if totals[k.A_FRAMES] else None, ""),
            at=Moment(host=totals[k.A_STARTED] / NS),
            link_types=tuple(LINK_NAMES.get(link, f"LINKTYPE_{link}") for link in self._framing.links),
            frames=totals[k.A_FRAMES],
            started=totals[k.A_STARTED] / NS,
            ended=totals[k.A_ENDED] / NS,
            truncated=totals[k.A_TRUNCATED],
            wireless=totals[k.A_WIRELESS] + self._ethernet,
            notes=tuple(self.notes),
        )
