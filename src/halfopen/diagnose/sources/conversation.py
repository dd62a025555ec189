"""One TCP conversation while it is read: the few frames worth quoting, and the runs that they make.

Frames are kept as numbers while the capture is read and rendered at the end, when it is known whether the
handshake was seen: the same frame reads the same however the bytes were split.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeVar

from halfopen.diagnose.sources.bounded import Bounded, Quota
from halfopen.diagnose.traffic import FRAMES_KEPT, FrameRef
from halfopen.kernel import layout as k


class Quoted(NamedTuple):
    """The numbers of one frame, in the order in which the kernel keeps them."""

    frame: int
    time: int
    seq: int
    ack: int
    shape: int
    bits: int
    side: int

    @property
    def flags(self) -> int:
        """TCP flags."""
        return self.shape & 0xFF

    @property
    def window(self) -> int:
        """The advertised window, unscaled."""
        return self.shape >> 8 & 0xFFFF

    @property
    def payload(self) -> int:
        """Bytes of payload on the wire."""
        return self.shape >> 24


class Resending:
    """A retransmission run in the making."""

    __slots__ = ("answered", "end", "frames", "kind", "original", "seq", "side")

    def __init__(self, original: Quoted, resent: Quoted, quota: Quota) -> None:
        self.side = resent.side
        self.seq = resent.seq
        self.original = original
        self.kind: Literal["syn", "data", "fin"] = "data"
        self.end = resent.seq
        self.frames: Bounded[Quoted] = Bounded(quota)
        self.answered: Quoted | None = None

    def add(self, resent: Quoted) -> None:
        """One more retransmission of the run; it may carry more than the last, or a FIN besides."""
        flags = resent.flags
        if flags & k.TCP_SYN:
            self.kind = "syn"
        elif flags & k.TCP_FIN:
            self.kind = "fin"
        end = resent.seq + resent.payload + (1 if flags & (k.TCP_SYN | k.TCP_FIN) else 0)
        if reaches(end, self.end):
            self.end = end & 0xFFFFFFFF
        self.frames.add(resent)


class Probing:
    """A run of keepalive probes in the making."""

    __slots__ = ("answered", "answers", "ended", "frames", "gaps", "idle_ns", "side")

    def __init__(self, side: int, idle_ns: int, quota: Quota) -> None:
        self.side = side
        self.idle_ns = idle_ns
        self.frames: Bounded[Quoted] = Bounded(quota)
        self.gaps: list[int] = []
        self.answers = 0
        self.answered: Quoted | None = None
        self.ended = False

    def add(self, probe: Quoted) -> None:
        """One more probe of the run."""
        last = self.frames.newest
        if last is not None and len(self.gaps) < FRAMES_KEPT:
            self.gaps.append(probe.time - last.time)
        self.frames.add(probe)


class Starving:
    """A stretch of zero window in the making; ``side`` is the one that advertises it."""

    __slots__ = ("answers", "asked", "frames", "probes", "reopened", "side")

    def __init__(self, side: int, quota: Quota) -> None:
        self.side = side
        self.frames: Bounded[Quoted] = Bounded(quota)
        self.probes = 0
        self.answers = 0
        self.asked = False
        self.reopened: Quoted | None = None


def reaches(ack: int, end: int) -> bool:
    """Whether sequence number ``ack`` is ``end`` or later."""
    return (ack - end) & 0xFFFFFFFF < 0x80000000


Run = TypeVar("Run", Resending, Probing, Starving)


def keep(runs: list[Run], run: Run, quota: Quota) -> Run | None:
    """Add a run; the first half and the last half of too many are kept, and fewer once the quota is spent. Returns the
    run that had to go."""
    dropped = None
    if len(runs) >= FRAMES_KEPT or (runs and quota.left <= 0):
        dropped = runs.pop(len(runs) // 2)
        quota.left += len(dropped.frames)
    runs.append(run)
    return dropped


class Conversation:
    """What is worth quoting of one TCP conversation while the capture is read."""

    __slots__ = (
        "_quota",
        "_unanswered",
        "established",
        "fins",
        "ordinal",
        "previous",
        "probings",
        "resendings",
        "resets",
        "slot",
        "starvings",
        "syns",
        "unreachable",
    )

    def __init__(self, slot: int, ordinal: int, previous: int | None, quota: Quota) -> None:
        self._quota = quota
        self.slot = slot
        self.ordinal = ordinal
        self.previous = previous
        self.established: Quoted | None = None
        self.syns: list[Quoted | None] = [None, None]
        self.fins: list[Quoted | None] = [None, None]
        self.resets: list[Quoted | None] = [None, None]
        self.resendings: list[Resending] = []
        self._unanswered: list[Resending] = []  # those of them that wait for an acknowledgement
        self.probings: list[Probing] = []
        self.starvings: list[Starving] = []
        self.unreachable: Bounded[FrameRef] = Bounded(quota)

    def release(self) -> None:
        """Give back to the quota what this conversation kept."""
        lists = [run.frames for run in self.resendings] + [run.frames for run in self.probings]
        lists += [run.frames for run in self.starvings]
        self._quota.left += sum(map(len, lists))
        self._quota.left += len(self.unreachable)

    @property
    def boring(self) -> bool:
        """Ended in an orderly way and never showed anything but data."""
        ended = all(self.fins) or any(self.resets)
        return ended and not (self.resendings or self.probings or self.starvings or self.unreachable.count)

    def see(self, quoted: Quoted, gap_ns: int, original: Quoted | None) -> None:
        """Take a notable frame after ``gap_ns`` of silence; ``original`` is what it repeats, if known."""
        side, bits, flags = quoted.side, quoted.bits, quoted.flags
        if bits & k.B_ESTABLISHED:
            self.established = quoted
        if flags & (k.TCP_SYN | k.TCP_FIN | k.TCP_RST):
            for mask, firsts in ((k.TCP_SYN, self.syns), (k.TCP_FIN, self.fins), (k.TCP_RST, self.resets)):
                if flags & mask and firsts[side] is None:
                    firsts[side] = quoted
        if bits & k.B_ACKS_RESENT:
            for resending in tuple(self._unanswered):
                if resending.side != side and reaches(quoted.ack, resending.end):
                    resending.answered = quoted
                    self._unanswered.remove(resending)
        if bits & k.B_RESENT:
            self._resent(quoted, original)
        if bits & k.B_ANSWERS_PROBE:
            probing = self._probing(1 - side)
            if probing is not None:
                probing.answers += 1
                probing.answered = quoted
        if bits & k.B_SPEAKS:
            probing = self._probing(side)
            if probing is not None:
                probing.ended = True
        if bits & k.B_KEEPALIVE and not bits & k.B_PROBES_ZERO:
            probing = self._probing(side)
            if probing is None:
                probing = Probing(side, max(gap_ns, 0), self._quota)
                keep(self.probings, probing, self._quota)
            probing.add(quoted)
        if bits & (k.B_ZERO_WINDOW | k.B_PROBES_ZERO | k.B_REOPENED):
            self._starved(quoted)

    def _resent(self, quoted: Quoted, original: Quoted | None) -> None:
        for resending in reversed(self._unanswered):
            if resending.side == quoted.side and resending.seq == quoted.seq:
                resending.add(quoted)
                return
        resending = Resending(original or quoted, quoted, self._quota)
        resending.add(quoted)
        dropped = keep(self.resendings, resending, self._quota)
        if dropped in self._unanswered:
            self._unanswered.remove(dropped)
        self._unanswered.append(resending)

    def _probing(self, side: int) -> Probing | None:
        """The run of probes that ``side`` is in."""
        for probing in reversed(self.probings):
            if probing.side == side:
                return None if probing.ended else probing
        return None

    def _starving(self, side: int) -> Starving | None:
        """The zero-window stretch that ``side`` is in."""
        for starving in reversed(self.starvings):
            if starving.side == side:
                return None if starving.reopened else starving
        return None

    def _starved(self, quoted: Quoted) -> None:
        side, bits = quoted.side, quoted.bits
        if bits & k.B_PROBES_ZERO:
            starving = self._starving(1 - side)
            if starving is not None:
                starving.probes += 1
                starving.asked = True
                starving.frames.add(quoted)
        starving = self._starving(side)
        if bits & k.B_ZERO_WINDOW:
            if starving is None:
                starving = Starving(side, self._quota)
                keep(self.starvings, starving, self._quota)
            if not bits & k.B_PROBES_ZERO or self._starving(1 - side) is None:
                starving.frames.add(quoted)
        elif bits & k.B_REOPENED and starving is not None:
            starving.reopened = quoted
        if bits & (k.B_ZERO_WINDOW | k.B_REOPENED) and starving is not None:
            starving.answers += starving.asked
            starving.asked = False
