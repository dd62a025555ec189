"""802.11 frames that are worth quoting as quotations, and whether their acknowledgement was heard."""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache

from halfopen.diagnose.events import Moment, Provenance
from halfopen.diagnose.traffic import FrameRef
from halfopen.formats.dot11 import NAMES
from halfopen.formats.packet_text import mac_text
from halfopen.kernel import layout as k
from halfopen.kernel.radio import Heard

__all__ = ["GROUP_BIT", "NS", "Heard", "Witness", "mac"]

NS = 1_000_000_000
GROUP_BIT = 1 << 40
#: The same few addresses are written over and over.
MACS_KEPT = 4096
ACKS = {True: ", acked", False: ", not acked", None: ""}


@lru_cache(MACS_KEPT)
def mac(address: int) -> str:
    """``24:6f:28:aa:bb:cc`` of a 48-bit number, ``""`` of none."""
    return mac_text(address.to_bytes(6, "big")) if address >= 0 else ""


class Witness:
    """Turns what was heard into quotations of one capture; ``acks`` are the acknowledgements in all of it, ``voices``
    those whom the sniffer heard at all; ``retries`` tells that senders in it try again what was not acknowledged."""

    def __init__(self, source: str, acks: int, voices: Container[int], *, retries: bool) -> None:
        self.source = source
        self.acks = acks
        self.retries = retries
        self._voices = voices
        self._write = self.text  # bound once, for all frames

    def hears(self, address: int) -> bool:
        """Whether silence of this station or access point means anything."""
        return self.acks > 0 and address in self._voices

    def acked(self, heard: Heard) -> bool | None:
        """As :mod:`~halfopen.diagnose.radio` has it."""
        return heard.acked if heard.answerable and self.hears(heard.receiver) else None

    def text(self, heard: Heard) -> str:
        """The frame as one line."""
        what = heard.detail or NAMES.get(heard.kind)
        if heard.turn:
            what = f"{what or 'Data'} {'dozing' if heard.turn == k.TURN_DOZING else 'awake'}"
        elif what is None:
            what = f"frame type {heard.kind:#04x}"
        return f"{mac(heard.sender)} → {mac(heard.receiver)} {what}{ACKS[self.acked(heard)]}"

    def ref(self, heard: Heard) -> FrameRef:
        """The frame as a quotation."""
        return FrameRef(heard.frame, heard.time / NS, heard, self._write)

    def where(self, heard: Heard) -> Provenance:
        """The frame as a place."""
        return Provenance(self.source, None, heard.frame, self.text(heard))

    def at(self, heard: Heard) -> Moment:
        """The frame's time."""
        return Moment(host=heard.time / NS)
