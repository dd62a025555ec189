"""One 802.11 frame that may be worth quoting, and whether its acknowledgement was heard."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from halfopen.diagnose.events import Moment, Provenance
from halfopen.diagnose.traffic import FrameRef
from halfopen.formats.dot11 import NAMES
from halfopen.formats.packet_text import mac_text
from halfopen.kernel import layout as k

NS = 1_000_000_000
GROUP_BIT = 1 << 40


def mac(address: int) -> str:
    """``24:6f:28:aa:bb:cc`` of a 48-bit number, ``""`` of none."""
    return mac_text(address.to_bytes(6, "big")) if address >= 0 else ""


@dataclass(slots=True, eq=False)
class Heard:
    """A frame and its retries: number and nanoseconds of the first, ``tried`` of the last.

    ``tid`` counts its sequence number; ``size`` is in octets as captured; ``unasked`` that no acknowledgement is due.
    ``detail`` is what to print instead of the name of the frame type.
    """

    frame: int
    time: int
    kind: int
    flags: int
    receiver: int
    sender: int
    bssid: int
    sequence: int
    tried: int
    tid: int = k.W_NO_TID
    size: int = 0
    unasked: bool = False
    acked: bool = False
    detail: str = ""

    @property
    def group(self) -> bool:
        """Whether it is for several stations, so that nobody acknowledges it."""
        return bool(self.receiver & GROUP_BIT)

    @property
    def answerable(self) -> bool:
        """Whether its receiver has to acknowledge it."""
        return not self.group and not self.unasked

    @property
    def retried(self) -> bool:
        """Whether its sender tried it again, so that it cannot have heard an acknowledgement of the first try."""
        return self.tried > self.time or bool(self.flags & k.FC_RETRY)

    @property
    def by_ap(self) -> bool:
        """Whether the access point sent it."""
        return self.sender == self.bssid

    @property
    def station(self) -> int:
        """The end that is not the access point; a group address for what the access point sends to all."""
        return self.receiver if self.by_ap else self.sender

    @property
    def null(self) -> bool:
        """Whether it is data without content."""
        return self.kind >> 4 == 2 and bool(self.kind & 4)

    @property
    def protected(self) -> bool:
        """Whether its content is encrypted."""
        return bool(self.flags & k.FC_PROTECTED)


class Witness:
    """Turns what was heard into quotations of one capture; ``acks`` are the acknowledgements in all of it, ``voices``
    those whom the sniffer heard at all; ``retries`` tells that senders in it try again what was not acknowledged."""

    def __init__(self, source: str, acks: int, voices: Container[int], *, retries: bool) -> None:
        self.source = source
        self.acks = acks
        self.retries = retries
        self._voices = voices

    def hears(self, address: int) -> bool:
        """Whether silence of this station or access point means anything."""
        return self.acks > 0 and address in self._voices

    def acked(self, heard: Heard) -> bool | None:
        """As :mod:`~halfopen.diagnose.radio` has it."""
        return heard.acked if heard.answerable and self.hears(heard.receiver) else None

    def text(self, heard: Heard) -> str:
        """The frame as one line."""
        what = heard.detail or NAMES.get(heard.kind, f"frame type {heard.kind:#04x}")
        ack = {True: ", acked", False: ", not acked", None: ""}[self.acked(heard)]
        return f"{mac(heard.sender)} → {mac(heard.receiver)} {what}{ack}"

    def ref(self, heard: Heard) -> FrameRef:
        """The frame as a quotation."""
        return FrameRef(heard.frame, heard.time / NS, self.text(heard))

    def where(self, heard: Heard) -> Provenance:
        """The frame as a place."""
        return Provenance(self.source, None, heard.frame, self.text(heard))

    def at(self, heard: Heard) -> Moment:
        """The frame's time."""
        return Moment(host=heard.time / NS)
