# cython: language_level=3, annotation_typing=False, wraparound=False, boundscheck=False, initializedcheck=False, cdivision=True
"""What is remembered of 802.11 frames while they pass: who was heard, what was acknowledged, who talked with whom.

Objects here are what ``sources.air`` and its neighbours make facts of in the end. Compiled they are structures, and the
frames that make up the bulk (data, acknowledgements, beacons) pass without asking Python for anything.
"""

from __future__ import annotations

from array import array
from typing import Any

from halfopen.kernel import layout as k
from halfopen.kernel import protocol as p
from halfopen.kernel.unsealing import Lock, Ring


class Heard:
    """A frame and its retries: number and nanoseconds of the first, ``tried`` of the last.

    ``tid`` counts its sequence number; ``size`` is in octets as captured; ``unasked`` that no acknowledgement is due.
    ``detail`` is what to print instead of the name of the frame type; ``turn`` that its sender falls asleep
    (``TURN_DOZING``) or wakes up (``TURN_AWAKE``) with it.
    """

    def __init__(self) -> None:
        self.frame = 0
        self.time = 0
        self.kind = 0
        self.flags = 0
        self.receiver = -1
        self.sender = -1
        self.bssid = -1
        self.sequence = -1
        self.tried = 0
        self.tid = k.W_NO_TID
        self.size = 0
        self.unasked = False
        self.acked = False
        self.turn = 0
        self.detail = ""

    @property
    def group(self) -> bool:
        """Whether it is for several stations, so that nobody acknowledges it."""
        return self.receiver & p.GROUP_BIT != 0

    @property
    def answerable(self) -> bool:
        """Whether its receiver has to acknowledge it."""
        return self.receiver & p.GROUP_BIT == 0 and not self.unasked

    @property
    def retried(self) -> bool:
        """Whether its sender tried it again, so that it cannot have heard an acknowledgement of the first try."""
        return self.tried > self.time or self.flags & k.FC_RETRY != 0

    @property
    def by_ap(self) -> bool:
        """Whether the access point sent it."""
        return self.sender == self.bssid

    @property
    def station(self) -> int:
        """The end that is not the access point; a group address for what the access point sends to all."""
        return self.receiver if self.sender == self.bssid else self.sender

    @property
    def null(self) -> bool:
        """Whether it is data without content."""
        return self.kind >> 4 == p.DATA and self.kind & 4 != 0

    @property
    def protected(self) -> bool:
        """Whether its content is encrypted."""
        return self.flags & k.FC_PROTECTED != 0


class Run:
    """Frames without acknowledgement, one after the other; ``answered`` counts frames the other way that were
    acknowledged meanwhile."""

    def __init__(self, first: Heard) -> None:
        self.first = first
        self.last = first
        self.resumed: Heard | None = None
        self.count = 0
        self.nulls = 0
        self.farewells = 0
        self.retried = 0
        self.answered = 0


class Direction:
    """What one side of a link sends to the other. ``oldest`` may still be acknowledged, as may those in ``open`` from
    ``head`` on, which were sent after it: mostly there are none."""

    def __init__(self, runs: Any) -> None:
        self.oldest: Heard | None = None
        self.open: list[Heard] = []
        self.head = 0
        self.run: Run | None = None
        self.runs = runs
        self.settled = 0
        self.missed = 0


class Link:
    """One station at one access point. ``spoke`` is when the station last sent anything to it, ``reached`` when it last
    sent what was acknowledged, in nanoseconds (``NEVER``). ``noted`` says who wants to know of its data (``NOTED_*``);
    ``lock`` opens those that are sealed."""

    def __init__(self, station: int, bssid: int, polls: Any, by_station: Direction, by_ap: Direction) -> None:
        self.station = station
        self.bssid = bssid
        self.spoke = k.NEVER
        self.reached = k.NEVER
        self.noted = 0
        self.lock: Lock | None = None
        self.polls = polls
        self.by_station = by_station
        self.by_ap = by_ap


class Station:
    """What one station sent. ``since`` is when its power management bit was last seen, in nanoseconds (``NEVER``);
    ``signals`` counts its frames by dBm + 128."""

    def __init__(self, first: Heard, turns: Any) -> None:
        self.first = first
        self.last = first
        self.turns = turns
        self.aps: dict[int, None] = {}
        self.signals: array[int] = array("q", bytes(8 * 256))
        self.sent = 0
        self.dozes = 0
        self.dozing = False
        self.since = k.NEVER
        self.dozed = 0
        self.watched = 0
        self.retried = 0
        self.talked_first: Heard | None = None
        self.talked_last: Heard | None = None


class Cell:
    """One access point's beacons. ``numbers`` are the association identifiers of its stations; ``waits`` that frames
    wait for one of them; ``offer`` is what its last beacon without known encryption looked like (size, capabilities), -1
    when its encryption is known."""

    def __init__(self, first: Heard, interval: int, gaps: Any, restarts: Any) -> None:
        self.first = first
        self.last = first
        self.interval = interval
        self.gaps = gaps
        self.restarts = restarts
        self.detail = ""
        self.tsf = 0
        self.dtim = 0
        self.count = 0
        self.waits = False
        self.offer = 0
        self.numbers: array[int] = array("q")
        self.signals: array[int] = array("q", bytes(8 * 256))


class Party:
    """An address that sends or is sent to: whether it was ever heard, how many frames were for it, its ``newest`` frame that
    waits for acknowledgement and those before it, and by TID its last frames (``KNOWN`` at most), whose retries are known by them.
    ``peer`` is whom it sent to last; ``ring`` opens what an access point sends to groups."""

    def __init__(self, address: int) -> None:
        self.address = address
        self.voiced = False
        self.spoken = 0
        self.newest: Heard | None = None
        self.awaiting: list[Heard] = []
        self.known: list[list[Heard] | None] | None = None
        self.peer: Party | None = None
        self.ring: Ring | None = None
        self.station: Station | None = None
        self.link: Link | None = None
        self.cell: Cell | None = None
