"""What a capture of IP traffic shows, as facts: conversations, lookups, leases, hosts.

Packets stay columns in the kernel; only what is worth quoting becomes a :class:`FrameRef`, and each list is
bounded (``FRAMES_KEPT``), so that memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, overload

from msgspec import Struct, field

from halfopen.diagnose.events import Event
from halfopen.kernel import layout as k
from halfopen.kernel.quoting import Bounded

#: How many frames of one kind a conversation quotes: the first half and the last half of what was seen.
FRAMES_KEPT = k.KEPT

Side = Literal["client", "server"]


class FrameRef(Struct, eq=False, gc=False):
    """One frame worth quoting: number from 1 in its own file, seconds on the capture's clock, and a one-line rendering.

    Once captures are on one clock, ``time`` is on the clock of the first of them: it may differ from what the file says.
    Instead of the line may be given what a function makes it of, and that: of the many frames that may be quoted few are.
    Not to be changed once made.
    """

    frame: int
    time: float
    _line: Any
    _write: Callable[[Any], str] | None = None

    @property
    def text(self) -> str:
        """The rendering."""
        if self._write is not None:
            self._line, self._write = self._write(self._line), None
        text: str = self._line
        return text

    def retimed(self, time: float) -> FrameRef:
        """The same frame at another time."""
        return FrameRef(self.frame, time, self._line, self._write)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FrameRef):
            return NotImplemented
        return (self.frame, self.time, self.text) == (other.frame, other.time, other.text)

    def __hash__(self) -> int:
        return hash((self.frame, self.time, self.text))

    def __repr__(self) -> str:
        return f"FrameRef(frame={self.frame!r}, time={self.time!r}, text={self.text!r})"


class FrameRefs(Sequence[FrameRef]):
    """Frames worth quoting that are made when somebody looks: of the many lists of a capture few are looked into.

    Like a tuple otherwise. ``make`` is called once with each of ``kept``, which must not change any more.
    """

    __slots__ = ("_kept", "_made", "_make")

    def __init__(self, kept: Bounded | list[Any], make: Callable[[Any], FrameRef]) -> None:
        self._kept = kept
        self._make = make
        self._made: tuple[FrameRef, ...] | None = None

    @property
    def made(self) -> tuple[FrameRef, ...]:
        """The frames."""
        if self._made is None:
            self._made = tuple(map(self._make, self._kept))
        return self._made

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> FrameRef: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[FrameRef, ...]: ...

    def __getitem__(self, index: int | slice) -> FrameRef | tuple[FrameRef, ...]:
        return self.made[index]

    def __iter__(self) -> Iterator[FrameRef]:
        return iter(self.made)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrameRefs):
            return self.made == other.made
        return self.made == other

    def __hash__(self) -> int:
        return hash(self.made)

    def __repr__(self) -> str:
        return repr(self.made)


class Endpoint(Struct, frozen=True, gc=False):
    """One end of a conversation; ``mac`` is ``""`` on links without one (raw IP)."""

    ip: str
    port: int
    mac: str = ""


class RetransmissionRun(Struct, frozen=True):
    """The same data sent again and again by one side.

    ``frames`` are the retransmissions (not the original); ``count`` is their true number; ``answered`` is the
    frame that acknowledged the data at last, ``None`` when nothing did; ``kind`` tells SYN, data and FIN apart.
    """

    by: Side
    kind: Literal["syn", "data", "fin"]
    original: FrameRef
    frames: Sequence[FrameRef]
    count: int
    answered: FrameRef | None


class ProbeRun(Struct, frozen=True):
    """Consecutive keepalive probes by one side without any other data from it in between.

    ``interval_s`` is the median gap between probes (``None`` for a single one), ``idle_s`` the silence before
    the first. ``answers`` counts acknowledgements; ``answered`` is the last of them.
    """

    by: Side
    frames: Sequence[FrameRef]
    count: int
    answers: int
    answered: FrameRef | None
    idle_s: float
    interval_s: float | None


class ZeroWindowRun(Struct, frozen=True):
    """A stretch in which one side (``by``) advertised window 0; ``probes`` are the other side's window probes.

    Linux probes with what looks like a keepalive: into a zero window that counts here, not as a keepalive.
    ``frames`` (``count`` in truth) are advertisements and probes, ``answers`` the probes answered. ``reopened`` is
    the frame that advertised a window again, ``None`` when it never did in this capture.
    """

    by: Side
    frames: Sequence[FrameRef]
    count: int
    probes: int
    answers: int
    reopened: FrameRef | None


class SideSeen(Struct, frozen=True):
    """What one side of a conversation did. Times in seconds on the capture's clock, windows in bytes (scaled
    where the handshake was seen), payload in bytes without what was sent again. ``window_*`` leave RSTs out, whose
    window means nothing; ``rst_window`` is the last RST's, unscaled. ``unacked`` is payload never acknowledged;
    ``isn`` is the initial sequence number where the SYN was seen: it tells conversations on the same ports apart."""

    packets: int = 0
    payload: int = 0
    first: FrameRef | None = None
    last: FrameRef | None = None
    last_payload: FrameRef | None = None
    syn: FrameRef | None = None
    syns: int = 0
    fin: FrameRef | None = None
    rst: FrameRef | None = None
    rsts: int = 0
    rst_window: int | None = None
    retransmissions: int = 0
    keepalives: int = 0
    zero_windows: int = 0
    window_first: int | None = None
    window_last: int | None = None
    window_min: int | None = None
    window_max: int | None = None
    mss: int | None = None
    window_scale: int | None = None
    unacked: int = 0
    isn: int | None = None


class FlowObserved(Event, frozen=True):
    """One TCP conversation: one incarnation of a 4-tuple.

    ``client`` is who sent the SYN; where no SYN was seen, the side with the higher port. ``established`` is the
    frame that completed the handshake (the client's ACK, or the first frame of a conversation older than the
    capture).
    ``previous`` is the ordinal of an earlier conversation with the same 4-tuple. ``longest_silence`` is the
    longest gap between two frames of the conversation, as the frames before and after it.
    """

    ordinal: int
    client: Endpoint
    server: Endpoint
    from_client: SideSeen
    from_server: SideSeen
    established: FrameRef | None
    previous: int | None = None
    retransmission_runs: tuple[RetransmissionRun, ...] = ()
    probe_runs: tuple[ProbeRun, ...] = ()
    zero_window_runs: tuple[ZeroWindowRun, ...] = ()
    longest_silence: tuple[FrameRef, FrameRef] | None = None
    unreachable: tuple[FrameRef, ...] = ()

    def side(self, side: Side) -> SideSeen:
        """What ``side`` did."""
        return self.from_client if side == "client" else self.from_server

    @property
    def end(self) -> Literal["open", "fin", "rst", "refused", "unanswered"]:
        """How it stood when the capture ended (``fin``: both sides closed)."""
        if self.established is None and self.from_server.rst is not None:
            return "refused"
        if self.established is None and self.from_server.packets == 0:
            return "unanswered"
        if self.from_client.rst is not None or self.from_server.rst is not None:
            return "rst"
        if self.from_client.fin is not None and self.from_server.fin is not None:
            return "fin"
        return "open"


class ArpObserved(Event, frozen=True):
    """Requests of one host for one address and how many were answered. An announcement (asking for oneself) is
    not counted. ``mute`` is the longest stretch of requests without an answer: its first frames and the last, of
    ``mute_count`` in truth."""

    asker_mac: str
    asker_ip: str
    target_ip: str
    asked: int
    answered: int
    frames: Sequence[FrameRef]
    mute: Sequence[FrameRef] = ()
    mute_count: int = 0


class PingObserved(Event, frozen=True):
    """ICMP echo between two hosts: requests, replies, and frames of both."""

    asker_ip: str
    target_ip: str
    asked: int
    answered: int
    frames: Sequence[FrameRef]
    last_answer: FrameRef | None = None


class LeaseObserved(Event, frozen=True):
    """The DHCP exchanges of one client; each list holds the frames of one message type."""

    mac: str
    hostname: str
    ip: str
    discovers: tuple[FrameRef, ...] = ()
    offers: tuple[FrameRef, ...] = ()
    requests: tuple[FrameRef, ...] = ()
    acks: tuple[FrameRef, ...] = ()
    naks: tuple[FrameRef, ...] = ()


class LookupObserved(Event, frozen=True):
    """DNS queries of one host to one server: how many were answered, how many refused (rcode ≠ 0). ``mute`` is the
    longest stretch of queries without an answer: its first frames and the last, of ``mute_count`` in truth."""

    asker_ip: str
    server_ip: str
    asked: int
    answered: int
    refused: int
    names: tuple[str, ...]
    frames: Sequence[FrameRef]
    mute: Sequence[FrameRef] = ()
    mute_count: int = 0


class HostObserved(Event, frozen=True):
    """One host of the capture and what marks it.

    ``lwip`` holds the frames that carry the marks of Espressif's lwIP: an RST with window 32790, or a SYN with
    MSS 1440 and window 5760 or 5744 without window scaling. ``announced`` are ARP announcements and DHCP, signs
    that the interface (re)started.
    """

    mac: str
    ips: tuple[str, ...]
    hostname: str = ""
    packets: int = 0
    lwip: tuple[FrameRef, ...] = ()
    announced: tuple[FrameRef, ...] = ()


class CaptureObserved(Event, frozen=True):
    """The capture as a whole: link types by name, frames, first and last time, frames cut by the snap length,
    and frames that carry 802.11 (read by the air source, not here)."""

    link_types: tuple[str, ...]
    frames: int
    started: float
    ended: float
    truncated: int = 0
    wireless: int = 0
    notes: tuple[str, ...] = field(default=())
